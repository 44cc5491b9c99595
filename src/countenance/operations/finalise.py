"""Finalise: a person who did not run the device reviews what it answered, and decides, once.

Only then is it decided.
"""

import json
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from countenance.answer import Refusal
from countenance.errors import ConflictError, NotFoundError
from countenance.facts import ReviewFacts
from countenance.operations.once import Once, Repeated, keep, repeated
from countenance.operations.parts import Caller, House, Permitted, Refused
from countenance.operations.steps import ask, refused, write
from countenance.store import credentials, records, reviews
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vocabulary import Action

#: What can be reviewed: a decision on a comparison.
_KINDS: Final = frozenset({"verify", "identify", "identify_remote"})
_OUTCOMES: Final = frozenset({"match", "non_match"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a reviewer says of a decision on record: looked at by a person or not, and upheld or overturned."""

    record_id: UUID
    human: bool | None
    decision: str


def finalise(house: House, caller: Caller, review: Review, once: Once | None = None) -> Permitted | Repeated | Refused:
    """Make the decision of one record final, if the law permits it; whoever ran the device is refused.

    With `once`, a repeat gets the first answer. Raises NotFoundError for a record that is not there or decided nothing
    about a face, ConflictError for a decision that is final already.
    """
    with house.database.transaction() as tx:
        if before := repeated(tx, house, caller, once):
            return before

        # 1. Who decided, about what: as the record says, not as the request does.
        row, purpose, ran_by = _decided(tx, caller, review.record_id)
        by_operator = ran_by == caller.credential_id or _same_person(tx, caller, ran_by)

        # 2. Ask the law.
        question = Question(
            operator_id=caller.operator_id,
            action=Action.FINALISE,
            at=house.clock(),
            purpose=purpose,
            review=ReviewFacts(human=review.human, by_operator=by_operator),
        )
        asked = ask(tx, house, question)
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)

        # 3. Record, under the same mark as what was reviewed; of two at once, the database lets one come first.
        details = {"reviewed": str(review.record_id), "decision": review.decision}
        recorded = write(
            tx, house, caller, asked, "finalised", answers=(asked.answer,), details=details, mark=row.subject_mark
        )
        if not reviews.close(tx, caller.operator_id, review.record_id, recorded.record_id):
            raise ConflictError(
                "This decision is final already. Read the record of its review: GET /v1/records?kind=finalise.",
                "该判定已经终审。请查看其审核记录：GET /v1/records?kind=finalise。",
            )
        done = Permitted(asked.answer, recorded)
        keep(tx, house, caller, once, done.as_json("finalised"), asked.question.at)
    house.count("finalise", "finalised")
    return done


def _same_person(tx: Transaction, caller: Caller, ran_by: str) -> bool:
    """Return whether the caller's holder also holds the credential that ran the device."""
    ran = credentials.find(tx, ran_by) if caller.staff_id is not None else None
    return ran is not None and ran.operator_id == caller.operator_id and ran.staff_id == caller.staff_id


def _decided(tx: Transaction, caller: Caller, record_id: UUID) -> tuple[records.RecordRow, str, str]:
    """Return a record of a decision on a comparison, its purpose, and the credential that ran the device."""
    row = records.find(tx, caller.operator_id, record_id)
    if row is None or row.kind not in _KINDS or row.outcome not in _OUTCOMES:
        raise NotFoundError(
            "There is no such decision on record. Name the record of a match or a non-match.",
            "没有该判定记录。请写明匹配或不匹配的记录编号。",
        )
    body: dict[str, Any] = json.loads(row.body)
    return row, body["facts"]["purpose"]["code"], body["by"].partition(":")[2]
