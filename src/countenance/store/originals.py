"""Originals that may be kept: sealed, each under a key of its own, with the instant at which they go."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import all_, any_, func, literal, select, true

from countenance.store.database import Transaction
from countenance.store.permitted_tables import original
from countenance.store.tables import consent_event, statutory_basis


@dataclass(frozen=True, slots=True)
class OriginalRow:
    """One sealed original together with its wrapped key."""

    operator_id: str
    original_id: UUID
    subject_id: UUID
    purpose: str
    sealed: bytes
    wrapped: bytes
    kept_at: datetime
    expires_at: datetime

    def __repr__(self) -> str:
        """Show the pseudonyms only."""
        return f"OriginalRow({self.original_id})"


def add(tx: Transaction, row: OriginalRow) -> None:
    """Keep one sealed original."""
    tx.execute(original.insert().values({name: getattr(row, name) for name in row.__dataclass_fields__}))


def find(tx: Transaction, operator_id: str, original_id: UUID) -> OriginalRow | None:
    """Return one original, sealed."""
    columns = [original.c[name] for name in OriginalRow.__dataclass_fields__]
    query = select(*columns).where(original.c.operator_id == operator_id, original.c.original_id == original_id)
    found = tx.execute(query).one_or_none()
    return None if found is None else OriginalRow(*found)


def listed(tx: Transaction, operator_id: str, most: int) -> list[dict[str, Any]]:
    """Return what is kept, without content or subject: those that go first come first, `most` of them."""
    columns = (original.c.original_id, original.c.purpose, original.c.kept_at, original.c.expires_at)
    query = (
        select(*columns)
        .where(original.c.operator_id == operator_id)
        .order_by(original.c.expires_at, original.c.original_id)
        .limit(most)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def of_subject(tx: Transaction, operator_id: str, subject_id: UUID) -> list[dict[str, Any]]:
    """Return what is kept of one subject, without content: those that go first come first."""
    columns = (original.c.original_id, original.c.purpose, original.c.kept_at, original.c.expires_at)
    query = (
        select(*columns)
        .where(original.c.operator_id == operator_id, original.c.subject_id == subject_id)
        .order_by(original.c.expires_at, original.c.original_id)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def count(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str) -> int:
    """Return how many originals of a subject are kept for one purpose."""
    query = select(func.count()).where(
        original.c.operator_id == operator_id, original.c.subject_id == subject_id, original.c.purpose == purpose
    )
    return int(tx.execute(query).scalar_one())


def purposes_of(tx: Transaction, operator_id: str, subject_id: UUID) -> list[str]:
    """Return the purposes for which an original of this subject is kept."""
    query = select(original.c.purpose).where(original.c.operator_id == operator_id, original.c.subject_id == subject_id)
    return sorted(set(tx.execute(query).scalars()))


def destroy(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str) -> int:
    """Destroy the originals of a subject for one purpose, keys and all; return how many there were."""
    done = tx.execute(
        original.delete().where(
            original.c.operator_id == operator_id, original.c.subject_id == subject_id, original.c.purpose == purpose
        )
    )
    return done.rowcount


def with_expired(tx: Transaction, operator_id: str, at: datetime) -> list[UUID]:
    """Return the subjects of originals whose time is over."""
    query = select(original.c.subject_id).where(original.c.operator_id == operator_id, original.c.expires_at <= at)
    return sorted(set(tx.execute(query).scalars()))


def destroy_expired(tx: Transaction, operator_id: str, subject_id: UUID, at: datetime) -> list[tuple[UUID, str]]:
    """Destroy the originals of a subject whose time is over; return subject and purpose of each."""
    mine = original.c.operator_id == operator_id, original.c.subject_id == subject_id
    done = tx.execute(
        original.delete().where(*mine, original.c.expires_at <= at).returning(original.c.subject_id, original.c.purpose)
    )
    return sorted((row.subject_id, row.purpose) for row in done)


def without_consent(tx: Transaction, operator_id: str, at: datetime, today: date) -> list[tuple[UUID, str]]:
    """Return subject and purpose of the originals that the newest consent no longer covers, by state, end or scope.

    What rests on a statutory basis that lifts the ban on originals is not among them, nor what never had a consent.
    """
    newest = (
        select(consent_event.c.kind, consent_event.c.expires_at, consent_event.c.scopes)
        .where(
            consent_event.c.operator_id == original.c.operator_id,
            consent_event.c.subject_id == original.c.subject_id,
            consent_event.c.purpose == original.c.purpose,
        )
        .order_by(consent_event.c.number.desc())
        .limit(1)
        .lateral("newest")
    )
    lifted = select(literal(1)).where(
        statutory_basis.c.operator_id == operator_id,
        statutory_basis.c.purpose == original.c.purpose,
        statutory_basis.c.expires_on >= today,
        literal("original") == any_(statutory_basis.c.lifts),
    )
    uncovered = literal("keep_original") != all_(newest.c.scopes)
    query = (
        select(original.c.subject_id, original.c.purpose)
        .join(newest, true())
        .where(
            original.c.operator_id == operator_id,
            (newest.c.kind != "given") | (newest.c.expires_at <= at) | uncovered,
            ~lifted.exists(),
        )
        .distinct()
    )
    return sorted((row.subject_id, row.purpose) for row in tx.execute(query))
