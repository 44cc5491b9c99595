"""What clerks decide about a filing: into the register, back for correction, a question; and a reminder of one owed.

Each is a signed message to the operator in the transaction of the act, under the name of the clerk.
"""

import re
from dataclasses import replace
from typing import Final

from countenance.authority.office import Office
from countenance.authority.reading import ends
from countenance.authority.seen import CaseState
from countenance.errors import ConflictError, LimitError, MalformedError, NotFoundError
from countenance.filing.exchange import Asked, Kind, Number
from countenance.store.database import Transaction
from countenance.store.register import cases, parties
from countenance.store.register.cases import CaseRow
from countenance.store.register.parties import PartyRow
from countenance.vocabulary import FilingKind

PROSE_CHARS_MAX: Final = 8192
_NUMBER: Final = re.compile(r"[\w./\-()〔〕号]{1,64}")


def accept(office: Office, tx: Transaction, case_id: int, by: str, number: str | None) -> None:
    """Take a filing into the register; a change or deregistration goes under the number that is there.

    Raises NotFoundError, ConflictError where it is there already, was given back or has nothing to change, or where the
    number is another's, and MalformedError for a number that is none.
    """
    case, party = _held(tx, case_id)
    _still_open(case)
    if case.state == CaseState.RETURNED.value:
        raise ConflictError(
            "This filing was given back for correction. It can be accepted once it comes again.",
            "该备案已退回补正，重新提交后方可登记。",
        )
    day = office.day(office.clock())
    given = _number(tx, case, number, day.year)
    cases.change(tx, replace(case, state=CaseState.ACCEPTED.value, number=given, decided_on=day, decided_by=by))
    body = Number(of=case.message_id.hex(), pack=case.pack, act=FilingKind(case.act), number=given, on=day.isoformat())
    office.say(tx, party, Kind.NUMBER, body, by=by, case_id=case_id)


def give_back(office: Office, tx: Transaction, case_id: int, by: str, text: str) -> None:
    """Return a filing for correction; raises ConflictError where it is in the register already."""
    _turn(office, tx, case_id, by, text, CaseState.RETURNED)


def ask(office: Office, tx: Transaction, case_id: int, by: str, text: str) -> None:
    """Ask about a filing; raises ConflictError where it is in the register already, or was given back."""
    _turn(office, tx, case_id, by, text, CaseState.ASKED)


def remind(office: Office, tx: Transaction, party_id: str, by: str, text: str, pack: str | None) -> None:
    """Remind an operator of a filing it owes."""
    party = parties.find(tx, party_id, lock=True)
    if party is None:
        raise NotFoundError("There is no such party.", "没有该备案主体。")
    office.say(tx, party, Kind.REMINDER, Asked(pack=pack, text=prose(text)), by=by)


def prose(text: str) -> str:
    """Return what a person wrote; raises MalformedError where that is nothing, LimitError where it is too much."""
    written = text.replace("\r\n", "\n").strip()
    if not written:
        raise MalformedError("Write something.", "请填写内容。")
    if len(written) > PROSE_CHARS_MAX:
        raise LimitError(
            f"This is too long: at most {PROSE_CHARS_MAX} characters.", f"内容过长：最多 {PROSE_CHARS_MAX} 个字符。"
        )
    return written


def _turn(office: Office, tx: Transaction, case_id: int, by: str, text: str, state: CaseState) -> None:
    case, party = _held(tx, case_id)
    _still_open(case)
    if case.state == CaseState.RETURNED.value:
        raise ConflictError("This filing was given back already.", "该备案已退回。")
    last = ends(office, case)
    body = Asked(
        of=case.message_id.hex(),
        pack=case.pack,
        deadline=None if last is None else last.day.isoformat(),
        text=prose(text),
    )
    cases.change(tx, replace(case, state=state.value))
    kind = Kind.QUESTION if state is CaseState.ASKED else Kind.RETURNED
    office.say(tx, party, kind, body, by=by, case_id=case_id)


def _held(tx: Transaction, case_id: int) -> tuple[CaseRow, PartyRow]:
    """Return a case and its party, both held: the party first, as whatever comes from it does."""
    found = cases.find(tx, case_id)
    party = None if found is None else parties.find(tx, found.party_id, lock=True)
    case = cases.find(tx, case_id, lock=True)
    if case is None or party is None:
        raise NotFoundError("There is no such filing.", "没有该备案。")
    return case, party


def _still_open(case: CaseRow) -> None:
    if case.state == CaseState.ACCEPTED.value:
        raise ConflictError("This filing is in the register already.", "该备案已登记。")


def _number(tx: Transaction, case: CaseRow, asked: str | None, year: int) -> str:
    """Return the number under which a filing goes into the register."""
    wanted = None if asked is None else asked.strip() or None
    if case.act != FilingKind.FIRST.value:
        first = cases.registered(tx, case.party_id, case.pack)
        if first is None or first.number is None:
            raise ConflictError(
                "There is no filing in the register that this could change. Ask the operator for the first one.",
                "登记簿中没有可供变更的备案。请要求运营者提交首次备案。",
            )
        if wanted not in {None, first.number}:
            raise ConflictError("A change keeps the number of what it changes.", "变更备案沿用原编号。")
        return first.number
    if wanted is None:
        return cases.next_number(tx, year)
    if not _NUMBER.fullmatch(wanted):
        raise MalformedError(
            "A number has up to 64 letters, digits, dots, slashes and hyphens.",
            "编号最多 64 个字符，可含字母、数字、点、斜线与连字符。",
        )
    if cases.numbered(tx, wanted):
        raise ConflictError("This number is given already.", "该编号已被使用。")
    return wanted
