"""What was refused, by article and over time: where a rule bites, and what it bites on."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from starlette.responses import Response

from countenance.law.pack import Packs
from countenance.pages.door import Page, Session, Visit
from countenance.record import REFUSED
from countenance.record import read as read_record
from countenance.store import records, tallies
from countenance.store.gathering import PLACE

DAYS: Final = 30
_NEWEST: Final = 25


@dataclass(frozen=True, slots=True)
class Counted:
    """One bar of a chart."""

    label: str
    count: int


async def refusals(visit: Visit) -> Response:
    """Show the refusals of the last thirty days, by day and by article, and the newest of them."""
    today = visit.house.clock().astimezone(PLACE).date()
    operator_id = visit.caller.operator_id

    def act() -> tuple[list[tallies.Tally], list[dict[str, object]]]:
        with visit.house.database.reading() as tx:
            counted = tallies.since(tx, operator_id, today - timedelta(days=DAYS - 1))
            rows = records.listed(tx, operator_id, most=_NEWEST, outcome=REFUSED)
        said = [read_record(row)["record"] for row in rows]
        return counted, [each for each in said if "law" in each]  # a guest's no is a decision, and no refusal of law

    counted, newest = await visit.work(act)
    return visit.show(
        "refusals.html",
        days=by_day(counted, today),
        articles=by_article(counted, visit.house.packs, visit.language),
        newest=newest,
    )


def by_day(counted: list[tallies.Tally], today: date) -> list[Counted]:
    """Return one bar a day; an act that several articles refuse counts under each of them."""
    days = Counter[date]()
    for tally in counted:
        days[tally.day] += tally.refusals
    shown = [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
    return [Counted(f"{day:%m-%d}", days[day]) for day in shown]


def by_article(counted: list[tallies.Tally], packs: Packs, language: str) -> list[Counted]:
    """Return one bar an article, the most frequent first, with its title where the pack is loaded."""
    titles = {
        (pack.name, article.number): article.title.zh if language == "zh" else article.title.en
        for pack in packs
        for article in pack.articles
    }
    found = Counter[tuple[str, str]]()
    for tally in counted:
        found[tally.pack, tally.article] += tally.refusals
    house = "服务器自身" if language == "zh" else "the server itself"
    return [
        Counted(f"{pack} {article} · {titles.get((pack, article), '')}".strip(" ·") or house, count)
        for (pack, article), count in found.most_common()
    ]


PAGES = (Page(method="GET", path="/console/refusals", endpoint=refusals, who=Session.STAFF),)
