"""The other way: where the guest goes on without a face, as directly as with one; that it was chosen is counted."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field
from starlette.responses import Response

from countenance.operations.offered import rest_days
from countenance.pages.counting import count_choice
from countenance.pages.door import Page, Session, Visit
from countenance.pages.going import PRESSED_MAX, Begun
from countenance.pages.kiosk import offered
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Way

#: Why a guest is sent here.
Why = Literal["chosen", "refused", "rest", "guardian"]


class OtherForm(Form):
    """A guest who goes the other way, from whatever page: what that page carried besides is neither needed nor read."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    purpose: Code
    begun: AwareDatetime | None = None
    pressed: Annotated[int, Field(ge=0, le=PRESSED_MAX)] = 0


async def other(visit: Visit) -> Response:
    """Show the other way to a guest who chose it."""
    form = visit.form(OtherForm)
    begun = form.begun or visit.house.clock()
    return await shown(visit, Begun(purpose=form.purpose, begun=begun, pressed=form.pressed), "chosen")


async def shown(visit: Visit, going: Begun, why: Why) -> Response:
    """Return the page with the ways that need no face, and count that one was taken."""
    offer = await offered(visit, going.purpose)
    await count_choice(visit, going, Way.REFUSED if why == "refused" else Way.ALTERNATIVE)
    return visit.show("other.html", offer=offer, why=why, rest_days=rest_days(visit.house))


PAGES = (Page(method="POST", path="/kiosk/{device}/other", endpoint=other, who=Session.KIOSK),)
