"""A case says where the file of its devices cannot be read."""  # noqa: INP001

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("case_file", sa.Column("devices_unread", sa.Boolean(), server_default="false", nullable=False))
