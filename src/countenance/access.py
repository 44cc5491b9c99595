"""Who comes in, in which role or with which receipt, and how often: bearer secrets shown once and kept as digests."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Final
from uuid import UUID

from countenance.errors import LimitError, NotAllowedError, NotFoundError
from countenance.operations.parts import Caller, Holder
from countenance.operations.receipts import PREFIX as RECEIPT
from countenance.store import credentials as store
from countenance.store import receipts, sites, subjects
from countenance.store.database import Transaction
from countenance.vault.bearers import agrees, mint, presented
from countenance.vocabulary import Role

#: The two letters with which the token of a credential begins.
CREDENTIAL: Final = "cn"
#: So many addresses are remembered; the one that has been quiet longest is forgotten first.
ADDRESSES_MAX: Final = 10_000


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
    expires_at: datetime | None = None,
) -> Issued:
    """Make a credential for a role; a device's is bound to the device, a subject's to the subject.

    Raises NotFoundError when there is no such operator, device or subject.
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
    minted = mint(CREDENTIAL)
    store.add(
        tx,
        store.CredentialRow(
            operator_id=operator_id,
            credential_id=minted.public_id,
            role=role.value,
            label=label,
            device_id=device_id,
            subject_id=subject_id,
            secret_digest=minted.digest,
            created_at=at,
            expires_at=expires_at,
            revoked_at=None,
        ),
    )
    return Issued(minted.public_id, minted.token)


def authenticate(tx: Transaction, token: str | None, at: datetime) -> Caller:
    """Return who holds `token`; raises NotAllowedError alike for a wrong, unknown, expired or revoked one."""
    shown = presented(CREDENTIAL, token)
    found = store.find(tx, shown.public_id) if shown else None
    right = agrees(shown, bytes(found.secret_digest) if found else None)
    if found is None or not right or found.revoked_at is not None or (found.expires_at and found.expires_at <= at):
        raise _nobody()
    return Caller(found.operator_id, found.credential_id, Role(found.role), found.device_id, found.subject_id)


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


class Pace:
    """Lets each address through so often a minute, a minute's worth at once, and keeps nobody else waiting for it."""

    def __init__(
        self,
        per_minute: int,
        *,
        addresses_max: int = ADDRESSES_MAX,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nobody seen; `elapsed` gives seconds that only grow."""
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._addresses_max = addresses_max
        self._elapsed = elapsed
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._seen)

    def step(self, address: str | None) -> None:
        """Count one request of an address; raises LimitError for one too many, which says when to come back."""
        name = network(address)
        with self._lock:
            now = self._elapsed()
            left, since = self._seen.pop(name, (self._most, now))
            left = min(self._most, left + (now - since) * self._per_second)
            through = left >= 1
            self._seen[name] = (left - 1 if through else left, now)
            if len(self._seen) > self._addresses_max:
                self._seen.popitem(last=False)
        if not through:
            raise LimitError(
                "This address asks too often. Wait as long as Retry-After says, then ask again.",
                "该地址请求过于频繁。请按 Retry-After 等待后再试。",
                limit="rate",
                seconds=ceil((1 - left) / self._per_second),
            )


def network(address: str | None) -> str:
    """Return whom an address is counted as: one of IPv6 as its /64, of which a single machine has every address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)
