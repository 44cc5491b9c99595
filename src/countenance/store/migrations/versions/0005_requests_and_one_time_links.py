"""Requests of subjects, one-time links."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "request",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("about_record", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_text", sa.LargeBinary(), nullable=True),
        sa.Column("overdue_recorded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("sealed_answer", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('access', 'correct', 'complain', 'human_review', 'erase')", name=op.f("ck_request_kind")
        ),
        sa.CheckConstraint("outcome IN ('granted', 'refused', 'partly')", name=op.f("ck_request_outcome")),
        sa.CheckConstraint(
            "outcome IS NULL OR (closed_at IS NOT NULL AND answered_by IS NOT NULL)",
            name=op.f("ck_request_answered_closed"),
        ),
        sa.CheckConstraint(
            "subject_id IS NOT NULL OR (closed_at IS NOT NULL AND wrapped IS NULL AND sealed_text IS NULL "
            "AND sealed_answer IS NULL)",
            name=op.f("ck_request_forgotten_closed"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "about_record"],
            ["record.operator_id", "record.record_id"],
            name=op.f("fk_request_operator_id_about_record"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "purpose"],
            ["purpose.operator_id", "purpose.code"],
            name=op.f("fk_request_operator_id_purpose"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "subject_id"],
            ["subject.operator_id", "subject.subject_id"],
            name=op.f("fk_request_operator_id_subject_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "request_id", name=op.f("pk_request")),
    )
    op.create_index(op.f("ix_request_operator_id_due_at"), "request", ["operator_id", "due_at"], unique=False)
    op.create_index(op.f("ix_request_operator_id_subject_id"), "request", ["operator_id", "subject_id"], unique=False)
    op.create_table(
        "link",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "subject_id"],
            ["subject.operator_id", "subject.subject_id"],
            name=op.f("fk_link_operator_id_subject_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "digest", name=op.f("pk_link")),
        sa.UniqueConstraint("digest", name=op.f("uq_link_digest")),
    )
    op.create_index(op.f("ix_link_operator_id_subject_id"), "link", ["operator_id", "subject_id"], unique=False)
