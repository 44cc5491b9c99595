"""What a message does: a filing opens or amends a case, an answer goes to one, a statement or sketch is kept.

What can be wrong is looked at when the note comes; the effect follows once every file that belongs to it is there. What
may have changed in between is looked at again: whose log a log is, and which filing of a case is the newest.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Final

from pydantic import Field, TypeAdapter, ValidationError

from countenance.authority.addresses import check_address
from countenance.authority.due import reached_on
from countenance.authority.office import Office
from countenance.authority.pairing import only_one_log
from countenance.authority.seen import CaseState
from countenance.authority.stated import check_days, not_that_day, read_statement
from countenance.errors import ConflictError, LimitError, MalformedError
from countenance.filing.exchange import Filing, Kind, LogAddress, Message, PublicDevice, Reply, Share, Statement
from countenance.log.notes import Verifier
from countenance.store.database import Transaction
from countenance.store.register import cases, figures, messages, parties
from countenance.store.register.cases import CaseRow
from countenance.store.register.figures import ShareRow, StatedRow
from countenance.store.register.messages import MessageRow
from countenance.store.register.parties import PartyRow
from countenance.vocabulary import FilingKind

#: A sketch has one size, and a little before it.
SKETCH_BYTES_MAX: Final = 1 << 20
#: So much may the file of a filing's devices be, and so many may stand in it.
DEVICES_BYTES_MAX: Final = 16 << 20
DEVICES_MAX: Final = 100_000
DEVICES_TYPE: Final = "application/json"
#: The kinds an authority takes at the door for messages.
TAKEN: Final = frozenset({Kind.FILING, Kind.STATEMENT, Kind.ANSWER, Kind.SHARE})
_ASKS: Final = frozenset({Kind.QUESTION.value, Kind.RETURNED.value, Kind.REMINDER.value})


def look(office: Office, tx: Transaction, party: PartyRow, message: Message) -> None:
    """Raise what keeps a message from being taken.

    MalformedError for what it says, ConflictError where it speaks of what is not there or no longer stands so,
    LimitError for too long a file.
    """
    said, today = message.says(), office.day(office.clock())
    if isinstance(said, Filing):
        check_days(today, _day(said.raised_on), _day(said.deadline))
        if said.devices_file is not None:
            _listed(said, message)
        if said.amends is not None:
            _amended(tx, party, said)
    elif isinstance(said, Statement):
        found = read_statement(said.statement)
        check_days(today, found.day, *(day for each in found.duties for day in (each.raised_on, each.deadline)))
        # The newest day and the newest word for a day stand: neither may be of a time to come.
        if max(found.day, office.day(message.at)) > today + timedelta(days=1):
            raise not_that_day()
        if said.log is not None and party.log_vkey is None:
            _with_log(office, tx, party, said.log)
    elif isinstance(said, Reply):
        _asked(tx, party, said)
    elif isinstance(said, Share):
        _shared(party, said, message)


def take_effect(office: Office, tx: Transaction, party: PartyRow, message: Message, row: MessageRow) -> None:
    """Let a message that is whole do what it says, once, in the transaction that makes it whole.

    Raises ConflictError where a log has become another's meanwhile, UnavailableError where a file is gone.
    """
    at = office.clock()
    messages.complete(tx, party.party_id, row.message_id, at)
    _EFFECTS[message.kind](office, tx, party, message, row)


def _file(office: Office, tx: Transaction, party: PartyRow, message: Message, row: MessageRow) -> None:
    """Open a case, or put what it amends in its place and on the clerks' desk again."""
    said: Filing = message.says()
    at, devices = office.clock(), _devices(office, said)
    filed = CaseRow(
        party_id=party.party_id,
        pack=said.pack,
        act=said.act.value,
        state=CaseState.RECEIVED.value,
        filed_at=at,
        message_id=row.message_id,
        persons=said.persons.model_dump(),
        snapshot=said.snapshot,
        devices=[each.model_dump(mode="json") for each in devices or ()],
        devices_unread=devices is None,
        cause=said.cause,
        raised_on=_raised_on(office, tx, party, said),
        deadline=_day(said.deadline),
    )
    before = None if said.amends is None else _case_of(tx, party, said.amends)
    if before is None or before.state == CaseState.ACCEPTED.value:  # it was accepted while the files were on their way
        case_id = cases.add(tx, filed)
    else:
        case_id = before.case_id
        standing = messages.find(tx, party.party_id, before.message_id)
        if standing is None or standing.number < row.number:  # of two amendments the one that was sent later stands
            # When it was first filed is when it was filed: what is corrected in time was in time.
            cases.change(tx, replace(filed, case_id=case_id, filed_at=before.filed_at))
    messages.file_under(tx, party.party_id, row.message_id, case_id)


def _case_of(tx: Transaction, party: PartyRow, message_id: str) -> CaseRow | None:
    """Return the case to which a filing was counted, whether it is still the newest of it or not."""
    filing = messages.find(tx, party.party_id, bytes.fromhex(message_id))
    return None if filing is None or filing.case_id is None else cases.find(tx, filing.case_id, lock=True)


def _raised_on(office: Office, tx: Transaction, party: PartyRow, said: Filing) -> date | None:
    """Return the day from which a filing's days are counted: no later than the party's own statements say."""
    named = _day(said.raised_on)
    if said.act is not FilingKind.FIRST:
        return named
    reached = reached_on(office, tx, party.party_id, said.pack)
    return min((day for day in (named, reached) if day is not None), default=None)


def _devices(office: Office, said: Filing) -> Sequence[PublicDevice] | None:
    """Return the devices of a filing, None for a file of them that cannot be read."""
    if said.devices_file is None:
        return said.devices
    try:
        return _DEVICES.validate_json(office.files.read(bytes.fromhex(said.devices_file)))
    except ValidationError:
        return None


def _with_log(office: Office, tx: Transaction, party: PartyRow, log: LogAddress) -> PartyRow:
    """Return a party with the log that it names; raises ConflictError for another's, MalformedError for none."""
    check_address(log.url, private=office.private_logs)
    named = replace(party, log_vkey=Verifier.of_vkey(log.vkey).as_vkey(), log_url=log.url)
    only_one_log(tx, named)
    return named


def _state(office: Office, tx: Transaction, party: PartyRow, message: Message, row: MessageRow) -> None:
    said: Statement = message.says()
    found = read_statement(said.statement)
    persons = found.persons
    if said.log is not None and party.log_vkey is None:  # there was none yet when it paired; another one takes a code
        parties.write(tx, _with_log(office, tx, party, said.log))
    figures.state(
        tx,
        StatedRow(
            party_id=party.party_id,
            day=found.day,
            at=message.at,
            lower=persons.lower,
            upper=persons.upper,
            highest=persons.highest,
            cumulative=persons.cumulative,
            said=said.statement,
            message_id=row.message_id,
        ),
    )


def _answer(_office: Office, tx: Transaction, party: PartyRow, message: Message, row: MessageRow) -> None:
    """Count an answer to the case that was asked about, which waits for the clerks again.

    What was given back for correction waits for the correction, whatever is answered.
    """
    said: Reply = message.says()
    asked = _asked(tx, party, said)
    if asked.case_id is None:
        return
    messages.file_under(tx, party.party_id, row.message_id, asked.case_id)
    case = cases.find(tx, asked.case_id, lock=True)
    if case is not None and case.state == CaseState.ASKED.value:
        cases.change(tx, replace(case, state=CaseState.RECEIVED.value))


def _share(_office: Office, tx: Transaction, party: PartyRow, message: Message, _row: MessageRow) -> None:
    said: Share = message.says()
    (file,) = message.attachments
    digest = bytes.fromhex(file.sha256)
    figures.keep_share(tx, ShareRow(said.group, party.party_id, said.key_id, said.persons, digest, message.at))


_DEVICES: Final = TypeAdapter(Annotated[list[PublicDevice], Field(max_length=DEVICES_MAX)])
_EFFECTS: Final[dict[Kind, Callable[[Office, Transaction, PartyRow, Message, MessageRow], None]]] = {
    Kind.FILING: _file,
    Kind.STATEMENT: _state,
    Kind.ANSWER: _answer,
    Kind.SHARE: _share,
}


def _amended(tx: Transaction, party: PartyRow, said: Filing) -> None:
    case = cases.of_message(tx, party.party_id, bytes.fromhex(said.amends or ""))
    if case is None or (case.pack, case.act) != (said.pack, said.act.value):
        raise ConflictError(
            "What this filing amends is not the last filing of this act under this pack. Name that one, or none.",
            "所更正的不是该规则下同类备案的最新一次提交。请指定该次提交，或不指定。",
        )
    if case.state == CaseState.ACCEPTED.value:
        raise ConflictError(
            "What this filing amends is in the register already. File a change.", "所更正的备案已登记。请提交变更备案。"
        )


def _listed(said: Filing, message: Message) -> None:
    """Raise MalformedError where the file of a filing's devices is no attachment that may be one."""
    named = [each for each in message.attachments if each.sha256 == said.devices_file]
    if not any(each.media_type == DEVICES_TYPE and each.size <= DEVICES_BYTES_MAX for each in named):
        raise MalformedError(
            f"The file of the devices is a JSON attachment of the filing, of at most {DEVICES_BYTES_MAX >> 20} MiB.",
            f"设备清单须为该备案的 JSON 附件，且不超过 {DEVICES_BYTES_MAX >> 20} MiB。",
        )


def _asked(tx: Transaction, party: PartyRow, said: Reply) -> MessageRow:
    """Return what an answer answers."""
    asked = messages.find(tx, party.party_id, bytes.fromhex(said.to))
    if asked is None or not asked.ours or asked.kind not in _ASKS:
        raise ConflictError(
            "Nobody asked what this answers. Name the message of the authority that it answers.",
            "没有与该答复对应的询问。请指定所答复的主管部门消息。",
        )
    return asked


def _shared(party: PartyRow, said: Share, message: Message) -> None:
    if said.group != party.group_name:
        raise ConflictError(
            "This operator does not belong to that group here. Ask the authority to count it to the group.",
            "该运营者在此处不属于该集团。请联系主管部门归入集团。",
        )
    if len(message.attachments) != 1:
        raise MalformedError("A share has one sketch attached.", "共享消息须附一份草图。")
    if message.attachments[0].size > SKETCH_BYTES_MAX:
        raise LimitError("The sketch is longer than sketches are.", "草图超过允许大小。")


def _day(written: str | None) -> date | None:
    try:
        return None if written is None else date.fromisoformat(written)
    except ValueError:
        raise MalformedError(
            "A day of the filing is not written like 2026-01-31.", "备案日期格式应为 2026-01-31。"
        ) from None
