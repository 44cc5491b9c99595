"""What tests of the duty to file share: persons at a line, filings in the site file, and what is then due."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from countenance.filing import duty
from countenance.filing.duty import FilingReport
from countenance.filing.raising import look
from countenance.operations.declare import declare
from countenance.operations.enrol import enrol
from countenance.operations.parts import Enrolled
from countenance.sites.declaration import read_site
from countenance.store import filings, persons
from countenance.store.filings import FilingRow, Stock
from countenance.vocabulary import FilingState
from tests import pictures
from tests.database import DEVICE, HOTEL, OPERATOR, PURPOSE, Hotel, enrolment
from tests.operations.governed import articles, bodies

DRAFT, MEASURES = "cn-2023-draft", "cn-2025"


SHANGHAI = ZoneInfo("Asia/Shanghai")


#: A Monday; the thirtieth working day after it is Monday 14 December, and no holiday lies between.
START = datetime(2026, 11, 2, 10, 0, tzinfo=SHANGHAI)


LAST = date(2026, 12, 14)


TEXT = HOTEL.read_text(encoding="utf-8")


#: What the site file says of the counter.
COUNTER = "kind: counter\n        private: false\n        public: false\n"


def strangers(hotel: Hotel, number: int) -> None:
    """Put so many persons on file, each with a key as an enrolment leaves one, and counted as enrolments count."""
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "WITH made AS (INSERT INTO subject (operator_id, subject_id, created_at)"
                " SELECT :o, gen_random_uuid(), now() FROM generate_series(1, :n) RETURNING subject_id)"
                " INSERT INTO subject_key SELECT :o, subject_id, :p, '\\x00', now() FROM made"
            ),
            {"o": OPERATOR, "n": number, "p": PURPOSE},
        )
        now = persons.hold(tx, OPERATOR).persons + number
        persons.change(tx, OPERATOR, persons=now, highest=now, highest_ever=now)


def on_file(hotel: Hotel) -> dict[str, FilingRow]:
    with hotel.house.database.transaction() as tx:
        return dict(filings.held(tx, OPERATOR).by_pack)


def states(hotel: Hotel) -> dict[str, FilingState | None]:
    """Return the states as a decision is given them."""
    with hotel.house.database.transaction() as tx:
        return duty.states(hotel.house.packs, filings.held(tx, OPERATOR), hotel.clock())


def stock(hotel: Hotel) -> Stock:
    with hotel.house.database.transaction() as tx:
        return filings.stock(tx, OPERATOR)


def reports(hotel: Hotel) -> dict[str, FilingReport]:
    with hotel.house.database.transaction() as tx:
        return {each.pack: each for each in duty.reports(tx, hotel.house.packs, OPERATOR, hotel.clock())}


def raised(hotel: Hotel) -> list[dict[str, Any]]:
    """Return what is on record of duties that were raised, newest first."""
    return [body["details"] for body in bodies(hotel) if (body["kind"], body["outcome"]) == ("filing", "raised")]


def sweep(hotel: Hotel) -> None:
    """Do what the server does at its start and every hour."""
    with hotel.house.database.transaction() as tx:
        look(tx, hotel.house.packs, OPERATOR, hotel.clock())


def apply(hotel: Hotel, change: Callable[[str], str]) -> None:
    """Apply the hotel's site file with a change."""
    site = read_site(change(TEXT).encode())
    assert declare(hotel.house.database, hotel.keys, hotel.house.packs, site, hotel.clock()), "nothing changed"


def filed(*packs: str) -> Callable[[str], str]:
    """Return the change that puts a filing under each of these packs into the site file."""
    said = "".join(f"    {pack}: {{number: '2026-{pack}', filed_on: 2026-11-30}}\n" for pack in packs)
    return lambda site: site.replace("\npurposes:", f"  filings:\n{said}\npurposes:", 1)


def public(site: str) -> str:
    """Say that the counter is a public place."""
    return site.replace(COUNTER, COUNTER.replace("public: false", "public: true"))


def undeclared(site: str) -> str:
    """Say nothing of whether the counter is a public place."""
    return site.replace(COUNTER, COUNTER.replace("        public: false\n", ""))


def midnight(day: date) -> datetime:
    """Return the first instant of a day in the place of the law."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)


def refused_by(hotel: Hotel) -> set[tuple[str | None, str | None]]:
    """Enrol the guest once more and return the articles that refuse; none where it is done."""
    answer = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())
    return set() if isinstance(answer, Enrolled) else articles(answer)


def ended(*packs: str) -> Callable[[str], str]:
    """Return the change that says in the site file that filings under these packs were deregistered."""
    said = "".join(
        f"    {pack}: {{number: '2026-{pack}', filed_on: 2026-11-30, deregistered_on: 2026-12-01}}\n" for pack in packs
    )
    return lambda site: site.replace("\npurposes:", f"  filings:\n{said}\npurposes:", 1)
