"""Final reviews: which decisions on record a person has made final, each once."""

from uuid import UUID

from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import metadata

final_review = Table(
    "final_review",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("record_id", Uuid, nullable=False),
    Column("review_id", Uuid, nullable=False),
    PrimaryKeyConstraint("operator_id", "record_id"),
    ForeignKeyConstraint(["operator_id", "record_id"], ["record.operator_id", "record.record_id"]),
    ForeignKeyConstraint(["operator_id", "review_id"], ["record.operator_id", "record.record_id"]),
)


def close(tx: Transaction, operator_id: str, record_id: UUID, review_id: UUID) -> bool:
    """Write down which record made a decision final and return whether it was the first to.

    Another one under way is waited for, until its transaction ends.
    """
    values = {"operator_id": operator_id, "record_id": record_id, "review_id": review_id}
    done = tx.execute(insert(final_review).values(values).on_conflict_do_nothing().returning(final_review.c.record_id))
    return done.one_or_none() is not None
