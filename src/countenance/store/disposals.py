"""What was destroyed, as it stands on record and in the log, and what is still there: for the documents of a filing."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, or_, select

from countenance.store.database import Transaction
from countenance.store.log_tables import log_entry
from countenance.store.permitted_tables import original
from countenance.store.tables import record, reference

#: Kind and outcome of the records that say that something of a person was destroyed.
DESTRUCTIONS: Final = (("withdraw", "withdrawn"), ("erase", "erased"), ("expire", "expired"))


@dataclass(frozen=True, slots=True)
class Destruction:
    """One record of a destruction and where in the log it stands, None where it is in none yet."""

    record_id: UUID
    at: datetime
    kind: str
    digest: bytes
    log_index: int | None


@dataclass(frozen=True, slots=True)
class Left:
    """How many templates and originals are still stored."""

    references: int
    originals: int


def destructions(tx: Transaction, operator_id: str, most: int) -> tuple[int, list[Destruction]]:
    """Return how many records of destruction there are, and the newest of them, the newest first."""
    said = or_(*((record.c.kind == kind) & (record.c.outcome == outcome) for kind, outcome in DESTRUCTIONS))
    mine = record.c.operator_id == operator_id, said
    number = int(tx.execute(select(func.count()).select_from(record).where(*mine)).scalar_one())
    query = (
        select(record.c.record_id, record.c.at, record.c.kind, record.c.digest, log_entry.c.log_index)
        .outerjoin(log_entry, log_entry.c.number == record.c.number)
        .where(*mine)
        .order_by(record.c.number.desc())
        .limit(most)
    )
    return number, [Destruction(*row) for row in tx.execute(query)]


def left(tx: Transaction, operator_id: str) -> Left:
    """Return how much is still stored."""
    references = select(func.count()).where(reference.c.operator_id == operator_id).scalar_subquery()
    originals = select(func.count()).where(original.c.operator_id == operator_id).scalar_subquery()
    return Left(*map(int, tx.execute(select(references, originals)).one()))
