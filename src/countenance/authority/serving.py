"""The witness over HTTP, as a plain ASGI application: one address, bounded in length, time and number."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from countenance.authority.witness import BODY_BYTES_MAX, Answer, Witness
from countenance.errors import CountenanceError
from countenance.log.witnesses import ADD_CHECKPOINT

_log = logging.getLogger("countenance.authority")

#: A request is whole within this time, or given up.
BODY_SECONDS_MAX: Final = 5.0
#: So many requests are in hand; the next is told to come again.
AT_ONCE_MAX: Final = 64
#: So many are worked on at the same time.
_THREADS: Final = 4

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def application(witness: Witness, *, body_seconds_max: float = BODY_SECONDS_MAX) -> Application:
    """Return the application that answers for a witness."""
    serving = _Serving(witness, body_seconds_max)

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await serving.answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)

    return answer


class _Serving:
    def __init__(self, witness: Witness, body_seconds_max: float) -> None:
        self._witness = witness
        self._body_seconds_max = body_seconds_max
        self._in_hand = 0
        self._places = asyncio.Semaphore(_THREADS)

    async def answer(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["path"] != ADD_CHECKPOINT:
            await _send(send, _said(404, "There is nothing here but /add-checkpoint."))
        elif scope["method"] != "POST":
            await _send(send, _said(405, "A checkpoint is sent with POST."), (b"allow", b"POST"))
        elif self._in_hand >= AT_ONCE_MAX:
            await _send(send, _said(503, "Too many at once; come again."), (b"retry-after", b"1"), _CLOSE)
        else:
            self._in_hand += 1
            try:
                await self._take(receive, send)
            finally:
                self._in_hand -= 1

    async def _take(self, receive: Receive, send: Send) -> None:
        try:
            async with asyncio.timeout(self._body_seconds_max):
                body = await _body(receive)
        except TimeoutError:
            await _send(send, _said(408, "The request took too long."), _CLOSE)
            return
        if body is None:
            return  # nobody is there any more
        if len(body) > BODY_BYTES_MAX:
            await _send(send, _said(413, f"A request has at most {BODY_BYTES_MAX} bytes."), _CLOSE)
            return
        async with self._places:
            answer = await asyncio.to_thread(self._add, body)
        await _send(send, answer)

    def _add(self, body: bytes) -> Answer:
        try:
            return self._witness.add_checkpoint(body)
        except CountenanceError as error:
            _log.error("checkpoint_not_taken", extra={"kind": type(error).__name__})
            return _said(503, error.en)


_CLOSE: Final = (b"connection", b"close")


async def _body(receive: Receive) -> bytes | None:
    """Return the body, no more of it than shows that it is too long; None where the other side left."""
    parts: list[bytes] = []
    length = 0
    while length <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        parts.append(part)
        length += len(part)
        if not message.get("more_body", False):
            break
    return b"".join(parts)


async def _send(send: Send, answer: Answer, *headers: tuple[bytes, bytes]) -> None:
    fixed = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": [*fixed, *headers]})
    await send({"type": "http.response.body", "body": answer.body})


async def _live(receive: Receive, send: Send) -> None:
    """Begin and end with the server; there is nothing to do."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def _said(status: int, sentence: str) -> Answer:
    return Answer(status, f"{sentence}\n".encode())
