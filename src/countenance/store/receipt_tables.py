"""The tables of receipts: what a person may come back with, and which use rests on which consent.

A receipt of a use is bound to its record alone. One of a consent is bound to the subject until that subject is erased;
then only the certificate is left, which names nobody.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from countenance.store.tables import instant, metadata

receipt = Table(
    "receipt",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("receipt_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("issued_at", instant(), nullable=False),
    Column("expires_at", instant()),
    Column("purpose", Text),
    Column("subject_id", Uuid),
    Column("event_id", Uuid),
    Column("record_id", Uuid),
    Column("certificate", JSONB(none_as_null=True)),
    PrimaryKeyConstraint("operator_id", "receipt_id"),
    UniqueConstraint("receipt_id"),
    UniqueConstraint("operator_id", "record_id"),
    ForeignKeyConstraint(["operator_id", "subject_id"], ["subject.operator_id", "subject.subject_id"]),
    ForeignKeyConstraint(["operator_id", "event_id"], ["consent_event.operator_id", "consent_event.event_id"]),
    ForeignKeyConstraint(["operator_id", "record_id"], ["record.operator_id", "record.record_id"]),
    CheckConstraint("kind IN ('consent', 'use')", name="kind"),
    CheckConstraint("kind = 'consent' OR (subject_id IS NULL AND event_id IS NULL)", name="use_unlinked"),
    CheckConstraint("kind = 'use' OR purpose IS NOT NULL", name="consent_purpose"),
    CheckConstraint("kind = 'use' OR subject_id IS NOT NULL OR certificate IS NOT NULL", name="certified"),
    CheckConstraint("(subject_id IS NULL) = (event_id IS NULL)", name="linked"),
    Index(None, "operator_id", "subject_id", "purpose"),
    Index(None, "operator_id", "expires_at"),
)

consent_use = Table(
    "consent_use",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("record_id", Uuid, nullable=False),
    PrimaryKeyConstraint("operator_id", "event_id", "record_id"),
    ForeignKeyConstraint(["operator_id", "event_id"], ["consent_event.operator_id", "consent_event.event_id"]),
    ForeignKeyConstraint(["operator_id", "record_id"], ["record.operator_id", "record.record_id"]),
)
