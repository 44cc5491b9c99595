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


def accept(
    office: Office, tx: Transaction, case_id: int, by: str, number: str | None, *, seen: str | None = None
) -> None:
    """Take a filing into the register; a change or deregistration goes under the number that is there.

    `seen` is the message that was looked at, none where nobody says. Raises NotFoundError, ConflictError where it is
    there already, was given back or amended, has nothing to change or would stand twice, or where the number is
    another's, and MalformedError for a number that is none.
    """
    case, party = _held(tx, case_id)
    _still_open(case, seen)
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


def give_back(office: Office, tx: Transaction, case_id: int, by: str, text: str, *, seen: str | None = None) -> None:
    """Return a filing for correction; raises ConflictError where it is in the register already, or was amended."""
    _turn(office, tx, case_id, (by, text, seen), CaseState.RETURNED)


def ask(office: Office, tx: Transaction, case_id: int, by: str, text: str, *, seen: str | None = None) -> None:
    """Ask about a filing; raises ConflictError where it is in the register already, was given back or amended."""
    _turn(office, tx, case_id, (by, text, seen), CaseState.ASKED)


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


def _turn(office: Office, tx: Transaction, case_id: int, said: tuple[str, str, str | None], state: CaseState) -> None:
    by, text, seen = said
    case, party = _held(tx, case_id)
    _still_open(case, seen)
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


def _still_open(case: CaseRow, seen: str | None) -> None:
    """Raise ConflictError for a filing that is decided, or that is no longer the one that was looked at."""
    if case.state == CaseState.ACCEPTED.value:
        raise ConflictError("This filing is in the register already.", "该备案已登记。")
    if seen is not None and seen != case.message_id.hex():
        raise ConflictError(
            "The operator has amended it meanwhile. Nothing was done; look again, then decide.",
            "运营者已在此期间修改该备案，未执行任何操作。请重新查看后再处理。",
        )


def _standing(tx: Transaction, case: CaseRow) -> str | None:
    """Return the number under which a party stands in the register by a pack, None where it does not or has ended."""
    filed = [row for row in cases.every(tx, CaseState.ACCEPTED.value, case.party_id) if row.pack == case.pack]
    ended = {row.number for row in filed if row.act == FilingKind.DEREGISTRATION.value}
    first = FilingKind.FIRST.value
    return next((row.number for row in filed if row.act == first and row.number not in ended), None)


def _number(tx: Transaction, case: CaseRow, asked: str | None, year: int) -> str:
    """Return the number under which a filing goes into the register."""
    wanted = None if asked is None else asked.strip() or None
    standing = _standing(tx, case)
    if case.act != FilingKind.FIRST.value:
        if standing is None:
            raise ConflictError(
                "There is no filing in the register that this could change. Ask the operator for the first one.",
                "登记簿中没有可供变更的备案。请要求运营者提交首次备案。",
            )
        if wanted not in {None, standing}:
            raise ConflictError("A change keeps the number of what it changes.", "变更备案沿用原编号。")
        return standing
    if standing is not None:
        raise ConflictError(
            "The operator stands in the register under this pack already. Give this back, and ask for a change.",
            "该运营者已依据该规则登记。请退回此备案，并要求其提交变更备案。",
        )
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
