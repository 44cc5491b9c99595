"""The desk's first page: what waits, each figure with the way to it."""

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from countenance.authority.seen import Case, CaseState, Due, Signal
from countenance.pages.authority.door import ROOT, Clerks, Page, Visit
from countenance.pages.authority.logs import alarms

#: About a month.
SOON_WORKING_DAYS: Final = 20
LISTED_MAX: Final = 8


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits at the desk."""

    received: list[Case]
    asked: int
    returned: int
    soon: list[Due]
    overdue: list[Due]
    alarms: int
    complaints: int
    signals: list[Signal]


async def overview(visit: Visit) -> Response:
    """Show what waits."""
    desk = visit.desk

    def act() -> Waiting:
        cases, owed = desk.cases(), desk.deadlines()
        return Waiting(
            received=sorted(
                (each for each in cases if each.state is CaseState.RECEIVED), key=lambda each: each.filed_at
            ),
            asked=sum(each.state is CaseState.ASKED for each in cases),
            returned=sum(each.state is CaseState.RETURNED for each in cases),
            soon=[each for each in owed if not each.overdue and each.working_days_left <= SOON_WORKING_DAYS],
            overdue=[each for each in owed if each.overdue],
            alarms=len(alarms(desk)),
            complaints=len(desk.complaints(open_only=True)),
            signals=desk.signals(),
        )

    return visit.show("overview.html", waiting=await visit.work(act), days=SOON_WORKING_DAYS, most=LISTED_MAX)


PAGES = (Page(method="GET", path=ROOT, endpoint=overview, who=Clerks()),)
