"""Finds the faces in a sample, says how good the target's is, and whether the target can be told from the others.

The port that a detector has to fill is owned here: `Detector`. Detection makes no features and knows nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from countenance.answer import Text
from countenance.capture import Pixels, Sample
from countenance.engines.align import moved, scale_of, similarity, warp

Points = npt.NDArray[np.float64]

#: Quality scores of another version are other numbers: name it wherever a score is kept.
QUALITY_VERSION: Final = "1"
#: The small upright chip on which quality is measured: its side, and where the landmarks come to lie.
_CHIP: Final = 96
_CHIP_POINTS: Final = np.array([[46.8, 46.2], [103.4, 45.9], [74.0, 79.6], [51.4, 105.1], [97.6, 104.8]]) * (
    _CHIP / 150
)
#: The region that is looked at again is this much larger than the face.
_AGAIN_MARGIN: Final = 2.0
#: A face found again must overlap the first find at least so much, or the first find stands.
_SAME_FACE: Final = 0.3


class Detector(Protocol):
    """What finds faces. Any number of threads may call it."""

    @property
    def sides(self) -> Sequence[int]:
        """The longer sides at which to look, in turn, until a face is found."""

    @property
    def again(self) -> int:
        """The side at which the target's region is looked at again for finer landmarks; 0 for never."""

    @property
    def again_below(self) -> int:
        """The width in pixels of the picture as it was looked at, under which a face is looked at again."""

    def find(self, pixels: Pixels, side: int) -> Points:
        """Return n × 15 rows, best first: left, top, right, bottom, score, five landmarks (x, y), in pixels."""


class Reason(StrEnum):
    """Why no features can be had from a sample."""

    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"


_SAY: Final = {
    Reason.NO_FACE: Text(
        "No face was found; look at the camera from nearer, with light from the front.",
        "未检测到人脸；请靠近并正对摄像头，光线从正面照来。",
    ),
    Reason.SEVERAL_FACES: Text(
        "Several faces are equally near; let one person stand clearly in front.",
        "画面中有多张距离相近的人脸；请让一人明显站在前面。",
    ),
    Reason.TOO_SMALL: Text("The face is too small; come nearer.", "人脸过小；请靠近一些。"),
    Reason.BLURRED: Text("The face is blurred; hold still and try again.", "人脸模糊；请保持不动后重试。"),
    Reason.TOO_DARK: Text("The face is too dark; turn towards a light.", "人脸过暗；请面向光源。"),
    Reason.TOO_BRIGHT: Text("The face is too bright; turn away from the light.", "人脸过亮；请避开强光。"),
    Reason.TURNED_AWAY: Text("The face is turned away; look at the camera.", "人脸未正对；请看向摄像头。"),
}


@dataclass(frozen=True, slots=True)
class FailureToAcquire:
    """The result that there is nothing to compare, with what the person can do about it."""

    reason: Reason
    say: Text


def failure(reason: Reason) -> FailureToAcquire:
    """Return the failure to acquire for a reason, with its words."""
    return FailureToAcquire(reason, _SAY[reason])


@dataclass(frozen=True, slots=True)
class Quality:
    """Component scores of one face, version `QUALITY_VERSION`; higher is not always better.

    `side_px`: the side of a square with the face's area, full-resolution pixels. `sharpness`: mean absolute second
    difference over the spread of brightness, 0 … about 1, on the aligned chip at 48 × 48. `brightness` and `contrast`:
    mean and standard deviation of luma on the chip, 0 … 1. `frontal`: 1 where the nose is midway between the eyes, 0
    in profile.
    """

    side_px: float
    sharpness: float
    brightness: float
    contrast: float
    frontal: float

    def __repr__(self) -> str:
        """Show the version only."""
        return f"<Quality version {QUALITY_VERSION}>"


@dataclass(frozen=True, slots=True)
class Face:
    """A region of a sample, nobody's yet; coordinates in full-resolution pixels of the upright sample."""

    box: tuple[float, float, float, float]
    landmarks: tuple[tuple[float, float], ...]
    score: float
    quality: Quality | None = None
    #: The scale at which the detector looked when it found the face.
    seen_at: float = 1.0

    @property
    def area(self) -> float:
        """The area of the box in square pixels."""
        return max(self.box[2] - self.box[0], 0.0) * max(self.box[3] - self.box[1], 0.0)

    def __repr__(self) -> str:
        """Say the size and nothing else."""
        return f"<Face {self.box[2] - self.box[0]:.0f}x{self.box[3] - self.box[1]:.0f}>"


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What a face must reach before features are extracted.

    The values lie outside all that the 1,549 development photographs show (docs/concepts/engine.md), so that they stop
    what cannot be compared and nothing else.
    """

    side_px_min: float = 28.0
    sharpness_min: float = 0.15
    brightness_min: float = 0.06
    brightness_max: float = 0.95
    contrast_min: float = 0.02
    #: The target stands out where its area is at least so many times that of the next.
    area_ratio_min: float = 2.0


@dataclass(frozen=True, slots=True)
class Measured:
    """What gate two is told: how many faces, whether the target stands alone, whether its quality is enough.

    `target` is None where there is no face or none that stands out; `failure` then says why, and also where the
    target's quality is not enough. Features are extracted from `target` only: the others are dropped here.
    """

    faces: int
    target: Face | None
    target_isolated: bool
    quality_ok: bool
    failure: FailureToAcquire | None = field(default=None)
    #: Whether a check for presentation attacks that was made found one; None where none was made.
    attack_suspected: bool | None = None


def detect(sample: Sample, detector: Detector) -> tuple[Face, ...]:
    """Return the faces of a sample, the largest first; that one is looked at again and has its quality measured.

    The picture is looked at small first and larger only where nothing is found, so that a face far behind a near one
    may not be counted. Raises `MalformedError` where a finer decode of the sample fails.
    """
    longer = max(sample.width, sample.height)
    for side in detector.sides:
        pixels, scale = sample.pixels(min(1.0, side / longer))
        rows = detector.find(pixels, side)
        if len(rows) or side >= longer * 2:
            break
    else:
        return ()
    faces = sorted((_face(row, scale, side / longer) for row in rows), key=lambda face: -face.area)
    return () if not faces else (closer(sample, faces[0], detector), *faces[1:])


def closer(sample: Sample, face: Face, detector: Detector) -> Face:
    """Return one of the faces with its quality measured, and its landmarks found again where it was seen small."""
    if detector.again and face.area**0.5 * face.seen_at < detector.again_below:
        face = _again(sample, face, detector)
    return _with_quality(sample, face)


def measure(faces: Sequence[Face], limits: QualityLimits | None = None) -> Measured:
    """Say what gate two is told of the faces that `detect` returned.

    The target is the only face, or the largest where its area is at least `area_ratio_min` times the next one's.
    """
    limits = limits or QualityLimits()
    if not faces:
        return Measured(0, None, target_isolated=False, quality_ok=False, failure=failure(Reason.NO_FACE))
    target = faces[0]
    isolated = len(faces) == 1 or target.area >= limits.area_ratio_min * max(face.area for face in faces[1:])
    lacking = _lacking(target, limits)
    if not isolated:
        found = failure(Reason.SEVERAL_FACES)
        return Measured(len(faces), None, target_isolated=False, quality_ok=lacking is None, failure=found)
    found_lacking = None if lacking is None else failure(lacking)
    return Measured(len(faces), target, target_isolated=True, quality_ok=lacking is None, failure=found_lacking)


def _lacking(face: Face, limits: QualityLimits) -> Reason | None:
    quality = face.quality
    if quality is None:  # nothing was measured, so nothing is known to be enough
        return Reason.BLURRED
    if quality.side_px < limits.side_px_min:
        return Reason.TOO_SMALL
    if quality.brightness < limits.brightness_min:
        return Reason.TOO_DARK
    if quality.brightness > limits.brightness_max:
        return Reason.TOO_BRIGHT
    if quality.contrast < limits.contrast_min or quality.sharpness < limits.sharpness_min:
        return Reason.BLURRED
    return None


def _face(row: Points, scale: float, seen_at: float) -> Face:
    left, top, right, bottom = (float(value) for value in row[:4] / scale)
    points = tuple((float(x), float(y)) for x, y in row[5:].reshape(5, 2) / scale)
    return Face((left, top, right, bottom), points, float(row[4]), seen_at=seen_at)


def _again(sample: Sample, face: Face, detector: Detector) -> Face:
    """Look at the face's own region, enlarged to one size: landmarks of small faces are rough otherwise."""
    left, top, right, bottom = face.box
    half = max(right - left, bottom - top) / 2 * _AGAIN_MARGIN
    if not half >= 1:
        return face
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    factor = detector.again / (2 * half)
    pixels, scale = sample.pixels(min(1.0, factor))
    matrix = np.array([[factor, 0, detector.again / 2 - factor * middle[0]],
                       [0, factor, detector.again / 2 - factor * middle[1]]])  # fmt: skip
    region = warp(pixels, matrix / [[scale, scale, 1]], detector.again)
    best, overlap = None, _SAME_FACE
    for row in detector.find(region, detector.again):
        moved_back = row.copy()
        moved_back[:4] = (row[:4].reshape(2, 2) / factor + middle - half).ravel()
        moved_back[5:] = (row[5:].reshape(5, 2) / factor + middle - half).ravel()
        found = _face(moved_back, 1.0, factor)
        shared = _overlap(found, face)
        if shared > overlap:
            best, overlap = found, shared
    return best or face


def _overlap(one: Face, other: Face) -> float:
    """Return the area of both boxes over the area of either."""
    wide = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    tall = min(one.box[3], other.box[3]) - max(one.box[1], other.box[1])
    shared = max(wide, 0.0) * max(tall, 0.0)
    either = one.area + other.area - shared
    return shared / either if either > 0 else 0.0


def _with_quality(sample: Sample, face: Face) -> Face:
    """Measure the component scores of one face on a small aligned chip."""
    points = np.array(face.landmarks)
    matrix = similarity(points, _CHIP_POINTS)
    pixels, scale = sample.pixels(min(1.0, scale_of(matrix)))
    chip = warp(pixels, matrix / [[scale, scale, 1]], _CHIP).astype(np.float64) / 255
    luma = chip @ np.array([0.299, 0.587, 0.114])
    inner = luma[_CHIP // 8 : -_CHIP // 8, _CHIP // 8 : -_CHIP // 8]
    spread = float(inner.std())
    # On means of four pixels, because the noise of compression is finer and would pass for detail.
    half = inner.reshape(inner.shape[0] // 2, 2, inner.shape[1] // 2, 2).mean(axis=(1, 3))
    second = np.abs(4 * half[1:-1, 1:-1] - half[:-2, 1:-1] - half[2:, 1:-1] - half[1:-1, :-2] - half[1:-1, 2:])
    spread_half = float(half.std())
    aligned = moved(matrix, points)
    eyes, nose = aligned[:2, 0], aligned[2, 0]
    apart = (eyes[1] - eyes[0]) / 2
    frontal = 1 - min(1.0, abs(nose - eyes.mean()) / apart) if apart > 0 else 0.0
    quality = Quality(
        side_px=face.area**0.5,
        sharpness=float(second.mean()) / spread_half if spread_half > 0 else 0.0,
        brightness=float(inner.mean()),
        contrast=spread,
        frontal=float(frontal),
    )
    return replace(face, quality=quality)
