"""Identify at a distance: is somebody who passes on a live authorisation? Nobody else is compared."""

from dataclasses import dataclass, replace

from countenance.answer import Permit, Refusal
from countenance.capture import capture
from countenance.compare import Features, extract
from countenance.detect import Measured, detect, measure
from countenance.facts import SessionFacts
from countenance.operations import held
from countenance.operations.parts import Caller, House, Identified, NotAcquired, Refused
from countenance.operations.steps import Asked, again, ask, discharge, fmr, gate_one, not_acquired, refused, write
from countenance.store import authorisations, subjects
from countenance.store.database import Transaction
from countenance.store.gathering import Question
from countenance.vocabulary import Action, StartedBy, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """What is declared with a probe of somebody who passes: the purpose and the device, nothing about the person."""

    purpose: str
    device_id: str | None


def identify_remote(
    house: House, caller: Caller, passing: Passing, picture: bytes
) -> Identified | NotAcquired | Refused:
    """Compare the face in `picture` with the persons on the authorisation for this purpose, if the law permits it.

    A non-match leaves nothing behind but its record. Raises what `verify` raises.
    """
    question = Question(
        operator_id=caller.operator_id,
        action=Action.IDENTIFY_REMOTE,
        at=house.clock(),
        purpose=passing.purpose,
        device_id=passing.device_id,
        session=SessionFacts(started_by=StartedBy.PASSIVE, purpose_prompted=False, alternative_offered=False),
    )

    # 1. Gate one: the law on what is declared and on file, before a pixel is decoded.
    asked = gate_one(house, caller, question)
    if isinstance(asked, Refused):
        return asked

    # 2. Capture and detect: decode in memory, blacken what lies outside the area, find the faces, choose the target.
    with capture(picture, house.limits) as sample:
        sample.keep_only(asked.on_file.area)
        measured = measure(detect(sample, house.engine.detector))

        with house.database.transaction() as tx:
            # 3. Gate two, with the authorisations held: a revocation came first, or waits.
            authorisations.hold(tx, caller.operator_id, passing.purpose)
            asked = ask(tx, house, again(question, house), measured)
            if isinstance(asked.answer, Refusal):
                return refused(tx, house, caller, asked, asked.answer)
            if measured.target is None or measured.failure is not None:
                return not_acquired(tx, house, caller, asked, measured)

            # 4. Compare: features of the target alone, with the references of the persons named and of nobody else.
            permit = asked.answer
            probe = held.turned(house, caller.operator_id, extract(permit, sample, measured.target, house.engine))
            discharged = discharge(permit, sample)
            compared, subject_ref, about = _named(tx, house, asked, measured, permit, probe)

            # 5. Record, naming the authorisation: in the same transaction; the answer leaves only after the commit.
            others = () if about is None else (about,)
            outcome = "non_match" if subject_ref is None else "match"
            details = {"duties": discharged, "fmr": fmr(house.identify_threshold), "references": compared}
            who = about.on_file if about is not None and subject_ref is not None else None
            recorded = write(
                tx, house, caller, asked, outcome, answers=(permit,), others=others, details=details, about=who
            )
    house.count("identify_remote", outcome)
    return Identified(subject_ref, permit, recorded)


def _named(
    tx: Transaction, house: House, asked: Asked, measured: Measured, permit: Permit, probe: Features
) -> tuple[int, str | None, Asked | None]:
    """Return how many references were compared, the word for whoever matches, and what the law was asked about that.

    Two persons who both match are nobody: an authorisation is for a particular person.
    """
    operator_id, purpose, under = asked.question.operator_id, asked.question.purpose, asked.on_file.authorised
    compared, matching = 0, []
    for subject_id in under.subjects if under is not None else ():
        references = held.references(tx, house, operator_id, subject_id, purpose)
        compared += len(references)
        if held.matched(house, permit, probe, references, Target.IDENTIFY).match:
            matching.append(subject_id)
    if len(matching) != 1:
        return compared, None, None
    about = ask(tx, house, replace(asked.question, subject_id=matching[0]), measured)
    if isinstance(about.answer, Refusal):
        return compared, None, about
    found = subjects.find_id(tx, operator_id, matching[0])
    return compared, (found.ref if found else None), about
