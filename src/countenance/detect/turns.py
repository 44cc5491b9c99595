"""Judges whether a head was turned as a challenge asked: what is flat cannot be turned so.

The nose stands out from the plane of eyes and mouth. When a head turns, the nose moves across that plane by its relief
times the tangent of the angle; when a printed sheet is turned, tilted, moved or scaled, the nose stays where it was
among the other landmarks. So one number, where the nose lies across in eye distances, is both the angle and the test.
A sheet that is bent, or held near the lens, moves the nose a little, but narrows the face far more than a head would:
the relief that explains both is then too small. And because a detector has seen heads only and places the nose of a
narrowed face where a head would have it, the nose is also looked for in the pixels themselves.

Nothing here stops a film of a head, a mask, or pictures put in behind the camera (docs/concepts/attacks.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import pairwise
from random import Random
from typing import Final

import numpy as np

from countenance.capture import Sample
from countenance.detect import Face, Points
from countenance.engines.align import moved, scale_of, warp
from countenance.vocabulary import Turn

#: Rises with every change of what is judged or of the limits below; it stands in answers and records.
VERSION: Final = 1
#: Turns away from the centre in one challenge; both directions are among them.
TURNS: Final = 3
#: Where the nose may lie across, in eye distances, when a person faces the camera; and how near to it each return is.
FACING_MAX: Final = 0.15
RETURN_MAX: Final = 0.09
#: How far across the nose must move in a turn: about 18 degrees.
TURNED_MIN: Final = 0.15
#: The least relief of a nose, in eye distances, that the turns to one side may show: faces have about 0.45.
RELIEF_MIN: Final = 0.27
#: The same and the least movement where the nose was found again in the pixels, over all turns.
FOUND_RELIEF_MIN: Final = 0.20
FOUND_MOVED_MIN: Final = 0.12
#: A nose counts as found again from this correlation on.
FOUND_MIN: Final = 0.85
#: From one sample to the next a face changes its size by no more than this factor, and its place by so many lengths.
SIZE_RATIO_MAX: Final = 1.6
SHIFT_MAX: Final = 2.5
#: Two chips that differ by less than this mean share of white are one picture twice.
STILL_MAX: Final = 0.006
#: A face whose eyes and mouth lie nearly on one line has no plane to measure across.
_UPRIGHT_MIN: Final = 0.05
#: The chip onto which eyes and mouth are brought whatever the angle: its side, and the distances between them there.
_CHIP: Final = 96
_UNIT: Final = 34.0
_PLACES: Final = np.array([[-0.5, -0.5], [0.5, -0.5], [0.0, 0.5]]) * _UNIT + _CHIP / 2
#: Half the side of the patch around the nose, and how far it is looked for across and down.
_PATCH: Final = 9
_REACH: Final = (20, 4)
_LUMA: Final = np.array([0.299, 0.587, 0.114]) / 255
_SIGN: Final = {Turn.LEFT: 1.0, Turn.RIGHT: -1.0}


class Doubt(StrEnum):
    """Why a sequence is suspected; for whoever measures the check, never for a caller or a record."""

    NOT_FACING = "not_facing"
    NOT_TURNED = "not_turned"
    FLAT = "flat"
    JUMPED = "jumped"
    STILL = "still"
    OTHER_IDENTITY = "other_identity"


@dataclass(frozen=True, slots=True)
class Look:
    """One sample of a sequence: for which step it was taken, and what is judged of the target's face."""

    step: int
    size: tuple[int, int]
    #: Where the nose lies between the eyes, in eye distances: 0 is midway, positive towards the right of the picture.
    across: float
    #: The distance between the eyes over that from eyes to mouth.
    wide: float
    long: float
    middle: tuple[float, float]
    #: The landmarks, and the face with eyes and mouth brought to fixed places, in grey, and where its nose lies there.
    marks: Points = field(repr=False, compare=False)
    chip: Points = field(repr=False, compare=False)
    nose: tuple[float, float] = field(default=(0.0, 0.0))


@dataclass(frozen=True, slots=True)
class Performance:
    """Which look stands for each step, and the first reason for doubt, if there is one."""

    chosen: tuple[int, ...]
    doubt: Doubt | None


def draw(chance: Random) -> tuple[Turn, ...]:
    """Return a random sequence that begins and ends at the centre, returns there between turns, and has both sides."""
    while True:
        sides = [chance.choice((Turn.LEFT, Turn.RIGHT)) for _ in range(TURNS)]
        if len(set(sides)) > 1:
            return (Turn.CENTRE, *(step for side in sides for step in (side, Turn.CENTRE)))


def look(sample: Sample, face: Face, step: int) -> Look:
    """Return what is judged of one face; nobody can be told apart by it."""
    marks = np.array(face.landmarks, np.float64)
    left, right, nose, *corners = marks
    eyes, mouth = (left + right) / 2, (corners[0] + corners[1]) / 2
    over, down = right - left, mouth - eyes
    eye_distance, long = float(np.hypot(*over)), float(np.hypot(*down))
    middle = (eyes + mouth) / 2
    size, place = (sample.width, sample.height), (float(middle[0]), float(middle[1]))
    if not over[0] * down[1] - over[1] * down[0] > _UPRIGHT_MIN * eye_distance * long:
        return Look(step, size, float("inf"), 0.0, long, place, marks, np.zeros((_CHIP, _CHIP)))
    matrix = np.linalg.solve(np.column_stack([[left, right, mouth], np.ones(3)]), _PLACES).T
    pixels, scale = sample.pixels(min(1.0, scale_of(matrix)))
    chip = warp(pixels, matrix / [[scale, scale, 1]], _CHIP) @ _LUMA
    there = moved(matrix, nose[None])[0]
    across = float(there[0] - _CHIP / 2) / _UNIT
    return Look(step, size, across, eye_distance / long, long, place, marks, chip, (float(there[0]), float(there[1])))


def judge(turns: Sequence[Turn], looks: Sequence[Look]) -> Performance:
    """Say whether the looks, in the order they were taken, show a head turned as asked; each step needs one at least.

    Of several looks at one step the one that does best what was asked stands for it.
    """
    chosen = tuple(_stands_for(step, turn, looks) for step, turn in enumerate(turns))
    return Performance(chosen, _doubt(turns, [looks[number] for number in chosen], looks))


def _stands_for(step: int, turn: Turn, looks: Sequence[Look]) -> int:
    def done(number: int) -> float:
        across = looks[number].across
        return -abs(across) if turn is Turn.CENTRE else _SIGN[turn] * across

    return max((number for number, each in enumerate(looks) if each.step == step), key=done)


def _doubt(turns: Sequence[Turn], shown: Sequence[Look], looks: Sequence[Look]) -> Doubt | None:
    if any(_jumped(before, after) for before, after in pairwise(looks)):
        return Doubt.JUMPED
    facing = [each for turn, each in zip(turns, shown, strict=True) if turn is Turn.CENTRE]
    rest = float(np.median([each.across for each in facing]))
    if not all(abs(each.across) <= FACING_MAX and abs(each.across - rest) <= RETURN_MAX for each in facing):
        return Doubt.NOT_FACING
    at_rest = min(facing, key=lambda each: abs(each.across - rest))
    turned = [(each, _SIGN[turn]) for turn, each in zip(turns, shown, strict=True) if turn is not Turn.CENTRE]
    across = [min(sign * (each.across - rest), sign * _off_plane(at_rest, each)) for each, sign in turned]
    if not all(TURNED_MIN <= each < float("inf") for each in across):
        return Doubt.NOT_TURNED
    wide = float(np.median([each.wide for each in facing]))
    if _flat(at_rest, turned, across, [_tangent(each.wide / wide) for each, _ in turned]):
        return Doubt.FLAT
    return Doubt.STILL if _still(turns, shown) else None


def _flat(
    at_rest: Look, turned: Sequence[tuple[Look, float]], across: Sequence[float], tangents: Sequence[float]
) -> bool:
    """Say whether the turns show too little relief for a head, by the landmarks or by the nose in the pixels."""
    for side in _SIGN.values():
        least = sum(tangent for tangent, (_, sign) in zip(tangents, turned, strict=True) if sign == side) * RELIEF_MIN
        if sum(moved for moved, (_, sign) in zip(across, turned, strict=True) if sign == side) < least:
            return True
    found, explained = [], []
    for tangent, (each, sign) in zip(tangents, turned, strict=True):
        shift, alike = _nose_again(at_rest, each)
        if alike >= FOUND_MIN:
            found.append(sign * shift)
            explained.append(tangent)
    return bool(found) and sum(found) < max(FOUND_RELIEF_MIN * sum(explained), FOUND_MOVED_MIN * len(found))


def _off_plane(at_rest: Look, turned: Look) -> float:
    """Return how far across the nose lies from where any photograph of the face at rest, however held, shows it.

    Eyes and corners of the mouth fix the homography between the two samples; the nose of a flat face obeys it.
    """
    others = [0, 1, 3, 4]
    rows, values = [], []
    for (x, y), (u, v) in zip(turned.marks[others], at_rest.marks[others], strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    try:
        eight = np.linalg.solve(np.array(rows), np.array(values))
    except np.linalg.LinAlgError:  # three of the four on one line: no face is seen so
        return 0.0
    nose = np.append(eight, 1.0).reshape(3, 3) @ np.append(turned.marks[2], 1.0)
    eyes = at_rest.marks[1] - at_rest.marks[0]
    off = float((nose[:2] / nose[2] - at_rest.marks[2]) @ eyes / (eyes @ eyes)) if nose[2] else 0.0
    return off if np.isfinite(off) else 0.0


def _tangent(narrowed: float) -> float:
    """Return the tangent of the angle at which something flat looks narrower by this factor."""
    cosine = min(1.0, max(narrowed, 1e-6))
    return float(np.sqrt(1 - cosine * cosine) / cosine)


def _nose_again(at_rest: Look, turned: Look) -> tuple[float, float]:
    """Return how far across the nose of one chip is found in another, in eye distances, and how alike it is there."""
    across, down = _REACH
    column, row = (round(value) for value in at_rest.nose)
    inside = _PATCH + across <= column < _CHIP - _PATCH - across and _PATCH + down <= row < _CHIP - _PATCH - down
    if not inside:
        return 0.0, 0.0
    side = 2 * _PATCH + 1
    patch = at_rest.chip[row - _PATCH : row + _PATCH + 1, column - _PATCH : column + _PATCH + 1]
    region = turned.chip[
        row - _PATCH - down : row + _PATCH + down + 1, column - _PATCH - across : column + _PATCH + across + 1
    ]
    windows = np.lib.stride_tricks.sliding_window_view(region, (side, side))
    patch, windows = patch - patch.mean(), windows - windows.mean(axis=(2, 3), keepdims=True)
    power = (windows * windows).sum(axis=(2, 3)) * (patch * patch).sum()
    alike = (windows * patch).sum(axis=(2, 3)) / np.sqrt(np.maximum(power, 1e-12))
    best = int(alike.max(axis=0).argmax())
    return (best - across) / _UNIT, float(alike[:, best].max())


def _jumped(before: Look, after: Look) -> bool:
    """Say whether no head moves so between two samples of one camera."""
    if before.size != after.size or not min(before.long, after.long) > 0:
        return True
    ratio = max(before.long, after.long) / min(before.long, after.long)
    shift = np.hypot(before.middle[0] - after.middle[0], before.middle[1] - after.middle[1])
    return bool(ratio > SIZE_RATIO_MAX or shift > SHIFT_MAX * max(before.long, after.long))


def _still(turns: Sequence[Turn], shown: Sequence[Look]) -> bool:
    """Say whether one picture stands for two steps: who turns away and back never looks the same to the pixel."""
    steps = list(zip(turns, shown, strict=True))
    return any(
        one_turn is other_turn and float(np.abs(one.chip - other.chip).mean()) < STILL_MAX
        for number, (one_turn, one) in enumerate(steps)
        for other_turn, other in steps[:number]
    )
