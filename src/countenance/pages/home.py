"""The first page: who runs this server, and where staff, kiosks and subjects go from here."""

from starlette.responses import Response

from countenance.pages.door import Open, Page, Visit
from countenance.store import sites


async def home(visit: Visit) -> Response:
    """Show the operators of this server and the ways in."""

    def act() -> list[sites.Row]:
        with visit.house.database.transaction() as tx:
            return [row for each in sites.operators(tx) for row in sites.read(tx, each, "operator")]

    return visit.show("home.html", operators=await visit.work(act))


PAGES = (Page(method="GET", path="/", endpoint=home, who=Open("it says who is responsible, which everybody may know")),)
