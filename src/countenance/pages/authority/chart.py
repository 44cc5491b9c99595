"""Lays out a chart of what an operator stated, day by day, against the lines from which it has to file."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from countenance.authority.seen import Counted, Stated

WIDTH: Final = 640
HEIGHT: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 16, 14, 30
#: A line that lies so many times above every figure would press these to the ground: it is told beside the picture.
_REACH: Final = 3
_TICKS: Final = 6
#: Single days are marked with a point as long as the points can be told apart.
_POINTS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure over the days: its name in the style sheet, its points as SVG writes them, and each by itself."""

    name: str
    points: str
    dots: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """A level in the chart: where it lies, how many persons it stands for, and of which pack it is the line."""

    y: float
    persons: int
    pack: str | None = None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart of some days: the area between the bounds, the curves, the levels, the lines of packs in it and above."""

    first: date
    last: date
    band: str
    curves: tuple[Curve, ...]
    levels: tuple[Mark, ...]
    lines: tuple[Mark, ...]
    above: tuple[Mark, ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    ground: int = HEIGHT - _BOTTOM


_CURVES: Final[tuple[tuple[str, Callable[[Counted], int]], ...]] = (
    ("cumulative", lambda counted: counted.cumulative),
    ("highest", lambda counted: counted.highest),
    ("upper", lambda counted: counted.upper),
    ("lower", lambda counted: counted.lower),
)


def drawn(stated: Sequence[Stated], lines: Sequence[tuple[str, int]]) -> Chart:
    """Return the chart of statements in the order of their days, which are one at least, with the packs' lines."""
    most = max(figure(each.counted) for each in stated for _, figure in _CURVES)
    inside = [(pack, persons) for pack, persons in lines if persons <= _REACH * most]
    step = _step(max([1, most, *(persons for _, persons in inside)]) / _TICKS)
    top = step * -(-max([1, most, *(persons for _, persons in inside)]) // step)
    first, last = stated[0].day, stated[-1].day
    days = (last - first).days

    def x(each: Stated) -> float:
        share = (each.day - first).days / days if days else 0.5
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(persons: int) -> float:
        return round(HEIGHT - _BOTTOM - persons / top * (HEIGHT - _TOP - _BOTTOM), 1)

    curves = []
    for name, figure in _CURVES:
        at = tuple((x(each), y(figure(each.counted))) for each in stated)
        curves.append(Curve(name, _points(at), at if len(at) <= _POINTS_MAX else ()))
    around = [(x(each), y(each.counted.upper)) for each in stated]
    around += [(x(each), y(each.counted.lower)) for each in reversed(stated)]
    return Chart(
        first=first,
        last=last,
        band=_points(around),
        curves=tuple(curves),
        levels=tuple(Mark(y(persons), persons) for persons in range(0, top + 1, step)),
        lines=tuple(Mark(y(persons), persons, pack) for pack, persons in inside),
        above=tuple(Mark(0, persons, pack) for pack, persons in lines if persons > _REACH * most),
    )


def _step(least: float) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50 … that is not less."""
    step, factors = 1, (2, 2.5, 2)
    turn = 0
    while step < least:
        step = round(step * factors[turn % 3])
        turn += 1
    return step


def _points(at: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x},{y}" for x, y in at)
