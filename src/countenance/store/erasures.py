"""What was taken back, erased and revoked, by pseudonym: what a restored backup must not bring back to life."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import instant, metadata

erasure = Table(
    "erasure",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("erasure_id", Uuid, nullable=False),
    Column("subject_id", Uuid),
    Column("purpose", Text),
    Column("credential_id", Text),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "erasure_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("(subject_id IS NULL) <> (credential_id IS NULL)", name="one"),
    Index(None, "at"),
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """One purpose of a subject, all of a subject (no purpose), or a credential; and when it went."""

    operator_id: str
    erasure_id: UUID
    subject_id: UUID | None
    purpose: str | None
    credential_id: str | None
    at: datetime


def add(
    tx: Transaction,
    operator_id: str,
    at: datetime,
    *,
    subject_id: UUID | None = None,
    purpose: str | None = None,
    credential_id: str | None = None,
    noted: UUID | None = None,
) -> None:
    """Note in this transaction what it destroys; what is `noted` already, under that id, stays as it is."""
    values = {
        "operator_id": operator_id,
        "erasure_id": noted or uuid4(),
        "subject_id": subject_id,
        "purpose": purpose,
        "credential_id": credential_id,
        "at": at,
    }
    tx.execute(insert(erasure).values(values).on_conflict_do_nothing())


def keep(tx: Transaction, one: Erasure) -> bool:
    """Note an erasure that was noted elsewhere, and return whether it was unknown here."""
    values = {name: getattr(one, name) for name in Erasure.__dataclass_fields__}
    fresh = insert(erasure).values(values).on_conflict_do_nothing().returning(erasure.c.erasure_id)
    return tx.execute(fresh).one_or_none() is not None


def since(tx: Transaction, at: datetime | None) -> list[Erasure]:
    """Return what was erased since an instant, or ever (None), the oldest first."""
    query = select(*erasure.columns).order_by(erasure.c.at, erasure.c.erasure_id)
    if at is not None:
        query = query.where(erasure.c.at >= at)
    return [Erasure(*row) for row in tx.execute(query)]


def let_go(tx: Transaction, operator_id: str, before: datetime) -> int:
    """Forget erasures that no backup reaches back to any more."""
    gone = tx.execute(erasure.delete().where(erasure.c.operator_id == operator_id, erasure.c.at < before))
    return gone.rowcount
