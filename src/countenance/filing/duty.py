"""The duty to file: raised once, when a line is first reached; closed by a filing, and by nothing else.

What is kept is when it was raised and why. When it ends is computed from that, by the calendar as it is known today.
What changes after a filing raises a duty of its own, with as much time: until that is filed too, the filing is due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from countenance.filing.calendar import Deadline, deadline, working_days_left
from countenance.filing.lines import Line, line_of, lines
from countenance.filing.raising import at_rest
from countenance.law.pack import Pack
from countenance.store import filings
from countenance.store.database import Transaction
from countenance.store.filings import FilingRow, HeldFilings
from countenance.store.persons import Figures
from countenance.vocabulary import FilingCause, FilingKind, FilingState


def states(packs: Iterable[Pack], held: HeldFilings, at: datetime) -> dict[str, FilingState | None]:
    """Return the state of the duty under each pack that has one, from what is on file; nobody is counted.

    A duty that is not on file is not due, because whatever can reach a line looks at it in its transaction
    (raising.py); but it is unknown (None) where a public place would raise it and nobody declared whether one is.
    """
    return {
        pack.name: _state(pack, line, held.of(pack.name), at, undeclared=held.undeclared)
        for pack, line in lines(packs, at)
    }


@dataclass(frozen=True, slots=True)
class FilingReport:
    """How the duty stands under one pack, with the numbers a person wants to see."""

    pack: str
    state: FilingState | None
    figures: Figures
    public_devices: int
    line: Line
    cause: FilingCause | None
    raised_on: date | None
    deadline: Deadline | None
    working_days_left: int | None
    number: str | None
    filed_on: date | None
    #: What is to be filed now, None where nothing is.
    demands: FilingKind | None = None

    @property
    def persons(self) -> int:
        """Return of how many persons something is stored here now."""
        return self.figures.persons

    @property
    def upper(self) -> int:
        """Return of how many at most, anywhere that is known of: what the line is judged by."""
        return self.figures.upper

    @property
    def percent(self) -> int | None:
        """Return how much of the line the persons make up at most, in whole per cent, never rounded up."""
        return None if self.line.persons_from is None else 100 * self.upper // self.line.persons_from


def reports(tx: Transaction, packs: Iterable[Pack], operator_id: str, at: datetime) -> list[FilingReport]:
    """Return how the duty stands under each pack that demands a filing.

    A line that is reached while no duty is on file yet, as after an upgrade, is reported as raised today: it will be.
    """
    held, stock = filings.held(tx, operator_id), filings.stock(tx, operator_id)
    over = at_rest(tx, operator_id)
    made = []
    for pack, line in lines(packs, at):
        today, row = pack.day(at), held.of(pack.name)
        waits = pack.name not in held.by_pack and pack.name not in over
        if waits and (cause := line.reached(stock)) is not None:
            row = FilingRow(pack.name, at, cause)
        ends = _ends(pack, line, row)
        report = FilingReport(
            pack=pack.name,
            state=_state(pack, line, row, at, undeclared=held.undeclared),
            figures=stock.figures,
            public_devices=stock.public_devices,
            line=line,
            cause=row.cause,
            raised_on=None if row.raised_at is None else pack.day(row.raised_at),
            deadline=ends,
            working_days_left=None if ends is None else working_days_left(today, ends.day),
            number=row.number,
            filed_on=row.filed_on,
            demands=_demands(row),
        )
        made.append(report)
    return made


def _demands(row: FilingRow) -> FilingKind | None:
    if row.filed:
        return row.change
    return None if row.raised_at is None else FilingKind.FIRST


def _begun(row: FilingRow) -> datetime | None:
    """Return when what is due now began: a change since the filing, or the duty itself."""
    return row.changed_at if row.filed else row.raised_at


def _ends(pack: Pack, line: Line, row: FilingRow) -> Deadline | None:
    """Return when what is due ends, by the number of days that the law gave on the day it began."""
    begun = _begun(row) or row.raised_at
    return None if begun is None else period(pack, line, begun)


def period(pack: Pack, line: Line, begun: datetime) -> Deadline:
    """Return when the time ends that began at an instant, by the number of days that the law gave on that day."""
    began_on = pack.day(begun)
    return deadline(began_on, (line_of(pack, began_on) or line).working_days)


def _state(pack: Pack, line: Line, row: FilingRow, at: datetime, *, undeclared: bool) -> FilingState | None:
    begun = _begun(row)
    if begun is not None:
        return FilingState.OVERDUE if pack.day(at) > period(pack, line, begun).day else FilingState.DUE
    if row.filed:
        return FilingState.FILED
    return None if undeclared and line.public_devices_from is not None else FilingState.NOT_DUE
