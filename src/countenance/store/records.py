"""Records of what was decided and done: added, read, never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, select

from countenance.store.database import Transaction
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


_NAMES = tuple(RecordRow.__dataclass_fields__)
_COLUMNS = [record.c[name] for name in _NAMES]
_INSERT = record.insert()


def add(tx: Transaction, row: RecordRow) -> None:
    """Add one record to the transaction of its effect."""
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
) -> Sequence[RecordRow]:
    """Return the newest records first, `most` of them, narrowed by what is given."""
    conditions: list[ColumnElement[bool]] = [record.c.operator_id == operator_id]
    if kind is not None:
        conditions.append(record.c.kind == kind)
    if outcome is not None:
        conditions.append(record.c.outcome == outcome)
    if since is not None:
        conditions.append(record.c.at >= since)
    if subject_mark is not None:
        conditions.append(record.c.subject_mark == subject_mark)
    found = tx.execute(select(*_COLUMNS).where(*conditions).order_by(record.c.number.desc()).limit(most))
    return [RecordRow(*row) for row in found]


def newest_at(tx: Transaction, operator_id: str) -> datetime | None:
    """Return the time of the record written last, against which a clock set back is noticed."""
    query = select(record.c.at).where(record.c.operator_id == operator_id).order_by(record.c.number.desc()).limit(1)
    return tx.execute(query).scalar_one_or_none()
