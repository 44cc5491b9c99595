"""Periods in working days as China counts them: its holidays off, its make-up weekends worked, day 0 not counted.

Each year's holidays and make-up days are announced late in the year before. A period that ends in a year not announced
yet has a provisional end, on the safe side; it becomes final by itself when the calendar learns of the year, because an
end is computed whenever it is asked for and kept nowhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Final

from holidays import HolidayBase, country_holidays

#: A provisional end lies this many days before the end by weekends alone: the true one came up to three days earlier.
PROVISIONAL_DAYS_EARLY: Final = 5
#: From this day of December on, the notice of the year that follows may have a say.
_NEXT_NOTICE_FROM: Final = (12, 26)
_DAY: Final = timedelta(days=1)
_FRIDAY: Final = 4


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a period; provisional where it rests on a year that is not announced."""

    day: date
    provisional: bool


@cache
def _china(year: int) -> HolidayBase:
    return country_holidays("CN", years=year, expand=False)


@cache
def announced(year: int) -> bool:
    """Whether the holidays of a year are in the calendar as announced, and not only as statute foresees them.

    No notice so far was without make-up days, which statute cannot foresee; so a year without any is not announced.
    """
    return any(day.year == year for day in _china(year).weekend_workdays)


def is_working_day(day: date) -> bool:
    """Whether a day is worked; in a year not announced, as far as weekends and statute can tell."""
    return _china(day.year).is_working_day(day)


def deadline(event: date, working_days: int, announced: Callable[[int], bool] = announced) -> Deadline:
    """Return the day on which a period of so many working days ends that an event began; it begins the day after.

    `announced` says of which years the calendar is known, so that an earlier state of it can be asked.
    """
    day, left = event, working_days
    while left > 0:
        day += _DAY
        if not _settled(day, announced):
            return Deadline(_on_the_safe_side(event, working_days, day), provisional=True)
        left -= is_working_day(day)
    return Deadline(day, provisional=False)


def working_days_left(today: date, last: date) -> int:
    """Return how many working days come after today, up to and with the last day."""
    return sum(is_working_day(today + number * _DAY) for number in range(1, (last - today).days + 1))


def _settled(day: date, announced: Callable[[int], bool]) -> bool:
    late = (day.month, day.day) >= _NEXT_NOTICE_FROM
    return announced(day.year) and (not late or announced(day.year + 1))


def _on_the_safe_side(event: date, working_days: int, unsettled: date) -> date:
    """Return a working day that is not after the true end: early by weekends, but not before the settled days end."""
    day, left = event, working_days
    while left > 0:
        day += _DAY
        left -= day.weekday() <= _FRIDAY
    return max(_worked(day - PROVISIONAL_DAYS_EARLY * _DAY), _worked(unsettled - _DAY))


def _worked(day: date) -> date:
    """Return the day, or the last working day before it."""
    while not is_working_day(day):
        day -= _DAY
    return day
