"""Verify: is this the subject it claims to be? One claim, two gates, one record."""

from dataclasses import dataclass, field
from uuid import UUID

from countenance.answer import Refusal
from countenance.compare import extract
from countenance.detect.several import Frames
from countenance.facts import SessionFacts
from countenance.operations import budget, held
from countenance.operations.acquire import another, look, nothing_of
from countenance.operations.parts import AttackSuspected, Caller, House, NotAcquired, Refused, Verified
from countenance.operations.steps import again, ask, discharge, fmr, gate_one, refused, write
from countenance.store.gathering import Question
from countenance.vocabulary import Action, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is declared with a probe: whose it is said to be, for which purpose, at which device, in what session."""

    subject_ref: str = field(repr=False)
    purpose: str
    device_id: str | None
    session: SessionFacts
    challenge: UUID | None = None


def verify(
    house: House, caller: Caller, claim: Claim, sent: bytes | Frames
) -> Verified | NotAcquired | AttackSuspected | Refused:
    """Compare the face in the best of the pictures with the references of the subject claimed, if the law permits it.

    Raises MalformedError or LimitError for a picture that cannot be read, ConflictError for a challenge that cannot be
    answered, UnavailableError when a part is down; none of them leaves anything behind.
    """
    question = Question(
        operator_id=caller.operator_id,
        action=Action.VERIFY,
        at=house.clock(),
        purpose=claim.purpose,
        device_id=claim.device_id,
        subject_ref=claim.subject_ref,
        session=claim.session,
        challenge=claim.challenge,
    )

    # 1. Gate one: the law on what is declared and on file, before a pixel is decoded.
    frames = Frames.of(sent)
    asked = gate_one(house, caller, question, len(frames.pictures))
    if isinstance(asked, Refused):
        return asked

    # 2. Capture and detect: decode in memory, blacken what lies outside the area, find the faces, choose the target.
    with look(house, asked, frames) as found, house.database.transaction() as tx:
        # 3. Gate two: the law on what was measured, with what is on file by now; the subject is held, so that a
        #    refusal, a withdrawal or an erasure either came first and counts, or waits.
        held.hold(tx, question)
        asked = ask(tx, house, again(question, house), found.measured)
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)
        if none := nothing_of(tx, house, caller, asked, found):
            return none

        # 4. Compare: features of the target alone, against the subject's own references of this purpose.
        permit = asked.answer
        probe = extract(permit, found.sample, found.target, house.engine)
        if more := another(tx, house, caller, asked, found, probe):
            return more
        probe = held.turned(house, caller.operator_id, probe)
        discharged = discharge(permit, found)
        references = held.references(tx, house, caller.operator_id, asked.on_file.subject_id, claim.purpose)
        comparison = held.matched(house, permit, probe, references, Target.VERIFY)

        # 5. Record: in the same transaction; the answer leaves only after the commit.
        outcome = "match" if comparison.match else "non_match"
        details = {
            "duties": discharged,
            "fmr": fmr(house.threshold),
            "references": len(references),
            **found.as_json(),
        }
        recorded = write(tx, house, caller, asked, outcome, answers=(permit,), details=details)
        if comparison.match:
            budget.matched(tx, house, question, len(frames.pictures))
    house.count("verify", outcome)
    return Verified(comparison.match, permit, recorded, found.check)
