"""Complaints as the desk sees them, and answering them."""

from typing import Annotated, Final

from pydantic import Field
from starlette.responses import Response

from countenance.authority.seen import Complaint
from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.reception.body import Form
from countenance.reception.words import Prose

#: So many complaints stand on one page.
LISTED_MAX: Final = 200


class ListForm(Form):
    """Which page of the complaints is shown."""

    page: Annotated[int, Field(ge=1, le=10_000)] = 1


class AnswerComplaintForm(Form):
    """What is answered."""

    text: Prose


async def complaints(visit: Visit) -> Response:
    """List the complaints, those that wait before those that were answered, so many on a page."""
    page = visit.asked(ListForm).page
    since = (page - 1) * LISTED_MAX

    def act() -> tuple[list[Complaint], dict[str, str]]:
        found = sorted(visit.desk.complaints(), key=lambda each: each.answered_at is not None)
        return found, {each.party_id: each.name for each in visit.desk.parties()}

    found, names = await visit.work(act)
    shown, more = found[since : since + LISTED_MAX], len(found) > since + LISTED_MAX
    return visit.show("complaints.html", complaints=shown, names=names, many=len(found), page=page, more=more)


async def answered(visit: Visit) -> Response:
    """Answer a complaint."""
    number, form = visit.number("complaint"), visit.form(AnswerComplaintForm)
    await visit.work(lambda: visit.desk.answer_complaint(number, visit.clerk.name, form.text))
    return visit.go("/desk/complaints")


PAGES = (
    Page(method="GET", path="/desk/complaints", endpoint=complaints, who=Clerks()),
    Page(method="POST", path="/desk/complaints/{complaint}", endpoint=answered, who=Clerks()),
)
