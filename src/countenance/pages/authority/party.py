"""An operator as its authority sees it: what it stated against its lines, its log, its filings."""

from typing import Annotated, Any, Final

from pydantic import Field
from starlette.responses import Response

from countenance.authority.desk import Desk
from countenance.filing.lines import lines
from countenance.pages.authority.chart import drawn
from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.pages.authority.logs import log_of
from countenance.pages.taking import Line
from countenance.reception.body import Form
from countenance.reception.words import Prose

#: A year of daily statements is drawn, and so many days stand in the table beside the chart.
STATED_MAX: Final = 370
TABLE_MAX: Final = 31
#: The newest messages, whatever they are about.
SAID_MAX: Final = 30


class RemindForm(Form):
    """What an operator is reminded of, and under which pack it owes it."""

    text: Prose
    pack: Annotated[Line, Field(max_length=64)] | None = None


class GroupForm(Form):
    """The group that an operator is counted to, none for no group."""

    group: Annotated[Line, Field(max_length=128)] | None = None


async def party(visit: Visit) -> Response:
    """Show an operator."""
    desk, party_id = visit.desk, visit.named("party")

    def act() -> dict[str, Any]:
        found, stated, drawn_lines = desk.party(party_id), desk.stated(party_id, STATED_MAX), _lines(desk)
        return {
            "party": found,
            "chart": drawn(stated, drawn_lines) if stated else None,
            "stated": stated[: -TABLE_MAX - 1 : -1],
            "signals": [each for each in desk.signals() if each.party_id == party_id],
            "log": log_of(desk, found),
            "cases": desk.cases(party_id=party_id),
            "inspections": desk.inspections(party_id),
            "said": desk.conversation(party_id)[-SAID_MAX:],
            "packs": [pack for pack, _ in drawn_lines],
        }

    return visit.show("party.html", **await visit.work(act))


def _lines(desk: Desk) -> list[tuple[str, int]]:
    """Return the packs that draw a line by persons today, each with where it lies."""
    drawn_today = lines(desk.office.packs, desk.office.clock())
    return [(pack.name, line.persons_from) for pack, line in drawn_today if line.persons_from is not None]


async def reminded(visit: Visit) -> Response:
    """Remind an operator."""
    party_id, form = visit.named("party"), visit.form(RemindForm)
    await visit.work(lambda: visit.desk.remind(party_id, visit.clerk.name, form.text, form.pack))
    return visit.go(f"/desk/operators/{party_id}")


async def grouped(visit: Visit) -> Response:
    """Count an operator to a group, or to none."""
    party_id, form = visit.named("party"), visit.form(GroupForm)
    await visit.work(lambda: visit.desk.assign(party_id, form.group))
    return visit.go(f"/desk/operators/{party_id}")


PAGES = (
    Page(method="GET", path="/desk/operators/{party}", endpoint=party, who=Clerks()),
    Page(method="POST", path="/desk/operators/{party}/remind", endpoint=reminded, who=Clerks()),
    Page(method="POST", path="/desk/operators/{party}/group", endpoint=grouped, who=Clerks()),
)
