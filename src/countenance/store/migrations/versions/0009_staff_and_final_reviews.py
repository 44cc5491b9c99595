"""Staff who hold credentials and are counted when they approve; a decision is made final once."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply. An authorisation that is on file has approvals of nobody known, and has to be asked for anew."""
    op.create_table(
        "staff",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_staff_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "staff_id", name=op.f("pk_staff")),
    )
    for table, column in (("credential", "staff_id"), ("approval", "staff_id"), ("authorisation", "asked_by_staff")):
        op.add_column(table, sa.Column(column, sa.Text(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_operator_id_{column}"),
            table,
            "staff",
            ["operator_id", column],
            ["operator_id", "staff_id"],
        )
    op.create_check_constraint(op.f("ck_credential_staff_role"), "credential", "staff_id IS NULL OR role = 'officer'")
    op.create_unique_constraint(
        op.f("uq_approval_operator_id_authorisation_id_staff_id"),
        "approval",
        ["operator_id", "authorisation_id", "staff_id"],
    )
    op.create_table(
        "final_review",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["operator_id", "record_id"],
            ["record.operator_id", "record.record_id"],
            name=op.f("fk_final_review_operator_id_record_id"),
        ),
        sa.ForeignKeyConstraint(
            ["operator_id", "review_id"],
            ["record.operator_id", "record.record_id"],
            name=op.f("fk_final_review_operator_id_review_id"),
        ),
        sa.PrimaryKeyConstraint("operator_id", "record_id", name=op.f("pk_final_review")),
    )
    # What was made final before is final: of several reviews, the first one stands.
    op.execute(
        "INSERT INTO final_review (operator_id, record_id, review_id) "
        "SELECT DISTINCT ON (review.operator_id, decided.record_id) "
        "review.operator_id, decided.record_id, review.record_id "
        "FROM record AS review JOIN record AS decided ON decided.operator_id = review.operator_id "
        "AND decided.record_id::text = convert_from(review.body, 'UTF8')::jsonb -> 'details' ->> 'reviewed' "
        "WHERE review.kind = 'finalise' AND review.outcome = 'finalised' "
        "ORDER BY review.operator_id, decided.record_id, review.number"
    )
