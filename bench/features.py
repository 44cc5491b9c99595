"""The feature network on one aligned chip, one thread each: ours beside dlib's, and how far the numbers differ."""

import tempfile
from pathlib import Path
from typing import Final

import numpy as np

from bench.clock import in_turn
from bench.peer import Peer
from bench.pictures import development
from countenance.capture import Limits, capture
from countenance.detect import detect
from countenance.engines import load_engine

TARGETS: Final = {"ratio": ("≥", 20.0), "largest difference": ("≤", 1e-4)}
_CHIPS: Final = 24


def measure(faces: Path) -> dict[str, float]:
    """Return milliseconds per chip of both, their ratio, and the largest difference of a number."""
    peer = Peer()
    with tempfile.TemporaryDirectory() as folder:
        engine = load_engine(Path(folder), threads=1, workers=1)
    chips = []
    for data in development(faces, _CHIPS):
        with capture(data, Limits()) as sample:
            face = detect(sample, engine.detector)[0]
            chips.append(engine.extractor.chip(sample.pixels()[0], np.array(face.landmarks)))
    off = max(float(np.abs(engine.extractor.of_views([chip])[0] - peer.features(chip)).max()) for chip in chips)
    turns = iter(chips * 8)
    ours, peers = in_turn(lambda: engine.extractor.of_views([next(turns)]), lambda: peer.features(chips[0]), 60)
    engine.close()
    return {"ours ms": ours, "dlib ms": peers, "ratio": peers / ours, "largest difference": off}
