"""Signals: what somebody should look at, of operators, groups and logs; none is a verdict."""

from typing import Any

from starlette.responses import Response

from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.pages.authority.logs import alarms


async def signals(visit: Visit) -> Response:
    """List the signals, and the alarms of logs."""

    def act() -> dict[str, Any]:
        return {"signals": visit.desk.signals(), "alarms": alarms(visit.desk)}

    return visit.show("signals.html", **await visit.work(act))


PAGES = (Page(method="GET", path="/desk/signals", endpoint=signals, who=Clerks()),)
