"""The table of notices served: which version, in which language and variant, where and when; never to whom."""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from countenance.store.tables import instant, metadata

served = Table(
    "served",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("served_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("language", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("device_id", Text),
    Column("credential_id", Text, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "served_id"),
    ForeignKeyConstraint(
        ["operator_id", "purpose", "version"], ["notice.operator_id", "notice.purpose", "notice.version"]
    ),
    CheckConstraint("variant IN ('standard', 'large_type', 'read_aloud', 'plain_language')", name="variant"),
    Index(None, "operator_id", "at"),
)
