"""Whose data a caller may speak of: a subject of its own alone, an officer of the person named."""

from countenance.errors import MalformedError, NotFoundError
from countenance.operations.parts import Caller, House
from countenance.store import subjects
from countenance.store.database import Transaction
from countenance.store.subjects import SubjectRow
from countenance.vocabulary import Role


def whose(
    tx: Transaction, house: House, caller: Caller, subject_ref: str | None, *, lock: bool = False
) -> tuple[SubjectRow, bytes]:
    """Return the subject a caller speaks of, and the mark that ties records to it; with `lock` it is held.

    Raises NotFoundError where there is none, and alike for another's; MalformedError where an officer names nobody.
    """
    found = None
    if caller.role is Role.SUBJECT:
        if caller.subject_id is not None:
            found = subjects.find_id(tx, caller.operator_id, caller.subject_id, lock=lock)
        if found is not None and subject_ref is not None and subject_ref != found.ref:
            found = None
    elif subject_ref is None:
        raise MalformedError(
            "It is not said whom this is about. Name the person in `subject`.", "未指明个人。请在 subject 中写明。"
        )
    elif subject_ref.isprintable():
        found = subjects.find(tx, caller.operator_id, subject_ref, lock=lock)
    if found is None or found.linking_key is None:
        raise NotFoundError("No such subject is on file.", "该个人未登记。")
    return found, house.vault(caller.operator_id).mark(found.linking_key, found.subject_id)
