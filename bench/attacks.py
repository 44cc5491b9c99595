"""The check by head turns on rendered presentations: heads that turn, and the same photographs on flat and bent sheets.

A photograph cannot be asked to turn its head, so bona fide presentations are real photographs over a rough relief of a
face, rendered from the side; they say that the chain holds together, not how often a real guest is turned away.
"""

import io
import tempfile
from pathlib import Path
from random import Random
from typing import Final

import numpy as np
from PIL import Image

from bench.pictures import names
from countenance import detect as detecting
from countenance.capture import Limits, capture
from countenance.detect.turns import draw, look
from countenance.engines import Engine, load_engine
from countenance.evaluate.attacks import BONA_FIDE, CHALLENGE, AttackEvaluation, evaluate_attacks
from tests.heads import poses, rendered

TARGETS: Final = {"APCER max %": ("≤", 10.0), "BPCER %": ("≤", 25.0)}
#: How an attacker may hold a photograph: turned to the asked side by so much, near the lens, bent, bent to one side.
SHEETS: Final[dict[str, dict[str, float]]] = {
    "still": {"turn": 0.0},
    "flat": {"turn": 45.0},
    "flat_near_the_lens": {"turn": 45.0, "away": 2.5},
    "bent": {"turn": 35.0, "bend": 0.8},
    "bent_more": {"turn": 35.0, "bend": 1.1},
    "bent_and_turned_far": {"turn": 50.0, "bend": 0.8},
    "bent_to_one_side": {"turn": 20.0, "bend": 0.8, "axis": -0.6},
}
_SUBJECTS: Final = 30
#: A photograph is used where the face looks into the camera.
_FACING: Final = 0.05


def measure_folder(faces: Path, engine: Engine, folder: Path, subjects: int, seed: int) -> AttackEvaluation:
    """Render presentations of `subjects` photographs, and return what the check makes of them."""
    chance, order = np.random.default_rng(seed), Random(seed)  # noqa: S311 - repeatable, guards nothing
    kinds = {BONA_FIDE: {"turn": 30.0}, **SHEETS}
    for number, (picture, marks) in enumerate(_facing(faces, engine, subjects, order)):
        for kind, held in kinds.items():
            turns = draw(order)
            sample = folder / kind / f"{number:03}"
            sample.mkdir(parents=True)
            (sample / CHALLENGE).write_text(" ".join(turns), "utf-8")
            for step, pose in enumerate(poses(turns, chance, **held)):
                shown = rendered(picture, marks, pose, flat=kind != BONA_FIDE)
                shown.save(sample / f"{step}.jpg", "JPEG", quality=92)
    return evaluate_attacks(folder, engine)


def _facing(faces: Path, engine: Engine, count: int, order: Random) -> list[tuple[Image.Image, object]]:
    """Return photographs whose face looks into the camera, one for each subject, with their landmarks."""
    listed = names(faces)
    order.shuffle(listed)
    found: list[tuple[Image.Image, object]] = []
    seen: set[str] = set()
    for name in listed:
        data = (faces / name).read_bytes()
        with capture(data, Limits()) as sample:
            measured = detecting.measure(detecting.detect(sample, engine.detector))
            if measured.target is None or measured.failure or Path(name).parent.name in seen:
                continue
            if abs(look(sample, measured.target, 0).across) < _FACING:
                seen.add(Path(name).parent.name)
                with Image.open(io.BytesIO(data)) as picture:
                    found.append((picture.convert("RGB"), measured.target.landmarks))
        if len(found) == count:
            break
    return found


def measure_attacks(faces: Path, subjects: int, seed: int = 2026) -> AttackEvaluation:
    """Return what the check makes of rendered presentations of so many subjects."""
    with tempfile.TemporaryDirectory() as folder:
        engine = load_engine(Path(folder) / "engine", threads=2, workers=1)
        return measure_folder(faces, engine, Path(folder) / "attacks", subjects, seed)


def _percent(rate: tuple[float, float, float] | None) -> tuple[float, float]:
    return (float("nan"), float("nan")) if rate is None else (rate[0] * 100, rate[2] * 100)


def figures(found: AttackEvaluation) -> dict[str, float]:
    """Return the rates in per cent, each with the upper end of its interval."""
    said: dict[str, float] = {"presentations of each kind": float(found.bona_fide.total)}
    for name, each in [("BPCER", found.bona_fide), *((f"APCER {one.kind}", one) for one in found.species)]:
        said[f"{name} %"], said[f"{name} %, upper"] = _percent(each.rate())
    if found.worst is not None:
        said["APCER max %"], _ = _percent(found.worst.rate())
    return said


def measure(faces: Path) -> dict[str, float]:
    """Return the error rates of the check by head turns."""
    return figures(measure_attacks(faces, _SUBJECTS))
