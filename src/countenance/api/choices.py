"""POST /v1/choices: write down how a session ended, so that the ways can be compared."""

from typing import Annotated

from fastapi import Response
from pydantic import Field

from countenance.api.door import Calling, Route
from countenance.api.repeat import IDEMPOTENCY_KEY, once, replay
from countenance.api.wire import Shown
from countenance.operations.choose import SECONDS_MAX, STEPS_MAX, Choice
from countenance.operations.choose import choose as operation
from countenance.operations.once import Repeated
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role, Way


class ChoiceForm(Form):
    """Which way, for which purpose, and what of it was measured; nobody is named."""

    purpose: Code
    way: Way
    venue: Annotated[Code | None, Field(description="For officers; a device stands in its venue.")] = None
    seconds: Annotated[
        int | None,
        Field(strict=True, ge=0, le=SECONDS_MAX, description="From the first step to the last; whole seconds."),
    ] = None
    steps: Annotated[
        int | None, Field(strict=True, ge=0, le=STEPS_MAX, description="What the person had to do, one by one.")
    ] = None


class ChoiceAnswer(Shown):
    """What was written down, and for which venue."""

    venue: str
    purpose: str
    way: Way


async def choose(call: Calling, response: Response) -> ChoiceAnswer:
    """Write down how one session ended; a repeat with the same key has no second effect."""
    sent = await call.sent()

    def act() -> ChoiceAnswer:
        form = sent.form(ChoiceForm)
        choice = Choice(**dict(form))
        done = operation(call.house, call.caller, choice, once(call, form))
        if isinstance(done, Repeated):
            return replay(response, done, ChoiceAnswer)
        return ChoiceAnswer.model_validate(done.as_json())

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/choices",
        endpoint=choose,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="site",
        answer=ChoiceAnswer,
        status=201,
        example={"venue": "harbour", "purpose": "check-in", "way": "alternative"},
        form=ChoiceForm,
        form_example={"purpose": "check-in", "way": "alternative", "seconds": 45, "steps": 3},
        headers=IDEMPOTENCY_KEY,
        problems=("not_found", "conflict"),
    ),
)
