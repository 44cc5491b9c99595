"""The tables of an authority: parties, messages and cases, what was stated and shared, complaints, inspections, clerks.

They have a version of their own and never stand in an operator's database.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from countenance.store.database import Schema
from countenance.store.tables import instant
from countenance.store.tables import metadata as operators

REGISTER: Final = Schema(Path(__file__).with_name("migrations"), "register_version")

metadata = MetaData(naming_convention=operators.naming_convention)

#: An operator that is paired: the key that is pinned, who it says it is, and its log.
party = Table(
    "party",
    metadata,
    Column("party_id", Text, primary_key=True),
    Column("key_name", Text, nullable=False),
    Column("vkey", Text, nullable=False),
    Column("organisation", JSONB, nullable=False),
    Column("group_name", Text),
    Column("log_vkey", Text),
    Column("log_url", Text),
    Column("paired_at", instant(), nullable=False),
    Column("refused", BigInteger, nullable=False, server_default="0"),
    Column("refused_at", instant()),
    UniqueConstraint("key_name"),
)

#: A pairing code by its name; the secret is derived from a key in a file and stands nowhere.
pairing_code = Table(
    "pairing_code",
    metadata,
    Column("code_id", Text, primary_key=True),
    Column("made_at", instant(), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("expires_at", instant(), nullable=False),
    Column("for_party", Text),
    Column("used_by", Text),
    Column("used_vkey", Text),
    Column("used_at", instant()),
    ForeignKeyConstraint(["for_party"], ["party.party_id"]),
    ForeignKeyConstraint(["used_by"], ["party.party_id"]),
)

#: What was said, in both directions, as it was signed; numbered for each party from one.
message = Table(
    "message",
    metadata,
    Column("party_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("ours", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", instant(), nullable=False),
    Column("received_at", instant(), nullable=False),
    Column("complete_at", instant()),
    Column("note", LargeBinary, nullable=False),
    Column("by", Text),
    Column("case_id", BigInteger),
    PrimaryKeyConstraint("party_id", "number"),
    UniqueConstraint("party_id", "message_id"),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
    ForeignKeyConstraint(["case_id"], ["case_file.case_id"]),
    Index(None, "case_id"),
)

#: A file that a message names.
attached = Table(
    "attached",
    metadata,
    Column("party_id", Text, nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("place", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    PrimaryKeyConstraint("party_id", "message_id", "place"),
    ForeignKeyConstraint(["party_id", "message_id"], ["message.party_id", "message.message_id"]),
    Index(None, "sha256"),
)

#: A file that has come, from each party that named it: who names a digest does not learn whether another sent it.
attachment = Table(
    "attachment",
    metadata,
    Column("party_id", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("party_id", "sha256"),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
)

#: A filing and how it stands. `deadline` is the day that the operator named; ours is computed when it is read.
#: `raised_on` is the day that the filing names, or the earlier one on which the party's statements reached the line.
case_file = Table(
    "case_file",
    metadata,
    Column("case_id", BigInteger, Identity(always=True), primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("number", Text),
    Column("cause", Text),
    Column("raised_on", Date),
    Column("deadline", Date),
    Column("persons", JSONB, nullable=False),
    Column("filed_at", instant(), nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    Column("snapshot", JSONB, nullable=False),
    Column("devices", JSONB, nullable=False),
    Column("decided_on", Date),
    Column("decided_by", Text),
    Column("devices_unread", Boolean, nullable=False, server_default="false"),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
    CheckConstraint("act IN ('first', 'change', 'deregistration')", name="act"),
    CheckConstraint("state IN ('received', 'asked', 'accepted', 'returned')", name="state"),
    Index(None, "party_id", "pack"),
    # A number stands for one filing and its changes; so for one first filing.
    Index("uq_case_file_number", "number", unique=True, postgresql_where="act = 'first'"),
)

#: What a party stated for a day; the latest statement of a day stands.
stated = Table(
    "stated",
    metadata,
    Column("party_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("at", instant(), nullable=False),
    Column("lower", BigInteger, nullable=False),
    Column("upper", BigInteger, nullable=False),
    Column("highest", BigInteger, nullable=False),
    Column("cumulative", BigInteger, nullable=False),
    Column("said", JSONB, nullable=False),
    Column("message_id", LargeBinary, nullable=False),
    PrimaryKeyConstraint("party_id", "day"),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
)

#: The newest sketch of each member of a group.
share = Table(
    "share",
    metadata,
    Column("group_name", Text, nullable=False),
    Column("party_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("persons", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("group_name", "party_id"),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
)

complaint = Table(
    "complaint",
    metadata,
    Column("complaint_id", BigInteger, Identity(always=True), primary_key=True),
    Column("public_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("at", instant(), nullable=False),
    Column("party_id", Text),
    Column("about", Text, nullable=False),
    Column("said", Text, nullable=False),
    Column("contact", Text),
    Column("answer", Text),
    Column("answered_at", instant()),
    Column("answered_by", Text),
    UniqueConstraint("public_id"),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
    Index(None, "at"),
)

inspection = Table(
    "inspection",
    metadata,
    Column("inspection_id", BigInteger, Identity(always=True), primary_key=True),
    Column("party_id", Text, nullable=False),
    Column("order_text", Text, nullable=False),
    Column("opened_at", instant(), nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("done_at", instant()),
    Column("origin", Text),
    Column("size", BigInteger),
    Column("findings", JSONB, nullable=False),
    ForeignKeyConstraint(["party_id"], ["party.party_id"]),
    Index(None, "party_id"),
)

clerk = Table(
    "clerk",
    metadata,
    Column("name", Text, primary_key=True),
    Column("password", Text, nullable=False),
    Column("must_choose", Boolean, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("waits_until", instant()),
)

clerk_session = Table(
    "clerk_session",
    metadata,
    Column("public_id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("ends_at", instant(), nullable=False),
    ForeignKeyConstraint(["name"], ["clerk.name"]),
)

#: How often something was refused that came in nobody's name: by day and kind.
refusal = Table(
    "refusal",
    metadata,
    Column("day", Date, nullable=False),
    Column("kind", Text, nullable=False),
    Column("many", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "kind"),
)
