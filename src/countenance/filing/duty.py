"""The duty to file: raised once, when a line is first reached; closed by a filing on file, and by nothing else.

What is kept is when it was raised and why. When it ends is computed from that, by the calendar as it is known today.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from countenance.filing.calendar import Deadline, deadline, working_days_left
from countenance.filing.lines import Line, line_of, lines
from countenance.law.pack import Pack
from countenance.record import Entry, append
from countenance.store import filings
from countenance.store.database import Transaction
from countenance.store.filings import FilingRow, HeldFilings
from countenance.vocabulary import FilingCause, FilingState


def states(packs: Iterable[Pack], held: HeldFilings, at: datetime) -> dict[str, FilingState | None]:
    """Return the state of the duty under each pack that has one, from what is on file; nobody is counted.

    A duty that is not on file is not due, because whatever can reach a line calls `raise_reached` in its transaction;
    but it is unknown (None) where a public place would raise it and it was not declared whether a place is one.
    """
    return {
        pack.name: _state(pack, line, held.of(pack.name), at, undeclared=held.undeclared)
        for pack, line in lines(packs, at)
    }


def raise_reached(tx: Transaction, packs: Iterable[Pack], operator_id: str, at: datetime) -> list[str]:
    """Raise each duty whose line is reached and that was neither raised nor met, and return the packs that demand it.

    Called at the end of the transaction that stored somebody or brought a device on file: it lets one such transaction
    count at a time, so that of two that reach a line together the later one sees both.
    """
    held = filings.held(tx, operator_id)
    waiting = [(pack, line) for pack, line in lines(packs, at) if pack.name not in held.by_pack]
    if not waiting:
        return []
    filings.lock(tx, operator_id)
    stock = filings.stock(tx, operator_id)
    raised = []
    for pack, line in waiting:
        cause = line.reached(stock)
        if cause is None or not filings.add_duty(tx, operator_id, pack.name, at, cause, stock.persons):
            continue
        ends = deadline(pack.day(at), line.working_days)
        said: dict[str, Any] = {
            "pack": pack.name,
            "cause": cause.value,
            "persons": stock.persons,
            "public_devices": stock.public_devices,
            "deadline": ends.day.isoformat(),
            "provisional": ends.provisional,
        }
        append(tx, Entry(operator_id=operator_id, at=at, kind="filing", outcome="raised", by="server", details=said))
        raised.append(pack.name)
    return raised


@dataclass(frozen=True, slots=True)
class FilingReport:
    """How the duty stands under one pack, with the numbers a person wants to see."""

    pack: str
    state: FilingState | None
    persons: int
    public_devices: int
    line: Line
    cause: FilingCause | None
    raised_on: date | None
    deadline: Deadline | None
    working_days_left: int | None
    number: str | None
    filed_on: date | None

    @property
    def percent(self) -> int | None:
        """Return how much of the line the persons stored make up, in whole per cent, never rounded up."""
        return None if self.line.persons_from is None else 100 * self.persons // self.line.persons_from


def reports(tx: Transaction, packs: Iterable[Pack], operator_id: str, at: datetime) -> list[FilingReport]:
    """Return how the duty stands under each pack that demands a filing; this one counts.

    A line that is reached while no duty is on file yet, as after an upgrade, is reported as raised today: it will be.
    """
    held, stock = filings.held(tx, operator_id), filings.stock(tx, operator_id)
    made = []
    for pack, line in lines(packs, at):
        today, row = pack.day(at), held.of(pack.name)
        if pack.name not in held.by_pack and (cause := line.reached(stock)) is not None:
            row = FilingRow(pack.name, at, cause)
        ends = _ends(pack, line, row)
        report = FilingReport(
            pack=pack.name,
            state=_state(pack, line, row, at, undeclared=held.undeclared),
            persons=stock.persons,
            public_devices=stock.public_devices,
            line=line,
            cause=row.cause,
            raised_on=None if row.raised_at is None else pack.day(row.raised_at),
            deadline=ends,
            working_days_left=None if ends is None else working_days_left(today, ends.day),
            number=row.number,
            filed_on=row.filed_on,
        )
        made.append(report)
    return made


def _ends(pack: Pack, line: Line, row: FilingRow) -> Deadline | None:
    """Return when a duty that was raised ends, by the number of days that the law gave on that day."""
    if row.raised_at is None:
        return None
    raised_on = pack.day(row.raised_at)
    return deadline(raised_on, (line_of(pack, raised_on) or line).working_days)


def _state(pack: Pack, line: Line, row: FilingRow, at: datetime, *, undeclared: bool) -> FilingState | None:
    if row.number is not None:
        return FilingState.FILED
    ends = _ends(pack, line, row)
    if ends is not None:
        return FilingState.OVERDUE if pack.day(at) > ends.day else FilingState.DUE
    return None if undeclared and line.public_devices_from is not None else FilingState.NOT_DUE
