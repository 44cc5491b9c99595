"""Forget: withdrawal, erasure and the end of retention destroy keys first, and rows with them.

A sealed template without the key of its subject and purpose is noise. That key stands, wrapped, in the same database:
a backup made before still holds both, until it is deleted (docs/divergences.md). The memory copy is told after the
commit; until then nothing it finds can be named: every candidate is looked up again in the deciding transaction.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from countenance.store import authorisations, credentials, originals, references, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE


@dataclass(frozen=True, slots=True)
class Destroyed:
    """What was destroyed of one subject: keys, references, originals, and for which purposes."""

    subject_id: UUID
    keys: int
    references: int
    purposes: tuple[str, ...]
    originals: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the figures, without the subject."""
        return {
            "keys": self.keys,
            "references": self.references,
            "originals": self.originals,
            "purposes": list(self.purposes),
        }


def forget_purpose(tx: Transaction, operator_id: str, subject_id: UUID, purpose: str) -> Destroyed:
    """Destroy what is held of a subject for one purpose; nothing held is a fine answer."""
    gone = _destroy(tx, operator_id, subject_id, [purpose])
    return replace(gone, originals=originals.destroy(tx, operator_id, subject_id, purpose))


def forget_subject(tx: Transaction, operator_id: str, subject_id: UUID, at: datetime) -> Destroyed:
    """Destroy all that is held of a subject, and what ties old records and consents to the person."""
    gone = _destroy(tx, operator_id, subject_id, references.purposes_of(tx, operator_id, subject_id))
    kept_for = originals.purposes_of(tx, operator_id, subject_id)
    kept = sum(originals.destroy(tx, operator_id, subject_id, purpose) for purpose in kept_for)
    authorisations.forget_subject(tx, operator_id, subject_id)
    credentials.revoke_subject(tx, operator_id, subject_id, at)
    subjects.unlink(tx, operator_id, subject_id, at)
    return replace(gone, originals=kept, purposes=tuple(sorted({*gone.purposes, *kept_for})))


def forget_expired(tx: Transaction, operator_id: str, at: datetime) -> list[Destroyed]:
    """Destroy references that have outlived the retention of their purpose, counted in days at the place of the law.

    Originals carry an end of their own: `forget_originals`.
    """
    midnight = at.astimezone(PLACE).replace(hour=0, minute=0, second=0, microsecond=0)
    outlived = references.outlived(tx, operator_id, midnight + timedelta(days=1))
    return [_destroy(tx, operator_id, subject_id, [purpose]) for subject_id, purpose in outlived]


def forget_originals(tx: Transaction, operator_id: str, at: datetime) -> list[Destroyed]:
    """Destroy the originals whose time is over; one receipt for each subject and purpose."""
    gone = Counter(originals.destroy_expired(tx, operator_id, at))
    return [Destroyed(subject_id, 0, 0, (purpose,), number) for (subject_id, purpose), number in gone.items()]


def _destroy(tx: Transaction, operator_id: str, subject_id: UUID, purposes: Sequence[str]) -> Destroyed:
    keys = rows = 0
    for purpose in purposes:
        gone, ids = references.destroy(tx, operator_id, subject_id, purpose)
        keys, rows = keys + gone, rows + len(ids)
    return Destroyed(subject_id, keys, rows, tuple(purposes))
