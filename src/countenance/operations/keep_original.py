"""Keep an original: seal the picture itself until a day that is set, if the law permits it. No door gives it back."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import uuid4

from countenance.answer import Refusal
from countenance.capture import capture
from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.operations.parts import Caller, House, Kept, Refused
from countenance.operations.steps import Asked, again, ask, count_arrival, discharge, gate_one, refused, write
from countenance.store import originals, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vault.sealing import OriginalPlace
from countenance.vocabulary import Action


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What is declared with a picture to keep: of whom, for which purpose, until when."""

    subject_ref: str = field(repr=False)
    purpose: str
    device_id: str | None
    expires_at: datetime


def keep_original(house: House, caller: Caller, keeping: Keeping, picture: bytes) -> Kept | Refused:
    """Keep `picture` sealed until it expires, is withdrawn or erased, if the law permits it.

    Raises MalformedError or LimitError for what is no picture, or for an end that is past or beyond the purpose's
    retention, NotFoundError for a subject who is not on file, ConflictError where as many are kept as may be.
    """
    question = Question(
        operator_id=caller.operator_id,
        action=Action.KEEP_ORIGINAL,
        at=house.clock(),
        purpose=keeping.purpose,
        device_id=keeping.device_id,
        subject_ref=keeping.subject_ref,
    )

    # 1. Gate one: the law on what is declared and on file, before a pixel is decoded.
    asked = gate_one(house, caller, question)
    if isinstance(asked, Refused):
        return asked

    # 2. Capture, only to see that it is a picture within the limits.
    with capture(picture, house.limits) as sample, house.database.transaction() as tx:
        # 3. Ask again, with the subject held: a withdrawal came first, or finds the original and destroys it.
        subject = subjects.find(tx, caller.operator_id, keeping.subject_ref, lock=True)
        asked = ask(tx, house, again(question, house))
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)

        # 4. Seal it under a key of its own.
        permit = asked.answer
        discharged = discharge(permit, sample)
        row = _seal(tx, house, asked, subject, keeping.expires_at, picture)

        # 5. Record, and count: somebody of whom an original is stored is stored. In the same transaction.
        details = {
            "duties": discharged,
            "original": str(row.original_id),
            "expires_at": row.expires_at.isoformat(),
        }
        recorded = write(tx, house, caller, asked, "kept", answers=(permit,), details=details)
        count_arrival(tx, house, caller.operator_id, row.subject_id)
    house.count("keep_original", "kept")
    return Kept(row.original_id, row.expires_at, permit, recorded)


def _seal(
    tx: Transaction,
    house: House,
    asked: Asked,
    subject: subjects.SubjectRow | None,
    expires_at: datetime,
    picture: bytes,
) -> originals.OriginalRow:
    if subject is None:  # permitted without consent, under a statutory basis, of somebody not on file
        raise NotFoundError(
            "No such subject is on file. Put the subject on file first: POST /v1/consents.",
            "该个人未登记。请先登记：POST /v1/consents。",
        )
    question, days = asked.question, asked.on_file.retention_days
    if days is None or not question.at < expires_at <= question.at + timedelta(days=days):
        raise MalformedError(
            "An original is kept to an end after now and within the purpose's retention; name one in `expires_at`.",
            "原始图像须设定晚于现在且不超过该目的保存期限的到期时间，请在 expires_at 中写明。",
        )
    if originals.count(tx, subject.operator_id, subject.subject_id, question.purpose) >= house.references_max:
        raise ConflictError(
            "As many originals of the subject are kept as may be. Wait until one ends, or withdraw.",
            "该个人保存的原始图像已达上限。请等待到期或撤回。",
        )
    place = OriginalPlace(subject.subject_id, question.purpose, uuid4())
    wrapped, sealed = house.vault(subject.operator_id).seal_original(picture, place)
    row = originals.OriginalRow(
        operator_id=subject.operator_id,
        original_id=place.original_id,
        subject_id=subject.subject_id,
        purpose=question.purpose,
        sealed=sealed,
        wrapped=wrapped,
        kept_at=question.at,
        expires_at=expires_at,
    )
    originals.add(tx, row)
    return row
