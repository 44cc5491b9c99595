"""The tables of the count: how many persons something is stored of, day by day, and who left while backups remember."""

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
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from countenance.store.tables import instant, metadata

#: The running count of an operator; whoever adds the first of a person or destroys the last changes it in the same
#: transaction. `next_mark` is the number at which somebody has to look again, and only until `looked_until`; `near`
#: says that a line is near. A backup that can be restored until `backups_until` holds whoever leaves from now on.
person_count = Table(
    "person_count",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("persons", Integer, nullable=False),
    Column("in_backups", Integer, nullable=False),
    Column("elsewhere", Integer, nullable=False),
    Column("highest", Integer, nullable=False),
    Column("highest_ever", Integer, nullable=False),
    Column("cumulative", BigInteger, nullable=False),
    Column("backups_until", instant()),
    Column("next_mark", Integer),
    Column("looked_until", instant()),
    Column("near", Boolean, nullable=False),
    Column("return_key", LargeBinary),
    Column("stated_on", Date),
    Column("stated_record", Uuid),
    Column("restored_at", instant()),
    Column("differed_at", instant()),
    PrimaryKeyConstraint("operator_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("persons >= 0 AND in_backups >= 0 AND elsewhere >= 0", name="counted"),
)

#: One row for each day, in the law's place, on which somebody came or left, or the count was looked at.
person_day = Table(
    "person_day",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("arrived", Integer, nullable=False),
    Column("departed", Integer, nullable=False),
    Column("lowest", Integer, nullable=False),
    Column("highest", Integer, nullable=False),
    Column("last", Integer, nullable=False),
    Column("upper", Integer, nullable=False),
    PrimaryKeyConstraint("operator_id", "day"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

#: Who left, by pseudonym, for as long as a backup holds them (`held_until`).
departure = Table(
    "departure",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("at", instant(), nullable=False),
    Column("held_until", instant()),
    PrimaryKeyConstraint("operator_id", "number"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    Index(None, "operator_id", "subject_id"),
)

#: Under which identifiers persons left while the count stood near a line, and how many came back: a keyed hash of the
#: operator's word cut to 24 bits, by day, beside nothing that leads to a person or to a record.
departure_token = Table(
    "departure_token",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("token", Integer, nullable=False),
    Column("day", Date, nullable=False),
    Column("departed", Integer, nullable=False),
    Column("returned", Integer, nullable=False),
    PrimaryKeyConstraint("operator_id", "token", "day"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

#: A share of a line that the count reached, told once until it is filed.
count_warning = Table(
    "count_warning",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("percent", Integer, nullable=False),
    Column("at", instant(), nullable=False),
    Column("persons", Integer, nullable=False),
    PrimaryKeyConstraint("operator_id", "pack", "percent"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)
