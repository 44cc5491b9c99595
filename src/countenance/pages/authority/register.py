"""The register as the desk sees it: number, organisation, what was filed, and whether it still stands."""

from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit


async def register(visit: Visit) -> Response:
    """Show the register."""
    return visit.show("register.html", lines=await visit.work(visit.desk.register))


PAGES = (Page(method="GET", path="/desk/register", endpoint=register, who=Clerks()),)
