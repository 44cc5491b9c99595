"""Signing in to the desk with a name and a password, and leaving it."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance.pages.authority.door import GATE, ROOT, Clerks, Page, Visit
from countenance.pages.door import Open
from countenance.pages.taking import Line
from countenance.reception.body import Form


class ClerkForm(Form):
    """Who signs in, and how they show it."""

    name: Annotated[Line, Field(min_length=1, max_length=64)]
    password: Annotated[str, Field(min_length=1, max_length=256)]


async def sign_in(visit: Visit) -> Response:
    """Show the form."""
    return visit.show("sign_in.html")


async def signed_in(visit: Visit) -> Response:
    """Begin a session, if name and password are right."""
    visit.step()
    form = visit.form(ClerkForm)
    return visit.begin(await visit.work(lambda: visit.desk.sign_in(form.name, form.password)), ROOT)


async def sign_out(visit: Visit) -> Response:
    """End the session; its token opens nothing any more."""
    await visit.work(lambda: visit.desk.sign_out(visit.token))
    return visit.end(GATE)


_WHY = Open("whoever signs in has no session yet")
PAGES = (
    Page(method="GET", path=GATE, endpoint=sign_in, who=_WHY),
    Page(method="POST", path=GATE, endpoint=signed_in, who=_WHY, guess=True),
    Page(method="POST", path="/desk/sign-out", endpoint=sign_out, who=Clerks(before_choosing=True)),
)
