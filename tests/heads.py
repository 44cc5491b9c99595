"""Heads and sheets in space: where landmarks fall when a head or a printed photograph is turned, and such pictures.

A photograph cannot be asked to turn its head. So a real one is laid over a rough relief of a face (an ellipsoid with a
nose and eye sockets) and rendered from the side: the parallax is that of a head, the hidden half of it is missing. The
same photograph on a flat or bent sheet gives what an attacker with a print can show. Lengths are in eye distances.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from countenance.capture import Limits, capture
from countenance.detect import detect
from countenance.engines import Engine
from countenance.vocabulary import Turn

Points = npt.NDArray[np.float64]

#: Eyes, nose, mouth corners in space: across, down, towards the camera. The origin is between eyes and mouth.
HEAD: Points = np.array([[-0.5, -0.5, 0.0], [0.5, -0.5, 0.0], [0.0, 0.1, 0.42], [-0.42, 0.5, 0.08], [0.42, 0.5, 0.08]])
#: The same face on paper.
SHEET: Points = HEAD * [1, 1, 0]


@dataclass(frozen=True)
class Pose:
    """How a head or a sheet stands before the camera: angles in degrees, the camera's distance in eye distances."""

    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    away: float = 8.0
    #: How much a sheet is bent about an upright axis (1 / radius), and where that axis lies.
    bend: float = 0.0
    axis: float = 0.0


def placed(points: Points, pose: Pose) -> Points:
    """Return points (n × 3) in the camera's picture: across, down and depth; positive yaw is to the subject's left."""
    across, down, out = points.T
    if pose.bend:
        angle = (across - pose.axis) * pose.bend
        across = pose.axis + np.sin(angle) / pose.bend
        out = out + (np.cos(angle) - 1) / pose.bend
    yaw, pitch, roll = np.radians([pose.yaw, pose.pitch, pose.roll])
    across, out = np.cos(yaw) * across + np.sin(yaw) * out, np.cos(yaw) * out - np.sin(yaw) * across
    down, out = np.cos(pitch) * down - np.sin(pitch) * out, np.sin(pitch) * down + np.cos(pitch) * out
    across, down = np.cos(roll) * across - np.sin(roll) * down, np.sin(roll) * across + np.cos(roll) * down
    nearer = pose.away / (pose.away - out)
    return np.stack([across * nearer, down * nearer, out], axis=1)


def landmarks(points: Points, pose: Pose, size: float = 60.0, at: tuple[float, float] = (320, 240)) -> Points:
    """Return the five landmarks in pixels."""
    return placed(points, pose)[:, :2] * size + np.array(at)


def relief(across: Points, down: Points) -> Points:
    """Return how far a rough face stands out at each place: 0 at its foremost plane, the nose beyond it."""
    round_off = np.clip(1 - (across / 1.25) ** 2 - (down / 1.75) ** 2, 0, None)
    nose = 0.46 * np.exp(-((across / 0.16) ** 2) - ((down - 0.1) / 0.22) ** 2)
    ridge = 0.14 * np.exp(-((across / 0.13) ** 2) - ((down + 0.25) / 0.25) ** 2)
    sockets = sum(np.exp(-(((across - side) / 0.25) ** 2) - ((down + 0.5) / 0.18) ** 2) for side in (-0.5, 0.5))
    stands: Points = 1.5 * np.sqrt(round_off) - 1.5 + nose + ridge - 0.1 * sockets
    return stands


def rendered(
    picture: Image.Image, marks: Any, pose: Pose, *, flat: bool, side: int = 240, size: float = 64.0
) -> Image.Image:
    """Return the face with these landmarks as a head, or as a sheet, in a pose: `side` pixels square."""
    marks = np.array(marks)
    eyes, mouth = marks[:2].mean(axis=0), marks[3:].mean(axis=0)
    unit, middle = marks[1] - marks[0], (eyes + mouth) / 2
    source = np.asarray(picture.convert("RGB"))
    reach = side / size / 2 * 1.35
    steps = np.linspace(-reach, reach, int(2 * reach * size * 1.7))
    across, down = (grid.ravel() for grid in np.meshgrid(steps, steps))
    # Upright in the photograph's own tilt, so that the rendered face stands straight.
    turned = np.array([unit, [-unit[1], unit[0]]])
    from_at = np.round(np.stack([across, down], axis=1) @ turned + middle).astype(int)
    held = ((from_at >= 0) & (from_at < [source.shape[1], source.shape[0]])).all(axis=1)
    stands = np.zeros_like(across) if flat else relief(across, down)
    points = placed(np.stack([across, down, stands], axis=1), pose)
    to = np.round(points[:, :2] * size + side / 2).astype(int)
    held &= ((to >= 0) & (to < side)).all(axis=1) & (points[:, 2] < pose.away - 0.3)
    order = np.flatnonzero(held)[np.argsort(points[held, 2], kind="stable")]
    canvas = np.full((side, side, 3), 110, np.uint8)
    seen = np.zeros((side, side), bool)
    canvas[to[order, 1], to[order, 0]] = source[from_at[order, 1], from_at[order, 0]]
    seen[to[order, 1], to[order, 0]] = True
    return Image.fromarray(_filled(canvas, seen))


def _filled(canvas: npt.NDArray[np.uint8], seen: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Fill the cracks that rendering leaves with the mean of what lies around them."""
    for _ in range(2):
        wide = np.pad(canvas * seen[..., None].astype(np.float64), ((1, 1), (1, 1), (0, 0)))
        many = np.pad(seen.astype(np.float64), 1)
        places = [(row, column) for row in range(3) for column in range(3)]
        height, width = seen.shape
        total, count = np.zeros((height, width, 3)), np.zeros((height, width))
        for row, column in places:
            total += wide[row : row + height, column : column + width]
            count += many[row : row + height, column : column + width]
        cracks = ~seen & (count >= 3)
        canvas[cracks] = total[cracks] / count[cracks][:, None]
        seen = seen | cracks
    return canvas


def poses(turns: Sequence[Turn], chance: np.random.Generator, turn: float = 30.0, **held: float) -> list[Pose]:
    """Return a pose for each step, as a person holds it: near what was asked, never exactly, never the same again."""
    angle = {Turn.CENTRE: 0.0, Turn.LEFT: turn, Turn.RIGHT: -turn}
    return [
        Pose(
            yaw=angle[each] + chance.normal(0, 2.5),
            pitch=held.get("pitch", 0.0) + chance.normal(0, 3),
            roll=chance.normal(0, 2),
            away=held.get("away", 8.0) * chance.uniform(0.95, 1.05),
            bend=held.get("bend", 0.0),
            axis=held.get("axis", 0.0) * (angle[each] > 0) - held.get("axis", 0.0) * (angle[each] < 0),
        )
        for each in turns
    ]


def turning(
    photograph: bytes, engine: Engine, turns: Sequence[Turn], turn: float = 30.0, seed: int = 3
) -> tuple[bytes, ...]:
    """Return pictures of the person of a photograph turning the head as asked, one for each step."""
    return _shown(photograph, engine, poses(turns, np.random.default_rng(seed), turn), flat=False)


def held_up(photograph: bytes, engine: Engine, turns: Sequence[Turn], **held: Any) -> tuple[bytes, ...]:
    """Return pictures of a print of the photograph, held as somebody who wants it to turn its head would hold it."""
    seed = held.pop("seed", 3)
    return _shown(photograph, engine, poses(turns, np.random.default_rng(seed), **held), flat=True)


def _shown(photograph: bytes, engine: Engine, held: Sequence[Pose], *, flat: bool) -> tuple[bytes, ...]:
    with capture(photograph, Limits()) as sample:
        marks = detect(sample, engine.detector)[0].landmarks
    with Image.open(io.BytesIO(photograph)) as picture:
        shown = [rendered(picture, marks, pose, flat=flat) for pose in held]
    files = [io.BytesIO() for _ in shown]
    for each, file in zip(shown, files, strict=True):
        each.save(file, "JPEG", quality=92)
    return tuple(file.getvalue() for file in files)
