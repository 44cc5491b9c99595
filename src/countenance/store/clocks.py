"""What clocks are started by: the instants and days on file, and what a person said was done on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Column, Date, ForeignKeyConstraint, PrimaryKeyConstraint, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.count_tables import person_day
from countenance.store.database import Transaction
from countenance.store.erasures import erasure
from countenance.store.permitted_tables import active_purpose, authorisation, original
from countenance.store.request_tables import request
from countenance.store.tables import instant, metadata, purpose, record, reference

#: What the server cannot see by itself, like an audit: the last day on which it was done, as a person said.
clock_done = Table(
    "clock_done",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("done_on", Date, nullable=False),
    Column("said_by", Text, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "kind", "about"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A request that waits for an answer; whose it is and what it says is not read."""

    request_id: UUID
    kind: str
    opened_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Live:
    """An authorisation that was neither revoked nor closed; whom it is about is not read."""

    authorisation_id: UUID
    purpose: str
    ground: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """Since when the oldest reference of a purpose is kept, and for how many days at most."""

    purpose: str
    since: datetime
    days: int


def waiting(tx: Transaction, operator_id: str, most: int) -> Sequence[Waiting]:
    """Return the requests that wait, `most` of them: those that are due first."""
    query = (
        select(request.c.request_id, request.c.kind, request.c.opened_at, request.c.due_at)
        .where(request.c.operator_id == operator_id, request.c.closed_at.is_(None))
        .order_by(request.c.due_at, request.c.request_id)
        .limit(most)
    )
    return [Waiting(*row) for row in tx.execute(query)]


def live(tx: Transaction, operator_id: str, most: int) -> Sequence[Live]:
    """Return the authorisations that live or have just ended, `most` of them: those that end first."""
    columns = [authorisation.c[name] for name in Live.__dataclass_fields__]
    query = (
        select(*columns)
        .where(
            authorisation.c.operator_id == operator_id,
            authorisation.c.revoked_at.is_(None),
            authorisation.c.closed_at.is_(None),
        )
        .order_by(authorisation.c.ends_at, authorisation.c.authorisation_id)
        .limit(most)
    )
    return [Live(*row) for row in tx.execute(query)]


def held(tx: Transaction, operator_id: str) -> Sequence[Held]:
    """Return for each purpose with a retention the oldest reference that is kept for it."""
    oldest = (
        select(reference.c.purpose, func.min(reference.c.created_at).label("since"))
        .where(reference.c.operator_id == operator_id)
        .group_by(reference.c.purpose)
        .subquery("oldest")
    )
    query = (
        select(oldest.c.purpose, oldest.c.since, purpose.c.retention_days)
        .join(purpose, purpose.c.code == oldest.c.purpose)
        .where(purpose.c.operator_id == operator_id, purpose.c.retention_days.is_not(None))
        .order_by(oldest.c.purpose)
    )
    return [Held(*row) for row in tx.execute(query)]


def originals_until(tx: Transaction, operator_id: str) -> list[tuple[str, datetime, datetime]]:
    """Return for each purpose since when and until when the original is kept that goes first."""
    query = (
        select(original.c.purpose, func.min(original.c.kept_at), func.min(original.c.expires_at))
        .where(original.c.operator_id == operator_id)
        .group_by(original.c.purpose)
        .order_by(original.c.purpose)
    )
    return [(row[0], row[1], row[2]) for row in tx.execute(query)]


def activated(tx: Transaction, operator_id: str) -> dict[str, datetime]:
    """Return the active purposes, and when each was activated."""
    query = select(active_purpose.c.purpose, active_purpose.c.activated_at).where(
        active_purpose.c.operator_id == operator_id
    )
    return {row.purpose: row.activated_at for row in tx.execute(query)}


def oldest_record(tx: Transaction, operator_id: str) -> datetime | None:
    """Return the instant of the oldest record, None before the first."""
    found: datetime | None = tx.execute(
        select(func.min(record.c.at)).where(record.c.operator_id == operator_id)
    ).scalar_one()
    return found


def oldest_erasure(tx: Transaction, operator_id: str) -> datetime | None:
    """Return the instant of the oldest erasure that a backup may still undo, None where there is none."""
    found: datetime | None = tx.execute(
        select(func.min(erasure.c.at)).where(erasure.c.operator_id == operator_id)
    ).scalar_one()
    return found


def first_day_with(tx: Transaction, operator_id: str, persons: int) -> date | None:
    """Return the first day on which so many persons, or more, were counted; None where there was none."""
    counted = func.greatest(person_day.c.highest, person_day.c.upper)
    query = select(func.min(person_day.c.day)).where(person_day.c.operator_id == operator_id, counted >= persons)
    found: date | None = tx.execute(query).scalar_one()
    return found


def done(tx: Transaction, operator_id: str) -> dict[tuple[str, str], date]:
    """Return the last day on which each thing was done, by kind and by what it is about."""
    query = select(clock_done.c.kind, clock_done.c.about, clock_done.c.done_on).where(
        clock_done.c.operator_id == operator_id
    )
    return {(row.kind, row.about): row.done_on for row in tx.execute(query)}


def say_done(tx: Transaction, operator_id: str, key: tuple[str, str], day: date, by: str, at: datetime) -> None:
    """Keep that something was done on a day; what is said last stands."""
    said = {"done_on": day, "said_by": by, "at": at}
    row = {"operator_id": operator_id, "kind": key[0], "about": key[1], **said}
    named = ["operator_id", "kind", "about"]
    tx.execute(insert(clock_done).values(row).on_conflict_do_update(index_elements=named, set_=said))
