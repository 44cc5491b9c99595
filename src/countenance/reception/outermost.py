"""The outermost door: every request passes here first and every answer last, whatever happened between.

It gives each request an identifier, bounds how many are in hand, adds the headers that keep answers out of caches and
scripts, writes the access line, and turns an error nobody expected into an identifier and nothing more.
"""

import logging
import re
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Final
from uuid import uuid4

import anyio
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from countenance.reception.metrics import Metrics

_log = logging.getLogger("countenance.api")

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
#: Asked when everything else is stuck; they hold no place in the queue.
_ALWAYS: Final = frozenset({"/v1/health", "/v1/ready"})
#: How long, and how much of, a refused body is still taken off the wire so that its sender can read the answer.
_LINGER_SECONDS: Final = 2.0
_LINGER_BYTES_MAX: Final = 4 * 2**20
#: Gives the answer to a request that no route could answer, by the name of the problem.
Answering = Callable[[Request, str], Response]

HEADERS: Final = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
#: Where this server itself speaks HTTPS, a browser that came once comes in the clear no more (RFC 6797).
STRICT: Final = (b"strict-transport-security", b"max-age=31536000")


class Outermost:
    """The first and last thing a request meets."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, requests_at_once_max: int, answer: Answering, strict: bool
    ) -> None:
        """Stand before `app` and let in so many requests at once; `strict` where they come by HTTPS to this server."""
        self._app = app
        self._answering = answer
        self._metrics = metrics
        self._most = requests_at_once_max
        self._in_hand = 0
        self._headers = (*HEADERS, STRICT) if strict else HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and see its answer out."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        passing = _Passing(scope, receive, send, self._headers)
        scope.setdefault("state", {})["request_id"] = passing.request_id
        begun = time.perf_counter()
        counted = scope["path"] not in _ALWAYS
        if counted and self._in_hand >= self._most:
            await self._answer(passing, scope, "too_many")
        else:
            self._in_hand += counted
            self._metrics.in_hand(self._in_hand)
            try:
                await self._app(scope, passing.receive, passing.send)
            except Exception as error:  # noqa: BLE001 — the outermost door
                _report(error, passing.request_id)
                if passing.status is None:
                    await self._answer(passing, scope, "unexpected")
            finally:
                self._in_hand -= counted
                self._metrics.in_hand(self._in_hand)
        self._note(scope, passing, time.perf_counter() - begun)

    async def _answer(self, passing: "_Passing", scope: Scope, name: str) -> None:
        response = self._answering(Request(scope), name)
        await response(scope, passing.receive, passing.send)

    def _note(self, scope: Scope, passing: "_Passing", seconds: float) -> None:
        """Count the answer and write the access line: the route's template, never the path or the query."""
        route, status = scope.get("countenance.route", "unmatched"), passing.status or 0
        self._metrics.answered(route, status, seconds)
        told = {"route": route, "status": status, "ms": round(seconds * 1000, 1), "request_id": passing.request_id}
        _log.info("answered", extra=told)


class _Passing:
    """One request on its way: whether its body has been read to the end, and what was answered."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, added: Iterable[tuple[bytes, bytes]]) -> None:
        headers = dict(scope["headers"])
        wished = headers.get(b"x-request-id", b"").decode("latin-1")
        self.request_id = wished if _REQUEST_ID.fullmatch(wished) else str(uuid4())
        self.status: int | None = None
        self._unread = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"
        self._receive = receive
        self._send = send
        self._added = added

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            self._unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name for name, _ in message["headers"]}  # a page may say more than nothing
            added = [header for header in self._added if header[0] not in own]
            added.append((b"x-request-id", self.request_id.encode()))
            if self._unread:  # what is left of the body must not be taken for the next request
                added.append((b"connection", b"close"))
            message = {**message, "headers": [*message["headers"], *added]}
        elif not message.get("more_body", False) and self._unread:
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)

    async def _linger(self) -> None:
        """Take a little more of the body and drop it: closing on unread data would destroy the answer underway."""
        dropped = 0
        with anyio.move_on_after(_LINGER_SECONDS):
            while self._unread and dropped < _LINGER_BYTES_MAX:
                dropped += len((await self.receive()).get("body", b""))


def _report(error: Exception, request_id: str) -> None:
    """Log where an unexpected error arose and of which type; its message could hold what was sent."""
    places = [f"{each.filename.rsplit('/', 1)[-1]}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)]
    told = {"kind": type(error).__name__, "at": " > ".join(places[-12:]), "request_id": request_id}
    _log.error("unexpected_error", extra=told)
