"""Receipts that people hold: found by public id, certified when what they were about ended, unlinked at erasure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, insert

from countenance.store.database import Transaction
from countenance.store.receipt_tables import consent_use, receipt
from countenance.store.records import RecordRow
from countenance.store.tables import device, place, record, venue
from countenance.vocabulary import ReceiptKind


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptRow:
    """One receipt as it stands on file; its secret is a digest, and it names a pseudonym at most."""

    operator_id: str
    receipt_id: str
    kind: ReceiptKind
    secret_digest: bytes
    issued_at: datetime
    expires_at: datetime | None = None
    purpose: str | None = None
    subject_id: UUID | None = None
    event_id: UUID | None = None
    record_id: UUID | None = None
    certificate: dict[str, Any] | None = None

    def __repr__(self) -> str:
        """Show the public id only."""
        return f"ReceiptRow({self.receipt_id})"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a device stands, in the operator's words."""

    device_id: str
    device: str
    place: str
    venue: str


_NAMES = tuple(ReceiptRow.__dataclass_fields__)
_COLUMNS = [receipt.c[name] for name in _NAMES]
_RECORD = [record.c[name] for name in RecordRow.__dataclass_fields__]
_BODY = cast(func.convert_from(record.c.body, "UTF8"), JSONB)


def add(tx: Transaction, row: ReceiptRow) -> bool:
    """Keep a new receipt and return whether it was kept: a record has one receipt at most."""
    values = {name: getattr(row, name) for name in _NAMES} | {"kind": row.kind.value}
    kept = insert(receipt).values(values).on_conflict_do_nothing(index_elements=["operator_id", "record_id"])
    return tx.execute(kept.returning(receipt.c.receipt_id)).one_or_none() is not None


def find(tx: Transaction, receipt_id: str) -> ReceiptRow | None:
    """Return the receipt of this public id, expired or not."""
    found = tx.execute(select(*_COLUMNS).where(receipt.c.receipt_id == receipt_id)).mappings().one_or_none()
    return None if found is None else ReceiptRow(**{**found, "kind": ReceiptKind(found["kind"])})


def uncertified(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str | None) -> list[tuple[str, str]]:
    """Return id and purpose of a subject's receipts that carry no certificate yet: for one purpose, or for all."""
    query = select(receipt.c.receipt_id, receipt.c.purpose).where(
        receipt.c.operator_id == operator_id, receipt.c.subject_id == subject_id, receipt.c.certificate.is_(None)
    )
    if purpose is not None:
        query = query.where(receipt.c.purpose == purpose)
    return [(row.receipt_id, row.purpose) for row in tx.execute(query.order_by(receipt.c.receipt_id))]


def certify(
    tx: Transaction, operator_id: str, receipt_id: str, certificate: dict[str, Any], expires_at: datetime
) -> None:
    """Keep a certificate with its receipt until it expires; the first one stays."""
    tx.execute(
        receipt.update()
        .where(
            receipt.c.operator_id == operator_id,
            receipt.c.receipt_id == receipt_id,
            receipt.c.certificate.is_(None),
        )
        .values(certificate=certificate, expires_at=expires_at)
    )


def unlink(tx: Transaction, operator_id: str, subject_id: UUID) -> None:
    """Destroy what ties receipts to a subject; each has its certificate by now, and keeps nothing else."""
    tx.execute(
        receipt.update()
        .where(receipt.c.operator_id == operator_id, receipt.c.subject_id == subject_id)
        .values(subject_id=None, event_id=None, record_id=None)
    )


def let_go(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Let go of the receipts that have expired, and return how many there were."""
    mine = (receipt.c.operator_id == operator_id, receipt.c.expires_at <= at)
    return tx.execute(receipt.delete().where(*mine)).rowcount


def add_use(tx: Transaction, operator_id: str, event_id: UUID, record_id: UUID) -> None:
    """List a record under a consent, where the record carries the mark of somebody else."""
    tx.execute(consent_use.insert().values(operator_id=operator_id, event_id=event_id, record_id=record_id))


def number_of(tx: Transaction, operator_id: str, record_id: UUID) -> int | None:
    """Return at which place a record stands among all that are on record."""
    mine = (record.c.operator_id == operator_id, record.c.record_id == record_id)
    return tx.execute(select(record.c.number).where(*mine)).scalar_one_or_none()


def uses(
    tx: Transaction,
    operator_id: str,
    *,
    kinds: Sequence[str],
    mark: bytes,
    purpose: str,
    event_id: UUID,
    since: int,
    before: int | None,
    most: int,
) -> list[RecordRow]:
    """Return the records of what was done under a consent, newest first, `most` of them.

    They are those of the subject and purpose after the record `since` and until the next decision of the subject about
    the purpose, and those listed under the consent by itself.
    """
    listed = tx.execute(
        select(consent_use.c.record_id).where(
            consent_use.c.operator_id == operator_id, consent_use.c.event_id == event_id
        )
    ).scalars()
    concerned: list[ColumnElement[bool]] = [record.c.subject_mark == mark]
    if ids := list(listed):
        concerned.append(record.c.record_id.in_(ids))
    later = select(func.min(record.c.number)).where(
        record.c.operator_id == operator_id,
        record.c.subject_mark == mark,
        record.c.number > since,
        record.c.kind == "consent",
        _BODY["details"]["purpose"].astext == purpose,
    )
    until = tx.execute(later).scalar_one_or_none()
    ends = [each for each in (until, before) if each is not None]
    query = select(*_RECORD).where(
        record.c.operator_id == operator_id,
        record.c.number > since,
        record.c.kind.in_(kinds),
        or_(*concerned),
        or_(
            _BODY["facts"]["purpose"]["code"].astext == purpose,
            _BODY["facts"]["origin_purpose"]["code"].astext == purpose,
        ),
    )
    if ends:
        query = query.where(record.c.number < min(ends))
    return [RecordRow(*row) for row in tx.execute(query.order_by(record.c.number.desc()).limit(most))]


def whereabouts(tx: Transaction, operator_id: str, device_ids: Sequence[str]) -> dict[str, Whereabouts]:
    """Return where devices stand, as far as they are on file, retired ones too."""
    query = (
        select(device.c.device_id, device.c.name, place.c.name, venue.c.name)
        .join(place, (place.c.operator_id == device.c.operator_id) & (place.c.place_id == device.c.place_id))
        .join(venue, (venue.c.operator_id == place.c.operator_id) & (venue.c.venue_id == place.c.venue_id))
        .where(device.c.operator_id == operator_id, device.c.device_id.in_(sorted(set(device_ids))))
    )
    return {row[0]: Whereabouts(*row) for row in tx.execute(query)}
