"""How a request travels to a server and its answer back: over connections kept open, to one server only."""

import contextlib
import http.client
import ipaddress
import json
import select
import ssl
import threading
from collections.abc import Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from countenance.errors import MalformedError

SECONDS_MAX: Final = 60.0
ANSWER_BYTES_MAX: Final = 32 * 2**20
_IDLE_MAX: Final = 8
_EXIT_REFUSED, _EXIT_MALFORMED, _EXIT_OTHER = 3, 2, 1
_MALFORMED: Final = frozenset({400, 413, 415})
_SUCCESS: Final = range(200, 300)


class Problem(Exception):  # noqa: N818 — RFC 9457's own word
    """An answer that is not a success; `body` holds the problem details as the server sent them."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        """Keep the status (0 where no answer came) and the details."""
        super().__init__(str(body.get("detail") or body.get("title") or "The server gave no reason."))
        self.status = status
        self.body = dict(body)
        self.type = str(body.get("type", ""))
        self.title = str(body.get("title", ""))
        self.detail = str(body.get("detail", ""))
        self.detail_zh = str(body.get("detail_zh", ""))
        self.request_id = str(body.get("instance", ""))
        self.findings: list[dict[str, Any]] = list(body.get("findings", ()))
        self.missing: list[str] = list(body.get("missing", ()))
        self.record: dict[str, Any] | None = body.get("record")

    def __repr__(self) -> str:
        """Show status and type."""
        return f"{type(self).__name__}({self.status}, {self.type!r})"

    @property
    def exit_code(self) -> int:
        """Return what a command that meets this ends with: 3 refused, 2 malformed, 1 anything else."""
        return _EXIT_MALFORMED if self.status in _MALFORMED else _EXIT_OTHER


class Refused(Problem):
    """The law does not permit it; `findings` name the articles, `missing` the facts, `record` where it is on record."""

    @property
    def exit_code(self) -> int:
        """Return 3."""
        return _EXIT_REFUSED


class NotAcquired(Problem):
    """The picture gives nothing to compare; `body["say"]` tells the person what to do."""


class AttackSuspected(Problem):
    """The pictures may be a presentation attack, so nothing was compared; `body["say"]` tells the person what to do."""


class Unreachable(Problem):
    """No answer came, so it is not known whether anything was done."""

    def __init__(self) -> None:
        """Say what to check."""
        body = {
            "title": "No answer",
            "detail": "The server does not answer. Check its address, and that it runs.",
            "detail_zh": "服务器没有响应。请检查地址以及服务器是否正在运行。",
        }
        super().__init__(0, body)


_KINDS: Final[Mapping[str, type[Problem]]] = {
    "refused": Refused,
    "failure_to_acquire": NotAcquired,
    "attack_suspected": AttackSuspected,
}


class Connected:
    """One server and one credential; safe to use from many threads. Its repr hides the credential."""

    def __init__(self, url: str, token: str | None = None, *, seconds_max: float = SECONDS_MAX) -> None:
        """Prepare to call `url`; nothing is sent yet.

        Raises MalformedError for an address that is not http(s), and for one that would carry the credential in the
        clear beyond this machine.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            raise MalformedError(
                "The server's address is like https://faces.example or http://127.0.0.1:8000.",
                "服务器地址形如 https://faces.example 或 http://127.0.0.1:8000。",
            )
        if parts.scheme == "http" and token is not None and not _is_loopback(parts.hostname):
            raise MalformedError(
                "A credential and a face do not travel unencrypted: use https, or call from the server's own machine.",
                "凭证和人脸不得以明文传输：请使用 https，或在服务器本机调用。",
            )
        try:
            self._port = parts.port
        except ValueError:
            raise MalformedError("The server's port is not a number.", "服务器端口不是数字。") from None
        self._host, self._base = parts.hostname, parts.path.rstrip("/")
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._token = token
        self._seconds_max = seconds_max
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        """Show the server, not the credential."""
        return f"{type(self).__name__}({self._host!r})"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _picture(
        self,
        path: str,
        sample: bytes | Sequence[bytes],
        fields: Mapping[str, str | None],
        session: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> dict[str, Any]:
        boundary = uuid4().hex
        said = {name: value for name, value in {**fields, **(session or {})}.items() if value is not None}
        parts: list[bytes] = []
        for name, value in said.items():
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode())
            parts.append(text.encode("utf-8", "strict") + b"\r\n")
        name, pictures = ("sample", [sample]) if isinstance(sample, bytes) else ("frames", sample)
        for picture in pictures:
            parts.append(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n".encode()
            )
            parts += [picture, b"\r\n"]
        parts.append(f"--{boundary}--\r\n".encode())
        kind = f"multipart/form-data; boundary={boundary}"
        return self._send("POST", path, b"".join(parts), {"Content-Type": kind, **headers})

    def _json(
        self,
        method: str,
        path: str,
        said: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        asked = {name: value for name, value in (query or {}).items() if value is not None}
        if asked:
            path = f"{path}?{urlencode(asked)}"
        if said is None:
            return self._send(method, path, None, headers or {})
        body = json.dumps({name: value for name, value in said.items() if value is not None}).encode()
        return self._send(method, path, body, {"Content-Type": "application/json", **(headers or {})})

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> dict[str, Any]:
        """Send one request and return its answer, or raise the problem it is."""
        return _read(*self._exchange(method, path, body, headers))

    def _file(self, path: str, accepted: str) -> bytes:
        """Read an answer that is a file of a kind, or raise the problem it is."""
        status, data = self._exchange("GET", path, None, {"Accept": accepted})
        if status not in _SUCCESS:
            _read(status, data)
        return data

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        """Send one request and return status and body; redirects are not followed, a credential goes to one server."""
        sent = {"Accept": "application/json", **headers}
        if self._token is not None:
            sent["Authorization"] = f"Bearer {self._token}"
        connection = self._connection()
        try:
            # A server that refuses before it has read everything has answered all the same.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._base + path, body, sent)
            with connection.getresponse() as response:
                data = response.read(ANSWER_BYTES_MAX + 1)
                again = response.isclosed() and not response.will_close
        except (OSError, http.client.HTTPException):
            connection.close()
            raise Unreachable from None
        if again:
            self._keep(connection)
        else:
            connection.close()
        return response.status, data

    def _connection(self) -> http.client.HTTPConnection:
        """Return a connection that is kept open and that the server has not closed, or a new one."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                break
            if connection.sock is not None and not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._seconds_max, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._seconds_max)

    def _keep(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if len(self._idle) < _IDLE_MAX:
                self._idle.append(connection)
                return
        connection.close()


def _read(status: int, data: bytes) -> dict[str, Any]:
    """Return the answer, or raise the problem it is."""
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        body = {"title": "Not an answer of this interface", "detail": "Check the server's address."}
        raise Problem(status, body)
    if status in _SUCCESS:
        return body
    kind = str(body.get("type", "")).rsplit("/", 1)[-1]
    raise _KINDS.get(kind, Problem)(status, body)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
