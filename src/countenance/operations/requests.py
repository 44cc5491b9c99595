"""Requests: a subject asks for something, an officer answers it in time; each step is on record, its words never."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from countenance.errors import NotFoundError
from countenance.operations.erase import Erased, erase_held, erased_for_good
from countenance.operations.parts import Caller, House
from countenance.operations.whose import whose
from countenance.record import Entry, Recorded, append
from countenance.store import requests as store
from countenance.store import subjects
from countenance.store.database import Transaction
from countenance.store.requests import RequestRow
from countenance.subjects import requests as rules
from countenance.subjects.requests import NewRequest, Request, RequestAnswer
from countenance.vocabulary import RequestKind, RequestOutcome, RequestState, Role

#: A person without an account can read an answer for so long; then nothing ties it to anybody.
ANSWER_READ: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Answered:
    """The receipt of an answer: the request as it stands, what an erasure destroyed, and where it is on record."""

    request: Request
    erased: Erased | None
    recorded: Recorded


def open_request(
    house: House, caller: Caller, wanted: NewRequest, subject_ref: str | None = None
) -> tuple[Request, Recorded]:
    """Put a request on file: a subject's own, or one that an officer writes down for the person named.

    Raises NotFoundError for a person, purpose or record that is not on file, and what `subjects.requests.ask` raises.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        subject, mark = whose(tx, house, caller, subject_ref, lock=True)
        if wanted.about_record is not None:  # an officer may name one that bears nobody's mark, as a refusal at a gate
            own = mark if caller.role is Role.SUBJECT else None
            rules.check_record(tx, caller.operator_id, wanted.about_record, own)
        vault = house.vault(caller.operator_id)
        row = rules.ask(tx, vault, subject, wanted, at, house.request_days)
        recorded = _record(tx, row, "opened", caller.named, mark, at)
    house.count("request", "opened")
    return rules.shown(row, at, vault=vault, ref=subject.ref), recorded


def answer_request(house: House, caller: Caller, request_id: UUID, said: RequestAnswer) -> Answered:
    """Answer a request; a correction of the age class and an erasure that it grants are done in the same transaction.

    Raises NotFoundError for no such request, ConflictError for one that is closed, and what `subjects.requests.answer`
    raises.
    """
    at, operator_id, erased = house.clock(), caller.operator_id, None
    vault = house.vault(operator_id)
    with house.database.transaction() as tx:
        # 1. Hold the subject, then the request: an erasure takes them in the same order.
        row = _found(tx, operator_id, request_id)
        subject = subjects.find_id(tx, operator_id, row.subject_id, lock=True) if row.subject_id else None
        row = _found(tx, operator_id, request_id, lock=True)

        # 2. Answer, and record that.
        rules.answer(tx, vault, row, said, caller.named, at)
        if subject is None or subject.linking_key is None:  # a request that is not closed has a subject
            raise _nothing()
        mark = vault.mark(subject.linking_key, subject.subject_id)
        details = {"answer": said.outcome.value, "late": at >= row.due_at, "age_corrected": said.age_class is not None}
        recorded = _record(tx, row, "answered", caller.named, mark, at, details)

        # 3. Do what is granted.
        if said.age_class is not None:
            subjects.set_age_class(tx, operator_id, subject.subject_id, said.age_class.value)
        if row.kind == RequestKind.ERASE and said.outcome is RequestOutcome.GRANTED:
            erased = erase_held(tx, house, caller, subject.subject_id, mark, at)
        row = _found(tx, operator_id, request_id)
    if erased is not None:
        erased_for_good(house, caller, erased)
    house.count("request", "answered")
    ref = None if erased is not None else subject.ref
    return Answered(rules.shown(row, at, vault=vault, ref=ref), erased, recorded)


def list_requests(house: House, caller: Caller, state: RequestState | None = None, most: int = 100) -> list[Request]:
    """Return requests without their words: those that wait first, by the day they are due.

    An officer sees whose they are, a regulator does not.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        rows = store.listed(tx, caller.operator_id, at=at, most=most, state=state)
    names = caller.role is Role.OFFICER
    return [rules.shown(row, at, ref=ref if names else None) for row, ref in rows]


def show_request(house: House, caller: Caller, request_id: UUID) -> Request:
    """Return one request: with its words for the officer and the person who asked, without for the regulator.

    Raises NotFoundError for no such request, and alike for another person's.
    """
    at, operator_id = house.clock(), caller.operator_id
    with house.database.transaction() as tx:
        row = _found(tx, operator_id, request_id)
        if caller.role is Role.SUBJECT and (row.subject_id is None or row.subject_id != caller.subject_id):
            raise _nothing()
        subject = subjects.find_id(tx, operator_id, row.subject_id) if row.subject_id else None
    if caller.role is Role.REGULATOR or subject is None:
        return rules.shown(row, at)
    return rules.shown(row, at, vault=house.vault(operator_id), ref=subject.ref)


def sweep_requests(tx: Transaction, house: House, operator_id: str, at: datetime) -> None:
    """Record each request that has become overdue, once; destroy those closed long ago, and the unlinked's texts."""
    vault = house.vault(operator_id)
    for row in store.become_overdue(tx, operator_id, at):
        subject = subjects.find_id(tx, operator_id, row.subject_id) if row.subject_id else None
        linked = subject.linking_key if subject is not None else None
        mark = vault.mark(linked, subject.subject_id) if subject is not None and linked is not None else None
        _record(tx, row, "overdue", "server", mark, at)
        house.count("request", "overdue")
    store.let_go(tx, operator_id, at=at, closed_before=at - timedelta(days=house.request_keep_days))


def _found(tx: Transaction, operator_id: str, request_id: UUID, *, lock: bool = False) -> RequestRow:
    row = store.find(tx, operator_id, request_id, lock=lock)
    if row is None:
        raise _nothing()
    return row


def _nothing() -> NotFoundError:
    return NotFoundError("There is no such request.", "没有该请求。")


def _record(  # noqa: PLR0917 — a step of a request by somebody at an instant
    tx: Transaction,
    row: RequestRow,
    outcome: str,
    by: str,
    mark: bytes | None,
    at: datetime,
    more: dict[str, Any] | None = None,
) -> Recorded:
    """Record one step of a request, without a word of it."""
    about = str(row.about_record) if row.about_record is not None else None
    said = {"request": str(row.request_id), "kind": row.kind, "purpose": row.purpose, "about": about}
    return append(
        tx,
        Entry(
            operator_id=row.operator_id,
            at=at,
            kind="request",
            outcome=outcome,
            by=by,
            subject_mark=mark,
            details={**said, **(more or {})},
        ),
    )
