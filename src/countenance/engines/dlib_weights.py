"""Reads dlib's residual feature network from its own file format and writes the same network as ONNX, once.

The `.dat` holds the layers in the order of execution: 29 convolutions (`con_4`), each followed by an affine layer
(`affine_`), and one fully connected layer without bias (`fc_2`). Integers are one control byte (low nibble: how many
bytes follow, high bit: sign) and little-endian bytes; a tensor is the integer 2, four dimensions and float32 values.
Each affine layer and the input's normalisation are folded into the convolution before them, in double precision.
Nothing of dlib runs here. Source of the architecture: dlib's published example `dnn_face_recognition_ex.cpp`.
"""

import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from countenance.errors import IntegrityError

CHIP_SIDE: Final = 150
#: The mean colour that dlib subtracts, and the divisor; both disappear into the first convolution.
_MEAN: Final = (122.782, 117.001, 104.298)
_DIVISOR: Final = 256.0
#: (channels, stride) of the fourteen residual blocks, from input to output.
_BLOCKS: Final = (
    *[(32, 1)] * 3, (64, 2), *[(64, 1)] * 3, (128, 2), *[(128, 1)] * 2, (256, 2), *[(256, 1)] * 2, (256, 2),
)  # fmt: skip
_CONVOLUTIONS: Final = 1 + 2 * len(_BLOCKS)
_DIMENSION: Final = 128
_TENSOR_VERSION: Final = 2
_TENSOR_VALUES_MAX: Final = 4_000_000

Array = npt.NDArray[np.float64]


class _Reader:
    """Walks over dlib's serialisation."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def integer(self, at: int) -> tuple[int, int]:
        """Return the integer at a byte offset and the offset behind it."""
        control = self._data[at]
        size = control & 0x0F
        end = at + 1 + size
        if size not in range(1, 9) or end > len(self._data):
            raise _unreadable()
        value = int.from_bytes(self._data[at + 1 : end], "little")
        return (-value if control & 0x80 else value), end

    def tensor(self, at: int) -> Array:
        """Return the tensor at a byte offset as n × k × rows × columns."""
        version, at = self.integer(at)
        if version != _TENSOR_VERSION:
            raise _unreadable()
        shape = []
        for _ in range(4):
            size, at = self.integer(at)
            shape.append(size)
        count = int(np.prod(shape))
        end = at + 4 * count
        if not 0 < count <= _TENSOR_VALUES_MAX or end > len(self._data):
            raise _unreadable()
        return np.frombuffer(self._data, "<f4", count, at).astype(np.float64).reshape(shape)

    def layers(self, tag: bytes, *, integers: int = 0) -> list[Array]:
        """Return the parameter tensor behind each occurrence of a layer's tag and its `integers`, in file order."""
        found = []
        marker = bytes([1, len(tag)]) + tag
        at = self._data.find(marker)
        while at >= 0:
            behind = at + len(marker)
            for _ in range(integers):
                _, behind = self.integer(behind)
            found.append(self.tensor(behind))
            at = self._data.find(marker, behind)
        return found


def _unreadable() -> IntegrityError:
    return IntegrityError(
        "The weights of the feature network are not in the format expected; install their package again.",
        "特征网络的权重文件格式不符；请重新安装提供该文件的软件包。",
    )


def _folded(data: bytes) -> tuple[list[tuple[Array, Array]], Array]:
    """Return (filters, biases) of each convolution, all that is linear folded in, and the last matrix (256 × 128)."""
    try:
        reader = _Reader(data)
        convolutions, affines = reader.layers(b"con_4"), reader.layers(b"affine_")
        last = reader.layers(b"fc_2", integers=2)  # how many outputs and how many inputs
    except (IndexError, struct.error) as error:
        raise _unreadable() from error
    if (len(convolutions), len(affines), len(last)) != (_CONVOLUTIONS, _CONVOLUTIONS, 1):
        raise _unreadable()
    channels = [32] + [size for size, _ in _BLOCKS for _ in range(2)]
    inputs = 3
    folded = []
    for index, (parameters, affine, outputs) in enumerate(zip(convolutions, affines, channels, strict=True)):
        window = 7 if index == 0 else 3
        count = outputs * inputs * window * window
        if parameters.size != count + outputs or affine.size != 2 * outputs:
            raise _unreadable()
        flat, gamma, beta = parameters.ravel(), affine.ravel()[:outputs], affine.ravel()[outputs:]
        filters = flat[:count].reshape(outputs, inputs, window, window)
        biases = flat[count:]
        if index == 0:
            # The first convolution pads nothing, so the mean colour folds in exactly, at the borders too.
            biases = biases - (filters.sum((2, 3)) @ np.array(_MEAN)) / _DIVISOR
            filters = filters / _DIVISOR
        folded.append((filters * gamma[:, None, None, None], biases * gamma + beta))
        inputs = outputs
    if last[0].size != inputs * _DIMENSION:
        raise _unreadable()
    return folded, last[0].reshape(inputs, _DIMENSION)


class _Graph:
    """Collects ONNX nodes and weights; every method returns the name of its result."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper  # noqa: PLC0415 - comes with the extra

        self._helper, self._numpy = helper, numpy_helper
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weight(self, values: npt.NDArray[np.generic]) -> str:
        name = f"weight{len(self.weights)}"
        self.weights.append(self._numpy.from_array(values, name))
        return name

    def convolution(self, source: str, filters: Array, biases: Array, stride: int) -> str:
        pad = filters.shape[-1] // 2 if stride == 1 else 0
        inputs = [source, self.weight(filters.astype(np.float32)), self.weight(biases.astype(np.float32))]
        return self.node("Conv", inputs, strides=[stride] * 2, pads=[pad] * 4, kernel_shape=list(filters.shape[2:]))

    def padded(self, source: str, channels: int, side: int) -> str:
        """Add zero channels, and zero rows and columns at the far end, as dlib's `add_prev` does."""
        if channels == 0 and side == 0:
            return source
        return self.node("Pad", [source, self.weight(np.array([0, 0, 0, 0, 0, channels, side, side], np.int64))])


def build(data: bytes) -> bytes:
    """Return the ONNX file of the network whose dlib file is `data`.

    Input `chip`: n × 3 × 150 × 150 RGB, float 0 … 255. Output `features`: n × 128. Raises `IntegrityError` where the
    file is not that network. The result is the same bytes for the same input and version of `onnx`.
    """
    from onnx import TensorProto, helper  # noqa: PLC0415 - comes with the extra

    layers, last = _folded(data)
    graph = _Graph()
    convolutions = iter(layers)
    now = graph.node("Relu", [graph.convolution("chip", *next(convolutions), stride=2)])
    now = graph.node("MaxPool", [now], kernel_shape=[3, 3], strides=[2, 2])
    channels, side = 32, 35
    for outputs, stride in _BLOCKS:
        left = graph.node("Relu", [graph.convolution(now, *next(convolutions), stride=stride)])
        left = graph.convolution(left, *next(convolutions), stride=1)
        if stride == 1:
            now = graph.node("Relu", [graph.node("Add", [left, now])])
            continue
        right = graph.node("AveragePool", [now], kernel_shape=[2, 2], strides=[2, 2])
        narrow, wide = (side - 3) // 2 + 1, (side - 2) // 2 + 1
        left = graph.padded(left, 0, wide - narrow)
        right = graph.padded(right, outputs - channels, 0)
        now = graph.node("Relu", [graph.node("Add", [left, right])])
        channels, side = outputs, wide
    now = graph.node("Flatten", [graph.node("GlobalAveragePool", [now])])
    graph.nodes.append(helper.make_node("MatMul", [now, graph.weight(last.astype(np.float32))], ["features"]))
    batch = helper.make_tensor_value_info("chip", TensorProto.FLOAT, ["n", 3, CHIP_SIDE, CHIP_SIDE])
    result = helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", _DIMENSION])
    made = helper.make_graph(graph.nodes, "dlib-face-recognition-resnet-v1", [batch], [result], graph.weights)
    opset = [helper.make_opsetid("", 13)]
    model = helper.make_model(made, opset_imports=opset, ir_version=8, producer_name="countenance")
    return bytes(model.SerializeToString())
