"""The key holder's socket: a Unix socket, so that the system says which user asks; nobody else reaches the key holder.

A message is four bytes of length, a line of JSON, and the bytes it announces. Nothing is unpickled or evaluated.
"""

import json
import logging
import os
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from countenance.errors import ConflictError, CountenanceError, IntegrityError, MalformedError, UnavailableError
from countenance.vault.keyholder import Holding, KeyHolder

_log = logging.getLogger("countenance.vault")

_LENGTH: Final = struct.Struct("<I")
_PEER: Final = struct.Struct("3i")
_HEADER_BYTES_MAX: Final = 1 << 20
_BYTES_MAX: Final = 1 << 28
#: So long an answer is waited for, and longer for a block of references: a full one takes about a second.
ANSWER_SECONDS: Final = 3.0
BLOCK_SECONDS: Final = 20.0
#: A key holder that hung is not asked again for so long: who waits holds a thread that other purposes need.
_REST_SECONDS: Final = 5.0
_CONNECTIONS_MAX: Final = 64
_ERRORS: Final = {each.__name__: each for each in (ConflictError, IntegrityError, MalformedError)}

Message = tuple[dict[str, Any], list[bytes]]


def _send(connection: socket.socket, header: dict[str, Any], parts: Sequence[bytes] = ()) -> None:
    text = json.dumps(header | {"sizes": [len(part) for part in parts]}).encode()
    connection.sendall(b"".join([_LENGTH.pack(len(text)), text, *parts]))


def _receive(connection: socket.socket) -> Message | None:
    """Return the next message, None where the other side has hung up; raises MalformedError for what is none."""
    start = _exactly(connection, _LENGTH.size)
    if not start:
        return None
    (length,) = _LENGTH.unpack(start)
    if length > _HEADER_BYTES_MAX:
        raise _unreadable()
    try:
        header = json.loads(_exactly(connection, length))
        sizes = [int(size) for size in header["sizes"]]
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable() from error
    if any(size < 0 for size in sizes) or sum(sizes) > _BYTES_MAX:
        raise _unreadable()
    body, parts, at = _exactly(connection, sum(sizes)), [], 0
    for size in sizes:
        parts.append(body[at : at + size])
        at += size
    return header, parts


def _exactly(connection: socket.socket, count: int) -> bytes:
    """Return so many bytes, none where the other side hung up before the first; raises MalformedError in between."""
    got = bytearray(count)
    view, at = memoryview(got), 0
    while at < count:
        read = connection.recv_into(view[at:])
        if not read:
            if at:
                raise _unreadable()
            return b""
        at += read
    return bytes(got)


class _Handler(socketserver.BaseRequestHandler):
    """Answers one connection until it is closed."""

    server: "_Server"

    def handle(self) -> None:
        """Answer each message; an error of the house is an answer, and after a message that is none it hangs up."""
        self.request.settimeout(None)
        peer = _PEER.unpack(self.request.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
        if peer[1] not in self.server.users:
            _log.warning("keyholder_stranger")
            return
        with suppress(OSError, MalformedError):
            while message := _receive(self.request):
                try:
                    header, parts = self._answer(*message)
                except CountenanceError as error:
                    _log.warning("keyholder_refused", extra={"kind": type(error).__name__})
                    header, parts = {"error": type(error).__name__, "en": error.en, "zh": error.zh}, []
                _send(self.request, header, parts)

    def _answer(self, header: dict[str, Any], parts: list[bytes]) -> Message:
        holder = self.server.holder
        try:
            if header["do"] == "public_key":
                return {}, [holder.public_key()]
            if header["do"] == "columns":
                session, columns = holder.columns(list(zip(parts[::2], parts[1::2], strict=True)), int(header["count"]))
                return {}, [session, *columns]
            if header["do"] == "passing":
                session, scores = parts
                slots = [int(slot) for slot in header["slots"]]
                found = holder.passing(session, str(header["target"]), scores, slots, int(header["most"]))
                return {"slots": found}, []
        except (KeyError, TypeError, ValueError) as error:
            raise _unreadable() from error
        raise _unreadable()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    request_queue_size = _CONNECTIONS_MAX

    def __init__(self, path: Path, holder: KeyHolder, users: Collection[int]) -> None:
        super().__init__(str(path), _Handler)
        self.holder = holder
        self.users = frozenset(users)

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 — the base class's
        """Log that a connection failed, without what it was about."""
        _log.error("keyholder_failed")


class Served:
    """A key holder that answers at a socket until it is closed."""

    def __init__(self, holder: KeyHolder, path: Path, users: Collection[int]) -> None:
        """Listen at a path, for these users and no other; what is left of a holder that died is taken away.

        Raises UnavailableError where another one answers there, or the path cannot be used.
        """
        if _answers(path):
            raise UnavailableError(
                "Another key holder answers at this socket. Stop it first.", "该套接字已有密钥持有进程。请先停止它。"
            )
        try:
            path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            before = os.umask(0o007)  # the socket is its owner's and the group's; which user asks is looked at as well
            try:
                self._server = _Server(path, holder, users)
            finally:
                os.umask(before)
        except OSError as error:
            raise UnavailableError(
                "The key holder's socket cannot be made. Set COUNTENANCE_KEYHOLDER_SOCKET to a path it may use.",
                "无法创建密钥持有进程的套接字。请将 COUNTENANCE_KEYHOLDER_SOCKET 设为可用路径。",
            ) from error
        self._path = path

    def run(self) -> None:
        """Answer until `close`."""
        self._server.serve_forever(poll_interval=0.1)

    def close(self) -> None:
        """Stop answering and take the socket away."""
        self._server.shutdown()
        self._server.server_close()
        self._path.unlink(missing_ok=True)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trial, suppress(OSError):
        trial.connect(str(path))
        return True
    return False


class AtSocket(Holding):
    """A key holder asked over its socket; any number of threads may ask."""

    def __init__(self, path: Path) -> None:
        """Keep the path; a connection is opened when it is needed."""
        self._path = path
        self._idle: list[socket.socket] = []
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def public_key(self) -> bytes:
        """Return the key that seeds are sealed for."""
        _, (key,) = self._ask({"do": "public_key"}, [])
        return key

    def columns(self, seeds: Sequence[tuple[bytes, bytes]], count: int) -> tuple[bytes, list[bytes]]:
        """Return the session and a ciphertext for each value; see `Holding`."""
        asked = {"do": "columns", "count": count}
        _, parts = self._ask(asked, [part for seed in seeds for part in seed], BLOCK_SECONDS)
        return parts[0], parts[1:]

    def passing(self, session: bytes, target: str, scores: bytes, slots: Sequence[int], most: int) -> list[int]:
        """Return those of the slots that pass; see `Holding`."""
        asked = {"do": "passing", "target": target, "slots": list(slots), "most": most}
        header, _ = self._ask(asked, [session, scores])
        return [int(slot) for slot in header["slots"]]

    def close(self) -> None:
        """Hang up; whoever asks again is connected anew."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _ask(self, header: dict[str, Any], parts: list[bytes], seconds: float | None = None) -> Message:
        """Ask once; a connection that was idle may have died with its holder, so a fresh one is tried then."""
        if time.monotonic() < self._rests_until:
            raise _silent()
        with self._lock:
            idle = self._idle.pop() if self._idle else None
        for connection in (idle, None):
            try:
                return self._over(connection or self._connected(), header, parts, seconds or ANSWER_SECONDS)
            except TimeoutError as error:
                self._rests_until = time.monotonic() + _REST_SECONDS
                raise _silent() from error
            except OSError as error:
                if connection is None:
                    raise _silent() from error
        raise _silent()

    def _over(self, connection: socket.socket, header: dict[str, Any], parts: list[bytes], seconds: float) -> Message:
        connection.settimeout(seconds)
        try:
            _send(connection, header, parts)
            answered = _receive(connection)
        except MalformedError as error:  # it died on the way, or is none: nothing that a caller of ours could mend
            connection.close()
            raise _silent() from error
        except BaseException:
            connection.close()
            raise
        if answered is None:  # it hung up: it ended, or does not answer this user
            connection.close()
            raise ConnectionResetError
        with self._lock:
            self._idle.append(connection)
        if "error" in answered[0]:
            kind = _ERRORS.get(str(answered[0]["error"]), UnavailableError)
            raise kind(str(answered[0].get("en")), str(answered[0].get("zh")))
        return answered

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(self._path))
        except BaseException:
            connection.close()
            raise
        return connection


def _silent() -> UnavailableError:
    return UnavailableError(
        "The key holder does not answer, so purposes whose matching is encrypted rest. Start it: countenance keyholder "
        "serve",
        "密钥持有进程没有响应，加密比对的目的暂停。请启动：countenance keyholder serve",
    )


def _unreadable() -> MalformedError:
    return MalformedError("A message of the key holder cannot be read.", "密钥持有进程的消息无法读取。")
