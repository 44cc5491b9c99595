"""Consents by state and purpose, and one person's file: what was decided, kept and used; a yes taken back; a link."""

from datetime import datetime
from typing import Any
from uuid import UUID

from starlette.responses import Response

from countenance import access
from countenance.answer import Text
from countenance.operations.held_about import held_about
from countenance.operations.withdraw import withdraw
from countenance.pages.about import held_shown
from countenance.pages.door import Page, Session, Visit
from countenance.pages.earlier import SHOWN_AT_ONCE
from countenance.pages.qr import svg
from countenance.reception.body import Form
from countenance.reception.words import Code, Typed
from countenance.store import overview, sites


class PersonForm(Form):
    """Whose file is opened, and from which record on backwards; that it was is on record."""

    subject: Typed
    before: UUID | None = None


class TakeBackForm(Form):
    """Whose yes to which purpose is taken back."""

    subject: Typed
    purpose: Code


async def consents(visit: Visit) -> Response:
    """Show how many persons decided how, and the way to one person's file."""
    operator_id = visit.caller.operator_id

    def act() -> dict[str, Any]:
        with visit.house.database.reading() as tx:
            counted = overview.consents(tx, operator_id, visit.house.clock())
            titles = {row["code"]: row["title"] for row in sites.read(tx, operator_id, "purpose")}
        by_purpose: dict[str, dict[str, int]] = {}
        for each in counted:
            by_purpose.setdefault(each.purpose, {})[each.state] = each.persons
        return {"counted": by_purpose, "titles": titles}

    return visit.show("consents.html", **await visit.work(act))


async def person(visit: Visit) -> Response:
    """Open one person's file."""
    form = visit.form(PersonForm)

    def act() -> dict[str, Any]:
        held = held_about(visit.house, visit.caller, form.subject, most=SHOWN_AT_ONCE, before=form.before)
        return held_shown(visit, held)

    return visit.show("person.html", subject=form.subject, **await visit.work(act))


async def taken_back(visit: Visit) -> Response:
    """Take a yes back for a person who asks for it at the desk."""
    form = visit.form(TakeBackForm)
    done = await visit.work(lambda: withdraw(visit.house, visit.caller, form.subject, form.purpose))
    return visit.show("taken_back.html", done=done, layout="console_layout.html", onward="/console/consents")


async def link(visit: Visit) -> Response:
    """Make a one-time link by which the person comes to their own page; it is shown once."""
    form = visit.form(PersonForm)

    def act() -> tuple[str, datetime]:
        made = access.issue_link(visit.house, visit.caller, form.subject)
        return f"{visit.behind.settings.public_url.rstrip('/')}/me#{made.token}", made.expires_at

    address, until = await visit.work(act)
    qr = svg(address, visit.say(Text("QR code of the link", "链接二维码")))
    return visit.show("link.html", address=address, until=until, qr=qr, subject=form.subject)


PAGES = (
    Page(method="GET", path="/console/consents", endpoint=consents, who=Session.STAFF),
    Page(method="POST", path="/console/consents/person", endpoint=person, who=Session.STAFF),
    Page(method="POST", path="/console/consents/withdraw", endpoint=taken_back, who=Session.STAFF),
    Page(method="POST", path="/console/consents/link", endpoint=link, who=Session.STAFF),
)
