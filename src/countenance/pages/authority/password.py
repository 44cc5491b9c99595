"""Choosing a password: afterwards every session of the clerk has ended, this one as well."""

from typing import Annotated

from pydantic import Field
from starlette.responses import Response

from countenance.errors import MalformedError
from countenance.pages.authority.door import GATE, PASSWORD, Clerks, Page, Visit
from countenance.reception.body import Form
from countenance.vault.passwords import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN

_Text = Annotated[str, Field(min_length=1, max_length=256)]


class PasswordForm(Form):
    """The password so far, and the new one twice."""

    old: _Text
    new: _Text
    again: _Text


async def password(visit: Visit) -> Response:
    """Show the form."""
    return visit.show("password.html", shortest=PASSWORD_CHARS_MIN, longest=PASSWORD_CHARS_MAX)


async def chosen(visit: Visit) -> Response:
    """Take the new password, and let the clerk sign in with it."""
    visit.step()
    form = visit.form(PasswordForm)
    if form.new != form.again:
        raise MalformedError(
            "The two new passwords differ. Go back, and type the same twice.",
            "两次输入的新密码不一致。请返回后重新输入。",
        )
    await visit.work(lambda: visit.desk.choose_password(visit.clerk.name, form.old, form.new))
    return visit.end(GATE)


PAGES = (
    Page(method="GET", path=PASSWORD, endpoint=password, who=Clerks(before_choosing=True)),
    Page(method="POST", path=PASSWORD, endpoint=chosen, who=Clerks(before_choosing=True), guess=True),
)
