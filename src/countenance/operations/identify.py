"""Identify: which of the subjects enrolled for this purpose is it, if any? The subject takes part and has said so."""

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from countenance.answer import Permit, Refusal
from countenance.compare import Features, extract, hold_identifying
from countenance.detect import Measured
from countenance.detect.several import Frames
from countenance.errors import NotFoundError
from countenance.facts import SessionFacts
from countenance.operations import held, memory
from countenance.operations.acquire import another, look, nothing_of
from countenance.operations.parts import AttackSuspected, Caller, House, Identified, NotAcquired, Refused
from countenance.operations.steps import Asked, again, ask, discharge, fmr, gate_one, refused, write
from countenance.store import receipts, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.subjects.consents import end_session
from countenance.vocabulary import Action, Target

#: So many subjects above the threshold are looked up, the most alike first, until one may be named.
CANDIDATES_MAX: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Unnamed:
    """What is declared with a probe nobody has named: the consent given for it, the purpose, device and session."""

    consent_id: UUID
    purpose: str
    device_id: str | None
    session: SessionFacts
    challenge: UUID | None = None


def identify(
    house: House, caller: Caller, unnamed: Unnamed, sent: bytes | Frames
) -> Identified | NotAcquired | AttackSuspected | Refused:
    """Look for the face in the best of the pictures among the references of one purpose, if the law permits it.

    The consent in hand is the one of the person at the device; whoever is found must have one too, or is not named.
    Raises NotFoundError for a consent of another purpose or operator, and what `verify` raises.
    """
    # 1. Gate one: the law on what is declared and on file, before a pixel is decoded.
    question = _question(house, caller, unnamed)
    frames = Frames.of(sent)
    asked = gate_one(house, caller, question, len(frames.pictures))
    if isinstance(asked, Refused):
        return asked

    # 2. Capture and detect: decode in memory, blacken what lies outside the area, find the faces, choose the target.
    with look(house, asked, frames) as found, house.database.transaction() as tx:
        # 3. Gate two: the law on what was measured, with what is on file by now; who consented is held.
        held.hold(tx, question)
        asked = ask(tx, house, again(question, house), found.measured)
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)
        if none := nothing_of(tx, house, caller, asked, found):
            return none

        # 4. Compare: features of the target alone, against the references of this purpose.
        permit = asked.answer
        probe = extract(permit, found.sample, found.target, house.engine)
        if more := another(tx, house, caller, asked, found, probe):
            return more
        probe = held.turned(house, caller.operator_id, probe)
        discharged = discharge(permit, found)
        subject_ref, about = _named(tx, house, asked, found.measured, permit, probe)

        # 5. Record, under whoever it is: in the same transaction; the answer leaves only after the commit.
        others = () if about is None else (about,)
        outcome = "non_match" if subject_ref is None else "match"
        held_now = memory.count(house, caller.operator_id, unnamed.purpose)
        details = {
            "duties": discharged,
            "fmr": fmr(house.identify_threshold),
            "references": held_now,
            "consent": str(unnamed.consent_id),
            **found.as_json(),
        }
        who = about.on_file if about is not None and subject_ref is not None else None
        recorded = write(
            tx, house, caller, asked, outcome, answers=(permit,), others=others, details=details, about=who
        )
        if who is not None and who.subject_id != asked.on_file.subject_id:  # under another's mark: list it here too
            receipts.add_use(tx, caller.operator_id, unnamed.consent_id, recorded.record_id)
        end_session(tx, caller.operator_id, asked.on_file, question)
    house.count("identify", outcome)
    return Identified(subject_ref, permit, recorded, found.check)


def _question(house: House, caller: Caller, unnamed: Unnamed) -> Question:
    with house.database.reading() as tx:
        event = subjects.find_event(tx, caller.operator_id, unnamed.consent_id)
        person = None if event is None else subjects.find_id(tx, caller.operator_id, event.subject_id)
    # What a person without an account said at one device counts at that device only.
    elsewhere = event is not None and event.device_id not in {None, unnamed.device_id}
    if event is None or person is None or event.purpose != unnamed.purpose or (person.ref is None and elsewhere):
        raise NotFoundError(
            "There is no such consent for this purpose. Ask the person first: POST /v1/consents.",
            "没有针对该目的的此项同意。请先征求当事人同意：POST /v1/consents。",
        )
    return Question(
        operator_id=caller.operator_id,
        action=Action.IDENTIFY,
        at=house.clock(),
        purpose=unnamed.purpose,
        device_id=unnamed.device_id,
        subject_id=event.subject_id,
        session=unnamed.session,
        challenge=unnamed.challenge,
    )


def _named(
    tx: Transaction, house: House, asked: Asked, measured: Measured, permit: Permit, probe: Features
) -> tuple[str | None, Asked | None]:
    """Return the operator's word for whoever matches, and what the law was asked about naming that subject.

    Memory proposes and the database decides: the candidate's own consent is asked for, and the comparison is made
    again with what is on file, so that nobody who withdrew a moment ago is named.
    """
    hold_identifying(permit)
    operator_id, purpose = asked.question.operator_id, asked.question.purpose
    about = None
    for subject_id in held.candidates(house, operator_id, purpose, probe, CANDIDATES_MAX):
        references = held.references(tx, house, operator_id, subject_id, purpose)
        about = ask(tx, house, replace(asked.question, subject_id=subject_id), measured)
        if isinstance(about.answer, Permit) and held.matched(house, permit, probe, references, Target.IDENTIFY).match:
            found = subjects.find_id(tx, operator_id, subject_id)
            return (found.ref if found else None), about
    return None, about
