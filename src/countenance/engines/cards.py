"""Model cards: what a network is, where its file lies, how it is fed, how well it does, and what it is bad at.

A card is one YAML file. Those that come with the package lie in `model_cards/`; an operator's own card is named in the
settings. A card is data: nothing in it is run, and a key that is not known here stops the server.
"""

import hashlib
import importlib.metadata
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Any, Final

import yaml

from countenance.errors import IntegrityError, MalformedError, UnavailableError

#: No weight file of a face network is near this; a larger one would be read into memory only to be refused.
MODEL_BYTES_MAX: Final = 2**30
_CARD_BYTES_MAX: Final = 2**20


class Role(StrEnum):
    """What a network does."""

    DETECTOR = "detector"
    EXTRACTOR = "extractor"
    ATTACK = "attack"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the weights lie: a file of an installed distribution, or a path beside the card."""

    file: str
    package: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """How pixels become numbers: (value - mean) x scale per channel, in this order of colours."""

    colour: str = "rgb"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: float = 1.0
    #: Detector: the longer sides tried in turn, each a multiple of 32. Extractor: the side of the chip.
    sides: tuple[int, ...] = ()
    #: Detector: a face narrower than `again_below` pixels of the canvas is looked at again on a canvas of `again`.
    again: int = 0
    again_below: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a calibration: the score at which non-mated comparisons match at this rate, and how sure that is."""

    fmr_target: float
    score: float
    fmr: float
    fmr_upper: float
    fnmr: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """On what the thresholds were found; without it an extractor compares nothing."""

    data_set: str
    date: str
    subjects: int
    samples: int
    mated: int
    non_mated: int
    failures_to_acquire: int
    rows: tuple[Row, ...]
    #: The identifier of detector and extractor together; thresholds found with others do not hold.
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class Species:
    """How one kind of presentation attack fared when the limit was set: of so many, this share passed."""

    name: str
    attacks: int
    apcer: float


@dataclass(frozen=True, slots=True)
class AttackLimit:
    """From which score a face is suspected, and the error rates that were measured there."""

    threshold: float
    data_set: str
    date: str
    bona_fide: int
    bpcer: float
    species: tuple[Species, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """A model card; docs/concepts/engine.md explains each key."""

    id: str
    version: str
    role: Role
    family: str
    source: Source
    sha256: str
    licence: str
    origin: str
    input: Input
    weaknesses: tuple[str, ...]
    score_min: float = 0.5
    overlap_max: float = 0.3
    dimension: int = 0
    landmarks: tuple[tuple[float, float], ...] = ()
    tighter: float = 1.0
    #: Extractor: average the features of the chip and of its mirror image; then bring them to length one.
    mirror: bool = False
    unit_length: bool = False
    self_test: tuple[float, ...] = ()
    calibration: Calibration | None = None
    #: Attack: the side of the square that is looked at over that of the face, and which output speaks of bona fide.
    crop: float = 0.0
    bona_fide_output: int = 0
    softmax: bool = False
    limit: AttackLimit | None = None
    folder: Path | None = field(default=None, compare=False)

    def contract(self) -> str:
        """Return the SHA-256 over everything that changes the numbers that come out, in hexadecimal."""
        parts = (
            self.id, self.version, self.role, self.family, self.sha256, self.input, self.score_min, self.overlap_max,
            self.dimension, self.landmarks, self.tighter, self.mirror, self.unit_length,
        )  # fmt: skip
        return hashlib.sha256(repr(parts).encode()).hexdigest()


def builtin(role: Role) -> Card:
    """Return the card that comes with the package for a role."""
    folder = resources.files("countenance.engines") / "model_cards"
    found = [
        card
        for entry in sorted(folder.iterdir(), key=lambda one: one.name)
        if entry.name.endswith(".yaml")
        for card in [parse(entry.read_text("utf-8"))]
        if card.role is role
    ]
    if len(found) != 1:
        raise _bad("model_cards")
    return found[0]


def load(path: Path) -> Card:
    """Read an operator's card; a relative weight file is looked for beside it. Raises `MalformedError`."""
    try:
        with path.open("rb") as file:
            data = file.read(_CARD_BYTES_MAX + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MalformedError(
            "A model card cannot be read; check the path in the settings.", "无法读取模型卡；请检查设置中的路径。"
        ) from error
    if len(data) > _CARD_BYTES_MAX:
        raise _bad("size")
    return parse(text, path.resolve().parent)


def parse(text: str, folder: Path | None = None) -> Card:
    """Return the card written in a YAML text. Raises `MalformedError` naming the key that is wrong, never its value."""
    try:
        raw = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise _bad("yaml") from error
    values = _keys(Card, raw, "card", without=frozenset({"folder"}))
    values["source"] = Source(**_keys(Source, values["source"], "source"))
    values["input"] = Input(**_keys(Input, values["input"], "input"))
    if values.get("calibration") is not None:
        calibration = _keys(Calibration, values["calibration"], "calibration")
        if not isinstance(calibration["rows"], tuple):
            raise _bad("calibration.rows")
        calibration["rows"] = tuple(Row(**_keys(Row, row, "calibration.rows")) for row in calibration["rows"])
        values["calibration"] = Calibration(**calibration)
    if values.get("limit") is not None:
        limit = _keys(AttackLimit, values["limit"], "limit")
        if not isinstance(limit["species"], tuple):
            raise _bad("limit.species")
        limit["species"] = tuple(Species(**_keys(Species, row, "limit.species")) for row in limit["species"])
        values["limit"] = AttackLimit(**limit)
    try:
        values["role"] = Role(values["role"])
    except ValueError as error:
        raise _bad("role") from error
    card = Card(**values, folder=folder)
    _check(card)
    return card


def weights(card: Card) -> bytes:
    """Read the weight file of a card and hold it to its digest.

    Raises `UnavailableError` where it is not there and `IntegrityError` where one byte differs.
    """
    path = _path(card)
    try:
        with path.open("rb") as file:
            data = file.read(MODEL_BYTES_MAX + 1)
    except OSError as error:
        raise _absent(card) from error
    if len(data) > MODEL_BYTES_MAX or hashlib.sha256(data).hexdigest() != card.sha256:
        raise IntegrityError(
            f"The weights of {card.id} are not those its model card names; install them again or correct the card.",
            f"{card.id} 的权重与模型卡不符；请重新安装权重或更正模型卡。",
        )
    return data


def _path(card: Card) -> Path:
    if card.source.package is None:
        return (card.folder or Path()) / card.source.file
    # The files are found by the distribution's record: importing the package would run its code (and want OpenCV).
    try:
        listed = importlib.metadata.files(card.source.package) or []
    except importlib.metadata.PackageNotFoundError as error:
        raise _absent(card) from error
    for file in listed:
        if file.as_posix() == card.source.file:
            return Path(str(file.locate()))
    raise _absent(card)


def _absent(card: Card) -> UnavailableError:
    where = f"package {card.source.package}" if card.source.package else "file its card names"
    return UnavailableError(
        f"The weights of {card.id} are missing; install the {where} (extra `engine`).",
        f"缺少 {card.id} 的权重；请安装相应软件包（附加组件 engine）或提供模型卡所指文件。",
    )


def _bad(what: str) -> MalformedError:
    return MalformedError(
        f"The model card is wrong at `{what}`; compare it with docs/concepts/engine.md.",
        f"模型卡的 `{what}` 有误；请对照 docs/concepts/engine.md 更正。",
    )


def _keys(kind: type, raw: object, where: str, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Return the values of a mapping for the fields of a record; lists become tuples, types are held."""
    if not isinstance(raw, dict):
        raise _bad(where)
    known = {one.name: one for one in fields(kind) if one.name not in without}
    for name in raw:
        if name not in known:
            raise _bad(f"{where}: unknown key")
    for name, one in known.items():
        if name not in raw and one.default is MISSING and one.default_factory is MISSING:
            raise _bad(f"{where}.{name}")
    values = {}
    for name, value in raw.items():
        frozen = _frozen(value)
        if not _fits(frozen, known[name].type):
            raise _bad(f"{where}.{name}")
        values[name] = frozen
    return values


def _frozen(value: object) -> object:
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def _fits(value: object, kind: object) -> bool:
    """Hold the plain types; nested records and lists of numbers are held where they are made and by `_check`."""
    if kind is str:
        return isinstance(value, str)
    if kind is bool:
        return isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return True


def _numbers(values: object) -> bool:
    return isinstance(values, tuple) and all(_fits(value, float) for value in values)


def _side(value: object, any_side: bool) -> bool:  # noqa: FBT001 - the role, not a switch
    if not isinstance(value, int) or isinstance(value, bool):
        return False
    return 16 <= value <= 4096 and (any_side or value % 32 == 0)  # noqa: PLR2004 - detectors halve five times


def _words(values: object) -> bool:
    return isinstance(values, tuple) and len(values) > 0 and all(isinstance(value, str) for value in values)


def _triple(values: object) -> bool:
    return isinstance(values, tuple) and _numbers(values) and len(values) == 3  # noqa: PLR2004


def _point(values: object) -> bool:
    return isinstance(values, tuple) and _numbers(values) and len(values) == 2  # noqa: PLR2004


def _sound(limit: AttackLimit | None) -> bool:
    """Hold that a limit says for which error rates it was set: every rate a share, and a species at least."""
    if limit is None or not limit.species:
        return False
    rates = (limit.threshold, limit.bpcer, *(each.apcer for each in limit.species))
    return all(0 <= rate <= 1 for rate in rates) and limit.bona_fide > 0 and all(each.attacks for each in limit.species)


def _check(card: Card) -> None:
    """Hold what the types alone do not say."""
    given = card.input
    extractor, attack = card.role is Role.EXTRACTOR, card.role is Role.ATTACK
    digest: set[str] = set(card.sha256)
    demands = {
        "sha256": len(card.sha256) == 64 and digest <= set("0123456789abcdef"),  # noqa: PLR2004
        "input.colour": given.colour in {"rgb", "bgr"},
        "input.mean": _triple(given.mean),
        "input.sides": 0 < len(given.sides) <= 8 and all(_side(one, extractor or attack) for one in given.sides),  # noqa: PLR2004
        "input.again": 0 <= given.again <= 1024,  # noqa: PLR2004
        "weaknesses": _words(card.weaknesses),
        "dimension": 0 < card.dimension <= 4096 if extractor else card.dimension == 0,  # noqa: PLR2004
        "landmarks": not extractor or (len(card.landmarks) == 5 and all(map(_point, card.landmarks))),  # noqa: PLR2004
        "tighter": 0.5 <= card.tighter <= 2,  # noqa: PLR2004
        "self_test": len(card.self_test) in {0, card.dimension} and _numbers(card.self_test),
        "crop": 1 <= card.crop <= 8 if attack else card.crop == 0,  # noqa: PLR2004 - a face, up to all around it
        "bona_fide_output": card.bona_fide_output < 64,  # noqa: PLR2004 - no such network tells more kinds
        "limit": _sound(card.limit) if attack else card.limit is None,
        "source.file": ".." not in Path(card.source.file).parts and not Path(card.source.file).is_absolute(),
    }
    for key, fine in demands.items():
        if not fine:
            raise _bad(key)
