"""Complaints that anybody may make, and inspections that an authority carries out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.register.tables import complaint, inspection


@dataclass(frozen=True, slots=True)
class ComplaintRow:
    """A complaint; whoever made it holds the secret whose digest is kept."""

    public_id: str
    digest: bytes = field(repr=False)
    at: datetime
    party_id: str | None
    about: str
    said: str = field(repr=False)
    contact: str | None = field(repr=False)
    answer: str | None = None
    answered_at: datetime | None = None
    answered_by: str | None = None
    complaint_id: int = 0


@dataclass(frozen=True, slots=True)
class InspectionRow:
    """An inspection and what it found."""

    party_id: str
    order_text: str
    opened_at: datetime
    opened_by: str
    done_at: datetime | None = None
    origin: str | None = None
    size: int | None = None
    findings: Sequence[Mapping[str, Any]] = ()
    inspection_id: int = 0


_COMPLAINT = [complaint.c[name] for name in ComplaintRow.__dataclass_fields__]
_INSPECTION = [inspection.c[name] for name in InspectionRow.__dataclass_fields__]


def complain(tx: Transaction, row: ComplaintRow) -> None:
    """Keep a complaint."""
    values = {name: getattr(row, name) for name in ComplaintRow.__dataclass_fields__ if name != "complaint_id"}
    tx.execute(insert(complaint).values(values))


def since(tx: Transaction, at: datetime) -> int:
    """Return how many complaints came since an instant."""
    return int(tx.execute(select(func.count()).where(complaint.c.at > at)).scalar_one())


def complaints(tx: Transaction, *, open_only: bool) -> list[ComplaintRow]:
    """Return complaints, the newest first."""
    query = select(*_COMPLAINT).order_by(complaint.c.at.desc(), complaint.c.complaint_id.desc())
    if open_only:
        query = query.where(complaint.c.answered_at.is_(None))
    return [ComplaintRow(*row) for row in tx.execute(query)]


def complaint_of(tx: Transaction, public_id: str) -> ComplaintRow | None:
    """Return a complaint by the public part of its token."""
    found = tx.execute(select(*_COMPLAINT).where(complaint.c.public_id == public_id)).one_or_none()
    return None if found is None else ComplaintRow(*found)


def answer(tx: Transaction, complaint_id: int, text: str, by: str, at: datetime) -> ComplaintRow | None:
    """Answer a complaint, in place of what was answered before; return it, None where there is none."""
    values = {"answer": text, "answered_by": by, "answered_at": at}
    changed = complaint.update().where(complaint.c.complaint_id == complaint_id).values(values)
    found = tx.execute(changed.returning(*_COMPLAINT)).one_or_none()
    return None if found is None else ComplaintRow(*found)


def forget_contacts(tx: Transaction, before: datetime) -> int:
    """Forget how to reach those whose complaint was answered before an instant; return how many."""
    old = complaint.c.contact.is_not(None), complaint.c.answered_at < before
    return tx.execute(complaint.update().where(*old).values(contact=None)).rowcount


def open_inspection(tx: Transaction, row: InspectionRow) -> int:
    """Keep that an inspection begins, and return its number."""
    values = {name: getattr(row, name) for name in InspectionRow.__dataclass_fields__ if name != "inspection_id"}
    return int(tx.execute(insert(inspection).values(values).returning(inspection.c.inspection_id)).scalar_one())


def close_inspection(
    tx: Transaction, inspection_id: int, at: datetime, found: tuple[str | None, int | None], findings: Sequence[Any]
) -> None:
    """Keep what an inspection found, of which log and size."""
    values = {"done_at": at, "origin": found[0], "size": found[1], "findings": list(findings)}
    tx.execute(inspection.update().where(inspection.c.inspection_id == inspection_id).values(values))


def inspections(tx: Transaction, party_id: str | None = None) -> list[InspectionRow]:
    """Return inspections, the newest first."""
    query = select(*_INSPECTION).order_by(inspection.c.inspection_id.desc())
    if party_id is not None:
        query = query.where(inspection.c.party_id == party_id)
    return [InspectionRow(*row) for row in tx.execute(query)]
