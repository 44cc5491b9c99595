"""The door of the pages: who may see a page, in which language, and that a form came from the page that shows it.

A session of a page is a credential in a cookie that no script can read: it ends when the credential does, and whoever
takes the credential back ends the session. A form carries a mark that only the holder of that cookie can know.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from countenance import access
from countenance.answer import Text
from countenance.errors import CountenanceError, IntegrityError, LimitError, NotAllowedError, NotFoundError
from countenance.operations.parts import Caller, Holder, House
from countenance.pages import render, taking, trouble
from countenance.pages.marks import check_mark, check_site, cookie, mark_of
from countenance.reception.body import PLAIN_BYTES_MAX, Form, Sent, read
from countenance.reception.pace import Pace
from countenance.reception.threads import Threads
from countenance.settings import Settings
from countenance.vocabulary import Role

_log = logging.getLogger("countenance.pages")

Answer = TypeVar("Answer")
Made = TypeVar("Made", bound=Form)

#: So many passwords and invitations may be tried from one address; a whole office signs in by it in the morning.
GUESSES_PER_MINUTE: Final = 10


@dataclass(frozen=True, slots=True)
class Open:
    """Marks a page that anybody may see, and says why."""

    why: str


class Session(Enum):
    """Whose session a page needs: the name of its cookie, the part of the site it is sent to, where one is begun."""

    STAFF = ("countenance-staff", "/console", "/console/sign-in", "/console", (Role.OFFICER,))
    KIOSK = ("countenance-kiosk", "/kiosk", "/kiosk/{device}/pair", "/kiosk/{device}", (Role.DEVICE,))
    SUBJECT = ("countenance-subject", "/me", "/me", "/me/mine", (Role.SUBJECT,))
    RECEIPT = ("countenance-receipt", "/r", "/r", "/r/mine", ())

    def __init__(self, cookie: str, root: str, gate: str, first: str, roles: tuple[Role, ...]) -> None:
        """Name the cookie, where it is sent, where it is got, its first page, and the roles that may hold it."""
        self.cookie = cookie
        self.root = root
        self.gate = gate
        self.first = first
        self.roles = roles

    def path(self, device: str | None) -> str:
        """Return the part of the site that the cookie is sent to: a kiosk's own pages, or all of a kind."""
        return self.root if device is None else f"{self.root}/{device}"

    def entrance(self, device: str | None) -> str:
        """Return where a session is begun."""
        return self.gate.replace("{device}", device or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page or one form of it; `who` has no default, so that a page nobody thought about does not exist."""

    method: str
    path: str
    endpoint: "Callable[[Visit], Awaitable[Response]]"
    who: Session | Open
    picture: bool = False
    guess: bool = False
    camera: bool = False

    @property
    def label(self) -> str:
        """Return the page as logs and metrics name it."""
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Behind:
    """What stands behind every page."""

    house: House
    settings: Settings
    threads: Threads
    #: Codes are tried at open pages by anybody: whoever tries many in a row waits, and nobody else does.
    pace: Pace
    #: Passwords and invitations are tried by anybody as well, and a person has but one or two to try.
    guesses: Pace


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page that was let in."""

    behind: Behind
    page: Page
    request: Request
    language: str
    somebody: Caller | Holder | None
    csrf: str | None = field(repr=False)
    sent: Sent | None = field(repr=False, default=None)

    @property
    def house(self) -> House:
        """Return the house."""
        return self.behind.house

    @property
    def caller(self) -> Caller:
        """Return who visits; raises NotAllowedError on a page where nobody was asked, or a receipt was."""
        if not isinstance(self.somebody, Caller):
            raise NotAllowedError("Sign in first.", "请先登录。", known=False)
        return self.somebody

    @property
    def holder(self) -> Holder:
        """Return the receipt that a visitor holds; raises NotAllowedError on a page that asks for none."""
        if not isinstance(self.somebody, Holder):
            raise NotAllowedError("Open your receipt first.", "请先打开您的回执。", known=False)
        return self.somebody

    @property
    def device(self) -> str | None:
        """Return the device whose pages these are."""
        named: str | None = self.request.path_params.get("device")
        return named

    @property
    def first(self) -> str:
        """Return where the visitor begins again: the first page of the session, or the open page itself."""
        path = self.page.who.first if isinstance(self.page.who, Session) else self.page.path
        return path.replace("{device}", self.device or "")

    @property
    def at_kiosk(self) -> bool:
        """Return whether a guest stands before this page."""
        return self.page.who is Session.KIOSK

    def step(self) -> None:
        """Count one try at a page where codes or passwords are tried; raises LimitError for one too many."""
        taking.step(self.behind.guesses if self.page.guess else self.behind.pace, self.request)

    def id(self, name: str) -> UUID:
        """Return the id that the path names; raises NotFoundError for what is no id, as for one of nothing."""
        try:
            return UUID(self.request.path_params[name])
        except ValueError:
            raise NotFoundError("There is nothing of that id.", "没有该编号的内容。") from None

    async def work(self, act: Callable[[], Answer]) -> Answer:
        """Run blocking work in a thread."""
        return await self.behind.threads.work(act, picture=self.page.picture, guess=self.page.guess)

    def form(self, form: type[Made]) -> Made:
        """Return what was sent as `form`; raises MalformedError naming the field that is wrong, and no value."""
        return taking.form_of(self.sent, form)

    def asked(self, form: type[Made]) -> Made:
        """Return the query as `form`; the language, which every page takes, is left out."""
        return taking.query_of(self.request, form)

    def say(self, text: Text) -> str:
        """Return a text in the visitor's language."""
        return text.zh if self.language == "zh" else text.en

    def show(self, template: str, status: int = 200, **values: Any) -> Response:
        """Return a page made of `template`, with a policy that lets nothing in from elsewhere."""
        reader = render.Reader(self.language, taking.here(self.request), self.csrf, self.page.camera, self.house.packs)
        return render.page(reader, template, status, {"visit": self, **values})

    def go(self, path: str) -> RedirectResponse:
        """Send the visitor on to another page, which is then fetched."""
        return RedirectResponse(path, status_code=303)

    def begin(self, session: Session, token: str, seconds: int, path: str) -> Response:
        """Begin a session with a credential, and go to a page of it."""
        response = self.go(path)
        response.set_cookie(
            session.cookie, token, max_age=seconds, path=session.path(self.device), secure=self.secure,
            httponly=True, samesite="strict",
        )  # fmt: skip
        return response

    def end(self, session: Session, path: str) -> Response:
        """Take a session's cookie back, and what the browser remembers of its pages."""
        response = self.go(path)
        response.delete_cookie(session.cookie, path=session.path(self.device))
        response.headers["Clear-Site-Data"] = '"cache"'
        return response

    @property
    def secure(self) -> bool:
        """Return whether a browser comes here by HTTPS alone."""
        settings = self.behind.settings
        return settings.tls_elsewhere or settings.tls_certificate_file is not None


def hung(page: Page, behind: Behind) -> Route:
    """Return the route of a page, behind its guard, with errors shown as a page."""

    async def endpoint(request: Request) -> Response:
        request.scope["countenance.route"] = page.label
        visit = Visit(behind, page, request, taking.language_of(request), None, None)
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
    parts = request.url.path.split("/")
    who = next((each for each in Session if f"/{parts[1]}" == each.root), None)
    if who is Session.KIOSK and len(parts) > 2:  # noqa: PLR2004 — the device's own part of the site
        request.scope["path_params"] = {"device": parts[2]}
    status, says = trouble.nowhere(name)
    page = Page(method=request.method, path="/", endpoint=_no_page, who=who or Open("there is nothing to see"))
    visit = Visit(behind, page, request, taking.language_of(request), None, None)
    response = visit.show("error.html", status, says=says)
    if status == trouble.TOO_MANY:
        response.headers["Retry-After"] = "1"
    return response


async def _no_page(_: Visit) -> Response:
    raise HTTPException(404)


async def _let_in(visit: Visit) -> Response:
    """Settle who visits and whether a form is the page's own, then let the page answer."""
    page, request, behind = visit.page, visit.request, visit.behind
    somebody, token = None, None
    if isinstance(page.who, Session):
        token = cookie(request, page.who.cookie)
        somebody = await _who(visit, page.who, token)
        if somebody is None:
            if request.method == "GET":
                return visit.go(page.who.entrance(visit.device))
            raise NotAllowedError(
                "The session has ended. Nothing was done; begin again.", "会话已结束，未执行任何操作。请重新开始。",
                known=False,
            )  # fmt: skip
    sent, csrf = None, mark_of(token) if token else None
    if request.method == "POST":
        check_site(request, behind.settings.public_url, secure=visit.secure)
        most = behind.settings.body_bytes_max if page.picture else PLAIN_BYTES_MAX
        sent = await read(request, most, multipart=page.picture, urlencoded=not page.picture)
        if csrf is not None:
            check_mark(request, sent, csrf)
    return await page.endpoint(Visit(behind, page, request, visit.language, somebody, csrf, sent))


async def _who(visit: Visit, session: Session, token: str | None) -> Caller | Holder | None:
    """Return whose session it is, None where there is none that stands or where it is another device's."""

    def act() -> Caller | Holder | None:
        at = visit.house.clock()
        with visit.house.database.transaction() as tx:
            try:
                if session is Session.RECEIPT:
                    return access.holder(tx, token, at)
                caller = access.authenticate(tx, token, at)
            except NotAllowedError:
                return None
        right = caller.role in session.roles and (session is not Session.KIOSK or caller.device_id == visit.device)
        return caller if right else None

    return await visit.behind.threads.work(act)


def _shown_error(visit: Visit, error: CountenanceError) -> Response:
    """Return an error as a page: what happened, and what to do next."""
    if isinstance(error, IntegrityError):
        visit.house.alarm.set()
        visit.request.app.state.door.metrics.alarm()
        _log.critical("integrity", extra={"request_id": visit.request.state.request_id})
    response = visit.show("error.html", trouble.status_of(error), says=trouble.words_of(error))
    if isinstance(error, LimitError) and error.seconds is not None:
        response.headers["Retry-After"] = str(error.seconds)
    return response
