"""Lays out the chart of persons over the days against the lines from which is filed, and how it may go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from countenance.store.persons import Day

WIDTH: Final = 640
HEIGHT: Final = 290
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 22, 30
#: A line that lies so many times above every figure would press these to the ground: it is told beside the picture.
_REACH: Final = 3
_LEVELS: Final = 6
#: The way that lies ahead takes at most half of the picture; a line is passed by so much, so that the crossing is seen.
_BEYOND_DAYS: Final = 4
_AHEAD_DAYS: Final = 45


@dataclass(frozen=True, slots=True)
class Line:
    """A line from which is filed: of which pack, from how many persons, and when it may be reached."""

    pack: str
    persons: int
    day: date | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A level in the chart: where it lies, for how many persons it stands, and of which pack it is the line."""

    y: float
    persons: int
    pack: str = ""


@dataclass(frozen=True, slots=True)
class Cross:
    """Where the way ahead meets a line."""

    x: float
    y: float
    day: date


@dataclass(frozen=True, slots=True)
class Chart:
    """The area of what is stored, the curve of the upper bound, the way ahead, the lines, and those too far above."""

    area: str
    upper: str
    ahead: str
    crosses: tuple[Cross, ...]
    levels: tuple[Mark, ...]
    lines: tuple[Mark, ...]
    above: tuple[Line, ...]
    first: date
    last: date
    today_x: float
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    ground: int = HEIGHT - _BOTTOM


def drawn(days: Sequence[Day], today: date, lines: Sequence[Line], daily: float | None) -> Chart:
    """Return the chart of days in their order, which are one at least, until today and on at a daily growth."""
    most = max(max(each.upper, each.last) for each in days)
    inside = [each for each in lines if each.persons <= _REACH * most]
    last = today + timedelta(days=_ahead(days, today, inside, daily))
    end = days[-1].upper + (daily or 0) * (last - today).days
    step = _step(max([1.0, most, end, *(each.persons for each in inside)]) / _LEVELS)
    highest = step * -(-round(max([1.0, most, end, *(each.persons for each in inside)])) // step)
    span = max((last - days[0].day).days, 1)

    def x(day: date) -> float:
        return round(_LEFT + (day - days[0].day).days / span * (WIDTH - _LEFT - _RIGHT), 1)

    def y(persons: float) -> float:
        return round(HEIGHT - _BOTTOM - persons / highest * (HEIGHT - _TOP - _BOTTOM), 1)

    ground = [(x(today), y(0)), (x(days[0].day), y(0))]
    stored = [(x(each.day), y(each.last)) for each in days]
    ahead = [(x(today), y(days[-1].upper)), (x(last), y(end))] if last > today else []
    return Chart(
        area=_points([*stored, (x(today), y(days[-1].last)), *ground]),
        upper=_points([*((x(each.day), y(each.upper)) for each in days), (x(today), y(days[-1].upper))]),
        ahead=_points(ahead),
        crosses=tuple(
            Cross(x(each.day), y(each.persons), each.day)
            for each in inside
            if each.day is not None and each.day <= last
        ),
        levels=tuple(Mark(y(persons), persons) for persons in range(0, highest + 1, step)),
        lines=tuple(Mark(y(each.persons), each.persons, each.pack) for each in inside),
        above=tuple(each for each in lines if each not in inside),
        first=days[0].day,
        last=last,
        today_x=x(today),
    )


def _ahead(days: Sequence[Day], today: date, inside: Sequence[Line], daily: float | None) -> int:
    """Return how many days to come are drawn: to where the next line may be reached, if that is not too far."""
    crossed = min(((each.day - today).days for each in inside if each.day is not None), default=None)
    if daily is None or crossed is None:
        return 0
    most = max((today - days[0].day).days, 1)
    return crossed + _BEYOND_DAYS if crossed <= most else min(_AHEAD_DAYS, most)


def _step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … that is not less."""
    ten = 1
    while True:
        for factor in (1, 2, 5):
            if factor * ten >= least:
                return factor * ten
        ten *= 10


def _points(at: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in at)
