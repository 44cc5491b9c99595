"""The chart and the map of an authority's pages: everything lies inside the frame, in its order, and where it says."""

import math
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.authority.seen import Counted, MapDevice, Stated
from countenance.filing.exchange import PublicDevice
from countenance.pages.authority import chart, mapped
from countenance.pages.authority.devices import by_division, venue_kind

DAY = date(2025, 6, 1)
LINES = (("cn-2023-draft", 10_001), ("cn-2025", 100_000))


def stated(day: int, lower: int, upper: int | None = None) -> Stated:
    high = lower if upper is None else upper
    at = datetime(2025, 6, 1, tzinfo=UTC) + timedelta(days=day)
    return Stated(DAY + timedelta(days=day), at, Counted(lower, high, high, high), {}, (), (), "0" * 64)


def points(drawn: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (each.split(",") for each in drawn.split())]


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=60))
def test_every_figure_lies_inside_and_more_lies_higher(figures: list[tuple[int, int, int]]):
    days = [
        stated(day, low, low + more)
        for day, low, more in sorted({day: (day, *rest) for day, *rest in figures}.values())
    ]
    drawn = chart.drawn(days, LINES)
    for curve in drawn.curves:
        for x, y in points(curve.points):
            assert drawn.left <= x <= drawn.right
            assert 0 <= y <= drawn.ground
    lower, upper = (
        points(next(each for each in drawn.curves if each.name == name).points) for name in ("lower", "upper")
    )
    assert [x for x, _ in upper] == sorted(x for x, _ in upper)
    assert all(above[1] <= below[1] for below, above in zip(lower, upper, strict=True))
    assert {each.pack for each in (*drawn.lines, *drawn.above)} == {pack for pack, _ in LINES}
    assert 2 <= len(drawn.levels) <= 8


@pytest.mark.parametrize(
    "persons, inside", [(1_000, []), (9_900, ["cn-2023-draft"]), (40_000, ["cn-2023-draft", "cn-2025"])]
)
def test_a_line_far_above_is_told_and_not_drawn(persons: int, inside: list[str]):
    drawn = chart.drawn([stated(0, persons)], LINES)
    assert [each.pack for each in drawn.lines] == inside
    level = {each.persons: each.y for each in (*drawn.levels, *drawn.lines)}
    assert [y for _, y in sorted(level.items())] == sorted(level.values(), reverse=True)


def test_one_day_without_anybody_is_drawn():
    drawn = chart.drawn([stated(0, 0)], LINES)
    assert [len(each.dots) for each in drawn.curves] == [1, 1, 1, 1]
    assert next(each.persons for each in drawn.levels) == 0


def device(latitude: float | None, longitude: float | None, name: str = "x", division: str | None = None) -> MapDevice:
    filed = PublicDevice(
        device=name, name=name, venue="v", venue_kind="hotel", place="p", division=division,
        latitude=latitude, longitude=longitude,
    )  # fmt: skip
    return MapDevice("p1", "The Hotel", None, filed)


PLACES = st.lists(st.tuples(st.floats(-89.9, 89.9), st.floats(-180, 180)), min_size=1, max_size=30)


@given(PLACES)
def test_every_device_lies_on_the_map_and_north_is_up(places: list[tuple[float, float]]):
    frame = mapped.mapped(device(*each) for each in places)
    assert frame is not None
    assert sum(len(each.devices) for each in frame.dots) == len(places)
    for dot in frame.dots:
        assert frame.left <= dot.x <= frame.right
        assert frame.top <= dot.y <= frame.ground
    by_latitude = sorted(frame.dots, key=lambda each: each.latitude)
    assert [each.y for each in by_latitude] == sorted((each.y for each in frame.dots), reverse=True)
    by_longitude = sorted(frame.dots, key=lambda each: each.longitude)
    assert [each.x for each in by_longitude] == sorted(each.x for each in frame.dots)
    for lines, letters in ((frame.meridians, "EW"), (frame.parallels, "NS")):
        assert len({each.degrees for each in lines}) == len(lines), "no two lines are named alike"
        assert all(re.fullmatch(rf"[0-9]+(\.[0-9]+)?°[{letters}]?", each.degrees) for each in lines)


def test_a_square_kilometre_is_a_square_on_the_map():
    """At sixty degrees north a degree of longitude is half as long as one of latitude."""
    frame = mapped.mapped([device(60, 10), device(61, 10), device(60, 12)])
    assert frame is not None
    at = {(each.latitude, each.longitude): (each.x, each.y) for each in frame.dots}
    (x, y), north, east = at[60, 10], at[61, 10], at[60, 12]
    assert math.isclose(east[0] - x, y - north[1], rel_tol=0.05)


def test_without_coordinates_there_is_no_map():
    assert mapped.mapped([device(None, None), device(31.2, None)]) is None


def test_divisions_are_counted_and_what_names_none_stands_last():
    found = by_division(
        [device(1, 1, "a", "北京"), device(None, None, "b"), device(1, 1, "c", "上海"), device(1, None, "d", "上海")]
    )
    assert [(each.name, each.devices, each.venues, each.unplaced) for each in found] == [
        ("上海", 2, 1, 1),
        ("北京", 1, 1, 0),
        (None, 1, 1, 1),
    ]


def test_a_kind_of_venue_that_is_new_is_shown_as_written():
    assert (venue_kind("hotel").zh, venue_kind("tower").zh) == ("宾馆", "tower")
