"""A hotel whose server runs for a bench: declared, opened and asked over HTTP, as an integrator's is."""

import io
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from PIL import Image

from bench import ROOT
from countenance.client import Client

PURPOSE, DEVICE, SUBJECT = "check-in", "kiosk-1", "guest"
SESSION: Final = {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True}


@dataclass(frozen=True, slots=True)
class Running:
    """A server that serves the example hotel: where, for whose device, under which settings."""

    url: str
    pid: int
    environment: dict[str, str] = field(repr=False)
    token: str = field(repr=False)


@contextmanager
def standing(folder: Path) -> Iterator[Running]:
    """Serve the example hotel from an empty folder, with its kiosk registered and its purpose active, and end it."""
    environment = _environment(folder)
    _run(environment, "site", "apply", str(ROOT / "examples" / "hotel.yaml"))
    token = _run(environment, "credential", "issue", "device", "--device", DEVICE).strip()
    officer = _run(environment, "credential", "issue", "officer").strip()
    with _server(environment) as (url, pid):
        with Client(url, officer) as opening:
            opening.activate(PURPOSE)
            opening.register(DEVICE, purpose=PURPOSE)
        yield Running(url, pid, environment, token)


def agree(client: Client) -> dict[str, Any]:
    """Let the guest consent to everything that a kiosk asks for, after the notice; return what was answered."""
    return client.consent(
        subject=SUBJECT,
        purpose=PURPOSE,
        decision="given",
        form="separate",
        scopes=["enrol", "verify", "off_device_storage"],
        served=client.serve_notice(purpose=PURPOSE, language="en")["served"],
        age_class="adult",
    )


def photograph(faces: Path) -> bytes:
    """Return one development photograph as a camera would send it: JPEG, 640 × 480."""
    first = min((faces / "images").rglob("*.jpg"))
    with Image.open(first) as picture:
        fitted = picture.convert("RGB").resize((480, 480))
    wide = Image.new("RGB", (640, 480), (110, 110, 110))
    wide.paste(fitted, (80, 0))
    into = io.BytesIO()
    wide.save(into, "JPEG", quality=90)
    return into.getvalue()


def _environment(folder: Path) -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
    return kept | {"COUNTENANCE_DATA_DIR": str(folder), "COUNTENANCE_PORT": str(port)}


def _run(environment: dict[str, str], *words: str) -> str:
    command = [sys.executable, "-m", "countenance", *words]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


@contextmanager
def _server(environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "countenance", "serve"], env=environment, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None  # noqa: S101 — for the type checker
    try:
        for line in process.stderr:
            if found := re.search(r"Serving on (\S+)", line):
                threading.Thread(target=process.stderr.read, daemon=True).start()
                yield found[1], process.pid
                return
        message = "The server did not start."
        raise RuntimeError(message)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
