"""POST /v1/verify: say whether this is the subject it is said to be."""

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
    LawShown,
    Pictured,
    RecordPointer,
    Ref,
    Session,
    Shown,
    law,
)
from countenance.operations import verify as operation
from countenance.operations.parts import Verified
from countenance.reception.words import Code
from countenance.vocabulary import Role


class VerifyForm(Pictured):
    """A probe and the claim made with it."""

    subject: Ref
    purpose: Code
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None
    session: Session = Session()


class VerifyAnswer(Shown):
    """The decision on the claim; how near it was is nobody's business."""

    outcome: Literal["match", "non_match"]
    law: LawShown
    duties: list[DutyShown]
    attack_check: AttackCheckShown
    record: RecordPointer


async def verify(call: Calling) -> VerifyAnswer | Response:
    """Compare the face in a picture with the references of the subject claimed, if the law permits it."""
    sent = await call.sent()

    def act() -> VerifyAnswer | Response:
        form = sent.form(VerifyForm)
        claim = operation.Claim(
            subject_ref=form.subject,
            purpose=form.purpose,
            device_id=device_of(call.caller, form.device),
            session=form.session.facts(),
            challenge=form.challenge,
        )
        done = operation.verify(call.house, call.caller, claim, form.pictures())
        return answer(done) if isinstance(done, Verified) else told(call, done)

    return await call.work(act)


def answer(done: Verified) -> VerifyAnswer:
    """Return the answer to a claim that was decided."""
    outcome: Literal["match", "non_match"] = "match" if done.match else "non_match"
    return VerifyAnswer(
        outcome=outcome,
        attack_check=AttackCheckShown.of(done.check),
        record=RecordPointer.of(done.recorded),
        **law(done.permit),
    )


ROUTES = (
    Route(
        method="POST",
        path="/v1/verify",
        endpoint=verify,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="faces",
        answer=VerifyAnswer,
        example={
            "outcome": "match",
            "law": LAW_EXAMPLE,
            "duties": [DUTY_EXAMPLE],
            "attack_check": ATTACK_CHECK_EXAMPLE,
            "record": RECORD_EXAMPLE,
        },
        form=VerifyForm,
        form_example={
            "sample": "/9j/4AAQSkZJRgABAQAAAQ==",
            "subject": "booking-4711",
            "purpose": "check-in",
            "session": SESSION_EXAMPLE,
        },
        multipart=True,
        problems=("refused", "failure_to_acquire", "attack_suspected", "too_large", "conflict"),
    ),
)
