"""/v1/receipt: what whoever holds a receipt can do with it alone; POST /v1/receipts: a use gets its own."""

from datetime import date, datetime
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Response
from pydantic import Field

from countenance.api.door import ByReceipt, Calling, Route, bearer
from countenance.api.wire import (
    LAW_EXAMPLE,
    RECEIPT_EXAMPLE,
    RECORD_EXAMPLE,
    Bilingual,
    Destroyed,
    Id,
    PackShown,
    ReceiptGiven,
    RecordPointer,
    Shown,
)
from countenance.operations import receipts as operation
from countenance.reception.body import Form
from countenance.vocabulary import ReceiptKind, Role


class TakeForm(Form):
    """The record of a use that this credential made just now."""

    record: Id


class UsesQuery(Form):
    """From which record on backwards, as `next` of the page before says, and how many."""

    before: Id | None = None
    most: Annotated[int, Field(ge=1, le=operation.USES_MOST)] = 50


class TakeAnswer(Shown):
    """The receipt of a use; it shows that use and can do nothing else."""

    receipt: ReceiptGiven


class OperatorContact(Shown):
    """Whom to turn to."""

    name: str
    contact: str
    officer_contact: str | None


class PurposeTitle(Shown):
    """A purpose in the words people are shown."""

    code: str
    title: Bilingual


class DevicePlace(Shown):
    """Where it was done."""

    device_id: str
    device: str
    place: str
    venue: str


class ArticleShown(Shown):
    """An article that speaks: it refused (`forbids`, `missing`, `failed`), or `asks` for the consent."""

    pack: str | None
    article: str | None
    outcome: str


class UseAnswer(Shown):
    """One use: when, what came of it, where, under which law, and where it is on record."""

    at: datetime
    action: str
    outcome: str
    device: DevicePlace | None
    packs: dict[str, PackShown]
    articles: list[ArticleShown]
    record: RecordPointer


class UsesAnswer(Shown):
    """Uses of a consent, newest first; `next` asks for the page after this one."""

    uses: list[UseAnswer]
    next: UUID | None


class CertificateAnswer(Shown):
    """The certificate of erasure: what was destroyed, when, by whom, and under which digest that is on record."""

    format: int
    act: str
    at: datetime
    receipt: str
    operator: OperatorContact
    purpose: PurposeTitle
    destroyed: Destroyed
    backups_until: Annotated[
        date | None,
        Field(description="Until when a backup may hold it, sealed; null on certificates from before that was said."),
    ] = None
    record: RecordPointer
    signature: str | None
    says: Bilingual


class AboutAnswer(Shown):
    """What a receipt is about."""

    use: UseAnswer
    purpose: PurposeTitle | None
    scopes: list[str]
    notice_version: int | None
    ends_at: datetime | None
    retention_days: int | None
    number: int
    intact: bool


class ReceiptAnswer(Shown):
    """What a receipt says now; of a subject who was erased only the certificate is left, and `about` is null."""

    kind: ReceiptKind
    state: str | None
    issued_at: datetime
    expires_at: datetime | None
    operator: OperatorContact
    certificate: CertificateAnswer | None
    about: AboutAnswer | None


class Drawing(Response):
    """A drawing."""

    media_type = "image/svg+xml"


async def receipt(call: Calling) -> ReceiptAnswer:
    """Show what a receipt is about: what, why, under which articles, until when, where on record, and its state now."""
    shown = await call.work(lambda: operation.show(call.house, call.holder))
    return ReceiptAnswer.model_validate(shown, from_attributes=True)


async def receipt_uses(call: Calling) -> UsesAnswer:
    """List every use of a consent, refusals too, newest first, a page at a time."""
    query = call.asked(UsesQuery)
    found = await call.work(lambda: operation.uses(call.house, call.holder, before=query.before, most=query.most))
    uses = [UseAnswer.model_validate(each, from_attributes=True) for each in found.uses]
    return UsesAnswer(uses=uses, next=found.following)


async def receipt_withdraw(call: Calling) -> CertificateAnswer:
    """Take the consent back, in this one step, and get the certificate of erasure; a repeat gets the same one."""
    done = await call.work(lambda: operation.withdraw(call.house, call.holder))
    return CertificateAnswer.model_validate(done)


async def receipt_certificate(call: Calling) -> CertificateAnswer:
    """Return the certificate of erasure again, for as long as it is kept."""
    found = await call.work(lambda: operation.certificate(call.house, call.holder))
    return CertificateAnswer.model_validate(found)


async def receipt_qr(call: Calling) -> Response:
    """Draw the QR code that opens this receipt, as SVG."""
    url = operation.address(call.door.settings.public_url, bearer(call.request) or "")
    return Drawing(await call.work(lambda: operation.qr(url)))


async def take_receipt(call: Calling) -> TakeAnswer:
    """Make the receipt of a use for whoever stands at the device; once, soon after, by who made the record."""
    sent = await call.sent()

    def act() -> TakeAnswer:
        form = sent.form(TakeForm)
        done = operation.take(call.house, call.caller, form.record)
        return TakeAnswer(receipt=ReceiptGiven.of(done, call.door.settings.public_url))

    return await call.work(act)


_OPERATOR: Final = {
    "name": "Harbour Hotel",
    "contact": "privacy@harbour-hotel.example",
    "officer_contact": "officer@harbour-hotel.example",
}
_PURPOSE: Final = {"code": "check-in", "title": {"en": "Check in by face", "zh": "刷脸入住"}}
_USE: Final = {
    "at": "2026-11-23T02:00:00+00:00",
    "action": "verify",
    "outcome": "refused",
    "device": {"device_id": "kiosk-1", "device": "Kiosk", "place": "Lobby", "venue": "Harbour Hotel"},
    "packs": LAW_EXAMPLE["packs"],
    "articles": [{"pack": "cn-2023-draft", "article": "5", "outcome": "forbids"}],
    "record": RECORD_EXAMPLE,
}
_CERTIFICATE: Final = {
    "format": 1,
    "act": "withdrawn",
    "at": "2026-11-23T02:00:00+00:00",
    "receipt": "abcdefghijkl",
    "operator": _OPERATOR,
    "purpose": _PURPOSE,
    "destroyed": {"keys": 1, "references": 2, "originals": 0, "purposes": ["check-in"]},
    "backups_until": "2026-12-28",
    "record": RECORD_EXAMPLE,
    "signature": None,
    "says": {"en": "The consent was taken back …", "zh": "同意已撤回……"},
}
_RECEIPT: Final = {
    "kind": "consent",
    "state": "given",
    "issued_at": "2026-11-23T02:00:00+00:00",
    "expires_at": None,
    "operator": _OPERATOR,
    "certificate": None,
    "about": {
        "use": _USE
        | {
            "action": "consent",
            "outcome": "given",
            "device": None,
            "articles": [{"pack": "cn-2023-draft", "article": "5", "outcome": "asks"}],
        },
        "purpose": _PURPOSE,
        "scopes": ["enrol", "off_device_storage", "verify"],
        "notice_version": 1,
        "ends_at": None,
        "retention_days": 30,
        "number": 42,
        "intact": True,
    },
}


def _held(method: str, path: str, endpoint: Any, may: str, **more: Any) -> Route:
    return Route(method=method, path=path, endpoint=endpoint, roles=ByReceipt(may), tag="receipts", **more)


ROUTES = (
    Route(
        method="POST",
        path="/v1/receipts",
        endpoint=take_receipt,
        roles=(Role.DEVICE, Role.OFFICER),
        tag="receipts",
        answer=TakeAnswer,
        status=201,
        example={"receipt": RECEIPT_EXAMPLE | {"expires_at": "2029-11-22T02:00:00Z"}},
        form=TakeForm,
        form_example={"record": RECORD_EXAMPLE["id"]},
        problems=("not_found", "conflict"),
    ),
    _held("GET", "/v1/receipt", receipt, "See what it is about.", answer=ReceiptAnswer, example=_RECEIPT),
    _held(
        "GET",
        "/v1/receipt/uses",
        receipt_uses,
        "See every use of the consent.",
        answer=UsesAnswer,
        example={"uses": [_USE], "next": None},
        query=UsesQuery,
        problems=("not_found",),
    ),
    _held(
        "POST",
        "/v1/receipt/withdraw",
        receipt_withdraw,
        "Take the consent back.",
        answer=CertificateAnswer,
        example=_CERTIFICATE,
    ),
    _held(
        "GET",
        "/v1/receipt/certificate",
        receipt_certificate,
        "Fetch the certificate of erasure.",
        answer=CertificateAnswer,
        example=_CERTIFICATE,
        problems=("conflict",),
    ),
    _held("GET", "/v1/receipt/qr", receipt_qr, "Have it drawn.", kind=Drawing),
)
