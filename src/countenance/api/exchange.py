"""The exchange at an authority: operators pair, send messages and their files, and collect what was sent to them.

No credential comes with a request: each message is signed. What comes is bounded in length, time and number, and a
file is read only while some message waits for it.
"""

import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import anyio
from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from countenance import errors
from countenance.answer import Text
from countenance.api.problems import Problem
from countenance.authority import inbox, pairing, serving
from countenance.authority.attachments import Draft
from countenance.authority.desk import Desk
from countenance.errors import CountenanceError, IntegrityError, LimitError, MalformedError
from countenance.filing.exchange import ATTACHMENTS, COLLECT, KEY, MESSAGES, NOTE_TYPE, PAIR
from countenance.log.notes import NOTE_BYTES_MAX
from countenance.log.witnesses import ADD_CHECKPOINT
from countenance.reception.metrics import Metrics
from countenance.reception.outermost import Answering, Outermost
from countenance.reception.threads import Threads

_log = logging.getLogger("countenance.api")

BASE: Final = "/exchange/"
PROBLEMS_AT: Final = "/exchange/problems/"
REGISTER: Final = "/register"
#: A note is whole within this time, and a file within this, or given up.
NOTE_SECONDS_MAX: Final = 10.0
FILE_SECONDS_MAX: Final = 900.0
#: So many requests are in hand, and so many files are taken at the same time.
AT_ONCE_MAX: Final = 64
FILES_AT_ONCE_MAX: Final = 8
_PORTION_BYTES: Final = 1 << 20
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ExchangeProblem(Problem):
    """A row of the exchange's own table."""

    @property
    def type(self) -> str:
        """Return the address at which the authority explains the problem."""
        return PROBLEMS_AT + self.name


_LATER: Final = (("Retry-After", "5"),)
PROBLEMS: Final = {
    row.name: row
    for row in (
        ExchangeProblem("malformed", 400, Text("This cannot be read", "内容无法读取"),
                        Text("Correct it before sending it again.", "请更正后再发送。")),
        ExchangeProblem("not_known", 403, Text("Not signed by a key that is known", "未由已知密钥签名"),
                        Text("Check key and clock, or pair again.", "请检查密钥与时钟，或重新配对。")),
        ExchangeProblem("not_found", 404, Text("Not found", "未找到"),
                        Text("There is nothing here, or nobody waits for it.", "该地址没有内容或无人等待。")),
        ExchangeProblem("method", 405, Text("This method is not served here", "不支持该请求方法"),
                        Text("See the description of the exchange.", "请查看交换协议说明。")),
        ExchangeProblem("too_slow", 408, Text("The request took too long to arrive", "请求传输超时"),
                        Text("Send it again, whole.", "请重新完整发送。")),
        ExchangeProblem("conflict", 409, Text("The present state does not permit this", "当前状态不允许此操作"),
                        Text("Collect what the authority sent, then decide.", "请先领取主管部门消息后再决定。")),
        ExchangeProblem("too_large", 413, Text("Too large", "过大"),
                        Text("Send less at once.", "请减少单次发送内容。")),
        ExchangeProblem("too_many", 429, Text("Too many at once", "请求过多"),
                        Text("Repeat the request later.", "请稍后重试。"), _LATER),
        ExchangeProblem("unexpected", 500, Text("An error in the server", "服务器内部错误"),
                        Text("Report it with the identifier in `instance`.", "请凭 instance 中的编号报告。")),
        ExchangeProblem("unavailable", 503, Text("A part of the server is down", "服务器部分组件不可用"),
                        Text("Repeat the request later.", "请稍后重试。"), _LATER),
    )
}  # fmt: skip

KINDS: Final[dict[type[CountenanceError], str]] = {
    errors.MalformedError: "malformed",
    errors.NotAllowedError: "not_known",
    errors.NotFoundError: "not_found",
    errors.ConflictError: "conflict",
    errors.LimitError: "too_large",
    errors.UnavailableError: "unavailable",
    errors.IntegrityError: "unavailable",
}
_BY_STATUS: Final = {404: "not_found", 405: "method", 408: "too_slow", 429: "too_many"}

#: Routes of pages, and what shows a problem where no page answers.
Pages = tuple[Sequence[BaseRoute], Answering]


def by_problem(request: Request, name: str) -> Response:
    """Return the answer of a problem of the exchange, by its name."""
    return PROBLEMS.get(name, PROBLEMS["unexpected"]).response(request)


def make_exchange(desk: Desk, threads: Threads, *, strict: bool, pages: Pages | None = None) -> ASGIApp:
    """Return the application of an authority: the exchange, the register as open data, its witness, and its pages.

    `strict` where it is reached by HTTPS at this server itself.
    """
    shown, page_problem = pages or ((), by_problem)

    def answer(request: Request, name: str) -> Response:
        return (by_problem if request.url.path.startswith(BASE) else page_problem)(request, name)

    async def on_http(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        name = _BY_STATUS.get(status, "malformed" if 400 <= status < 500 else "unexpected")  # noqa: PLR2004
        response = answer(request, name)
        if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    application = Starlette(
        routes=[*_Exchange(desk, threads).routes(), *shown],
        exception_handlers={CountenanceError: _on_error, HTTPException: on_http, Exception: _unexpected(answer)},
    )
    application.router.redirect_slashes = False
    outermost = Outermost(
        application, metrics=Metrics(), requests_at_once_max=AT_ONCE_MAX, answer=answer, strict=strict
    )
    return _beside(serving.application(desk.office.witness), outermost)


def _beside(witness: Callable[..., Any], application: ASGIApp) -> ASGIApp:
    """Return an application in which the witness has its one address, and the other everything else."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["type"] == "http" and scope["path"] == ADD_CHECKPOINT
        await (witness if asked else application)(scope, receive, send)

    return answer


class _Exchange:
    """The routes of the exchange, over a desk's office."""

    def __init__(self, desk: Desk, threads: Threads) -> None:
        self._desk = desk
        self._office = desk.office
        self._threads = threads
        self._files = anyio.CapacityLimiter(FILES_AT_ONCE_MAX)

    def routes(self) -> list[Route]:
        named = {
            ("GET", KEY): self.key,
            ("POST", PAIR): self.pair,
            ("POST", MESSAGES): self.take,
            ("POST", COLLECT): self.collect,
            ("PUT", f"{ATTACHMENTS}/{{sha256}}"): self.attach,
            ("GET", f"{PROBLEMS_AT}{{name}}"): self.problem,
            ("GET", f"{REGISTER}.json"): self.as_json,
            ("GET", f"{REGISTER}.csv"): self.as_csv,
        }
        return [
            Route(path, _labelled(act, f"{method} {path}"), methods=[method]) for (method, path), act in named.items()
        ]

    async def key(self, _: Request) -> Response:
        """Say by which key the authority signs; whoever pairs compares it with the code."""
        return PlainTextResponse(f"{self._office.signer.verifier.as_vkey()}\n", media_type=NOTE_TYPE)

    async def pair(self, request: Request) -> Response:
        """Pair an operator that holds a code."""
        note = await _note(request)
        answer = await self._threads.work(lambda: pairing.pair(self._office, note))
        return Response(answer, media_type=NOTE_TYPE)

    async def take(self, request: Request) -> Response:
        """Take a message and answer with its receipt."""
        note = await _note(request)
        receipt = await self._threads.work(lambda: inbox.take(self._office, note))
        return Response(receipt, media_type=NOTE_TYPE)

    async def collect(self, request: Request) -> Response:
        """Hand over what was sent to an operator."""
        note = await _note(request)
        return JSONResponse(await self._threads.work(lambda: inbox.collect(self._office, note)))

    async def attach(self, request: Request) -> Response:
        """Take a file that a message waits for; one that is declared too long is refused before any of it is read."""
        sha256 = request.path_params["sha256"]
        if not _SHA256.fullmatch(sha256):
            raise HTTPException(404)
        try:
            self._files.acquire_on_behalf_of_nowait(request)
        except anyio.WouldBlock:
            raise HTTPException(429) from None
        try:
            await self._attached(request, sha256)
        finally:
            self._files.release_on_behalf_of(request)
        return Response(status_code=204)

    async def _attached(self, request: Request, sha256: str) -> None:
        declared = _declared(request)
        draft = await self._threads.work(lambda: inbox.begin(self._office, sha256, declared))
        with draft:
            await _filled(draft, request)
            await self._threads.work(lambda: inbox.finish(self._office, sha256, draft))

    async def problem(self, request: Request) -> Response:
        """Explain a problem."""
        row = PROBLEMS.get(request.path_params["name"])
        if row is None:
            raise HTTPException(404)
        return JSONResponse(row.body(request.state.request_id))

    async def as_json(self, _: Request) -> Response:
        """Show the register to everybody."""
        return JSONResponse(await self._threads.work(self._desk.open_data), headers=_OPEN)

    async def as_csv(self, _: Request) -> Response:
        """Show the register to everybody, as comma-separated values."""
        written = await self._threads.work(self._desk.open_data_csv)
        return Response(written, media_type="text/csv; charset=utf-8; header=present", headers=_OPEN)


#: Everybody may read the register, scripts of other sites too.
_OPEN: Final = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}


def _labelled(act: Callable[[Request], Any], label: str) -> Callable[[Request], Any]:
    """Return an endpoint that says which route answered."""

    async def endpoint(request: Request) -> Response:
        request.scope["countenance.route"] = label
        response: Response = await act(request)
        return response

    return endpoint


def _declared(request: Request) -> int | None:
    """Return the length that a request declares, None for none."""
    written = request.headers.get("content-length")
    if written is None:
        return None
    if not (written.isascii() and written.isdigit()):
        raise HTTPException(400)
    return int(written[:18])


async def _note(request: Request) -> bytes:
    """Return a body that may be a note; raises LimitError for a longer one, declared or not."""
    declared = _declared(request)
    if declared is not None and declared > NOTE_BYTES_MAX:
        raise _too_long()
    parts, length = [], 0
    async for part in _stream(request, NOTE_SECONDS_MAX):
        length += len(part)
        if length > NOTE_BYTES_MAX:
            raise _too_long()
        parts.append(part)
    return b"".join(parts)


async def _filled(draft: Draft, request: Request) -> None:
    """Write a body into a draft, a portion at a time: no more than that is ever in memory."""
    waiting = bytearray()
    async for part in _stream(request, FILE_SECONDS_MAX):
        waiting += part
        if len(waiting) >= _PORTION_BYTES:
            await run_sync(partial(draft.write, bytes(waiting)))
            waiting.clear()
    await run_sync(partial(draft.write, bytes(waiting)))


async def _stream(request: Request, seconds_max: float) -> AsyncIterator[bytes]:
    """Yield the parts of a body; raises MalformedError where it is cut off, 408 where it takes too long."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise MalformedError("What is sent here is not compressed.", "此处不接收压缩内容。")
    end = anyio.current_time() + seconds_max
    stream = request.stream().__aiter__()
    while True:
        try:
            with anyio.fail_after(max(0.0, end - anyio.current_time())):
                part = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise HTTPException(408) from error
        except ClientDisconnect as error:
            raise MalformedError(
                "The body ended before it was whole. Send it again.", "请求体不完整。请重新发送。"
            ) from error
        yield part


def _too_long() -> LimitError:
    return LimitError(
        f"A message has at most {NOTE_BYTES_MAX} bytes. Attach what is longer.",
        f"消息最多 {NOTE_BYTES_MAX} 字节。更长内容请作为附件发送。",
    )


def _unexpected(answer: Answering) -> Callable[[Request, Exception], Any]:
    """Return what answers an error that nobody expected, in words of the house; the door outside reports it."""

    async def on_any(request: Request, _: Exception) -> Response:
        return answer(request, "unexpected")

    return on_any


async def _on_error(request: Request, error: Exception) -> Response:
    """Answer an error of the house by the exchange's table."""
    if not isinstance(error, CountenanceError):  # pragma: no cover - registered for nothing else
        raise error
    row = PROBLEMS[KINDS.get(type(error), "unexpected")]
    if isinstance(error, LimitError) and error.limit == "rate":
        row = PROBLEMS["too_many"]
    if isinstance(error, IntegrityError):
        _log.critical("integrity", extra={"request_id": request.state.request_id})
    if row.name == "unavailable":
        _log.error("unavailable", extra={"request_id": request.state.request_id})
    response = row.response(request, Text(error.en, error.zh))
    if isinstance(error, LimitError) and error.seconds is not None:
        response.headers["Retry-After"] = str(error.seconds)
    return response
