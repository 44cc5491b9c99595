"""Matching under encryption: searches and claims with the key holder at its socket, beside TenSEAL's CKKS vectors."""

import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from countenance.vault.encrypted import EncryptedProjection, Kept
from countenance.vault.keyholder import KeyHolder, make_key
from countenance.vault.keyholder_socket import AtSocket, Served
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Candidate
from countenance.vault.shares import STEPS, split, whole

TARGETS: Final = {
    "10,000: search ms": ("≤", 200.0),
    "10,000: one claim ms": ("≤", 15.0),
    "farthest score from an open one": ("≤", 1e-4),
    "wrong answers": ("≤", 0.0),
}
_SIZES: Final = (1_000, 10_000, 100_000)
_DIMENSION: Final = 128
_PROBES: Final = 10
_SCORE: Final = -0.5
#: The peer's vectors hold so many people, with the parameters of its own guides for this degree.
_PEER_SLOTS: Final = 2048
_PEER_BITS: Final = (40, 29, 40)


def measure(faces: Path) -> dict[str, float]:
    """Return times, memory and sizes by how many are enrolled; everything on one core, the key holder included."""
    del faces  # made numbers serve: every search touches every slot
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return _on_one_core()
    finally:
        os.sched_setaffinity(0, cores)


def _on_one_core() -> dict[str, float]:
    figures: dict[str, float] = {}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        keys = FileKeys(Path(folder) / "own")
        make_key(keys)
        holder = KeyHolder(keys, {"verify": _SCORE, "identify": _SCORE})
        path = Path(folder) / "socket"
        served = Served(holder, path, [os.geteuid()])
        threading.Thread(target=served.run, daemon=True).start()
        asked = AtSocket(path)
        try:
            for size in _SIZES:
                more, wrongly = _of(asked, size)
                figures |= {f"{size:,}: {name}": value for name, value in more.items()}
                wrong += wrongly
        finally:
            asked.close()
            served.close()
    figures |= _peer()
    figures["10,000: CKKS / ours"] = figures["CKKS, 10,000 ms"] / figures["10,000: search ms"]
    return figures | {"farthest score from an open one": _error(), "wrong answers": float(wrong)}


def _of(asked: AtSocket, size: int) -> tuple[dict[str, float], int]:
    rng = np.random.default_rng(size)
    references = rng.standard_normal((size, _DIMENSION), np.float32)
    references /= np.linalg.norm(references, axis=1, keepdims=True)
    projection, public, kept = EncryptedProjection(asked, _DIMENSION), asked.public_key(), 0
    started = time.perf_counter()
    for number, numbers in enumerate(references):
        place = number.to_bytes(8, "big")
        share = split(numbers, public, place)
        kept = len(share.to_bytes())
        projection.add("operator", "purpose", _owner(number), Kept(share, place))
    parted = time.perf_counter()
    chosen = rng.integers(size, size=_PROBES)
    probes = references[chosen] + np.float32(0.03) * rng.standard_normal((_PROBES, _DIMENSION), np.float32)
    projection.candidates("operator", "purpose", probes[0], "identify", 1)
    ready = time.perf_counter()
    searches, claims, wrong = [], [], 0
    for number, probe in zip(chosen, probes, strict=True):
        start = time.perf_counter()
        found = projection.candidates("operator", "purpose", probe, "identify", 1)
        between = time.perf_counter()
        one = projection.candidates("operator", "purpose", probe, "verify", 1, [_owner(int(number))])
        searches.append((between - start) * 1e3)
        claims.append((time.perf_counter() - between) * 1e3)
        wrong += (found != [_owner(int(number))]) + (one != [_owner(int(number))])
    return {
        "search ms": statistics.median(searches),
        "one claim ms": statistics.median(claims),
        "enrolment: parting one, µs": (parted - started) / size * 1e6,
        "blocks made, s": ready - parted,
        "memory MiB": projection.memory() / 2**20,
        "kept of one, bytes": float(kept),
    }, wrong


def _owner(number: int) -> Candidate:
    return Candidate(UUID(int=number), UUID(int=number + 2**64))


def _error() -> float:
    """Return how far a score of whole steps is from the one of the features themselves, at worst among many."""
    rng = np.random.default_rng(7)
    pairs: NDArray[np.float32] = rng.standard_normal((20_000, 2, _DIMENSION)).astype(np.float32)
    pairs /= np.linalg.norm(pairs, axis=2, keepdims=True)
    exact = np.square(pairs[:, 0].astype(np.float64) - pairs[:, 1]).sum(axis=1)
    steps = np.array([[whole(one), whole(other)] for one, other in pairs])
    return float(np.abs(np.square(steps[:, 0] - steps[:, 1]).sum(axis=1) / STEPS**2 - exact).max())


def _peer() -> dict[str, float]:
    """Return the milliseconds of the same search by the peer's vectors: one block measured, and reckoned up."""
    import tenseal

    context = tenseal.context(tenseal.SCHEME_TYPE.CKKS, 4096, coeff_mod_bit_sizes=list(_PEER_BITS))
    context.global_scale = 2**29
    rng = np.random.default_rng(1)
    people = rng.standard_normal((_DIMENSION, _PEER_SLOTS)) / _DIMENSION**0.5
    columns: list[Any] = [tenseal.ckks_vector(context, column.tolist()) for column in people]
    probe, times = people[:, 0], []
    for _ in range(5):
        start = time.perf_counter()
        total = columns[0] * float(probe[0])
        for column, number in zip(columns[1:], probe[1:], strict=True):
            total += column * float(number)
        total.decrypt()
        times.append((time.perf_counter() - start) * 1e3)
    block = statistics.median(times)
    return {"CKKS, a block of 2,048 ms": block, "CKKS, 10,000 ms": block * -(-10_000 // _PEER_SLOTS)}
