"""POST /v1/purposes/{code}/activate and /v1/devices/{device}/register, and the ends of both.

The law is asked before the first use; ending is never refused.
"""

from typing import Final

from fastapi import Response
from pydantic import TypeAdapter, ValidationError

from countenance.api.door import Calling, Route
from countenance.api.told import told
from countenance.api.wire import LAW_EXAMPLE, RECORD_EXAMPLE, PermitAnswer, RecordPointer, Shown, permitted
from countenance.errors import NotFoundError
from countenance.operations import activate as operation
from countenance.operations import deactivate as ending
from countenance.operations.parts import Permitted
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role

_CODE: Final = TypeAdapter(Code)


class ActivateForm(Form):
    """Nothing has to be said: what is asked about is on file."""


class RegisterForm(Form):
    """What the device is for."""

    purpose: Code


class EndForm(Form):
    """Nothing has to be said."""


class EndAnswer(Shown):
    """The receipt of an end: it binds at the next decision."""

    outcome: str
    record: RecordPointer


def code_of(text: str) -> str:
    """Return a code that a path names; what no site file could declare is not there."""
    try:
        return _CODE.validate_python(text)
    except ValidationError:
        raise NotFoundError("There is nothing of that id.", "没有该编号的内容。") from None


async def activate(call: Calling, code: str) -> PermitAnswer | Response:
    """Activate a purpose, if the law permits it at every device of its venues; before that it serves for nothing."""
    sent = await call.sent()

    def act() -> PermitAnswer | Response:
        sent.form(ActivateForm)
        done = operation.activate(call.house, call.caller, code_of(code))
        return permitted(done, "activated") if isinstance(done, Permitted) else told(call, done)

    return await call.work(act)


async def register(call: Calling, device_id: str) -> PermitAnswer | Response:
    """Register a device where it stands now, if the law permits it; when its place changes it is registered anew."""
    sent = await call.sent()

    def act() -> PermitAnswer | Response:
        form = sent.form(RegisterForm)
        done = operation.register(call.house, call.caller, code_of(device_id), form.purpose)
        return permitted(done, "registered") if isinstance(done, Permitted) else told(call, done)

    return await call.work(act)


async def deactivate(call: Calling, code: str) -> EndAnswer:
    """Deactivate a purpose: it serves for nothing from the next decision on. Never refused."""
    sent = await call.sent()

    def act() -> EndAnswer:
        sent.form(EndForm)
        recorded = ending.deactivate(call.house, call.caller, code_of(code))
        return EndAnswer(outcome="deactivated", record=RecordPointer.of(recorded))

    return await call.work(act)


async def unregister(call: Calling, device_id: str) -> EndAnswer:
    """Unregister a device: nothing is done at it from the next decision on. Never refused."""
    sent = await call.sent()

    def act() -> EndAnswer:
        sent.form(EndForm)
        recorded = ending.unregister(call.house, call.caller, code_of(device_id))
        return EndAnswer(outcome="unregistered", record=RecordPointer.of(recorded))

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/purposes/{code}/deactivate",
        endpoint=deactivate,
        roles=(Role.OFFICER,),
        tag="site",
        answer=EndAnswer,
        example={"outcome": "deactivated", "record": RECORD_EXAMPLE},
        form=EndForm,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/devices/{device_id}/unregister",
        endpoint=unregister,
        roles=(Role.OFFICER,),
        tag="site",
        answer=EndAnswer,
        example={"outcome": "unregistered", "record": RECORD_EXAMPLE},
        form=EndForm,
        problems=("not_found",),
    ),
    Route(
        method="POST",
        path="/v1/purposes/{code}/activate",
        endpoint=activate,
        roles=(Role.OFFICER,),
        tag="site",
        answer=PermitAnswer,
        example={"outcome": "activated", "law": LAW_EXAMPLE, "duties": [], "record": RECORD_EXAMPLE},
        form=ActivateForm,
        problems=("refused", "not_found"),
    ),
    Route(
        method="POST",
        path="/v1/devices/{device_id}/register",
        endpoint=register,
        roles=(Role.OFFICER,),
        tag="site",
        answer=PermitAnswer,
        example={"outcome": "registered", "law": LAW_EXAMPLE, "duties": [], "record": RECORD_EXAMPLE},
        form=RegisterForm,
        form_example={"purpose": "check-in"},
        problems=("refused", "not_found"),
    ),
)
