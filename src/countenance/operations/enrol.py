"""Enrol: keep a sealed reference of a subject for one purpose."""

from dataclasses import dataclass, field
from uuid import UUID, uuid4

from countenance.answer import Refusal
from countenance.compare import Features, extract
from countenance.detect.several import Frames
from countenance.errors import ConflictError, NotAllowedError, NotFoundError
from countenance.facts import SessionFacts
from countenance.operations import budget, held
from countenance.operations.acquire import another, look, nothing_of
from countenance.operations.doubles import look_for_doubles
from countenance.operations.memory import Reference, staged
from countenance.operations.once import Once, Repeated, keep, repeated
from countenance.operations.parts import AttackSuspected, Caller, Enrolled, House, NotAcquired, Refused
from countenance.operations.steps import Asked, again, ask, count_arrival, discharge, gate_one, refused, refusing, write
from countenance.store import references, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vault.projection import Candidate
from countenance.vault.sealing import TemplatePlace
from countenance.vocabulary import Action, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What is declared with a picture to enrol: of whom, for which purpose, at which device, in what session."""

    subject_ref: str = field(repr=False)
    purpose: str
    device_id: str | None
    session: SessionFacts
    challenge: UUID | None = None
    #: An officer has looked: the face is enrolled under another word, and this is another person.
    double_confirmed: bool = False


def enrol(
    house: House, caller: Caller, enrolment: Enrolment, sent: bytes | Frames, once: Once | None = None
) -> Enrolled | Repeated | NotAcquired | AttackSuspected | Refused:
    """Keep one more reference of the subject, if the law permits it; with `once`, a repeat has no second effect.

    Raises ConflictError when the subject has as many references as the operator allows, was erased meanwhile, or the
    key of `once` came with another request, and what `verify` raises; none of them leaves anything behind.
    """
    question = _question(house, caller, enrolment)
    _check_confirmed(caller, enrolment)

    # 1. Gate one: the law on what is declared and on file, before a pixel is decoded.
    with house.database.transaction() as tx:
        if before := repeated(tx, house, caller, once):
            return _still_kept(tx, caller, before)
    frames = Frames.of(sent)
    asked = gate_one(house, caller, question, len(frames.pictures))
    if isinstance(asked, Refused):
        return asked

    # 2. Capture and detect: decode in memory, blacken what lies outside the area, find the faces, choose the target.
    with look(house, asked, frames) as found, staged(house) as remember, house.database.transaction() as tx:
        # 3. Gate two, with the subject held: two enrolments of one subject come one after the other.
        if before := repeated(tx, house, caller, once):
            return _still_kept(tx, caller, before)
        subject = subjects.find(tx, caller.operator_id, enrolment.subject_ref, lock=True)
        asked = ask(tx, house, again(question, house), found.measured)
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)
        if none := nothing_of(tx, house, caller, asked, found):
            return none

        # 4. Extract features of the target alone, where there is room for them, and seal them for exactly this row.
        permit = asked.answer
        kept = _room(tx, house, subject, enrolment.purpose)
        features = extract(permit, found.sample, found.target, house.engine)
        if more := another(tx, house, caller, asked, found, features):
            return more
        features = held.turned(house, caller.operator_id, features)
        discharged = discharge(permit, found)
        doubles = look_for_doubles(tx, house, asked, found.measured, features)
        if wrong := doubles.finding(confirmed=enrolment.double_confirmed):
            return refused(tx, house, caller, asked, refusing(permit, wrong), others=doubles.asked)
        row, kept_as = _seal(tx, house, subject, asked, features)

        # 5. Record, keep the answer for a repeat, remember, and count: while the subject is held; all or nothing.
        said = {"duties": discharged, "reference": str(row.reference_id), "references": kept}
        details = said | doubles.as_json() | found.as_json()
        recorded = write(tx, house, caller, asked, "enrolled", answers=(permit,), others=doubles.asked, details=details)
        done = Enrolled(row.reference_id, kept, permit, recorded, found.check)
        keep(tx, house, caller, once, done.as_json(), asked.question.at)
        owner = Candidate(row.subject_id, row.reference_id)
        remember(caller.operator_id, enrolment.purpose, owner, kept_as)
        budget.matched(tx, house, question, len(frames.pictures))
        count_arrival(tx, house, caller.operator_id, row.subject_id)
    house.count("enrol", "enrolled")
    return done


def _question(house: House, caller: Caller, enrolment: Enrolment) -> Question:
    return Question(
        operator_id=caller.operator_id,
        action=Action.ENROL,
        at=house.clock(),
        purpose=enrolment.purpose,
        device_id=enrolment.device_id,
        subject_ref=enrolment.subject_ref,
        session=enrolment.session,
        challenge=enrolment.challenge,
    )


def _check_confirmed(caller: Caller, enrolment: Enrolment) -> None:
    if enrolment.double_confirmed and caller.role is not Role.OFFICER:
        raise NotAllowedError(
            "Only an officer confirms that a face enrolled already is another person's. Let one enrol.",
            "仅保护负责人可确认已登记人脸属于另一人。请由其登记。",
        )


def _still_kept(tx: Transaction, caller: Caller, before: Repeated) -> Repeated:
    """Return the first answer while it is still true; raises ConflictError where its reference was destroyed since."""
    if not references.exists(tx, caller.operator_id, UUID(str(before.answer["reference"]))):
        raise ConflictError(
            "That enrolment was made, and its reference has been destroyed since. Use a fresh key to enrol again.",
            "该登记已完成，但其参考模板此后已被销毁。如需重新登记请使用新的键。",
        )
    return before


def _room(tx: Transaction, house: House, subject: subjects.SubjectRow | None, purpose: str) -> int:
    """Return how many references the subject will have; raises before anything is extracted where that is too many."""
    if subject is None:  # permitted without consent, under a statutory basis, of somebody not on file
        raise NotFoundError(
            "No such subject is on file. Put the subject on file first: POST /v1/consents.",
            "该个人未登记。请先登记：POST /v1/consents。",
        )
    kept = len(references.of_subject(tx, subject.operator_id, subject.subject_id, purpose)) + 1
    if kept > house.references_max:
        raise ConflictError(
            "The subject has as many references as are kept. Withdraw or erase before enrolling again.",
            "该个人的参考模板已达上限。请先撤回或删除后再登记。",
        )
    return kept


def _seal(
    tx: Transaction, house: House, subject: subjects.SubjectRow | None, asked: Asked, features: Features
) -> tuple[TemplatePlace, Reference]:
    """Keep `features`, or the share of them, sealed under the key of subject and purpose; return where, and as what."""
    assert subject is not None  # noqa: S101 — `_room` has seen to it
    operator_id, subject_id = subject.operator_id, subject.subject_id
    purpose, at = asked.question.purpose, asked.question.at
    vault = house.vault(operator_id)
    wrapped = references.keep_key(tx, operator_id, subject_id, purpose, vault.new_key(subject_id, purpose), at)
    row = TemplatePlace(subject_id, purpose, house.engine.model_id, uuid4())
    reference = held.parted(house, operator_id, features, row) if asked.on_file.encrypted else features
    sealed = vault.seal_template(reference.to_bytes(), wrapped, row)
    stored = references.ReferenceRow(row.reference_id, subject_id, purpose, row.model_id, sealed, wrapped)
    references.add(tx, operator_id, stored, at)
    return row, reference
