"""What is on file about filing: duties raised, filings made, what has changed since, and what was warned of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import BindParameter, DateTime, and_, bindparam, exists, func, literal, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import distinct_on, insert

from countenance.store import persons
from countenance.store.count_tables import count_warning
from countenance.store.database import Transaction
from countenance.store.filing_tables import filing_act, filing_change, filing_duty
from countenance.store.persons import Figures
from countenance.store.tables import device, filing, place
from countenance.vocabulary import FilingCause, FilingKind


@dataclass(frozen=True, slots=True)
class Stock:
    """What the duty to file is judged by: the count of persons, and the devices in public places."""

    figures: Figures
    public_devices: int

    @property
    def persons(self) -> int:
        """Return of how many persons a template or an original is stored here now."""
        return self.figures.persons

    @property
    def upper(self) -> int:
        """Return of how many persons at most something is stored anywhere that is known of."""
        return self.figures.upper


@dataclass(frozen=True, slots=True)
class FilingRow:
    """What is on file about one pack: the duty that was raised, the filing that was made, what is open since."""

    pack: str
    raised_at: datetime | None = None
    cause: FilingCause | None = None
    number: str | None = None
    filed_on: date | None = None
    changed_at: datetime | None = None
    change: FilingKind | None = None

    @property
    def filed(self) -> bool:
        """Return whether a filing was made and not returned; the number may come later."""
        return self.filed_on is not None


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was filed: for the first time, a change, or a deregistration."""

    act_id: UUID
    pack: str
    kind: FilingKind
    filed_at: datetime
    filed_on: date
    number: str | None
    persons: int
    snapshot: dict[str, Any]
    message_id: bytes | None
    returned_at: datetime | None


@dataclass(frozen=True, slots=True)
class Change:
    """What was noticed after a filing: which parts of it no longer hold, or that use has stopped."""

    change_id: UUID
    pack: str
    kind: FilingKind
    raised_at: datetime
    fields: tuple[str, ...]
    closed_at: datetime | None


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
#: Days on file are days of the place of the law.
_LOCAL: Final = "Asia/Shanghai"
_ENDING = (
    select(filing_act.c.pack, func.max(filing_act.c.filed_at).label("ended_at"))
    .where(
        filing_act.c.operator_id == _OPERATOR,
        filing_act.c.kind == FilingKind.DEREGISTRATION.value,
        filing_act.c.returned_at.is_(None),
    )
    .group_by(filing_act.c.pack)
)
_ENDED = _ENDING.subquery("ended")
_FIRST = filing_act.alias("first_act")
_IS_FIRST = (
    _FIRST.c.kind == FilingKind.FIRST.value,
    _FIRST.c.message_id.is_not(None),
    _FIRST.c.returned_at.is_(None),
)
# A change makes nothing filed: it stands on a first filing that stands.
# A number in the site file stands until it is taken out of it; what was sent stands until it is returned. What was
# deregistered stands no longer, nor does the duty that led to it: whoever begins again files for the first time.
_STANDS = union_all(
    select(
        filing.c.pack, filing.c.number, filing.c.filed_on, literal(None, DateTime(timezone=True)).label("filed_at")
    ).where(
        filing.c.operator_id == _OPERATOR,
        ~exists().where(
            _ENDED.c.pack == filing.c.pack, func.date(func.timezone(_LOCAL, _ENDED.c.ended_at)) >= filing.c.filed_on
        ),
    ),
    select(filing_act.c.pack, filing_act.c.number, filing_act.c.filed_on, filing_act.c.filed_at).where(
        filing_act.c.operator_id == _OPERATOR,
        filing_act.c.message_id.is_not(None),
        filing_act.c.returned_at.is_(None),
        filing_act.c.kind != FilingKind.DEREGISTRATION.value,
        ~exists().where(_ENDED.c.pack == filing_act.c.pack, _ENDED.c.ended_at >= filing_act.c.filed_at),
        or_(
            filing_act.c.kind == FilingKind.FIRST.value,
            exists().where(_FIRST.c.operator_id == _OPERATOR, _FIRST.c.pack == filing_act.c.pack, *_IS_FIRST),
            exists().where(filing.c.operator_id == _OPERATOR, filing.c.pack == filing_act.c.pack),
        ),
    ),
).subquery("stands")
_MADE = (
    select(_STANDS)
    .ext(distinct_on(_STANDS.c.pack))
    .order_by(_STANDS.c.pack, _STANDS.c.number.is_(None), _STANDS.c.filed_at.desc().nulls_last())
    .subquery("made")
)
_RAISED = (
    select(filing_duty)
    .where(
        filing_duty.c.operator_id == _OPERATOR,
        ~exists().where(_ENDED.c.pack == filing_duty.c.pack, _ENDED.c.ended_at >= filing_duty.c.raised_at),
    )
    .subquery("raised")
)
_OPEN = (
    select(filing_change.c.pack, filing_change.c.raised_at.label("changed_at"), filing_change.c.kind.label("change"))
    .ext(distinct_on(filing_change.c.pack))
    .where(filing_change.c.operator_id == _OPERATOR, filing_change.c.closed_at.is_(None))
    .order_by(filing_change.c.pack, filing_change.c.raised_at)
    .subquery("open")
)
_EITHER = (
    select(
        func.coalesce(_RAISED.c.pack, _MADE.c.pack).label("pack"),
        _RAISED.c.raised_at,
        _RAISED.c.cause,
        _MADE.c.number,
        _MADE.c.filed_on,
        _OPEN.c.changed_at,
        _OPEN.c.change,
    )
    .select_from(
        _RAISED.outerjoin(_MADE, _RAISED.c.pack == _MADE.c.pack, full=True).outerjoin(
            _OPEN, _OPEN.c.pack == _MADE.c.pack
        )
    )
    .subquery("either")
)
# One row at least, so that it says whether places are declared where nothing was raised or filed.
_HELD = select(exists().where(_PLACED.c.public.is_(None)).label("undeclared"), _EITHER).select_from(
    select(_OPERATOR.label("operator_id")).subquery("base").outerjoin(_EITHER, true())
)

_PUBLIC = select(func.count()).where(_PLACED.c.public)


def held(tx: Transaction, operator_id: str) -> HeldFilings:
    """Return what was raised and what was filed; no person is counted for it."""
    rows = tx.execute(_HELD, {"operator_id": operator_id}).all()
    by_pack = {
        row.pack: FilingRow(
            row.pack,
            row.raised_at,
            row.cause and FilingCause(row.cause),
            row.number,
            row.filed_on,
            row.changed_at,
            row.change and FilingKind(row.change),
        )
        for row in rows
        if row.pack is not None
    }
    return HeldFilings(by_pack, rows[0].undeclared)


def stock(tx: Transaction, operator_id: str) -> Stock:
    """Return the count of persons as it is kept, and how many devices stand in public places."""
    public_devices = tx.execute(_PUBLIC, {"operator_id": operator_id}).scalar_one()
    return Stock(persons.figures(tx, operator_id), int(public_devices))


def add_duty(tx: Transaction, operator_id: str, pack: str, at: datetime, cause: FilingCause, persons: int) -> bool:
    """Write down that a pack's line was reached, and return whether that is new.

    The first time stands for good, or until what was filed for it is deregistered: then a later time takes its place.
    """
    row = {"operator_id": operator_id, "pack": pack, "raised_at": at, "cause": cause.value, "persons": persons}
    ended = deregistered(tx, operator_id).get(pack)
    fresh = insert(filing_duty).values(row)
    if ended is None:
        added = fresh.on_conflict_do_nothing()
    else:
        added = fresh.on_conflict_do_update(
            index_elements=["operator_id", "pack"], set_=row, where=filing_duty.c.raised_at <= ended
        )
    return tx.execute(added.returning(filing_duty.c.pack)).one_or_none() is not None


def deregistered(tx: Transaction, operator_id: str) -> dict[str, datetime]:
    """Return when the last deregistration was filed, by pack."""
    return {row.pack: row.ended_at for row in tx.execute(_ENDING, {"operator_id": operator_id})}


def add_warnings(
    tx: Transaction, operator_id: str, pack: str, percents: Collection[int], at: datetime, number: int
) -> list[int]:
    """Write down which shares of a line are reached, and return those that were not before."""
    if not percents:
        return []
    rows = [
        {"operator_id": operator_id, "pack": pack, "percent": each, "at": at, "persons": number} for each in percents
    ]
    fresh = insert(count_warning).values(rows).on_conflict_do_nothing().returning(count_warning.c.percent)
    return sorted(tx.execute(fresh).scalars())


def warnings(tx: Transaction, operator_id: str) -> list[tuple[str, int, datetime, int]]:
    """Return pack, per cent, time and persons of every warning, the oldest first."""
    query = (
        select(count_warning.c.pack, count_warning.c.percent, count_warning.c.at, count_warning.c.persons)
        .where(count_warning.c.operator_id == operator_id)
        .order_by(count_warning.c.at, count_warning.c.pack, count_warning.c.percent)
    )
    return [(row[0], row[1], row[2], row[3]) for row in tx.execute(query)]


_ACT: Final = [filing_act.c[name] for name in Act.__dataclass_fields__]
_CHANGE: Final = [filing_change.c[name] for name in Change.__dataclass_fields__]


def acts(tx: Transaction, operator_id: str) -> list[Act]:
    """Return all that was filed, the oldest first."""
    query = select(*_ACT).where(filing_act.c.operator_id == operator_id)
    found = tx.execute(query.order_by(filing_act.c.sequence))
    return [Act(**{**row, "kind": FilingKind(row["kind"])}) for row in found.mappings()]


def add_act(tx: Transaction, operator_id: str, act: Act) -> None:
    """Keep what was filed; the peak begins anew from it, and shares of its line above the count can be warned of."""
    values = {name: getattr(act, name) for name in Act.__dataclass_fields__} | {"kind": act.kind.value}
    tx.execute(filing_act.insert().values(operator_id=operator_id, **values))
    mine = count_warning.c.operator_id == operator_id, count_warning.c.pack == act.pack
    now = persons.figures(tx, operator_id).upper
    tx.execute(count_warning.delete().where(*mine, count_warning.c.persons > now))


def change_act(tx: Transaction, operator_id: str, act_id: UUID, **values: Any) -> None:
    """Write the number that a filing was given, that it was returned, or the snapshot that it lacked."""
    mine = filing_act.c.operator_id == operator_id, filing_act.c.act_id == act_id
    tx.execute(filing_act.update().where(*mine).values(values))


def act_of(tx: Transaction, operator_id: str, message_id: bytes) -> Act | None:
    """Return the act that a message filed."""
    query = select(*_ACT).where(filing_act.c.operator_id == operator_id, filing_act.c.message_id == message_id)
    row = tx.execute(query).mappings().one_or_none()
    return None if row is None else Act(**{**row, "kind": FilingKind(row["kind"])})


def give_back(tx: Transaction, operator_id: str, act: Act, at: datetime) -> None:
    """Note that the authority returned what was filed: it is not filed, and what it closed is open again."""
    change_act(tx, operator_id, act.act_id, returned_at=at)
    mine = filing_change.c.operator_id == operator_id, filing_change.c.closed_by == act.act_id
    tx.execute(filing_change.update().where(*mine).values(closed_at=None, closed_by=None))


def changes(tx: Transaction, operator_id: str, *, still_open: bool = False) -> list[Change]:
    """Return what was noticed after filings, the oldest first."""
    query = select(*_CHANGE).where(filing_change.c.operator_id == operator_id)
    if still_open:
        query = query.where(filing_change.c.closed_at.is_(None))
    found = tx.execute(query.order_by(filing_change.c.raised_at, filing_change.c.change_id))
    return [_change(row) for row in found]


def _change(row: Any) -> Change:
    return Change(row.change_id, row.pack, FilingKind(row.kind), row.raised_at, tuple(row.fields), row.closed_at)


def undone(tx: Transaction, operator_id: str, pack: str, kind: FilingKind, since: datetime) -> list[Change]:
    """Return changes of a kind that were undone since then, and not filed."""
    query = select(*_CHANGE).where(
        filing_change.c.operator_id == operator_id,
        filing_change.c.pack == pack,
        filing_change.c.kind == kind.value,
        filing_change.c.closed_at >= since,
        filing_change.c.closed_by.is_(None),
    )
    return [_change(row) for row in tx.execute(query)]


def add_change(
    tx: Transaction, operator_id: str, pack: str, kind: FilingKind, at: datetime, fields: Sequence[str]
) -> None:
    """Note that something has changed since a filing."""
    row = {"operator_id": operator_id, "change_id": uuid4(), "pack": pack, "kind": kind.value, "raised_at": at}
    tx.execute(filing_change.insert().values(**row, fields=list(fields)))


def widen_change(tx: Transaction, operator_id: str, change_id: UUID, fields: Sequence[str]) -> None:
    """Note what else has changed; the time that is left still counts from the first."""
    mine = filing_change.c.operator_id == operator_id, filing_change.c.change_id == change_id
    tx.execute(filing_change.update().where(*mine).values(fields=list(fields)))


def close_changes(
    tx: Transaction, operator_id: str, pack: str, kinds: Collection[FilingKind], at: datetime, by: UUID | None
) -> int:
    """Close what is open of a pack, by the act that filed it, or by nothing where it was undone; return how much."""
    done = tx.execute(
        filing_change.update()
        .where(
            filing_change.c.operator_id == operator_id,
            filing_change.c.pack == pack,
            filing_change.c.kind.in_([each.value for each in kinds]),
            filing_change.c.closed_at.is_(None),
        )
        .values(closed_at=at, closed_by=by)
    )
    return done.rowcount
