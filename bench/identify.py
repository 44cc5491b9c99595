"""1:N in memory, exact, one thread: the projection that the server searches, beside FAISS and usearch."""

import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from countenance.vault.projection import Candidate, Projection

TARGETS: Final = {
    "10,000 ms": ("≤", 0.5),
    "100,000: FAISS / ours": ("≥", 2.5),
    "100,000: usearch / ours": ("≥", 5.0),
    "1,000,000: FAISS / ours": ("≥", 2.5),
    "1,000,000: usearch / ours": ("≥", 5.0),
    "wrong answers": ("≤", 0.0),
}
_SIZES: Final = (10_000, 100_000, 1_000_000)
_DIMENSION: Final = 128
_PROBES: Final = 30
#: As far as two photographs of one person are apart, and where strangers begin, for features of length one.
_SAME: Final = 0.05
_SCORE_MIN: Final = -0.5


def measure(faces: Path) -> dict[str, float]:
    """Return the median milliseconds of a search by size, ours and the peers', and how many answers were wrong."""
    del faces  # made numbers serve: an exact search takes as long whatever they are
    figures: dict[str, float] = {}
    wrong = 0
    for size in _SIZES:
        rng = np.random.default_rng(size)
        references = rng.standard_normal((size, _DIMENSION), np.float32)
        references /= np.linalg.norm(references, axis=1, keepdims=True)
        near = references[rng.integers(size, size=_PROBES)]
        probes = near + np.float32(_SAME) * rng.standard_normal((_PROBES, _DIMENSION), np.float32)
        projection = _projection(references)
        ours = partial(_ours, projection)
        truth = [int(np.square(references - probe).sum(1).argmin()) for probe in probes]
        wrong += sum(ours(probe) != [UUID(int=right)] for probe, right in zip(probes, truth, strict=True))
        took = _median(ours, probes)
        figures |= {f"{size:,} ms": took, f"{size:,} MiB": projection.memory() / 2**20}
        del projection, ours
        for name, search in (("FAISS", _faiss(references)), ("usearch", _usearch(references))):
            theirs = _median(search, probes)
            figures |= {f"{size:,}: {name} ms": theirs, f"{size:,}: {name} / ours": theirs / took}
    return figures | {"wrong answers": float(wrong)}


def _ours(projection: Projection, probe: NDArray[np.float32]) -> list[UUID]:
    return projection.candidates("operator", "purpose", probe, _SCORE_MIN, 1)


def _projection(references: NDArray[np.float32]) -> Projection:
    made = Projection("made", _DIMENSION)
    for number, numbers in enumerate(references):
        made.add("operator", "purpose", Candidate(UUID(int=number), UUID(int=number + 2**64)), numbers)
    return made


def _median(search: Callable[[NDArray[np.float32]], Any], probes: NDArray[np.float32]) -> float:
    times = []
    for probe in probes:
        start = time.perf_counter()
        search(probe)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[5:])


def _faiss(references: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], Any]:
    import faiss

    faiss.omp_set_num_threads(1)
    index = faiss.IndexFlatIP(_DIMENSION)
    index.add(references)
    return lambda probe: index.search(probe[None], 1)


def _usearch(references: NDArray[np.float32]) -> Callable[[NDArray[np.float32]], Any]:
    from usearch.index import search

    return lambda probe: search(references, probe, 1, "l2sq", exact=True, threads=1)
