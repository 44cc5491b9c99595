"""POST /v1/enrol: keep a sealed reference of a subject for one purpose."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field, StrictBool

from countenance.api.door import Calling, Route, device_of
from countenance.api.repeat import IDEMPOTENCY_KEY, once, replay
from countenance.api.told import told
from countenance.api.wire import (
    ATTACK_CHECK_EXAMPLE,
    DUTY_EXAMPLE,
    RECORD_EXAMPLE,
    SESSION_EXAMPLE,
    AttackCheckShown,
    DutyShown,
    Pictured,
    RecordPointer,
    Ref,
    Session,
    Shown,
)
from countenance.operations import enrol as operation
from countenance.operations.once import Repeated
from countenance.operations.parts import AttackSuspected, Enrolled, NotAcquired, Refused
from countenance.reception.words import Code
from countenance.vocabulary import Role


class EnrolForm(Pictured):
    """A picture to enrol, of whom and for which purpose."""

    subject: Ref
    purpose: Code
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None
    session: Session = Session()
    double_confirmed: Annotated[
        StrictBool, Field(description="For officers: the face is enrolled already, and this is another person's.")
    ] = False


class EnrolAnswer(Shown):
    """The receipt of an enrolment."""

    outcome: Literal["enrolled"] = "enrolled"
    reference: UUID
    references: Annotated[int, Field(description="How many are kept of this subject for this purpose.")]
    duties: list[DutyShown]
    attack_check: AttackCheckShown = AttackCheckShown(check="none")
    record: RecordPointer


async def enrol(call: Calling, response: Response) -> EnrolAnswer | Response:
    """Keep one more reference of a subject, if the law permits it; a repeat with the same key has no second effect."""
    sent = await call.sent()

    def act() -> Enrolled | Repeated | Response:
        form = sent.form(EnrolForm)
        enrolment = operation.Enrolment(
            subject_ref=form.subject,
            purpose=form.purpose,
            device_id=device_of(call.caller, form.device),
            session=form.session.facts(),
            challenge=form.challenge,
            double_confirmed=form.double_confirmed,
        )
        done = operation.enrol(call.house, call.caller, enrolment, form.pictures(), once(call, form))
        return told(call, done) if isinstance(done, Refused | NotAcquired | AttackSuspected) else done

    done = await call.work(act)
    if isinstance(done, Response):
        return done
    if isinstance(done, Repeated):
        return replay(response, done, EnrolAnswer)
    return EnrolAnswer.model_validate(done.as_json())


ROUTES = (
    Route(
        method="POST",
        path="/v1/enrol",
        endpoint=enrol,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="faces",
        answer=EnrolAnswer,
        status=201,
        example={
            "outcome": "enrolled",
            "reference": "0b9c5a52-58d6-4b43-9a3d-1f0b5fd8a7a4",
            "references": 1,
            "duties": [DUTY_EXAMPLE],
            "attack_check": ATTACK_CHECK_EXAMPLE,
            "record": RECORD_EXAMPLE,
        },
        form=EnrolForm,
        form_example={
            "sample": "/9j/4AAQSkZJRgABAQAAAQ==",
            "subject": "booking-4711",
            "purpose": "check-in",
            "session": SESSION_EXAMPLE,
        },
        multipart=True,
        headers=IDEMPOTENCY_KEY,
        problems=("refused", "failure_to_acquire", "attack_suspected", "too_large", "not_found", "conflict"),
    ),
)
