"""Authorisations: those that wait for a second person, those that run, and every use that was made of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from starlette.responses import Response

from countenance.operations import authorise
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.store import authorisations as store
from countenance.store import sites
from countenance.store.authorisations import ApprovalRow, AuthorisationRow

_NEWEST = 100


class ActForm(Form):
    """What an officer does with an authorisation."""

    act: Literal["approve", "revoke"]


@dataclass(frozen=True, slots=True)
class ShownAuthorisation:
    """An authorisation with who approved it, and what state that leaves it in at this instant."""

    row: AuthorisationRow
    approvals: list[ApprovalRow]
    uses: int
    state: str


async def authorisations(visit: Visit) -> Response:
    """List authorisations, the newest first."""
    operator_id, at = visit.caller.operator_id, visit.house.clock()

    def act() -> dict[str, Any]:
        with visit.house.database.transaction() as tx:
            shown = [
                _shown(
                    row,
                    store.approvals(tx, operator_id, row.authorisation_id),
                    len(store.uses(tx, operator_id, row.authorisation_id, 1000)),
                    at,
                )
                for row in store.listed(tx, operator_id, _NEWEST)
            ]
            titles = {row["code"]: row["title"] for row in sites.read(tx, operator_id, "purpose")}
        return {"authorisations": shown, "titles": titles}

    return visit.show("authorised.html", **await visit.work(act))


def _shown(row: AuthorisationRow, approvals: list[ApprovalRow], uses: int, at: datetime) -> ShownAuthorisation:
    people = {each.staff_id for each in approvals if each.staff_id is not None}
    if row.revoked_at is not None:
        state = "revoked"
    elif row.ends_at <= at:
        state = "ended"
    else:
        state = "runs" if len(people) > 1 else "waits"
    return ShownAuthorisation(row, approvals, uses, state)


async def authorisation(visit: Visit) -> Response:
    """Approve or revoke one."""
    form, which = visit.form(ActForm), visit.id("authorisation_id")
    if form.act == "approve":
        await visit.work(lambda: authorise.approve(visit.house, visit.caller, which))
    else:
        await visit.work(lambda: authorise.revoke(visit.house, visit.caller, which))
    return visit.go("/console/authorisations")


PAGES = (
    Page(method="GET", path="/console/authorisations", endpoint=authorisations, who=Session.STAFF),
    Page(method="POST", path="/console/authorisations/{authorisation_id}", endpoint=authorisation, who=Session.STAFF),
)
