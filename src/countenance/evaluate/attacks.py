"""Measures the checks for presentation attacks on a labelled folder: APCER for each species, BPCER (ISO/IEC 30107-3).

The folder has one folder for each kind of presentation: `bona_fide`, and one per attack species, named as it is called.
A sample in it is a picture, which only a passive model can judge, or a folder with the pictures of one answered
challenge: `challenge.txt` holds the turns (centre left centre …), and each picture's name begins with its step, as in
`3-left.jpg`. Every sample goes through the chain of the server; only the law is not asked, because nobody is enrolled,
verified or identified.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from countenance.capture import Limits
from countenance.compare import _features_without_law, _one_identity_without_law
from countenance.detect.several import Acquired, AttackCheck, Frames, acquired
from countenance.engines import Engine
from countenance.errors import LimitError, MalformedError
from countenance.evaluate import wilson
from countenance.vocabulary import Turn

BONA_FIDE: Final = "bona_fide"
CHALLENGE: Final = "challenge.txt"
_SAMPLES_MAX: Final = 100_000
_FRAMES_MAX: Final = 64
_STEP: Final = re.compile(r"([0-9]{1,2})[^0-9].*")
_CHALLENGE_BYTES_MAX: Final = 1024


@dataclass(frozen=True, slots=True)
class Presentations:
    """What came of all presentations of one kind: how many were suspected, passed, or gave no answer."""

    kind: str
    suspected: int
    passed: int
    no_response: int

    @property
    def total(self) -> int:
        """How many there were."""
        return self.suspected + self.passed + self.no_response

    @property
    def wrong(self) -> int:
        """How many were classified wrongly."""
        return self.suspected if self.kind == BONA_FIDE else self.passed

    def rate(self) -> tuple[float, float, float] | None:
        """Return the error rate with its 95 % interval, of those that were answered; None where none was."""
        answered = self.suspected + self.passed
        return (self.wrong / answered, *wilson(self.wrong, answered)) if answered else None


@dataclass(frozen=True, slots=True)
class AttackEvaluation:
    """What was measured: bona fide presentations, each species of attack, and which checks were made."""

    checks: tuple[AttackCheck, ...]
    bona_fide: Presentations
    species: tuple[Presentations, ...]

    @property
    def worst(self) -> Presentations | None:
        """The species that passes most often: what a check is worth against whoever chooses the attack."""
        answered = [(rate, each) for each in self.species if (rate := each.rate()) is not None]
        return max(answered, key=lambda one: one[0])[1] if answered else None

    def as_json(self) -> dict[str, Any]:
        """Return the figures; a mean over species is not among them, because it hides the one that passes."""
        worst = self.worst
        return {
            "checks": [check.as_json() for check in self.checks],
            "bpcer": _figures(self.bona_fide),
            "apcer": {each.kind: _figures(each) for each in self.species},
            "apcer_max": None if worst is None else {"species": worst.kind, **_figures(worst)},
        }


def _figures(found: Presentations) -> dict[str, Any]:
    rate = found.rate()
    return {
        "presentations": found.total,
        "classified_wrongly": found.wrong,
        "rate": None if rate is None else rate[0],
        "lower": None if rate is None else rate[1],
        "upper": None if rate is None else rate[2],
        "no_response": found.no_response,
        "no_response_rate": found.no_response / found.total,
    }


def evaluate_attacks(
    folder: Path, engine: Engine, progress: Callable[[int, int], None] = lambda *_: None
) -> AttackEvaluation:
    """Measure every sample of a labelled folder. Raises MalformedError naming the sample that cannot be judged."""
    kinds = _kinds(folder)
    total, done = sum(len(samples) for samples in kinds.values()), 0
    checks: set[AttackCheck] = set()
    found = []
    for kind, samples in kinds.items():
        counted = {True: 0, False: 0, None: 0}
        for number, sample in enumerate(samples, 1):
            progress(done, total)
            suspected, check = _judged(sample, engine, f"{number} of {kind}")
            counted[suspected] += 1
            checks |= {check} if suspected is not None else set()
            done += 1
        found.append(Presentations(kind, counted[True], counted[False], counted[None]))
    progress(total, total)
    (bona_fide,) = (each for each in found if each.kind == BONA_FIDE)
    made = tuple(sorted(checks, key=lambda check: str(check.as_json())))
    return AttackEvaluation(made, bona_fide, tuple(each for each in found if each.kind != BONA_FIDE))


def _kinds(folder: Path) -> dict[str, list[Path]]:
    """Return the samples of each kind of presentation, in the order of their names."""
    try:
        kinds = {
            kind.name: sorted(each for each in kind.iterdir() if not each.name.startswith("."))
            for kind in sorted(folder.iterdir())
            if kind.is_dir() and not kind.name.startswith(".")
        }
    except OSError as error:
        raise MalformedError("The folder cannot be read; check the path.", "无法读取文件夹；请检查路径。") from error
    if BONA_FIDE not in kinds or len(kinds) < 2 or not all(kinds.values()):  # noqa: PLR2004 - bona fide and an attack
        raise MalformedError(
            "The folder needs `bona_fide` and one folder for each species of attack, each with samples.",
            "文件夹须包含 bona_fide 以及每种攻击各一个子文件夹，且均有样本。",
        )
    if sum(map(len, kinds.values())) > _SAMPLES_MAX:
        raise MalformedError("Too many samples; split the folder.", "样本过多；请拆分文件夹。")
    return kinds


def _judged(path: Path, engine: Engine, which: str) -> tuple[bool | None, AttackCheck]:
    """Return whether a sample is suspected, None where nothing could be judged, and by which check."""
    frames, turns = _read(path, which)
    if not turns and engine.attack is None:
        raise _wrong(
            which,
            "is a single picture, which only a passive model judges (COUNTENANCE_ATTACK_CARD)",
            "为单张图片，须由被动检测模型判定（COUNTENANCE_ATTACK_CARD）",
        )
    try:
        with acquired(frames, Limits(), None, engine.detector, turns=turns, model=engine.attack) as found:
            return _suspected(found, engine), found.check
    except (MalformedError, LimitError) as error:
        raise _wrong(
            which, "cannot be read, or its steps are not those of its challenge", "无法读取，或步骤与挑战不符"
        ) from error


def _suspected(found: Acquired, engine: Engine) -> bool | None:
    """Return what the server would answer, one identity throughout included."""
    if found.measured.target is None or found.measured.failure is not None or found.measured.attack_suspected is None:
        return None
    if found.measured.attack_suspected:
        return True
    probe = _features_without_law(found.sample, found.target, engine)
    return not _one_identity_without_law(probe, found.beside, engine)


def _read(path: Path, which: str) -> tuple[Frames, Sequence[Turn]]:
    """Return the pictures of a sample with their steps, and the turns that were asked for."""
    try:
        if not path.is_dir():
            return Frames((path.read_bytes(),)), ()
        asked = (path / CHALLENGE).read_bytes()[:_CHALLENGE_BYTES_MAX].decode("utf-8")
        turns = tuple(Turn(word) for word in asked.split())
        named = [(match, each) for each in path.iterdir() if (match := _STEP.fullmatch(each.name)) is not None]
        ordered = sorted(named, key=lambda one: (int(one[0][1]), one[1].name))
        if not turns or not ordered or len(ordered) > _FRAMES_MAX:
            raise _wrong(which, "has no turns, no pictures, or too many", "没有动作或图片，或图片过多")
        pictures = tuple(each.read_bytes() for _, each in ordered)
        return Frames(pictures, tuple(int(match[1]) for match, _ in ordered)), turns
    except (OSError, ValueError) as error:
        raise _wrong(which, "cannot be read, or its challenge names no turns", "无法读取，或挑战内容有误") from error


def _wrong(which: str, en: str, zh: str) -> MalformedError:
    return MalformedError(
        f"Sample {which} {en}; see docs/concepts/attacks.md.", f"样本 {which} {zh}；请参阅 docs/concepts/attacks.md。"
    )
