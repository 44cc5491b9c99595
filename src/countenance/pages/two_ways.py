"""The two ways compared: how many went which way, how long it took, and whether the face has become the easier one."""

from typing import Any

from starlette.responses import Response

from countenance.operations.parity import parity
from countenance.pages.door import Page, Session, Visit
from countenance.store import sites


async def two_ways(visit: Visit) -> Response:
    """Show the figures of the last thirty days for each venue and purpose."""
    operator_id = visit.caller.operator_id

    def act() -> dict[str, Any]:
        with visit.house.database.reading() as tx:
            titles = {row["code"]: row["title"] for row in sites.read(tx, operator_id, "purpose")}
            venues = {row["venue_id"]: row["name"] for row in sites.read(tx, operator_id, "venue")}
        return {"report": parity(visit.house, operator_id), "titles": titles, "venues": venues}

    return visit.show("two_ways.html", **await visit.work(act))


PAGES = (Page(method="GET", path="/console/parity", endpoint=two_ways, who=Session.STAFF),)
