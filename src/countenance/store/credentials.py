"""Who may call in: digests of credentials, never the credentials themselves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from countenance.store import erasures
from countenance.store.database import Transaction
from countenance.store.tables import credential


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """One credential as it stands on file."""

    operator_id: str
    credential_id: str
    role: str
    label: str
    device_id: str | None
    subject_id: UUID | None
    secret_digest: bytes
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    staff_id: str | None = None
    session: bool = False


_COLUMNS = [credential.c[name] for name in CredentialRow.__dataclass_fields__]


def add(tx: Transaction, row: CredentialRow) -> None:
    """Keep a new credential."""
    tx.execute(credential.insert().values({name: getattr(row, name) for name in CredentialRow.__dataclass_fields__}))


def find(tx: Transaction, credential_id: str) -> CredentialRow | None:
    """Return the credential of this public id, revoked or not."""
    found = tx.execute(select(*_COLUMNS).where(credential.c.credential_id == credential_id)).one_or_none()
    return None if found is None else CredentialRow(**found._mapping)  # noqa: SLF001 — public in SQLAlchemy


def listed(tx: Transaction, operator_id: str) -> list[dict[str, Any]]:
    """Return the operator's credentials without their digests, oldest first."""
    shown = [column for column in _COLUMNS if column.name != "secret_digest"]
    query = (
        select(*shown)
        .where(credential.c.operator_id == operator_id)
        .order_by(credential.c.created_at, credential.c.credential_id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def revoke(tx: Transaction, operator_id: str, credential_id: str, at: datetime, noted: UUID | None = None) -> bool:
    """Mark a credential revoked and return whether there was one to revoke."""
    done = tx.execute(
        credential.update()
        .where(
            credential.c.operator_id == operator_id,
            credential.c.credential_id == credential_id,
            credential.c.revoked_at.is_(None),
        )
        .values(revoked_at=at)
    )
    if done.rowcount:
        erasures.add(tx, operator_id, at, credential_id=credential_id, noted=noted)
    return done.rowcount == 1


def revoke_subject(tx: Transaction, operator_id: str, subject_id: UUID, at: datetime) -> int:
    """Revoke every credential of a subject who was erased."""
    done = tx.execute(
        credential.update()
        .where(
            credential.c.operator_id == operator_id,
            credential.c.subject_id == subject_id,
        )
        .values(revoked_at=func.coalesce(credential.c.revoked_at, at), label="erased")
    )
    return done.rowcount


def revoke_staff(tx: Transaction, operator_id: str, staff_id: str, at: datetime) -> int:
    """Revoke every credential of a member of staff that still works and return how many there were."""
    return _revoke_working(tx, at, credential.c.operator_id == operator_id, credential.c.staff_id == staff_id)


def end_sessions(tx: Transaction, operator_id: str, staff_id: str, at: datetime) -> int:
    """Revoke the sessions of a member of staff that still work, and no other credential; return how many there were."""
    mine = (credential.c.operator_id == operator_id, credential.c.staff_id == staff_id)
    return _revoke_working(tx, at, *mine, credential.c.session.is_(True))


def end_every_session(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Revoke every session that still works: after a restore nobody knows which of them were ended since."""
    return _revoke_working(tx, at, credential.c.operator_id == operator_id, credential.c.session.is_(True))


def _revoke_working(tx: Transaction, at: datetime, *which: ColumnElement[bool]) -> int:
    gone = credential.c.operator_id, credential.c.credential_id
    done = tx.execute(credential.update().where(*which, *_working(at)).values(revoked_at=at).returning(*gone)).all()
    for row in done:
        erasures.add(tx, row.operator_id, at, credential_id=row.credential_id)
    return len(done)


def _working(at: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of a credential that opens something at `at`."""
    return credential.c.revoked_at.is_(None), or_(credential.c.expires_at.is_(None), credential.c.expires_at > at)


def let_go(tx: Transaction, operator_id: str, ended_by: datetime) -> int:
    """Destroy the credentials of sessions that had ended by then, and return how many there were."""
    gone = tx.execute(
        credential.delete().where(
            credential.c.operator_id == operator_id,
            credential.c.session.is_(True),
            credential.c.expires_at <= ended_by,
        )
    )
    return gone.rowcount


def officers(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Return how many officer credentials work at `at`."""
    query = select(func.count()).where(
        credential.c.operator_id == operator_id,
        credential.c.role == "officer",
        *_working(at),
    )
    return int(tx.execute(query).scalar_one())
