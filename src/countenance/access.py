"""Who comes in, in which role or with which receipt: bearer secrets shown once and kept as digests.

A one-time link is such a secret too: it is exchanged once, for a credential that soon ends.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from countenance.errors import NotAllowedError
from countenance.operations.credentials import CREDENTIAL, Issued, issue, record_credential
from countenance.operations.parts import Caller, Holder, House
from countenance.operations.receipts import PREFIX as RECEIPT
from countenance.operations.whose import whose
from countenance.record import Entry, Recorded, append
from countenance.store import credentials as store
from countenance.store import links, receipts, subjects
from countenance.store.database import Transaction
from countenance.vault.bearers import agrees, presented
from countenance.vocabulary import Role

__all__ = [
    "SESSION",
    "Issued",
    "Linked",
    "authenticate",
    "exchange",
    "holder",
    "issue",
    "issue_link",
    "require",
]

_LINK = re.compile(r"^cl_[A-Za-z0-9_-]{43}$")
#: How long a credential works that came of a link.
SESSION: Final = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Linked:
    """A new one-time link; `token` is shown once and its repr hides it."""

    token: str
    expires_at: datetime
    recorded: Recorded

    def __repr__(self) -> str:
        """Show until when it can be used."""
        return f"Linked({self.expires_at.isoformat()})"


def authenticate(tx: Transaction, token: str | None, at: datetime) -> Caller:
    """Return who holds `token`; raises NotAllowedError alike for a wrong, unknown, expired or revoked one."""
    shown = presented(CREDENTIAL, token)
    found = store.find(tx, shown.public_id) if shown else None
    right = agrees(shown, bytes(found.secret_digest) if found else None)
    if found is None or not right or found.revoked_at is not None or (found.expires_at and found.expires_at <= at):
        raise _nobody()
    return Caller(
        found.operator_id, found.credential_id, Role(found.role), found.device_id, found.subject_id, found.staff_id
    )


def issue_link(house: House, caller: Caller, subject_ref: str) -> Linked:
    """Make a link by which the person named comes to what is held of them, once and soon; it is on record.

    Raises NotFoundError for a subject who is not on file.
    """
    at, token = house.clock(), f"cl_{secrets.token_urlsafe(32)}"
    expires_at = at + timedelta(minutes=house.link_minutes)
    with house.database.transaction() as tx:
        subject, mark = whose(tx, house, caller, subject_ref, lock=True)
        links.add(tx, caller.operator_id, _digest(token), subject.subject_id, at, expires_at)
        recorded = append(
            tx,
            Entry(
                operator_id=caller.operator_id,
                at=at,
                kind="link",
                outcome="issued",
                by=caller.named,
                subject_mark=mark,
                details={"expires_at": expires_at.isoformat()},
            ),
        )
    house.count("link", "issued")
    return Linked(token, expires_at, recorded)


def exchange(house: House, token: str) -> Issued:
    """Take a one-time link and return a subject's credential, which ends after `SESSION`; the link is gone.

    Raises NotAllowedError alike for a link that was used, has ended, or never was.
    """
    at, digest = house.clock(), _digest(token)
    with house.database.transaction() as tx:
        found = links.find(tx, digest, at) if _LINK.fullmatch(token) else None
        # The subject is held before the link, as an erasure does: no credential is made for whom it forgets meanwhile.
        if found is None or not subjects.share(tx, *found) or not links.use(tx, found[0], digest):
            raise NotAllowedError(
                "This link was used, has ended, or never was. Ask the desk for a new one.",
                "此链接已使用、已过期或不存在。请向前台索取新链接。",
                known=False,
            )
        operator_id, subject_id = found
        issued = issue(
            tx,
            operator_id,
            Role.SUBJECT,
            label="link",
            at=at,
            subject_id=subject_id,
            expires_at=at + SESSION,
            session=True,
        )
        caller = Caller(operator_id, issued.credential_id, Role.SUBJECT, subject_id=subject_id)
        _, mark = whose(tx, house, caller, None)
        record_credential(
            tx, operator_id, "link", "issued", issued.credential_id, Role.SUBJECT.value, at, subject_mark=mark
        )
    house.count("link", "exchanged")
    return issued


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def holder(tx: Transaction, token: str | None, at: datetime) -> Holder:
    """Return what receipt `token` opens; raises NotAllowedError alike for a wrong, unknown or expired one."""
    shown = presented(RECEIPT, token)
    found = receipts.find(tx, shown.public_id) if shown else None
    right = agrees(shown, bytes(found.secret_digest) if found else None)
    if found is None or not right or (found.expires_at and found.expires_at <= at):
        raise _nobody()
    return Holder(found.operator_id, found.receipt_id, found.kind)


def _nobody() -> NotAllowedError:
    return NotAllowedError(
        "No valid credential came with the request. Send one as 'Authorization: Bearer …'; an officer issues it.",
        "请求未携带有效凭证。请在 Authorization: Bearer … 中提供，由保护负责人签发。",
        known=False,
    )


def require(caller: Caller, *roles: Role) -> None:
    """Refuse a caller in any other role; raises NotAllowedError."""
    if caller.role not in roles:
        needed = ", ".join(role.value for role in roles)
        raise NotAllowedError(
            f"This credential's role may not do this; it takes: {needed}. Ask the officer for the right one.",
            f"该凭证的角色无权执行此操作；需要：{needed}。请向保护负责人申请。",
        )
