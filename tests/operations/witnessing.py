"""What tests of witnesses share: logs that grow, fork and go back, a file server for them, and one that misbehaves."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from countenance.authority.alarms import Alarm, AlarmKind
from countenance.authority.witness import Answer, Witness, make
from countenance.log.entries import LogEntry
from countenance.log.notes import Checkpoint, Note, SignatureKind, Signer, as_line, hash_line, opened, signed
from countenance.log.policy import Policy
from countenance.log.tiles import LogFiles
from countenance.log.tree import HASH_BYTES, Tree, width

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
ORIGIN = "hotel.example/log/hotel/1"


def entry(number: int, story: str = "") -> bytes:
    return LogEntry(NOW, "verify", sha256(f"{story}{number}".encode()).digest()).encoded()


class Log:
    """A log in files, as an operator keeps it; `story` makes its entries another history's."""

    def __init__(self, directory: Path, origin: str = ORIGIN, seed: bytes = bytes(32), story: str = "") -> None:
        self.files = LogFiles(directory)
        self.signer = Signer(origin, seed)
        self.story = story
        self.size = 0

    @property
    def vkey(self) -> str:
        return self.signer.verifier.as_vkey()

    def grow(self, many: int, *, story: str | None = None) -> bytes:
        """Append entries and return the signed checkpoint."""
        told = self.story if story is None else story
        self.files.extend(self.size, [entry(number, told) for number in range(self.size, self.size + many)])
        self.size += many
        note = self.note()
        self.files.publish(note)
        return note

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        size = self.size if size is None else size

        def read(level: int, index: int, wide: int) -> bytes:
            # Of a smaller tree the tiles at the right edge are beginnings of those that are there now.
            return self.files.tile(level, index, width(self.size, level, index))[: wide * HASH_BYTES]

        return Checkpoint(self.signer.verifier.name, size, Tree(size, read).root())

    def note(self, size: int | None = None) -> bytes:
        return signed(self.checkpoint(size), self.signer)

    def proof(self, old: int) -> list[bytes]:
        return self.files.tree(self.size).consistency(old)

    def asks(self, old: int, note: bytes | None = None, proof: list[bytes] | None = None) -> bytes:
        """Return the body of a request."""
        proof = self.proof(old) if proof is None else proof
        return f"old {old}\n{''.join(map(as_line, proof))}\n".encode() + (note or self.note())


def forked(directory: Path, log: Log, common: int, size: int) -> Log:
    """Return a log with the same key and another history from an entry on."""
    other = Log(directory / f"fork-{common}-{size}")
    other.grow(common)
    other.grow(size - common, story="other")
    assert other.vkey == log.vkey
    return other


def policy(*lines: str, quorum: str = "none") -> Policy:
    return Policy.parse("".join(f"{line}\n" for line in (*lines, f"quorum {quorum}")).encode())


def witness(directory: Path, *lines: str, clock: Callable[[], datetime] = lambda: NOW) -> Witness:
    """Return a witness that knows the logs of these lines, made where there is none yet."""
    if not (directory / "vkey").exists():
        make(directory, "witness.example/w1")
    return Witness(directory, policy(*lines), clock)


def alarms(asked: Witness) -> list[tuple[AlarmKind, int, bool]]:
    return [(each.kind, each.size, each.proven) for each in asked.alarms.listed()]


def evidence(alarm: Alarm) -> tuple[Checkpoint, Checkpoint, list[bytes]]:
    """Return what an alarm keeps, read by nothing but the log's key."""
    key = Signer(ORIGIN, bytes(32)).verifier
    both = [opened((alarm.folder / name).read_bytes(), key)[0] for name in ("offending", "contradicted")]
    said = json.loads((alarm.folder / "alarm.json").read_text())
    return both[0], both[1], [hash_line(each) for each in said["proof"]]


def cosigns(asked: Witness, answered: Answer, note: bytes) -> None:
    """Make sure that an answer is the witness's own signature over this checkpoint."""
    assert answered.status == 200, answered
    signed_by = Note.parse(note + answered.body).signed_by([asked.signer.verifier])
    assert signed_by == {asked.signer.verifier: answered.body.decode()}


def cosigner(name: str, number: int = 7) -> Signer:
    return Signer(name, bytes([number]) * 32, SignatureKind.COSIGNATURE)


class _Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with suppress(ConnectionError):  # whoever asked has read enough
            super().copyfile(source, outputfile)


class _Packed(_Quiet):
    """Compresses what it serves without being asked to, as a log may."""

    def do_GET(self) -> None:
        place = Path(self.translate_path(self.path))
        body = gzip.compress(place.read_bytes()) if place.is_file() else b""
        self.send_response(200 if body else 404)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def served(directory: Path, *, packed: bool = False) -> Iterator[str]:
    """Serve a folder over HTTP and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Packed if packed else _Quiet, directory=str(directory)))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Misbehaving:
    """A server that answers each connection with the next of some scripts, and remembers what it was asked."""

    def __init__(self, *scripts: Callable[[socket.socket, bytes], None] | bytes) -> None:
        self.asked: list[bytes] = []
        self._scripts = list(scripts)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()

    def _serve(self) -> None:
        while True:
            try:
                held, _ = self._listening.accept()
            except OSError:
                return
            with held:
                held.settimeout(20)
                try:
                    asked = _request(held)
                    self.asked.append(asked)
                    script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
                    script(held, asked) if callable(script) else held.sendall(script)
                except OSError:
                    continue


def _request(held: socket.socket) -> bytes:
    """Read a request as far as it says it goes."""
    read = b""
    while b"\r\n\r\n" not in read and (part := held.recv(65536)):
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length and (part := held.recv(65536)):
        body += part
    return body


def answer(status: int, body: bytes = b"", media_type: str = "text/plain", *more: str) -> bytes:
    """Return an answer as it goes over the wire."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Type: {media_type}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


def slowly(held: socket.socket, _asked: bytes) -> None:
    """Send a header for as long as anybody listens, a byte at a time."""
    held.sendall(b"HTTP/1.1 200 x\r\nX: ")
    for _ in range(200):
        held.sendall(b"x")
        time.sleep(0.05)
