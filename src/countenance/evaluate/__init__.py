"""Measures the engine on a named data set: error rates, a threshold for each target FMR, failures to acquire.

Every picture goes through the same chain as in the server: `capture`, `detect`, the engine's features, the comparison
score. Only the law is not asked, because nobody is enrolled, verified or identified: a research set is measured, by
whoever answers for it. That route is `compare._features_without_law`, and no other module may take it.

Where the files lie in one folder per subject, every pair of pictures of different subjects is a non-mated comparison,
which is what gives small FMRs support; the pairs of the list alone give the accuracy. The face taken in a picture with
several is the one nearest its middle, as such data sets mean it.
"""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import yaml

from countenance.capture import Limits, Sample, capture
from countenance.compare import Features, _features_without_law
from countenance.detect import Face, QualityLimits, closer, detect, measure
from countenance.engines import Engine
from countenance.engines.cards import Calibration, Row
from countenance.errors import CountenanceError, MalformedError

Numbers = npt.NDArray[np.float64]

#: A target is given where at least so many non-mated comparisons may match by chance; fewer say nothing about a rate.
_FALSE_MATCHES_MIN: Final = 10
_TARGETS: Final = tuple(base * 10.0**-power for power in range(1, 7) for base in (1.0, 0.5))
_FOLDS: Final = 10
_PAIRS_MAX: Final = 1_000_000
_SAMPLES_MAX: Final = 100_000
#: The 97.5 % point of the normal distribution: intervals are two-sided, 95 %.
_Z: Final = 1.959964


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures, and whether they show the same subject."""

    a: str
    b: str
    mated: bool


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of listed pairs decided rightly: at the best threshold, and at thresholds from the other nine folds."""

    best: float
    ten_fold: float
    at: float


@dataclass(frozen=True, slots=True)
class Operating:
    """One threshold: where it lies, the rates on the set, and the 95 % interval of the FMR."""

    row: Row
    fmr_lower: float
    non_mated_matches: int


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was measured. `scores` are kept for the plot only and never written."""

    model_id: str
    samples: int
    subjects: int
    pairs: int
    failures_to_acquire: int
    targets_not_isolated: int
    mated: int
    non_mated: int
    accuracy: Accuracy
    eer: float
    operating: tuple[Operating, ...]
    mated_scores: Numbers
    non_mated_scores: Numbers

    def as_json(self) -> dict[str, Any]:
        """Return the figures without the scores of single comparisons."""
        return {
            "model_id": self.model_id,
            "samples": self.samples,
            "subjects": self.subjects,
            "pairs": self.pairs,
            "failures_to_acquire": self.failures_to_acquire,
            "targets_not_isolated": self.targets_not_isolated,
            "mated": self.mated,
            "non_mated": self.non_mated,
            "accuracy": asdict(self.accuracy),
            "eer": self.eer,
            "operating": [
                asdict(one.row) | {"fmr_lower": one.fmr_lower, "non_mated_matches": one.non_mated_matches}
                for one in self.operating
            ],
        }


def read_pairs(path: Path) -> list[Pair]:
    """Read a list with the columns file_a, file_b, same (1 or 0). Raises `MalformedError` naming the line."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MalformedError(
            "The list of pairs cannot be read; check the path.", "无法读取配对表；请检查路径。"
        ) from error
    pairs = []
    for line, row in enumerate(rows, start=2):
        a, b, same = row.get("file_a"), row.get("file_b"), row.get("same")
        if not a or not b or same not in {"0", "1"}:
            raise MalformedError(
                f"The list of pairs is wrong in line {line}; it needs file_a, file_b and same (1 or 0).",
                f"配对表第 {line} 行有误；需要 file_a、file_b 和 same（1 或 0）。",
            )
        pairs.append(Pair(a, b, same == "1"))
    if not 0 < len(pairs) <= _PAIRS_MAX:
        raise MalformedError(
            "The list of pairs is empty or too long; give 1 to 1,000,000 pairs.",
            "配对表为空或过长；请提供 1 至 1,000,000 对。",
        )
    return pairs


def evaluate(
    pairs: Sequence[Pair], images: Path, engine: Engine, progress: Callable[[int, int], None] = lambda *_: None
) -> Evaluation:
    """Measure the engine on pairs of files under `images`; `progress` is told how many samples are done, of how many.

    Raises `MalformedError` where a file is missing or not a picture, or where nothing is left to compare.
    """
    names = sorted({pair.a for pair in pairs} | {pair.b for pair in pairs})
    if len(names) > _SAMPLES_MAX:
        raise MalformedError("Too many pictures; split the list.", "图片过多；请拆分配对表。")
    features: dict[str, Features] = {}
    not_isolated = 0
    for done, name in enumerate(names):
        progress(done, len(names))
        with _captured(images, name) as sample:
            faces = detect(sample, engine.detector)
            not_isolated += len(faces) > 0 and not measure(faces).target_isolated
            face = _meant(sample, faces, engine)
            if face is not None:
                features[name] = _features_without_law(sample, face, engine)
    progress(len(names), len(names))
    kept = [name for name in names if name in features]
    usable = [pair for pair in pairs if pair.a in features and pair.b in features]
    if not any(pair.mated for pair in usable) or all(pair.mated for pair in usable):
        raise MalformedError(
            "The list needs mated and non-mated pairs with a face in each picture; add some.",
            "配对表需包含同一人与不同人的配对，且每张图片有人脸；请补充。",
        )
    matrix = np.stack([features[name].numbers() for name in kept]).astype(np.float64)
    mated, non_mated, listed = _scores(matrix, kept, usable)
    return Evaluation(
        model_id=engine.model_id,
        samples=len(names),
        subjects=len({_subject(name) for name in names}),
        pairs=len(pairs),
        failures_to_acquire=len(names) - len(kept),
        targets_not_isolated=not_isolated,
        mated=len(mated),
        non_mated=len(non_mated),
        accuracy=_accuracy(listed, np.array([pair.mated for pair in usable])),
        eer=_eer(mated, non_mated),
        operating=_operating(mated, non_mated),
        mated_scores=mated,
        non_mated_scores=non_mated,
    )


def _captured(images: Path, name: str) -> Sample:
    root = images.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise MalformedError(
            "The list of pairs names a file outside the folder; correct it.", "配对表所列文件不在该文件夹内；请更正。"
        )
    try:
        return capture(path.read_bytes(), Limits())
    except (OSError, CountenanceError) as error:
        raise MalformedError(
            "A picture of the list is missing or cannot be read; check --images.",
            "配对表中有图片缺失或无法读取；请检查 --images。",
        ) from error


def _meant(sample: Sample, faces: Sequence[Face], engine: Engine) -> Face | None:
    """Return the face nearest the middle, or None where there is none or its quality is a failure to acquire."""
    if not faces:
        return None

    def away(face: Face) -> float:
        left, top, right, bottom = face.box
        return math.hypot((left + right - sample.width) / 2, (top + bottom - sample.height) / 2)

    chosen = min(faces, key=away)
    if chosen is not faces[0]:
        chosen = closer(sample, chosen, engine.detector)
    return chosen if measure([chosen], QualityLimits()).failure is None else None


def _subject(name: str) -> str:
    return Path(name).parent.as_posix()


def _scores(matrix: Numbers, names: Sequence[str], pairs: Sequence[Pair]) -> tuple[Numbers, Numbers, Numbers]:
    """Return the scores of mated and of non-mated comparisons, sorted, and of the listed pairs in their order."""
    at = {name: index for index, name in enumerate(names)}
    left = np.array([at[pair.a] for pair in pairs])
    right = np.array([at[pair.b] for pair in pairs])
    apart = matrix[left] - matrix[right]
    listed: Numbers = -(apart * apart).sum(axis=1)
    same = np.array([pair.mated for pair in pairs])
    subjects = [_subject(name) for name in names]
    folders = all((_subject(pair.a) == _subject(pair.b)) == pair.mated for pair in pairs)
    if not folders:  # the folders are not the subjects: only the list itself says who is who
        return np.sort(listed[same]), np.sort(listed[~same]), listed
    number = {subject: index for index, subject in enumerate(sorted(set(subjects)))}
    owner = np.array([number[subject] for subject in subjects])
    squares = (matrix * matrix).sum(axis=1)
    mated, non_mated = [], []
    for row in range(len(matrix) - 1):  # by rows, so that a large set never needs the whole square in memory
        scores = 2 * matrix[row + 1 :] @ matrix[row] - squares[row + 1 :] - squares[row]
        other = owner[row + 1 :] != owner[row]
        mated.append(scores[~other])
        non_mated.append(scores[other])
    return np.sort(np.concatenate(mated)), np.sort(np.concatenate(non_mated)), listed


def _accuracy(scores: Numbers, same: npt.NDArray[np.bool_]) -> Accuracy:
    best, at = _best(scores, same)
    fold = np.random.default_rng(0).permutation(len(scores)) % _FOLDS
    right = 0
    for one in range(_FOLDS):
        held = fold == one
        if held.any() and not held.all():
            right += int(((scores[held] >= _best(scores[~held], same[~held])[1]) == same[held]).sum())
    return Accuracy(best, right / len(scores), at)


def _best(scores: Numbers, same: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return the largest share decided rightly and the threshold that gives it, midway between two scores."""
    order = np.argsort(-scores, kind="stable")
    ranked, truth = scores[order], same[order]
    right = np.concatenate([[0], np.cumsum(truth)]) + np.concatenate([[0], np.cumsum(~truth)])[-1]
    right = right - np.concatenate([[0], np.cumsum(~truth)])
    best = int(right.argmax())
    edges = np.concatenate([[ranked[0] + 1e-6], (ranked[:-1] + ranked[1:]) / 2, [ranked[-1] - 1e-6]])
    return float(right[best] / len(scores)), float(edges[best])


def _eer(mated: Numbers, non_mated: Numbers) -> float:
    """Return the rate at which FMR and FNMR are equal, from sorted scores."""
    at = np.unique(np.concatenate([mated, non_mated]))
    fnmr = np.searchsorted(mated, at) / len(mated)
    fmr = 1 - np.searchsorted(non_mated, at) / len(non_mated)
    nearest = int(np.abs(fmr - fnmr).argmin())
    return float((fmr[nearest] + fnmr[nearest]) / 2)


def _operating(mated: Numbers, non_mated: Numbers) -> tuple[Operating, ...]:
    """Return the threshold for each target FMR that the number of non-mated comparisons supports.

    The threshold is the lowest score at which no more than the target's share matches; the interval of the FMR is
    Wilson's, 95 %, which takes comparisons as independent: those that share a picture are not, so it is too narrow.
    """
    found = []
    for target in _TARGETS:
        allowed = math.floor(target * len(non_mated) * (1 + 1e-12))
        if allowed < _FALSE_MATCHES_MIN:
            continue
        highest_non_match = non_mated[len(non_mated) - 1 - allowed]
        score = float(np.nextafter(highest_non_match, np.inf))
        matches = len(non_mated) - int(np.searchsorted(non_mated, score))
        lower, upper = wilson(matches, len(non_mated))
        fnmr = float(np.searchsorted(mated, score) / len(mated))
        row = Row(float(f"{target:.0e}"), score, matches / len(non_mated), upper, fnmr)
        found.append(Operating(row, lower, matches))
    return tuple(found)


def wilson(events: int, trials: int) -> tuple[float, float]:
    """Return the 95 % interval of a rate after Wilson (1927)."""
    rate = events / trials
    middle = rate + _Z * _Z / (2 * trials)
    half = _Z * math.sqrt(rate * (1 - rate) / trials + _Z * _Z / (4 * trials * trials))
    scale = 1 + _Z * _Z / trials
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def calibration(found: Evaluation, data_set: str, day: str) -> Calibration:
    """Return the calibration block that a model card takes; numbers are rounded so that a threshold is never eased."""
    rows = tuple(
        replace(
            one.row,
            score=math.ceil(one.row.score * 1e6) / 1e6,
            fmr=_short(one.row.fmr),
            fmr_upper=_short(one.row.fmr_upper),
            fnmr=_short(one.row.fnmr),
        )
        for one in found.operating
    )
    return Calibration(
        data_set=data_set,
        date=day,
        subjects=found.subjects,
        samples=found.samples,
        mated=found.mated,
        non_mated=found.non_mated,
        failures_to_acquire=found.failures_to_acquire,
        rows=rows,
        model_id=found.model_id,
    )


def _short(rate: float) -> float:
    return float(f"{rate:.3g}")


def write_calibration(card: Path, block: Calibration) -> None:
    """Put the block at the end of a card, in place of one that is there; everything before it stays as it was written.

    Raises `MalformedError` where the card cannot be read or written.
    """
    try:
        text = card.read_text("utf-8")
        head = text[: text.index("\ncalibration:") + 1] if "\ncalibration:" in text else text.rstrip("\n") + "\n"
        raw = asdict(block) | {"rows": [asdict(row) for row in block.rows]}
        lines = yaml.safe_dump({"calibration": raw}, sort_keys=False, allow_unicode=True, width=120)
        card.write_text(head + lines, "utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedError(
            "The model card cannot be written; check the path and its mode.", "无法写入模型卡；请检查路径与权限。"
        ) from error


def plot(found: Evaluation, path: Path) -> None:
    """Draw the DET curve (FNMR over FMR, both logarithmic) as a PNG. Raises `MalformedError` without matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - comes with the extra `evaluate`
    except ImportError as error:
        raise MalformedError(
            "Drawing needs matplotlib; install the extra `evaluate`.", "绘图需要 matplotlib；请安装附加组件 evaluate。"
        ) from error
    at = np.unique(np.quantile(np.concatenate([found.mated_scores, found.non_mated_scores]), np.linspace(0, 1, 4000)))
    tail = found.non_mated_scores[-2000:]
    at = np.unique(np.concatenate([at, tail]))
    fnmr = np.searchsorted(found.mated_scores, at) / found.mated
    fmr = 1 - np.searchsorted(found.non_mated_scores, at) / found.non_mated
    shown = (fmr > 0) & (fnmr > 0)
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="FMR", ylabel="FNMR", title="DET")
    axes.plot(fmr[shown], fnmr[shown])
    axes.grid(visible=True, which="both", alpha=0.3)
    figure.savefig(path, format="png", dpi=120)
