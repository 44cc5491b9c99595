"""What subjects ask for: each request with its clock, its sealed texts and how it was answered."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from countenance.store.database import Transaction
from countenance.store.request_tables import request
from countenance.store.tables import subject
from countenance.vocabulary import RequestState


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request as it stands on file; without subject, key and texts once the person was erased."""

    operator_id: str
    request_id: UUID
    subject_id: UUID | None
    kind: str
    purpose: str | None
    about_record: UUID | None
    opened_at: datetime
    due_at: datetime
    wrapped: bytes | None = field(repr=False)
    sealed_text: bytes | None = field(repr=False)
    overdue_recorded_at: datetime | None = None
    closed_at: datetime | None = None
    answered_by: str | None = None
    outcome: str | None = None
    sealed_answer: bytes | None = field(default=None, repr=False)

    def state(self, at: datetime) -> RequestState:
        """Return where the request stands at `at`."""
        if self.outcome is not None:
            return RequestState.ANSWERED
        if self.closed_at is not None:
            return RequestState.LAPSED
        return RequestState.OVERDUE if self.due_at <= at else RequestState.OPEN


_COLUMNS = [request.c[name] for name in RequestRow.__dataclass_fields__]
_FORGOTTEN: Final = {"subject_id": None, "wrapped": None, "sealed_text": None, "sealed_answer": None}


def add(tx: Transaction, row: RequestRow) -> None:
    """Keep a new request."""
    tx.execute(request.insert().values({name: getattr(row, name) for name in RequestRow.__dataclass_fields__}))


def find(tx: Transaction, operator_id: str, request_id: UUID, *, lock: bool = False) -> RequestRow | None:
    """Return one request; with `lock`, nobody else answers it until the transaction ends."""
    query = select(*_COLUMNS).where(request.c.operator_id == operator_id, request.c.request_id == request_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else RequestRow(*found)


def listed(
    tx: Transaction, operator_id: str, *, at: datetime, most: int, state: RequestState | None = None
) -> list[tuple[RequestRow, str | None]]:
    """Return requests with the refs of their subjects: those that wait first, by when they are due; then the closed."""
    query = (
        select(*_COLUMNS, subject.c.ref)
        .outerjoin(
            subject,
            (subject.c.operator_id == request.c.operator_id) & (subject.c.subject_id == request.c.subject_id),
        )
        .where(request.c.operator_id == operator_id, *_in_state(state, at))
        .order_by(request.c.closed_at.is_not(None), request.c.due_at, request.c.request_id)
        .limit(most)
    )
    return [(RequestRow(*row[:-1]), row[-1]) for row in tx.execute(query)]


def _in_state(state: RequestState | None, at: datetime) -> Sequence[ColumnElement[bool]]:
    """Return the conditions of a state; they say what `RequestRow.state` says."""
    match state:
        case None:
            return ()
        case RequestState.ANSWERED:
            return (request.c.outcome.is_not(None),)
        case RequestState.LAPSED:
            return (request.c.closed_at.is_not(None), request.c.outcome.is_(None))
        case RequestState.OVERDUE:
            return (request.c.closed_at.is_(None), request.c.due_at <= at)
        case RequestState.OPEN:
            return (request.c.closed_at.is_(None), request.c.due_at > at)


def of_subject(tx: Transaction, operator_id: str, subject_id: UUID) -> list[RequestRow]:
    """Return the requests of one subject, oldest first."""
    query = (
        select(*_COLUMNS)
        .where(request.c.operator_id == operator_id, request.c.subject_id == subject_id)
        .order_by(request.c.opened_at, request.c.request_id)
    )
    return [RequestRow(*row) for row in tx.execute(query)]


def waiting(tx: Transaction, operator_id: str, subject_id: UUID) -> int:
    """Return how many requests of one subject wait for an answer."""
    query = select(func.count()).where(
        request.c.operator_id == operator_id, request.c.subject_id == subject_id, request.c.closed_at.is_(None)
    )
    return int(tx.execute(query).scalar_one())


def answer(tx: Transaction, row: RequestRow, outcome: str, sealed: bytes | None, by: str, at: datetime) -> None:
    """Close a request with its answer."""
    tx.execute(
        request.update()
        .where(request.c.operator_id == row.operator_id, request.c.request_id == row.request_id)
        .values(outcome=outcome, sealed_answer=sealed, answered_by=by, closed_at=at)
    )


def become_overdue(tx: Transaction, operator_id: str, at: datetime) -> list[RequestRow]:
    """Mark every request that waits past its day, and return those that were not marked before."""
    done = tx.execute(
        request.update()
        .where(
            request.c.operator_id == operator_id,
            request.c.due_at <= at,
            request.c.closed_at.is_(None),
            request.c.overdue_recorded_at.is_(None),
        )
        .values(overdue_recorded_at=at)
        .returning(*_COLUMNS)
    )
    return sorted((RequestRow(*row) for row in done), key=lambda row: (row.due_at, row.request_id))


def forget_subject(tx: Transaction, operator_id: str, subject_id: UUID, at: datetime) -> None:
    """Destroy the texts of a subject's requests and whose they were; what still waited has lapsed."""
    tx.execute(
        request.update()
        .where(request.c.operator_id == operator_id, request.c.subject_id == subject_id)
        .values(closed_at=func.coalesce(request.c.closed_at, at), **_FORGOTTEN)
    )


def let_go(tx: Transaction, operator_id: str, *, at: datetime, closed_before: datetime) -> int:
    """Destroy the requests closed so long ago, and the texts of people who are unlinked; return how many went."""
    unlinked = select(subject.c.subject_id).where(
        subject.c.operator_id == operator_id, subject.c.erased_at.is_not(None)
    )
    tx.execute(
        request.update()
        .where(request.c.operator_id == operator_id, request.c.subject_id.in_(unlinked))
        .values(closed_at=func.coalesce(request.c.closed_at, at), **_FORGOTTEN)
    )
    gone = tx.execute(
        request.delete().where(request.c.operator_id == operator_id, request.c.closed_at <= closed_before)
    )
    return gone.rowcount
