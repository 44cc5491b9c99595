"""Holds an ONNX file to what a face network needs, and sets the shape of its input.

A model file is a program from elsewhere. It is read from bytes only; whatever could reach a file, run foreign code or
reserve memory out of proportion is refused before a runtime sees it (CVE-2022-25882, CVE-2024-27318, CVE-2024-5187,
CVE-2025-51480 and their kind).
"""

from typing import TYPE_CHECKING, Final, NoReturn

from countenance.errors import MalformedError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

OPSET_MAX: Final = 23
_NODES_MAX: Final = 20_000
_TENSOR_VALUES_MAX: Final = 2**28
_DOMAINS: Final = {"", "ai.onnx"}


def _refuse(why: str, zh: str) -> NoReturn:
    raise MalformedError(
        f"The model file is refused: {why}; export it again as one plain ONNX file.",
        f"模型文件被拒绝：{zh}；请重新导出为单个标准 ONNX 文件。",
    )


def checked(data: bytes) -> "ModelProto":
    """Parse an ONNX file held in memory and refuse what no plain network needs. Raises `MalformedError`."""
    import onnx  # noqa: PLC0415 - comes with the extra
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with the extra

    model = onnx.ModelProto()
    try:
        model.ParseFromString(data)
    except (DecodeError, ValueError, RecursionError) as error:
        raise MalformedError(
            "The model file is not ONNX; check that the card names the right file.",
            "模型文件不是 ONNX；请检查模型卡所指文件是否正确。",
        ) from error
    if model.functions:
        _refuse("it defines operators of its own", "含自定义算子")
    for opset in model.opset_import:
        if opset.domain not in _DOMAINS:
            _refuse("it needs operators from outside the ONNX standard", "使用非 ONNX 标准算子")
        if not 7 <= opset.version <= OPSET_MAX:  # noqa: PLR2004 - the oldest that the runtimes promise
            _refuse("its operator set is not known here", "算子集版本未知")
    if not model.opset_import:
        _refuse("it names no operator set", "未声明算子集")
    _hold_graph(model.graph)
    return model


def _hold_graph(graph: "GraphProto") -> None:
    if not graph.node or len(graph.node) > _NODES_MAX:
        _refuse("it is empty or too large", "图为空或过大")
    if graph.sparse_initializer:
        _refuse("it holds sparse weights", "含稀疏权重")
    for tensor in graph.initializer:
        _hold_tensor(tensor)
    for node in graph.node:
        if node.domain not in _DOMAINS:
            _refuse("it needs operators from outside the ONNX standard", "使用非 ONNX 标准算子")
        for attribute in node.attribute:
            if attribute.HasField("g") or attribute.graphs:
                _refuse("it has branches or loops", "含分支或循环")
            if attribute.HasField("sparse_tensor") or attribute.sparse_tensors:
                _refuse("it holds sparse weights", "含稀疏权重")
            for tensor in ([attribute.t] if attribute.HasField("t") else []) + list(attribute.tensors):
                _hold_tensor(tensor)


def _hold_tensor(tensor: "TensorProto") -> None:
    from onnx import TensorProto  # noqa: PLC0415 - comes with the extra

    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        _refuse("its weights lie in another file", "权重位于外部文件")
    count = 1
    for size in tensor.dims:
        count *= size
        if size < 0 or count > _TENSOR_VALUES_MAX:
            _refuse("a tensor in it is too large", "张量过大")


def with_shape(model: "ModelProto", shape: tuple[int, int, int, int]) -> bytes:
    """Return the file with its single input fixed at `shape` (n, channels, height, width), outputs left to follow.

    Weights that old exporters list as inputs too are taken off that list: only then do runtimes fold constants.
    """
    import onnx  # noqa: PLC0415 - comes with the extra

    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    graph = fixed.graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [one for one in graph.input if one.name not in weights]
    if len(inputs) != 1:
        _refuse("it does not have exactly one input", "输入不唯一")
    del graph.input[:]
    graph.input.extend(inputs)
    sizes = inputs[0].type.tensor_type.shape
    if inputs[0].type.tensor_type.elem_type != onnx.TensorProto.FLOAT or len(sizes.dim) != len(shape):
        _refuse("its input is not float32 pictures", "输入不是 float32 图像")
    target = graph.input[0].type.tensor_type.shape
    for dimension, size in zip(target.dim, shape, strict=True):
        dimension.dim_value = size
    del graph.value_info[:]
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    return bytes(fixed.SerializeToString())
