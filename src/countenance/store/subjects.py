"""Subjects and what they said: consent is a fold over an ordered list of events, never a flag."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.request_tables import request
from countenance.store.tables import consent_event, subject


@dataclass(frozen=True, slots=True)
class SubjectRow:
    """A subject as the operator's file knows it; `ref` is the operator's own word for the person."""

    operator_id: str
    subject_id: UUID
    ref: str | None
    age_class: str | None
    linking_key: bytes | None
    created_at: datetime
    erased_at: datetime | None

    def __repr__(self) -> str:
        """Show the pseudonym only."""
        return f"SubjectRow({self.subject_id})"


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One thing a subject said about one purpose; `kind` is given, refused or withdrawn.

    `guardian` is the operator's own word for whoever said it in the subject's place.
    """

    operator_id: str
    event_id: UUID
    subject_id: UUID
    purpose: str
    at: datetime
    kind: str
    form: str | None = None
    scopes: list[str] | None = None
    notice_version: int | None = None
    served_id: UUID | None = None
    evidence_digest: bytes | None = None
    guardian: str | None = None
    guardian_relation: str | None = None
    guardian_evidence: str | None = None
    guardian_evidence_digest: bytes | None = None
    guardian_checked_by: str | None = None
    expires_at: datetime | None = None
    device_id: str | None = None

    def __repr__(self) -> str:
        """Show what was said, and nothing of who said it."""
        return f"ConsentEvent({self.event_id}, {self.kind!r})"


_SUBJECT = [subject.c[name] for name in SubjectRow.__dataclass_fields__]
#: What leads to a guardian; the relation and what was looked at do not.
_NO_GUARDIAN = {"guardian": None, "guardian_checked_by": None, "guardian_evidence_digest": None}
_EVENT = [consent_event.c[name] for name in ConsentEvent.__dataclass_fields__]


def add(tx: Transaction, row: SubjectRow) -> bool:
    """Keep a new subject and return whether it was new; one of the same ref is left as it is."""
    values = {name: getattr(row, name) for name in SubjectRow.__dataclass_fields__}
    kept = insert(subject).values(values).on_conflict_do_nothing(index_elements=["operator_id", "ref"])
    return tx.execute(kept.returning(subject.c.subject_id)).one_or_none() is not None


def find(tx: Transaction, operator_id: str, ref: str, *, lock: bool = False) -> SubjectRow | None:
    """Return the subject of this ref; with `lock`, nobody else changes the subject until the transaction ends."""
    query = select(*_SUBJECT).where(subject.c.operator_id == operator_id, subject.c.ref == ref)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else SubjectRow(*found)


def find_id(tx: Transaction, operator_id: str, subject_id: UUID, *, lock: bool = False) -> SubjectRow | None:
    """Return the subject of this pseudonym, erased or not."""
    query = select(*_SUBJECT).where(subject.c.operator_id == operator_id, subject.c.subject_id == subject_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else SubjectRow(*found)


def share(tx: Transaction, operator_id: str, subject_id: UUID) -> bool:
    """Keep a subject from being withdrawn or erased until the transaction ends; return whether there is one."""
    query = select(subject.c.subject_id).where(
        subject.c.operator_id == operator_id, subject.c.subject_id == subject_id, subject.c.erased_at.is_(None)
    )
    return tx.execute(query.with_for_update(read=True)).one_or_none() is not None


def share_ref(tx: Transaction, operator_id: str, ref: str) -> None:
    """Keep the subject of this ref, if there is one, from being changed until the transaction ends."""
    query = select(subject.c.subject_id).where(subject.c.operator_id == operator_id, subject.c.ref == ref)
    tx.execute(query.with_for_update(read=True))


def set_age_class(tx: Transaction, operator_id: str, subject_id: UUID, age_class: str) -> None:
    """Write down the age class that was declared."""
    tx.execute(
        subject.update()
        .where(subject.c.operator_id == operator_id, subject.c.subject_id == subject_id)
        .values(age_class=age_class)
    )


def unlink(tx: Transaction, operator_id: str, subject_id: UUID, at: datetime) -> None:
    """Destroy what ties a subject's records and consents to a person, or to a guardian; the pseudonym stays.

    That there was a guardian, of which relation, and what was looked at stays with the proof that a consent was one.
    """
    tx.execute(
        subject.update()
        .where(subject.c.operator_id == operator_id, subject.c.subject_id == subject_id)
        .values(ref=None, linking_key=None, return_token=None, age_class=None, erased_at=at)
    )
    tx.execute(
        consent_event.update()
        .where(consent_event.c.operator_id == operator_id, consent_event.c.subject_id == subject_id)
        .values(_NO_GUARDIAN)
    )


def add_event(tx: Transaction, event: ConsentEvent) -> None:
    """Append to the list of what subjects said."""
    values = {name: getattr(event, name) for name in ConsentEvent.__dataclass_fields__}
    tx.execute(consent_event.insert().values(values))


def find_event(tx: Transaction, operator_id: str, event_id: UUID) -> ConsentEvent | None:
    """Return one event by its id."""
    query = select(*_EVENT).where(consent_event.c.operator_id == operator_id, consent_event.c.event_id == event_id)
    found = tx.execute(query).one_or_none()
    return None if found is None else ConsentEvent(*found)


def answered(tx: Transaction, operator_id: str, served_id: UUID) -> set[UUID]:
    """Return who answered a notice that was served."""
    query = select(consent_event.c.subject_id).where(
        consent_event.c.operator_id == operator_id, consent_event.c.served_id == served_id
    )
    return set(tx.execute(query).scalars())


def events(tx: Transaction, operator_id: str, subject_id: UUID) -> list[ConsentEvent]:
    """Return all that a subject said, in order."""
    query = (
        select(*_EVENT)
        .where(consent_event.c.operator_id == operator_id, consent_event.c.subject_id == subject_id)
        .order_by(consent_event.c.number)
    )
    return [ConsentEvent(*row) for row in tx.execute(query)]


def unlink_sessions(tx: Transaction, operator_id: str, before: datetime, answered_before: datetime) -> list[UUID]:
    """Destroy what ties records to people without an account whose session is long over; return who they were.

    Who has asked for something stays until it was answered, and long enough after that to read the answer.
    """
    asking = select(literal(1)).where(
        request.c.operator_id == subject.c.operator_id,
        request.c.subject_id == subject.c.subject_id,
        or_(request.c.closed_at.is_(None), request.c.closed_at >= answered_before),
    )
    over = (
        subject.c.operator_id == operator_id,
        subject.c.ref.is_(None),
        subject.c.erased_at.is_(None),
        subject.c.created_at < before,
        ~asking.exists(),
    )
    tx.execute(
        consent_event.update()
        .where(
            consent_event.c.operator_id == operator_id,
            consent_event.c.guardian.is_not(None),
            consent_event.c.subject_id.in_(select(subject.c.subject_id).where(*over)),
        )
        .values(_NO_GUARDIAN)
    )
    done = tx.execute(
        subject.update()
        .where(*over)
        .values(linking_key=None, age_class=None, erased_at=before)
        .returning(subject.c.subject_id)
    )
    return sorted(done.scalars())
