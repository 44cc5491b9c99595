"""What subjects ask for, with a clock: a number of days, counted where the law is."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID, uuid4

from countenance.errors import ConflictError, LimitError, MalformedError, NotFoundError
from countenance.store import records, sites
from countenance.store import requests as store
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE
from countenance.store.requests import RequestRow
from countenance.store.subjects import SubjectRow
from countenance.vault.sealing import RequestPlace, Vault
from countenance.vocabulary import AgeClass, RequestKind, RequestOutcome, RequestState

#: How many requests of one subject may wait at once.
WAITING_MAX: Final = 20
#: What a person writes, and what is written back.
PROSE_CHARS_MAX: Final = 4000
#: A request of these kinds says nothing without words.
_IN_WORDS: Final = frozenset({RequestKind.CORRECT, RequestKind.COMPLAIN})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """What a subject asks for: of which purpose, about which record, in which words."""

    kind: RequestKind
    text: str | None = field(default=None, repr=False)
    purpose: str | None = None
    about_record: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswer:
    """How a request is answered: the words, and for a correction the age class that is right."""

    outcome: RequestOutcome
    text: str | None = field(default=None, repr=False)
    age_class: AgeClass | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it is shown: `due_on` is the last day for an answer, `days_left` is below zero when it has passed.

    Without texts and subject where the reader is not to have them, or where they are destroyed.
    """

    request: UUID
    kind: RequestKind
    state: RequestState
    subject: str | None = field(repr=False)
    purpose: str | None
    about_record: UUID | None
    opened_at: datetime
    due_on: date
    days_left: int | None
    text: str | None = field(repr=False)
    answered_at: datetime | None
    answered_by: str | None
    outcome: RequestOutcome | None
    answer: str | None = field(repr=False)


def due_at(opened_at: datetime, days: int) -> datetime:
    """Return the instant from which a request is overdue: the midnight that ends its last day at the law's place."""
    after = opened_at.astimezone(PLACE).date() + timedelta(days=days + 1)
    return datetime.combine(after, time(), PLACE).astimezone(UTC)


def due_on(row: RequestRow) -> date:
    """Return the last day for an answer."""
    return row.due_at.astimezone(PLACE).date() - timedelta(days=1)


def ask(tx: Transaction, vault: Vault, subject: SubjectRow, wanted: NewRequest, at: datetime, days: int) -> RequestRow:
    """Put a request on file, sealed, and return it; the subject is held by the caller.

    Raises MalformedError for a correction or complaint without words, NotFoundError for a purpose that was never on
    file, LimitError where too many wait already.
    """
    if wanted.text is None and wanted.kind in _IN_WORDS:
        raise MalformedError(
            "A correction or a complaint needs words. Say in `text` what is wrong.",
            "更正或投诉须写明内容。请在 text 中说明。",
        )
    declared = {row["code"] for row in sites.read(tx, subject.operator_id, "purpose")}  # retired ones count
    if wanted.purpose is not None and wanted.purpose not in declared:
        raise NotFoundError("No such purpose was ever on file. See GET /v1/purposes.", "该处理目的从未登记。")
    if store.waiting(tx, subject.operator_id, subject.subject_id) >= WAITING_MAX:
        raise LimitError(
            "Too many requests of this person wait for an answer already. Wait until one is answered.",
            "该个人待答复的请求已达上限。请等待答复后再提出。",
            limit="rate",
        )
    place = RequestPlace(subject.subject_id, uuid4())
    wrapped = vault.new_request_key(place)
    row = RequestRow(
        operator_id=subject.operator_id,
        request_id=place.request_id,
        subject_id=subject.subject_id,
        kind=wanted.kind.value,
        purpose=wanted.purpose,
        about_record=wanted.about_record,
        opened_at=at,
        due_at=due_at(at, days),
        wrapped=wrapped,
        sealed_text=None if wanted.text is None else vault.seal_text(wanted.text, wrapped, place, "text"),
    )
    store.add(tx, row)
    return row


def check_record(tx: Transaction, operator_id: str, record_id: UUID, mark: bytes | None) -> None:
    """Raise NotFoundError where no such record is on file; with `mark`, another person's is no different from none."""
    found = records.find(tx, operator_id, record_id)
    if found is None or (mark is not None and found.subject_mark != mark):
        raise NotFoundError("There is no such record or subject.", "没有该记录或个人。")


def answer(tx: Transaction, vault: Vault, row: RequestRow, said: RequestAnswer, by: str, at: datetime) -> None:
    """Close a request with its answer; the request is held by the caller.

    Raises ConflictError for one that is closed, MalformedError for a no without its reason, or an age class that
    corrects nothing.
    """
    if row.closed_at is not None or row.subject_id is None or row.wrapped is None:
        raise ConflictError(
            "This request is closed: it was answered, or the person was erased. Read it again.",
            "该请求已关闭：已答复，或该个人已被删除。请重新读取。",
        )
    if said.text is None and said.outcome is not RequestOutcome.GRANTED:
        raise MalformedError(
            "An answer that does not grant everything needs its reason. Say it in `text`.",
            "未全部同意的答复须说明理由。请在 text 中写明。",
        )
    corrects = row.kind == RequestKind.CORRECT and said.outcome is not RequestOutcome.REFUSED
    if said.age_class is not None and not corrects:
        raise MalformedError(
            "An age class comes with the granted correction of one, and with no other answer.",
            "年龄段仅可随同意更正的答复一并给出。",
        )
    place = RequestPlace(row.subject_id, row.request_id)
    sealed = None if said.text is None else vault.seal_text(said.text, row.wrapped, place, "answer")
    store.answer(tx, row, said.outcome.value, sealed, by, at)


def shown(row: RequestRow, at: datetime, *, vault: Vault | None = None, ref: str | None = None) -> Request:
    """Return a request as it is shown at `at`; with a vault its texts are opened, with `ref` the person is named.

    Raises IntegrityError for a text that does not open where it lies.
    """
    last, today = due_on(row), at.astimezone(PLACE).date()
    answered = row.outcome is not None
    return Request(
        request=row.request_id,
        kind=RequestKind(row.kind),
        state=row.state(at),
        subject=ref,
        purpose=row.purpose,
        about_record=row.about_record,
        opened_at=row.opened_at,
        due_on=last,
        days_left=(last - today).days if row.closed_at is None else None,
        text=_opened(vault, row, row.sealed_text, "text"),
        answered_at=row.closed_at if answered else None,
        answered_by=row.answered_by,
        outcome=RequestOutcome(row.outcome) if row.outcome is not None else None,
        answer=_opened(vault, row, row.sealed_answer, "answer"),
    )


def _opened(vault: Vault | None, row: RequestRow, sealed: bytes | None, part: str) -> str | None:
    if vault is None or sealed is None or row.subject_id is None or row.wrapped is None:
        return None
    return vault.open_text(sealed, row.wrapped, RequestPlace(row.subject_id, row.request_id), part)
