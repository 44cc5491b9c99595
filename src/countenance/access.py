"""Who calls in, in which role: bearer credentials whose secret is shown once and kept as a digest.

A secret is 256 random bits, so a plain SHA-256 of it is enough to keep (no dictionary can hold it).
"""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countenance.errors import NotAllowedError, NotFoundError
from countenance.operations.parts import Caller
from countenance.store import credentials as store
from countenance.store import sites, staff, subjects
from countenance.store.database import Transaction
from countenance.vocabulary import Role

_TOKEN = re.compile(r"^cn_([a-z2-7]{12})_([A-Za-z0-9_-]{43})$")
_NOBODY = hashlib.sha256(b"nobody").digest()


@dataclass(frozen=True, slots=True)
class Issued:
    """A new credential; `token` is shown once and its repr hides it."""

    credential_id: str
    token: str

    def __repr__(self) -> str:
        """Show the public id only."""
        return f"Issued({self.credential_id})"


def issue(
    tx: Transaction,
    operator_id: str,
    role: Role,
    *,
    label: str,
    at: datetime,
    device_id: str | None = None,
    subject_id: UUID | None = None,
    staff_id: str | None = None,
    expires_at: datetime | None = None,
) -> Issued:
    """Make a credential for a role; a device's is bound to the device, a subject's to the subject.

    An officer's may be held by a member of staff: only such a one asks for authorisations and approves them. Raises
    NotFoundError when there is no such operator, device, subject or member of staff.
    """
    if operator_id not in sites.operators(tx):
        raise NotFoundError(
            "There is no such operator. Apply a site file first: countenance site apply FILE.yaml",
            "没有该运营者。请先应用站点文件：countenance site apply FILE.yaml",
        )
    held = {row["device_id"] for row in sites.read(tx, operator_id, "device") if not row["retired"]}
    if (role is Role.DEVICE) != (device_id is not None) or (device_id is not None and device_id not in held):
        raise NotFoundError(
            "A device credential needs a device that is on file, and no other credential may name one.",
            "设备凭证必须对应已登记的设备，其他凭证不得指定设备。",
        )
    known = subject_id is not None and subjects.find_id(tx, operator_id, subject_id) is not None
    if (role is Role.SUBJECT) != (subject_id is not None) or (subject_id is not None and not known):
        raise NotFoundError(
            "A subject credential needs a subject who is on file, and no other credential may name one.",
            "个人凭证必须对应已登记的个人，其他凭证不得指定个人。",
        )
    holder = staff.find(tx, operator_id, staff_id, share=True) if staff_id is not None else None
    if staff_id is not None and (role is not Role.OFFICER or holder is None or not holder.active):
        raise NotFoundError(
            "Only an officer's credential is held by a member of staff, one who is on file and not retired. "
            "See GET /v1/staff.",
            "只有保护负责人凭证可由工作人员持有，且该人员须在名单上并未停用。请查看 GET /v1/staff。",
        )
    credential_id = base64.b32encode(secrets.token_bytes(10)).decode().lower()[:12]
    secret = secrets.token_urlsafe(32)
    store.add(
        tx,
        store.CredentialRow(
            operator_id=operator_id,
            credential_id=credential_id,
            role=role.value,
            label=label,
            device_id=device_id,
            subject_id=subject_id,
            secret_digest=hashlib.sha256(secret.encode()).digest(),
            created_at=at,
            expires_at=expires_at,
            revoked_at=None,
            staff_id=staff_id,
        ),
    )
    return Issued(credential_id, f"cn_{credential_id}_{secret}")


def authenticate(tx: Transaction, token: str | None, at: datetime) -> Caller:
    """Return who holds `token`; raises NotAllowedError alike for a wrong, unknown, expired or revoked one."""
    parts = _TOKEN.fullmatch(token or "")
    found = store.find(tx, parts[1]) if parts else None
    digest = hashlib.sha256((parts[2] if parts else "").encode()).digest()
    held = found.secret_digest if found else _NOBODY
    # Compared even where nobody was found, so that the time does not tell which credentials exist.
    right = hmac.compare_digest(digest, bytes(held))
    if found is None or not right or found.revoked_at is not None or (found.expires_at and found.expires_at <= at):
        raise NotAllowedError(
            "No valid credential came with the request. Send one as 'Authorization: Bearer …'; an officer issues it.",
            "请求未携带有效凭证。请在 Authorization: Bearer … 中提供，由保护负责人签发。",
            known=False,
        )
    return Caller(
        found.operator_id, found.credential_id, Role(found.role), found.device_id, found.subject_id, found.staff_id
    )


def require(caller: Caller, *roles: Role) -> None:
    """Refuse a caller in any other role; raises NotAllowedError."""
    if caller.role not in roles:
        needed = ", ".join(role.value for role in roles)
        raise NotAllowedError(
            f"This credential's role may not do this; it takes: {needed}. Ask the officer for the right one.",
            f"该凭证的角色无权执行此操作；需要：{needed}。请向保护负责人申请。",
        )
