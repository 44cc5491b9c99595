"""Issue and revoke credentials, each with its record, whichever door it came by."""

from datetime import datetime

from countenance.record import Entry, Recorded, append
from countenance.store.database import Transaction


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
