"""Reminders that were sent, and what a person said was done that the server cannot see."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "reminder",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("reminder_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.CheckConstraint("way IN ('mail', 'webhook', 'console')", name=op.f("ck_reminder_way")),
        sa.CheckConstraint("sent_at IS NULL OR next_at IS NULL", name=op.f("ck_reminder_sent_once")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_reminder_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "reminder_id", name=op.f("pk_reminder")),
        sa.UniqueConstraint(
            "operator_id",
            "kind",
            "about",
            "last_day",
            "step",
            "way",
            name=op.f("uq_reminder_operator_id_kind_about_last_day_step_way"),
        ),
    )
    op.create_index(op.f("ix_reminder_operator_id_next_at"), "reminder", ["operator_id", "next_at"])
    op.create_table(
        "clock_done",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("done_on", sa.Date(), nullable=False),
        sa.Column("said_by", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_clock_done_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "kind", "about", name=op.f("pk_clock_done")),
    )
