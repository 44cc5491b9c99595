"""Memory of a process that holds only the engine, after work at every size from four threads."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

TARGETS: Final = {"engine MiB": ("≤", 450.0)}

_PROGRAM: Final = """
import json, sys, tempfile, threading
from pathlib import Path
from bench.pictures import as_sent, development
from bench.template import chain
from countenance.engines import load_engine
def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return {key: int(line.split()[1]) / 1024 for line in lines for key in ("VmRSS", "VmHWM") if line.startswith(key)}
with tempfile.TemporaryDirectory() as folder:
    engine = load_engine(Path(folder), threads=1, workers=2)
ready = resident()["VmRSS"]
pictures = [as_sent(data, near=near) for data in development(Path(sys.argv[1]), 20) for near in (True, False)]
work = chain(engine)
threads = [threading.Thread(target=lambda: [work(data) for data in pictures]) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(json.dumps([ready, resident()["VmRSS"], resident()["VmHWM"]]))
"""


def measure(faces: Path) -> dict[str, float]:
    """Return mebibytes resident when the engine is ready, after the work, and at most."""
    command = [sys.executable, "-c", _PROGRAM, str(faces)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    ready, after, most = json.loads(done.stdout)
    return {"ready MiB": ready, "engine MiB": after, "at most MiB": most}
