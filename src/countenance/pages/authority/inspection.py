"""One inspection, with each finding."""

from starlette.responses import Response

from countenance.errors import NotFoundError
from countenance.pages.authority.door import Clerks, Page, Visit


async def inspection(visit: Visit) -> Response:
    """Show an inspection."""
    number = visit.number("inspection")
    every = await visit.work(visit.desk.inspections)
    found = next((each for each in every if each.inspection_id == number), None)
    if found is None:
        raise NotFoundError("There is no such inspection.", "没有该检查。")
    return visit.show("inspection.html", inspection=found)


PAGES = (Page(method="GET", path="/desk/inspections/{inspection}", endpoint=inspection, who=Clerks()),)
