"""Erase: forget a subject for every purpose, and cut what ties old records to the person. Never refused."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from countenance.forget import Destroyed, forget_subject
from countenance.operations.certificates import Act, certify
from countenance.operations.memory import let_go
from countenance.operations.parts import Caller, House
from countenance.operations.whose import whose
from countenance.record import Entry, Recorded, append
from countenance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Erased:
    """The receipt of an erasure: what was destroyed, and where that stands on record."""

    destroyed: Destroyed
    recorded: Recorded


def erase(house: House, caller: Caller, subject_ref: str) -> Erased:
    """Destroy every key and reference of a subject, the operator's word for the person, and the person's credentials.

    Raises NotFoundError for a subject who is not on file, and so for a repeat: nothing is left that could be named.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        # 1. Hold the subject: a comparison under way finishes first, the next one finds nobody.
        subject, mark = whose(tx, house, caller, subject_ref, lock=True)
        erased = erase_held(tx, house, caller, subject.subject_id, mark, at)
    erased_for_good(house, caller, erased)
    return erased


def erase_held(tx: Transaction, house: House, caller: Caller, subject_id: UUID, mark: bytes, at: datetime) -> Erased:
    """Erase a subject who is held, in the transaction of whoever asks; `erased_for_good` follows its commit."""
    # 2. Forget: keys first, then rows, then the link.
    destroyed = forget_subject(tx, caller.operator_id, subject_id, at)

    # 3. Record, in the same transaction, and certify to who holds a receipt; the mark means nothing from now on.
    recorded = append(
        tx,
        Entry(
            operator_id=caller.operator_id,
            at=at,
            kind="erase",
            outcome="erased",
            by=caller.named,
            subject_mark=mark,
            details={"destroyed": destroyed.as_json()},
        ),
    )
    certify(tx, house, Act.ERASED, caller.operator_id, destroyed, recorded)
    return Erased(destroyed, recorded)


def erased_for_good(house: House, caller: Caller, erased: Erased) -> None:
    """Tell the enrolment database in memory what is destroyed, once that is committed."""
    gone = erased.destroyed
    let_go(house, caller.operator_id, gone.purposes, gone.subject_id, gone.reference_ids)
    house.count("erase", "erased")
