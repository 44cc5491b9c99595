"""How often each article refused, by day; what is on record already is counted."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "refusal_tally",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "operator_id", "day", "action", "pack", "article", "shard", name=op.f("pk_refusal_tally")
        ),
    )
    # One refusal counts once for each article in it, however many decisions of the record name the article.
    op.execute(
        "INSERT INTO refusal_tally (operator_id, day, action, pack, article, shard, refusals) "
        "SELECT found.operator_id, found.day, found.kind, found.pack, found.article, 0, count(*) FROM ("
        "SELECT DISTINCT record.operator_id, record.number, (record.at AT TIME ZONE 'Asia/Shanghai')::date AS day, "
        "record.kind, coalesce(finding ->> 'pack', '') AS pack, coalesce(finding ->> 'article', '') AS article "
        "FROM record CROSS JOIN LATERAL jsonb_array_elements(convert_from(body, 'UTF8')::jsonb -> 'law') AS answer "
        "CROSS JOIN LATERAL jsonb_array_elements(answer -> 'findings') AS finding "
        "WHERE record.outcome = 'refused') AS found "
        "GROUP BY found.operator_id, found.day, found.kind, found.pack, found.article"
    )
