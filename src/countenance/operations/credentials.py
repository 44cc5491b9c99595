"""Issue and revoke credentials, each with its record, whichever door it came by."""

from datetime import datetime
from typing import Final

from countenance.errors import ConflictError, NotFoundError
from countenance.operations.parts import Caller
from countenance.record import Entry, Recorded, append
from countenance.store import credentials as store
from countenance.store import sites
from countenance.store.database import Transaction
from countenance.vocabulary import Role

#: Who acts on the server's own machine; nobody can be shut out of it by taking the last credential.
CONSOLE: Final = "console"


def named(caller: Caller) -> str:
    """Return a caller as records name whoever did something."""
    return f"{caller.role.value}:{caller.credential_id}"


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
