"""The first page of an authority's server: the way for anybody, and the way for its clerks."""

from starlette.responses import Response

from countenance.pages.authority.door import Page, Visit
from countenance.pages.door import Open


async def home(visit: Visit) -> Response:
    """Show where to go."""
    return visit.show("home.html")


PAGES = (Page(method="GET", path="/", endpoint=home, who=Open("it says where to go")),)
