"""One-time links: the digest of each, whom it is for and until when; a link that was used is gone."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from countenance.store.database import Transaction
from countenance.store.request_tables import link


def add(
    tx: Transaction, operator_id: str, digest: bytes, subject_id: UUID, issued_at: datetime, expires_at: datetime
) -> None:
    """Keep the digest of a new link."""
    tx.execute(
        link.insert().values(
            operator_id=operator_id,
            digest=digest,
            subject_id=subject_id,
            issued_at=issued_at,
            expires_at=expires_at,
        )
    )


def find(tx: Transaction, digest: bytes, at: datetime) -> tuple[str, UUID] | None:
    """Return operator and subject of the link of this digest, or None where there is no such live one."""
    query = select(link.c.operator_id, link.c.subject_id).where(link.c.digest == digest, link.c.expires_at > at)
    found = tx.execute(query).one_or_none()
    return None if found is None else (found.operator_id, found.subject_id)


def use(tx: Transaction, operator_id: str, digest: bytes) -> bool:
    """Destroy a link and return whether it was there.

    Of two who come at once with the same link, one waits for the row that the other deletes, and finds nothing.
    """
    gone = tx.execute(link.delete().where(link.c.operator_id == operator_id, link.c.digest == digest))
    return gone.rowcount == 1


def forget_subject(tx: Transaction, operator_id: str, subject_id: UUID) -> None:
    """Destroy the links of a subject who was erased."""
    tx.execute(link.delete().where(link.c.operator_id == operator_id, link.c.subject_id == subject_id))


def end_all(tx: Transaction, operator_id: str) -> None:
    """Destroy every link: after a restore nobody knows which of them were used."""
    tx.execute(link.delete().where(link.c.operator_id == operator_id))


def let_go(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Destroy the links whose time is over, and return how many there were."""
    return tx.execute(link.delete().where(link.c.operator_id == operator_id, link.c.expires_at <= at)).rowcount
