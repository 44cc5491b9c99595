"""The kiosk's first pages: the guest begins, with purpose and other way on one screen, and says which booking it is."""

from typing import Any

from starlette.responses import Response

from countenance.errors import NotFoundError
from countenance.operations.offered import Offer, offers
from countenance.pages.door import Page, Session, Visit
from countenance.pages.going import Begun, fields
from countenance.pages.taking import LANGUAGE_COOKIE
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import sites


class StartForm(Form):
    """The guest pressed start for a purpose."""

    purpose: Code


async def kiosk(visit: Visit) -> Response:
    """Show what this kiosk is for, and the other way beside it; a way that is closed says why.

    Whoever was here before takes the language they chose with them: the next guest begins in the kiosk's own.
    """
    if LANGUAGE_COOKIE in visit.request.cookies and "lang" not in visit.request.query_params:
        fresh = visit.go(f"/kiosk/{visit.device}")
        fresh.delete_cookie(LANGUAGE_COOKIE)
        return fresh

    def act() -> dict[str, Any]:
        with visit.house.database.transaction() as tx:
            (operator,) = sites.read(tx, visit.caller.operator_id, "operator")
        return {"operator": operator, "offers": offers(visit.house, visit.caller)}

    return visit.show("kiosk.html", **await visit.work(act))


async def start(visit: Visit) -> Response:
    """Ask who the guest says to be, with a word of the operator's own; the other way stays in reach."""
    chosen = visit.form(StartForm).purpose
    offer = await offered(visit, chosen)
    begun = Begun(purpose=chosen, begun=visit.house.clock())
    return visit.show("who.html", offer=offer, carry=fields(begun))


async def offered(visit: Visit, purpose: str) -> Offer:
    """Return what the kiosk offers for a purpose; raises NotFoundError where it offers nothing."""
    found = await visit.work(lambda: offers(visit.house, visit.caller))
    for offer in found:
        if offer.purpose == purpose:
            return offer
    raise NotFoundError("This kiosk does not serve that purpose. Begin again.", "此自助机不提供该服务。请重新开始。")


PAGES = (
    Page(method="GET", path="/kiosk/{device}", endpoint=kiosk, who=Session.KIOSK),
    Page(method="POST", path="/kiosk/{device}/start", endpoint=start, who=Session.KIOSK),
)
