"""The register: what was accepted, folded into one line for each number, and the devices that stand in filings."""

from collections.abc import Iterable, Mapping

from countenance.authority.reading import counted_of, devices_of, name_of
from countenance.authority.seen import CaseState, MapDevice, Registered
from countenance.store.database import Transaction
from countenance.store.register import cases, parties
from countenance.store.register.cases import CaseRow
from countenance.store.register.parties import PartyRow
from countenance.vocabulary import FilingKind


def register(tx: Transaction) -> list[Registered]:
    """Return the register, by number."""
    known = {row.party_id: row for row in parties.every(tx)}
    by_number: dict[str, list[CaseRow]] = {}
    for row in reversed(cases.every(tx, CaseState.ACCEPTED.value)):
        if row.number is not None:
            by_number.setdefault(row.number, []).append(row)
    return [_line(rows, known) for _, rows in sorted(by_number.items())]


def _line(rows: list[CaseRow], known: Mapping[str, PartyRow]) -> Registered:
    """Return the line of a number: its first filing, and what changed since."""
    first = next(row for row in rows if row.act == FilingKind.FIRST.value)
    last = max((row for row in rows if row.act != FilingKind.DEREGISTRATION.value), key=lambda row: row.case_id)
    party = known[first.party_id]
    days = {row.act: row.decided_on for row in sorted(rows, key=lambda row: row.case_id)}
    if first.number is None or first.decided_on is None:
        message = "an accepted filing has a number and a day"
        raise AssertionError(message)
    return Registered(
        number=first.number,
        party_id=first.party_id,
        name=name_of(party),
        credit_code=party.organisation.get("credit_code"),
        pack=first.pack,
        registered_on=first.decided_on,
        changed_on=days.get(FilingKind.CHANGE.value),
        deregistered_on=days.get(FilingKind.DEREGISTRATION.value),
        counted=counted_of(last),
        public_devices=len(last.devices),
    )


def devices(tx: Transaction) -> list[MapDevice]:
    """Return the devices in public places as each party filed them last, under whichever pack; each device once.

    A filing that was given back says nothing; one that is not decided yet shows its devices without a number.
    """
    known = {row.party_id: row for row in parties.every(tx)}
    found: dict[tuple[str, str], MapDevice] = {}
    for row in _standing(cases.every(tx)):
        for each in devices_of(row):
            seen = MapDevice(row.party_id, name_of(known[row.party_id]), row.number, each)
            if found.get((row.party_id, each.device), seen).number is None or seen.number is not None:
                found[row.party_id, each.device] = seen
    return sorted(found.values(), key=lambda each: (each.party_name, each.filed.device))


def _standing(rows: Iterable[CaseRow]) -> list[CaseRow]:
    """Return the newest filing of each party and pack, of those that were not given back; none after it has ended."""
    newest: dict[tuple[str, str], CaseRow] = {}
    for row in rows:  # the newest first
        over = row.act == FilingKind.DEREGISTRATION.value and row.state != CaseState.ACCEPTED.value
        if row.state != CaseState.RETURNED.value and not over:
            newest.setdefault((row.party_id, row.pack), row)
    return [row for row in newest.values() if row.act != FilingKind.DEREGISTRATION.value]
