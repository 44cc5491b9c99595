"""A reader who types what a page shows: one shell, one demo server on a free port, a folder like that of a clone."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
START_SECONDS = 100
PORT_SHOWN = "127.0.0.1:8000"

#: Put before every Python program that a reader starts: it notes each address beyond this machine.
WATCH = """
import sys
def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        host = arguments[1][0] if isinstance(arguments[1], tuple) else None
    elif event == "socket.getaddrinfo":
        host = arguments[0]
    else:
        return
    if host not in (None, "", "127.0.0.1", "::1", "localhost", b"127.0.0.1", b"localhost"):
        note(repr(host))
def note(line):
    with open({noted!r}, "a") as file:
        file.write(line + "\\n")
sys.addaudithook(watch)
note("watching")
"""


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def recipe(target: str) -> str:
    """Return the one line that make would run for a target."""
    found = re.search(rf"^{target}:.*\n\t(.*)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert found, f"the Makefile has no {target}"
    return found.group(1).replace("$(BIN)", ".venv/bin")


class Reader:
    """Types commands one after another; what a shell remembers (variables, folders) stays from one to the next."""

    def __init__(self) -> None:
        """Make a short folder: the path of PostgreSQL's socket must stay under a hundred characters."""
        self.folder = Path(tempfile.mkdtemp(prefix="cn-", dir="/tmp"))
        for name in ("examples", ".venv"):
            (self.folder / name).symlink_to(ROOT / name if name != ".venv" else BIN.parent)
        self.noted = self.folder / "noted.txt"
        (self.folder / "watch").mkdir()
        (self.folder / "watch" / "sitecustomize.py").write_text(WATCH.format(noted=str(self.noted)), "utf-8")
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTENANCE_", "PYTEST_"))}
        self.environment = kept | {
            "PATH": f"{BIN}:{kept['PATH']}",
            "HOME": str(self.folder),
            "PYTHONPATH": str(self.folder / "watch"),
            "COUNTENANCE_PORT": str(self.port),
            "COUNTENANCE_URL": f"http://127.0.0.1:{self.port}",
            "LANG": "C.UTF-8",
        }
        self.served: subprocess.Popen[bytes] | None = None
        self.said = self.folder / "served.txt"
        self.shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def __enter__(self) -> Self:
        """Sit down."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop what was started, politely first, and leave nothing behind."""
        for process in (self.shell, self.served):
            if process is None:
                continue
            if process.stdin:
                process.stdin.close()
            process.send_signal(signal.SIGINT if process is self.served else signal.SIGTERM)  # Ctrl-C, as the demo says
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.shell.stdout:
            self.shell.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def type(self, command: str) -> tuple[int, str]:
        """Type one command and return its exit status and what it printed."""
        if command == "make run":
            self.serve()
            return 0, self.said.read_text("utf-8")
        assert self.shell.stdin
        assert self.shell.stdout
        command = command.replace(PORT_SHOWN, f"127.0.0.1:{self.port}")
        self.shell.stdin.write(f"{command}\nprintf '\\n--ended %d--\\n' $?\n")
        self.shell.stdin.flush()
        printed = ""
        for line in self.shell.stdout:
            ended = re.fullmatch(r"--ended (\d+)--\n", line)
            if ended:
                return int(ended.group(1)), printed
            printed += line
        raise AssertionError(f"the shell ended: {printed}")

    def beyond(self) -> list[str]:
        """Return the addresses beyond this machine that any program spoke to or looked up."""
        noted = self.noted.read_text("utf-8").splitlines()
        assert "watching" in noted, "nothing was watched"
        return [line for line in noted if line != "watching"]

    def printed(self, until: str) -> str:
        """Return what the server printed, once `until` is in it: it says what to do after it is ready."""
        last = time.monotonic() + 10
        while until not in self.said.read_text("utf-8"):
            assert time.monotonic() < last, self.said.read_text("utf-8")
            time.sleep(0.1)
        return self.said.read_text("utf-8")

    def serve(self) -> None:
        """Do what `make run` does, on the free port, and wait until the server says that it is ready."""
        program = recipe("run").split()
        with self.said.open("wb") as out:
            self.served = subprocess.Popen(
                program, cwd=self.folder, env=self.environment, stdout=out, stderr=subprocess.STDOUT
            )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            assert self.served.poll() is None, self.said.read_text("utf-8")
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/ready", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise AssertionError(f"not ready after {START_SECONDS} seconds: {self.said.read_text('utf-8')}")
