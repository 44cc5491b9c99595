"""The machine in general words: figures without it mean nothing."""

import os
import platform
from importlib import metadata
from pathlib import Path


def machine() -> str:
    """Return processor, cores, Python and the versions of what computes."""
    model = platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = cpuinfo.read_text("utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    parts = []
    for name in ("openvino", "onnxruntime", "numpy", "pillow", "dlib-bin"):
        try:
            parts.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            parts.append(f"{name} absent")
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}; {', '.join(parts)}"
