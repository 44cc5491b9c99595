"""Puts a card, its weights and a runtime together into a detector or an extractor that many threads may call."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from countenance.engines.align import moved, scale_of, similarity, warp
from countenance.engines.cards import Card
from countenance.engines.decoders import FAMILIES, ROW, without_overlap
from countenance.errors import IntegrityError, MalformedError

Pixels = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]

#: CenterFace halves its input five times.
_MULTIPLE: Final = 32
#: How far the numbers of the self-test may lie from the card's: runtimes round differently, a changed weight shows.
_SELF_TEST_OFF_MAX: Final = 1e-4


class Network(Protocol):
    """A compiled network; any number of threads may call it."""

    def __call__(self, batch: Numbers) -> list[Numbers]:
        """Return the outputs for n × 3 × height × width float32, in the order of the file."""


class Runtime(Protocol):
    """What a file on this shelf offers: networks from ONNX files held in memory."""

    def network(self, model: bytes) -> Network:
        """Compile one network."""


#: Returns the ONNX file with its input at a fixed shape.
Shaped = Callable[[tuple[int, int, int, int]], bytes]


class _Networks:
    """Compiles a network for each input shape when it is first needed, and once."""

    def __init__(self, runtime: Runtime, shaped: Shaped) -> None:
        self._runtime, self._shaped = runtime, shaped
        self._compiled: dict[tuple[int, int, int, int], Network] = {}
        self._lock = threading.Lock()

    def at(self, shape: tuple[int, int, int, int]) -> Network:
        network = self._compiled.get(shape)
        if network is None:
            with self._lock:
                network = self._compiled.get(shape)
                if network is None:
                    network = self._compiled[shape] = self._runtime.network(self._shaped(shape))
        return network

    def close(self) -> None:
        self._compiled.clear()


def _planes(card: Card, pixels: Pixels) -> Numbers:
    """Return height × width × 3 RGB pixels as 1 × 3 × height × width numbers, as the card wants them."""
    ordered = pixels if card.input.colour == "rgb" else pixels[:, :, ::-1]
    planes = np.ascontiguousarray(ordered.transpose(2, 0, 1), dtype=np.float32)
    if any(card.input.mean):
        planes -= np.array(card.input.mean, np.float32)[:, None, None]
    if card.input.scale != 1:
        planes *= np.float32(card.input.scale)
    return planes[None]


class CardDetector:
    """Finds faces and five landmarks in each."""

    def __init__(self, card: Card, runtime: Runtime, shaped: Shaped) -> None:
        """Take the card's family of outputs. Raises `MalformedError` where the family is unknown."""
        if card.family not in FAMILIES:
            raise MalformedError(
                "The model card names an unknown family of detectors; see docs/concepts/engine.md.",
                "模型卡所写检测网络类别未知；请参阅 docs/concepts/engine.md。",
            )
        self.card = card
        self.sides = card.input.sides
        self.again = card.input.again
        self.again_below = card.input.again_below
        self._decode = FAMILIES[card.family]
        self._networks = _Networks(runtime, shaped)

    def find(self, pixels: Pixels, side: int) -> Points:
        """Return n × 15 rows (decoders.py) in pixels of `pixels` (height × width × 3, RGB), best first.

        The picture is fitted into a canvas whose longer side is `side`: square, 4:3 or 3:4, whichever is smallest.
        """
        tall, wide = pixels.shape[:2]
        scale = side / max(tall, wide)
        fitted = max(1, round(tall * scale)), max(1, round(wide * scale))
        short = -(-side * 3 // 4 // _MULTIPLE) * _MULTIPLE
        shapes = ((short, side), (side, short), (side, side))
        fitting = [one for one in shapes if one[0] >= fitted[0] and one[1] >= fitted[1]]
        canvas = min(fitting, key=lambda one: one[0] * one[1])
        small = Image.fromarray(pixels).resize((fitted[1], fitted[0]), Image.Resampling.BILINEAR, reducing_gap=1.5)
        filled = np.zeros((*canvas, 3), np.uint8)
        filled[: fitted[0], : fitted[1]] = np.asarray(small)
        outputs = self._networks.at((1, 3, *canvas))(_planes(self.card, filled))
        rows = without_overlap(self._decode(outputs, canvas, self.card.score_min), self.card.overlap_max)
        rows[:, 0:4:2] /= fitted[1] / wide
        rows[:, 1:4:2] /= fitted[0] / tall
        rows[:, 5::2] /= fitted[1] / wide
        rows[:, 6::2] /= fitted[0] / tall
        return rows

    def self_test(self) -> None:
        """Raise `IntegrityError` where an empty picture does not give well-formed rows without a face."""
        rows = self.find(np.full((64, 64, 3), 128, np.uint8), self.sides[0])
        if rows.shape != (0, ROW):
            raise _differs(self.card)

    def close(self) -> None:
        """Let the networks go."""
        self._networks.close()


class CardExtractor:
    """Makes features from the aligned chip of a face."""

    def __init__(self, card: Card, runtime: Runtime, shaped: Shaped) -> None:
        """Move the card's landmark positions to the tightness it asks for."""
        self.card = card
        self.dimension = card.dimension
        self.side = card.input.sides[0]
        middle = self.side / 2
        self._target = (np.array(card.landmarks, np.float64) - middle) * card.tighter + middle
        self._networks = _Networks(runtime, shaped)

    def scale(self, landmarks: Points) -> float:
        """Return how many pixels of the chip one pixel of the sample becomes: finer samples gain nothing."""
        return scale_of(similarity(landmarks, self._target))

    def chip(self, pixels: Pixels, landmarks: Points) -> Pixels:
        """Return the aligned square chip of the face with these landmarks (5 × 2)."""
        return warp(pixels, similarity(landmarks, self._target), self.side)

    def off(self, landmarks: Points) -> float:
        """Return the mean distance of the aligned landmarks from where the card puts them, in pixels of the chip."""
        matrix = similarity(landmarks, self._target)
        return float(np.linalg.norm(moved(matrix, landmarks) - self._target, axis=1).mean())

    def features(self, pixels: Pixels, landmarks: Points) -> Numbers:
        """Return the features (dimension) of the face with these landmarks (5 × 2) in `pixels`."""
        return self.of_chip(self.chip(pixels, landmarks))

    def of_chip(self, chip: Pixels) -> Numbers:
        """Return the features of an aligned chip, as the card wants them: mirror image averaged, length one."""
        mean: Numbers = self.of_views([chip, chip[:, ::-1]] if self.card.mirror else [chip]).mean(axis=0)
        if self.card.unit_length:
            length = float(np.linalg.norm(mean))
            if not length > 0:
                raise _differs(self.card)
            mean /= np.float32(length)
        return mean

    def of_views(self, views: Sequence[Pixels]) -> Numbers:
        """Return the network's own numbers (n × dimension) for n chips. Raises `IntegrityError` where not finite."""
        batch = np.concatenate([_planes(self.card, view) for view in views])
        numbers = self._networks.at(batch.shape)(batch)[0]
        if numbers.shape != (len(views), self.dimension) or not np.isfinite(numbers).all():
            raise _differs(self.card)
        return numbers

    def self_test(self) -> None:
        """Raise `IntegrityError` where a known chip does not give the numbers of the card."""
        got = self.of_chip(known_chip(self.side))
        if self.card.self_test and np.abs(got - np.array(self.card.self_test)).max() > _SELF_TEST_OFF_MAX:
            raise _differs(self.card)

    def close(self) -> None:
        """Let the networks go."""
        self._networks.close()


class CardAttackModel:
    """Says from one picture whether a face is presented in an attack: a passive model, by its card's limit."""

    def __init__(self, card: Card, runtime: Runtime, shaped: Shaped) -> None:
        """Take the card's limit. Raises `MalformedError` where it has none: such a model decides nothing."""
        if card.limit is None:  # pragma: no cover - a card of this role without one is not read
            raise _unlimited()
        self.card = card
        self.name = f"{card.id}-{card.version}"
        self.side = card.input.sides[0]
        self._limit = card.limit.threshold
        self._networks = _Networks(runtime, shaped)

    def suspects(self, pixels: Pixels, box: tuple[float, float, float, float]) -> bool:
        """Say whether the face in this box is presented in an attack."""
        return self.score(pixels, box) >= self._limit

    def score(self, pixels: Pixels, box: tuple[float, float, float, float]) -> float:
        """Return from 0 (bona fide) to 1 (attack); inside this house only."""
        left, top, right, bottom = box
        factor = self.side / (max(right - left, bottom - top, 1.0) * self.card.crop)
        middle = self.side / 2
        matrix = np.array([[factor, 0, middle - factor * (left + right) / 2],
                           [0, factor, middle - factor * (top + bottom) / 2]])  # fmt: skip
        return self.of_chip(warp(pixels, matrix, self.side))

    def of_chip(self, chip: Pixels) -> float:
        """Return the score of a square chip. Raises `IntegrityError` where the network gives no share."""
        planes = _planes(self.card, chip)
        outputs = self._networks.at(planes.shape)(planes)[0].ravel().astype(np.float64)
        if outputs.size <= self.card.bona_fide_output or not np.isfinite(outputs).all():
            raise _differs(self.card)
        if self.card.softmax:
            outputs = np.exp(outputs - outputs.max())
            outputs /= outputs.sum()
        share = float(outputs[self.card.bona_fide_output])
        if not -1e-3 <= share <= 1 + 1e-3:  # noqa: PLR2004 - what rounding explains
            raise _differs(self.card)
        return 1 - min(1.0, max(0.0, share))

    def self_test(self) -> None:
        """Raise `IntegrityError` where a known chip does not give a share."""
        self.of_chip(known_chip(self.side))

    def close(self) -> None:
        """Let the networks go."""
        self._networks.close()


def known_chip(side: int) -> Pixels:
    """Return the pattern of the self-test: integers only, so that every machine makes the same one."""
    row, column = np.mgrid[0:side, 0:side].astype(np.int64)
    planes = [(row * 3 + column * 5) % 256, (row * column // 7) % 256, (row * row // 11 + column * 2) % 256]
    return np.stack(planes, axis=2).astype(np.uint8)


def _unlimited() -> MalformedError:
    return MalformedError(
        "The attack card has no limit, so nothing can be decided by it; measure it and write one.",
        "攻击检测模型卡没有判定阈值；请评估后写入。",
    )


def _differs(card: Card) -> IntegrityError:
    return IntegrityError(
        f"The network {card.id} does not compute what its card says; install its weights again before serving.",
        f"网络 {card.id} 的计算结果与模型卡不符；请在提供服务前重新安装权重。",
    )
