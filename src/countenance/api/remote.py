"""POST /v1/identify_remote: say whether somebody who passes is one of the persons on a live authorisation."""

from typing import Annotated

from fastapi import Response
from pydantic import Field

from countenance.api.door import Calling, Route, device_of
from countenance.api.identify import IdentifyAnswer, answer
from countenance.api.told import told
from countenance.api.wire import DUTY_EXAMPLE, LAW_EXAMPLE, RECORD_EXAMPLE, Picture
from countenance.operations import remote as operation
from countenance.operations.parts import Identified
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role


class PassingForm(Form):
    """A probe of somebody who passes."""

    sample: Picture
    purpose: Code
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None


async def identify_remote(call: Calling) -> IdentifyAnswer | Response:
    """Find out whether a picture shows one of the persons that a live authorisation names; nobody else is compared."""
    sent = await call.sent()

    def act() -> IdentifyAnswer | Response:
        form = sent.form(PassingForm)
        passing = operation.Passing(purpose=form.purpose, device_id=device_of(call.caller, form.device))
        done = operation.identify_remote(call.house, call.caller, passing, form.sample)
        return answer(done) if isinstance(done, Identified) else told(call, done)

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/identify_remote",
        endpoint=identify_remote,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="faces",
        answer=IdentifyAnswer,
        example={
            "outcome": "unknown",
            "subject": None,
            "law": LAW_EXAMPLE,
            "duties": [DUTY_EXAMPLE],
            "attack_check": {"check": "none"},
            "record": RECORD_EXAMPLE,
        },
        form=PassingForm,
        form_example={"sample": "/9j/4AAQSkZJRgABAQAAAQ==", "purpose": "missing-persons"},
        multipart=True,
        problems=("refused", "failure_to_acquire", "too_large"),
    ),
)
