"""The authority that an operator is paired with, what was sent to it and what it sent."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "paired_authority",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("vkey", sa.Text(), nullable=False),
        sa.Column("signs_by", sa.Text(), nullable=False),
        sa.Column("party", sa.Text(), nullable=False),
        sa.Column("paired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("collected", sa.BigInteger(), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operator.operator_id"], name=op.f("fk_paired_authority_operator_id")
        ),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_paired_authority")),
    )
    op.create_table(
        "exchanged",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("outgoing", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=True),
        sa.Column("receipted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_exchanged_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "number", name=op.f("pk_exchanged")),
        sa.UniqueConstraint("operator_id", "message_id", name=op.f("uq_exchanged_operator_id_message_id")),
    )
    op.create_table(
        "group_key",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_group_key_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "group_name", name=op.f("pk_group_key")),
    )
    op.create_table(
        "enclosed",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "message_id"],
            ["exchanged.operator_id", "exchanged.message_id"],
            name=op.f("fk_enclosed_operator_id_message_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "message_id", "sha256", name=op.f("pk_enclosed")),
    )
