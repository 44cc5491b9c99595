"""The sealed space of each operator's features, one for each model: made once, and never replaced."""

from sqlalchemy import Column, ForeignKeyConstraint, LargeBinary, PrimaryKeyConstraint, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import metadata

space = Table(
    "space",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    PrimaryKeyConstraint("operator_id", "model_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)


def find(tx: Transaction, operator_id: str, model_id: str) -> bytes | None:
    """Return the sealed space, None where none was made yet."""
    query = select(space.c.sealed).where(space.c.operator_id == operator_id, space.c.model_id == model_id)
    found = tx.execute(query).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep(tx: Transaction, operator_id: str, model_id: str, sealed: bytes) -> None:
    """Keep a sealed space unless there is one."""
    values = {"operator_id": operator_id, "model_id": model_id, "sealed": sealed}
    tx.execute(insert(space).values(values).on_conflict_do_nothing())
