"""The shelf of engines: runtimes, one file each, and model cards; `load_engine` puts one together.

A module here that has `NAME`, `PREFERENCE`, `available()` and `Runtime` is a runtime; nothing is registered by hand.
This shelf knows no law: its extractor answers whoever holds it, and only `compare` holds it, behind a permit.
"""

import hashlib
import importlib
import os
import pkgutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from countenance.engines import cards, dlib_weights, graphs
from countenance.engines.assembly import CardAttackModel, CardDetector, CardExtractor, Shaped
from countenance.engines.cards import Card, Role, Row
from countenance.errors import IntegrityError, MalformedError, UnavailableError

#: Rises when `dlib_weights.build` writes another graph; caches of earlier ones are left alone and not used.
_BUILD: Final = 1


@dataclass(frozen=True, slots=True)
class Engine:
    """A detector and an extractor that belong together; thread-safe; `model_id` names all that shapes the numbers."""

    detector: CardDetector
    extractor: CardExtractor
    model_id: str
    runtime: str
    #: A passive model against presentation attacks; it shapes no features, so `model_id` does not name it.
    attack: CardAttackModel | None = None

    def threshold(self, fmr_target: float) -> Row:
        """Return the card's row for a target FMR: the one calibrated for it, else the next stricter.

        Raises `UnavailableError` where the calibration does not reach so far or was made with other networks.
        """
        return _threshold(self.extractor.card, self.model_id, fmr_target)

    def self_test(self) -> None:
        """Raise `IntegrityError` where a network does not compute what its card says."""
        self.detector.self_test()
        self.extractor.self_test()
        if self.attack is not None:
            self.attack.self_test()

    def close(self) -> None:
        """Let the networks go."""
        self.detector.close()
        self.extractor.close()
        if self.attack is not None:
            self.attack.close()


def _threshold(extractor: Card, model: str, fmr_target: float) -> Row:
    calibration = extractor.calibration
    if calibration is None or calibration.model_id not in {"", model}:
        raise UnavailableError(
            "The model card holds no calibration for these networks; run `countenance evaluate --calibrate`.",
            "模型卡没有适用于当前网络的校准；请运行 countenance evaluate --calibrate。",
        )
    fitting = [row for row in calibration.rows if row.fmr_target <= fmr_target * (1 + 1e-9)]
    if not fitting:
        raise UnavailableError(
            "The calibration does not reach the target FMR; choose a larger one or calibrate on more subjects.",
            "校准数据不足以支持目标误匹配率；请提高目标值或用更多人员重新校准。",
        )
    return max(fitting, key=lambda row: row.fmr_target)


def thresholds(detector_card: Path | None, extractor_card: Path | None, targets: Iterable[float]) -> list[float]:
    """Return the scores that stand for target FMRs, from the cards alone: for whoever holds no network.

    Raises what `Engine.threshold` raises, and `MalformedError` for a card that cannot be read.
    """
    detector = cards.load(detector_card) if detector_card else cards.builtin(Role.DETECTOR)
    extractor = cards.load(extractor_card) if extractor_card else cards.builtin(Role.EXTRACTOR)
    return [_threshold(extractor, model_id(detector, extractor), target).score for target in targets]


def runtimes() -> dict[str, Any]:
    """Return the runtime modules on this shelf by name, the preferred first, whether or not they are installed."""
    found = []
    for entry in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{entry.name}")
        if all(hasattr(module, name) for name in ("NAME", "PREFERENCE", "available", "Runtime")):
            found.append(module)
    return {module.NAME: module for module in sorted(found, key=lambda one: -one.PREFERENCE)}


def load_engine(
    data_dir: Path,
    *,
    runtime: str = "auto",
    threads: int = 1,
    workers: int = 2,
    cuda: bool = False,
    detector_card: Path | None = None,
    extractor_card: Path | None = None,
    attack_card: Path | None = None,
) -> Engine:
    """Load the networks, hold them to digest and self-test, and return the engine.

    `threads` compute one picture, `workers` pictures at a time. Converted networks are kept in `data_dir`/engines.
    Raises `UnavailableError`, `MalformedError` or `IntegrityError`; a server must not start after any of them.
    """
    chosen = _choose(runtime, cuda=cuda)
    made = chosen.Runtime(threads=threads, workers=workers, cuda=cuda)
    detector = cards.load(detector_card) if detector_card else cards.builtin(Role.DETECTOR)
    extractor = cards.load(extractor_card) if extractor_card else cards.builtin(Role.EXTRACTOR)
    attack = cards.load(attack_card) if attack_card else None
    roles = (detector.role, extractor.role, attack.role if attack else Role.ATTACK)
    if roles != (Role.DETECTOR, Role.EXTRACTOR, Role.ATTACK):
        raise MalformedError(
            "A model card is used in the wrong role; exchange the settings.", "模型卡用途不符；请对调相应设置。"
        )
    engine = Engine(
        CardDetector(detector, made, _shaped(detector, data_dir)),
        CardExtractor(extractor, made, _shaped(extractor, data_dir)),
        model_id(detector, extractor),
        chosen.NAME,
        CardAttackModel(attack, made, _shaped(attack, data_dir)) if attack else None,
    )
    engine.self_test()
    return engine


def model_id(detector: Card, extractor: Card) -> str:
    """Return the identifier of all that shapes the features: both cards' contracts; features of two never compare."""
    both = hashlib.sha256(f"{detector.contract()} {extractor.contract()}".encode()).hexdigest()
    return f"{extractor.id}-{both[:16]}"


def _choose(name: str, *, cuda: bool) -> Any:
    shelf = runtimes()
    if cuda:
        name = "onnxruntime"
    wanted = list(shelf.values()) if name == "auto" else [module for key, module in shelf.items() if key == name]
    for module in wanted:
        if module.available():
            return module
    raise UnavailableError(
        "No such engine runtime is installed; install the extra `engine` or correct the setting.",
        "未安装所需的推理运行时；请安装附加组件 engine 或更正设置。",
    )


def _shaped(card: Card, data_dir: Path) -> Shaped:
    """Read and check the weights now, and return what fixes the input's shape later."""
    data = cards.weights(card)
    if card.family == "dlib":
        data = _converted(card, data, data_dir / "engines")
    model = graphs.checked(data)
    return lambda shape: graphs.with_shape(model, shape)


def _converted(card: Card, data: bytes, folder: Path) -> bytes:
    """Return the ONNX form of dlib's weights, from the cache where it is sound: a file's name holds its digest."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    start = f"{card.sha256[:16]}-{_BUILD}-"
    for path in sorted(folder.glob(f"{start}*.onnx")):
        kept = path.read_bytes()
        if path.name != f"{start}{hashlib.sha256(kept).hexdigest()}.onnx":
            raise IntegrityError(
                "A converted network in the data directory was changed; find out by whom, then delete it.",
                "数据目录中的转换网络被改动；请查明原因后删除该文件。",
            )
        return kept
    made = dlib_weights.build(data)
    handle, name = tempfile.mkstemp(dir=folder)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        Path(name).rename(folder / f"{start}{hashlib.sha256(made).hexdigest()}.onnx")
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return made
