"""1:N over 100,000 references in memory, exact: the projection that the server searches, and its answers checked."""

import statistics
import time
from pathlib import Path
from typing import Final
from uuid import UUID

import numpy as np

from countenance.vault.projection import Candidate, Projection

TARGETS: Final = {"100,000 ms": ("≤", 15.0), "wrong answers": ("≤", 0.0)}
_REFERENCES: Final = 100_000
_DIMENSION: Final = 128
_PROBES: Final = 60


def measure(faces: Path) -> dict[str, float]:
    """Return the median milliseconds of a search, and how many of the answers were not the nearest reference."""
    del faces  # made numbers serve: an exact search takes as long whatever they are
    rng = np.random.default_rng(0)
    references = rng.normal(size=(_REFERENCES, _DIMENSION)).astype(np.float32)
    references /= np.linalg.norm(references, axis=1, keepdims=True)
    projection = Projection("made", _DIMENSION)
    owners = [Candidate(UUID(int=number), UUID(int=number + _REFERENCES)) for number in range(_REFERENCES)]
    for owner, numbers in zip(owners, references, strict=True):
        projection.add("operator", "purpose", owner, numbers)
    times, wrong = [], 0
    for _ in range(_PROBES):
        probe = references[rng.integers(_REFERENCES)] + rng.normal(size=_DIMENSION).astype(np.float32) * 0.05
        probe /= np.linalg.norm(probe)
        start = time.perf_counter()
        found = projection.candidates("operator", "purpose", probe, -2.0, 1)
        times.append((time.perf_counter() - start) * 1e3)
        nearest = int(((references.astype(np.float64) - probe) ** 2).sum(axis=1).argmin())
        wrong += found != [owners[nearest].subject_id]
    return {
        "100,000 ms": statistics.median(times[5:]),
        "100,000 ms, slowest": max(times[5:]),
        "wrong answers": float(wrong),
    }
