"""Erase: forget a subject for every purpose, and cut what ties old records to the person. Never refused."""

from dataclasses import dataclass

from countenance.errors import NotFoundError
from countenance.forget import Destroyed, forget_subject
from countenance.operations.certificates import Act, certify
from countenance.operations.parts import Caller, House
from countenance.record import Entry, Recorded, append
from countenance.store import subjects as store
from countenance.vocabulary import Role


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
        subject = store.find(tx, caller.operator_id, subject_ref, lock=True)
        others = caller.role is Role.SUBJECT and subject is not None and subject.subject_id != caller.subject_id
        if subject is None or subject.linking_key is None or others:  # another's is no different from nobody's
            raise NotFoundError("No such subject is on file.", "该个人未登记。")
        mark = house.vault(caller.operator_id).mark(subject.linking_key, subject.subject_id)

        # 2. Forget: keys first, then rows, then the link.
        destroyed = forget_subject(tx, caller.operator_id, subject.subject_id, at)

        # 3. Record, in the same transaction, and certify to who holds a receipt; the mark means nothing from now on.
        recorded = append(
            tx,
            Entry(
                operator_id=caller.operator_id,
                at=at,
                kind="erase",
                outcome="erased",
                by=f"{caller.role.value}:{caller.credential_id}",
                subject_mark=mark,
                details={"destroyed": destroyed.as_json()},
            ),
        )
        certify(tx, house, Act.ERASED, caller.operator_id, destroyed, recorded)
    house.projection.remove(caller.operator_id, destroyed.purposes, subject.subject_id, destroyed.reference_ids)
    house.count("erase", "erased")
    return Erased(destroyed, recorded)
