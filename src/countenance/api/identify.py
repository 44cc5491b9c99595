"""POST /v1/identify: say which of the subjects enrolled for this purpose it is, if any."""

from typing import Annotated, Literal

from fastapi import Response
from pydantic import Field

from countenance.api.door import Calling, Route, device_of
from countenance.api.told import told
from countenance.api.wire import (
    ATTACK_CHECK_EXAMPLE,
    DUTY_EXAMPLE,
    LAW_EXAMPLE,
    RECORD_EXAMPLE,
    SESSION_EXAMPLE,
    AttackCheckShown,
    DutyShown,
    Id,
    LawShown,
    Pictured,
    RecordPointer,
    Session,
    Shown,
    law,
)
from countenance.operations import identify as operation
from countenance.operations.parts import Identified
from countenance.reception.words import Code
from countenance.vocabulary import Role


class IdentifyForm(Pictured):
    """A probe, and the consent of the person it was taken of."""

    consent: Annotated[Id, Field(description="What POST /v1/consents answered for the person at the device.")]
    purpose: Code
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None
    session: Session = Session()


class IdentifyAnswer(Shown):
    """Who it is, or that it is nobody known; never the nearest, never a list."""

    outcome: Literal["match", "unknown"]
    subject: Annotated[str | None, Field(description="The operator's own word for the person; null when unknown.")]
    law: LawShown
    duties: list[DutyShown]
    attack_check: AttackCheckShown
    record: RecordPointer


async def identify(call: Calling) -> IdentifyAnswer | Response:
    """Find out which subject enrolled for this purpose is in a picture, if the law permits it."""
    sent = await call.sent()

    def act() -> IdentifyAnswer | Response:
        form = sent.form(IdentifyForm)
        unnamed = operation.Unnamed(
            consent_id=form.consent,
            purpose=form.purpose,
            device_id=device_of(call.caller, form.device),
            session=form.session.facts(),
            challenge=form.challenge,
        )
        done = operation.identify(call.house, call.caller, unnamed, form.pictures())
        return answer(done) if isinstance(done, Identified) else told(call, done)

    return await call.work(act)


def answer(done: Identified) -> IdentifyAnswer:
    """Return the answer to an identification that was decided."""
    return IdentifyAnswer(
        outcome="unknown" if done.subject_ref is None else "match",
        subject=done.subject_ref,
        attack_check=AttackCheckShown.of(done.check),
        record=RecordPointer.of(done.recorded),
        **law(done.permit),
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/identify",
        endpoint=identify,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="faces",
        answer=IdentifyAnswer,
        example={
            "outcome": "match",
            "subject": "booking-4711",
            "law": LAW_EXAMPLE,
            "duties": [DUTY_EXAMPLE],
            "attack_check": ATTACK_CHECK_EXAMPLE,
            "record": RECORD_EXAMPLE,
        },
        form=IdentifyForm,
        form_example={
            "sample": "/9j/4AAQSkZJRgABAQAAAQ==",
            "consent": "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de",
            "purpose": "check-in",
            "session": SESSION_EXAMPLE,
        },
        multipart=True,
        problems=("refused", "failure_to_acquire", "attack_suspected", "too_large", "conflict", "not_found"),
    ),
)
