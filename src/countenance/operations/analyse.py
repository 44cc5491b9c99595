"""Analyse: read from a face how it is held and whether the picture is good enough; nothing about the person.

Any other attribute goes through the law like these, and if the law permits it the answer is that no analyser exists.
"""

from dataclasses import dataclass, field
from typing import Final

from countenance.answer import Permit, Refusal
from countenance.detect import Face, Measured, Reason
from countenance.facts import SessionFacts
from countenance.operations import held
from countenance.operations.acquire import look
from countenance.operations.parts import Analysed, Caller, House, NoAnalyser, NotAcquired, Refused
from countenance.operations.steps import Asked, again, ask, discharge, gate_one, not_acquired, refused, write
from countenance.store import authorisations
from countenance.store.gathering import Question
from countenance.vocabulary import Action

#: What this build can say something about, a word each; the shares of `frontal` from which a face is called so.
POSE, QUALITY, ATTACK = "pose", "quality", "attack"
ATTRIBUTES: Final = frozenset({POSE, QUALITY, ATTACK})
_FRONTAL, _TURNED = 0.6, 0.25
#: There is no face, or none that is anybody's in particular: no attribute of it can be told.
_NOBODY: Final = frozenset({Reason.NO_FACE, Reason.SEVERAL_FACES})


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """What is declared with a picture to analyse: which attribute, for which purpose, whose face it is said to be."""

    attribute: str
    purpose: str
    subject_ref: str | None = field(repr=False)
    device_id: str | None
    session: SessionFacts


def analyse(
    house: House, caller: Caller, analysis: Analysis, picture: bytes
) -> Analysed | NoAnalyser | NotAcquired | Refused:
    """Say one word about the face in `picture`, if the law permits it. Raises what `verify` raises."""
    question = Question(
        operator_id=caller.operator_id,
        action=Action.ANALYSE,
        at=house.clock(),
        purpose=analysis.purpose,
        device_id=analysis.device_id,
        subject_ref=analysis.subject_ref,
        session=analysis.session,
        attribute=analysis.attribute,
    )

    # 1. Gate one; what the law permits and nobody built ends here, with its record and without a pixel decoded.
    asked = gate_one(house, caller, question)
    if isinstance(asked, Refused):
        return asked
    if analysis.attribute not in ATTRIBUTES:
        return _none_built(house, caller, asked)

    # 2. Capture and detect: decode in memory, blacken what lies outside the area, find the faces, choose the target.
    with look(house, asked, picture) as found:
        measured = found.measured
        with house.database.transaction() as tx:
            # 3. Gate two, with subject and authorisations held: a withdrawal or a revocation came first, or waits.
            held.hold(tx, question)
            authorisations.hold(tx, caller.operator_id, analysis.purpose)
            asked = ask(tx, house, again(question, house), measured)
            if isinstance(asked.answer, Refusal):
                return refused(tx, house, caller, asked, asked.answer)
            says = _says(analysis.attribute, measured)
            if says is None:
                return not_acquired(tx, house, caller, asked, measured)

            # 4. Record: in the same transaction; the answer leaves only after the commit.
            permit = asked.answer
            details = {"duties": discharge(permit, found), "attribute": analysis.attribute, **found.as_json()}
            recorded = write(tx, house, caller, asked, "analysed", answers=(permit,), details=details)
    house.count("analyse", "analysed")
    return Analysed(analysis.attribute, says, permit, recorded)


def _none_built(house: House, caller: Caller, asked: Asked) -> NoAnalyser | Refused:
    """Record that the law permits what this build cannot do, asking it once more in the recording transaction."""
    with house.database.transaction() as tx:
        authorisations.hold(tx, caller.operator_id, asked.question.purpose)
        asked = ask(tx, house, again(asked.question, house))
        if not isinstance(asked.answer, Permit):
            return refused(tx, house, caller, asked, asked.answer)
        recorded = write(tx, house, caller, asked, "no_analyser", answers=(asked.answer,))
    house.count("analyse", "no_analyser")
    return NoAnalyser(asked.answer, recorded)


def _says(attribute: str, measured: Measured) -> str | None:
    """Return the word for an attribute, None where the picture does not give it."""
    reason = measured.failure.reason if measured.failure else None
    if measured.target is None or reason in _NOBODY:
        return None
    if attribute == ATTACK:
        words = {None: "not_checked", True: "suspected", False: "not_suspected"}
        return words[measured.attack_suspected]
    if attribute == QUALITY:
        return "enough" if reason is None else reason.value
    return _pose(measured.target) if reason is None else None


def _pose(face: Face) -> str | None:
    if face.quality is None:
        return None
    if face.quality.frontal >= _FRONTAL:
        return "frontal"
    return "turned" if face.quality.frontal >= _TURNED else "profile"
