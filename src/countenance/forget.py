"""Forget: withdrawal, erasure and the end of retention destroy keys first, and rows with them.

A sealed template without the key of its subject and purpose is noise. That key stands, wrapped, in the same database:
a backup made before still holds both, until it is deleted (docs/divergences.md), so what was withdrawn and erased is
noted for whoever restores one. The memory copy is told after the commit; until then nothing it finds can be named:
every candidate is looked up again in the deciding transaction.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from countenance.store import (
    authorisations,
    credentials,
    erasures,
    links,
    originals,
    persons,
    references,
    requests,
    subjects,
)
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was destroyed of one subject: how many keys, which references, how many originals, for which purposes."""

    subject_id: UUID
    keys: int
    reference_ids: tuple[UUID, ...]
    purposes: tuple[str, ...]
    originals: int = 0

    @property
    def references(self) -> int:
        """Return how many references were destroyed."""
        return len(self.reference_ids)

    def as_json(self) -> dict[str, object]:
        """Return the figures, without the subject."""
        return {
            "keys": self.keys,
            "references": self.references,
            "originals": self.originals,
            "purposes": list(self.purposes),
        }


def forget_purpose(
    tx: Transaction, operator_id: str, subject_id: UUID, purpose: str, at: datetime, noted: UUID | None = None
) -> Destroyed:
    """Destroy what is held of a subject for one purpose; nothing held is a fine answer.

    It is noted for whoever restores a backup of before, unless it is `noted` under this id already.
    """
    gone = _purpose(tx, operator_id, subject_id, purpose, at, noted)
    count_off(tx, operator_id, [gone], at)
    return gone


def _purpose(
    tx: Transaction, operator_id: str, subject_id: UUID, purpose: str, at: datetime, noted: UUID | None = None
) -> Destroyed:
    erasures.add(tx, operator_id, at, subject_id=subject_id, purpose=purpose, noted=noted)
    gone = _destroy(tx, operator_id, subject_id, [purpose])
    return replace(gone, originals=originals.destroy(tx, operator_id, subject_id, purpose))


def forget_subject(
    tx: Transaction, operator_id: str, subject_id: UUID, at: datetime, noted: UUID | None = None
) -> Destroyed:
    """Destroy all that is held of a subject, and what ties old records and consents to the person; `noted` as above."""
    erasures.add(tx, operator_id, at, subject_id=subject_id, noted=noted)
    gone = _destroy(tx, operator_id, subject_id, references.purposes_of(tx, operator_id, subject_id))
    kept_for = originals.purposes_of(tx, operator_id, subject_id)
    kept = sum(originals.destroy(tx, operator_id, subject_id, purpose) for purpose in kept_for)
    gone = replace(gone, originals=kept, purposes=tuple(sorted({*gone.purposes, *kept_for})))
    authorisations.forget_subject(tx, operator_id, subject_id)
    credentials.revoke_subject(tx, operator_id, subject_id, at)
    links.forget_subject(tx, operator_id, subject_id)
    requests.forget_subject(tx, operator_id, subject_id, at)
    count_off(tx, operator_id, [gone], at)
    subjects.unlink(tx, operator_id, subject_id, at)
    return gone


def count_off(tx: Transaction, operator_id: str, gone: Sequence[Destroyed], at: datetime) -> None:
    """Take from the count of persons those of whom something was destroyed and nothing is left."""
    those = {each.subject_id for each in gone if each.keys or each.originals}
    persons.depart(tx, operator_id, those, at.astimezone(PLACE).date(), at)


def forget_expired(tx: Transaction, operator_id: str, at: datetime) -> list[Destroyed]:
    """Destroy what nothing holds any more: outlived references, and all that rests on a consent that has ended.

    `count_off` follows, behind everything that locks a subject.

    A reference outlives its purpose's retention by the day, counted at the place of the law. Each subject is held
    before its rows are looked at, so that an enrolment under way is whole and kept.
    """
    today = at.astimezone(PLACE).replace(hour=0, minute=0, second=0, microsecond=0)
    gone: list[Destroyed] = []
    for subject_id, purpose in references.with_outlived(tx, operator_id, today):
        subjects.find_id(tx, operator_id, subject_id, lock=True)
        ids = references.destroy_outlived(tx, operator_id, subject_id, purpose, today)
        keys = references.destroy_empty_key(tx, operator_id, subject_id, purpose)
        gone.append(Destroyed(subject_id, keys, tuple(ids), (purpose,)))
    for subject_id, purpose in references.without_consent(tx, operator_id, at, today.date()):
        subjects.find_id(tx, operator_id, subject_id, lock=True)
        if (subject_id, purpose) in references.without_consent(tx, operator_id, at, today.date(), subject_id):
            gone.append(_purpose(tx, operator_id, subject_id, purpose, at))
    return [each for each in gone if each.keys or each.reference_ids]


def forget_originals(tx: Transaction, operator_id: str, at: datetime) -> list[Destroyed]:
    """Destroy the originals whose time or consent is over; one receipt for each subject and purpose.

    `count_off` follows, behind everything that locks a subject.
    """
    today = at.astimezone(PLACE).date()
    gone = Counter[tuple[UUID, str]]()
    for subject_id in originals.with_expired(tx, operator_id, at):
        subjects.find_id(tx, operator_id, subject_id, lock=True)  # whoever keeps another just now comes first
        gone.update(originals.destroy_expired(tx, operator_id, subject_id, at))
    for subject_id, purpose in originals.without_consent(tx, operator_id, at, today):
        subjects.find_id(tx, operator_id, subject_id, lock=True)
        if (subject_id, purpose) in originals.without_consent(tx, operator_id, at, today):
            gone[subject_id, purpose] += originals.destroy(tx, operator_id, subject_id, purpose)
    return [
        Destroyed(subject_id, 0, (), (purpose,), number) for (subject_id, purpose), number in gone.items() if number
    ]


def _destroy(tx: Transaction, operator_id: str, subject_id: UUID, purposes: Sequence[str]) -> Destroyed:
    keys, gone = 0, list[UUID]()
    for purpose in purposes:
        destroyed, ids = references.destroy(tx, operator_id, subject_id, purpose)
        keys, gone = keys + destroyed, gone + ids
    return Destroyed(subject_id, keys, tuple(gone), tuple(purposes))
