"""Photograph to template: decode, detect, align, features of a 640 × 480 JPEG, beside `face_recognition`'s steps."""

import tempfile
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Final

from bench.clock import in_turn
from bench.peer import Peer
from bench.pictures import as_sent, development
from countenance.capture import Limits, capture
from countenance.compare import _features_without_law
from countenance.detect import detect
from countenance.engines import Engine, load_engine

TARGETS: Final = {"near: ratio": ("≥", 8.0), "far: ratio": ("≥", 8.0), "found beyond the peer's": ("≥", 0.0)}
_PICTURES: Final = 60


def chain(engine: Engine) -> Callable[[bytes], object | None]:
    """Return our chain from bytes to features; None where no face is found."""

    def template(data: bytes) -> object | None:
        with capture(data, Limits()) as sample:
            faces = detect(sample, engine.detector)
            return _features_without_law(sample, faces[0], engine) if faces else None

    return template


def measure(faces: Path) -> dict[str, float]:
    """Return milliseconds of both and their ratio, one thread, face near and far, and how many faces each found."""
    peer = Peer()
    with tempfile.TemporaryDirectory() as folder:
        engine = load_engine(Path(folder), threads=1, workers=1)
    ours = chain(engine)
    figures: dict[str, float] = {}
    found = [0, 0]
    for name, near in (("near", True), ("far", False)):
        pictures = [as_sent(data, near=near) for data in development(faces, _PICTURES)]
        found[0] += sum(ours(data) is not None for data in pictures)
        found[1] += sum(peer.template(data) is not None for data in pictures)
        mine, theirs = cycle(pictures), cycle(pictures)
        a, b = in_turn(lambda mine=mine: ours(next(mine)), lambda theirs=theirs: peer.template(next(theirs)), _PICTURES)  # type: ignore[misc]
        figures |= {f"{name}: ours ms": a, f"{name}: face_recognition ms": b, f"{name}: ratio": b / a}
    engine.close()
    figures |= {"pictures": 2.0 * _PICTURES, "faces ours": found[0], "faces face_recognition": found[1]}
    return figures | {"found beyond the peer's": float(found[0] - found[1])}
