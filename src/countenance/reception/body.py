"""Reads a request's body, counting, and makes a checked form of it; what was sent is never kept, shown or logged.

The body stays in memory from the socket to the decoder: no part of it, however large, is spooled to a file.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn, TypeVar, get_origin
from urllib.parse import parse_qsl

import anyio
from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from countenance.errors import LimitError, MalformedError
from countenance.settings import FRAMES_MAX

#: A body that takes longer than this is given up: somebody holds a place in the queue without using it.
BODY_SECONDS_MAX: Final = 60.0
PARTS_MAX: Final = 16
FIELDS_MAX: Final = 64
#: The hidden field by which a page knows that a form is its own.
MARK_FIELD: Final = "csrf"
FIELD_BYTES_MAX: Final = 4096
#: A body without a picture needs no more; neither does the JSON around one need more marks than this.
PLAIN_BYTES_MAX: Final = 64 * 2**10
MARKS_MAX: Final = 4096
JSON: Final = "application/json"
MULTIPART: Final = "multipart/form-data"
URLENCODED: Final = "application/x-www-form-urlencoded"
#: Fields that JSON nests under `session` and a multipart form, which cannot nest, has beside the others.
SESSION_FIELDS: Final = ("started_by", "purpose_prompted", "alternative_offered")
#: The steps of pictures in a form, which has no lists.
STEPS: Final = re.compile(r"[0-9]{1,2}(,[0-9]{1,2})*")
#: Fields that are true or false, which a form can only spell.
_FLAGS: Final = ("purpose_prompted", "alternative_offered", "double_confirmed")

Made = TypeVar("Made", bound="Form")


class Form(BaseModel):
    """What a caller may send: a field it does not name is refused, and its errors do not show what was sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    def __repr__(self) -> str:
        """Show the kind of form and nothing that was sent."""
        return f"<{type(self).__name__}>"

    __str__ = __repr__


@dataclass(frozen=True, slots=True)
class Sent:
    """A body as it came, with its type; parsing it is blocking work."""

    media_type: str
    boundary: bytes
    body: bytes = field(repr=False)

    def form(self, form: type[Made]) -> Made:
        """Return the body as `form`; raises MalformedError naming the field that is wrong, and no value."""
        if self.media_type == URLENCODED:
            return checked(form, from_urlencoded(self.body, form))
        fields = from_multipart(self.body, self.boundary) if self.media_type == MULTIPART else from_json(self.body)
        return checked(form, fields)

    def mark(self) -> str:
        """Return the mark by which a page knows its own form, empty where none came."""
        if self.media_type != URLENCODED:
            return ""
        return next((value for name, value in _pairs(self.body) if name == MARK_FIELD), "")


async def read(request: Request, body_bytes_max: int, *, multipart: bool = False, urlencoded: bool = False) -> Sent:
    """Read the body of `request`, refusing one that is declared or turns out longer than `body_bytes_max`.

    JSON is read anywhere but where a page's own form is expected (`urlencoded`). Raises LimitError for too long a body,
    MalformedError for an unreadable one, HTTPException for another media type.
    """
    media_type, boundary = _media_type(request, multipart=multipart, urlencoded=urlencoded)
    declared = request.headers.get("content-length")
    if declared is not None and declared.isascii() and declared.isdigit() and int(declared[:12]) > body_bytes_max:
        raise _too_long()
    chunks: list[bytes] = []
    length = 0
    try:
        with anyio.fail_after(BODY_SECONDS_MAX):
            async for chunk in request.stream():
                length += len(chunk)
                if length > body_bytes_max:
                    raise _too_long()
                chunks.append(chunk)
    except TimeoutError as error:
        raise HTTPException(408) from error
    except ClientDisconnect as error:
        raise MalformedError(
            "The body ended before it was whole. Send it again.", "请求体不完整。请重新发送。"
        ) from error
    return Sent(media_type, boundary, b"".join(chunks))


def _too_long() -> LimitError:
    return LimitError(
        "The request is longer than this server takes. Send a smaller picture.",
        "请求超过服务器限制。请发送较小的图片。",
    )


def _media_type(request: Request, *, multipart: bool, urlencoded: bool) -> tuple[str, bytes]:
    """Return the declared media type, one of those that are read here, and the boundary of a multipart form."""
    given = request.headers.getlist("content-type")
    kind, options = parse_options_header(given[0] if len(given) == 1 else "")
    charset = options.get(b"charset", b"utf-8").lower()
    encoded = request.headers.get("content-encoding", "identity").lower() != "identity"
    plain = URLENCODED if urlencoded else JSON
    if kind == plain.encode() and charset == b"utf-8" and not encoded:
        return plain, b""
    boundary = options.get(b"boundary", b"")
    if multipart and kind == MULTIPART.encode() and boundary and not encoded:
        return MULTIPART, boundary
    raise HTTPException(415)


def _unreadable(en: str, zh: str) -> NoReturn:
    raise MalformedError(en, zh) from None


def from_json(body: bytes) -> dict[str, Any]:
    """Return the one object that `body` holds; raises MalformedError for anything else, or for a key twice."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError
        return made

    def no_constant(_: str) -> NoReturn:
        raise ValueError

    try:
        # Many small objects would take a hundred times their size in memory; a picture in base64 has none of these.
        if sum(body.count(mark) for mark in (b"{", b"[", b",", b":")) > MARKS_MAX:
            raise ValueError  # noqa: TRY301 — answered like any other JSON that is no form of this interface
        found = json.loads(body.decode("utf-8"), object_pairs_hook=unique, parse_constant=no_constant)
    except (ValueError, RecursionError):  # a UnicodeDecodeError and a JSONDecodeError are ValueErrors
        _unreadable(
            "The body is not JSON in UTF-8, nests too deeply, or names a field twice. Send one JSON object.",
            "请求体不是 UTF-8 编码的 JSON、嵌套过深或字段重复。请发送一个 JSON 对象。",
        )
    if not isinstance(found, dict):
        _unreadable("The body is not a JSON object. Send one.", "请求体不是 JSON 对象。")
    return found


def _pairs(body: bytes) -> list[tuple[str, str]]:
    """Return the names and values of a page's form as they came."""
    try:
        return parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), errors="strict",
            max_num_fields=FIELDS_MAX,
        )  # fmt: skip
    except ValueError:
        _unreadable("The form cannot be read. Go back, and send it again.", "表单无法读取。请返回后重新提交。")


def from_urlencoded(body: bytes, form: type[Form]) -> dict[str, Any]:
    """Return the fields of a page's form; one that `form` has as a tuple may come several times, any other once.

    A field left empty is one not filled in. Raises MalformedError for what is no such form.
    """
    found: dict[str, list[str]] = {}
    for name, value in _pairs(body):
        if value.strip() and name != MARK_FIELD:
            found.setdefault(name, []).append(value.replace("\r\n", "\n"))
    made: dict[str, Any] = {}
    for name, values in found.items():
        declared = form.model_fields.get(name)
        many = declared is not None and get_origin(declared.annotation) is tuple
        if len(values) > 1 and not many:
            _unreadable("The form has a field twice. Go back, and send it again.", "表单字段重复。请返回后重新提交。")
        made[name] = values if many else values[0]
    return made


class _Parts:
    """Gathers the parts of a form as the parser meets them."""

    def __init__(self) -> None:
        self.fields: dict[str, bytearray] = {}
        #: The one field that may come several times: the pictures of one act, in their order.
        self.frames: list[bytearray] = []
        self._complete = False
        self._name: list[bytes] = []
        self._value: list[bytes] = []
        self._headers: dict[str, str] = {}
        self._current = bytearray()
        self._limit = FIELD_BYTES_MAX

    def begin(self) -> None:
        self._headers = {}

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._name.append(data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value.append(data[start:end])

    def header_end(self) -> None:
        name = b"".join(self._name).decode("latin-1").lower()
        if name in self._headers:
            raise ValueError
        self._headers[name] = b"".join(self._value).decode("latin-1")
        self._name, self._value = [], []

    def headers_end(self) -> None:
        disposition, options = parse_options_header(self._headers.get("content-disposition", ""))
        encoding = self._headers.get("content-transfer-encoding", "binary").lower()
        name = options.get(b"name", b"").decode("utf-8")
        wrong = disposition != b"form-data" or not name or encoding not in {"binary", "8bit", "7bit"}
        if wrong or name in self.fields or len(self.fields) == PARTS_MAX or len(self.frames) > FRAMES_MAX:
            raise ValueError
        self._limit = 0 if name in {"sample", "frames"} else FIELD_BYTES_MAX
        self._current = bytearray()
        if name == "frames":
            self.frames.append(self._current)
        else:
            self.fields[name] = self._current

    def data(self, data: bytes, start: int, end: int) -> None:
        self._current += memoryview(data)[start:end]
        if self._limit and len(self._current) > self._limit:
            raise ValueError

    def end(self) -> None:
        self._complete = True

    def check(self) -> None:
        """Refuse a form that ended before its last boundary."""
        if not self._complete:
            raise ValueError


def from_multipart(body: bytes, boundary: bytes) -> dict[str, Any]:
    """Return the fields of a multipart form, `sample` and `frames` as bytes and the session nested as JSON nests it.

    Raises MalformedError for a form that is cut short, has a field twice, or text that is not UTF-8.
    """
    parts = _Parts()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_header_end": parts.header_end,
                "on_headers_finished": parts.headers_end,
                "on_part_data": parts.data,
                "on_end": parts.end,
            },
        )
        parser.write(body)
        parser.finalize()
        parts.check()
        fields: dict[str, Any] = {
            name: bytes(value) if name == "sample" else value.decode("utf-8") for name, value in parts.fields.items()
        }
    except (FormParserError, ValueError):
        _unreadable(
            "The form is cut short, has a field twice, too many or too long fields, or text that is not UTF-8.",
            "表单不完整、字段重复、过多或过长，或文本不是 UTF-8。",
        )
    if "session" in fields:
        refuse_field("session")
    if parts.frames:
        fields["frames"] = [bytes(each) for each in parts.frames]
    if "steps" in fields:
        fields["steps"] = _steps(fields["steps"])
    if "double_confirmed" in fields:
        fields["double_confirmed"] = _flag("double_confirmed", fields["double_confirmed"])
    session = {name: _flag(name, fields.pop(name)) for name in SESSION_FIELDS if name in fields}
    return fields | ({"session": session} if session else {})


def _flag(name: str, text: str) -> str | bool:
    """Return a truth value only for the two words that mean one: `False` as text is not true."""
    if name not in _FLAGS:
        return text
    if text not in {"true", "false"}:
        refuse_field(name)
    return text == "true"


def _steps(text: str) -> list[int]:
    """Return the steps that a form names as 0,1,2."""
    if not STEPS.fullmatch(text):
        refuse_field("steps")
    return [int(each) for each in text.split(",")]


def refuse_field(name: str) -> NoReturn:
    """Raise MalformedError for a field of the interface, by its name alone."""
    raise MalformedError(
        f"The field {name} is missing or not as the interface describes it. See /v1/openapi.json.",
        f"字段 {name} 缺失或格式不符。请查看 /v1/openapi.json。",
    ) from None


def checked(form: type[Made], fields: Mapping[str, Any]) -> Made:
    """Return `fields` as `form`; raises MalformedError that names the first wrong field, if the form knows it."""
    try:
        return form.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "extra_forbidden":  # its name is the caller's, so it is not repeated
            _unreadable(
                "The request has a field that the interface does not. See /v1/openapi.json.",
                "请求包含接口未定义的字段。请查看 /v1/openapi.json。",
            )
        refuse_field(".".join(str(part) for part in first["loc"] if isinstance(part, str)) or "body")
    except (UnicodeError, RecursionError):
        _unreadable("The request holds text that is not Unicode.", "请求中的文本不是有效的 Unicode。")
