"""Duties to file."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; a line that was reached before is raised by the server, with the day on which it does so."""
    op.create_table(
        "filing_duty",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.CheckConstraint("cause IN ('persons', 'public_place')", name=op.f("ck_filing_duty_cause")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_filing_duty_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "pack", name=op.f("pk_filing_duty")),
    )
