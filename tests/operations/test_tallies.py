"""Refusals by article and day: what is counted is what is on record, also of many at once, also after an upgrade."""

import importlib
import threading
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text

from countenance.answer import Finding, Outcome, PackUsed, Permit, Refusal, Text
from countenance.errors import CountenanceError
from countenance.facts import Facts, SessionFacts
from countenance.operations.activate import activate, register
from countenance.operations.parts import Permitted, Refused
from countenance.operations.verify import Claim, verify
from countenance.record import Entry, append
from countenance.store import tallies
from countenance.subjects.consents import REFUSED
from countenance.vocabulary import Action
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, SESSION, Hotel
from tests.operations.governed import bodies

SAYS = Text("No.", "否。")
Counted = Counter[tuple[date, str, str, str]]


def counted(hotel: Hotel, since: date = date(2000, 1, 1), operator: str = OPERATOR) -> Counted:
    """Return what the tallies say."""
    with hotel.house.database.transaction() as tx:
        rows = tallies.since(tx, operator, since)
    assert len({row[:4] for row in map(_row, rows)}) == len(rows), "shards are added up"
    return Counter({row[:4]: row[4] for row in map(_row, rows)})


def _row(tally: tallies.Tally) -> tuple[date, str, str, str, int]:
    return tally.day, tally.action, tally.pack, tally.article, tally.refusals


def on_record(hotel: Hotel) -> Counted:
    """Count the refusals on record, each once under every article in it."""
    found: Counted = Counter()
    for body in bodies(hotel):
        if body["outcome"] != "refused":
            continue
        day = (datetime.fromisoformat(body["at"]) + timedelta(hours=8)).date()
        for pack, article in {
            (finding["pack"] or "", finding["article"] or "")
            for answer in body.get("law", [])
            for finding in answer["findings"]
        }:
            found[day, body["kind"], pack, article] += 1
    return found


def refuse(hotel: Hotel, ref: str = "guest", **changes: Any) -> Refused:
    """Let somebody be refused who was never asked."""
    told: dict[str, Any] = {"subject_ref": ref, "purpose": PURPOSE, "device_id": KIOSK, "session": SESSION}
    done = verify(hotel.house, DEVICE, Claim(**(told | changes)), pictures.nobody())
    assert isinstance(done, Refused)
    return done


def some(hotel: Hotel) -> None:
    """Let several things be refused on two days, by the law and by the server itself, and some not be."""
    for _ in range(3):
        refuse(hotel)
    refuse(hotel, session=SessionFacts())
    refuse(hotel, purpose="of-nothing")
    hotel.consent("somebody", decision=REFUSED)
    hotel.clock.forward(days=1)
    refuse(hotel)
    assert isinstance(register(hotel.house, OFFICER, ROOM_CAMERA, PURPOSE), Refused)


def refusal(*articles: tuple[str | None, str | None], at: datetime) -> Refusal:
    findings = tuple(Finding(pack, article, Outcome.FORBIDS, (), SAYS, SAYS) for pack, article in articles)
    return Refusal(Action.VERIFY, at, PURPOSE, {"one": PackUsed("edition", binds=True)}, findings)


def written(hotel: Hotel, entry: Entry) -> None:
    with hotel.house.database.transaction() as tx:
        append(tx, entry)


def entry(hotel: Hotel, *answers: Refusal | Permit, **changes: Any) -> Entry:
    told: dict[str, Any] = {
        "operator_id": OPERATOR, "at": hotel.clock(), "kind": "verify", "outcome": "refused", "by": "x",
        "answers": answers,
    }  # fmt: skip
    return Entry(**(told | changes))


def test_what_is_counted_is_what_is_on_record(hotel: Hotel) -> None:
    some(hotel)
    found = counted(hotel)
    assert found == on_record(hotel)
    assert len({day for day, *_ in found}) == 2
    assert {action for _, action, *_ in found} == {"verify", "register_device"}
    assert len({pack for *_, pack, _ in found}) == 3, "two packs, and the server itself"
    assert max(found.values()) == 5


def test_an_act_counts_once_under_each_article_that_refused_it(hotel: Hotel) -> None:
    at = hotel.clock()
    one = refusal(("one", "5"), ("one", "9"), at=at)
    other = refusal(("one", "5"), ("two", "5"), (None, None), ("two", None), at=at)

    written(hotel, entry(hotel, one, others=[(Facts(action=Action.VERIFY, at=at), other)]))

    day = (at + timedelta(hours=8)).date()
    assert counted(hotel) == Counter(
        {(day, "verify", *which): 1 for which in [("one", "5"), ("one", "9"), ("two", "5"), ("", ""), ("two", "")]}
    )


def test_what_was_not_refused_is_not_counted(hotel: Hotel) -> None:
    found = refusal(("one", "5"), at=hotel.clock())
    written(hotel, entry(hotel, found, outcome="match"))
    written(hotel, entry(hotel))
    hotel.consent("somebody", decision=REFUSED)
    assert [body["outcome"] for body in bodies(hotel)].count("refused") == 2
    assert counted(hotel) == Counter()


def test_a_permit_among_the_answers_names_no_article(hotel: Hotel) -> None:
    done = activate(hotel.house, OFFICER, PURPOSE)
    assert isinstance(done, Permitted)
    permit = done.permit
    written(hotel, entry(hotel, permit, refusal(("one", "5"), at=hotel.clock())))
    assert [row[2:] for row in counted(hotel)] == [("one", "5")]


def test_a_day_is_one_in_the_place_of_the_law(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2026, 12, 1, 15, 59, 59, tzinfo=UTC)
    refuse(hotel)
    hotel.clock.forward(seconds=1)
    refuse(hotel)
    assert {day for day, *_ in counted(hotel)} == {date(2026, 12, 1), date(2026, 12, 2)}
    assert {day for day, *_ in counted(hotel, date(2026, 12, 2))} == {date(2026, 12, 2)}
    assert counted(hotel) == on_record(hotel)


def test_what_is_rolled_back_is_not_counted(hotel: Hotel) -> None:
    def fails() -> None:
        with hotel.house.database.transaction() as tx:
            append(tx, entry(hotel, refusal(("one", "5"), at=hotel.clock())))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert counted(hotel) == Counter()


def test_every_operator_has_its_own(hotel: Hotel) -> None:
    refuse(hotel)
    assert counted(hotel, operator="another-hotel") == Counter()


def test_of_many_at_once_none_is_lost(hotel: Hotel) -> None:
    failed: list[CountenanceError] = []

    def run(number: int) -> None:
        try:
            for _ in range(10):
                refuse(hotel, f"guest-{number}", session=SessionFacts() if number % 2 else SESSION)
        except CountenanceError as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    with hotel.house.database.transaction() as tx:
        refusals = tx.execute(text("SELECT count(*) FROM record WHERE outcome = 'refused'")).scalar_one()
        shards = tx.execute(text("SELECT count(DISTINCT shard) FROM refusal_tally")).scalar_one()
    assert refusals == 80
    assert max(counted(hotel).values()) == 80
    assert shards > 1, "they need not wait for each other"
    assert counted(hotel) == on_record(hotel)


def test_an_upgrade_counts_what_was_on_record_before(hotel: Hotel) -> None:
    some(hotel)
    at = hotel.clock()
    # Twice in one record, across its decisions, and one that is no refusal of the law.
    written(hotel, entry(hotel, refusal(("one", "5"), at=at), refusal(("one", "5"), ("two", None), at=at)))
    written(hotel, entry(hotel))
    counted_live = counted(hotel)
    assert len(counted_live) > 5

    migration = importlib.import_module("countenance.store.migrations.versions.0011_refusals_by_day")
    with hotel.house.database.transaction() as tx:
        tx.execute(text("DROP TABLE refusal_tally"))
        with Operations.context(MigrationContext.configure(tx)):
            migration.upgrade()

    assert counted(hotel) == counted_live
    refuse(hotel)
    assert counted(hotel) == on_record(hotel), "and counting goes on"
