"""A key holder for tests: at a socket of its own, in this process or in one of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from countenance.vault.keyholder import KeyHolder, make_key
from countenance.vault.keyholder_socket import AtSocket, Served
from countenance.vault.keys import FileKeys

#: As far as a made-up reference may be from a probe.
SCORES = {"verify": -0.25, "identify": -0.2}


@contextmanager
def served(folder: Path, scores: Mapping[str, float] = SCORES) -> Iterator[tuple[AtSocket, KeyHolder]]:
    """Yield a key holder at a socket, and itself."""
    keys = FileKeys(folder / "keyholder")
    if not keys.generations("keyholder"):
        make_key(keys)
    holder, path = KeyHolder(keys, scores), folder / "keyholder.socket"
    answering = Served(holder, path, [os.getuid()])
    thread = threading.Thread(target=answering.run, daemon=True)
    thread.start()
    asked = AtSocket(path)
    try:
        yield asked, holder
    finally:
        asked.close()
        answering.close()
        thread.join(timeout=5)


@contextmanager
def in_its_own_process(folder: Path, user: int | None = None) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Yield the socket of a key holder that runs by the command line, and its process."""
    path = folder / "run" / "keyholder.socket"
    environment = os.environ | {
        "COUNTENANCE_KEYHOLDER_DIR": str(folder / "own"),
        "COUNTENANCE_KEYHOLDER_SOCKET": str(path),
        "COUNTENANCE_KEYHOLDER_PEER": "root" if os.getuid() == 0 else "",
    }
    program = [sys.executable, "-m", "countenance", "keyholder"]
    if not (folder / "own").exists():
        subprocess.run([*program, "make"], env=environment, check=True, user=user, capture_output=True)
    process = subprocess.Popen([*program, "serve"], env=environment, user=user, stderr=subprocess.PIPE)
    try:
        wait_for(path)
        yield path, process
    finally:
        process.kill()
        process.wait(timeout=10)
        if process.stderr is not None:
            process.stderr.close()


def wait_for(path: Path) -> None:
    """Wait until somebody answers at a socket."""
    for _ in range(300):
        if path.exists():
            return
        time.sleep(0.1)
    message = "the key holder did not start"
    raise AssertionError(message)
