"""Requests and complaints with their deadlines: those that wait first, and the answer to each."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance.operations.requests import answer_request, list_requests, show_request
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.subjects.requests import PROSE_CHARS_MAX, RequestAnswer
from countenance.vocabulary import AgeClass, RequestOutcome


class AnswerRequestForm(Form):
    """How an officer answers."""

    outcome: RequestOutcome
    text: Annotated[str | None, Field(max_length=PROSE_CHARS_MAX)] = None
    age_class: AgeClass | None = None


async def requests(visit: Visit) -> Response:
    """List requests, those that wait first."""
    found = await visit.work(lambda: list_requests(visit.house, visit.caller))
    return visit.show("asked.html", requests=found)


async def request(visit: Visit) -> Response:
    """Show one request with its words."""
    found = await visit.work(lambda: show_request(visit.house, visit.caller, visit.id("request_id")))
    return visit.show("answer.html", request=found, outcomes=list(RequestOutcome), ages=list(AgeClass))


async def answered(visit: Visit) -> Response:
    """Answer a request; what it grants is done in the same step."""
    form = visit.form(AnswerRequestForm)
    said = RequestAnswer(outcome=form.outcome, text=form.text, age_class=form.age_class)
    await visit.work(lambda: answer_request(visit.house, visit.caller, visit.id("request_id"), said))
    return visit.go("/console/requests")


PAGES = (
    Page(method="GET", path="/console/requests", endpoint=requests, who=Session.STAFF),
    Page(method="GET", path="/console/requests/{request_id}", endpoint=request, who=Session.STAFF),
    Page(method="POST", path="/console/requests/{request_id}", endpoint=answered, who=Session.STAFF),
)
