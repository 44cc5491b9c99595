"""The desk of an authority: what its clerks do with what came in, each act signed, numbered and under a name."""

from typing import Any, Final

from countenance.authority import clerks, complaining, deciding, due, groups, open_data, pairing, registering
from countenance.authority.inspect import look_at
from countenance.authority.office import Office
from countenance.authority.reading import case_of, complaint_of, conversation, inspection_of, kept, party_of
from countenance.authority.seen import (
    Case,
    CaseFile,
    CaseState,
    Clerk,
    Complaint,
    Due,
    Group,
    Inspection,
    MadeCode,
    MapDevice,
    Party,
    Registered,
    Said,
    Session,
    Signal,
    Stated,
)
from countenance.authority.signals import signals
from countenance.authority.stated import stated_of
from countenance.errors import MalformedError, NotFoundError
from countenance.filing.exchange import Inspected, Kind
from countenance.store.register import cases, figures, messages, parties, public
from countenance.store.register.public import InspectionRow

#: So many messages of a conversation are shown.
SAID_MAX: Final = 500


class Desk:
    """Everything that pages and commands ask of an authority.

    Raises NotFoundError for what is not there, ConflictError where the state of a case does not permit an act,
    MalformedError for words that cannot be taken, LimitError for too many, UnavailableError without the database.
    """

    def __init__(self, office: Office) -> None:
        """Stand in an office."""
        self.office = office

    # Clerks. A password is compared before any transaction; the page paces addresses.

    def sign_in(self, name: str, password: str) -> Session:
        """Let a clerk in; raises NotAllowedError, alike for every reason."""
        return clerks.sign_in(self.office, name, password)

    def clerk(self, token: str | None) -> Clerk | None:
        """Return whose session a token is, None for none that stands."""
        return clerks.clerk_of(self.office, token)

    def sign_out(self, token: str) -> None:
        """End a session."""
        clerks.sign_out(self.office, token)

    def choose_password(self, clerk: str, old: str, new: str) -> None:
        """Let a clerk choose a password; every session of theirs ends. Raises NotAllowedError for a wrong old one."""
        clerks.choose_password(self.office, clerk, old, new)

    def add_clerk(self, name: str, password: str | None = None) -> str | None:
        """Put a clerk on the list, or give one a new password; returns the password where none was given."""
        return clerks.add_clerk(self.office, name, password)

    def remove_clerk(self, name: str) -> None:
        """Take a clerk off the list and end their sessions; what they did stays under their name."""
        clerks.remove_clerk(self.office, name)

    def clerks(self) -> list[Clerk]:
        """Return who works here."""
        return clerks.everybody(self.office)

    # Parties

    def code(self, by: str, party_id: str | None = None) -> MadeCode:
        """Make a pairing code, for a new party or for one that changes its key."""
        return pairing.make_code(self.office, by, party_id)

    def parties(self) -> list[Party]:
        """Return every operator that is paired, by name."""
        with self.office.database.transaction() as tx:
            stated = figures.newest(tx)
            found = [party_of(row, stated.get(row.party_id)) for row in parties.every(tx)]
        return sorted(found, key=lambda each: (each.name, each.party_id))

    def party(self, party_id: str) -> Party:
        """Return one party."""
        found = next((each for each in self.parties() if each.party_id == party_id), None)
        if found is None:
            raise _none_such()
        return found

    def stated(self, party_id: str, most: int) -> list[Stated]:
        """Return the newest statements of a party, by day."""
        with self.office.database.transaction() as tx:
            return [stated_of(row) for row in figures.series(tx, party_id, most)]

    def conversation(self, party_id: str) -> tuple[Said, ...]:
        """Return the newest messages with a party, whatever they are about, the oldest first."""
        with self.office.database.transaction() as tx:
            return conversation(tx, party_id, messages.of_party(tx, party_id, SAID_MAX))

    # Cases

    def cases(self, state: CaseState | None = None, party_id: str | None = None) -> list[Case]:
        """Return the filings, those of one state or party or all, the newest first."""
        with self.office.database.transaction() as tx:
            known = {row.party_id: row for row in parties.every(tx)}
            rows = cases.every(tx, None if state is None else state.value, party_id)
        return [case_of(self.office, row, known[row.party_id]) for row in rows]

    def case(self, case_id: int) -> CaseFile:
        """Return a filing and what was said about it."""
        with self.office.database.transaction() as tx:
            row = cases.find(tx, case_id)
            party = None if row is None else parties.find(tx, row.party_id)
            if row is None or party is None:
                raise _none_such()
            said = conversation(tx, row.party_id, messages.of_case(tx, case_id))
        return CaseFile(case_of(self.office, row, party), said)

    def attachment(self, case_id: int, sha256: str) -> tuple[str, str, bytes]:
        """Return a file of a case: its name, media type and content."""
        files = [file for said in self.case(case_id).said for file in said.attached]
        found = next((each for each in files if each.here and each.sha256 == sha256), None)
        if found is None:
            raise _none_such()
        return found.name, found.media_type, self.office.files.read(bytes.fromhex(found.sha256))

    # Who decides by a page says which message they saw: one that was amended meanwhile is not decided.

    def accept(self, case_id: int, by: str, number: str | None = None, *, seen: str | None = None) -> Case:
        """Take a filing into the register, under this number or the next one, and tell the operator."""
        with self.office.database.transaction() as tx:
            deciding.accept(self.office, tx, case_id, by, number, seen=seen)
        return self.case(case_id).case

    def give_back(self, case_id: int, by: str, text: str, *, seen: str | None = None) -> Case:
        """Return a filing for correction, and say what is wrong."""
        with self.office.database.transaction() as tx:
            deciding.give_back(self.office, tx, case_id, by, text, seen=seen)
        return self.case(case_id).case

    def ask(self, case_id: int, by: str, text: str, *, seen: str | None = None) -> Case:
        """Ask the operator something about a filing."""
        with self.office.database.transaction() as tx:
            deciding.ask(self.office, tx, case_id, by, text, seen=seen)
        return self.case(case_id).case

    def remind(self, party_id: str, by: str, text: str, pack: str | None = None) -> None:
        """Remind an operator of a filing it owes."""
        with self.office.database.transaction() as tx:
            deciding.remind(self.office, tx, party_id, by, text, pack)

    def register(self) -> list[Registered]:
        """Return the register, by number."""
        with self.office.database.transaction() as tx:
            return registering.register(tx)

    def deadlines(self) -> list[Due]:
        """Return what all operators owe, the most urgent first."""
        with self.office.database.transaction() as tx:
            return due.deadlines(self.office, tx)

    def open_data(self) -> dict[str, Any]:
        """Return the register for everybody, without personal data."""
        return open_data.as_json(self.register(), self.office.day(self.office.clock()))

    def open_data_csv(self) -> str:
        """Return the same as comma-separated values."""
        return open_data.as_csv(self.register())

    # What to look at

    def groups(self) -> list[Group]:
        """Return the groups with the bounds of what they hold together."""
        with self.office.database.transaction() as tx:
            return groups.groups(self.office, tx)

    def group(self, name: str) -> Group:
        """Return one group."""
        with self.office.database.transaction() as tx:
            return groups.group(self.office, tx, name)

    def issue_group_key(self, name: str, by: str) -> Group:
        """Give every member of a group the key under which they make their sketches; the same key each time."""
        with self.office.database.transaction() as tx:
            groups.issue_key(self.office, tx, name, by)
        return self.group(name)

    def assign(self, party_id: str, group: str | None) -> Party:
        """Count a party to a group, or to none, whatever it said itself."""
        named = (group or "").strip() or None
        if named is not None and (len(named) > _GROUP_CHARS_MAX or not named.isprintable() or _is_way(named)):
            raise MalformedError(
                "A group has a short name of printable characters, which is no path.",
                "集团名称过长、含不可打印字符或形似路径。",
            )
        with self.office.database.transaction() as tx:
            if not parties.assign(tx, party_id, named):
                raise _none_such()
        return self.party(party_id)

    def devices(self) -> list[MapDevice]:
        """Return the devices in public places that stand in filings, for the map."""
        with self.office.database.transaction() as tx:
            return registering.devices(tx)

    def signals(self) -> list[Signal]:
        """Return what to look at, the newest first."""
        with self.office.database.transaction() as tx:
            return signals(self.office, tx)

    # Complaints and inspections

    def complain(self, about: str, text: str, contact: str | None = None, party_id: str | None = None) -> str:
        """Take a complaint from anybody, and return the token by which they see what became of it; no sign-in."""
        return complaining.complain(self.office, about, text, contact, party_id)

    def complaint(self, token: str) -> Complaint:
        """Return the complaint that a token belongs to, for whoever made it."""
        return complaining.complaint(self.office, token)

    def complaints(self, *, open_only: bool = False) -> list[Complaint]:
        """Return the complaints, the newest first."""
        with self.office.database.transaction() as tx:
            return [complaint_of(row) for row in public.complaints(tx, open_only=open_only)]

    def answer_complaint(self, complaint_id: int, by: str, text: str) -> Complaint:
        """Answer a complaint."""
        return complaining.answer(self.office, complaint_id, by, text)

    def inspections(self, party_id: str | None = None) -> list[Inspection]:
        """Return the inspections, the newest first."""
        with self.office.database.transaction() as tx:
            known = {row.party_id: row for row in parties.every(tx)}
            rows = public.inspections(tx, party_id)
        return [inspection_of(row, known[row.party_id]) for row in rows]

    def inspect(self, party_id: str, by: str, order: str) -> Inspection:
        """Carry out an inspection, by an order: mirror the log, check it, compare it with what was stated. Slow.

        The operator is told the order and what was found. Cut off in the middle it stays open in the list.
        """
        ordered = deciding.prose(order)[:_ORDER_CHARS_MAX]
        with self.office.database.transaction() as tx:
            party = parties.find(tx, party_id)
            if party is None:
                raise _none_such()
            opened = public.open_inspection(tx, InspectionRow(party_id, ordered, self.office.clock(), by))
        found = look_at(self.office, party)
        told = "\n".join(f"{'ok' if each.holds else '!!'} {each.text.en} {each.text.zh}" for each in found.findings)
        with self.office.database.transaction() as tx:
            held = parties.find(tx, party_id, lock=True)
            which, findings = (found.origin, found.size), [kept(each) for each in found.findings]
            public.close_inspection(tx, opened, self.office.clock(), which, findings)
            if held is not None:
                body = Inspected(order=ordered, found=told[: deciding.PROSE_CHARS_MAX])
                self.office.say(tx, held, Kind.INSPECTED, body, by=by)
        return next(each for each in self.inspections(party_id) if each.inspection_id == opened)


_GROUP_CHARS_MAX: Final = 128
_ORDER_CHARS_MAX: Final = 256


def _is_way(name: str) -> bool:
    """Return whether a browser would take a name in an address for the way to another page."""
    return not {".", ".."}.isdisjoint(name.split("/"))


def _none_such() -> NotFoundError:
    return NotFoundError("There is no such thing here.", "此处没有该项。")
