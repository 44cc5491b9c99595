"""The duty to file: how near the line is under each pack that draws one, and what is left of the time to file."""

from starlette.responses import Response

from countenance.filing.duty import FilingReport, reports
from countenance.pages.door import Page, Session, Visit


async def filing(visit: Visit) -> Response:
    """Show how the duty stands under each pack."""
    house = visit.house

    def act() -> list[FilingReport]:
        with house.database.reading() as tx:
            return reports(tx, house.packs, visit.caller.operator_id, house.clock())

    return visit.show("filing.html", reports=await visit.work(act))


PAGES = (Page(method="GET", path="/console/filing", endpoint=filing, who=Session.STAFF),)
