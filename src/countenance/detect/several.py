"""Looks at the pictures of one act, one after the other, in memory: the best is kept, and a challenge is judged.

What the law is told of several pictures is the worst that any of them shows: the most faces, and whether the target
stood apart in all. The face that features are made of is the target of the best one alone. The limits on bytes and
pixels of a picture hold for all of them together.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from countenance.capture import Limits, Pixels, Sample, capture
from countenance.detect import Detector, Face, Measured, Reason, detect, failure, measure
from countenance.detect import turns as judging
from countenance.detect.turns import Look, Performance
from countenance.errors import MalformedError
from countenance.vocabulary import Turn

Area = Sequence[tuple[float, float]] | None

#: Beyond these a face gets no better as a sample: the side in pixels, and the sharpness.
_SIDE_ENOUGH: Final = 112.0
_SHARP_ENOUGH: Final = 0.4


class AttackModel(Protocol):
    """The port of passive models: what says from one picture whether a face is presented in an attack."""

    @property
    def name(self) -> str:
        """The model and its version, as answers and records name it."""

    def suspects(self, pixels: Pixels, box: tuple[float, float, float, float]) -> bool:
        """Say whether the face in this box, in pixels of `pixels`, is presented in an attack, by the card's limit."""


@dataclass(frozen=True, slots=True)
class Frames:
    """The pictures of one act in the order they were taken, and for a challenge the step of each."""

    pictures: tuple[bytes, ...] = field(repr=False)
    steps: tuple[int, ...] = ()

    @classmethod
    def of(cls, sent: "bytes | Frames") -> "Frames":
        """Return one picture as frames; frames are returned as they are."""
        return cls((sent,)) if isinstance(sent, bytes) else sent


@dataclass(frozen=True, slots=True)
class AttackCheck:
    """Which checks for presentation attacks were made: head turns in answer to a challenge, a passive model."""

    head_turns: bool = False
    passive: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return what answers and records say of it."""
        if not self.head_turns:
            return {"check": "none"} if self.passive is None else {"check": "passive", "passive": self.passive}
        turned: dict[str, Any] = {"check": "head_turns", "version": judging.VERSION}
        return turned if self.passive is None else turned | {"check": "head_turns_and_passive", "passive": self.passive}


NO_CHECK: Final = AttackCheck()


@dataclass(frozen=True, slots=True)
class Acquired:
    """What came of several pictures: the best one, what is measured, and those that stand for the other steps."""

    sample: Sample
    measured: Measured
    beside: tuple[tuple[Sample, Face], ...]
    check: AttackCheck
    frames: int
    performance: Performance | None = None

    @property
    def target(self) -> Face:
        """The face that features may be made of; ask only where `measured` has no failure."""
        assert self.measured.target is not None  # noqa: S101 - without a target the operation has ended
        return self.measured.target

    def as_json(self) -> dict[str, Any]:
        """Return what a record says of it: how many pictures, and which checks were made."""
        return {"frames": self.frames, "attack_check": self.check.as_json()}

    def wipe(self) -> None:
        """Wipe every picture that is still held."""
        for sample in (self.sample, *(each for each, _ in self.beside)):
            sample.wipe()


@dataclass(frozen=True, slots=True)
class _Taken:
    sample: Sample
    measured: Measured
    step: int


@contextmanager
def acquired(
    frames: Frames,
    limits: Limits,
    area: Area,
    detector: Detector,
    *,
    turns: Sequence[Turn] = (),
    model: AttackModel | None = None,
) -> Iterator[Acquired]:
    """Yield what comes of `frames`; everything is wiped when the block ends.

    With `turns` they answer a challenge: what was not turned so is suspected, and the best one is among those that
    face the camera. Raises MalformedError where the steps are not those of the turns, and what `capture` raises.
    """
    hold_steps(frames, turns)
    with ExitStack() as stack:
        taken: list[_Taken] = []
        for number, picture in enumerate(frames.pictures):
            sample = stack.enter_context(capture(picture, limits))
            limits = _less(limits, picture, sample)
            sample.keep_only(area)
            one = _Taken(sample, measure(detect(sample, detector)), frames.steps[number] if turns else 0)
            taken.append(one)
            if not turns:  # only the best is kept in memory
                best = max(taken, key=_worth)
                for other in taken:
                    if other is not best:
                        other.sample.wipe()
        yield _sequence(taken, turns, model) if turns else _best(taken, model)


def hold_steps(frames: Frames, turns: Sequence[Turn]) -> None:
    """Raise MalformedError unless each picture names its step, in order, and each step has one; or nothing has."""
    wanted = list(range(len(turns)))
    steps = list(frames.steps)
    if steps != sorted(steps) or sorted(set(steps)) != wanted or (turns and len(steps) != len(frames.pictures)):
        raise MalformedError(
            "The field steps gives the step of each picture, in order, from 0 and with none left out, where a "
            "challenge is answered; and is absent where none is.",
            "字段 steps 须按顺序给出每张图片对应的步骤（从 0 起，不得遗漏）；未应答挑战时不得提供。",
        )


def _less(limits: Limits, picture: bytes, sample: Sample) -> Limits:
    """Return what is left of the limits after one picture."""
    pixels = sample.width * sample.height
    return replace(
        limits,
        sample_bytes_max=max(0, limits.sample_bytes_max - len(picture)),
        sample_pixels_max=max(0, limits.sample_pixels_max - pixels),
        sample_pixels_whole_max=max(0, limits.sample_pixels_whole_max - pixels),
    )


def _worth(taken: _Taken) -> tuple[int, float]:
    """Return what the best of several is chosen by: usable before not, then frontal, sharp and large."""
    face = taken.measured.target
    if face is None or face.quality is None:
        return 0, float(taken.measured.faces > 0)
    quality = face.quality
    sharp, large = min(1.0, quality.sharpness / _SHARP_ENOUGH), min(1.0, quality.side_px / _SIDE_ENOUGH)
    return 1 + (taken.measured.failure is None), quality.frontal * sharp * large


def _best(taken: Sequence[_Taken], model: AttackModel | None) -> Acquired:
    best = max(taken, key=_worth)
    measured = _worst(taken, best)
    check = AttackCheck(passive=model.name if model and measured.failure is None else None)
    measured = replace(measured, attack_suspected=_passive(best, measured, model))
    return Acquired(best.sample, measured, (), check, len(taken))


def _sequence(taken: Sequence[_Taken], turns: Sequence[Turn], model: AttackModel | None) -> Acquired:
    """Judge an answered challenge; without a usable face for each step there is nothing to judge, only to repeat."""
    looks: list[Look] = []
    usable: list[_Taken] = []
    for each in taken:
        if each.measured.target is not None and each.measured.failure is None:
            usable.append(each)
            looks.append(judging.look(each.sample, each.measured.target, each.step))
    lacking = set(range(len(turns))) - {each.step for each in usable}
    if lacking:
        worst = min((each for each in taken if each.step in lacking), key=_worth)
        return Acquired(worst.sample, _worst(taken, worst), (), NO_CHECK, len(taken))
    performance = judging.judge(turns, looks)
    shown = [usable[number] for number in performance.chosen]
    best = max((each for turn, each in zip(turns, shown, strict=True) if turn is Turn.CENTRE), key=_worth)
    measured = _worst(taken, best)
    suspected = performance.doubt is not None or bool(_passive(best, measured, model))
    check = AttackCheck(head_turns=True, passive=model.name if model and measured.failure is None else None)
    beside = tuple((each.sample, each.measured.target) for each in shown if each is not best and each.measured.target)
    measured = replace(measured, attack_suspected=suspected)
    return Acquired(best.sample, measured, beside, check, len(taken), performance)


def _worst(taken: Sequence[_Taken], best: _Taken) -> Measured:
    """Return what is measured of the best one with the worst that any of them shows."""
    faces = max(each.measured.faces for each in taken)
    if all(each.measured.target_isolated for each in taken if each.measured.faces):
        return replace(best.measured, faces=faces)
    none = failure(Reason.SEVERAL_FACES)
    return replace(best.measured, faces=faces, target=None, target_isolated=False, failure=none)


def _passive(best: _Taken, measured: Measured, model: AttackModel | None) -> bool | None:
    if model is None or measured.target is None or measured.failure is not None:
        return None
    pixels, scale = best.sample.working()
    left, top, right, bottom = (value * scale for value in measured.target.box)
    return model.suspects(pixels, (left, top, right, bottom))
