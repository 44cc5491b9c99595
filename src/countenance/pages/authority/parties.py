"""The operators that are paired with this authority, whether they filed or not."""

from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit


async def parties(visit: Visit) -> Response:
    """List the operators."""
    return visit.show("parties.html", parties=await visit.work(visit.desk.parties))


PAGES = (Page(method="GET", path="/desk/operators", endpoint=parties, who=Clerks()),)
