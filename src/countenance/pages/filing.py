"""The duty to file: how near each line is and when it may be reached, what is due, what was noticed, every clock."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from starlette.responses import Response

from countenance.answer import Text
from countenance.filing.clocks import Terms, clocks
from countenance.filing.documents.changes import part_words
from countenance.filing.duty import FilingReport, reports
from countenance.filing.exchange import Kind, message_of
from countenance.filing.forecast import crossing, growth
from countenance.filing.signals import group_bounds, signals
from countenance.filing.statement import lower
from countenance.operations.counting import Counted, count
from countenance.pages.door import Page, Session, Visit
from countenance.pages.filing_chart import Chart, Line, drawn
from countenance.store import exchanges, filings, persons, sites
from countenance.store.database import Transaction
from countenance.store.filings import Change
from countenance.store.gathering import PLACE
from countenance.vocabulary import FilingKind, FilingState

#: So many days stand in the chart, and beside it.
DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Duty:
    """How the duty stands under one pack: what changed since the filing, when the line may be reached, what waits.

    `returned`: what is due now was filed, and the authority gave it back.
    """

    report: FilingReport
    changed: tuple[Text, ...]
    reached_on: date | None
    waits: bool
    returned: bool

    @property
    def open(self) -> bool:
        """Return whether something has to be filed now."""
        return self.report.state in {FilingState.DUE, FilingState.OVERDUE}


async def filing(visit: Visit) -> Response:
    """Show how the duty stands under each pack, and all that belongs to it."""
    return await _shown(visit)


async def count_now(visit: Visit) -> Response:
    """Count from what is stored, and show whether the kept count agrees."""
    counted = await visit.work(lambda: count(visit.house, visit.caller.operator_id))
    return await _shown(visit, counted)


async def _shown(visit: Visit, counted: Counted | None = None) -> Response:
    house, operator_id, at = visit.house, visit.caller.operator_id, visit.house.clock()
    terms = Terms(visit.behind.settings.backup_days, visit.behind.settings.audit_months)

    def act() -> dict[str, Any]:
        with house.database.snapshot() as tx:
            now, today = persons.figures(tx, operator_id), at.astimezone(PLACE).date()
            days = persons.days(tx, operator_id, today - timedelta(days=DAYS))
            daily = growth(days, today)
            duties = _duties(tx, visit, at, daily)
            group = group_bounds(tx, operator_id)
            operator = next(iter(sites.read(tx, operator_id, "operator")), None)
            return {
                "now": now,
                "lower": lower(tx, operator_id, now),
                "elsewhere": (operator or {}).get("elsewhere") or [],
                "group": group,
                "daily": daily,
                "days": days[::-1],
                "chart": _chart(duties, days, today, daily),
                "duties": duties,
                "signals": signals(tx, house.packs, operator_id, at, group),
                "clocks": clocks(tx, house.packs, operator_id, at, terms),
                "paired": exchanges.authority(tx, operator_id) is not None,
            }

    return visit.show("filing.html", counted=counted, **await visit.work(act))


def _chart(duties: list[Duty], days: list[persons.Day], today: date, daily: float | None) -> Chart | None:
    lines = [
        Line(each.report.pack, each.report.line.persons_from, each.reached_on)
        for each in duties
        if each.report.line.persons_from is not None
    ]
    return drawn(days, today, lines, daily) if days else None


def _duties(tx: Transaction, visit: Visit, at: datetime, daily: float | None) -> list[Duty]:
    operator_id, today = visit.caller.operator_id, at.astimezone(PLACE).date()
    changes = filings.changes(tx, operator_id, still_open=True)
    said = [message_of(each.note).says() for each in exchanges.waiting(tx, operator_id) if each.kind == Kind.FILING]
    waiting = {(each.pack, each.act) for each in said}
    newest = {(act.pack, act.kind): act for act in filings.acts(tx, operator_id)}
    returned = {key for key, act in newest.items() if act.returned_at is not None and act.message_id is not None}
    return [
        Duty(
            report=each,
            changed=_changed(changes, each),
            reached_on=None
            if each.line.persons_from is None
            else crossing(daily, each.upper, each.line.persons_from, today),
            waits=(each.pack, each.demands) in waiting,
            returned=(each.pack, each.demands) in returned,
        )
        for each in reports(tx, visit.house.packs, operator_id, at)
    ]


def _changed(changes: list[Change], report: FilingReport) -> tuple[Text, ...]:
    """Return what differs from what was filed under a pack, in words; a duty of another kind has no such parts."""
    if report.demands is not FilingKind.CHANGE:
        return ()
    mine = [each for each in changes if each.pack == report.pack and each.kind is FilingKind.CHANGE]
    return tuple(part_words(part) for each in mine for part in each.fields)


PAGES = (
    Page(method="GET", path="/console/filing", endpoint=filing, who=Session.STAFF),
    Page(method="POST", path="/console/filing/count", endpoint=count_now, who=Session.STAFF),
)
