"""The tables of the exchange with an authority: with whom an operator is paired, and what was said, both ways."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Identity,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from countenance.store.tables import instant, metadata

#: The authority that an operator is paired with: its key is pinned by the code it was paired with.
paired_authority = Table(
    "paired_authority",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("signs_by", Text, nullable=False),
    Column("party", Text, nullable=False),
    Column("paired_at", instant(), nullable=False),
    Column("collected", BigInteger, nullable=False),
    Column("heard_at", instant()),
    Column("trouble", Text),
    PrimaryKeyConstraint("operator_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

#: A message as the signed note it is. One that goes out waits until it is receipted whole, or refused.
exchanged = Table(
    "exchanged",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("outgoing", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", instant(), nullable=False),
    Column("note", LargeBinary, nullable=False),
    Column("about", LargeBinary),
    Column("receipted_at", instant()),
    Column("refused", Text),
    PrimaryKeyConstraint("operator_id", "number"),
    UniqueConstraint("operator_id", "message_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

#: The key under which a group's members make their sketches, sealed for the operator it was sent to.
group_key = Table(
    "group_key",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("group_name", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "group_name"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

#: What travels beside a message that goes out; gone once it has arrived.
enclosed = Table(
    "enclosed",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("operator_id", "message_id", "sha256"),
    ForeignKeyConstraint(["operator_id", "message_id"], ["exchanged.operator_id", "exchanged.message_id"]),
)
