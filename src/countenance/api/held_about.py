"""GET /v1/subject/data: what is held about a person, as a copy; for the person, or for an officer who hands it over."""

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from countenance.api.door import Call, Calling, Route
from countenance.api.requests import REQUEST_EXAMPLE, RequestShown
from countenance.api.wire import RECORD_EXAMPLE, Bilingual, Id, RecordPointer, Shown
from countenance.operations.held_about import held_about
from countenance.reception.body import Form
from countenance.vocabulary import Role


class DataQuery(Form):
    """How many of the newest records, or of those before one that came last."""

    most: Annotated[int, Field(ge=1, le=1000)] = 100
    before: Id | None = None


class OriginalHeld(Shown):
    """An original that is kept, and until when."""

    original: UUID
    kept_at: datetime
    expires_at: datetime


class PurposeHeld(Shown):
    """What is held for one purpose, and why."""

    purpose: str
    title: Bilingual
    basis: Annotated[str | None, Field(description="The law that orders it; without one it rests on consent.")]
    references: int
    since: datetime | None
    until: Annotated[date | None, Field(description="The last day on which a reference can still be kept.")]
    originals: list[OriginalHeld]


class ConsentHeld(Shown):
    """One decision of the person about one purpose."""

    consent: UUID
    purpose: str
    at: datetime
    decision: str
    form: str | None
    scopes: list[str]
    notice_version: int | None
    guardian: str | None
    expires_at: datetime | None
    device: str | None


class NoticeHeld(Shown):
    """The notice that a yes was given to, in the words that were shown."""

    purpose: str
    version: int
    text: dict[str, Any]
    digest: str
    published_at: datetime


class ArticleNamed(Shown):
    """An article that refused; without a pack it was the server itself, or that no law is in force."""

    pack: str | None
    article: str | None


class RecordHeld(Shown):
    """One act on record; `venue` is the kind of venue at which the device stood then."""

    record: UUID
    at: datetime
    kind: str
    outcome: str
    device: str | None
    venue: str | None
    articles: list[ArticleNamed]


class AuthorisationHeld(Shown):
    """An authorisation that is closed, under which something of the person is on record."""

    authorisation: UUID
    purpose: str
    ground: str
    issuer: str
    starts_at: datetime
    ends_at: datetime
    revoked_at: datetime | None


class HeldAnswer(Shown):
    """All that is held about one person; where `earlier` names a record, the list goes on with `before` it."""

    subject: str | None
    age_class: str | None
    known_since: datetime
    purposes: list[PurposeHeld]
    consents: list[ConsentHeld]
    notices: list[NoticeHeld]
    records: list[RecordHeld]
    earlier: UUID | None
    authorisations: list[AuthorisationHeld]
    requests: list[RequestShown]
    record: RecordPointer


async def own_data(call: Calling) -> HeldAnswer:
    """Return a copy of all that is held about the caller; that it was asked for is on record."""
    query = call.asked(DataQuery)
    return await call.work(lambda: _copy(call, None, query))


async def subject_data(call: Calling, ref: str) -> HeldAnswer:
    """Return a copy of all that is held about a person, to hand it over; that it was asked for is on record."""
    query = call.asked(DataQuery)
    return await call.work(lambda: _copy(call, ref, query))


def _copy(call: Call, ref: str | None, query: DataQuery) -> HeldAnswer:
    held = held_about(call.house, call.caller, ref, most=query.most, before=query.before)
    said = asdict(held) | {"record": RecordPointer.of(held.recorded)}
    del said["recorded"]
    return HeldAnswer.model_validate(said)


_EXAMPLE: dict[str, Any] = {
    "subject": "booking-4711",
    "age_class": "adult",
    "known_since": "2026-11-23T02:00:00Z",
    "purposes": [
        {
            "purpose": "check-in",
            "title": {"en": "Check-in without waiting at the desk", "zh": "免排队自助入住"},
            "basis": None,
            "references": 2,
            "since": "2026-11-23T02:00:00Z",
            "until": "2026-12-23",
            "originals": [],
        }
    ],
    "consents": [
        {
            "consent": "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de",
            "purpose": "check-in",
            "at": "2026-11-23T02:00:00Z",
            "decision": "given",
            "form": "separate",
            "scopes": ["enrol", "verify"],
            "notice_version": 1,
            "guardian": None,
            "expires_at": None,
            "device": "kiosk-1",
        }
    ],
    "notices": [
        {
            "purpose": "check-in",
            "version": 1,
            "text": {"en": {"who": "Harbour Hotel"}, "zh": {"who": "海港酒店"}},
            "digest": RECORD_EXAMPLE["digest"],
            "published_at": "2026-11-01T02:00:00Z",
        }
    ],
    "records": [
        {
            "record": RECORD_EXAMPLE["id"],
            "at": "2026-11-23T02:00:00Z",
            "kind": "verify",
            "outcome": "refused",
            "device": "kiosk-1",
            "venue": "hotel",
            "articles": [{"pack": "cn-2025", "article": "10"}],
        }
    ],
    "earlier": None,
    "authorisations": [],
    "requests": [REQUEST_EXAMPLE],
    "record": RECORD_EXAMPLE,
}

ROUTES = (
    Route(
        method="GET",
        path="/v1/subject/data",
        endpoint=own_data,
        roles=(Role.SUBJECT,),
        tag="requests",
        answer=HeldAnswer,
        example=_EXAMPLE,
        query=DataQuery,
        problems=("not_found",),
    ),
    Route(
        method="GET",
        path="/v1/subjects/{ref:path}/data",
        endpoint=subject_data,
        roles=(Role.OFFICER,),
        tag="requests",
        answer=HeldAnswer,
        example=_EXAMPLE,
        query=DataQuery,
        problems=("not_found",),
    ),
)
