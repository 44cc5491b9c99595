"""The OpenVINO runtime: the fastest on x86-64 processors, AMD's included. Computes in float32, opens no connection."""

import importlib.util
import platform
import queue
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from countenance.errors import MalformedError

NAME: Final = "openvino"
#: Where several runtimes can be had, `auto` takes the highest.
PREFERENCE: Final = 20

Numbers = npt.NDArray[np.float32]


def available() -> bool:
    """Say whether this runtime is installed and is meant for this processor."""
    return importlib.util.find_spec("openvino") is not None and platform.machine() in {"x86_64", "AMD64"}


class _Network:
    """One compiled network with as many requests as workers; any number of threads may call it."""

    def __init__(self, compiled: Any, workers: int) -> None:
        self._compiled = compiled
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(workers):
            self._requests.put(compiled.create_infer_request())

    def __call__(self, batch: Numbers) -> list[Numbers]:
        request = self._requests.get()
        try:
            request.infer({0: batch}, share_inputs=True)
            # Copied, because the request's own memory is the next caller's.
            return [np.array(request.get_output_tensor(at).data) for at in range(len(self._compiled.outputs))]
        finally:
            self._requests.put(request)


class Runtime:
    """Compiles networks for this machine's processor."""

    def __init__(self, *, threads: int, workers: int, cuda: bool) -> None:
        """Share `threads` × `workers` processor threads out as one stream per worker."""
        import openvino  # noqa: PLC0415 - comes with the extra

        del cuda  # this runtime knows no CUDA; `load_engine` chooses another where it is asked for
        self._core = openvino.Core()
        self._workers = workers
        # Without the hint it would compute in bfloat16 where the processor can: faster, but 1.5e-3 off the calibration.
        self._hints = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads * workers,
            "NUM_STREAMS": workers,
            "ENABLE_CPU_PINNING": False,
        }

    def network(self, model: bytes) -> _Network:
        """Compile an ONNX file held in memory. Raises `MalformedError` where the runtime cannot."""
        try:
            compiled = self._core.compile_model(self._core.read_model(model), "CPU", self._hints)
        except RuntimeError as error:
            raise MalformedError(
                "The runtime cannot compile the model; try the other runtime or export the model again.",
                "运行时无法编译该模型；请改用另一运行时或重新导出模型。",
            ) from error
        return _Network(compiled, self._workers)
