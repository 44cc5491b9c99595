"""The inbox: every filing that came, or those in one state."""

from starlette.responses import Response

from countenance.authority.seen import CaseState
from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.reception.body import Form


class StateForm(Form):
    """Which filings are shown."""

    state: CaseState | None = None


async def cases(visit: Visit) -> Response:
    """List filings, the newest first."""
    state = visit.asked(StateForm).state
    found = await visit.work(lambda: visit.desk.cases(state))
    return visit.show("cases.html", cases=found, chosen=state, states=tuple(CaseState))


PAGES = (Page(method="GET", path="/desk/cases", endpoint=cases, who=Clerks()),)
