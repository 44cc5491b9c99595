"""The camera: several frames of one moment go to one operation, and what came of it is said in words."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field
from starlette.responses import Response

from countenance.operations import enrol, verify
from countenance.operations.consent import Consented
from countenance.operations.offered import Offer
from countenance.operations.once import Repeated
from countenance.operations.parts import Enrolled, NotAcquired, Refused, Verified
from countenance.pages.counting import count_choice
from countenance.pages.door import Page, Session, Visit
from countenance.pages.going import BEGUN_BY_GUEST, Going
from countenance.pages.kiosk import offered
from countenance.pages.receipt import shown_receipt
from countenance.vocabulary import Way

#: The guest may try so often before the page leads to the other way; each try is on record.
TRIES_MAX: Final = 5

Act = Literal["enrol", "verify"]


class LookForm(Going):
    """Frames of a guest, and what they are for."""

    act: Act
    tries: Annotated[int, Field(ge=0, le=TRIES_MAX)] = 0
    sample: Annotated[bytes, Field(repr=False, min_length=1)]


class CameraForm(Going):
    """A guest who goes on from an enrolment to being verified."""


def shown(visit: Visit, going: Going, offer: Offer, act: Act, consented: Consented | None = None) -> Response:
    """Return the page with the camera, which opens only when the guest says so."""
    receipt = (
        shown_receipt(visit, consented.receipt) if consented is not None and consented.receipt is not None else None
    )
    return visit.show("camera.html", offer=offer, act=act, carry=going.carried(), receipt=receipt)


async def camera(visit: Visit) -> Response:
    """Show the camera for a verification."""
    form = visit.form(CameraForm)
    return shown(visit, form, await offered(visit, form.purpose), "verify")


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


def _done(visit: Visit, form: LookForm) -> Enrolled | Verified | NotAcquired | Refused:
    """Do what the frames are for; the session began with the guest's press on start."""
    device = visit.caller.device_id
    if form.act == "verify":
        claim = verify.Claim(subject_ref=form.subject, purpose=form.purpose, device_id=device, session=BEGUN_BY_GUEST)
        return verify.verify(visit.house, visit.caller, claim, form.sample)
    enrolment = enrol.Enrolment(
        subject_ref=form.subject, purpose=form.purpose, device_id=device, session=BEGUN_BY_GUEST
    )
    done = enrol.enrol(visit.house, visit.caller, enrolment, form.sample)
    assert not isinstance(done, Repeated)  # noqa: S101 — no key was given by which it could be a repeat
    return done


def _outcome(done: Enrolled | Verified | NotAcquired | Refused) -> str:
    """Return the word for what came of it, by which the page and its script tell what to do next."""
    if isinstance(done, Verified):
        return "match" if done.match else "non_match"
    return {Enrolled: "enrolled", NotAcquired: "not_acquired", Refused: "refused"}[type(done)]


def _status(done: Any) -> int:
    """Return the status of the interface for the same result."""
    return {NotAcquired: 422, Refused: 403}.get(type(done), 200)


PAGES = (
    Page(method="POST", path="/kiosk/{device}/look", endpoint=look, who=Session.KIOSK, picture=True, camera=True),
    Page(method="POST", path="/kiosk/{device}/camera", endpoint=camera, who=Session.KIOSK, camera=True),
)
