"""The subject's own page, by a one-time link: what is held and why, every use, take a yes back, correct, complain."""

from typing import Annotated, Any

from pydantic import Field
from starlette.responses import Response

from countenance import access
from countenance.errors import NotFoundError
from countenance.operations.erase import erase
from countenance.operations.held_about import held_about
from countenance.operations.requests import open_request
from countenance.operations.sign_in import sign_out
from countenance.operations.withdraw import withdraw
from countenance.pages.about import held_shown
from countenance.pages.door import Open, Page, Session, Visit
from countenance.pages.earlier import SHOWN_AT_ONCE, EarlierForm
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import subjects
from countenance.subjects.requests import PROSE_CHARS_MAX, NewRequest
from countenance.vocabulary import RequestKind


class LinkForm(Form):
    """The one-time link, or the part of it behind `#`."""

    token: Annotated[str, Field(max_length=400)]


class WithdrawForm(Form):
    """The purpose for which a yes is taken back."""

    purpose: Code


class WishForm(Form):
    """What the person asks for, in their own words."""

    kind: RequestKind
    text: Annotated[str | None, Field(max_length=PROSE_CHARS_MAX)] = None


async def me(visit: Visit) -> Response:
    """Show where a link goes."""
    return visit.show("me.html")


async def opened(visit: Visit) -> Response:
    """Exchange a link, once, for a session of half an hour."""
    visit.step()
    token = visit.form(LinkForm).token.strip().rpartition("#")[2]
    issued = await visit.work(lambda: access.exchange(visit.house, token))
    return visit.begin(Session.SUBJECT, issued.token, int(access.SESSION.total_seconds()), "/me/mine")


async def mine(visit: Visit) -> Response:
    """Show what is held about the visitor, with every use and refusal."""
    before = visit.asked(EarlierForm).before

    def act() -> dict[str, Any]:
        return held_shown(visit, held_about(visit.house, visit.caller, most=SHOWN_AT_ONCE, before=before))

    found = await visit.work(act)
    return visit.show("mine.html", kinds_wished=list(RequestKind), **found)


def _own_word(visit: Visit) -> str:
    """Return the operator's word for the visitor; raises NotFoundError for a guest without an account."""
    caller = visit.caller
    with visit.house.database.reading() as tx:
        found = None if caller.subject_id is None else subjects.find_id(tx, caller.operator_id, caller.subject_id)
    if found is None or found.ref is None:
        raise NotFoundError(
            "Nothing is kept under a word of its own for you. Use the receipt of your consent.",
            "没有以编号为您保存的内容。请使用您的同意回执。",
        )
    return found.ref


async def take_back(visit: Visit) -> Response:
    """Take a yes back: keys and references of that purpose are destroyed at once."""
    purpose = visit.form(WithdrawForm).purpose

    def act() -> object:
        return withdraw(visit.house, visit.caller, _own_word(visit), purpose)

    return visit.show("taken_back.html", done=await visit.work(act))


async def wish(visit: Visit) -> Response:
    """Put a request on file; it has a day by which it is answered."""
    form = visit.form(WishForm)
    if form.kind is RequestKind.ERASE and form.text is None:
        return await _erased(visit)
    wanted = NewRequest(kind=form.kind, text=form.text)
    request, recorded = await visit.work(lambda: open_request(visit.house, visit.caller, wanted))
    return visit.show("wished.html", request=request, recorded=recorded)


async def _erased(visit: Visit) -> Response:
    """Erase at once: it is never refused, so nobody has to be asked."""

    def act() -> object:
        return erase(visit.house, visit.caller, _own_word(visit))

    done = await visit.work(act)
    response = visit.show("taken_back.html", done=done)
    response.delete_cookie(Session.SUBJECT.cookie, path=Session.SUBJECT.path(None))
    return response


async def leave(visit: Visit) -> Response:
    """End the visit; what the link opened opens nothing any more."""
    await visit.work(lambda: sign_out(visit.house, visit.caller))
    return visit.end(Session.SUBJECT, "/me")


_WHY = Open("whoever has the link is the person it was made for, as far as anybody can tell")
PAGES = (
    Page(method="GET", path="/me", endpoint=me, who=_WHY),
    Page(method="POST", path="/me", endpoint=opened, who=_WHY),
    Page(method="GET", path="/me/mine", endpoint=mine, who=Session.SUBJECT),
    Page(method="POST", path="/me/withdraw", endpoint=take_back, who=Session.SUBJECT),
    Page(method="POST", path="/me/wish", endpoint=wish, who=Session.SUBJECT),
    Page(method="POST", path="/me/leave", endpoint=leave, who=Session.SUBJECT),
)
