"""A space of its own for each operator's features."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. References of before are moved into their operator's space when a server starts."""
    op.create_table(
        "space",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_space_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "model_id", name=op.f("pk_space")),
    )
