"""Cases: filings by party and pack, and the register they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.register.tables import case_file

_NUMBERS_LOCK = 0x6E756D62  # "numb": one number is given at a time


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A filing and how it stands."""

    party_id: str
    pack: str
    act: str
    state: str
    filed_at: datetime
    message_id: bytes
    persons: Mapping[str, int]
    snapshot: Mapping[str, Any] = field(repr=False)
    devices: Sequence[Mapping[str, Any]] = field(repr=False)
    number: str | None = None
    cause: str | None = None
    raised_on: date | None = None
    deadline: date | None = None
    decided_on: date | None = None
    decided_by: str | None = None
    devices_unread: bool = False
    case_id: int = 0


_COLUMNS = [case_file.c[name] for name in CaseRow.__dataclass_fields__]


def add(tx: Transaction, row: CaseRow) -> int:
    """Open a case and return its number in the house."""
    return int(tx.execute(insert(case_file).values(_values(row)).returning(case_file.c.case_id)).scalar_one())


def change(tx: Transaction, row: CaseRow) -> None:
    """Keep how a case stands now."""
    tx.execute(case_file.update().where(case_file.c.case_id == row.case_id).values(_values(row)))


def find(tx: Transaction, case_id: int, *, lock: bool = False) -> CaseRow | None:
    """Return a case; with `lock` held until the transaction ends."""
    query = select(*_COLUMNS).where(case_file.c.case_id == case_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else CaseRow(*found)


def every(tx: Transaction, state: str | None = None, party_id: str | None = None) -> list[CaseRow]:
    """Return cases, the newest first."""
    query = select(*_COLUMNS).order_by(case_file.c.filed_at.desc(), case_file.c.case_id.desc())
    if state is not None:
        query = query.where(case_file.c.state == state)
    if party_id is not None:
        query = query.where(case_file.c.party_id == party_id)
    return [CaseRow(*row) for row in tx.execute(query)]


def of_message(tx: Transaction, party_id: str, message_id: bytes) -> CaseRow | None:
    """Return the case whose filing is this message, held until the transaction ends."""
    query = select(*_COLUMNS).where(case_file.c.party_id == party_id, case_file.c.message_id == message_id)
    found = tx.execute(query.with_for_update()).one_or_none()
    return None if found is None else CaseRow(*found)


def next_number(tx: Transaction, year: int) -> str:
    """Return the next number of the register in a year; whoever else asks waits until the transaction ends."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _NUMBERS_LOCK})
    pattern = rf"^{year}-[0-9]{{6,12}}$"
    last = select(func.max(func.split_part(case_file.c.number, "-", 2).cast(case_file.c.case_id.type)))
    found = tx.execute(last.where(case_file.c.number.regexp_match(pattern))).scalar()
    return f"{year}-{(found or 0) + 1:06d}"


def numbered(tx: Transaction, number: str) -> bool:
    """Return whether a number is taken."""
    return tx.execute(select(case_file.c.case_id).where(case_file.c.number == number).limit(1)).first() is not None


def _values(row: CaseRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in CaseRow.__dataclass_fields__ if name != "case_id"}
