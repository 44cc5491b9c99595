"""Receipts that act: whoever holds one sees what was done, and with that of a consent takes the consent back.

A receipt is a bearer's, not a person's: whoever shows it may do what it is for and nothing else. The receipt of a use
shows that use alone, because who stood at the device need not be the subject whose records they are.
"""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import segno

from countenance.errors import ConflictError, NotAllowedError, NotFoundError
from countenance.log.proofs import Proof
from countenance.operations.parts import Caller, Holder, House
from countenance.operations.prove import prove
from countenance.operations.withdraw import settle, take_back
from countenance.record import Entry, Recorded, append, read
from countenance.store import receipts as store
from countenance.store import records, sites, subjects
from countenance.store.database import Transaction
from countenance.subjects.consents import GIVEN
from countenance.vault.bearers import mint
from countenance.vocabulary import Action, ReceiptKind

#: The two letters with which the token of a receipt begins.
PREFIX: Final = "cr"
#: What is done with somebody's data, and so listed under a consent: every action but those that concern places.
USES: Final = tuple(
    action.value for action in Action if action.value not in {"activate_purpose", "register_device", "capture"}
)
USES_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class ReceiptIssued:
    """A new receipt; its token is shown once, and its repr hides it."""

    receipt_id: str
    expires_at: datetime | None
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptShown:
    """What a receipt says: what, why, under which articles, until when, where on record, and how it stands now.

    Of a subject who was erased nothing but the certificate is left; the rest is None.
    """

    kind: ReceiptKind
    state: str | None
    issued_at: datetime
    expires_at: datetime | None
    operator: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
    about: "AboutShown | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutShown:
    """What a receipt is about, from its record and from what is on file of the purpose."""

    use: "UseShown"
    purpose: Mapping[str, Any] | None
    scopes: tuple[str, ...]
    notice_version: int | None
    ends_at: str | None
    retention_days: int | None
    number: int
    intact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class UseShown:
    """One record as its subject is shown it: when, what, where, under which law, and the articles that speak in it."""

    at: str
    action: str
    outcome: str
    device: store.Whereabouts | None
    packs: Mapping[str, Any]
    articles: tuple[Mapping[str, Any], ...]
    record: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Uses:
    """Uses of a consent, newest first; `following` is the record after which the next page begins, if there is one."""

    uses: tuple[UseShown, ...]
    following: UUID | None


def give(
    tx: Transaction, operator_id: str, recorded: Recorded, *, event_id: UUID, subject_id: UUID, purpose: str
) -> ReceiptIssued:
    """Make the receipt of a consent in the transaction that writes it down; it stands as long as the subject does."""
    minted = mint(PREFIX)
    store.add(
        tx,
        store.ReceiptRow(
            operator_id=operator_id,
            receipt_id=minted.public_id,
            kind=ReceiptKind.CONSENT,
            secret_digest=minted.digest,
            issued_at=recorded.at,
            purpose=purpose,
            subject_id=subject_id,
            event_id=event_id,
            record_id=recorded.record_id,
        ),
    )
    return ReceiptIssued(minted.public_id, None, minted.token)


def take(house: House, caller: Caller, record_id: UUID) -> ReceiptIssued:
    """Make the receipt of a use, for whoever stands at the device: once, by who made the record, soon after.

    Raises NotFoundError for any other record, and ConflictError where the receipt was taken before.
    """
    at = house.clock()
    by = caller.named
    with house.database.transaction() as tx:
        row = records.find(tx, caller.operator_id, record_id)
        fresh = row is not None and at - row.at <= timedelta(minutes=house.receipt_minutes)
        if row is None or not fresh or row.kind not in USES or json.loads(row.body)["by"] != by:
            raise NotFoundError(
                "There is no such use of yours, or it is too long ago. A receipt is taken right after the use.",
                "没有由您产生的该次使用记录，或时间已过。回执须在使用后立即领取。",
            )
        minted, expires_at = mint(PREFIX), at + timedelta(days=house.receipt_days)
        kept = store.add(
            tx,
            store.ReceiptRow(
                operator_id=caller.operator_id,
                receipt_id=minted.public_id,
                kind=ReceiptKind.USE,
                secret_digest=minted.digest,
                issued_at=at,
                expires_at=expires_at,
                record_id=record_id,
            ),
        )
        if not kept:
            raise ConflictError(
                "The receipt of this use was taken already; there is one of each.", "该次使用的回执已领取，每次仅一份。"
            )
        said = {"record": str(record_id)}
        append(tx, Entry(operator_id=caller.operator_id, at=at, kind="receipt", outcome="issued", by=by, details=said))
    house.count("receipt", "issued")
    return ReceiptIssued(minted.public_id, expires_at, minted.token)


def show(house: House, holder: Holder) -> ReceiptShown:
    """Return what a receipt says now."""
    with house.database.transaction() as tx:
        row = _row(tx, holder)
        (operator,) = sites.read(tx, row.operator_id, "operator")
        about = None if row.record_id is None else _about(tx, row, row.record_id)
        return ReceiptShown(
            kind=row.kind,
            state=_state(tx, row, house.clock()),
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            operator={name: operator[name] for name in ("name", "contact", "officer_contact")},
            certificate=row.certificate,
            about=about,
        )


def uses(house: House, holder: Holder, *, before: UUID | None = None, most: int = USES_MOST) -> Uses:
    """Return what was done under a consent, refusals too, newest first; `before` is the `following` of the last page.

    Raises NotAllowedError for the receipt of a use, NotFoundError where the subject was erased or `before` is nothing.
    """
    _consents_only(holder)
    with house.database.transaction() as tx:
        row = _row(tx, holder)
        subject = None if row.subject_id is None else subjects.find_id(tx, row.operator_id, row.subject_id)
        if subject is None or subject.linking_key is None or row.record_id is None or row.event_id is None:
            raise NotFoundError(
                "The subject was erased, and nothing on record leads to the person. The certificate is what is left.",
                "该个人已被删除，记录已无法与本人关联。现仅保留销毁证明。",
            )
        since = store.number_of(tx, row.operator_id, row.record_id)
        number = None if before is None else store.number_of(tx, row.operator_id, before)
        if since is None or (before is not None and number is None):
            raise NotFoundError("There is no such record.", "没有该记录。")
        found = store.uses(
            tx,
            row.operator_id,
            kinds=USES,
            mark=house.vault(row.operator_id).mark(subject.linking_key, subject.subject_id),
            purpose=row.purpose or "",
            event_id=row.event_id,
            since=since,
            before=number,
            most=most + 1,
        )
        shown = _uses(tx, row.operator_id, found[:most])
    return Uses(shown, found[most - 1].record_id if len(found) > most else None)


def withdraw(house: House, holder: Holder) -> dict[str, Any]:
    """Take a consent back by its receipt, in one step, and return the certificate; a repeat returns the same one.

    Never refused: keys, references and originals of the purpose are destroyed as in `operations.withdraw`. Raises
    NotAllowedError for the receipt of a use.
    """
    _consents_only(holder)
    done = None
    with house.database.transaction() as tx:
        # Hold the subject, then look: a comparison, a withdrawal or an erasure under way comes first and counts.
        subject_id = _row(tx, holder).subject_id
        subject = None if subject_id is None else subjects.find_id(tx, holder.operator_id, subject_id, lock=True)
        row = _row(tx, holder)
        if row.certificate is None and subject is not None and row.purpose is not None:
            by = f"receipt:{row.receipt_id}"
            done = take_back(tx, house, subject, row.purpose, by, house.clock())
            row = _row(tx, holder)
    if done is not None:
        settle(house, holder.operator_id, done)
    return _certificate(row)


def certificate(house: House, holder: Holder) -> dict[str, Any]:
    """Return the certificate of erasure; raises ConflictError while there is none, NotAllowedError for a use's."""
    _consents_only(holder)
    with house.database.transaction() as tx:
        return _certificate(_row(tx, holder))


def proof(house: House, holder: Holder, record_id: UUID | None = None) -> Proof:
    """Return the proof of a record: the one named, or the certificate's, or what the receipt was issued for.

    Raises what `prove` raises. A proof says when something of which kind was recorded, as the log says to everybody.
    """
    with house.database.transaction() as tx:
        row = _row(tx, holder)
        own = row.record_id if row.certificate is None else UUID(row.certificate["record"]["id"])
        wanted = record_id or own
        if wanted is None:
            raise NotFoundError("There is no such record.", "没有该记录。")
        return prove(tx, house.logs, holder.operator_id, wanted)


def address(public_url: str, token: str) -> str:
    """Return where a receipt is opened: the token stands behind a #, which no browser sends to a server or its log."""
    return f"{public_url.rstrip('/')}/r#{token}"


def qr(url: str) -> bytes:
    """Return a QR code of an address as SVG, black on white."""
    drawn = io.BytesIO()
    segno.make_qr(url, error="m").save(drawn, kind="svg", scale=4, light="white", title="QR", nl=False)
    return drawn.getvalue()


def _consents_only(holder: Holder) -> None:
    if holder.kind is not ReceiptKind.CONSENT:
        raise NotAllowedError(
            "The receipt of a use shows that use alone. Come with the receipt of the consent.",
            "使用回执仅可查看该次使用。请使用同意回执。",
        )


def _row(tx: Transaction, holder: Holder) -> store.ReceiptRow:
    row = store.find(tx, holder.receipt_id)
    if row is None:  # expired and swept between the door and here
        raise NotAllowedError("There is no such receipt any more.", "该回执已失效。", known=False)
    return row


def _certificate(row: store.ReceiptRow) -> dict[str, Any]:
    if row.certificate is None:
        raise ConflictError(
            "Nothing was destroyed yet, so there is no certificate. Withdraw, and it is the answer.",
            "尚未销毁任何数据，因此没有证明。撤回后即可取得。",
        )
    return dict(row.certificate)


def _state(tx: Transaction, row: store.ReceiptRow, at: datetime) -> str | None:
    """Return how the consent stands: given, replaced by a later one, expired, or ended, and by what; None for a use."""
    if row.certificate is not None:
        return str(row.certificate["act"])
    if row.subject_id is None:
        return None
    said = [each for each in subjects.events(tx, row.operator_id, row.subject_id) if each.purpose == row.purpose]
    newest = said[-1]
    if newest.kind != GIVEN:
        return newest.kind
    if newest.event_id != row.event_id:
        return "replaced"
    return "expired" if newest.expires_at is not None and newest.expires_at <= at else GIVEN


def _about(tx: Transaction, row: store.ReceiptRow, record_id: UUID) -> AboutShown | None:
    found = records.find(tx, row.operator_id, record_id)
    number = store.number_of(tx, row.operator_id, record_id)
    if found is None or number is None:
        return None
    kept = read(found)
    said, details = kept["record"], kept["record"]["details"]
    code = row.purpose or said.get("facts", {}).get("purpose", {}).get("code")
    event = None if row.event_id is None else subjects.find_event(tx, row.operator_id, row.event_id)
    purposes = {each["code"]: each for each in sites.read(tx, row.operator_id, "purpose")}
    ends_at = event.expires_at.isoformat() if event and event.expires_at else details.get("expires_at")
    (use,) = _uses(tx, row.operator_id, [found])
    return AboutShown(
        use=use,
        purpose={"code": code, "title": purposes[code]["title"]} if code in purposes else None,
        scopes=tuple(details.get("scopes", ())),
        notice_version=details.get("notice_version"),
        ends_at=ends_at,
        retention_days=purposes[code]["retention_days"] if code in purposes else None,
        number=number,
        intact=kept["intact"],
    )


def _uses(tx: Transaction, operator_id: str, rows: list[records.RecordRow]) -> tuple[UseShown, ...]:
    bodies = [json.loads(row.body) for row in rows]
    named = [body["details"].get("device") for body in bodies]
    where = store.whereabouts(tx, operator_id, [device_id for device_id in named if device_id is not None])
    return tuple(
        UseShown(
            at=body["at"],
            action=body["kind"],
            outcome=body["outcome"],
            device=where.get(device_id),
            record={"id": body["id"], "at": body["at"], "digest": f"sha256:{row.digest.hex()}"},
            **_law(body),
        )
        for row, body, device_id in zip(rows, bodies, named, strict=True)
    )


def _law(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the packs asked and the articles that refused, or, for a consent, those that ask for one.

    Only the first answer of a record is about whoever asked; others can be about somebody else.
    """
    asked = body["law"][0] if "law" in body else body["details"].get("asks")
    if asked is None:
        return {"packs": {}, "articles": ()}
    found = [{name: each[name] for name in ("pack", "article", "outcome")} for each in asked["findings"]]
    return {"packs": asked["packs"], "articles": tuple(found)}
