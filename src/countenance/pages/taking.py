"""Takes from a request what every page needs of it: the language, the form that was sent, the query, the pace."""

import re
from typing import Annotated, Final, TypeVar
from urllib.parse import quote

from pydantic import AfterValidator
from starlette.requests import Request
from starlette.responses import Response

from countenance.errors import LimitError, MalformedError, NotFoundError
from countenance.pages.render import LANGUAGES
from countenance.reception.body import Form, Sent, checked
from countenance.reception.pace import Pace

Made = TypeVar("Made", bound=Form)

LANGUAGE_COOKIE: Final = "countenance-language"
_A_YEAR: Final = 365 * 86_400
MINUTES_A_DAY: Final = 24 * 60
#: Control characters, lone surrogates, and what turns the direction of the text around it: no name has any of these.
_REFUSED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def _line(text: str) -> str:
    if _REFUSED.search(text):
        raise ValueError
    return text


#: A line that somebody types or chooses; wide spaces and the joiners of some scripts may stand in it.
Line = Annotated[str, AfterValidator(_line)]


def named(request: Request, name: str) -> str:
    """Return what the path names; raises MalformedError for what can be the name of nothing."""
    found = str(request.path_params[name])
    if _REFUSED.search(found):
        raise MalformedError("This address cannot be read. Begin again.", "无法识别此地址。请重新开始。")
    return found


def here(request: Request) -> str:
    """Return the path of a request as a link on its own page has it, which leads to no other site.

    The address is not asked, as the request's Host has a part in it; and after two slashes a browser reads a host.
    """
    return "/" + quote(request.scope["path"]).lstrip("/")


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
        pace.step(_address(request))
    except LimitError as error:
        raise LimitError(
            "Too many tries from here. Wait a minute, then try again.", "尝试过于频繁。请等待一分钟后再试。",
            limit=error.limit, seconds=error.seconds,
        ) from error  # fmt: skip


def step_today(pace: Pace, request: Request) -> None:
    """Count one of a day's from where the request comes, by a pace whose minutes are days; raises LimitError."""
    try:
        pace.step(_address(request))
    except LimitError as error:
        seconds = None if error.seconds is None else error.seconds * MINUTES_A_DAY
        raise LimitError(
            "Too many came from here today. Come again tomorrow, or write a letter.",
            "今日来自此处的提交过多。请明日再试，或以书面形式提交。",
            limit=error.limit, seconds=seconds,
        ) from error  # fmt: skip


def _address(request: Request) -> str | None:
    return None if request.client is None else request.client.host
