"""Requests that were answered once, so that a repeat with the same idempotency key gets the same answer."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import select, text

from countenance.store.database import Transaction
from countenance.store.tables import answered

KEPT: Final = timedelta(hours=24)


def find(tx: Transaction, operator_id: str, credential_id: str, key: str) -> tuple[bytes, dict[str, Any]] | None:
    """Return the mark of the request and the answer it got, after waiting for one of the same key in progress."""
    tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtext(:who), hashtext(:key))"),
        {"who": f"{operator_id} {credential_id}", "key": key},
    )
    found = tx.execute(
        select(answered.c.request_mark, answered.c.answer).where(
            answered.c.operator_id == operator_id,
            answered.c.credential_id == credential_id,
            answered.c.idempotency_key == key,
        )
    ).one_or_none()
    return None if found is None else (bytes(found.request_mark), dict(found.answer))


def keep(  # noqa: PLR0917 — the row in the order of its columns
    tx: Transaction, operator_id: str, credential_id: str, key: str, mark: bytes, answer: dict[str, Any], at: datetime
) -> None:
    """Keep an answer for a day."""
    tx.execute(
        answered.insert().values(
            operator_id=operator_id,
            credential_id=credential_id,
            idempotency_key=key,
            request_mark=mark,
            answer=answer,
            at=at,
        )
    )


def let_go(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Let go of the answers that were kept for a day, and return how many there were."""
    return tx.execute(
        answered.delete().where(answered.c.operator_id == operator_id, answered.c.at < at - KEPT)
    ).rowcount
