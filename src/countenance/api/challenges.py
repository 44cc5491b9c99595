"""POST /v1/challenges: ask the person at a device for a random sequence of head turns."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from countenance.api.door import Calling, Route
from countenance.api.wire import Bilingual, Shown
from countenance.operations import challenge as operation
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Action, Role, Turn


class ChallengeForm(Form):
    """The act that is about to be done at the device, and for which purpose."""

    action: Literal["enrol", "verify", "identify"]
    purpose: Code


class StepShown(Shown):
    """One step: how the head is to be held, and a sentence to show; left and right are the person's own."""

    turn: Turn
    say: Bilingual


class ChallengeAnswer(Shown):
    """What to ask for, step by step; at least one picture of each comes back, before it is over, once."""

    challenge: UUID
    steps: list[StepShown]
    expires_at: datetime
    frames_max: Annotated[int, Field(description="Most pictures that may be sent for all steps together.")]


async def challenge(call: Calling) -> ChallengeAnswer:
    """Ask for a random sequence of head turns, to be answered once with the next act of this device."""
    sent = await call.sent()

    def act() -> ChallengeAnswer:
        form = sent.form(ChallengeForm)
        made = operation.challenge(call.house, call.caller, form.purpose, Action(form.action))
        said = [(turn, operation.SAY[turn]) for turn in made.turns]
        return ChallengeAnswer(
            challenge=made.challenge_id,
            steps=[StepShown(turn=turn, say=Bilingual(en=say.en, zh=say.zh)) for turn, say in said],
            expires_at=made.expires_at,
            frames_max=call.house.frames_max,
        )

    return await call.work(act)


ROUTES = (
    Route(
        method="POST",
        path="/v1/challenges",
        endpoint=challenge,
        roles=(Role.DEVICE,),
        tag="faces",
        answer=ChallengeAnswer,
        status=201,
        example={
            "challenge": "4a0e1f6c-3a50-4f2e-8a53-6b1d0f6c2e77",
            "steps": [
                {"turn": turn.value, "say": {"en": operation.SAY[turn].en, "zh": operation.SAY[turn].zh}}
                for turn in (Turn.CENTRE, Turn.LEFT, Turn.CENTRE, Turn.RIGHT, Turn.CENTRE, Turn.LEFT, Turn.CENTRE)
            ],
            "expires_at": "2026-11-23T02:00:30+00:00",
            "frames_max": 12,
        },
        form=ChallengeForm,
        form_example={"action": "verify", "purpose": "check-in"},
        problems=("not_found", "conflict"),
    ),
)
