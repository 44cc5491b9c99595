"""The one table from what went wrong to what the caller is told, as RFC 9457 problem details.

The kinds of errors know nothing of HTTP; here each gets its status and its type. The type of a problem is an address on
this very server, where it is explained.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from countenance import errors
from countenance.answer import Outcome, Text, finding_json
from countenance.errors import CountenanceError, IntegrityError, LimitError, NotAllowedError
from countenance.operations.parts import AttackSuspected, NoAnalyser, NotAcquired, Refused

_log = logging.getLogger("countenance.api")

MEDIA_TYPE: Final = "application/problem+json"
BASE: Final = "/v1/problems/"


@dataclass(frozen=True, slots=True)
class Problem:
    """One row of the table: the name its type ends in, its status, its title, and what it says by itself."""

    name: str
    status: int
    title: Text
    says: Text
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def type(self) -> str:
        """Return the address at which this server explains the problem."""
        return BASE + self.name

    def body(self, request_id: str, says: Text | None = None, **more: Any) -> dict[str, Any]:
        """Return the problem details; `says` is what this occurrence has to say."""
        said = says or self.says
        return {
            "type": self.type,
            "title": self.title.en,
            "title_zh": self.title.zh,
            "status": self.status,
            "detail": said.en,
            "detail_zh": said.zh,
            "instance": request_id,
            **more,
        }

    def response(self, request: Request, says: Text | None = None, **more: Any) -> Response:
        """Return the answer to `request`."""
        body = self.body(request.state.request_id, says, **more)
        return JSONResponse(body, self.status, dict(self.headers), MEDIA_TYPE)


_RETRY: Final = (("Retry-After", "5"),)
_BEARER: Final = (("WWW-Authenticate", 'Bearer realm="countenance"'),)

PROBLEMS: Final = (
    Problem("malformed", 400, Text("The request cannot be read", "请求无法读取"),
            Text("Correct the request before sending it again.", "请更正后再发送。")),
    Problem("unknown_caller", 401, Text("No valid credential", "没有有效凭证"),
            Text("Send a credential as 'Authorization: Bearer …'.", "请以 Authorization: Bearer … 提供凭证。"),
            _BEARER),
    Problem("not_allowed", 403, Text("This role may not do this", "该角色无权执行此操作"),
            Text("Ask the officer for the right credential.", "请向保护负责人申请相应凭证。")),
    Problem("refused", 403, Text("The law does not permit this", "依法不予许可"),
            Text("Each finding names its article and what would remedy it. The refusal is on record.",
                 "各项结论列明相应条款及补救方法。本次拒绝已记录。")),
    Problem("not_found", 404, Text("Not found", "未找到"),
            Text("There is nothing here, or nothing you may know of. See /v1/openapi.json.",
                 "此处没有内容，或您无权知悉。请查看 /v1/openapi.json。")),
    Problem("method", 405, Text("This method is not served here", "不支持该请求方法"),
            Text("See /v1/openapi.json for the methods of each address.", "请查看 /v1/openapi.json。")),
    Problem("too_slow", 408, Text("The request took too long to arrive", "请求传输超时"),
            Text("Send it again, whole.", "请重新完整发送。")),
    Problem("conflict", 409, Text("The present state does not permit this", "当前状态不允许此操作"),
            Text("Read the state again, then decide.", "请重新读取状态后再决定。")),
    Problem("too_large", 413, Text("Too large", "过大"),
            Text("Send a smaller picture.", "请发送较小的图片。")),
    Problem("media_type", 415, Text("This form of body is not read here", "不支持该请求体格式"),
            Text("Send application/json in UTF-8 or, with a picture, multipart/form-data, not compressed.",
                 "请发送 UTF-8 编码的 application/json，或（含图片时）multipart/form-data，且不压缩。")),
    Problem("failure_to_acquire", 422, Text("The picture gives nothing to compare", "未能从图片中取得可比对的人脸"),
            Text("Take another picture. The attempt is on record.", "请重新拍摄。本次尝试已记录。")),
    Problem("attack_suspected", 422, Text("A presentation attack is suspected", "疑似呈现攻击"),
            Text("Try again with a new challenge, or choose the other way. The attempt is on record.",
                 "请以新的挑战重试，或选择其他方式。本次尝试已记录。")),
    Problem("too_many", 429, Text("Too many requests", "请求过多"),
            Text("The server has as much in hand as it takes. Repeat the request later.", "服务器繁忙，请稍后重试。"),
            (("Retry-After", "1"),)),
    Problem("unexpected", 500, Text("An error in the server", "服务器内部错误"),
            Text("Report it with the identifier in `instance`. What was done before it, if anything, is on record.",
                 "请凭 instance 中的编号报告。此前若已执行操作，均有记录。")),
    Problem("no_analyser", 501, Text("No such analyser exists", "不存在该分析功能"),
            Text("The law permits it, but this server cannot read that from a face and will not load what could. "
                 "The request is on record.", "法律允许，但本服务器不具备也不会加载该分析功能。本次请求已记录。")),
    Problem("unavailable", 503, Text("A part of the server is down", "服务器部分组件不可用"),
            Text("Nothing was done. Repeat the request later.", "未执行任何操作。请稍后重试。"), _RETRY),
    Problem("integrity", 503,
            Text("Processing has stopped: something stored was changed", "已停止处理：存储内容被改动"),
            Text("Call the officer. Nothing was done.", "请联系保护负责人。未执行任何操作。")),
)  # fmt: skip

_BY_NAME: Final = {problem.name: problem for problem in PROBLEMS}

#: Every kind of error and the row it takes; those with two rows are told apart in `problem_of`.
KINDS: Final[dict[type[CountenanceError], str]] = {
    errors.MalformedError: "malformed",
    errors.NotAllowedError: "not_allowed",
    errors.NotFoundError: "not_found",
    errors.ConflictError: "conflict",
    errors.LimitError: "too_large",
    errors.UnavailableError: "unavailable",
    errors.IntegrityError: "integrity",
}
_BY_STATUS: Final = {404: "not_found", 405: "method", 408: "too_slow", 415: "media_type"}


def by_name(name: str) -> Problem:
    """Return one row."""
    return _BY_NAME[name]


def problem_of(error: CountenanceError) -> Problem:
    """Return the row of an error; a kind nobody put into the table is unexpected."""
    if isinstance(error, NotAllowedError) and not error.known:
        return by_name("unknown_caller")
    if isinstance(error, LimitError) and error.limit == "rate":
        return by_name("too_many")
    return by_name(KINDS.get(type(error), "unexpected"))


def refused(request: Request, result: Refused, contest: Mapping[str, Any]) -> Response:
    """Return the answer to what the law refuses: every finding, the facts that were missing, how to contest."""
    missing = {name for found in result.findings if found.outcome is Outcome.MISSING for name in found.facts}
    return by_name("refused").response(
        request,
        action=result.refusal.action.value,
        findings=[finding_json(found) for found in result.findings],
        missing=sorted(missing),
        contest=contest,
        record=result.recorded.as_json(),
    )


def not_acquired(request: Request, result: NotAcquired) -> Response:
    """Return the answer to a picture that gives nothing to compare: why, and what the person can do."""
    failure = result.failure
    return by_name("failure_to_acquire").response(
        request,
        failure.say,
        reason=failure.reason.value,
        say={"en": failure.say.en, "zh": failure.say.zh},
        record=result.recorded.as_json(),
    )


def attack_suspected(request: Request, result: AttackSuspected) -> Response:
    """Return the answer to pictures that may be a presentation attack: what the person can do, and no more."""
    return by_name("attack_suspected").response(
        request,
        result.say,
        say={"en": result.say.en, "zh": result.say.zh},
        attack_check=result.check.as_json(),
        record=result.recorded.as_json(),
    )


def no_analyser(request: Request, result: NoAnalyser) -> Response:
    """Return the answer to an analysis that the law permits and nobody built."""
    return by_name("no_analyser").response(request, record=result.recorded.as_json())


async def _on_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, CountenanceError):  # pragma: no cover - registered for nothing else
        raise error
    if isinstance(error, IntegrityError):
        request.app.state.door.house.alarm.set()
        request.app.state.door.metrics.alarm()
        _log.critical("integrity", extra={"request_id": request.state.request_id})
    problem = problem_of(error)
    if problem.name == "unavailable":
        _log.error("unavailable", extra={"request_id": request.state.request_id})
    if problem.name in {"unknown_caller", "unexpected"}:  # one body for all of them, whatever the reason was
        return problem.response(request)
    response = problem.response(request, Text(error.en, error.zh))
    if isinstance(error, LimitError) and error.seconds is not None:
        response.headers["Retry-After"] = str(error.seconds)
    return response


def handle(app: FastAPI, answer: Callable[[Request, str], Response]) -> None:
    """Let `app` answer every error by the table; `answer` gives what the framework itself refuses, by its row."""

    async def on_http(request: Request, error: Exception) -> Response:
        """Answer unknown addresses, methods and media types."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        name = _BY_STATUS.get(status, "malformed" if 400 <= status < 500 else "unexpected")  # noqa: PLR2004
        response = answer(request, name)
        if isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
            response.headers["Allow"] = error.headers["Allow"]
        return response

    app.add_exception_handler(CountenanceError, _on_error)
    app.add_exception_handler(HTTPException, on_http)
