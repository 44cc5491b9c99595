"""POST /v1/keep_original, GET /v1/originals: keep a picture sealed to an end that is set; none ever comes back."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from countenance.api.door import Calling, Route, device_of
from countenance.api.told import told
from countenance.api.wire import (
    LAW_EXAMPLE,
    RECORD_EXAMPLE,
    DutyShown,
    Instant,
    LawShown,
    Picture,
    RecordPointer,
    Ref,
    Shown,
    law,
)
from countenance.operations import keep_original as operation
from countenance.operations.parts import Kept
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import originals as store
from countenance.vocabulary import Role


class KeepForm(Form):
    """A picture to keep, of whom, for which purpose, until when."""

    sample: Picture
    subject: Ref
    purpose: Code
    expires_at: Annotated[Instant, Field(description="Within the retention of the purpose.")]
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None


class KeepAnswer(Shown):
    """The receipt of an original that is kept."""

    outcome: Literal["kept"] = "kept"
    original: UUID
    expires_at: datetime
    law: LawShown
    duties: list[DutyShown]
    record: RecordPointer


class OriginalsQuery(Form):
    """How many of those that end first."""

    most: Annotated[int, Field(ge=1, le=1000)] = 100


class OriginalShown(Shown):
    """An original that is kept, without what it shows."""

    original: UUID
    purpose: str
    kept_at: datetime
    expires_at: datetime


class OriginalsAnswer(Shown):
    """What is kept: those that end first come first."""

    originals: list[OriginalShown]


async def keep_original(call: Calling) -> KeepAnswer | Response:
    """Keep a picture sealed until it expires, is withdrawn or erased, if the law permits it."""
    sent = await call.sent()

    def act() -> KeepAnswer | Response:
        form = sent.form(KeepForm)
        keeping = operation.Keeping(
            subject_ref=form.subject,
            purpose=form.purpose,
            device_id=device_of(call.caller, form.device),
            expires_at=form.expires_at,
        )
        done = operation.keep_original(call.house, call.caller, keeping, form.sample)
        if not isinstance(done, Kept):
            return told(call, done)
        pointer = RecordPointer.of(done.recorded)
        return KeepAnswer(original=done.original_id, expires_at=done.expires_at, record=pointer, **law(done.permit))

    return await call.work(act)


async def originals(call: Calling) -> OriginalsAnswer:
    """List the originals that are kept and when each ends; their content cannot be had."""
    query = call.asked(OriginalsQuery)

    def act() -> OriginalsAnswer:
        with call.house.database.transaction() as tx:
            rows = store.listed(tx, call.caller.operator_id, query.most)
        shown = [OriginalShown(original=row.pop("original_id"), **row) for row in rows]
        return OriginalsAnswer(originals=shown)

    return await call.work(act)


_KEPT = {
    "original": "2f1f3bb6-6f3c-4b1e-9d2b-0a5a6b2f7c11",
    "purpose": "check-in",
    "kept_at": "2026-11-23T02:00:00Z",
    "expires_at": "2026-11-30T02:00:00Z",
}

ROUTES = (
    Route(
        method="POST",
        path="/v1/keep_original",
        endpoint=keep_original,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="originals",
        answer=KeepAnswer,
        status=201,
        example={
            "outcome": "kept",
            "original": _KEPT["original"],
            "expires_at": _KEPT["expires_at"],
            "law": LAW_EXAMPLE,
            "duties": [],
            "record": RECORD_EXAMPLE,
        },
        form=KeepForm,
        form_example={
            "sample": "/9j/4AAQSkZJRgABAQAAAQ==",
            "subject": "booking-4711",
            "purpose": "check-in",
            "expires_at": "2026-11-30T02:00:00Z",
        },
        multipart=True,
        problems=("refused", "too_large", "not_found", "conflict"),
    ),
    Route(
        method="GET",
        path="/v1/originals",
        endpoint=originals,
        roles=(Role.OFFICER,),
        tag="originals",
        answer=OriginalsAnswer,
        example={"originals": [_KEPT]},
        query=OriginalsQuery,
    ),
)
