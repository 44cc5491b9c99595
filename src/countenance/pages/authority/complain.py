"""Complaining: anybody may, without saying who they are, and gets a number to come back with."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance.authority.complaining import ABOUT_CHARS_MAX
from countenance.pages.authority.door import Page, Visit
from countenance.pages.door import Open
from countenance.pages.taking import Line
from countenance.reception.body import Form
from countenance.reception.words import Prose

_Line = Annotated[Line, Field(min_length=1, max_length=ABOUT_CHARS_MAX)]


class ComplainForm(Form):
    """Whom and what a complaint is about, and how to reach whoever makes it, if they wish."""

    about: _Line
    text: Prose
    contact: _Line | None = None
    party: Annotated[Line, Field(max_length=64)] | None = None


async def complain(visit: Visit) -> Response:
    """Show the form, with the operators that stand in the register."""

    def act() -> list[tuple[str, str]]:
        standing = [each for each in visit.desk.register() if each.deregistered_on is None]
        return sorted({(each.party_id, each.name) for each in standing}, key=lambda each: (each[1], each[0]))

    return visit.show("complain.html", token=None, parties=await visit.work(act))


async def complained(visit: Visit) -> Response:
    """Take a complaint, and show the number this once."""
    visit.step()
    form = visit.form(ComplainForm)
    visit.step_today()
    token = await visit.work(lambda: visit.desk.complain(form.about, form.text, form.contact, form.party))
    return visit.show("complain.html", token=token, parties=[])


_WHY = Open("whoever complains need not say who they are")
PAGES = (
    Page(method="GET", path="/complain", endpoint=complain, who=_WHY),
    Page(method="POST", path="/complain", endpoint=complained, who=_WHY),
)
