"""POST /v1/capture, /v1/reuse and /v1/disclose: the law is asked whether it may be done, and nothing else is done."""

from typing import Annotated, Any

from fastapi import Response
from pydantic import Field

from countenance.api.door import Calling, Route, device_of
from countenance.api.told import told
from countenance.api.wire import DUTY_EXAMPLE, LAW_EXAMPLE, RECORD_EXAMPLE, PermitAnswer, Ref, permitted
from countenance.operations import checks
from countenance.operations.parts import Permitted
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role, StorageDestination


class CaptureForm(Form):
    """For which purpose, at which device."""

    purpose: Code
    device: Annotated[Code | None, Field(description="For officers; a device speaks for itself.")] = None


class ReuseForm(Form):
    """Whose data, collected for which purpose, would serve which other one."""

    subject: Ref
    origin: Annotated[Code, Field(description="The purpose the data were collected for.")]
    purpose: Annotated[Code, Field(description="The purpose they would serve.")]


class DiscloseForm(Form):
    """Whose data, held for which purpose, would go where."""

    subject: Ref
    purpose: Code
    destination: StorageDestination


async def capture(call: Calling) -> PermitAnswer | Response:
    """Ask whether a device may capture now; the duties in the answer are the device's to discharge."""
    sent = await call.sent()

    def act() -> PermitAnswer | Response:
        form = sent.form(CaptureForm)
        device_id = device_of(call.caller, form.device)
        done = checks.may_capture(call.house, call.caller, purpose=form.purpose, device_id=device_id)
        return permitted(done, "permitted") if isinstance(done, Permitted) else told(call, done)

    return await call.work(act)


async def reuse(call: Calling) -> PermitAnswer | Response:
    """Ask whether a subject's data may be used for another purpose than the one they were collected for."""
    sent = await call.sent()

    def act() -> PermitAnswer | Response:
        form = sent.form(ReuseForm)
        said = {"subject_ref": form.subject, "origin": form.origin, "purpose": form.purpose}
        done = checks.may_reuse(call.house, call.caller, **said)
        return permitted(done, "permitted") if isinstance(done, Permitted) else told(call, done)

    return await call.work(act)


async def disclose(call: Calling) -> PermitAnswer | Response:
    """Ask whether a subject's data may be disclosed to a destination; this server itself sends nothing anywhere."""
    sent = await call.sent()

    def act() -> PermitAnswer | Response:
        form = sent.form(DiscloseForm)
        done = checks.may_disclose(
            call.house, call.caller, subject_ref=form.subject, purpose=form.purpose, destination=form.destination
        )
        return permitted(done, "permitted") if isinstance(done, Permitted) else told(call, done)

    return await call.work(act)


def _route(endpoint: Any, roles: tuple[Role, ...], form: type[Form], example: dict[str, Any], *duties: Any) -> Route:
    return Route(
        method="POST",
        path=f"/v1/{endpoint.__name__}",
        endpoint=endpoint,
        roles=roles,
        tag="checks",
        answer=PermitAnswer,
        example={"outcome": "permitted", "law": LAW_EXAMPLE, "duties": list(duties), "record": RECORD_EXAMPLE},
        form=form,
        form_example=example,
        problems=("refused",),
    )


ROUTES = (
    _route(capture, (Role.DEVICE, Role.OFFICER), CaptureForm, {"purpose": "check-in"}, DUTY_EXAMPLE),
    _route(
        reuse,
        (Role.OFFICER,),
        ReuseForm,
        {"subject": "booking-4711", "origin": "check-in", "purpose": "breakfast"},
    ),
    _route(
        disclose,
        (Role.OFFICER,),
        DiscloseForm,
        {"subject": "booking-4711", "purpose": "check-in", "destination": "private_network"},
    ),
)
