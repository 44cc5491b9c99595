"""Create .venv with exactly what a lock file names: `python3 tools/setup.py run` or `… dev`.

Standard library only, because nothing else is installed yet. `run` installs what the server needs, `dev` what tests,
checks and benches need as well. Every file is checked against the hash in the lock; nothing is resolved anew.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}
OLDEST = (3, 11)

#: pip options shared by all steps; no step may pull in what the lock does not name.
QUIETLY = ("--disable-pip-version-check", "--no-input")
LOCKED = ("--no-deps", "--require-hashes", "--no-build-isolation")


class SetupError(Exception):
    """A step failed; the message says what to do."""


def main(arguments: list[str]) -> int:
    """Run the steps one after another and say which one is running."""
    if len(arguments) != 1 or arguments[0] not in LOCKS:
        print("usage: python3 tools/setup.py run|dev", file=sys.stderr)
        return 2
    wanted = arguments[0]
    try:
        check_python()
        make_environment()
        step(2, 4, "the build tool")
        pip(*LOCKED, "--quiet", "-r", "requirements-build.lock")
        step(3, 4, f"the packages of {LOCKS[wanted]} (the first time about 350 MB are downloaded)")
        pip(*LOCKED, "--progress-bar", "on", "-r", LOCKS[wanted])
        step(4, 4, "Countenance itself")
        pip("--no-deps", "--no-build-isolation", "--quiet", "-e", ".")
    except SetupError as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    for name in ("run", "dev") if wanted == "dev" else ("run",):
        (VENV / f"{name}-ready").touch()
    return 0


def step(number: int, of: int, what: str) -> None:
    """Say what happens now; flushed, because pip writes to the same terminal."""
    print(f"[{number}/{of}] {what}", flush=True)


def check_python() -> None:
    """Refuse a Python that is too old, before anything is downloaded."""
    if sys.version_info < OLDEST:
        have = ".".join(str(part) for part in sys.version_info[:2])
        raise SetupError(
            f"Countenance needs Python {OLDEST[0]}.{OLDEST[1]} or newer and this is {have}.\n"
            "Install a newer one and name it: make PYTHON=python3.12 run"
        )


def make_environment() -> None:
    """Create .venv, unless one with a working pip is there."""
    step(1, 4, "the virtual environment .venv")
    python = VENV / "bin" / "python"
    if (
        python.exists()
        and subprocess.run([python, "-m", "pip", "--version"], stdout=subprocess.DEVNULL, check=False).returncode == 0
    ):
        return
    try:
        venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
    except (subprocess.CalledProcessError, OSError) as failed:
        raise SetupError(
            "The virtual environment could not be created.\n"
            "On Debian and Ubuntu: apt install python3-venv. Otherwise see that this folder can be written to."
        ) from failed


def pip(*arguments: str) -> None:
    """Run pip's `install` inside .venv."""
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", *QUIETLY, *arguments]
    # What comes as source is built the same way by every pip; the newest know no other way and no such option.
    environment = {**os.environ, "PIP_USE_PEP517": "1"}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
        raise SetupError(
            "pip could not finish; its message is above. If it speaks of the network, run the same command again:\n"
            "what was downloaded is kept. If it speaks of hashes, the package index served other files than the lock\n"
            "names: do not go on, and report it."
        )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
