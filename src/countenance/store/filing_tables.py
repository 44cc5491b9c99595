"""The table of duties to file: one row for each operator and pack, written when a line was first reached."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, Table, Text

from countenance.store.tables import instant, metadata

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
