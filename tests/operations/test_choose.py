"""Choices: written down for the right venue, within bounds, in an hour and about nobody."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from countenance.errors import LimitError, MalformedError, NotFoundError
from countenance.operations.choose import CHOICES_PER_HOUR_MAX, SECONDS_MAX, STEPS_MAX, Choice, Chosen, choose
from countenance.operations.expire import expire
from countenance.store import choices
from countenance.vocabulary import Way
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, Hotel
from tests.operations.governed import bodies
from tests.operations.measured import ANNEX, FACE, OTHER, SITE, VENUE, by_two, declare, kept, take


@pytest.fixture
def two(hotel: Hotel) -> Hotel:
    """Return the hotel judged by two measurements of each figure, at noon."""
    return by_two(hotel)


def test_a_device_speaks_for_its_own_venue_and_an_officer_names_one(two: Hotel) -> None:
    declare(two, SITE.replace("venues:\n", f"venues:\n{ANNEX}"))
    made = Choice(purpose=PURPOSE, way=FACE)

    done = choose(two.house, replace(DEVICE, device_id="kiosk-2"), made)
    assert isinstance(done, Chosen)
    assert done.venue == "annex"
    assert isinstance(choose(two.house, DEVICE, replace(made, venue=VENUE)), Chosen)
    assert isinstance(choose(two.house, OFFICER, replace(made, venue="annex")), Chosen)
    with pytest.raises(NotFoundError):
        choose(two.house, DEVICE, replace(made, venue="annex"))
    with pytest.raises(MalformedError):
        choose(two.house, OFFICER, made)
    assert kept(two) == 3


def test_what_is_not_on_file_any_more_takes_no_choices(two: Hotel) -> None:
    made = Choice(purpose=PURPOSE, way=FACE)
    for caller, wrong in (
        (DEVICE, replace(made, purpose="breakfast")),
        (DEVICE, replace(made, venue="nowhere")),
        (OFFICER, replace(made, venue="nowhere")),
        (replace(DEVICE, device_id="kiosk-9"), made),
        (replace(DEVICE, operator_id="second-hotel"), made),
    ):
        with pytest.raises(NotFoundError):
            choose(two.house, caller, wrong)
    declare(two, SITE.replace(f"          {KIOSK}:", "          kiosk-2:"))
    with pytest.raises(NotFoundError):
        choose(two.house, DEVICE, made)
    assert kept(two) == 0


@pytest.mark.parametrize(
    ("seconds", "steps"),
    [(-1, None), (SECONDS_MAX + 1, None), (10**30, None), (None, -1), (None, STEPS_MAX + 1), (-(10**30), 3)],
)
def test_numbers_that_no_session_has_are_malformed(two: Hotel, seconds: int | None, steps: int | None) -> None:
    with pytest.raises(MalformedError):
        choose(two.house, DEVICE, Choice(purpose=PURPOSE, way=FACE, seconds=seconds, steps=steps))
    take(two, FACE, (0, 0), (SECONDS_MAX, STEPS_MAX))
    assert kept(two) == 2


def test_nobody_bends_the_figures_by_flooding(two: Hotel) -> None:
    take(two, FACE, (1, 1))
    copy = "INSERT INTO choice SELECT operator_id, gen_random_uuid(), venue_id, purpose, device_id, at, way FROM choice"
    with two.house.database.transaction() as tx:
        for _ in range(CHOICES_PER_HOUR_MAX - 2):
            tx.execute(text(f"{copy} LIMIT 1"))
    take(two, FACE, (1, 1))

    with pytest.raises(LimitError) as raised:
        take(two, FACE, (1, 1))

    assert raised.value.limit == "rate"
    take(two, OTHER, (1, 1), caller=OFFICER)
    two.clock.forward(hours=1)
    take(two, FACE, (1, 1))
    assert kept(two) == CHOICES_PER_HOUR_MAX + 2


def test_a_choice_holds_an_hour_and_nobody(two: Hotel) -> None:
    two.clock.now = datetime(2027, 3, 1, 12, 34, 56, 789, tzinfo=UTC)
    take(two, Way.REFUSED, (12, 3))

    with two.house.database.transaction() as tx:
        (held,) = tx.execute(text("SELECT * FROM choice")).mappings()
    assert set(held) == {
        "operator_id", "choice_id", "venue_id", "purpose", "device_id", "at", "way", "seconds", "steps",
    }  # fmt: skip
    assert held["at"] == datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert bodies(two) == []
    assert two.counted.seen[-1] == ("choose", "refused")


def test_choices_go_after_four_hundred_days_and_not_before(two: Hotel) -> None:
    take(two, FACE, (40, 3))
    made = two.clock()
    two.clock.now = made + choices.KEPT
    expire(two.house, OPERATOR)
    assert kept(two) == 1
    two.clock.forward(microseconds=1)
    expire(two.house, OPERATOR)
    assert kept(two) == 0
