"""The tables of what subjects ask for, and of the one-time links by which they come.

A person wrote the text of a request: it rests sealed under a key of its own, and goes with the subject.
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

from countenance.store.tables import instant, metadata

request = Table(
    "request",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("request_id", Uuid, nullable=False),
    Column("subject_id", Uuid),
    Column("kind", Text, nullable=False),
    Column("purpose", Text),
    Column("about_record", Uuid),
    Column("opened_at", instant(), nullable=False),
    Column("due_at", instant(), nullable=False),
    Column("wrapped", LargeBinary),
    Column("sealed_text", LargeBinary),
    Column("overdue_recorded_at", instant()),
    Column("closed_at", instant()),
    Column("answered_by", Text),
    Column("outcome", Text),
    Column("sealed_answer", LargeBinary),
    PrimaryKeyConstraint("operator_id", "request_id"),
    ForeignKeyConstraint(["operator_id", "subject_id"], ["subject.operator_id", "subject.subject_id"]),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
    ForeignKeyConstraint(["operator_id", "about_record"], ["record.operator_id", "record.record_id"]),
    CheckConstraint("kind IN ('access', 'correct', 'complain', 'human_review', 'erase')", name="kind"),
    CheckConstraint("outcome IN ('granted', 'refused', 'partly')", name="outcome"),
    CheckConstraint("outcome IS NULL OR (closed_at IS NOT NULL AND answered_by IS NOT NULL)", name="answered_closed"),
    CheckConstraint(
        "subject_id IS NOT NULL OR (closed_at IS NOT NULL AND wrapped IS NULL AND sealed_text IS NULL "
        "AND sealed_answer IS NULL)",
        name="forgotten_closed",
    ),
    Index(None, "operator_id", "due_at"),
    Index(None, "operator_id", "subject_id"),
)

link = Table(
    "link",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("issued_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "digest"),
    UniqueConstraint("digest"),
    ForeignKeyConstraint(["operator_id", "subject_id"], ["subject.operator_id", "subject.subject_id"]),
    Index(None, "operator_id", "subject_id"),
)
