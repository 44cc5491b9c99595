"""Issue and revoke credentials, each with its record, whichever door it came by."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from countenance.errors import ConflictError, NotFoundError
from countenance.record import Entry, Recorded, append
from countenance.store import credentials as store
from countenance.store import sites, staff, subjects
from countenance.store.database import Transaction
from countenance.vault.bearers import mint
from countenance.vocabulary import Role

#: The two letters with which the token of a credential begins.
CREDENTIAL: Final = "cn"
#: How long a member of staff stays signed in.
SESSION_FOR: Final = timedelta(hours=8)
#: Who acts on the server's own machine; nobody can be shut out of it by taking the last credential.
CONSOLE: Final = "console"


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
    session: bool = False,
) -> Issued:
    """Make a credential for a role; a device's is bound to the device, a subject's to the subject.

    An officer's may be held by a member of staff: only such a one asks for authorisations and approves them. What was
    made for a `session` goes when the session is long over. Raises NotFoundError when there is no such operator,
    device, subject or member of staff.
    """
    _check_bearer(tx, operator_id, role, device_id=device_id, subject_id=subject_id, staff_id=staff_id)
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
            staff_id=staff_id,
            session=session,
        ),
    )
    return Issued(minted.public_id, minted.token)


def _check_bearer(
    tx: Transaction,
    operator_id: str,
    role: Role,
    *,
    device_id: str | None,
    subject_id: UUID | None,
    staff_id: str | None,
) -> None:
    """Raise NotFoundError unless whoever a credential is bound to is on file, and may be bound to one of that role."""
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
    holds = staff.find(tx, operator_id, staff_id, share=True) if staff_id is not None else None
    if staff_id is not None and (role is not Role.OFFICER or holds is None or not holds.active):
        raise NotFoundError(
            "Only an officer's credential is held by a member of staff, one who is on file and not retired. "
            "See GET /v1/staff.",
            "只有保护负责人凭证可由工作人员持有，且该人员须在名单上并未停用。请查看 GET /v1/staff。",
        )


def begin_session(tx: Transaction, operator_id: str, staff_id: str, at: datetime) -> Issued:
    """Make the credential that a session of a member of staff is; it ends by itself."""
    made = issue(
        tx,
        operator_id,
        Role.OFFICER,
        label=f"session of {staff_id}",
        at=at,
        staff_id=staff_id,
        expires_at=at + SESSION_FOR,
        session=True,
    )
    done = made.credential_id, Role.OFFICER.value, at
    record_credential(tx, operator_id, f"staff:{staff_id}", "issued", *done, staff_id=staff_id)
    return made


def revoke(tx: Transaction, operator_id: str, by: str, credential_id: str, at: datetime) -> Recorded:
    """Revoke a credential, which opens nothing from the next request on.

    Raises NotFoundError for one that is not there or does not work any more, ConflictError where the last of an officer
    would go: nobody could issue another but on the server's own machine.
    """
    sites.lock(tx, operator_id)  # two officers must not revoke each other at the same moment
    found = store.find(tx, credential_id) if credential_id.isalnum() and credential_id.isascii() else None
    if found is None or found.operator_id != operator_id or not store.revoke(tx, operator_id, credential_id, at):
        raise NotFoundError("There is no such working credential.", "没有该有效凭证。")
    if found.role == Role.OFFICER.value and by != CONSOLE and store.officers(tx, operator_id, at) == 0:
        raise ConflictError(
            "This is the last credential of an officer. Issue another before revoking it.",
            "这是最后一个保护负责人凭证。请先签发另一个再撤销。",
        )
    return record_credential(tx, operator_id, by, "revoked", credential_id, found.role, at, staff_id=found.staff_id)


def record_credential(  # noqa: PLR0917 — the entry in the order of a sentence
    tx: Transaction,
    operator_id: str,
    by: str,
    outcome: str,
    credential_id: str,
    role: str,
    at: datetime,
    *,
    subject_mark: bytes | None = None,
    staff_id: str | None = None,
) -> Recorded:
    """Record that a credential was issued or revoked, by whom and for whom, in the transaction that does it."""
    held = {} if staff_id is None else {"staff": staff_id}
    return append(
        tx,
        Entry(
            operator_id=operator_id,
            at=at,
            kind="credential",
            outcome=outcome,
            by=by,
            subject_mark=subject_mark,
            details={"credential": credential_id, "role": role} | held,
        ),
    )
