"""Notices served, and guardians with their relation and what was looked at.

A guardian written down before is a text without a relation: it is kept, and no longer satisfies what asks for one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "served",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("served_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "variant IN ('standard', 'large_type', 'read_aloud', 'plain_language')", name=op.f("ck_served_variant")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "purpose", "version"],
            ["notice.operator_id", "notice.purpose", "notice.version"],
            name=op.f("fk_served_operator_id_purpose_version"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "served_id", name=op.f("pk_served")),
    )
    op.create_index(op.f("ix_served_operator_id_at"), "served", ["operator_id", "at"], unique=False)
    op.add_column("consent_event", sa.Column("served_id", sa.Uuid(), nullable=True))
    op.add_column("consent_event", sa.Column("evidence_digest", sa.LargeBinary(), nullable=True))
    op.add_column("consent_event", sa.Column("guardian_relation", sa.Text(), nullable=True))
    op.add_column("consent_event", sa.Column("guardian_evidence", sa.Text(), nullable=True))
    op.add_column("consent_event", sa.Column("guardian_evidence_digest", sa.LargeBinary(), nullable=True))
    op.add_column("consent_event", sa.Column("guardian_checked_by", sa.Text(), nullable=True))
    op.create_foreign_key(
        op.f("fk_consent_event_operator_id_served_id"),
        "consent_event",
        "served",
        ["operator_id", "served_id"],
        ["operator_id", "served_id"],
    )
    op.create_check_constraint(
        op.f("ck_consent_event_guardian_evidenced"),
        "consent_event",
        "(guardian_relation IS NULL) = (guardian_evidence IS NULL)",
    )
    op.create_index(
        op.f("ix_consent_event_operator_id_served_id"), "consent_event", ["operator_id", "served_id"], unique=False
    )
