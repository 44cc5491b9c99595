"""Checks: may a device capture now, data serve another purpose, something be disclosed? A yes or a no, on record."""

from collections.abc import Mapping
from typing import Any

from countenance.answer import Refusal
from countenance.operations import held
from countenance.operations.parts import Caller, House, Permitted, Refused
from countenance.operations.steps import ask, refused, write
from countenance.store.gathering import Question
from countenance.vocabulary import Action, StorageDestination


def may_capture(house: House, caller: Caller, *, purpose: str, device_id: str | None) -> Permitted | Refused:
    """Say whether a device may capture now; the permit's duties are the device's to discharge."""
    return _check(house, caller, _question(house, caller, Action.CAPTURE, purpose, device_id=device_id), {})


def may_reuse(house: House, caller: Caller, *, subject_ref: str, origin: str, purpose: str) -> Permitted | Refused:
    """Say whether a subject's data collected for the purpose `origin` may be used for `purpose`."""
    question = _question(house, caller, Action.REUSE, purpose, subject_ref=subject_ref, origin_purpose=origin)
    return _check(house, caller, question, {"origin": origin})


def may_disclose(
    house: House, caller: Caller, *, subject_ref: str, purpose: str, destination: StorageDestination
) -> Permitted | Refused:
    """Say whether a subject's data may be disclosed to a destination."""
    question = _question(house, caller, Action.DISCLOSE, purpose, subject_ref=subject_ref, destination=destination)
    return _check(house, caller, question, {"destination": destination.value})


def _question(house: House, caller: Caller, action: Action, purpose: str, **declared: Any) -> Question:
    return Question(operator_id=caller.operator_id, action=action, at=house.clock(), purpose=purpose, **declared)


def _check(house: House, caller: Caller, question: Question, details: Mapping[str, Any]) -> Permitted | Refused:
    """Ask the law and write its answer down, in one transaction."""
    with house.database.transaction() as tx:
        held.hold(tx, question)
        asked = ask(tx, house, question)
        if isinstance(asked.answer, Refusal):
            return refused(tx, house, caller, asked, asked.answer)
        recorded = write(tx, house, caller, asked, "permitted", answers=(asked.answer,), details=details)
    house.count(question.action.value, "permitted")
    return Permitted(asked.answer, recorded)
