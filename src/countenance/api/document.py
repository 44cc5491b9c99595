"""The interface's description of itself (OpenAPI 3.1): forms, answers and every problem, each with an example."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import Field

from countenance import __version__
from countenance.api import problems
from countenance.api.door import ByReceipt, Open, Route
from countenance.api.wire import (
    ATTACK_CHECK_EXAMPLE,
    RECORD_EXAMPLE,
    AttackCheckShown,
    Bilingual,
    Pictured,
    RecordPointer,
    Session,
    Shown,
)
from countenance.reception.body import JSON, MULTIPART, SESSION_FIELDS, STEPS, Form
from countenance.settings import FRAMES_MAX

_SCHEMAS: Final = "#/components/schemas/{model}"
_REQUEST_ID: Final = "0d4d1f5e-6d0a-4f0a-9d35-6d9f6b0a2c11"
#: What any operation can answer; those behind a credential, and those that read a body, can answer more.
_ALWAYS: Final = ("malformed", "too_many", "unexpected", "unavailable", "integrity")
_BEHIND: Final = ("unknown_caller", "not_allowed")
_WITH_BODY: Final = ("too_large", "media_type", "too_slow")

_ABOUT: Final = (
    "Face recognition that asks first. Nothing is done to a face before the law in force has been asked; a refusal is "
    "answered with 403 and names every article that refuses, why, and what would remedy it. No answer carries a "
    "comparison score or anything computed from a face, and no request can choose a model or a decision rule."
)


class ProblemDetails(Shown):
    """What went wrong, as RFC 9457 has it, in English and in Chinese; `instance` is the request's identifier."""

    type: str
    title: str
    title_zh: str
    status: int
    detail: str
    detail_zh: str
    instance: str


class FindingShown(Shown):
    """One article that refuses: why, on which facts, and what would remedy it."""

    pack: str | None
    article: str | None
    outcome: str
    facts: list[str]
    reason: Bilingual
    remedy: Bilingual


class ContestRequest(Shown):
    """What to send to which address to have a person look at a refusal; whoever was refused, or an officer for them."""

    address: str
    kind: str
    about_record: UUID


class Contest(Bilingual):
    """How to contest a refusal."""

    request: ContestRequest
    contact: str | None
    officer_contact: str | None


class RefusalDetails(ProblemDetails):
    """A refusal by the law: all findings, the facts nobody established, how to contest it, where it is on record."""

    action: str
    findings: list[FindingShown]
    missing: list[str]
    contest: Contest
    record: RecordPointer


class FailureDetails(ProblemDetails):
    """A failure to acquire: why the picture gives nothing to compare, and what the person can do."""

    reason: str = Field(examples=["no_face"])
    say: Bilingual
    record: RecordPointer


class AttackDetails(ProblemDetails):
    """A presentation attack is suspected: what the person can do, and which check was made; never what gave it away."""

    say: Bilingual
    attack_check: AttackCheckShown
    record: RecordPointer


class NoAnalyserDetails(ProblemDetails):
    """An analysis that the law permits and nobody built, and where that is on record."""

    record: RecordPointer


_FINDING: Final = {
    "pack": "cn-2023-draft",
    "article": "6",
    "outcome": "forbids",
    "facts": ["place.kind"],
    "reason": {"en": "This place is private.", "zh": "该场所属于私密空间。"},
    "remedy": {"en": "Take the device away.", "zh": "请移除该设备。"},
}
_MORE: Final[dict[str, tuple[type[ProblemDetails], dict[str, Any]]]] = {
    "refused": (
        RefusalDetails,
        {
            "action": "verify",
            "findings": [_FINDING],
            "missing": [],
            "contest": {
                "en": "You can ask a person to decide, or complain: open a request about the record, or write to the "
                "contact.",
                "zh": "您可要求人工处理或投诉：就该记录提出请求，或联系以下联系人。",
                "request": {
                    "address": "/v1/requests",
                    "kind": "human_review",
                    "about_record": RECORD_EXAMPLE["id"],
                },
                "contact": "privacy@harbour-hotel.example",
                "officer_contact": "officer@harbour-hotel.example",
            },
            "record": RECORD_EXAMPLE,
        },
    ),
    "failure_to_acquire": (
        FailureDetails,
        {"reason": "no_face", "say": {"en": "No face was found.", "zh": "未检测到人脸。"}, "record": RECORD_EXAMPLE},
    ),
    "attack_suspected": (
        AttackDetails,
        {
            "say": {"en": "Try once more: turn your head well to the side.", "zh": "请再试一次：将头充分转向一侧。"},
            "attack_check": ATTACK_CHECK_EXAMPLE,
            "record": RECORD_EXAMPLE,
        },
    ),
    "no_analyser": (NoAnalyserDetails, {"record": RECORD_EXAMPLE}),
}


def described(route: Route) -> dict[str, Any]:
    """Return what the framework is told about a route for the description."""
    doc = (route.endpoint.__doc__ or "").strip()
    extra: dict[str, Any] = {"parameters": _parameters(route)}
    if isinstance(route.roles, ByReceipt):
        extra["security"] = [{"receipt": []}]
    elif not isinstance(route.roles, Open):
        extra["security"] = [{"credential": []}]
        extra["x-roles"] = sorted(role.value for role in route.roles)
    if route.form is not None:
        extra["requestBody"] = _body(route, route.form)
    responses = _problems(route)
    if route.example is not None:
        responses[route.status] = {"content": {JSON: {"example": route.example}}}
    return {
        "summary": doc.split(";")[0].split(":")[0].rstrip("."),
        "description": doc,
        "operation_id": route.endpoint.__name__,
        "response_description": "The answer.",
        "responses": responses,
        "openapi_extra": extra,
    }


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": "X-Request-Id",
            "in": "header",
            "required": False,
            "description": "Comes back in the answer; 8 to 64 letters, digits or hyphens.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9-]{8,64}$"},
        }
    ]
    for name, says in route.headers.items():
        schema = {"type": "string", "minLength": 1, "maxLength": 200}
        found.append({"name": name, "in": "header", "required": False, "description": says, "schema": schema})
    if route.query is not None:
        properties = _schema(route.query, {})["properties"]
        found += [{"name": name, "in": "query", "required": False, "schema": properties[name]} for name in properties]
    return found


def _schema(form: type[Form], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a form; what it shares with others goes to `shared`."""
    schema = form.model_json_schema(ref_template=_SCHEMAS)
    shared |= schema.pop("$defs", {})
    return schema


def _body(route: Route, form: type[Form]) -> dict[str, Any]:
    content: dict[str, Any] = {
        JSON: {"schema": {"$ref": _SCHEMAS.format(model=form.__name__)}, "example": dict(route.form_example)}
    }
    if route.multipart:
        pictures = ("sample", "frames") if issubclass(form, Pictured) else ("sample",)
        encoding = {name: {"contentType": "image/*"} for name in pictures}
        content[MULTIPART] = {"schema": _multipart(form), "encoding": encoding}
    return {"required": True, "content": content}


def _multipart(form: type[Form]) -> dict[str, Any]:
    """Return the schema of the same form as multipart: the picture as it is, the session's fields beside the others."""
    schema = _schema(form, {})
    properties = {name: value for name, value in schema["properties"].items() if name != "session"}
    properties["sample"] = picture = {"type": "string", "contentMediaType": "application/octet-stream"}
    if issubclass(form, Pictured):
        properties["frames"] = {"type": "array", "items": picture, "maxItems": FRAMES_MAX}
        properties["steps"] = {"type": "string", "pattern": STEPS.pattern, "description": "The step of each picture."}
    session = _schema(Session, {})["properties"]
    for name in SESSION_FIELDS:
        truth = {"type": "string", "enum": ["true", "false"]}
        properties[name] = session[name] if name == "started_by" else truth
    return {
        "type": "object",
        "additionalProperties": False,
        "required": schema["required"],
        "properties": properties,
    }


def _problems(route: Route) -> dict[int | str, dict[str, Any]]:
    """Return the problems a route can answer with, by status, each with an example."""
    behind = () if isinstance(route.roles, Open) else _BEHIND
    names = dict.fromkeys((*_ALWAYS, *behind, *(_WITH_BODY if route.form else ()), *route.problems))
    found: dict[int | str, dict[str, Any]] = {}
    for problem in (each for each in problems.PROBLEMS if each.name in names):
        details, more = _MORE.get(problem.name, (ProblemDetails, {}))
        kind = found.setdefault(
            problem.status,
            {"description": "", "content": {problems.MEDIA_TYPE: {"schema": {"anyOf": []}, "examples": {}}}},
        )
        content = kind["content"][problems.MEDIA_TYPE]
        kind["description"] += f"{' ' if kind['description'] else ''}{problem.title.en}."
        reference = {"$ref": _SCHEMAS.format(model=details.__name__)}
        if reference not in content["schema"]["anyOf"]:
            content["schema"]["anyOf"].append(reference)
        content["examples"][problem.name] = {"value": problem.body(_REQUEST_ID, **more)}
    return found


def describe(app: FastAPI, routes: Sequence[Route]) -> dict[str, Any]:
    """Return the whole description."""
    document = get_openapi(title=app.title, version=__version__, description=_ABOUT, routes=app.routes)
    schemas: dict[str, Any] = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # the framework's own; no route here answers so
        schemas.pop(name, None)
    for form in [route.form for route in routes if route.form is not None]:
        schemas[form.__name__] = _schema(form, schemas)
    for details in (ProblemDetails, RefusalDetails, FailureDetails, AttackDetails, NoAnalyserDetails):
        schema = details.model_json_schema(ref_template=_SCHEMAS, mode="serialization")
        schemas |= schema.pop("$defs", {})
        schemas[details.__name__] = schema
    document["components"]["schemas"] = dict(sorted(schemas.items()))
    bearer = {"type": "http", "scheme": "bearer"}
    document["components"]["securitySchemes"] = {"credential": bearer, "receipt": bearer}
    shared: dict[str, Any] = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["responses"] = _tidy(operation["responses"], shared)
    document["components"]["responses"] = dict(sorted(shared.items()))
    return document


def _tidy(responses: Mapping[str, dict[str, Any]], shared: dict[str, Any]) -> dict[str, Any]:
    """Return the responses with each problem written once, in `shared`, and referred to from there.

    The framework's own answer to wrong parameters is dropped; here that is the problem `malformed`.
    """
    tidied: dict[str, Any] = {}
    for status, response in sorted(responses.items()):
        problem = response.get("content", {}).get(problems.MEDIA_TYPE)
        if problem is not None:
            name = "_or_".join(problem["examples"])
            shared[name] = response
            tidied[status] = {"$ref": f"#/components/responses/{name}"}
        elif status != "422":
            tidied[status] = response
    return tidied
