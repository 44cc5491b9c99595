"""Guided impact assessments: one draft for a purpose at a time; what is signed stands as it is, and kept for years."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from countenance.store.database import Transaction
from countenance.store.tables import instant, metadata, purpose

assessment = Table(
    "assessment",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("configuration", LargeBinary, nullable=False),
    Column("answers", JSONB, nullable=False),
    Column("begun_at", instant(), nullable=False),
    Column("signed_on", Date),
    Column("valid_until", Date),
    Column("keep_until", Date),
    PrimaryKeyConstraint("operator_id", "assessment_id"),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
    CheckConstraint(
        "(signed_on IS NULL) = (valid_until IS NULL) AND (signed_on IS NULL) = (keep_until IS NULL)", name="signed"
    ),
    CheckConstraint("keep_until >= signed_on + interval '3 years'", name="kept"),
    Index("ix_assessment_draft", "operator_id", "purpose", unique=True, postgresql_where=text("signed_on IS NULL")),
)
assessment_signature = Table(
    "assessment_signature",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("assessment_id", Uuid, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "assessment_id", "staff_id"),
    ForeignKeyConstraint(["operator_id", "assessment_id"], ["assessment.operator_id", "assessment.assessment_id"]),
    ForeignKeyConstraint(["operator_id", "staff_id"], ["staff.operator_id", "staff.staff_id"]),
)


@dataclass(frozen=True, slots=True)
class AssessmentRow:
    """One assessment: a draft until it is signed; `configuration` is the digest of what it is about."""

    assessment_id: UUID
    purpose: str
    configuration: bytes
    answers: Mapping[str, Any]
    begun_at: datetime
    signed_on: date | None
    valid_until: date | None
    keep_until: date | None

    def __repr__(self) -> str:
        """Show which it is, and nothing that was answered."""
        return f"AssessmentRow({self.assessment_id})"


@dataclass(frozen=True, slots=True)
class Signature:
    """Who of the staff signed an assessment, and when."""

    assessment_id: UUID
    staff_id: str
    at: datetime


_COLUMNS: Final = [assessment.c[name] for name in AssessmentRow.__dataclass_fields__]


def listed(tx: Transaction, operator_id: str, purpose_code: str | None = None) -> list[AssessmentRow]:
    """Return all assessments, or those of a purpose, the newest first; a draft comes before what was signed."""
    query = select(*_COLUMNS).where(assessment.c.operator_id == operator_id)
    if purpose_code is not None:
        query = query.where(assessment.c.purpose == purpose_code)
    found = tx.execute(query.order_by(assessment.c.number.desc()))
    return sorted((AssessmentRow(*row) for row in found), key=lambda row: row.signed_on is not None)


def find(tx: Transaction, operator_id: str, assessment_id: UUID, *, lock: bool = False) -> AssessmentRow | None:
    """Return one assessment; with `lock`, nobody else changes it until the transaction ends."""
    mine = assessment.c.operator_id == operator_id, assessment.c.assessment_id == assessment_id
    query = select(*_COLUMNS).where(*mine)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else AssessmentRow(*found)


def signatures(tx: Transaction, operator_id: str) -> list[Signature]:
    """Return who signed what, in the order in which it was signed."""
    signed = assessment_signature
    query = select(signed.c.assessment_id, signed.c.staff_id, signed.c.at).where(signed.c.operator_id == operator_id)
    return [Signature(*row) for row in tx.execute(query.order_by(signed.c.at, signed.c.staff_id))]


def draft(
    tx: Transaction,
    operator_id: str,
    purpose_code: str,
    configuration: bytes,
    begin_with: Mapping[str, Any],
    at: datetime,
) -> AssessmentRow:
    """Return the draft of a purpose, held until the transaction ends; begun with these answers where there is none.

    It is about the configuration that is in use now, whichever it was begun for.
    """
    values = {
        "operator_id": operator_id,
        "assessment_id": uuid4(),
        "purpose": purpose_code,
        "configuration": configuration,
        "answers": dict(begin_with),
        "begun_at": at,
    }
    made = insert(assessment).values(values)
    held = made.on_conflict_do_update(
        index_elements=["operator_id", "purpose"],
        index_where=assessment.c.signed_on.is_(None),
        set_={"configuration": made.excluded.configuration},
    ).returning(*_COLUMNS)
    return AssessmentRow(*tx.execute(held).one())


def write(tx: Transaction, operator_id: str, assessment_id: UUID, answers: Mapping[str, Any]) -> None:
    """Replace the answers of a draft; what is signed is not touched."""
    mine = assessment.c.operator_id == operator_id, assessment.c.assessment_id == assessment_id
    tx.execute(assessment.update().where(*mine, assessment.c.signed_on.is_(None)).values(answers=dict(answers)))


def sign(
    tx: Transaction,
    operator_id: str,
    assessment_id: UUID,
    staff_id: str,
    at: datetime,
    *,
    signed_on: date,
    valid_until: date,
    keep_until: date,
) -> bool:
    """Add a signature and return whether it is new; the first one closes the draft, with these days."""
    row = {"operator_id": operator_id, "assessment_id": assessment_id, "staff_id": staff_id, "at": at}
    added = insert(assessment_signature).values(row).on_conflict_do_nothing().returning(assessment_signature.c.staff_id)
    fresh = tx.execute(added).one_or_none() is not None
    mine = assessment.c.operator_id == operator_id, assessment.c.assessment_id == assessment_id
    days = {"signed_on": signed_on, "valid_until": valid_until, "keep_until": keep_until}
    tx.execute(assessment.update().where(*mine, assessment.c.signed_on.is_(None)).values(days))
    return fresh


def delete(tx: Transaction, operator_id: str, assessment_id: UUID, today: date) -> bool:
    """Delete a draft, or what is kept no longer, and return whether that was done."""
    signed = assessment_signature
    mine = assessment.c.operator_id == operator_id, assessment.c.assessment_id == assessment_id
    over = func.coalesce(assessment.c.keep_until, date.min) < today
    if tx.execute(select(assessment.c.assessment_id).where(*mine, over).with_for_update()).one_or_none() is None:
        return False
    tx.execute(signed.delete().where(signed.c.operator_id == operator_id, signed.c.assessment_id == assessment_id))
    return tx.execute(assessment.delete().where(*mine)).rowcount == 1


def configuration_of(tx: Transaction, operator_id: str, purpose_code: str) -> bytes | None:
    """Return the digest of a purpose as it is configured now; LookupError for a purpose that is not on file."""
    query = select(purpose.c.configuration).where(
        purpose.c.operator_id == operator_id, purpose.c.code == purpose_code, purpose.c.retired.is_(False)
    )
    found = tx.execute(query).one_or_none()
    if found is None:
        raise LookupError
    configuration: bytes | None = found.configuration
    return configuration
