"""Sealed references and the wrapped keys that open them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, any_, func, literal, select, true, update
from sqlalchemy.dialects.postgresql import array, insert

from countenance.store import signals
from countenance.store.database import Transaction
from countenance.store.tables import consent_event, purpose, reference, statutory_basis, subject_key


@dataclass(frozen=True, slots=True)
class ReferenceRow:
    """One sealed reference together with the wrapped key of its subject and purpose."""

    reference_id: UUID
    subject_id: UUID
    purpose: str
    model_id: str
    sealed: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        """Show the pseudonyms only."""
        return f"ReferenceRow({self.reference_id})"


#: So many rows are fetched at once from a cursor over everything.
_PORTION: Final = 5000
_ROW = (
    select(
        reference.c.reference_id,
        reference.c.subject_id,
        reference.c.purpose,
        reference.c.model_id,
        reference.c.sealed,
        subject_key.c.wrapped,
    )
    .join(
        subject_key,
        (subject_key.c.operator_id == reference.c.operator_id)
        & (subject_key.c.subject_id == reference.c.subject_id)
        & (subject_key.c.purpose == reference.c.purpose),
    )
    .order_by(reference.c.created_at, reference.c.reference_id)
)


def keep_key(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str, wrapped: bytes, at: datetime) -> bytes:
    """Keep `wrapped` as the key of this subject and purpose unless there is one, and return the one that is kept."""
    values = {
        "operator_id": operator_id,
        "subject_id": subject_id,
        "purpose": purpose,
        "wrapped": wrapped,
        "created_at": at,
    }
    tx.execute(insert(subject_key).values(values).on_conflict_do_nothing())
    query = select(subject_key.c.wrapped).where(
        subject_key.c.operator_id == operator_id,
        subject_key.c.subject_id == subject_id,
        subject_key.c.purpose == purpose,
    )
    return bytes(tx.execute(query).scalar_one())


def add(tx: Transaction, operator_id: str, row: ReferenceRow, at: datetime) -> None:
    """Keep one sealed reference."""
    tx.execute(
        reference.insert().values(
            operator_id=operator_id,
            reference_id=row.reference_id,
            subject_id=row.subject_id,
            purpose=row.purpose,
            model_id=row.model_id,
            sealed=row.sealed,
            created_at=at,
        )
    )
    signals.tell(tx, operator_id, row.subject_id, [row.purpose], [row.reference_id], kept=True)


def seal_again(tx: Transaction, operator_id: str, row: ReferenceRow, sealed: bytes) -> None:
    """Put another seal in the place of a reference's, unless somebody has changed it since it was read."""
    tx.execute(
        update(reference)
        .where(
            reference.c.operator_id == operator_id,
            reference.c.reference_id == row.reference_id,
            reference.c.sealed == row.sealed,
        )
        .values(sealed=sealed)
    )


def of_subject(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str) -> list[ReferenceRow]:
    """Return the references of one subject for one purpose, oldest first."""
    query = _ROW.where(
        reference.c.operator_id == operator_id,
        reference.c.subject_id == subject_id,
        reference.c.purpose == purpose,
    )
    return [ReferenceRow(*row) for row in tx.execute(query)]


def newest(tx: Transaction, operator_id: str, model_id: str) -> ReferenceRow | None:
    """Return the newest reference that a model made for an operator, None where there is none."""
    mine = (reference.c.operator_id == operator_id, reference.c.model_id == model_id)
    latest = _ROW.where(*mine).order_by(None).order_by(reference.c.created_at.desc()).limit(1)
    found = tx.execute(latest).one_or_none()
    return None if found is None else ReferenceRow(*found)


def some(tx: Transaction, operator_id: str, ids: Sequence[UUID]) -> list[ReferenceRow]:
    """Return those references that are still kept."""
    if not ids:
        return []
    query = _ROW.where(reference.c.operator_id == operator_id, reference.c.reference_id == any_(array(ids)))
    return [ReferenceRow(*row) for row in tx.execute(query)]


def owners(tx: Transaction, operator_id: str, model_id: str) -> set[tuple[str, UUID, UUID]]:
    """Return purpose, subject and id of every reference that a model made for an operator."""
    query = select(reference.c.purpose, reference.c.subject_id, reference.c.reference_id).where(
        reference.c.operator_id == operator_id, reference.c.model_id == model_id
    )
    return {(row.purpose, row.subject_id, row.reference_id) for row in tx.execute(query)}


@contextmanager
def all_of(tx: Transaction, operator_id: str) -> Iterator[Iterator[ReferenceRow]]:
    """Yield every reference of an operator, read in portions from a cursor that is closed whatever happens."""
    query = _ROW.where(reference.c.operator_id == operator_id).order_by(None).execution_options(yield_per=_PORTION)
    with tx.execute(query) as found:
        yield (ReferenceRow(*row) for portion in found.partitions(_PORTION) for row in portion)


def count(tx: Transaction, operator_id: str) -> int:
    """Return how many references an operator holds."""
    return int(tx.execute(select(func.count()).where(reference.c.operator_id == operator_id)).scalar_one())


def exists(tx: Transaction, operator_id: str, reference_id: UUID) -> bool:
    """Return whether a reference is still kept."""
    mine = (reference.c.operator_id == operator_id, reference.c.reference_id == reference_id)
    return tx.execute(select(literal(1)).where(*mine)).one_or_none() is not None


def held(tx: Transaction, operator_id: str, subject_id: UUID) -> list[tuple[str, int, datetime, datetime]]:
    """Return for each purpose how many references of a subject are kept, since when the oldest and the newest."""
    query = (
        select(reference.c.purpose, func.count(), func.min(reference.c.created_at), func.max(reference.c.created_at))
        .where(reference.c.operator_id == operator_id, reference.c.subject_id == subject_id)
        .group_by(reference.c.purpose)
        .order_by(reference.c.purpose)
    )
    return [(row[0], row[1], row[2], row[3]) for row in tx.execute(query)]


def purposes_of(tx: Transaction, operator_id: str, subject_id: UUID) -> list[str]:
    """Return the purposes for which a key of this subject exists."""
    query = select(subject_key.c.purpose).where(
        subject_key.c.operator_id == operator_id, subject_key.c.subject_id == subject_id
    )
    return sorted(tx.execute(query).scalars())


def destroy(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str) -> tuple[int, list[UUID]]:
    """Destroy the key of one subject and purpose, and with it its references.

    Return the number of keys destroyed and the ids of the references that went with them.
    """
    gone = tx.execute(
        reference.delete()
        .where(
            reference.c.operator_id == operator_id,
            reference.c.subject_id == subject_id,
            reference.c.purpose == purpose,
        )
        .returning(reference.c.reference_id)
    ).scalars()
    ids = list(gone)
    signals.tell(tx, operator_id, subject_id, [purpose], ids, kept=False)
    keys = tx.execute(
        subject_key.delete().where(
            subject_key.c.operator_id == operator_id,
            subject_key.c.subject_id == subject_id,
            subject_key.c.purpose == purpose,
        )
    )
    return keys.rowcount, ids


def with_outlived(tx: Transaction, operator_id: str, today: datetime) -> list[tuple[UUID, str]]:
    """Return subject and purpose of every reference that has outlived its purpose's retention when `today` begins.

    A reference made on day 0 with a retention of R days is kept through day R and gone on day R + 1.
    """
    query = (
        select(reference.c.subject_id, reference.c.purpose)
        .join(purpose, (purpose.c.operator_id == reference.c.operator_id) & (purpose.c.code == reference.c.purpose))
        .where(reference.c.operator_id == operator_id, _outlived(today))
        .distinct()
        .order_by(reference.c.subject_id, reference.c.purpose)
    )
    return [(row.subject_id, row.purpose) for row in tx.execute(query)]


def _outlived(today: datetime) -> ColumnElement[bool]:
    kept = func.make_interval(0, 0, 0, purpose.c.retention_days)
    return reference.c.created_at + kept < literal(today)


def destroy_outlived(tx: Transaction, operator_id: str, subject_id: UUID, code: str, today: datetime) -> list[UUID]:
    """Destroy the references of one subject and purpose that have outlived their retention; return their ids."""
    gone = tx.execute(
        reference.delete()
        .where(
            reference.c.operator_id == operator_id,
            reference.c.subject_id == subject_id,
            reference.c.purpose == code,
            purpose.c.operator_id == reference.c.operator_id,
            purpose.c.code == reference.c.purpose,
            _outlived(today),
        )
        .returning(reference.c.reference_id)
    )
    ids = list(gone.scalars())
    signals.tell(tx, operator_id, subject_id, [code], ids, kept=False)
    return ids


def destroy_empty_key(tx: Transaction, operator_id: str, subject_id: UUID, code: str) -> int:
    """Destroy the key of one subject and purpose if nothing is sealed under it any more; return how many went."""
    mine = (reference.c.operator_id, reference.c.subject_id, reference.c.purpose)
    key = (subject_key.c.operator_id, subject_key.c.subject_id, subject_key.c.purpose)
    sealed = select(literal(1)).where(*(one == other for one, other in zip(mine, key, strict=True)))
    done = tx.execute(
        subject_key.delete().where(
            subject_key.c.operator_id == operator_id,
            subject_key.c.subject_id == subject_id,
            subject_key.c.purpose == code,
            ~sealed.exists(),
        )
    )
    return done.rowcount


def without_consent(
    tx: Transaction, operator_id: str, at: datetime, today: date, subject_id: UUID | None = None
) -> list[tuple[UUID, str]]:
    """Return subject and purpose of every key whose consent was refused, withdrawn or has expired by now.

    What rests on a statutory basis that dispenses with consent is not among them, nor what never had a consent.
    """
    newest = (
        select(consent_event.c.kind, consent_event.c.expires_at)
        .where(
            consent_event.c.operator_id == subject_key.c.operator_id,
            consent_event.c.subject_id == subject_key.c.subject_id,
            consent_event.c.purpose == subject_key.c.purpose,
        )
        .order_by(consent_event.c.number.desc())
        .limit(1)
        .lateral("newest")
    )
    lifted = select(literal(1)).where(
        statutory_basis.c.operator_id == operator_id,
        statutory_basis.c.purpose == subject_key.c.purpose,
        statutory_basis.c.expires_on >= today,
        literal("consent") == any_(statutory_basis.c.lifts),
    )
    query = (
        select(subject_key.c.subject_id, subject_key.c.purpose)
        .join(newest, true())
        .where(
            subject_key.c.operator_id == operator_id,
            (newest.c.kind != "given") | (newest.c.expires_at <= at),
            ~lifted.exists(),
        )
        .order_by(subject_key.c.subject_id, subject_key.c.purpose)
    )
    if subject_id is not None:
        query = query.where(subject_key.c.subject_id == subject_id)
    return [(row.subject_id, row.purpose) for row in tx.execute(query)]
