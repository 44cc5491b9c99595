"""What happens after a filing: numbers that were typed in, substantive changes, and use that has stopped."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import uuid4

from countenance.filing.duty import period
from countenance.filing.lines import lines
from countenance.filing.snapshot import IN_USE, differences, outgrown, taken
from countenance.law.pack import Pack
from countenance.record import Entry, append
from countenance.store import filings, persons, sites
from countenance.store.database import Transaction
from countenance.store.filings import Act, Change
from countenance.store.gathering import PLACE
from countenance.vocabulary import FilingKind

_PERSONS: Final = "persons"
#: What was undone and comes again within this time was never undone.
AGAIN: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a message filed: its id, the count it stated, the snapshot in it, and the message it takes the place of."""

    message_id: bytes
    persons: int
    snapshot: dict[str, Any]
    amends: bytes | None = None


def note_filings(tx: Transaction, operator_id: str, at: datetime, ended: Mapping[str, tuple[str, date]]) -> None:
    """Keep as acts the numbers that the site file names and no act has yet; what it names no longer stands no longer.

    A number after a first one is that of a change; `ended` has the numbers that were deregistered, and when. A filing
    that an authority receipted is none of this one's business.
    """
    numbers = {row["pack"]: row for row in sites.read(tx, operator_id, "filing")}
    typed = [act for act in filings.acts(tx, operator_id) if act.message_id is None and act.returned_at is None]
    for act in typed:
        if act.pack not in numbers and act.pack not in ended:
            filings.give_back(tx, operator_id, act, at)
    known = {(act.pack, act.number, act.filed_on) for act in typed}
    for pack, row in numbers.items():
        if (pack, row["number"], row["filed_on"]) not in known:
            later = typed and [act for act in typed if act.pack == pack][-1:]
            first = not later or later[0].kind is FilingKind.DEREGISTRATION
            kind = FilingKind.FIRST if first else FilingKind.CHANGE
            day = row["filed_on"]
            keep_act(tx, operator_id, pack, kind, _noon(day, at), filed_on=day, number=row["number"])
    for pack, (number, day) in ended.items():
        if (pack, number, day) not in known:
            keep_act(tx, operator_id, pack, FilingKind.DEREGISTRATION, _noon(day, at), filed_on=day, number=number)


def _noon(day: date, at: datetime) -> datetime:
    """Return an instant of a day that somebody typed: its noon, or now where that is still to come."""
    return min(datetime.combine(day, time(12), PLACE), at)


def keep_act(
    tx: Transaction,
    operator_id: str,
    pack: str,
    kind: FilingKind,
    filed_at: datetime,
    *,
    filed_on: date | None = None,
    number: str | None = None,
    sent: Sent | None = None,
) -> Act:
    """Keep what was filed: what a message said, or what stands on file now. What it files is open no longer.

    The peak begins anew. What has changed since the message was made is noticed as a change of what was filed.
    """
    now = persons.hold(tx, operator_id)
    if sent is not None and (before := filings.act_of(tx, operator_id, sent.message_id)) is not None:
        return before  # a restore took the receipt back, and it came again
    if sent is not None and sent.amends is not None:
        amended = filings.act_of(tx, operator_id, sent.amends)
        if amended is not None and amended.returned_at is None:
            filings.change_act(tx, operator_id, amended.act_id, returned_at=filed_at)
    act = Act(
        act_id=uuid4(),
        pack=pack,
        kind=kind,
        filed_at=filed_at,
        filed_on=filed_on or filed_at.astimezone(PLACE).date(),
        number=number,
        persons=now.upper if sent is None else sent.persons,
        snapshot=taken(tx, operator_id) if sent is None else sent.snapshot,
        message_id=None if sent is None else sent.message_id,
        returned_at=None,
    )
    filings.add_act(tx, operator_id, act)
    closes = {FilingKind.CHANGE, kind}
    filings.close_changes(tx, operator_id, pack, closes, filed_at, act.act_id)
    persons.change(tx, operator_id, highest=now.persons)
    return act


def note_changes(tx: Transaction, packs: Iterable[Pack], operator_id: str, at: datetime) -> list[str]:
    """Raise a duty under each pack that was filed and what was filed no longer holds; return those packs.

    What was undone before it was filed is no longer due. Use has stopped where no purpose is active.
    """
    held, now = filings.held(tx, operator_id), persons.figures(tx, operator_id)
    acts = {act.pack: act for act in filings.acts(tx, operator_id) if act.returned_at is None}
    standing = taken(tx, operator_id)
    in_use = bool(standing[IN_USE])
    still_open = {(each.pack, each.kind): each for each in filings.changes(tx, operator_id, still_open=True)}
    raised: list[str] = []
    for pack, line in lines(packs, at):
        act = acts.get(pack.name)
        if act is None or not held.of(pack.name).filed:
            continue
        if not act.snapshot or (in_use and not act.snapshot[IN_USE]):
            # Filed before snapshots were taken, or before use began: that is no change of what was filed.
            filings.change_act(tx, operator_id, act.act_id, snapshot={**standing, **act.snapshot, IN_USE: in_use})
        stopped = bool(act.snapshot) and act.snapshot[IN_USE] and not in_use
        differs = differences(act.snapshot, standing)
        if outgrown(act.persons, now.upper):
            differs.append(_PERSONS)
        for kind, parts in ((FilingKind.CHANGE, differs), (FilingKind.DEREGISTRATION, ["use"] if stopped else [])):
            before = still_open.get((pack.name, kind))
            late = before is not None and pack.day(at) > period(pack, line, before.raised_at).day
            if _settle(tx, operator_id, (pack.name, kind), at, parts, before, late=late):
                raised.append(pack.name)
    return raised


def _settle(
    tx: Transaction,
    operator_id: str,
    what: tuple[str, FilingKind],
    at: datetime,
    differs: list[str],
    before: Change | None,
    *,
    late: bool,
) -> bool:
    """Bring what is open under a pack to what differs, on record; return whether a duty began.

    What is overdue is closed by a filing alone, and what was undone and comes again soon goes on from its first day.
    """
    pack, kind = what
    said: dict[str, Any] = {"pack": pack, "demands": kind.value, "fields": differs}
    if before is None and differs:
        undone = filings.undone(tx, operator_id, pack, kind, at - AGAIN)
        again = [each.raised_at for each in undone if set(each.fields) & set(differs)]
        filings.add_change(tx, operator_id, pack, kind, min(again, default=at), differs)
        _record(tx, operator_id, at, "raised", said)
        return True
    if before is not None and not differs and not late:
        filings.close_changes(tx, operator_id, pack, [kind], at, None)
        _record(tx, operator_id, at, "undone", said)
    if before is not None and set(differs) - set(before.fields):
        filings.widen_change(tx, operator_id, before.change_id, sorted({*before.fields, *differs}))
        _record(tx, operator_id, at, "widened", said)
    return False


def _record(tx: Transaction, operator_id: str, at: datetime, outcome: str, said: dict[str, Any]) -> None:
    append(tx, Entry(operator_id=operator_id, at=at, kind="filing", outcome=outcome, by="server", details=said))
