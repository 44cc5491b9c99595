"""A receipt as a page: it shows what was done and why, every use, proves each from the log, and takes a yes back."""

from dataclasses import dataclass, field
from typing import Annotated, Any
from uuid import UUID

from markupsafe import Markup
from pydantic import Field
from starlette.responses import Response

from countenance import access
from countenance.answer import Text
from countenance.errors import NotAllowedError
from countenance.operations import receipts
from countenance.operations.parts import Holder
from countenance.operations.receipts import ReceiptIssued
from countenance.pages.door import Open, Page, Session, Visit
from countenance.pages.earlier import SHOWN_AT_ONCE, EarlierForm
from countenance.pages.qr import svg
from countenance.reception.body import Form
from countenance.vocabulary import ReceiptKind

#: A receipt that is open in a browser is shut after half an hour; the receipt itself stands.
_SECONDS = 1800


class OpenForm(Form):
    """A receipt's code, or the address it is in."""

    token: Annotated[str, Field(max_length=400)]


class UseForm(Form):
    """The record of a use whose receipt is taken."""

    record: UUID


class ProofForm(Form):
    """The record that is to be proven."""

    record: UUID


@dataclass(frozen=True, slots=True)
class ShownReceipt:
    """A new receipt as a page shows it, this once: its address, and the address as a QR code."""

    address: str = field(repr=False)
    qr: Markup = field(repr=False)


def shown_receipt(visit: Visit, issued: ReceiptIssued) -> ShownReceipt:
    """Return a new receipt as it is shown."""
    address = receipts.address(visit.behind.settings.public_url, issued.token)
    return ShownReceipt(address, svg(address, visit.say(Text("QR code of your receipt", "您的回执二维码"))))


async def take(visit: Visit) -> Response:
    """Make the receipt of a use for the guest who stands at the kiosk."""
    record = visit.form(UseForm).record
    issued = await visit.work(lambda: receipts.take(visit.house, visit.caller, record))
    return visit.show("taken.html", receipt=shown_receipt(visit, issued))


async def receipt(visit: Visit) -> Response:
    """Show where a receipt's code goes; a link brings it behind `#`, which no server sees."""
    return visit.show("receipt.html")


async def opened(visit: Visit) -> Response:
    """Open a receipt, for half an hour; a wrong code is answered like one of nothing."""
    visit.step()
    token = visit.form(OpenForm).token.strip().rpartition("#")[2]

    def act() -> None:
        with visit.house.database.transaction() as tx:
            try:
                access.holder(tx, token, visit.house.clock())
            except NotAllowedError as error:
                raise NotAllowedError(
                    "This is no receipt that stands here: it has ended, is another's, or is not whole. Scan it again.",
                    "这不是在此有效的回执：已过期、并非本处签发或不完整。请重新扫描。",
                    known=False,
                ) from error

    await visit.work(act)
    return visit.begin(Session.RECEIPT, token, _SECONDS, "/r/mine")


async def mine(visit: Visit) -> Response:
    """Show what the receipt says now, and for a consent every use of it."""
    before = visit.asked(EarlierForm).before

    def act() -> dict[str, Any]:
        holder: Holder = visit.holder
        shown = receipts.show(visit.house, holder)
        listed = holder.kind is ReceiptKind.CONSENT and shown.certificate is None
        uses = receipts.uses(visit.house, holder, before=before, most=SHOWN_AT_ONCE) if listed else None
        return {"receipt": shown, "uses": uses}

    found = await visit.work(act)
    return visit.show("receipt_open.html", **found)


async def proof(visit: Visit) -> Response:
    """Hand out the proof that a record stands in the log, as a file; the page checks it in the browser."""
    record = visit.asked(ProofForm).record
    found = await visit.work(lambda: receipts.proof(visit.house, visit.holder, record))
    return Response(found.as_file(), media_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})


async def withdrawn(visit: Visit) -> Response:
    """Take the consent back, in one step, and show the certificate."""
    certificate = await visit.work(lambda: receipts.withdraw(visit.house, visit.holder))
    return visit.show("certificate.html", certificate=certificate)


async def leave(visit: Visit) -> Response:
    """Shut the receipt in this browser."""
    return visit.end(Session.RECEIPT, "/r")


_WHY = Open("whoever holds a receipt may open it, and nobody needs an account")
PAGES = (
    Page(method="POST", path="/kiosk/{device}/receipt", endpoint=take, who=Session.KIOSK),
    Page(method="GET", path="/r", endpoint=receipt, who=_WHY),
    Page(method="POST", path="/r", endpoint=opened, who=_WHY),
    Page(method="GET", path="/r/mine", endpoint=mine, who=Session.RECEIPT),
    Page(method="GET", path="/r/proof", endpoint=proof, who=Session.RECEIPT),
    Page(method="POST", path="/r/withdraw", endpoint=withdrawn, who=Session.RECEIPT),
    Page(method="POST", path="/r/leave", endpoint=leave, who=Session.RECEIPT),
)
