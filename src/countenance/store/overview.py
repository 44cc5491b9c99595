"""Counts for the officer's overview, each by one query that stays quick with millions of records on file."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, select
from sqlalchemy.dialects.postgresql import distinct_on

from countenance.store.database import Transaction
from countenance.store.tables import consent_event, reference, subject


@dataclass(frozen=True, slots=True)
class ConsentCount:
    """How many persons' consents for a purpose stand so: given, refused, withdrawn or expired."""

    purpose: str
    state: str
    persons: int


def consents(tx: Transaction, operator_id: str, at: datetime) -> list[ConsentCount]:
    """Return how many persons stand how to each purpose: what a person said last counts; the erased are left out."""
    newest = (
        select(consent_event.c.purpose, consent_event.c.kind, consent_event.c.expires_at)
        .join(
            subject,
            (subject.c.operator_id == consent_event.c.operator_id)
            & (subject.c.subject_id == consent_event.c.subject_id),
        )
        .where(consent_event.c.operator_id == operator_id, subject.c.erased_at.is_(None), subject.c.ref.is_not(None))
        .ext(distinct_on(consent_event.c.subject_id, consent_event.c.purpose))
        .order_by(consent_event.c.subject_id, consent_event.c.purpose, consent_event.c.number.desc())
        .subquery()
    )
    ended = (newest.c.kind == "given") & (newest.c.expires_at <= at)
    state = case((ended, literal("expired")), else_=newest.c.kind).label("state")
    query = select(newest.c.purpose, state, func.count()).group_by(newest.c.purpose, state).order_by(newest.c.purpose)
    return [ConsentCount(*row) for row in tx.execute(query)]


def references(tx: Transaction, operator_id: str) -> int:
    """Return how many references are stored."""
    return int(tx.execute(select(func.count()).where(reference.c.operator_id == operator_id)).scalar_one())
