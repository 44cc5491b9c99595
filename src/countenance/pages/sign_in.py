"""Signing in to the console: with a name, a password and a code; the session is a credential that ends by itself."""

from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from countenance.answer import Text
from countenance.errors import MalformedError
from countenance.operations import sign_in as operation
from countenance.operations.credentials import SESSION_FOR, Issued
from countenance.pages.door import Open, Page, Session, Visit
from countenance.pages.qr import svg
from countenance.reception.body import Form
from countenance.store import sites

_Text = Annotated[str, Field(min_length=1, max_length=256)]


class SignInForm(Form):
    """Who signs in, and how they show it."""

    operator: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    staff: Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9][a-z0-9-]*$")]
    password: _Text
    code: Annotated[str, Field(pattern=r"^\d{3} ?\d{3}$")]


class WelcomeForm(Form):
    """An invitation, and once it is open, the password that is chosen and the first code."""

    token: Annotated[str, Field(max_length=200)]
    password: _Text | None = None
    again: _Text | None = None
    code: Annotated[str | None, Field(pattern=r"^\d{3} ?\d{3}$")] = None


async def sign_in(visit: Visit) -> Response:
    """Show the form."""

    def act() -> list[dict[str, Any]]:
        with visit.house.database.transaction() as tx:
            return [row for each in sites.operators(tx) for row in sites.read(tx, each, "operator")]

    return visit.show("sign_in.html", operators=await visit.work(act))


async def signed_in(visit: Visit) -> Response:
    """Begin a session, if password and code are right."""
    visit.step()
    form = visit.form(SignInForm)
    issued = await visit.work(
        lambda: operation.sign_in(visit.house, form.operator, form.staff, form.password, form.code)
    )
    return _begun(visit, issued)


def _begun(visit: Visit, issued: Issued) -> Response:
    """Go to the console in the session that has begun."""
    return visit.begin(Session.STAFF, issued.token, int(SESSION_FOR.total_seconds()), "/console")


async def sign_out(visit: Visit) -> Response:
    """End the session; its credential opens nothing any more."""
    await visit.work(lambda: operation.sign_out(visit.house, visit.caller))
    return visit.end(Session.STAFF, "/console/sign-in")


async def welcome(visit: Visit) -> Response:
    """Show where an invitation goes; a link brings it behind `#`, which no server sees."""
    return visit.show("welcome.html", token=None, person=None, qr=None)


async def welcomed(visit: Visit) -> Response:
    """Show an invitation, or take the password and the first code that come with it."""
    visit.step()
    form = visit.form(WelcomeForm)
    token = form.token.strip()
    if form.password is None or form.code is None:
        person = await visit.work(lambda: operation.welcome(visit.house, token))
        qr = svg(person.code_address, visit.say(_QR))
        return visit.show("welcome.html", token=token, person=person, qr=qr)
    if form.password != form.again:
        raise MalformedError(
            "The two passwords differ. Go back, and type the same twice.", "两次输入的密码不一致。请返回后重新输入。"
        )
    chosen, code = form.password, form.code
    return _begun(visit, await visit.work(lambda: operation.accept(visit.house, token, chosen, code)))


_QR = Text("QR code for the app that makes codes", "用于验证码应用的二维码")
_WHY = Open("whoever signs in has no session yet")
PAGES = (
    Page(method="GET", path="/console/sign-in", endpoint=sign_in, who=_WHY),
    Page(method="POST", path="/console/sign-in", endpoint=signed_in, who=_WHY, guess=True),
    Page(method="POST", path="/console/sign-out", endpoint=sign_out, who=Session.STAFF),
    Page(method="GET", path="/console/welcome", endpoint=welcome, who=_WHY),
    Page(method="POST", path="/console/welcome", endpoint=welcomed, who=_WHY, guess=True),
)
