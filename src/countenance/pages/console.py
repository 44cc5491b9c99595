"""The officer's first page: what needs doing, how near each line is, and where to go from here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from starlette.responses import Response

from countenance.filing.duty import FilingReport, reports
from countenance.operations.parity import Verdict, parity
from countenance.operations.requests import list_requests
from countenance.pages.devices import due_checks
from countenance.pages.door import Page, Session, Visit
from countenance.pages.refusals import DAYS, by_day
from countenance.store import activations, authorisations, overview, sites, tallies
from countenance.store.gathering import PLACE
from countenance.vocabulary import FilingState, RequestState

#: A request in one of these states waits for an answer.
_WAITING = frozenset({RequestState.OPEN, RequestState.OVERDUE})
#: States of the duty to file, the one that needs somebody most first; one that is not known needs a look.
_WORST: Final = (FilingState.OVERDUE, FilingState.DUE, None, FilingState.NOT_DUE, FilingState.FILED)


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
            running = [row for row in authorisations.listed(tx, operator_id, 100) if row.closed_at is None]
            found = {
                "operator": operator,
                "inactive": [row for row in purposes if row["code"] not in active],
                "consents": overview.consents(tx, operator_id, at),
                "references": overview.references(tx, operator_id),
                "days": by_day(counted, today),
                "checks": due_checks(sites.read(tx, operator_id, "device"), today),
                "filing": nearest(reports(tx, house.packs, operator_id, at)),
                "authorisations": [row for row in running if row.revoked_at is None and row.ends_at > at],
            }
        waiting = [each for each in list_requests(house, visit.caller) if each.state in _WAITING]
        easier = [row for row in parity(house, operator_id).rows if row.verdict is Verdict.FACE_EASIER]
        return found | {"waiting": waiting, "easier": easier}

    return visit.show("console.html", **await visit.work(act))


@dataclass(frozen=True, slots=True)
class Filing:
    """The duty to file in one line: the worst state of all packs, the first day it must be met, the nearest line."""

    worst: str
    until: date | None
    percent: int | None


def nearest(found: Sequence[FilingReport]) -> Filing:
    """Return what of the duty to file needs somebody most."""
    states = {report.state for report in found}
    worst = next((state for state in _WORST if state in states), FilingState.NOT_DUE)
    open_ = [report.deadline.day for report in found if report.deadline is not None and report.demands is not None]
    return Filing(
        worst="unknown" if worst is None else worst.value,
        until=min(open_, default=None),
        percent=max((report.percent for report in found if report.percent is not None), default=None),
    )


PAGES = (Page(method="GET", path="/console", endpoint=console, who=Session.STAFF),)
