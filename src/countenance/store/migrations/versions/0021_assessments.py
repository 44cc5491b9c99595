"""Signed assessments, kept for years."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "assessment",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("configuration", sa.LargeBinary(), nullable=False),
        sa.Column("answers", postgresql.JSONB(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("keep_until", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(signed_on IS NULL) = (valid_until IS NULL) AND (signed_on IS NULL) = (keep_until IS NULL)",
            name=op.f("ck_assessment_signed"),
        ),
        sa.CheckConstraint("keep_until >= signed_on + interval '3 years'", name=op.f("ck_assessment_kept")),
        sa.ForeignKeyConstraint(
            ["operator_id", "purpose"],
            ["purpose.operator_id", "purpose.code"],
            name=op.f("fk_assessment_operator_id_purpose"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "assessment_id", name=op.f("pk_assessment")),
    )
    op.create_index(
        "ix_assessment_draft",
        "assessment",
        ["operator_id", "purpose"],
        unique=True,
        postgresql_where=sa.text("signed_on IS NULL"),
    )
    op.create_table(
        "assessment_signature",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("assessment_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "assessment_id"],
            ["assessment.operator_id", "assessment.assessment_id"],
            name=op.f("fk_assessment_signature_operator_id_assessment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "staff_id"],
            ["staff.operator_id", "staff.staff_id"],
            name=op.f("fk_assessment_signature_operator_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "assessment_id", "staff_id", name=op.f("pk_assessment_signature")),
    )
