"""Choices and parity findings."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "choice",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("choice_id", sa.Uuid(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("steps", sa.Integer(), nullable=True),
        sa.CheckConstraint("way IN ('face', 'alternative', 'refused', 'abandoned')", name=op.f("ck_choice_way")),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_choice_seconds")),
        sa.CheckConstraint("steps >= 0", name=op.f("ck_choice_steps")),
        sa.ForeignKeyConstraint(
            ["operator_id", "venue_id"],
            ["venue.operator_id", "venue.venue_id"],
            name=op.f("fk_choice_operator_id_venue_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "purpose"],
            ["purpose.operator_id", "purpose.code"],
            name=op.f("fk_choice_operator_id_purpose"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "device_id"],
            ["device.operator_id", "device.device_id"],
            name=op.f("fk_choice_operator_id_device_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "choice_id", name=op.f("pk_choice")),
    )
    op.create_index(op.f("ix_choice_operator_id_at"), "choice", ["operator_id", "at"], unique=False)
    op.create_table(
        "parity_finding",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("venue_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "venue_id"],
            ["venue.operator_id", "venue.venue_id"],
            name=op.f("fk_parity_finding_operator_id_venue_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "purpose"],
            ["purpose.operator_id", "purpose.code"],
            name=op.f("fk_parity_finding_operator_id_purpose"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "venue_id", "purpose", name=op.f("pk_parity_finding")),
    )
