"""Purposes and their readiness: what is missing before each may serve, named by article; activated and ended here."""

from typing import Any, Literal

from starlette.responses import Response

from countenance.operations.activate import activate
from countenance.operations.deactivate import deactivate
from countenance.operations.readiness import readiness
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.store import activations, overview, sites


class PurposeForm(Form):
    """What an officer does with a purpose."""

    act: Literal["activate", "deactivate"]


async def purposes(visit: Visit) -> Response:
    """Show each purpose with what the law would find at its activation now."""
    house, operator_id = visit.house, visit.caller.operator_id

    def act() -> dict[str, Any]:
        with house.database.transaction() as tx:
            rows = [row for row in sites.read(tx, operator_id, "purpose") if not row["retired"]]
            active = activations.active(tx, operator_id)
            states: dict[str, dict[str, int]] = {}
            for each in overview.consents(tx, operator_id, house.clock()):
                states.setdefault(each.purpose, {})[each.state] = each.persons
            versions = {row["purpose"]: row["version"] for row in sites.notices(tx, operator_id)}
        missing = {row["code"]: readiness(house, operator_id, row["code"]) for row in rows}
        return {"purposes": rows, "active": active, "missing": missing, "states": states, "versions": versions}

    return visit.show("purposes.html", **await visit.work(act))


async def purpose(visit: Visit) -> Response:
    """Activate or end a purpose; what the law refuses is shown as missing, and is on record."""
    form, code = visit.form(PurposeForm), visit.request.path_params["code"]
    doing = activate if form.act == "activate" else deactivate
    await visit.work(lambda: doing(visit.house, visit.caller, code))
    return visit.go("/console/purposes")


PAGES = (
    Page(method="GET", path="/console/purposes", endpoint=purposes, who=Session.STAFF),
    Page(method="POST", path="/console/purposes/{code}", endpoint=purpose, who=Session.STAFF),
)
