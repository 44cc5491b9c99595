"""Turns a permitted face into features, and features into the decision match or non-match; scores stay inside.

Nothing here works without a `Permit` of the second gate: extracting features is the processing that the law restricts.
The comparison score of two features is the negative squared Euclidean distance: higher is more alike, 0 is the same,
and one probe against many references is one matrix product (2 r·p - |r|² - |p|²). Every threshold carries the false
match rate (FMR) that it was calibrated for.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NoReturn, Protocol, Self

import numpy as np
import numpy.typing as npt

from countenance.answer import Permit
from countenance.capture import Pixels, Sample
from countenance.detect import Face
from countenance.engines import Engine
from countenance.errors import IntegrityError, MalformedError
from countenance.vault.spaces import Space
from countenance.vault.wiping import wiping
from countenance.vocabulary import TAKING_PART, Action

Numbers = npt.NDArray[np.float32]

_EXTRACTING: Final = frozenset({Action.ENROL, Action.VERIFY, Action.IDENTIFY, Action.IDENTIFY_REMOTE})
_COMPARING: Final = frozenset({Action.VERIFY, Action.IDENTIFY, Action.IDENTIFY_REMOTE})
#: Samples of one sequence are of one identity at this target: they are seconds apart, but the head is turned.
SEQUENCE_FMR: Final = 1e-3
#: The stored form: magic, version, how many numbers; then float32, little-endian. The second version is in a space.
_HEADER: Final = struct.Struct("<4sHH")
_MAGIC: Final = b"CNTF"
_FORM_PLAIN: Final = 1
_FORM_IN_SPACE: Final = 2


class Extractor(Protocol):
    """What makes features of an aligned face. Any number of threads may call it."""

    @property
    def dimension(self) -> int:
        """How many numbers one face gives."""

    def scale(self, landmarks: npt.NDArray[np.float64]) -> float:
        """Return how many pixels of the chip one pixel of the sample becomes."""

    def features(self, pixels: Pixels, landmarks: npt.NDArray[np.float64]) -> Numbers:
        """Return the numbers of the face with these landmarks (5 × 2, in pixels)."""


class Features:
    """The numbers extracted from one face by one model; they do not print, copy, pickle or turn into JSON."""

    __slots__ = ("_numbers", "model_id", "space")

    def __init__(self, numbers: Numbers, model_id: str, space: str | None = None) -> None:
        """Keep a copy of numbers in an operator's space, or (None) as the model gives them.

        Raises `IntegrityError` where a number is not finite, or all are zero: such match anyone.
        """
        held = wiping(numbers, np.float32)
        if held.ndim != 1 or not held.size or not np.isfinite(held).all() or not held.any():
            raise IntegrityError(
                "Features are not finite numbers; stop and run the engine's self-test.",
                "特征不是有限数值；请停止服务并运行引擎自检。",
            )
        held.setflags(write=False)
        self._numbers = held
        self.model_id = model_id
        self.space = space

    def turned(self, space: Space) -> "Features":
        """Return these features in an operator's space; those that are in one already stay where they are."""
        if self.space is not None:
            return self
        return Features(space.turned(self._numbers), self.model_id, space.name)

    def numbers(self) -> Numbers:
        """Return the numbers themselves, read-only: for the vault and the projection, never for an answer or a log."""
        return self._numbers

    def to_bytes(self) -> bytes:
        """Return the template to be sealed, a header and little-endian float32; `model_id` is kept beside it."""
        form = _FORM_PLAIN if self.space is None else _FORM_IN_SPACE
        return _HEADER.pack(_MAGIC, form, self._numbers.size) + self._numbers.astype("<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes | bytearray, model_id: str, space: str | None = None) -> Self:
        """Read a template that was kept in `space`, or before there were any.

        Raises `MalformedError` where it is none, `IntegrityError` for unsound numbers.
        """
        if len(data) >= _HEADER.size:
            magic, form, count = _HEADER.unpack_from(data)
            whole = magic == _MAGIC and len(data) == _HEADER.size + 4 * count
            if whole and (form == _FORM_PLAIN or (form == _FORM_IN_SPACE and space is not None)):
                within = space if form == _FORM_IN_SPACE else None
                return cls(np.frombuffer(data, "<f4", count, _HEADER.size), model_id, within)
        raise MalformedError(
            "A stored template is not in the form expected; erase it and enrol the subject again.",
            "已存模板格式不符；请删除后重新登记。",
        )

    @staticmethod
    def written_into(row: memoryview, data: bytearray) -> bool:
        """Write the numbers of a template that lies in its operator's space into a row as long, and say whether it did.

        For whoever reads very many: what is not exactly such a template is left to `from_bytes`.
        """
        fits = len(data) == _HEADER.size + len(row)
        if not fits or _HEADER.unpack_from(data) != (_MAGIC, _FORM_IN_SPACE, len(row) // 4):
            return False
        row[:] = memoryview(data)[_HEADER.size :]
        return True

    def __repr__(self) -> str:
        """Say how many numbers there are and nothing else."""
        return f"<Features {self._numbers.size}>"

    def _forbidden(self, *_: object) -> NoReturn:
        raise TypeError("Features cannot be copied, pickled or serialised; seal them in the vault.")

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _forbidden


@dataclass(frozen=True, slots=True)
class Threshold:
    """The score from which a comparison is a match, with the FMR it was calibrated for and that FMR's upper bound."""

    score: float = field(repr=False)
    fmr_target: float
    fmr: float
    fmr_upper: float

    def __post_init__(self) -> None:
        """Refuse a threshold that is not a finite number: every comparison with it would go one way."""
        if not np.isfinite(self.score):
            raise IntegrityError(
                "The calibration holds a threshold that is not a number; calibrate again.",
                "校准中的阈值不是有效数值；请重新校准。",
            )

    @classmethod
    def of(cls, engine: Engine, fmr_target: float) -> Self:
        """Take the threshold for a target FMR from the engine's calibration; `UnavailableError` where it has none."""
        row = engine.threshold(fmr_target)
        return cls(row.score, row.fmr_target, row.fmr, row.fmr_upper)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The decision on a comparison: match or non-match, and at which target FMR; the score is not in it."""

    match: bool
    fmr_target: float


def extract(permit: Permit, sample: Sample, face: Face, engine: Engine) -> Features:
    """Return the features of one face of the sample.

    Raises `IntegrityError` without a permit of gate two to do so; `MalformedError` where a finer
    decode of the sample fails.
    """
    _hold(permit, _EXTRACTING)
    return _features_without_law(sample, face, engine)


def compare(permit: Permit, probe: Features, references: Sequence[Features], threshold: Threshold) -> Comparison:
    """Decide whether any of a subject's references matches the probe.

    With n references the chance of a false match is up to n times the threshold's FMR; the operator's limit of
    references keeps n small. No reference at all is a non-match. Raises `IntegrityError` without a permit of gate two
    to verify or identify, at a distance too, or where features come from different models.
    """
    _hold(permit, _COMPARING)
    match = any(_score_without_law(probe, reference) >= threshold.score for reference in references)
    return Comparison(match, threshold.fmr_target)


def one_identity(permit: Permit, probe: Features, others: Sequence[tuple[Sample, Face]], engine: Engine) -> bool:
    """Say whether other samples of the same sequence show the identity of the probe; their features go at once.

    Raises `IntegrityError` without a permit of gate two to enrol, verify or identify.
    """
    _hold(permit, TAKING_PART)
    return _one_identity_without_law(probe, others, engine)


def hold_identifying(permit: Permit) -> None:
    """Raise `IntegrityError` unless the permit is one of gate two to identify: before the projection is searched."""
    _hold(permit, frozenset({Action.IDENTIFY}))


def _hold(permit: Permit, actions: frozenset[Action]) -> None:
    asked: object = permit  # whoever passes something else, types or no types, gets nothing
    if not isinstance(asked, Permit) or not permit.measured or permit.action not in actions:
        raise IntegrityError(
            "Features were asked for without the law's permit; stop serving and report the defect.",
            "未经法律许可请求处理人脸特征；请停止服务并报告缺陷。",
        )


def _features_without_law(sample: Sample, face: Face, engine: Engine) -> Features:
    """Return features without asking the law: for `evaluate` alone; a test of the tree's shape holds that.

    An evaluation measures a model on a named data set under the evaluator's own responsibility; nothing is enrolled.
    """
    landmarks = np.array(face.landmarks, np.float64)
    extractor: Extractor = engine.extractor
    pixels, scale = sample.pixels(min(1.0, extractor.scale(landmarks)))
    return Features(extractor.features(pixels, landmarks * scale), engine.model_id)


def _one_identity_without_law(probe: Features, others: Sequence[tuple[Sample, Face]], engine: Engine) -> bool:
    """Say the same without asking the law: for `evaluate` alone, as above."""
    least = engine.threshold(SEQUENCE_FMR).score
    return all(
        _score_without_law(probe, _features_without_law(sample, face, engine)) >= least for sample, face in others
    )


def _score_without_law(probe: Features, reference: Features) -> float:
    """Return the comparison score of two features; raises `IntegrityError` where models or operators' spaces differ."""
    if probe.space != reference.space:
        raise IntegrityError(
            "Templates of two operators cannot be compared; stop serving and report the defect.",
            "不同运营者的模板不可比对；请停止服务并报告缺陷。",
        )
    if probe.model_id != reference.model_id or probe.numbers().size != reference.numbers().size:
        raise IntegrityError(
            "Templates of two models cannot be compared; enrol the subject again with the present model.",
            "不同模型的模板不可比对；请用当前模型重新登记。",
        )
    apart = probe.numbers().astype(np.float64) - reference.numbers()
    return -float(apart @ apart)
