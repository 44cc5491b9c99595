"""Takes from a request what every page needs of it: the language, the form that was sent, the query, the pace."""

from typing import Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from countenance.errors import LimitError, MalformedError, NotFoundError
from countenance.pages.render import LANGUAGES
from countenance.reception.body import Form, Sent, checked
from countenance.reception.pace import Pace

Made = TypeVar("Made", bound=Form)

LANGUAGE_COOKIE: Final = "countenance-language"
_A_YEAR: Final = 365 * 86_400


def language_of(request: Request) -> str:
    """Return the visitor's language: as chosen just now, as chosen before, as the browser asks, else English."""
    for chosen in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if chosen in LANGUAGES:
            return str(chosen)
    wished = [part.split(";")[0].strip().lower() for part in request.headers.get("accept-language", "").split(",")]
    return next(("zh" if each.startswith("zh") else "en" for each in wished if each[:2] in {"zh", "en"}), "en")


def remember_language(request: Request, response: Response) -> None:
    """Keep the language where it was chosen just now."""
    if (chosen := request.query_params.get("lang")) in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, str(chosen), max_age=_A_YEAR, samesite="lax", httponly=True)


def form_of(sent: Sent | None, form: type[Made]) -> Made:
    """Return what was sent as `form`; raises MalformedError naming the field that is wrong, and no value."""
    if sent is None:  # pragma: no cover - a page that reads a form declares one
        raise MalformedError("Nothing was sent.", "未收到任何内容。")
    try:
        return sent.form(form)
    except MalformedError as error:
        raise MalformedError(
            "Something in this form cannot be read as it is. Go back, look at it, and send it again.",
            "表单中有内容无法识别。请返回检查后重新提交。",
        ) from error


def query_of(request: Request, form: type[Made]) -> Made:
    """Return the query as `form`, the language left out, which every page takes; raises NotFoundError for another."""
    query = {name: value for name, value in request.query_params.items() if name != "lang"}
    try:
        return checked(form, query)
    except MalformedError as error:
        raise NotFoundError("There is no such page.", "没有此页面。") from error


def step(pace: Pace, request: Request) -> None:
    """Count one try from where the request comes; raises LimitError for one too many."""
    try:
        pace.step(None if request.client is None else request.client.host)
    except LimitError as error:
        raise LimitError(
            "Too many tries from here. Wait a minute, then try again.", "尝试过于频繁。请等待一分钟后再试。",
            limit=error.limit, seconds=error.seconds,
        ) from error  # fmt: skip
