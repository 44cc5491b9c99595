"""Lays out a map by coordinates alone: an equirectangular one with a graticule, nothing from elsewhere."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from countenance.authority.seen import MapDevice

WIDTH: Final = 640
HEIGHT: Final = 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 30
#: The smallest map, in degrees of latitude: about eleven kilometres, so that one device does not fill it.
_SPAN_MIN: Final = 0.1
_MARGIN: Final = 0.12
_STEPS: Final = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
_LINES_MAX: Final = 6
_RADIUS_MIN, _RADIUS_MAX = 5.0, 16.0
#: Devices nearer than this stand in one place: a ten thousandth of a degree is eleven metres.
_PLACES: Final = 4


@dataclass(frozen=True, slots=True)
class Dot:
    """A place on the map: where it is drawn and how large, its coordinates, and the devices there."""

    x: float
    y: float
    radius: float
    latitude: float
    longitude: float
    devices: tuple[MapDevice, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A line of the graticule: where it is drawn, and its degrees as they are written."""

    at: float
    degrees: str


@dataclass(frozen=True, slots=True)
class Map:
    """A map: places, and the meridians and parallels between which they lie."""

    dots: tuple[Dot, ...]
    meridians: tuple[Grid, ...]
    parallels: tuple[Grid, ...]
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    ground: int = HEIGHT - _BOTTOM


def mapped(devices: Iterable[MapDevice]) -> Map | None:
    """Return the map of the devices that have coordinates, None where none has."""
    places: dict[tuple[float, float], list[MapDevice]] = {}
    for each in devices:
        latitude, longitude = each.filed.latitude, each.filed.longitude
        if latitude is not None and longitude is not None:
            places.setdefault((round(latitude, _PLACES), round(longitude, _PLACES)), []).append(each)
    if not places:
        return None
    wide, high = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    south, north = _ends([latitude for latitude, _ in places])
    west, east = _ends([longitude for _, longitude in places])
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    # A degree of longitude is drawn as long as it is on the ground, half way up the map.
    narrow = max(0.05, math.cos(math.radians(middle_y)))
    degree = min(wide / (narrow * (east - west)), high / (north - south))

    def x(longitude: float) -> float:
        return round(_LEFT + wide / 2 + (longitude - middle_x) * narrow * degree, 1)

    def y(latitude: float) -> float:
        return round(_TOP + high / 2 - (latitude - middle_y) * degree, 1)

    most = max(len(each) for each in places.values())
    dots = tuple(
        Dot(x(longitude), y(latitude), _radius(len(each), most), latitude, longitude, tuple(each))
        for (latitude, longitude), each in sorted(places.items(), key=lambda place: -len(place[1]))
    )
    half_x, half_y = wide / 2 / narrow / degree, high / 2 / degree
    # One step for both, so that the fields of the graticule have one shape.
    step = _step(max(2 * half_x, 2 * half_y))
    digits = len(f"{step:g}".partition(".")[2])
    across = _multiples(middle_x - half_x, middle_x + half_x, step)
    up = _multiples(middle_y - half_y, middle_y + half_y, step)
    return Map(
        dots,
        tuple(Grid(x(each), _written(each, digits, "E", "W")) for each in across if abs(each) <= 180),  # noqa: PLR2004 — degrees
        tuple(Grid(y(each), _written(each, digits, "N", "S")) for each in up if abs(each) <= 90),  # noqa: PLR2004 — degrees
    )


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return the ends of a span with some room around."""
    low, high = min(values), max(values)
    room = max((high - low) * _MARGIN, (_SPAN_MIN - (high - low)) / 2)
    return low - room, high + room


def _step(span: float) -> float:
    return next((step for step in _STEPS if span / step <= _LINES_MAX), _STEPS[-1])


def _multiples(low: float, high: float, step: float) -> list[float]:
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _written(degrees: float, digits: int, positive: str, negative: str) -> str:
    return f"{abs(degrees):.{digits}f}°{positive if degrees > 0 else negative if degrees < 0 else ''}"


def _radius(devices: int, most: int) -> float:
    """Return a radius by which the area of a dot grows with its devices."""
    return round(_RADIUS_MIN + (_RADIUS_MAX - _RADIUS_MIN) * math.sqrt((devices - 1) / max(1, most - 1)), 1)
