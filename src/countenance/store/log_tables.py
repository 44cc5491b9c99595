"""The tables of the log: which logs there are, where each record stands in one, and what is to go in yet."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from countenance.store.tables import instant, metadata

#: One log of an operator: the newest one takes entries, until it is ended.
log = Table(
    "log",
    metadata,
    Column("log_id", Integer, Identity(always=True), nullable=False),
    Column("operator_id", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("origin", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("begun_at", instant(), nullable=False),
    Column("ended_at", instant()),
    PrimaryKeyConstraint("log_id"),
    UniqueConstraint("operator_id", "generation"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

#: An entry without a number is one whose record was lost in a restore; the log itself keeps it.
log_entry = Table(
    "log_entry",
    metadata,
    Column("log_id", Integer, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("number", BigInteger),
    PrimaryKeyConstraint("log_id", "log_index"),
    ForeignKeyConstraint(["log_id"], ["log.log_id"]),
    Index(None, "number", unique=True),
)

#: A record is written here in the transaction of its effect, and taken away in the one that puts it into the log.
log_pending = Table(
    "log_pending",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    PrimaryKeyConstraint("operator_id", "number"),
)
