"""Which credentials are sessions: they end when somebody is invited anew, and go when they are long over."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. Sessions of before are known by the label that the server gave them, and by their end."""
    op.add_column("credential", sa.Column("session", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute(
        "UPDATE credential SET session = TRUE WHERE expires_at IS NOT NULL AND ("
        "(role = 'officer' AND label = 'session of ' || staff_id) OR (role = 'subject' AND label = 'link'))"
    )
    op.alter_column("credential", "session", server_default=None)
