"""Receipts, and the uses listed under a consent by itself."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "receipt",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("certificate", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("kind IN ('consent', 'use')", name=op.f("ck_receipt_kind")),
        sa.CheckConstraint(
            "kind = 'consent' OR (subject_id IS NULL AND event_id IS NULL)", name=op.f("ck_receipt_use_unlinked")
        ),
        sa.CheckConstraint("kind = 'use' OR purpose IS NOT NULL", name=op.f("ck_receipt_consent_purpose")),
        sa.CheckConstraint(
            "kind = 'use' OR subject_id IS NOT NULL OR certificate IS NOT NULL", name=op.f("ck_receipt_certified")
        ),
        sa.CheckConstraint("(subject_id IS NULL) = (event_id IS NULL)", name=op.f("ck_receipt_linked")),
        sa.ForeignKeyConstraint(
            ["operator_id", "event_id"],
            ["consent_event.operator_id", "consent_event.event_id"],
            name=op.f("fk_receipt_operator_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "record_id"],
            ["record.operator_id", "record.record_id"],
            name=op.f("fk_receipt_operator_id_record_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "subject_id"],
            ["subject.operator_id", "subject.subject_id"],
            name=op.f("fk_receipt_operator_id_subject_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "receipt_id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("operator_id", "record_id", name=op.f("uq_receipt_operator_id_record_id")),
        sa.UniqueConstraint("receipt_id", name=op.f("uq_receipt_receipt_id")),
    )
    op.create_index(op.f("ix_receipt_operator_id_expires_at"), "receipt", ["operator_id", "expires_at"], unique=False)
    op.create_index(
        op.f("ix_receipt_operator_id_subject_id_purpose"),
        "receipt",
        ["operator_id", "subject_id", "purpose"],
        unique=False,
    )
    op.create_table(
        "consent_use",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "event_id"],
            ["consent_event.operator_id", "consent_event.event_id"],
            name=op.f("fk_consent_use_operator_id_event_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "record_id"],
            ["record.operator_id", "record.record_id"],
            name=op.f("fk_consent_use_operator_id_record_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "event_id", "record_id", name=op.f("pk_consent_use")),
    )
