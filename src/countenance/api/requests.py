"""/v1/requests: a subject asks for something, an officer sees the clock and answers."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from countenance.api.door import Calling, Route
from countenance.api.wire import RECORD_EXAMPLE, Destroyed, Id, RecordPointer, Ref, Shown, named
from countenance.operations import requests as operation
from countenance.reception.body import Form
from countenance.reception.words import Code, Prose
from countenance.subjects.requests import NewRequest, Request, RequestAnswer
from countenance.vocabulary import AgeClass, RequestKind, RequestOutcome, RequestState, Role


class RequestForm(Form):
    """What is asked for; an officer who writes it down for somebody names the person, a subject asks for itself."""

    kind: RequestKind
    text: Annotated[Prose | None, Field(description="In the person's words; needed to correct and to complain.")] = None
    purpose: Code | None = None
    about_record: Annotated[Id | None, Field(description="The refusal or use that is contested.")] = None
    subject: Ref | None = None


class AnswerForm(Form):
    """How a request is answered: with the reason where not all is granted, and the age class where that was wrong."""

    outcome: RequestOutcome
    text: Prose | None = None
    age_class: AgeClass | None = None


class RequestsQuery(Form):
    """Which requests: in one state, at most so many."""

    state: RequestState | None = None
    most: Annotated[int, Field(ge=1, le=1000)] = 100


class RequestShown(Shown):
    """A request as it stands; its words only where the reader may have them, and never in a list."""

    request: UUID
    kind: RequestKind
    state: RequestState
    subject: str | None
    purpose: str | None
    about_record: UUID | None
    opened_at: datetime
    due_on: Annotated[date, Field(description="The last day for an answer, where the law is.")]
    days_left: Annotated[int | None, Field(description="Until that day; below zero when it has passed.")]
    text: str | None
    answered_at: datetime | None
    answered_by: str | None
    outcome: RequestOutcome | None
    answer: str | None

    @classmethod
    def of(cls, request: Request) -> "RequestShown":
        """Return a request as it leaves the door."""
        return cls.model_validate(asdict(request))


class RequestsAnswer(Shown):
    """Requests without their words: those that wait first, by the day they are due."""

    requests: list[RequestShown]


class RequestReceipt(Shown):
    """The receipt of a request, with the day by which it is answered."""

    request: RequestShown
    record: RecordPointer


class AnswerReceipt(Shown):
    """The receipt of an answer; `destroyed` says what an erasure that was granted destroyed."""

    request: RequestShown
    destroyed: Destroyed | None
    record: RecordPointer


async def open_request(call: Calling) -> RequestReceipt:
    """Ask for something: a copy, a correction, a person's decision, an erasure; or complain."""
    sent = await call.sent()

    def act() -> RequestReceipt:
        form = sent.form(RequestForm)
        wanted = NewRequest(kind=form.kind, text=form.text, purpose=form.purpose, about_record=form.about_record)
        request, recorded = operation.open_request(call.house, call.caller, wanted, form.subject)
        return RequestReceipt(request=RequestShown.of(request), record=RecordPointer.of(recorded))

    return await call.work(act)


async def requests(call: Calling) -> RequestsAnswer:
    """List the requests, those that wait first, by the day they are due; without their words."""
    query = call.asked(RequestsQuery)

    def act() -> RequestsAnswer:
        found = operation.list_requests(call.house, call.caller, query.state, query.most)
        return RequestsAnswer(requests=[RequestShown.of(each) for each in found])

    return await call.work(act)


async def request(call: Calling, request_id: str) -> RequestShown:
    """Show one request; its words to the officer and to the person who asked, and to nobody else."""
    return await call.work(lambda: RequestShown.of(operation.show_request(call.house, call.caller, named(request_id))))


async def answer_request(call: Calling, request_id: str) -> AnswerReceipt:
    """Answer a request, once; what it grants is done at the same moment where the server can do it."""
    sent = await call.sent()

    def act() -> AnswerReceipt:
        form = sent.form(AnswerForm)
        said = RequestAnswer(outcome=form.outcome, text=form.text, age_class=form.age_class)
        done = operation.answer_request(call.house, call.caller, named(request_id), said)
        gone = done.erased.destroyed.as_json() if done.erased is not None else None
        return AnswerReceipt(
            request=RequestShown.of(done.request),
            destroyed=Destroyed.model_validate(gone) if gone is not None else None,
            record=RecordPointer.of(done.recorded),
        )

    return await call.work(act)


REQUEST_EXAMPLE: dict[str, Any] = {
    "request": "2d0e3bb6-6f3c-4b1e-9d2b-0a5a6b2f7c11",
    "kind": "human_review",
    "state": "open",
    "subject": "booking-4711",
    "purpose": "check-in",
    "about_record": RECORD_EXAMPLE["id"],
    "opened_at": "2026-11-23T02:00:00Z",
    "due_on": "2026-12-08",
    "days_left": 15,
    "text": "The kiosk refused me. Please let a person look at it.",
    "answered_at": None,
    "answered_by": None,
    "outcome": None,
    "answer": None,
}
_CLOSED = REQUEST_EXAMPLE | {
    "state": "answered",
    "days_left": None,
    "answered_at": "2026-11-24T02:00:00Z",
    "answered_by": "officer:abcdefghijkl",
    "outcome": "granted",
    "answer": "We looked at it: the kiosk was wrong. The desk has your key.",
}

ROUTES = (
    Route(
        method="POST",
        path="/v1/requests",
        endpoint=open_request,
        roles=(Role.OFFICER, Role.SUBJECT),
        tag="requests",
        answer=RequestReceipt,
        status=201,
        example={"request": REQUEST_EXAMPLE, "record": RECORD_EXAMPLE},
        form=RequestForm,
        form_example={
            "kind": "human_review",
            "text": REQUEST_EXAMPLE["text"],
            "purpose": "check-in",
            "about_record": RECORD_EXAMPLE["id"],
        },
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/requests",
        endpoint=requests,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="requests",
        answer=RequestsAnswer,
        example={"requests": [REQUEST_EXAMPLE | {"text": None}]},
        query=RequestsQuery,
    ),
    Route(
        method="GET",
        path="/v1/requests/{request_id}",
        endpoint=request,
        roles=(Role.OFFICER, Role.REGULATOR, Role.SUBJECT),
        tag="requests",
        answer=RequestShown,
        example=REQUEST_EXAMPLE,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/requests/{request_id}/answer",
        endpoint=answer_request,
        roles=(Role.OFFICER,),
        tag="requests",
        answer=AnswerReceipt,
        example={"request": _CLOSED, "destroyed": None, "record": RECORD_EXAMPLE},
        form=AnswerForm,
        form_example={"outcome": "granted", "text": _CLOSED["answer"]},
        problems=("not_found", "conflict"),
    ),
)
