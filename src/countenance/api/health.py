"""Health, readiness, metrics, the interface's own description, and what each problem means."""

import ipaddress
from typing import Any

from fastapi import Request, Response
from starlette.responses import JSONResponse, PlainTextResponse

from countenance import access
from countenance.api import problems
from countenance.api.door import Call, Calling, Open, Route, bearer
from countenance.api.wire import Bilingual, Shown
from countenance.errors import NotFoundError
from countenance.vocabulary import Role


class Health(Shown):
    """The process answers."""

    alive: bool


class Readiness(Shown):
    """Whether requests can be answered, and which part stands in the way if not."""

    ready: bool
    parts: dict[str, bool]


class ProblemShown(Shown):
    """What a type of problem means and what to do about it."""

    type: str
    status: int
    title: Bilingual
    says: Bilingual


async def health(call: Calling) -> Health:  # noqa: ARG001 — the guard hands it in
    """Say that the process answers; nothing else is asked."""
    return Health(alive=True)


async def ready(call: Calling) -> Response:
    """Say whether requests can be answered now; if not, the problem names the parts that stand in the way."""
    parts = dict(await call.door.work(call.door.ready, beside=True))
    whole = bool(parts) and all(parts.values())
    if whole:
        return JSONResponse({"ready": whole, "parts": parts})
    return problems.by_name("unavailable").response(call.request, ready=whole, parts=parts)


async def metrics(call: Calling) -> Response:
    """Give the metrics in Prometheus's text form: to this machine, or to an officer."""
    if call.door.settings.tls_elsewhere or not _from_here(call.request):
        await _officer(call)
    return Response(call.door.metrics.text(), media_type=call.door.metrics.content_type)


async def _officer(call: Call) -> None:
    token = bearer(call.request)
    caller = await call.work(lambda: call.door.enter(token))
    access.require(caller, Role.OFFICER)


def _from_here(request: Request) -> bool:
    """Tell whether a request comes from this machine and not from behind a proxy on it."""
    passed_on = {"forwarded", "x-forwarded-for", "x-forwarded-host", "via"} & set(request.headers.keys())
    if passed_on or request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


async def description(call: Calling) -> Response:
    """Describe this interface as OpenAPI."""
    return JSONResponse(call.request.app.openapi())


async def problem(call: Calling, name: str) -> ProblemShown:  # noqa: ARG001 — the guard hands it in
    """Explain one type of problem."""
    for each in problems.PROBLEMS:
        if each.name == name:
            return ProblemShown(
                type=each.type,
                status=each.status,
                title=Bilingual(en=each.title.en, zh=each.title.zh),
                says=Bilingual(en=each.says.en, zh=each.says.zh),
            )
    raise NotFoundError("There is no such type of problem.", "没有该问题类型。")


def _route(path: str, endpoint: Any, why: str, answer: Any, example: Any, *others: str) -> Route:
    return Route(
        method="GET",
        path=path,
        kind=PlainTextResponse if path == "/metrics" else JSONResponse,
        endpoint=endpoint,
        roles=Open(why),
        tag="server",
        answer=answer,
        example=example,
        problems=others,
    )


ROUTES = (
    _route("/v1/health", health, "A supervisor asks it; it says nothing but yes.", Health, {"alive": True}),
    _route(
        "/v1/ready",
        ready,
        "A load balancer asks it; it names parts of the server and nothing else.",
        Readiness,
        {"ready": True, "parts": {"database": True, "schema": True, "engine": True, "vault": True}},
    ),
    _route(
        "/metrics",
        metrics,
        "A collector on this machine asks it; from elsewhere an officer's credential is needed.",
        None,
        None,
        "unknown_caller",
        "not_allowed",
    ),
    _route("/v1/openapi.json", description, "The interface is public; what is behind it is not.", None, None),
    _route(
        "/v1/problems/{name}",
        problem,
        "Whoever gets a problem may read what it means.",
        ProblemShown,
        {
            "type": "/v1/problems/malformed",
            "status": 400,
            "title": {"en": "The request cannot be read", "zh": "请求无法读取"},
            "says": {"en": "Correct the request before sending it again.", "zh": "请更正后再发送。"},
        },
        "not_found",
    ),
)
