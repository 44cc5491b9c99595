"""The tables of filing: duties that were raised, what was filed since, and what changed after it was."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from countenance.store.tables import instant, metadata

#: One row for each operator and pack, written when a line was first reached.
filing_duty = Table(
    "filing_duty",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("raised_at", instant(), nullable=False),
    Column("cause", Text, nullable=False),
    Column("persons", Integer, nullable=False),
    PrimaryKeyConstraint("operator_id", "pack"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("cause IN ('persons', 'public_place')", name="cause"),
)

#: What was filed, act by act: a number that the operator typed into its site file, or what an authority receipted.
#: `snapshot` is the part of the declaration whose later change is substantive; `number` is null until one was given.
filing_act = Table(
    "filing_act",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("act_id", Uuid, nullable=False),
    Column("pack", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("filed_at", instant(), nullable=False),
    Column("filed_on", Date, nullable=False),
    Column("number", Text),
    Column("persons", Integer, nullable=False),
    Column("snapshot", JSONB, nullable=False),
    Column("message_id", LargeBinary),
    Column("returned_at", instant()),
    PrimaryKeyConstraint("operator_id", "act_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("kind IN ('first', 'change', 'deregistration')", name="kind"),
    UniqueConstraint("operator_id", "message_id"),
)

#: What was noticed after a filing: a substantive change, or that use has stopped; open until it is filed or undone.
filing_change = Table(
    "filing_change",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("change_id", Uuid, nullable=False),
    Column("pack", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("raised_at", instant(), nullable=False),
    Column("fields", JSONB, nullable=False),
    Column("closed_at", instant()),
    Column("closed_by", Uuid),
    PrimaryKeyConstraint("operator_id", "change_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("kind IN ('change', 'deregistration')", name="kind"),
)
