"""Groups of affiliates: how many distinct persons each holds together, between two bounds."""

from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit


async def groups(visit: Visit) -> Response:
    """List the groups."""
    return visit.show("groups.html", groups=await visit.work(visit.desk.groups))


PAGES = (Page(method="GET", path="/desk/groups", endpoint=groups, who=Clerks()),)
