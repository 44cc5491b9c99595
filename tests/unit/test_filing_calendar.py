"""Thirty working days: the dates of the law's own table, and what holds of every day of the years announced so far."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.filing.calendar import Deadline, announced, deadline, is_working_day, working_days_left

DAY = timedelta(days=1)
#: Every event whose thirty days end in years that were announced when this was written; more come by themselves.
SETTLED = st.dates(date(2003, 1, 1), date(2026, 11, 1))
#: From before anything was announced to long after.
ANY = st.dates(date(1990, 1, 1), date(2060, 1, 1))

#: Event day, thirtieth working day, and the day by weekends alone, which is wrong where the two differ.
VECTORS = [
    ("2025-06-01", "2025-07-14", "2025-07-11"),
    ("2025-06-02", "2025-07-14", "2025-07-14"),
    ("2025-06-03", "2025-07-15", "2025-07-15"),
    ("2025-01-15", "2025-03-04", "2025-02-26"),
    ("2025-01-24", "2025-03-13", "2025-03-07"),
    ("2025-04-15", "2025-05-29", "2025-05-27"),
    ("2025-09-15", "2025-10-31", "2025-10-27"),
    ("2025-09-30", "2025-11-18", "2025-11-11"),
    ("2026-02-13", "2026-04-02", "2026-03-27"),
    ("2026-02-23", "2026-04-03", "2026-04-06"),
    ("2025-08-18", "2025-09-28", "2025-09-29"),
    ("2024-01-01", "2024-02-09", "2024-02-12"),
    ("2023-09-15", "2023-11-02", "2023-10-27"),
    ("2023-08-08", "2023-09-19", "2023-09-19"),
]


def until(last: int):
    """Return the calendar as it was known when `last` was the last year announced."""
    return lambda year: year <= last


def by_weekends(event: date, working_days: int) -> date:
    """Count weekdays and nothing else, another way than the calendar does."""
    days = [event + number * DAY for number in range(1, 2 * working_days + 14)]
    return [day for day in days if day.isoweekday() < 6][working_days - 1]


@pytest.mark.parametrize(("event", "thirtieth", "weekends"), VECTORS)
def test_the_dates_of_the_law(event: str, thirtieth: str, weekends: str) -> None:
    assert deadline(date.fromisoformat(event), 30) == Deadline(date.fromisoformat(thirtieth), provisional=False)
    assert by_weekends(date.fromisoformat(event), 30) == date.fromisoformat(weekends)


def test_there_are_fourteen_dates_and_some_differ_from_weekends_either_way() -> None:
    assert len(VECTORS) == 14
    assert {(thirtieth > weekends) - (thirtieth < weekends) for _, thirtieth, weekends in VECTORS} == {-1, 0, 1}


def test_what_is_announced_is_found_out_from_the_calendar() -> None:
    assert all(announced(year) for year in range(2001, 2027))
    assert not any(announced(year) for year in (1999, 2000, 2060))


def test_a_period_that_crosses_into_a_year_not_announced_ends_five_days_early_and_provisionally() -> None:
    event = date(2026, 12, 1)
    assert by_weekends(event, 30) == date(2027, 1, 12)
    assert deadline(event, 30, until(2026)) == Deadline(date(2027, 1, 7), provisional=True)


def test_a_provisional_end_goes_back_from_a_weekend_and_from_a_holiday_of_statute() -> None:
    thursday, new_year = date(2026, 12, 3), date(2026, 11, 25)
    assert by_weekends(thursday, 30) - 5 * DAY == date(2027, 1, 9)  # a Saturday
    assert deadline(thursday, 30, until(2026)) == Deadline(date(2027, 1, 8), provisional=True)
    assert by_weekends(new_year, 30) - 5 * DAY == date(2027, 1, 1)
    assert deadline(new_year, 30, until(2026)) == Deadline(date(2026, 12, 31), provisional=True)


def test_it_becomes_final_by_itself_when_the_year_is_announced() -> None:
    event = date(2024, 12, 16)
    before, after = deadline(event, 30, until(2024)), deadline(event, 30)

    assert (before.provisional, after.provisional) == (True, False)
    assert before.day == by_weekends(event, 30) - 5 * DAY
    assert after.day == date(2025, 1, 27)  # New Year was off, and the Sunday before worked


def test_the_notice_of_the_next_year_may_touch_the_end_of_december() -> None:
    assert not is_working_day(date(2018, 12, 31))  # off by the notice for 2019
    assert is_working_day(date(2018, 12, 29))  # a Saturday, worked for it
    event = date(2018, 11, 16)
    assert deadline(event, 30) == Deadline(date(2018, 12, 28), provisional=False)
    assert deadline(event, 30, until(2018)) == Deadline(date(2018, 12, 25), provisional=True)


@given(SETTLED, st.integers(1, 60))
def test_a_final_end_is_the_nth_working_day_and_a_working_day(event: date, working_days: int) -> None:
    end = deadline(event, working_days)
    days = [event + number * DAY for number in range(1, (end.day - event).days + 1)]
    if not end.provisional:
        assert sum(map(is_working_day, days)) == working_days
    assert is_working_day(end.day)


@given(ANY)
def test_no_end_falls_on_a_day_off(event: date) -> None:
    assert is_working_day(deadline(event, 30).day)


@given(ANY, st.integers(0, 400), st.integers(2001, 2026))
def test_a_later_event_never_ends_earlier(event: date, later: int, last: int) -> None:
    for known in (announced, until(last)):
        assert deadline(event, 30, known).day <= deadline(event + later * DAY, 30, known).day


@given(st.dates(date(2003, 1, 1), date(2026, 10, 31)), st.integers(2002, 2026))
def test_a_provisional_end_is_never_after_the_true_one(event: date, last: int) -> None:
    provisional, true = deadline(event, 30, until(last)), deadline(event, 30)
    assert not true.provisional
    assert provisional.day <= true.day
    assert by_weekends(event, 30) - 5 * DAY <= true.day, "five days early is not early enough"
    assert provisional.provisional or provisional == true


@given(SETTLED)
def test_the_working_days_left_run_out_on_the_last_day(event: date) -> None:
    end = deadline(event, 30).day
    left = [working_days_left(event + number * DAY, end) for number in range((end - event).days + 2)]
    assert (left[0], left[-2], left[-1]) == (30, 0, 0)
    assert left == sorted(left, reverse=True)
