"""What all operators owe: computed here, by the calendar that is known here, the most urgent first."""

from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit


async def deadlines(visit: Visit) -> Response:
    """List the deadlines."""
    return visit.show("deadlines.html", owed=await visit.work(visit.desk.deadlines))


PAGES = (Page(method="GET", path="/desk/deadlines", endpoint=deadlines, who=Clerks()),)
