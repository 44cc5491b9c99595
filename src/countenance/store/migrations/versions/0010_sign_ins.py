"""How members of staff sign in to the pages."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "sign_in",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=True),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("code_secret", sa.LargeBinary(), nullable=False),
        sa.Column("code_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("waits_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("invitation", sa.Text(), nullable=True),
        sa.Column("invitation_digest", sa.LargeBinary(), nullable=True),
        sa.Column("invited_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["operator_id", "staff_id"],
            ["staff.operator_id", "staff.staff_id"],
            name=op.f("fk_sign_in_operator_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "staff_id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("invitation", name=op.f("uq_sign_in_invitation")),
    )
