"""Records of what was decided and done: added, read, never changed."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, select

from countenance.store.database import Transaction
from countenance.store.log_tables import log_pending
from countenance.store.tables import record


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record: `body` is canonical JSON without personal data, `digest` its SHA-256."""

    operator_id: str
    record_id: UUID
    at: datetime
    kind: str
    outcome: str
    subject_mark: bytes | None
    body: bytes
    digest: bytes


#: How many records are read from a cursor at a time.
PORTION: Final = 1000
_NAMES = tuple(RecordRow.__dataclass_fields__)
_COLUMNS = [record.c[name] for name in _NAMES]
_GIVEN: Final[dict[str, Any]] = {name: bindparam(name) for name in _NAMES}
_ADDED = record.insert().values(_GIVEN).returning(record.c.operator_id, record.c.number).cte("added")
#: One trip: a record, and that it is to go into the log.
_INSERT = log_pending.insert().from_select(["operator_id", "number"], select(_ADDED.c.operator_id, _ADDED.c.number))


def add(tx: Transaction, row: RecordRow) -> None:
    """Add one record to the transaction of its effect; the log takes it in behind the commit."""
    tx.execute(_INSERT, {name: getattr(row, name) for name in _NAMES})


def find(tx: Transaction, operator_id: str, record_id: UUID) -> RecordRow | None:
    """Return one record of this operator."""
    found = tx.execute(
        select(*_COLUMNS).where(record.c.operator_id == operator_id, record.c.record_id == record_id)
    ).one_or_none()
    return None if found is None else RecordRow(*found)


def listed(
    tx: Transaction,
    operator_id: str,
    *,
    most: int,
    kind: str | None = None,
    outcome: str | None = None,
    since: datetime | None = None,
    subject_mark: bytes | None = None,
    before: UUID | None = None,
) -> Sequence[RecordRow]:
    """Return the newest records first, `most` of them, narrowed by what is given.

    With `before`, the list goes on after that record, which has to be one of the list.
    """
    conditions: list[ColumnElement[bool]] = [record.c.operator_id == operator_id]
    if kind is not None:
        conditions.append(record.c.kind == kind)
    if outcome is not None:
        conditions.append(record.c.outcome == outcome)
    if since is not None:
        conditions.append(record.c.at >= since)
    if subject_mark is not None:
        conditions.append(record.c.subject_mark == subject_mark)
    if before is not None:
        last = select(record.c.number).where(*conditions, record.c.record_id == before)
        conditions.append(record.c.number < last.scalar_subquery())
    found = tx.execute(select(*_COLUMNS).where(*conditions).order_by(record.c.number.desc()).limit(most))
    return [RecordRow(*row) for row in found]


def newest_at(tx: Transaction, operator_id: str) -> datetime | None:
    """Return the time of the record written last, against which a clock set back is noticed."""
    query = select(record.c.at).where(record.c.operator_id == operator_id).order_by(record.c.number.desc()).limit(1)
    return tx.execute(query).scalar_one_or_none()


@contextmanager
def written(
    tx: Transaction, operator_id: str, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Iterator[tuple[bytes, bytes]]]:
    """Yield body and digest of every record from `since` on and before `until`, oldest first, and no subject's mark.

    They are read in portions from a cursor that is closed whatever happens.
    """
    query = select(record.c.body, record.c.digest).where(*_between(operator_id, since, until)).order_by(record.c.number)
    with tx.execute(query.execution_options(yield_per=PORTION)) as found:
        yield ((row.body, row.digest) for row in found)


def count(tx: Transaction, operator_id: str, *, since: datetime | None = None, until: datetime | None = None) -> int:
    """Return how many records `written` yields."""
    query = select(func.count()).select_from(record).where(*_between(operator_id, since, until))
    return int(tx.execute(query).scalar_one())


def _between(operator_id: str, since: datetime | None, until: datetime | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [record.c.operator_id == operator_id]
    if since is not None:
        conditions.append(record.c.at >= since)
    if until is not None:
        conditions.append(record.c.at < until)
    return conditions
