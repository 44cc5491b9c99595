"""Pairing: a code is made, shown once, and handed to the operator by a way that both trust."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance.authority.seen import MadeCode, Party
from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.pages.taking import Line
from countenance.reception.body import Form


class CodeForm(Form):
    """For which operator a code is that changes its key; none for a new operator."""

    party: Annotated[Line, Field(max_length=64)] | None = None


async def pair(visit: Visit) -> Response:
    """Say what a code is for, and offer to make one."""
    return visit.show("pair.html", made=None, party=None)


async def made(visit: Visit) -> Response:
    """Make a code, and show it this once."""
    form = visit.form(CodeForm)

    def act() -> tuple[MadeCode, Party | None]:
        code = visit.desk.code(visit.clerk.name, form.party)
        return code, None if form.party is None else visit.desk.party(form.party)

    code, party = await visit.work(act)
    return visit.show("pair.html", made=code, party=party)


PAGES = (
    Page(method="GET", path="/desk/pair", endpoint=pair, who=Clerks()),
    Page(method="POST", path="/desk/pair", endpoint=made, who=Clerks()),
)
