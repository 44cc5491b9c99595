"""The count of persons is kept as a number, day by day; filings have acts, and changes after them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply; whoever is stored already is counted once, here."""
    for name, kind in (("credit_code", sa.Text()), ("group_name", sa.Text()), ("elsewhere", postgresql.JSONB())):
        op.add_column("operator", sa.Column(name, kind, nullable=True))
    op.add_column("subject", sa.Column("return_token", sa.Integer(), nullable=True))
    op.add_column("venue", sa.Column("location", postgresql.JSONB(), nullable=True))
    _count()
    _filing()
    op.execute(
        "INSERT INTO person_count (operator_id, persons, in_backups, elsewhere, highest, highest_ever, cumulative,"
        " near) SELECT operator_id, count(subject_id), 0, 0, count(subject_id), count(subject_id), count(subject_id),"
        " false"
        " FROM operator LEFT JOIN (SELECT operator_id, subject_id FROM subject_key"
        " UNION SELECT operator_id, subject_id FROM original) AS stored USING (operator_id) GROUP BY operator_id"
    )
    op.execute(
        "INSERT INTO filing_act (operator_id, act_id, pack, kind, filed_at, filed_on, number, persons, snapshot)"
        " SELECT operator_id, gen_random_uuid(), pack, 'first', filed_on::timestamp AT TIME ZONE 'Asia/Shanghai',"
        " filed_on, number, persons, '{}'::jsonb FROM filing JOIN person_count USING (operator_id)"
    )


def _count() -> None:
    number = [sa.Column(name, sa.Integer(), nullable=False) for name in ("persons", "in_backups", "elsewhere")]
    op.create_table(
        "person_count",
        sa.Column("operator_id", sa.Text(), nullable=False),
        *number,
        sa.Column("highest", sa.Integer(), nullable=False),
        sa.Column("highest_ever", sa.Integer(), nullable=False),
        sa.Column("cumulative", sa.BigInteger(), nullable=False),
        sa.Column("backups_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_mark", sa.Integer(), nullable=True),
        sa.Column("looked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("near", sa.Boolean(), nullable=False),
        sa.Column("return_key", sa.LargeBinary(), nullable=True),
        sa.Column("stated_on", sa.Date(), nullable=True),
        sa.Column("stated_record", sa.Uuid(), nullable=True),
        sa.Column("restored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("differed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("persons >= 0 AND in_backups >= 0 AND elsewhere >= 0", name=op.f("ck_person_count_counted")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_person_count_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_person_count")),
    )
    op.create_table(
        "person_day",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        *(
            sa.Column(name, sa.Integer(), nullable=False)
            for name in ("arrived", "departed", "lowest", "highest", "last", "upper")
        ),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_person_day_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "day", name=op.f("pk_person_day")),
    )
    op.create_table(
        "departure",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_departure_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "number", name=op.f("pk_departure")),
    )
    op.create_index(op.f("ix_departure_operator_id_subject_id"), "departure", ["operator_id", "subject_id"])
    op.create_table(
        "departure_token",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("departed", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_departure_token_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "token", "day", name=op.f("pk_departure_token")),
    )
    op.create_table(
        "count_warning",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_count_warning_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "pack", "percent", name=op.f("pk_count_warning")),
    )


def _filing() -> None:
    op.create_table(
        "filing_act",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("act_id", sa.Uuid(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("filed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("snapshot", postgresql.JSONB(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(), nullable=True),
        sa.Column("returned_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('first', 'change', 'deregistration')", name=op.f("ck_filing_act_kind")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_filing_act_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "act_id", name=op.f("pk_filing_act")),
        sa.UniqueConstraint("operator_id", "message_id", name=op.f("uq_filing_act_operator_id_message_id")),
    )
    op.create_table(
        "filing_change",
        sa.Column("operator_id", sa.Text(), nullable=False),
        sa.Column("change_id", sa.Uuid(), nullable=False),
        sa.Column("pack", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("kind IN ('change', 'deregistration')", name=op.f("ck_filing_change_kind")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.operator_id"], name=op.f("fk_filing_change_operator_id")),
        sa.PrimaryKeyConstraint("operator_id", "change_id", name=op.f("pk_filing_change")),
    )
