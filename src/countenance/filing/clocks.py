"""Every clock of an operator in one table: what ends when, how many days are left, and what to do next.

Nothing is kept here: each clock is computed from what is on file, by the calendar as it is known today. Periods are
those of the packs where they have the number; the others stand below with their source.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from countenance.answer import Text
from countenance.filing.calendar import Deadline, deadline, is_working_day
from countenance.filing.clock_words import BY_ITSELF, REQUESTS, WORDS, ClockKind
from countenance.filing.duty import reports
from countenance.law.pack import Pack
from countenance.store import clocks as store
from countenance.store import filings, sites
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE, SIGN_CURRENT
from countenance.vocabulary import FilingKind, FilingState, RequestKind

#: A reminder is due so many working days before the last day; 0 is after it.
STEPS: Final = (20, 10, 5, 2, 1)
OVER: Final = 0
#: The step of a clock that wants to be told of earlier than by the first of those: a device, eleven months on.
EARLY: Final = 30
#: From so many working days before its last day on a clock ends soon.
SOON_WORKING_DAYS: Final = 10

#: Devices are tested yearly (draft article 19), where no pack that binds has the number; told of eleven months on.
DEVICE_DAYS: Final = 365
DEVICE_EARLY_MONTHS: Final = 11
#: Assessments and records of processing are kept for three years (Personal Information Protection Law, article 56).
KEEP_YEARS: Final = 3
#: Who reaches so many persons reports a protection officer (announcement of 18 July 2025); who had reached them before
#: had as long from that day on.
OFFICER_PERSONS: Final = 1_000_000
OFFICER_WORKING_DAYS: Final = 30
OFFICER_FROM: Final = date(2025, 7, 18)
#: Over so many persons an audit is due every two years at least (measures on compliance audits, 2025); others choose.
AUDIT_PERSONS_OVER: Final = 10_000_000
AUDIT_MONTHS: Final = 24
#: Purpose, necessity and retention are looked at again once a year: our reading of draft article 4.
REVIEW_MONTHS: Final = 12
#: More requests or authorisations than this are not in the table; those that end first are.
MOST: Final = 500

_DEVICE_NUMBER: Final = "device_assessment_days_max"
_KEEP_NUMBER: Final = "assessment_keep_years"
_FILINGS: Final = {
    FilingKind.FIRST: ClockKind.FILING,
    FilingKind.CHANGE: ClockKind.FILING_CHANGE,
    FilingKind.DEREGISTRATION: ClockKind.DEREGISTRATION,
}
_NOTHING: Final = Text("", "")


class ClockState(StrEnum):
    """How far a clock has come."""

    RUNNING = "running"
    SOON = "soon"
    OVER = "over"
    MET = "met"


@dataclass(frozen=True, slots=True)
class Terms:
    """What the operator has set that clocks go by."""

    backup_days: int = 35
    audit_months: int = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """One clock: what it runs for, its last day, and what to do next; `about` is an identifier, and nobody's name.

    `until` is the instant at which it ends, where it ends within its last day. A provisional last day is the earliest
    that is possible.
    """

    kind: ClockKind
    about: str
    starts_on: date | None
    last_day: date
    provisional: bool
    days_left: int
    working_days_left: int
    state: ClockState
    what: Text
    then: Text
    until: datetime | None = None
    early: bool = False

    @property
    def step(self) -> int | None:
        """Return the step whose reminder is due now, None where there is none yet, or nobody has to do anything."""
        if self.state is ClockState.MET or self.kind in BY_ITSELF:
            return None
        if self.state is ClockState.OVER:
            return None if self.kind is ClockKind.AUTHORISATION else OVER  # that one has ended, and nobody is late
        reached = [step for step in STEPS if self.working_days_left <= step]
        return min(reached) if reached else (EARLY if self.early else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Period:
    """A period before it is looked at on a day."""

    kind: ClockKind
    about: str
    starts_on: date | None
    last_day: date
    provisional: bool = False
    met: bool = False
    over: bool | None = None
    until: datetime | None = None
    early_on: date | None = None
    detail: Text = _NOTHING


@dataclass(frozen=True, slots=True)
class _Asked:
    """Of which operator the clocks are asked, when, and by which packs."""

    tx: Transaction
    packs: Sequence[Pack]
    operator_id: str
    at: datetime
    terms: Terms
    done: dict[tuple[str, str], date]
    worked: list[int] = field(default_factory=lambda: [0])

    @property
    def today(self) -> date:
        """Return the day at the law's place."""
        return _day(self.at)

    def numbers(self, name: str) -> list[int]:
        """Return a number of the law, of each pack that binds today and has it."""
        binding = (pack for pack in self.packs if pack.binds(pack.day(self.at)))
        return [found[name] for pack in binding if name in (found := pack.parameters(pack.day(self.at)))]

    def working_days_left(self, last: date) -> int:
        """Return how many working days come after today, up to and with a day; each day is looked at once."""
        days = (last - self.today).days
        while len(self.worked) <= days:
            self.worked.append(self.worked[-1] + is_working_day(self.today + timedelta(days=len(self.worked))))
        return self.worked[max(days, 0)]


def clocks(
    tx: Transaction,
    packs: Iterable[Pack],
    operator_id: str,
    at: datetime,
    terms: Terms | None = None,
    *,
    kept: bool = True,
) -> list[Clock]:
    """Return every clock of an operator as it stands at an instant: those that are over first, then by their last day.

    What was done is last. Of what is not on file, like an assessment that was never made, no clock runs. Without `kept`
    those that run by themselves are left out: nobody is reminded of them, and they take a look at every template.
    """
    asked = _Asked(tx, tuple(packs), operator_id, at, terms or Terms(), store.done(tx, operator_id))
    parts = (_filings, _operator, _purposes, _devices, _people, *([_kept] if kept else []))
    made = [_clock(asked, period) for part in parts for period in part(asked)]
    order = {ClockState.OVER: 0, ClockState.SOON: 1, ClockState.RUNNING: 1, ClockState.MET: 2}
    return sorted(made, key=lambda each: (order[each.state], each.last_day, each.kind.value, each.about))


def _clock(asked: _Asked, period: _Period) -> Clock:
    left = asked.working_days_left(period.last_day)
    early = period.early_on is not None and asked.today >= period.early_on
    over = period.over
    if over is None:
        over = asked.today > period.last_day if period.until is None else asked.at >= period.until
    if period.met:
        state = ClockState.MET
    elif over:
        state = ClockState.OVER
    else:
        state = ClockState.SOON if early or left <= SOON_WORKING_DAYS else ClockState.RUNNING
    what, then = WORDS[period.kind].said(period.about, period.detail, over=over)
    return Clock(
        kind=period.kind,
        about=period.about,
        starts_on=period.starts_on,
        last_day=period.last_day,
        provisional=period.provisional,
        days_left=(period.last_day - asked.today).days,
        working_days_left=left,
        state=state,
        what=what,
        then=then,
        until=period.until,
        early=early,
    )


def _filings(asked: _Asked) -> Iterator[_Period]:
    held = filings.held(asked.tx, asked.operator_id)
    for report in reports(asked.tx, asked.packs, asked.operator_id, asked.at):
        if report.deadline is None:
            continue
        changed = held.of(report.pack).changed_at  # after the filing alone
        yield _Period(
            kind=_FILINGS[report.demands or FilingKind.FIRST],
            about=report.pack,
            starts_on=report.raised_on if changed is None else _day(changed),
            **_ends(report.deadline),
            met=report.state is FilingState.FILED,
            over=report.state is FilingState.OVERDUE,
        )


def _ends(found: Deadline) -> dict[str, Any]:
    return {"last_day": found.day, "provisional": found.provisional}


def _operator(asked: _Asked) -> Iterator[_Period]:
    """What comes with the number of persons, and the audit, which everybody has."""
    reached = store.first_day_with(asked.tx, asked.operator_id, OFFICER_PERSONS)
    if reached is not None:
        met = (ClockKind.OFFICER_REPORT.value, "") in asked.done
        ends = _ends(deadline(max(reached, OFFICER_FROM), OFFICER_WORKING_DAYS))
        yield _Period(kind=ClockKind.OFFICER_REPORT, about="", starts_on=reached, **ends, met=met)
    first = store.oldest_record(asked.tx, asked.operator_id)
    begun = asked.done.get((ClockKind.AUDIT.value, ""), None if first is None else _day(first))
    if begun is not None:
        many = store.first_day_with(asked.tx, asked.operator_id, AUDIT_PERSONS_OVER + 1) is not None
        last = after_months(begun, AUDIT_MONTHS if many else asked.terms.audit_months)
        yield _Period(kind=ClockKind.AUDIT, about="", starts_on=begun, last_day=last)


def _purposes(asked: _Asked) -> Iterator[_Period]:
    """What a person signed about each purpose, and the yearly look at those that are active."""
    activated = store.activated(asked.tx, asked.operator_id)
    rows = [row for row in sites.read(asked.tx, asked.operator_id, "purpose") if not row["retired"]]
    for row in rows:
        code, assessed = row["code"], row["assessed_on"]
        if row["assessment_expires_on"] is not None:
            ends = row["assessment_expires_on"]
            yield _Period(kind=ClockKind.ASSESSMENT, about=code, starts_on=assessed, last_day=ends)
        if row["necessity_expires_on"] is not None:
            ends = row["necessity_expires_on"]
            yield _Period(kind=ClockKind.NECESSITY, about=code, starts_on=None, last_day=ends)
        if code in activated:
            days = (_day(activated[code]), assessed, asked.done.get((ClockKind.PURPOSE_REVIEW.value, code)))
            begun = max((day for day in days if day is not None and day <= asked.today), default=asked.today)
            ends = after_months(begun, REVIEW_MONTHS)
            yield _Period(kind=ClockKind.PURPOSE_REVIEW, about=code, starts_on=begun, last_day=ends)
    codes = {row["code"] for row in rows}
    for row in sites.read(asked.tx, asked.operator_id, "statutory_basis"):
        if row["purpose"] in codes:
            code, ends = row["purpose"], row["expires_on"]
            yield _Period(kind=ClockKind.STATUTORY_BASIS, about=code, starts_on=None, last_day=ends)


def _devices(asked: _Asked) -> Iterator[_Period]:
    """What has to be looked at again at each device in use."""
    days = min(asked.numbers(_DEVICE_NUMBER), default=DEVICE_DAYS)
    for row in sites.read(asked.tx, asked.operator_id, "device"):
        if row["retired"] or row["suspended"]:
            continue
        name, looked, assessed = row["device_id"], row["sign_checked_on"], row["assessed_on"]
        if looked is not None:
            yield _Period(kind=ClockKind.SIGN, about=name, starts_on=looked, last_day=looked + SIGN_CURRENT)
        if assessed is not None:
            yield _Period(
                kind=ClockKind.DEVICE_ASSESSMENT,
                about=name,
                starts_on=assessed,
                last_day=assessed + timedelta(days=days),
                early_on=after_months(assessed, DEVICE_EARLY_MONTHS),
            )
        if row["security_necessity_expires_on"] is not None:
            ends = row["security_necessity_expires_on"]
            yield _Period(kind=ClockKind.SECURITY_NECESSITY, about=name, starts_on=None, last_day=ends)


def _people(asked: _Asked) -> Iterator[_Period]:
    """What people ask for and wait for, and what was authorised about them."""
    for waits in store.waiting(asked.tx, asked.operator_id, MOST):
        yield _Period(
            kind=ClockKind.REQUEST,
            about=str(waits.request_id),
            starts_on=_day(waits.opened_at),
            last_day=_day(waits.due_at) - timedelta(days=1),
            detail=REQUESTS[RequestKind(waits.kind)],
        )
    for lives in store.live(asked.tx, asked.operator_id, MOST):
        yield _Period(
            kind=ClockKind.AUTHORISATION,
            about=str(lives.authorisation_id),
            starts_on=_day(lives.starts_at),
            last_day=_day(lives.ends_at),
            until=lives.ends_at,
            detail=Text(lives.purpose, lives.purpose),
        )


def _kept(asked: _Asked) -> Iterator[_Period]:
    """What is kept for so long and no longer, and what is kept for so long at least."""
    tx, operator_id = asked.tx, asked.operator_id
    for held in store.held(tx, operator_id):
        since = _day(held.since)
        ends = since + timedelta(days=held.days)
        yield _Period(kind=ClockKind.RETENTION, about=held.purpose, starts_on=since, last_day=ends)
    for purpose, kept_at, until in store.originals_until(tx, operator_id):
        starts, ends = _day(kept_at), _day(until)
        yield _Period(kind=ClockKind.ORIGINALS, about=purpose, starts_on=starts, last_day=ends, until=until)
    erased, recorded = store.oldest_erasure(tx, operator_id), store.oldest_record(tx, operator_id)
    if erased is not None:
        day = _day(erased)
        ends, named = day + timedelta(days=asked.terms.backup_days), Text(day.isoformat(), day.isoformat())
        yield _Period(kind=ClockKind.BACKUPS, about="", starts_on=day, last_day=ends, detail=named)
    if recorded is not None:
        day = _day(recorded)
        yield _keep(asked, ClockKind.RECORDS_KEPT, "", day, KEEP_YEARS)
    years = max(asked.numbers(_KEEP_NUMBER), default=KEEP_YEARS)
    for row in sites.read(tx, operator_id, "purpose"):  # of a retired purpose too
        if row["assessed_on"] is not None:
            yield _keep(asked, ClockKind.ASSESSMENT_KEPT, row["code"], row["assessed_on"], years)


def _keep(asked: _Asked, kind: ClockKind, about: str, since: date, years: int) -> _Period:
    last = after_months(since, 12 * years)
    return _Period(kind=kind, about=about, starts_on=since, last_day=last, met=asked.today > last)


def after_months(day: date, months: int) -> date:
    """Return the same day so many months later, or the last of its month where there is no such day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def _day(at: datetime) -> date:
    return at.astimezone(PLACE).date()
