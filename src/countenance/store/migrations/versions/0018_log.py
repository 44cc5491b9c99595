"""Every record goes into a log; those that stand already go first, in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "log",
        sa.Column("log_id", sa.Integer(), sa.Identity(always=True), nullable=False),
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_log_operator_id")),
        sa.PrimaryKeyConstraint("log_id", name=op.f("pk_log")),
        sa.UniqueConstraint("operator_id", "generation", name=op.f("uq_log_operator_id_generation")),
    )
    op.create_table(
        "log_entry",
        sa.Column("log_id", sa.Integer(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["log_id"], ["log.log_id"], name=op.f("fk_log_entry_log_id")),
        sa.PrimaryKeyConstraint("log_id", "log_index", name=op.f("pk_log_entry")),
    )
    op.create_index(op.f("ix_log_entry_number"), "log_entry", ["number"], unique=True)
    op.create_table(
        "log_pending",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("operator_id", "number", name=op.f("pk_log_pending")),
    )
    op.execute("INSERT INTO log_pending (operator_id, number) SELECT operator_id, number FROM record")
