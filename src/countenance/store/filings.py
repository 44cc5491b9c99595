"""What is on file about filing: persons and devices that count, duties that were raised, filings that were made."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import BindParameter, and_, bindparam, exists, func, select, text, true
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.filing_tables import filing_duty
from countenance.store.permitted_tables import original
from countenance.store.tables import device, filing, place, subject_key
from countenance.vocabulary import FilingCause


@dataclass(frozen=True, slots=True)
class Stock:
    """What the duty to file is judged by: persons of whom a template or an original is stored, and public devices."""

    persons: int
    public_devices: int


@dataclass(frozen=True, slots=True)
class FilingRow:
    """What is on file about one pack: when its duty was raised and why, the filing that was made; either or both."""

    pack: str
    raised_at: datetime | None = None
    cause: FilingCause | None = None
    number: str | None = None
    filed_on: date | None = None


@dataclass(frozen=True, slots=True)
class HeldFilings:
    """What is on file about filing by pack, and whether a device stands where nobody said whether that is public."""

    by_pack: Mapping[str, FilingRow]
    undeclared: bool = False

    def of(self, pack: str) -> FilingRow:
        """Return what is on file about a pack; where that is nothing, a row that says nothing."""
        return self.by_pack.get(pack) or FilingRow(pack)


_OPERATOR: Final[BindParameter[str]] = bindparam("operator_id")
_PLACED = (
    select(device.c.device_id, place.c.public)
    .join(place, and_(place.c.operator_id == device.c.operator_id, place.c.place_id == device.c.place_id))
    .where(device.c.operator_id == _OPERATOR, device.c.retired.is_(False))
    .subquery("placed")
)
_MADE = select(filing).where(filing.c.operator_id == _OPERATOR).subquery("made")
_RAISED = select(filing_duty).where(filing_duty.c.operator_id == _OPERATOR).subquery("raised")
_EITHER = (
    select(
        func.coalesce(_RAISED.c.pack, _MADE.c.pack).label("pack"),
        _RAISED.c.raised_at,
        _RAISED.c.cause,
        _MADE.c.number,
        _MADE.c.filed_on,
    )
    .select_from(_RAISED.outerjoin(_MADE, _RAISED.c.pack == _MADE.c.pack, full=True))
    .subquery("either")
)
# One row at least, so that it says whether places are declared where nothing was raised or filed.
_HELD = select(exists().where(_PLACED.c.public.is_(None)).label("undeclared"), _EITHER).select_from(
    select(_OPERATOR.label("operator_id")).subquery("base").outerjoin(_EITHER, true())
)

# Somebody with a template and an original is one person; a key goes with the last template under it.
_WITH_TEMPLATE = select(func.count(func.distinct(subject_key.c.subject_id))).where(
    subject_key.c.operator_id == _OPERATOR
)
_WITH_ORIGINAL_ALONE = select(func.count(func.distinct(original.c.subject_id))).where(
    original.c.operator_id == _OPERATOR,
    ~exists().where(
        subject_key.c.operator_id == original.c.operator_id, subject_key.c.subject_id == original.c.subject_id
    ),
)
_STOCK = select(
    _WITH_TEMPLATE.scalar_subquery() + _WITH_ORIGINAL_ALONE.scalar_subquery(),
    select(func.count()).where(_PLACED.c.public).scalar_subquery(),
)


def held(tx: Transaction, operator_id: str) -> HeldFilings:
    """Return what was raised and what was filed; no person is counted for it."""
    rows = tx.execute(_HELD, {"operator_id": operator_id}).all()
    by_pack = {
        row.pack: FilingRow(row.pack, row.raised_at, row.cause and FilingCause(row.cause), row.number, row.filed_on)
        for row in rows
        if row.pack is not None
    }
    return HeldFilings(by_pack, rows[0].undeclared)


def stock(tx: Transaction, operator_id: str) -> Stock:
    """Count persons and devices in public places: every person's key is looked at."""
    persons, public_devices = tx.execute(_STOCK, {"operator_id": operator_id}).one()
    return Stock(int(persons), int(public_devices))


def lock(tx: Transaction, operator_id: str) -> None:
    """Let one transaction of this operator count at a time, until it ends: the next sees what this one stored."""
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"filing {operator_id}"})


def add_duty(tx: Transaction, operator_id: str, pack: str, at: datetime, cause: FilingCause, persons: int) -> bool:
    """Write down that a pack's line was reached, and return whether that is new; the first time stands for good."""
    row = {"operator_id": operator_id, "pack": pack, "raised_at": at, "cause": cause.value, "persons": persons}
    added = insert(filing_duty).values(row).on_conflict_do_nothing().returning(filing_duty.c.pack)
    return tx.execute(added).one_or_none() is not None
