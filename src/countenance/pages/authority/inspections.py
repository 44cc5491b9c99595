"""Inspections: an operator's log is mirrored, checked whole, and compared with what the operator stated."""

from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.pages.taking import Line
from countenance.reception.body import Form
from countenance.reception.words import Typed


class InspectForm(Form):
    """Which operator is inspected, and by which order."""

    party: Annotated[Line, Field(min_length=1, max_length=64)]
    order: Typed


async def inspections(visit: Visit) -> Response:
    """List the inspections."""

    def act() -> dict[str, Any]:
        return {"inspections": visit.desk.inspections(), "parties": visit.desk.parties()}

    return visit.show("inspections.html", **await visit.work(act))


async def inspected(visit: Visit) -> Response:
    """Carry an inspection out, and go to what it found."""
    form = visit.form(InspectForm)
    done = await visit.work(lambda: visit.desk.inspect(form.party, visit.clerk.name, form.order))
    return visit.go(f"/desk/inspections/{done.inspection_id}")


PAGES = (
    Page(method="GET", path="/desk/inspections", endpoint=inspections, who=Clerks()),
    Page(method="POST", path="/desk/inspections", endpoint=inspected, who=Clerks()),
)
