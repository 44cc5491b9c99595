"""POST /v1/enrol: keep a sealed reference of a subject for one purpose."""

import json
import re
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import Response
from pydantic import Field

from countenance.api.door import Call, Calling, Route, device_of
from countenance.api.told import told
from countenance.api.wire import (
    ATTACK_CHECK_EXAMPLE,
    DUTY_EXAMPLE,
    RECORD_EXAMPLE,
    SESSION_EXAMPLE,
    AttackCheckShown,
    Code,
    DutyShown,
    Pictured,
    RecordPointer,
    Ref,
    Session,
    Shown,
)
from countenance.errors import MalformedError
from countenance.operations import enrol as operation
from countenance.operations.once import Once, Repeated
from countenance.operations.parts import AttackSuspected, Enrolled, NotAcquired, Refused
from countenance.vocabulary import Role

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")


class EnrolForm(Pictured):
    """A picture to enrol, of whom and for which purpose."""

    subject: Ref
    purpose: Code
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None
    session: Session = Session()


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
        )
        done = operation.enrol(call.house, call.caller, enrolment, form.pictures(), _once(call, form))
        return told(call, done) if isinstance(done, Refused | NotAcquired | AttackSuspected) else done

    done = await call.work(act)
    if isinstance(done, Response):
        return done
    if isinstance(done, Repeated):
        response.headers["Idempotent-Replay"] = "true"
        return EnrolAnswer.model_validate(done.answer)
    return EnrolAnswer.model_validate(done.as_json())


def _once(call: Call, form: EnrolForm) -> Once | None:
    """Return the caller's key with what identifies this request: its fields and pictures, however they were sent."""
    keys = call.request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise MalformedError(
            "An Idempotency-Key is 1 to 200 visible ASCII characters, once.",
            "Idempotency-Key 应为 1 至 200 个可见 ASCII 字符，且只出现一次。",
        )
    fields = form.model_dump(mode="json", exclude={"sample", "frames"})
    pictures = b"".join(len(each).to_bytes(8, "big") + each for each in form.pictures().pictures)
    return Once(keys[0], json.dumps(fields, sort_keys=True).encode() + b"\0" + pictures)


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
        headers={
            "Idempotency-Key": "With the same key and the same content, a repeat within a day gets the first answer.",
        },
        problems=("refused", "failure_to_acquire", "attack_suspected", "too_large", "not_found", "conflict"),
    ),
)
