"""Withdraw: a subject takes a consent back; what was kept for that purpose is destroyed at once. Never refused."""

from dataclasses import dataclass
from datetime import datetime

from countenance.errors import NotFoundError
from countenance.forget import Destroyed, forget_purpose
from countenance.operations.certificates import Act, certify
from countenance.operations.memory import let_go
from countenance.operations.parts import Caller, House
from countenance.record import Entry, Recorded, append
from countenance.store import sites
from countenance.store import subjects as store
from countenance.store.database import Transaction
from countenance.subjects import consents
from countenance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The receipt of a withdrawal: what was destroyed, and where that stands on record."""

    destroyed: Destroyed
    recorded: Recorded


def withdraw(house: House, caller: Caller, subject_ref: str, purpose: str) -> Withdrawn:
    """Take back the consent of a subject for one purpose, and destroy its keys and references.

    A repeat is answered like the first. Raises NotFoundError for a subject, or a purpose, that is not on file.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        # Hold the subject: a comparison under way finishes first, the next one finds nothing.
        subject = store.find(tx, caller.operator_id, subject_ref, lock=True)
        others = caller.role is Role.SUBJECT and subject is not None and subject.subject_id != caller.subject_id
        if subject is None or subject.linking_key is None or others:  # another's is no different from nobody's
            raise NotFoundError("No such subject is on file.", "该个人未登记。")
        if purpose not in {row["code"] for row in sites.read(tx, caller.operator_id, "purpose")}:  # retired ones count
            raise NotFoundError("No such purpose was ever on file. See GET /v1/purposes.", "该处理目的从未登记。")
        done = take_back(tx, house, subject, purpose, caller.named, at)
    settle(house, caller.operator_id, done)
    return done


def take_back(
    tx: Transaction, house: House, subject: store.SubjectRow, purpose: str, by: str, at: datetime
) -> Withdrawn:
    """Withdraw and forget for a subject who is held by this transaction; `settle` follows its commit.

    Raises NotFoundError for one who was erased: nothing is left that could be withdrawn.
    """
    if subject.linking_key is None:
        raise NotFoundError("No such subject is on file.", "该个人未登记。")
    operator_id = subject.operator_id

    # 1. Write the withdrawal down, and forget.
    event_id = consents.withdraw(tx, operator_id, subject.subject_id, purpose, at)
    destroyed = forget_purpose(tx, operator_id, subject.subject_id, purpose, at)

    # 2. Record, in the same transaction, and certify to whoever holds a receipt.
    recorded = append(
        tx,
        Entry(
            operator_id=operator_id,
            at=at,
            kind="withdraw",
            outcome="withdrawn",
            by=by,
            subject_mark=house.vault(operator_id).mark(subject.linking_key, subject.subject_id),
            details={"purpose": purpose, "consent": str(event_id), "destroyed": destroyed.as_json()},
        ),
    )
    certify(tx, house, Act.WITHDRAWN, operator_id, destroyed, recorded, purpose=purpose)
    return Withdrawn(destroyed, recorded)


def settle(house: House, operator_id: str, done: Withdrawn) -> None:
    """Let memory forget too, after the commit."""
    gone = done.destroyed
    let_go(house, operator_id, gone.purposes, gone.subject_id, gone.reference_ids)
    house.count("withdraw", "withdrawn")
