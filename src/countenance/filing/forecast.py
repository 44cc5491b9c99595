"""The forecast of the day on which a line is reached, if persons go on coming as they did; a guess, and no duty.

The growth is the median of what each seven days of the last thirty brought: every seven hold each weekday once, and one
coach party or one clearing-out falls into too few of them to move a median, as it would a mean or a fitted line.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil
from statistics import median
from typing import Final

from countenance.store.persons import Day

#: The growth is that of so many days; a series shorter than a fortnight says nothing.
WINDOW_DAYS: Final = 30
DAYS_MIN: Final = 14
#: What lies further ahead than this is no forecast any more.
AHEAD_DAYS: Final = 3650
_WEEK: Final = 7


def growth(days: Sequence[Day], today: date) -> float | None:
    """Return by how many persons a day the upper bound grows; None where it does not, or the days are too few.

    A day without a count is like the day before it, as the count is written down where it changes.
    """
    levels = _levels(days, today)
    if len(levels) < DAYS_MIN:
        return None
    weeks = [after - before for before, after in zip(levels, levels[_WEEK:], strict=False)]
    weekly = median(weeks)
    return weekly / _WEEK if weekly > 0 else None


def _levels(days: Sequence[Day], today: date) -> list[int]:
    """Return the upper bound at the end of each day of the window, from the first that has one."""
    by_day = {each.day: each.upper for each in days}
    first = today - timedelta(days=WINDOW_DAYS)
    before = max((day for day in by_day if day < first), default=None)
    level = None if before is None else by_day[before]
    levels: list[int] = []
    for number in range(WINDOW_DAYS + 1):
        level = by_day.get(first + timedelta(days=number), level)
        if level is not None:
            levels.append(level)
    return levels


def crossing(daily: float | None, persons: int, line: int, today: date) -> date | None:
    """Return the day on which so many persons reach a line at this growth.

    None where they have reached it already, do not grow, or would reach it too far ahead to say.
    """
    if daily is None or persons >= line:
        return None
    ahead = (line - persons) / daily
    return None if ahead > AHEAD_DAYS else today + timedelta(days=ceil(ahead))
