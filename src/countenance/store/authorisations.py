"""Authorisations, who approved them and what was done under them; and what a decision is told of the one that fits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BindParameter, Boolean, DateTime, Select, Text, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import insert

from countenance.facts import AuthorisationFacts
from countenance.store.database import Transaction
from countenance.store.permitted_tables import approval, authorisation, authorisation_use
from countenance.store.tables import record, subject
from countenance.vocabulary import Action, Ground

#: The actions that an authorisation can be for.
UNDER_AUTHORISATION = frozenset({Action.IDENTIFY_REMOTE, Action.ANALYSE})


@dataclass(frozen=True, slots=True)
class AuthorisationRow:
    """One authorisation as it stands on file; its subjects are pseudonyms, and gone when it has ended."""

    operator_id: str
    authorisation_id: UUID
    purpose: str
    ground: str
    requester: str
    requested_by_subject: bool
    issuer: str
    reference: str
    devices: list[str]
    subjects: list[UUID]
    subjects_named: int
    starts_at: datetime
    ends_at: datetime
    asked_by: str
    asked_at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    closed_at: datetime | None = None
    asked_by_staff: str | None = None

    def __repr__(self) -> str:
        """Show the id only."""
        return f"AuthorisationRow({self.authorisation_id})"


@dataclass(frozen=True, slots=True)
class ApprovalRow:
    """One approval: with which credential, held by whom, and when; one without a member of staff does not count."""

    credential_id: str
    staff_id: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Authorised:
    """The authorisation a decision was told of: its id, and the subjects on it."""

    authorisation_id: UUID
    subjects: tuple[UUID, ...]


_ROW = [authorisation.c[name] for name in AuthorisationRow.__dataclass_fields__]


def lateral() -> Any:
    """Return what `gather` joins: of the live authorisations for the purpose, the one that fits best, if any.

    Live is unrevoked and not past its end. One that covers device, time and person comes before one that does not, then
    the one with more approvers, then the newest.
    """
    operator_id: BindParameter[str] = bindparam("operator_id", type_=Text())
    at: BindParameter[datetime] = bindparam("at", type_=DateTime(timezone=True))
    approvers = (
        select(func.count(func.distinct(approval.c.staff_id)))
        .where(
            approval.c.operator_id == authorisation.c.operator_id,
            approval.c.authorisation_id == authorisation.c.authorisation_id,
        )
        .correlate(authorisation)
        .scalar_subquery()
    )
    on_it = func.coalesce(bindparam("device_id", type_=Text()) == any_(authorisation.c.devices), False)
    about = func.coalesce(subject.c.subject_id == any_(authorisation.c.subjects), False)
    return (
        select(
            authorisation.c.authorisation_id,
            authorisation.c.ground,
            authorisation.c.requested_by_subject,
            authorisation.c.devices,
            authorisation.c.subjects,
            authorisation.c.subjects_named,
            authorisation.c.starts_at,
            approvers.label("approvers"),
        )
        .where(
            bindparam("under_authorisation", type_=Boolean()),
            authorisation.c.operator_id == operator_id,
            authorisation.c.purpose == bindparam("purpose", type_=Text()),
            authorisation.c.revoked_at.is_(None),
            authorisation.c.ends_at > at,
        )
        .order_by(
            on_it.desc(),
            (authorisation.c.starts_at <= at).desc(),
            about.desc(),
            approvers.desc(),
            authorisation.c.asked_at.desc(),
            authorisation.c.authorisation_id,
        )
        .limit(1)
        .correlate(subject)
        .lateral("authorised")
    )


def facts_of(row: Any, action: Action, at: datetime, device_id: str | None) -> AuthorisationFacts | None:
    """Return what the law is told of the authorisation in a gathered row, None where none is on file.

    A probe whose subject nobody knows is in scope for identification where persons are named, because none but those
    are compared; an analysis under an authorisation that names persons must be of one of them.
    """
    if row.authorisation_id is None:
        return None
    if action is Action.IDENTIFY_REMOTE and row.subject_id is None:
        person = bool(row.authorised_subjects)
    elif row.subjects_named:
        person = row.subject_id in row.authorised_subjects
    else:
        person = action is not Action.IDENTIFY_REMOTE
    return AuthorisationFacts(
        ground=Ground(row.ground),
        requested_by_subject=row.requested_by_subject,
        in_scope=row.starts_at <= at and device_id in row.authorised_devices and person,
        approvers=row.approvers,
    )


def authorised(row: Any) -> Authorised | None:
    """Return the authorisation in a gathered row, in scope or not."""
    if row.authorisation_id is None:
        return None
    return Authorised(row.authorisation_id, tuple(row.authorised_subjects))


def add(tx: Transaction, row: AuthorisationRow) -> None:
    """Keep a new authorisation; nobody has approved it yet."""
    tx.execute(authorisation.insert().values({name: getattr(row, name) for name in row.__dataclass_fields__}))


def find(tx: Transaction, operator_id: str, authorisation_id: UUID, *, lock: bool = False) -> AuthorisationRow | None:
    """Return one authorisation; with `lock`, nobody else changes it until the transaction ends."""
    query = _mine(operator_id).where(authorisation.c.authorisation_id == authorisation_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else AuthorisationRow(*found)


def listed(tx: Transaction, operator_id: str, most: int) -> list[AuthorisationRow]:
    """Return the newest authorisations first, `most` of them."""
    query = _mine(operator_id).order_by(authorisation.c.asked_at.desc(), authorisation.c.authorisation_id).limit(most)
    return [AuthorisationRow(*row) for row in tx.execute(query)]


def _mine(operator_id: str) -> Select[Any]:
    return select(*_ROW).where(authorisation.c.operator_id == operator_id)


def hold(tx: Transaction, operator_id: str, purpose: str) -> None:
    """Keep the authorisations for a purpose from being revoked until the transaction ends."""
    tx.execute(
        select(authorisation.c.authorisation_id)
        .where(
            authorisation.c.operator_id == operator_id,
            authorisation.c.purpose == purpose,
            authorisation.c.closed_at.is_(None),
        )
        .with_for_update(read=True)
    ).all()


def approve(tx: Transaction, operator_id: str, authorisation_id: UUID, row: ApprovalRow) -> bool:
    """Write an approval down and return whether it is the first by this member of staff, with whichever credential."""
    values = {
        "operator_id": operator_id,
        "authorisation_id": authorisation_id,
        "credential_id": row.credential_id,
        "staff_id": row.staff_id,
        "at": row.at,
    }
    done = tx.execute(insert(approval).values(values).on_conflict_do_nothing().returning(approval.c.credential_id))
    return done.one_or_none() is not None


def approvals(tx: Transaction, operator_id: str, authorisation_id: UUID) -> list[ApprovalRow]:
    """Return who approved, and when, in order."""
    query = (
        select(approval.c.credential_id, approval.c.staff_id, approval.c.at)
        .where(approval.c.operator_id == operator_id, approval.c.authorisation_id == authorisation_id)
        .order_by(approval.c.at, approval.c.credential_id)
    )
    return [ApprovalRow(*row) for row in tx.execute(query)]


def approvers(tx: Transaction, operator_id: str, authorisation_id: UUID) -> int:
    """Return how many members of staff have approved: what the law is told."""
    return len({row.staff_id for row in approvals(tx, operator_id, authorisation_id)} - {None})


def revoke(tx: Transaction, operator_id: str, authorisation_id: UUID, by: str, at: datetime) -> None:
    """Mark an authorisation revoked and forget whom it was about."""
    tx.execute(
        authorisation.update()
        .where(authorisation.c.operator_id == operator_id, authorisation.c.authorisation_id == authorisation_id)
        .values(revoked_at=at, revoked_by=by, subjects=[], closed_at=at)
    )


def close_ended(tx: Transaction, operator_id: str, at: datetime) -> list[tuple[UUID, int]]:
    """Forget whom the authorisations past their end were about; return their ids, and how many persons each named."""
    done = tx.execute(
        authorisation.update()
        .where(
            authorisation.c.operator_id == operator_id,
            authorisation.c.ends_at <= at,
            authorisation.c.closed_at.is_(None),
        )
        .values(subjects=[], closed_at=at)
        .returning(authorisation.c.authorisation_id, authorisation.c.subjects_named)
    )
    return sorted((row.authorisation_id, row.subjects_named) for row in done)


def forget_subject(tx: Transaction, operator_id: str, subject_id: UUID) -> None:
    """Take a subject off every authorisation; how many persons each named stays."""
    tx.execute(
        authorisation.update()
        .where(authorisation.c.operator_id == operator_id, any_(authorisation.c.subjects) == subject_id)
        .values(subjects=func.array_remove(authorisation.c.subjects, subject_id))
    )


def add_use(tx: Transaction, operator_id: str, authorisation_id: UUID, record_id: UUID) -> None:
    """Write down that a record is of a use, or an attempt at one, of an authorisation."""
    tx.execute(
        authorisation_use.insert().values(
            operator_id=operator_id, authorisation_id=authorisation_id, record_id=record_id
        )
    )


def uses(tx: Transaction, operator_id: str, authorisation_id: UUID, most: int) -> list[dict[str, Any]]:
    """Return what was done, or tried, under an authorisation: the newest records first, `most` of them."""
    query = (
        select(record.c.record_id, record.c.at, record.c.kind, record.c.outcome)
        .join(
            authorisation_use,
            (authorisation_use.c.operator_id == record.c.operator_id)
            & (authorisation_use.c.record_id == record.c.record_id),
        )
        .where(authorisation_use.c.operator_id == operator_id, authorisation_use.c.authorisation_id == authorisation_id)
        .order_by(record.c.number.desc())
        .limit(most)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def closed_over(tx: Transaction, operator_id: str, subject_mark: bytes) -> list[AuthorisationRow]:
    """Return the closed authorisations under which something of this mark is on record, oldest first.

    One that lives is left out: whom it is about may not be told yet.
    """
    used = (
        select(authorisation_use.c.authorisation_id)
        .join(
            record,
            (record.c.operator_id == authorisation_use.c.operator_id)
            & (record.c.record_id == authorisation_use.c.record_id),
        )
        .where(authorisation_use.c.operator_id == operator_id, record.c.subject_mark == subject_mark)
    )
    query = (
        select(*_ROW)
        .where(
            authorisation.c.operator_id == operator_id,
            authorisation.c.closed_at.is_not(None),
            authorisation.c.authorisation_id.in_(used),
        )
        .order_by(authorisation.c.asked_at, authorisation.c.authorisation_id)
    )
    return [AuthorisationRow(*row) for row in tx.execute(query)]
