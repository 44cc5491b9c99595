"""What operators owe: filings whose line they reached by their own figures, changes, and filings that were given back.

No operator's word is needed that a duty runs: the highest count that it ever stated is compared with the lines of the
packs that are known here, and the days are counted by the calendar that is known here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from countenance.authority.office import Office
from countenance.authority.reading import WORKING_DAYS, ends, left, name_of
from countenance.authority.seen import CaseState, Due
from countenance.authority.stated import read_statement
from countenance.filing.calendar import Deadline, deadline
from countenance.filing.lines import lines
from countenance.store.database import Transaction
from countenance.store.register import cases, figures, parties
from countenance.store.register.cases import CaseRow
from countenance.store.register.figures import StatedRow
from countenance.store.register.parties import PartyRow
from countenance.vocabulary import FilingKind, FilingState

_WAITS_FOR_OPERATOR: Final = frozenset({CaseState.ASKED.value, CaseState.RETURNED.value})
#: The states in which a duty runs, as an operator's server names them.
_RUNS: Final = frozenset({FilingState.DUE.value, FilingState.OVERDUE.value})


def deadlines(office: Office, tx: Transaction) -> list[Due]:
    """Return what all operators owe, the most urgent first."""
    rows, stated = parties.every(tx), figures.newest(tx)
    filed = by_party(cases.every(tx))
    found = [
        due
        for party in rows
        for due in _of(office, tx, party, filed.get(party.party_id, []), stated.get(party.party_id))
    ]
    return sorted(found, key=lambda each: (each.deadline.day, each.party_name, each.pack))


@dataclass(frozen=True, slots=True)
class Owed:
    """What a party has to file: an act under a pack, and the day on which that was raised, where somebody says it."""

    pack: str
    act: FilingKind
    raised_on: date | None


def owed(office: Office, filed: list[CaseRow], stated: StatedRow | None) -> list[Owed]:
    """Return what a party has to file by its own figures and words, and has not filed.

    A first filing by the highest count that it ever stated, whatever it says itself; a change or the end by its word.
    """
    if stated is None:
        return []
    said = read_statement(stated.said)
    found: dict[tuple[str, FilingKind], Owed] = {}
    for each in said.duties:
        act = FilingKind(each.demands) if each.demands in set(FilingKind) else FilingKind.FIRST
        if each.state in _RUNS and not _came(office, filed, each.pack, act, each.raised_on):
            found[each.pack, act] = Owed(each.pack, act, each.raised_on)
    for pack, line in lines(office.packs, office.clock()):
        # After the end the peak of all time says nothing: what is held now does.
        held = said.persons.top if ended(filed, pack.name) is None else said.persons.upper
        reached = line.persons_from is not None and held >= line.persons_from
        if reached and not _came(office, filed, pack.name, FilingKind.FIRST, None):
            found.setdefault((pack.name, FilingKind.FIRST), Owed(pack.name, FilingKind.FIRST, None))
    return list(found.values())


def _came(office: Office, filed: list[CaseRow], pack: str, act: FilingKind, since: date | None) -> bool:
    """Return whether such a filing came; a first one since the end, another since the day on which it was raised."""
    over = ended(filed, pack) if act is FilingKind.FIRST else None
    return any(
        (row.pack, row.act) == (pack, act.value)
        and (over is None or _after(row, over))
        and (act is FilingKind.FIRST or since is None or office.day(row.filed_at) >= since)
        for row in filed
    )


def _after(row: CaseRow, over: CaseRow) -> bool:
    """Return whether a first filing came after an end, or stands in the register beside it."""
    stands = row.state == CaseState.ACCEPTED.value and row.number != over.number
    return row.case_id > over.case_id or (stands and (row.decided_on or date.min) >= (over.decided_on or date.max))


def ended(filed: list[CaseRow], pack: str) -> CaseRow | None:
    """Return the newest deregistration of a pack that is in the register, None where there is none."""
    over = [
        row
        for row in filed
        if (row.pack, row.act, row.state) == (pack, FilingKind.DEREGISTRATION.value, CaseState.ACCEPTED.value)
    ]
    return max(over, key=lambda row: row.case_id, default=None)


def _of(office: Office, tx: Transaction, party: PartyRow, filed: list[CaseRow], stated: StatedRow | None) -> list[Due]:
    """Return what one party owes."""
    found = []
    for each in owed(office, filed, stated):
        line = office.line(each.pack, office.day(office.clock()))
        reached = reached_on(office, tx, party.party_id, each.pack) if each.act is FilingKind.FIRST else None
        # The earlier of the two: what an operator says of itself does not put a day off.
        raised_on = min((day for day in (each.raised_on, reached) if day is not None), default=None)
        if raised_on is None:
            continue
        last = deadline(raised_on, WORKING_DAYS if line is None else line.working_days)
        found.append(_due(office, party, Owed(each.pack, each.act, raised_on), last, None))
    for row in filed:
        last_day = ends(office, row)
        if row.state in _WAITS_FOR_OPERATOR and last_day is not None:
            said = Owed(row.pack, FilingKind(row.act), row.raised_on)
            found.append(_due(office, party, said, last_day, row.case_id))
    return found


def reached_on(office: Office, tx: Transaction, party_id: str, pack: str) -> date | None:
    """Return the first day for which a party stated that it had reached a line; after an end, the first one since."""
    line = office.line(pack, office.day(office.clock()))
    if line is None or line.persons_from is None:
        return None
    over = ended(cases.every(tx, CaseState.ACCEPTED.value, party_id), pack)
    since = None if over is None else over.decided_on
    return figures.first_day_over(tx, party_id, line.persons_from, since)


def _due(office: Office, party: PartyRow, said: Owed, last: Deadline, case_id: int | None) -> Due:
    return Due(
        party_id=party.party_id,
        party_name=name_of(party),
        pack=said.pack,
        raised_on=said.raised_on,
        deadline=last,
        working_days_left=left(office, last),
        overdue=office.day(office.clock()) > last.day,
        case_id=case_id,
        act=said.act,
    )


def by_party(rows: list[CaseRow]) -> Mapping[str, list[CaseRow]]:
    """Return cases by their party."""
    found: dict[str, list[CaseRow]] = {}
    for row in rows:
        found.setdefault(row.party_id, []).append(row)
    return found
