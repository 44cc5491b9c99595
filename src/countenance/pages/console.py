"""The officer's first page: what needs doing, how near each line is, and where to go from here."""

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from countenance.pages.devices import due_checks
from countenance.pages.door import Page, Session, Visit
from countenance.pages.refusals import DAYS, by_day
from countenance.pages.render import PLACE
from countenance.store import activations, overview, sites, tallies


async def console(visit: Visit) -> Response:
    """Show the overview."""
    house, operator_id, at = visit.house, visit.caller.operator_id, visit.house.clock()
    today = at.astimezone(PLACE).date()

    def act() -> dict[str, Any]:
        with house.database.reading() as tx:
            (operator,) = sites.read(tx, operator_id, "operator")
            purposes = [row for row in sites.read(tx, operator_id, "purpose") if not row["retired"]]
            active = activations.active(tx, operator_id)
            counted = tallies.since(tx, operator_id, today - timedelta(days=DAYS - 1))
            return {
                "operator": operator,
                "inactive": [row for row in purposes if row["code"] not in active],
                "consents": overview.consents(tx, operator_id, at),
                "references": overview.references(tx, operator_id),
                "days": by_day(counted, today),
                "checks": due_checks(sites.read(tx, operator_id, "device"), today),
            }

    found = await visit.work(act)
    return visit.show("console.html", **found)


PAGES = (Page(method="GET", path="/console", endpoint=console, who=Session.STAFF),)
