"""The camera: several frames of one moment go to one operation, and what came of it is said in words."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import Field
from starlette.responses import JSONResponse, Response

from countenance.detect.several import Frames
from countenance.operations import enrol, verify
from countenance.operations.challenge import SAY, challenge
from countenance.operations.consent import Consented
from countenance.operations.offered import Offer, standing
from countenance.operations.once import Repeated
from countenance.operations.parts import AttackSuspected, Enrolled, NotAcquired, Refused, Verified
from countenance.pages.counting import count_choice
from countenance.pages.door import Page, Session, Visit
from countenance.pages.going import BEGUN_BY_GUEST, Going
from countenance.pages.kiosk import offered
from countenance.pages.receipt import shown_receipt
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.settings import FRAMES_MAX
from countenance.vocabulary import Action, AttackChecking, Way

#: The guest may try so often before the page leads to the other way; each try is on record.
TRIES_MAX: Final = 5

Act = Literal["enrol", "verify"]
Result = Enrolled | Verified | NotAcquired | AttackSuspected | Refused


class LookForm(Going):
    """Frames of a guest in the order they were taken, what they are for, and the challenge they answer, if any."""

    act: Act
    tries: Annotated[int, Field(ge=0, le=TRIES_MAX)] = 0
    frames: Annotated[tuple[bytes, ...], Field(min_length=1, max_length=FRAMES_MAX)]
    challenge: UUID | None = None
    steps: Annotated[tuple[int, ...], Field(max_length=FRAMES_MAX)] = ()


class ChallengeForm(Form):
    """What a challenge is made for."""

    purpose: Code
    act: Act


class CameraForm(Going):
    """A guest who goes on from an enrolment to being verified, or tries again."""


def shown(visit: Visit, going: Going, offer: Offer, act: Act, consented: Consented | None = None) -> Response:
    """Return the page with the camera, which opens only when the guest says so."""
    receipt = (
        shown_receipt(visit, consented.receipt) if consented is not None and consented.receipt is not None else None
    )
    turns = visit.house.attack_check is AttackChecking.REQUIRED
    return visit.show("camera.html", offer=offer, act=act, carry=going.carried(), receipt=receipt, turns=turns)


async def camera(visit: Visit) -> Response:
    """Show the camera again: for a verification where something is kept to compare with, else for the enrolment."""
    form = visit.form(CameraForm)
    offer = await offered(visit, form.purpose)
    if not offer.open:
        return visit.go(f"/kiosk/{visit.device}")
    found = await visit.work(lambda: standing(visit.house, visit.caller, form.purpose, form.subject))
    return shown(visit, form, offer, "verify" if found.references else "enrol")


async def look(visit: Visit) -> Response:
    """Hand the frames to the operation, and answer with a part of the page."""

    def act() -> tuple[LookForm, Any]:
        form = visit.form(LookForm)
        return form, _done(visit, form)

    form, done = await visit.work(act)
    offer = await offered(visit, form.purpose)
    if isinstance(done, Verified) and done.match:
        await count_choice(visit, form, Way.FACE)
    return visit.show(
        "result.html",
        status=_status(done),
        offer=offer,
        act=form.act,
        outcome=_outcome(done),
        done=done,
        carry=form.carried(),
        again=form.tries + 1 < TRIES_MAX,
    )


def _done(visit: Visit, form: LookForm) -> Result:
    """Do what the frames are for; the session began with the guest's press on start."""
    frames = Frames(form.frames, form.steps)
    device = visit.caller.device_id
    if form.act == "verify":
        claim = verify.Claim(
            subject_ref=form.subject,
            purpose=form.purpose,
            device_id=device,
            session=BEGUN_BY_GUEST,
            challenge=form.challenge,
        )
        return verify.verify(visit.house, visit.caller, claim, frames)
    enrolment = enrol.Enrolment(
        subject_ref=form.subject,
        purpose=form.purpose,
        device_id=device,
        session=BEGUN_BY_GUEST,
        challenge=form.challenge,
    )
    done = enrol.enrol(visit.house, visit.caller, enrolment, frames)
    assert not isinstance(done, Repeated)  # noqa: S101 — no key was given by which it could be a repeat
    return done


async def asked_to_turn(visit: Visit) -> Response:
    """Make a challenge for the guest at the camera: a few turns of the head, drawn anew each time."""
    form = visit.form(ChallengeForm)
    made = await visit.work(lambda: challenge(visit.house, visit.caller, form.purpose, Action(form.act)))
    turns = [visit.say(SAY[turn]) for turn in made.turns]
    return JSONResponse({"challenge": str(made.challenge_id), "turns": turns})


def _outcome(done: Result) -> str:
    """Return the word for what came of it, by which the page and its script tell what to do next."""
    if isinstance(done, Verified):
        return "match" if done.match else "non_match"
    if isinstance(done, Refused) and any("measured.faces" in found.facts for found in done.findings):
        return "crowd"  # what the law refuses for the others before the camera, the guest can mend at once
    words = {Enrolled: "enrolled", NotAcquired: "not_acquired", AttackSuspected: "not_sure", Refused: "refused"}
    return words[type(done)]


def _status(done: Any) -> int:
    """Return the status of the interface for the same result."""
    return {NotAcquired: 422, AttackSuspected: 422, Refused: 403}.get(type(done), 200)


PAGES = (
    Page(method="POST", path="/kiosk/{device}/look", endpoint=look, who=Session.KIOSK, picture=True, camera=True),
    Page(method="POST", path="/kiosk/{device}/challenge", endpoint=asked_to_turn, who=Session.KIOSK),
    Page(method="POST", path="/kiosk/{device}/camera", endpoint=camera, who=Session.KIOSK, camera=True),
)
