"""Accuracy on the development pairs: ours by `evaluate`, beside the steps of `face_recognition` in the same run."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from bench.peer import Peer
from countenance.engines import load_engine
from countenance.evaluate import _accuracy, evaluate, read_pairs

TARGETS: Final = {
    "ours best %": ("≥", 99.0),
    "ours above face_recognition %": ("≥", 0.05),
    "ours failures to acquire": ("≤", 0.0),
}
#: The score of a pair in which the peer found no face: a non-match at every threshold. Kindly, it is left out instead.
_NO_FACE: Final = -9.0


def measure(faces: Path) -> dict[str, float]:
    """Return the share of pairs both decide rightly, at the best threshold and ten-fold, and what was not acquired."""
    pairs = read_pairs(faces / "pairs.csv")
    with tempfile.TemporaryDirectory() as folder:
        engine = load_engine(Path(folder), threads=2, workers=1)
    ours = evaluate(pairs, faces, engine)
    engine.close()
    peer = Peer()
    names = sorted({name for pair in pairs for name in (pair.a, pair.b)})
    theirs = {name: peer.template((faces / name).read_bytes()) for name in names}
    scores = []
    for pair in pairs:
        a, b = theirs[pair.a], theirs[pair.b]
        scores.append(_NO_FACE if a is None or b is None else -float(((a - b) ** 2).sum()))
    truth, given = np.array([pair.mated for pair in pairs]), np.array(scores)
    peers = _accuracy(given, truth)
    acquired = given > _NO_FACE
    kind = _accuracy(given[acquired], truth[acquired])
    strict = {f"ours FNMR % at FMR {one.row.fmr_target:g}": one.row.fnmr * 100 for one in ours.operating
              if one.row.fmr_target in {1e-3, 1e-4, 1e-5}}  # fmt: skip
    return {
        "pairs": float(len(pairs)),
        "ours best %": ours.accuracy.best * 100,
        "ours ten-fold %": ours.accuracy.ten_fold * 100,
        "ours failures to acquire": float(ours.failures_to_acquire),
        "face_recognition best %": peers.best * 100,
        "face_recognition ten-fold %": peers.ten_fold * 100,
        "face_recognition no face": float(sum(one is None for one in theirs.values())),
        "face_recognition best %, kindly": kind.best * 100,
        "ours above face_recognition %": (ours.accuracy.best - max(peers.best, kind.best)) * 100,
        "ours EER %": ours.eer * 100,
    } | strict
