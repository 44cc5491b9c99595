"""The register for everybody, without personal data; the same as JSON and CSV lies beside it."""

from starlette.responses import Response

from countenance.pages.authority.door import Page, Visit
from countenance.pages.door import Open


async def open_data(visit: Visit) -> Response:
    """Show the register as anybody may see it."""
    return visit.show("open_data.html", found=await visit.work(visit.desk.open_data))


PAGES = (Page(method="GET", path="/register", endpoint=open_data, who=Open("the register is public")),)
