"""Counts for the officer's overview, each by one query that stays quick with millions of records on file."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, literal, select

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
    said, later = consent_event, consent_event.alias("later")
    spoken_since = select(literal(1)).where(
        later.c.operator_id == said.c.operator_id,
        later.c.subject_id == said.c.subject_id,
        later.c.purpose == said.c.purpose,
        later.c.number > said.c.number,
    )
    ended = (said.c.kind == "given") & (said.c.expires_at <= at)
    state = case((ended, literal("expired")), else_=said.c.kind).label("state")
    query = (
        select(said.c.purpose, state, func.count())
        .join(subject, (subject.c.operator_id == said.c.operator_id) & (subject.c.subject_id == said.c.subject_id))
        .where(
            said.c.operator_id == operator_id,
            subject.c.erased_at.is_(None),
            subject.c.ref.is_not(None),
            ~spoken_since.exists(),
        )
        .group_by(said.c.purpose, state)
        .order_by(said.c.purpose)
    )
    return [ConsentCount(*row) for row in tx.execute(query)]


def references(tx: Transaction, operator_id: str) -> int:
    """Return how many references are stored."""
    return int(tx.execute(select(func.count()).where(reference.c.operator_id == operator_id)).scalar_one())
