"""The table of challenges: what a person at a device was asked to do, until when, and whether it was used."""

from sqlalchemy import ARRAY, Column, ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table, Text, Uuid

from countenance.store.tables import instant, metadata

challenge = Table(
    "challenge",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("challenge_id", Uuid, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("turns", ARRAY(Text), nullable=False),
    Column("made_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False),
    Column("used_at", instant()),
    PrimaryKeyConstraint("operator_id", "challenge_id"),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
    ForeignKeyConstraint(["operator_id", "device_id"], ["device.operator_id", "device.device_id"]),
    Index(None, "operator_id", "expires_at"),
)
