"""Notices served: each is a row of its own, written before any choice and never changed."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from countenance.store.database import Transaction
from countenance.store.served_table import served


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedRow:
    """One notice shown or read to somebody: at a device, or by an officer, whose credential it is."""

    operator_id: str
    served_id: UUID
    purpose: str
    version: int
    language: str
    variant: str
    device_id: str | None
    credential_id: str
    at: datetime


_NAMES = tuple(ServedRow.__dataclass_fields__)
_COLUMNS = [served.c[name] for name in _NAMES]


def add(tx: Transaction, row: ServedRow) -> None:
    """Write down that a notice was served."""
    tx.execute(served.insert().values({name: getattr(row, name) for name in _NAMES}))


def find(tx: Transaction, operator_id: str, served_id: UUID, *, lock: bool = False) -> ServedRow | None:
    """Return what was served under an id; with `lock`, nobody else answers it until the transaction ends."""
    query = select(*_COLUMNS).where(served.c.operator_id == operator_id, served.c.served_id == served_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else ServedRow(**dict(zip(_NAMES, found, strict=True)))
