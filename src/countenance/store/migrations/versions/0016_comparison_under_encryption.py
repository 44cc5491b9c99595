"""Comparison under encryption, purpose by purpose."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("purpose", sa.Column("comparison", sa.Text(), nullable=False, server_default="plain"))
