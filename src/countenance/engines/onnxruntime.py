"""ONNX Runtime: for processors other than x86-64, and for NVIDIA GPUs by the extra `cuda`."""

import importlib.util
import threading
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from countenance.errors import MalformedError, UnavailableError

NAME: Final = "onnxruntime"
#: Where several runtimes can be had, `auto` takes the highest.
PREFERENCE: Final = 10

Numbers = npt.NDArray[np.float32]


def available() -> bool:
    """Say whether this runtime is installed."""
    return importlib.util.find_spec("onnxruntime") is not None


class _Network:
    """One session; any number of threads may call it, `workers` of them compute at a time."""

    def __init__(self, session: Any, workers: int) -> None:
        self._session = session
        self._input = session.get_inputs()[0].name
        self._places = threading.BoundedSemaphore(workers)

    def __call__(self, batch: Numbers) -> list[Numbers]:
        with self._places:
            return [np.asarray(one, np.float32) for one in self._session.run(None, {self._input: batch})]


class Runtime:
    """Makes sessions on the processor, or on an NVIDIA GPU where that was asked for."""

    def __init__(self, *, threads: int, workers: int, cuda: bool) -> None:
        """Let each run use `threads` processor threads. Raises `UnavailableError` where CUDA is wanted and absent."""
        import onnxruntime  # noqa: PLC0415 - comes with the extra

        self._package = onnxruntime
        self._workers = workers
        self._options = onnxruntime.SessionOptions()
        self._options.intra_op_num_threads = threads
        self._options.inter_op_num_threads = 1
        self._options.log_severity_level = 3
        self._providers = ["CPUExecutionProvider"]
        if cuda:
            if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
                raise UnavailableError(
                    "No CUDA provider is installed; install the extra `cuda` or turn the setting off.",
                    "未安装 CUDA 组件；请安装附加组件 cuda 或关闭该设置。",
                )
            self._providers.insert(0, "CUDAExecutionProvider")

    def network(self, model: bytes) -> _Network:
        """Make a session of an ONNX file held in memory. Raises `MalformedError` where the runtime cannot."""
        failures = self._package.capi.onnxruntime_pybind11_state
        try:
            session = self._package.InferenceSession(model, self._options, providers=self._providers)
        except (failures.Fail, failures.InvalidGraph, failures.InvalidArgument, failures.NotImplemented,
                failures.InvalidProtobuf, failures.RuntimeException) as error:  # fmt: skip
            raise MalformedError(
                "The runtime cannot compile the model; try the other runtime or export the model again.",
                "运行时无法编译该模型；请改用另一运行时或重新导出模型。",
            ) from error
        return _Network(session, self._workers)
