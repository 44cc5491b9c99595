"""Small ONNX networks made on the spot, and cards for them: an engine by file, without anybody's weights."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

DIMENSION = 16
CHIP = 32


def _model(nodes: list[Any], outputs: list[str], weights: dict[str, np.ndarray], side: int, opset: int = 13) -> bytes:
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, side, side])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return bytes(model.SerializeToString())


def detector() -> bytes:
    """Return a network with CenterFace's outputs that sees a face wherever 4 × 4 pixels are pure red."""
    red = np.zeros((1, 3, 4, 4))
    red[0, 0], red[0, 1:] = 1 / 16 / 255, -1 / 16 / 255
    # Sizes 64 × 64 pixels and landmarks at fixed shares of the box, whatever the picture shows.
    points = [0.4, 0.3, 0.4, 0.7, 0.6, 0.5, 0.8, 0.35, 0.8, 0.65]
    constant = {"size": [np.log(16)] * 2, "offset": [0.0, 0.0], "points": points}
    nodes = [
        helper.make_node("Conv", ["picture", "red"], ["raw"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("Clip", ["raw", "low", "high"], ["heat"]),
    ]
    weights = {"red": red, "low": np.array(0.0), "high": np.array(1.0), "zero": np.array(0.0)}
    for name, values in constant.items():
        weights[f"{name}_values"] = np.array(values).reshape(1, -1, 1, 1)
        nodes.append(helper.make_node("Mul", ["raw", "zero"], [f"{name}_empty"]))
        nodes.append(helper.make_node("Add", [f"{name}_empty", f"{name}_values"], [name]))
    return _model(nodes, ["heat", "size", "offset", "points"], weights, 64)


def extractor(seed: int = 0) -> bytes:
    """Return a network that gives 16 numbers for a 32 × 32 chip: one convolution with random weights."""
    weights = {"filters": np.random.default_rng(seed).normal(size=(DIMENSION, 3, CHIP, CHIP)) / CHIP}
    nodes = [
        helper.make_node("Conv", ["picture", "filters"], ["map"], kernel_shape=[CHIP, CHIP]),
        helper.make_node("Flatten", ["map"], ["features"]),
    ]
    return _model(nodes, ["features"], weights, CHIP)


def _write(folder: Path, name: str, model: bytes, card: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.onnx").write_bytes(model)
    card = {
        "id": name,
        "version": "1",
        "source": {"file": f"{name}.onnx"},
        "sha256": hashlib.sha256(model).hexdigest(),
        "licence": "Apache-2.0",
        "origin": "made by a test",
        "weaknesses": ["sees red squares only"],
    } | card
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(card), "utf-8")
    return path


def detector_card(folder: Path, model: bytes | None = None, **changes: Any) -> Path:
    """Write the detector and its card, and return the card's path."""
    card = {"role": "detector", "family": "centerface", "input": {"sides": [64, 128]}, "score_min": 0.9}
    return _write(folder, "squares", model or detector(), card | changes)


def extractor_card(folder: Path, model: bytes | None = None, **changes: Any) -> Path:
    """Write the extractor and its card, and return the card's path."""
    card = {
        "role": "extractor",
        "family": "chip",
        "input": {"sides": [CHIP], "colour": "bgr", "mean": [127.5] * 3, "scale": 1 / 127.5},
        "dimension": DIMENSION,
        "landmarks": [[10, 12], [22, 12], [16, 18], [11, 24], [21, 24]],
        "mirror": False,
        "unit_length": True,
    }
    return _write(folder, "shades", model or extractor(), card | changes)


def changed(model: bytes, how: Any) -> bytes:
    """Return the model after `how` was done to its parsed form."""
    parsed = onnx.load_model_from_string(model)
    how(parsed)
    return bytes(parsed.SerializeToString())


def attack_model(side: int = 32) -> bytes:
    """Return a network that calls bright pictures bona fide: two outputs, attack and bona fide, before softmax."""
    weights = {
        "filters": np.stack([-np.ones((3, side, side)), np.ones((3, side, side))]) / (3 * side * side * 16),
        "middle": np.array([8.0, -8.0]),
    }
    nodes = [
        helper.make_node("Conv", ["picture", "filters", "middle"], ["map"], kernel_shape=[side, side]),
        helper.make_node("Flatten", ["map"], ["kinds"]),
    ]
    return _model(nodes, ["kinds"], weights, side)


def attack_card(folder: Path, model: bytes | None = None, **changes: Any) -> Path:
    """Write the attack model and its card, and return the card's path."""
    card = {
        "role": "attack",
        "family": "crop",
        "input": {"sides": [32]},
        "crop": 1.5,
        "bona_fide_output": 1,
        "softmax": True,
        "limit": {
            "threshold": 0.5,
            "data_set": "made by a test",
            "date": "2026-11-23",
            "bona_fide": 100,
            "bpcer": 0.02,
            "species": [{"name": "dark", "attacks": 50, "apcer": 0.04}],
        },
    }
    return _write(folder, "bright", model or attack_model(), card | changes)
