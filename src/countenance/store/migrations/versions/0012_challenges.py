"""Challenges."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "challenge",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("challenge_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("turns", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id", "device_id"],
            ["device.operator_id", "device.device_id"],
            name=op.f("fk_challenge_operator_id_device_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "purpose"],
            ["purpose.operator_id", "purpose.code"],
            name=op.f("fk_challenge_operator_id_purpose"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "challenge_id", name=op.f("pk_challenge")),
    )
    op.create_index(
        op.f("ix_challenge_operator_id_expires_at"), "challenge", ["operator_id", "expires_at"], unique=False
    )
