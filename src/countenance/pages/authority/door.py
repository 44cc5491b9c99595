"""The door of an authority's pages: what anybody may see, what a clerk may, and that a form came from its own page.

A clerk's session is a token in a cookie that no script can read, which is sent to the desk's pages alone. Whoever has a
password that somebody else made has to choose one before anything else.
"""

import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Final, TypeVar

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from countenance.authority.desk import Desk
from countenance.authority.seen import Clerk, Session
from countenance.errors import (
    CountenanceError,
    IntegrityError,
    LimitError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from countenance.law.pack import Packs
from countenance.pages import render, taking, trouble
from countenance.pages.door import Open
from countenance.pages.marks import check_mark, check_site, cookie, mark_of
from countenance.reception.body import PLAIN_BYTES_MAX, Form, Sent, read
from countenance.reception.pace import Pace
from countenance.reception.threads import Threads

_log = logging.getLogger("countenance.pages")

Answer = TypeVar("Answer")
Made = TypeVar("Made", bound=Form)

COOKIE: Final = "countenance-clerk"
#: The part of the site that a clerk's cookie is sent to.
ROOT: Final = "/desk"
GATE: Final = "/desk/sign-in"
PASSWORD: Final = "/desk/password"  # noqa: S105 — the address of the page where one is chosen
#: A form that anybody may send is whole within this time, or given up.
FORM_SECONDS_MAX: Final = 10
#: What a page counts with is far below; a longer number in an address names nothing.
_NUMBER_DIGITS_MAX: Final = 15


@dataclass(frozen=True, slots=True)
class Clerks:
    """Marks a page that a clerk may see who has signed in; `before_choosing`: with a password of somebody else's."""

    before_choosing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page or one form of it; `who` has no default, so that a page nobody thought about does not exist."""

    method: str
    path: str
    endpoint: "Callable[[Visit], Awaitable[Response]]"
    who: Clerks | Open
    guess: bool = False

    @property
    def label(self) -> str:
        """Return the page as logs and metrics name it."""
        return f"{self.method} {self.path}".replace(":path}", "}")


@dataclass(frozen=True, slots=True)
class Front:
    """How an authority shows itself: its name for people, where it is reached, whether by HTTPS alone, its law."""

    name: str
    public_url: str
    secure: bool
    packs: Packs


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind every page of an authority."""

    desk: Desk
    front: Front
    threads: Threads
    #: Anybody may complain, and ask what became of it: whoever does many in a row waits, and nobody else does.
    pace: Pace
    #: Passwords are tried by anybody as well.
    guesses: Pace
    #: The complaints of a day from one address: a pace whose minutes are days.
    today: Pace
    #: So many forms of anybody's are in hand at once: whoever sends slowly keeps neither clerks nor operators waiting.
    places: anyio.CapacityLimiter


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page of an authority that was let in."""

    behind: Behind
    page: Page
    request: Request
    language: str
    somebody: Clerk | None = None
    csrf: str | None = field(repr=False, default=None)
    sent: Sent | None = field(repr=False, default=None)

    @property
    def desk(self) -> Desk:
        """Return the desk."""
        return self.behind.desk

    @property
    def front(self) -> Front:
        """Return how the authority shows itself."""
        return self.behind.front

    @property
    def clerk(self) -> Clerk:
        """Return who visits; raises NotAllowedError on a page where nobody was asked."""
        if self.somebody is None:
            raise NotAllowedError("Sign in first.", "请先登录。", known=False)
        return self.somebody

    @property
    def token(self) -> str:
        """Return the token of the session, empty where there is none."""
        return cookie(self.request, COOKIE) or ""

    @property
    def first(self) -> str:
        """Return where the visitor begins again: the desk, or the open page itself."""
        return ROOT if isinstance(self.page.who, Clerks) else self.page.path

    def named(self, name: str) -> str:
        """Return what the path names; raises MalformedError for what can be the name of nothing."""
        return taking.named(self.request, name)

    def number(self, name: str) -> int:
        """Return the number that the path names; raises NotFoundError for what is no number, as for one of nothing."""
        written = self.named(name)
        if not (written.isascii() and written.isdigit() and len(written) <= _NUMBER_DIGITS_MAX):
            raise NotFoundError("There is nothing of that number.", "没有该编号的内容。")
        return int(written)

    @property
    def today(self) -> date:
        """Return the day it is where the law is."""
        office = self.desk.office
        return office.day(office.clock())

    def step_today(self) -> None:
        """Count one complaint of today; raises LimitError for one too many from this address."""
        taking.step_today(self.behind.today, self.request)

    def step(self) -> None:
        """Count one try at an open page; raises LimitError for one too many."""
        taking.step(self.behind.guesses if self.page.guess else self.behind.pace, self.request)

    async def work(self, act: Callable[[], Answer]) -> Answer:
        """Run blocking work in a thread."""
        return await self.behind.threads.work(act, guess=self.page.guess)

    def form(self, form: type[Made]) -> Made:
        """Return what was sent as `form`; raises MalformedError naming the field that is wrong, and no value."""
        return taking.form_of(self.sent, form)

    def asked(self, form: type[Made]) -> Made:
        """Return the query as `form`; the language, which every page takes, is left out."""
        return taking.query_of(self.request, form)

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page made of `template`, with a policy that lets nothing in from elsewhere."""
        reader = render.Reader(
            self.language, taking.here(self.request), self.csrf, camera=False, packs=self.front.packs
        )
        return render.page(reader, f"authority/{template}", status, {"visit": self, **values})

    def go(self, path: str) -> RedirectResponse:
        """Send the visitor on to another page, which is then fetched."""
        return RedirectResponse(path, status_code=303)

    def begin(self, session: Session, path: str) -> Response:
        """Begin a session, which ends with the browser or at its own time, and go to a page of it."""
        response = self.go(path)
        secure = self.front.secure
        response.set_cookie(COOKIE, session.token, path=ROOT, secure=secure, httponly=True, samesite="strict")
        return response

    def end(self, path: str) -> Response:
        """Take the session's cookie back, and what the browser remembers of its pages."""
        response = self.go(path)
        response.delete_cookie(COOKIE, path=ROOT)
        response.headers["Clear-Site-Data"] = '"cache"'
        return response


def hung(page: Page, behind: Behind) -> Route:
    """Return the route of a page, behind its guard, with errors shown as a page."""

    async def endpoint(request: Request) -> Response:
        request.scope["countenance.route"] = page.label
        visit = Visit(behind, page, request, taking.language_of(request))
        try:
            response = await _let_in(visit)
        except CountenanceError as error:
            response = _shown_error(visit, error)
        except HTTPException as error:
            response = visit.show("error.html", error.status_code, says=trouble.ADDRESS)
        taking.remember_language(request, response)
        return response

    return Route(page.path, endpoint, methods=[page.method], name=f"{page.method} {page.path}")


def nowhere(behind: Behind, request: Request, name: str) -> Response:
    """Return a problem that arose where no page answers as a page."""
    status, says = trouble.nowhere(name)
    page = Page(method=request.method, path="/", endpoint=_no_page, who=Open("there is nothing to see"))
    response = Visit(behind, page, request, taking.language_of(request)).show("error.html", status, says=says)
    if status == trouble.TOO_MANY:
        response.headers["Retry-After"] = "1"
    return response


async def _no_page(_: Visit) -> Response:
    raise HTTPException(404)


async def _let_in(visit: Visit) -> Response:
    """Settle who visits and whether a form is the page's own, then let the page answer."""
    page, request, behind = visit.page, visit.request, visit.behind
    clerk, csrf = None, None
    if isinstance(page.who, Clerks):
        token = visit.token
        clerk = await behind.threads.work(lambda: behind.desk.clerk(token))
        if clerk is None:
            if request.method == "GET":
                return visit.go(GATE)
            raise NotAllowedError(
                "The session has ended. Nothing was done; begin again.", "会话已结束，未执行任何操作。请重新开始。",
                known=False,
            )  # fmt: skip
        if clerk.must_choose and not page.who.before_choosing:
            if request.method == "GET":
                return visit.go(PASSWORD)
            raise NotAllowedError("Choose a password of your own first.", "请先设置您自己的密码。")
        csrf = mark_of(token)
    settled = Visit(behind, page, request, visit.language, clerk, csrf)
    if request.method != "POST":
        return await page.endpoint(settled)
    check_site(request, behind.front.public_url, secure=behind.front.secure)
    if isinstance(page.who, Open):
        with _place(settled):
            return await page.endpoint(replace(settled, sent=await _soon_read(request)))
    sent = await read(request, PLAIN_BYTES_MAX, urlencoded=True)
    if csrf is not None:
        check_mark(request, sent, csrf)
    return await page.endpoint(replace(settled, sent=sent))


@contextmanager
def _place(visit: Visit) -> Iterator[None]:
    """Hold one of the places for forms of anybody's; raises LimitError where all are taken."""
    places = visit.behind.places
    try:
        places.acquire_on_behalf_of_nowait(visit.request)
    except anyio.WouldBlock:
        raise LimitError(
            "Many forms are in hand. Wait a moment, then send it again.", "正在处理的表单较多。请稍候后重新提交。",
            limit="rate", seconds=FORM_SECONDS_MAX,
        ) from None  # fmt: skip
    try:
        yield
    finally:
        places.release_on_behalf_of(visit.request)


async def _soon_read(request: Request) -> Sent:
    """Return a form of anybody's, which is short; raises HTTPException where it does not come soon."""
    try:
        with anyio.fail_after(FORM_SECONDS_MAX):
            return await read(request, PLAIN_BYTES_MAX, urlencoded=True)
    except TimeoutError as error:
        raise HTTPException(408) from error


def _shown_error(visit: Visit, error: CountenanceError) -> Response:
    """Return an error as a page: what happened, and what to do next."""
    if isinstance(error, IntegrityError):
        _log.critical("integrity", extra={"request_id": visit.request.state.request_id})
    elif isinstance(error, UnavailableError):
        _log.error("unavailable", extra={"request_id": visit.request.state.request_id})
    response = visit.show("error.html", trouble.status_of(error), says=trouble.words_of(error))
    if isinstance(error, LimitError) and error.seconds is not None:
        response.headers["Retry-After"] = str(error.seconds)
    return response
