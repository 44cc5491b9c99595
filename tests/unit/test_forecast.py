"""The forecast of the crossing day: a steady growth is found, one day does not move it, and without growth is none."""

from datetime import date, timedelta
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.filing.forecast import AHEAD_DAYS, DAYS_MIN, WINDOW_DAYS, crossing, growth
from countenance.store.persons import Day

TODAY = date(2026, 11, 25)


def series(*uppers: int, until: date = TODAY) -> list[Day]:
    """Return a day for each number, the last one `until`; what is stored here is none of the forecast's business."""
    first = until - timedelta(days=len(uppers) - 1)
    return [Day(first + timedelta(days=place), 0, 0, 0, 0, 0, upper) for place, upper in enumerate(uppers)]


def test_a_steady_growth_is_the_growth() -> None:
    assert growth(series(*range(9_000, 9_300, 10)), TODAY) == pytest.approx(10)


@pytest.mark.parametrize("jump", [5_000, -5_000])
@pytest.mark.parametrize("stays", [True, False])
@pytest.mark.parametrize("place", [1, 15, 30])
def test_one_day_of_many_does_not_move_it(jump: int, *, stays: bool, place: int) -> None:
    levels = [9_000 + 10 * each + (jump if each == place or (stays and each > place) else 0) for each in range(31)]
    assert growth(series(*levels), TODAY) == pytest.approx(10)


def test_weekdays_that_differ_are_a_week_together() -> None:
    busy_fridays = [0, 0, 0, 0, 70, 0, 0]
    levels = list(accumulate((busy_fridays[each % 7] for each in range(40)), initial=9_000))
    for until in range(7):
        assert growth(series(*levels[: 34 + until]), TODAY) == pytest.approx(10), "a median of single days would be 0"


@pytest.mark.parametrize("uppers", [[9_000] * 30, list(range(9_300, 9_000, -10)), []])
def test_what_does_not_grow_has_no_forecast(uppers: list[int]) -> None:
    assert growth(series(*uppers), TODAY) is None


def test_a_few_days_are_no_series() -> None:
    assert growth(series(*range(0, 10 * (DAYS_MIN - 1), 10)), TODAY) is None
    assert growth(series(*range(0, 10 * DAYS_MIN, 10)), TODAY) == pytest.approx(10)


def test_only_the_window_counts_and_a_day_without_a_count_is_like_the_day_before() -> None:
    old = series(*range(0, 4_000, 100), until=TODAY - timedelta(days=WINDOW_DAYS + 1))
    assert growth([*old, *series(*[3_900] * WINDOW_DAYS)], TODAY) is None
    assert growth(old, TODAY) is None, "nothing was counted in the window: it stood still"
    every = series(*range(9_000, 9_310, 10))
    with_gaps = [each for place, each in enumerate(every) if place % 3 != 1]
    assert growth(with_gaps, TODAY) == pytest.approx(10)
    steep = [*every, Day(TODAY + timedelta(days=1), 0, 0, 0, 0, 0, 90_000)]
    assert growth(steep, TODAY) == pytest.approx(10), "days to come are not known"


def test_the_crossing_day_is_the_first_on_which_the_line_is_reached() -> None:
    assert crossing(10, 9_990, 10_001, TODAY) == TODAY + timedelta(days=2)
    assert crossing(11, 9_990, 10_001, TODAY) == TODAY + timedelta(days=1)
    assert crossing(0.5, 10_000, 10_001, TODAY) == TODAY + timedelta(days=2)


@pytest.mark.parametrize("daily, persons", [(None, 9_000), (10, 10_001), (10, 12_000), (0.001, 9_000)])
def test_there_is_no_crossing_day_without_growth_above_the_line_or_too_far_ahead(
    daily: float | None, persons: int
) -> None:
    assert crossing(daily, persons, 10_001, TODAY) is None


@given(st.lists(st.integers(-50, 200), min_size=DAYS_MIN, max_size=60), st.integers(1, 10**6))
def test_a_crossing_day_lies_ahead_and_not_too_far(steps: list[int], more: int) -> None:
    levels = list(accumulate(steps, initial=20_000))
    found = crossing(growth(series(*levels), TODAY), levels[-1], levels[-1] + more, TODAY)
    assert found is None or 1 <= (found - TODAY).days <= AHEAD_DAYS
