"""What became of a complaint: for whoever holds its number, which is sent in a form and stands in no address."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance.pages.authority.door import Page, Visit
from countenance.pages.door import Open
from countenance.pages.taking import Line
from countenance.reception.body import Form


class NumberForm(Form):
    """The number of a complaint."""

    number: Annotated[Line, Field(max_length=200)]


async def ask(visit: Visit) -> Response:
    """Show where the number goes."""
    return visit.show("answered.html", complaint=None)


async def answered(visit: Visit) -> Response:
    """Show the complaint and its answer, if there is one."""
    visit.step()
    number = visit.form(NumberForm).number.strip()
    return visit.show("answered.html", complaint=await visit.work(lambda: visit.desk.complaint(number)))


_WHY = Open("whoever holds the number of a complaint made it")
PAGES = (
    Page(method="GET", path="/complain/answer", endpoint=ask, who=_WHY),
    Page(method="POST", path="/complain/answer", endpoint=answered, who=_WHY),
)
