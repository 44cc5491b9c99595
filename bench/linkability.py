"""Whether templates of two operators tell that they are of one person: D↔sys on the development pairs.

The measure is that of Gomez-Barrero, Galbally, Rathgeb and Busch (IEEE TIFS 13(6), 2018), with equal priors: 0 where a
linking score says nothing, 1 where it says everything. The attacker has opened templates of both operators and knows
neither's space; three scores are tried, the last with both databases whole.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.template import chain
from countenance.compare import Features
from countenance.engines import load_engine
from countenance.evaluate import read_pairs
from countenance.vault.spaces import Space

TARGETS: Final = {"two operators, distance: D": ("≤", 0.02)}
#: So many pairs of operators are drawn; each gives a score for every pair of photographs.
_DRAWN: Final = 200
_BINS: Final = 50

Numbers = NDArray[np.float64]
Scoring = Callable[[Numbers, Numbers], Numbers]


def d_sys(mated: Numbers, strangers: Numbers) -> float:
    """Return the global linkability of a score, from samples for mated and for non-mated pairs."""
    edges = np.quantile(np.concatenate([mated, strangers]), np.linspace(0, 1, _BINS + 1)[1:-1])
    of_mated = np.bincount(np.searchsorted(edges, mated), minlength=_BINS) / len(mated)
    of_strangers = np.bincount(np.searchsorted(edges, strangers), minlength=_BINS) / len(strangers)
    tells = of_mated > of_strangers
    # 2·LR/(1+LR) − 1 with LR = p(s|mated)/p(s|not mated), and 0 where LR is 1 or less.
    local = (of_mated - of_strangers)[tells] / (of_mated + of_strangers)[tells]
    return float((of_mated[tells] * local).sum())


def measure(faces: Path) -> dict[str, float]:
    """Return D↔sys within one operator and between two, by distance, by length, and by length from the centre."""
    a, b, same = _features(faces)
    figures = {
        "one operator, distance: D": d_sys(*_scores([(_own(len(a[0])),) * 2], a, b, same, _distance)),
    }
    two = [(_own(len(a[0])), _own(len(a[0]))) for _ in range(_DRAWN)]
    for name, score in (("distance", _distance), ("length", _length), ("from the centre", _from_centre)):
        figures[f"two operators, {name}: D"] = d_sys(*_scores(two, a, b, same, score))
    return figures


def _features(faces: Path) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    pairs = read_pairs(faces / "pairs.csv")
    with tempfile.TemporaryDirectory() as folder:
        engine = load_engine(Path(folder), threads=2, workers=1)
    template, made = chain(engine), {}
    for name in sorted({name for pair in pairs for name in (pair.a, pair.b)}):
        features = template((faces / name).read_bytes())
        if isinstance(features, Features):
            made[name] = features.numbers()
    engine.close()
    whole = [pair for pair in pairs if pair.a in made and pair.b in made]
    return (
        np.array([made[pair.a] for pair in whole]),
        np.array([made[pair.b] for pair in whole]),
        np.array([pair.mated for pair in whole]),
    )


def _own(dimension: int) -> Space:
    return Space.made("bench", dimension)


def _scores(
    operators: list[tuple[Space, Space]],
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    same: NDArray[np.bool_],
    score: Scoring,
) -> tuple[Numbers, Numbers]:
    """Return the scores of mated pairs and of strangers, over all pairs of operators."""
    found = np.array(
        [score(one.turned(a).astype(np.float64), other.turned(b).astype(np.float64)) for one, other in operators]
    )
    return found[:, same].ravel(), found[:, ~same].ravel()


def _distance(a: Numbers, b: Numbers) -> Numbers:
    return np.asarray(-np.square(a - b).sum(1), np.float64)


def _length(a: Numbers, b: Numbers) -> Numbers:
    return np.asarray(-np.abs(np.linalg.norm(a, axis=1) - np.linalg.norm(b, axis=1)), np.float64)


def _from_centre(a: Numbers, b: Numbers) -> Numbers:
    return _length(a - a.mean(0), b - b.mean(0))
