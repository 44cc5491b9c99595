"""Signs that a line may be avoided, on the real database: seen with their numbers while they are so."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from countenance.filing import signals as signs
from countenance.filing.signals import SignalKind
from countenance.filing.statement import statement
from countenance.operations.counting import settle
from countenance.store import persons, siblings, subjects
from countenance.vocabulary import Scope
from tests.database import OPERATOR, PURPOSE, Hotel
from tests.operations.people import TEXT, apply, gone, known, seen

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 2, 10, 0, tzinfo=SHANGHAI)
DRAFT = "cn-2023-draft"


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    hotel.clock.now = START.astimezone(UTC)
    hotel.consent("guest", *Scope)
    return hotel


def test_the_same_identifiers_that_come_back_near_a_line_are_a_signal(hotel: Hotel) -> None:
    refs = known(hotel, 9_990)
    settle(hotel.house, OPERATOR)
    gone(hotel, refs[:200])
    assert SignalKind.RETURNING not in seen(hotel)
    hotel.clock.forward(days=6)
    again = known(hotel, 200)  # the same words again; counted one by one, as enrolments are
    day = hotel.clock().astimezone(SHANGHAI).date()
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO reference (operator_id, reference_id, subject_id, purpose, model_id, sealed, created_at)"
                " SELECT operator_id, gen_random_uuid(), subject_id, :p, 'm', '\\x00', now() FROM subject"
                " WHERE ref = ANY(:r)"
            ),
            {"p": PURPOSE, "r": again},
        )
        for ref in again:
            held = subjects.find(tx, OPERATOR, ref)
            assert held is not None
            persons.arrive(tx, OPERATOR, held.subject_id, day, hotel.clock())
    assert seen(hotel)[SignalKind.RETURNING]["persons"] == 200


def test_who_leaves_far_from_a_line_leaves_no_token(hotel: Hotel) -> None:
    refs = known(hotel, 50)
    settle(hotel.house, OPERATOR)
    gone(hotel, refs[:20])
    with hotel.house.database.reading() as tx:
        tokens = tx.execute(text("SELECT count(*) FROM departure_token")).scalar_one()
        left = tx.execute(
            text("SELECT count(*) FROM subject WHERE ref IS NULL AND return_token IS NOT NULL")
        ).scalar_one()
    assert tokens == 0
    assert left == 0, "an erased person keeps no token"
    hotel.clock.forward(days=61)
    settle(hotel.house, OPERATOR)
    with hotel.house.database.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM departure")).scalar_one() == 0


@pytest.mark.parametrize("number, days, lingers", [(9_600, 61, True), (9_600, 58, False), (9_400, 61, False)])
def test_a_count_that_stays_just_below_a_line_is_a_signal(
    hotel: Hotel, number: int, days: int, *, lingers: bool
) -> None:
    known(hotel, number)
    for _ in range(days):
        with hotel.house.database.transaction() as tx:
            today = hotel.clock().astimezone(SHANGHAI).date()
            persons.mark_day(tx, OPERATOR, today, persons.figures(tx, OPERATOR))
        hotel.clock.forward(days=1)
    assert (SignalKind.LINGERING in seen(hotel)) is lingers


def another(hotel: Hotel, name: str, **changes: str) -> None:
    """Declare another operator of the same legal group on this server."""
    site = TEXT.replace("id: harbour-hotel", f"id: {name}\n  group: harbour", 1)
    for old, new in changes.items():
        site = site.replace(old, new)
    apply(hotel, site)


def test_two_affiliates_of_9900_with_400_shared_identifiers(hotel: Hotel) -> None:
    apply(hotel, TEXT.replace("id: harbour-hotel", "id: harbour-hotel\n  group: harbour", 1))
    known(hotel, 9_900)
    another(hotel, "harbour-annex")
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "WITH made AS (INSERT INTO subject (operator_id, subject_id, ref, created_at)"
                " SELECT 'harbour-annex', gen_random_uuid(), 'known-' || n, now() FROM generate_series(9500, 19399) n"
                " RETURNING subject_id)"
                " INSERT INTO subject_key SELECT 'harbour-annex', subject_id, :p, '\\x00', now() FROM made"
            ),
            {"p": PURPOSE},
        )
        persons.hold(tx, "harbour-annex")
        persons.change(tx, "harbour-annex", persons=9_900)
    with hotel.house.database.reading() as tx:
        bounds = signs.group_bounds(tx, OPERATOR)
        assert siblings.siblings(tx, OPERATOR).keys() == {"harbour-annex"}
        own = statement(tx, hotel.house.packs, OPERATOR, hotel.clock())
    assert bounds is not None
    assert (bounds.lower, bounds.upper) == (19_400, 19_800)
    assert own["persons"]["upper"] == 9_900
    assert own["group"] == {"members": 2, "lower": 19_400, "upper": 19_800}
    assert [each["state"] for each in own["duties"]] == ["not_due", "not_due"]
    assert seen(hotel)[SignalKind.GROUP] == {"line": 10_001, "members": 2, "lower": 19_400, "upper": 19_800}
    assert seen(hotel)[SignalKind.SPLIT] == {"operator": "harbour-annex"}


def test_a_sibling_that_begins_after_a_warning_is_a_signal(hotel: Hotel) -> None:
    apply(hotel, TEXT.replace("id: harbour-hotel", "id: harbour-hotel\n  group: harbour", 1))
    known(hotel, 5_100)
    settle(hotel.house, OPERATOR)
    assert SignalKind.SIBLING not in seen(hotel)
    hotel.clock.forward(days=29)
    another(hotel, "harbour-annex")
    assert seen(hotel)[SignalKind.SIBLING] == {"operator": "harbour-annex"}
    hotel.clock.forward(days=91)
    assert SignalKind.SIBLING not in seen(hotel)
