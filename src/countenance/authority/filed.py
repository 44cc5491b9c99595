"""What a message does: a filing opens or amends a case, an answer goes to one, a statement or sketch is kept.

What can be wrong is looked at when the note comes; the effect follows once every file that belongs to it is there.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from countenance.authority.pairing import only_one_log
from countenance.authority.seen import CaseState
from countenance.authority.stated import read_statement
from countenance.errors import ConflictError, LimitError, MalformedError
from countenance.filing.exchange import Filing, Kind, Message, Reply, Share, Statement
from countenance.log.notes import Verifier
from countenance.store.database import Transaction
from countenance.store.register import cases, figures, messages, parties
from countenance.store.register.cases import CaseRow
from countenance.store.register.figures import ShareRow, StatedRow
from countenance.store.register.messages import MessageRow
from countenance.store.register.parties import PartyRow

#: A sketch has one size, and a little before it.
SKETCH_BYTES_MAX: Final = 1 << 20
#: The kinds an authority takes at the door for messages.
TAKEN: Final = frozenset({Kind.FILING, Kind.STATEMENT, Kind.ANSWER, Kind.SHARE})
_ASKS: Final = frozenset({Kind.QUESTION.value, Kind.RETURNED.value, Kind.REMINDER.value})


def look(tx: Transaction, party: PartyRow, message: Message) -> None:
    """Raise what keeps a message from being taken.

    MalformedError for what it says, ConflictError where it speaks of what is not there or no longer stands so,
    LimitError for too long a file.
    """
    said = message.says()
    if isinstance(said, Filing):
        _day(said.raised_on)
        _day(said.deadline)
        if said.amends is not None:
            _amended(tx, party, said)
    elif isinstance(said, Statement):
        read_statement(said.statement)
        if said.log is not None and party.log_vkey is None:
            Verifier.of_vkey(said.log.vkey)
            only_one_log(tx, replace(party, log_vkey=said.log.vkey))
    elif isinstance(said, Reply):
        _asked(tx, party, said)
    elif isinstance(said, Share):
        _shared(party, said, message)


def take_effect(tx: Transaction, party: PartyRow, message: Message, row: MessageRow, at: datetime) -> None:
    """Let a message that is whole do what it says, once, in the transaction that makes it whole."""
    messages.complete(tx, party.party_id, row.message_id, at)
    _EFFECTS[message.kind](tx, party, message, row, at)


def _file(tx: Transaction, party: PartyRow, message: Message, row: MessageRow, at: datetime) -> None:
    """Open a case, or put what it amends in its place and on the clerks' desk again."""
    said: Filing = message.says()
    filed = CaseRow(
        party_id=party.party_id,
        pack=said.pack,
        act=said.act.value,
        state=CaseState.RECEIVED.value,
        filed_at=at,
        message_id=row.message_id,
        persons=said.persons.model_dump(),
        snapshot=said.snapshot,
        devices=[each.model_dump(mode="json") for each in said.devices],
        cause=said.cause,
        raised_on=_day(said.raised_on),
        deadline=_day(said.deadline),
    )
    before = None if said.amends is None else cases.of_message(tx, party.party_id, bytes.fromhex(said.amends))
    if before is None or before.state == CaseState.ACCEPTED.value:  # it was accepted while the files were on their way
        case_id = cases.add(tx, filed)
    else:
        case_id = before.case_id
        # When it was first filed is when it was filed: what is corrected in time was in time.
        cases.change(tx, replace(filed, case_id=case_id, filed_at=before.filed_at))
    messages.file_under(tx, party.party_id, row.message_id, case_id)


def _state(tx: Transaction, party: PartyRow, message: Message, row: MessageRow, _at: datetime) -> None:
    said: Statement = message.says()
    found = read_statement(said.statement)
    persons = found.persons
    if said.log is not None and party.log_vkey is None:  # there was none yet when it paired; another one takes a code
        parties.write(tx, replace(party, log_vkey=said.log.vkey, log_url=said.log.url))
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


def _answer(tx: Transaction, party: PartyRow, message: Message, row: MessageRow, _at: datetime) -> None:
    """Count an answer to the case that was asked about, which waits for the clerks again."""
    said: Reply = message.says()
    asked = _asked(tx, party, said)
    if asked.case_id is None:
        return
    messages.file_under(tx, party.party_id, row.message_id, asked.case_id)
    case = cases.find(tx, asked.case_id, lock=True)
    if case is not None and case.state in {CaseState.ASKED.value, CaseState.RETURNED.value}:
        cases.change(tx, replace(case, state=CaseState.RECEIVED.value))


def _share(tx: Transaction, party: PartyRow, message: Message, _row: MessageRow, _at: datetime) -> None:
    said: Share = message.says()
    (file,) = message.attachments
    digest = bytes.fromhex(file.sha256)
    figures.keep_share(tx, ShareRow(said.group, party.party_id, said.key_id, said.persons, digest, message.at))


_EFFECTS: Final[dict[Kind, Callable[[Transaction, PartyRow, Message, MessageRow, datetime], None]]] = {
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
