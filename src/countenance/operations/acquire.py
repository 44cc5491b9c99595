"""Acquire: look at the pictures of an act in memory, and say where nothing may be made of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from countenance.answer import Refusal
from countenance.compare import Features, one_identity
from countenance.detect.several import Acquired, Frames, acquired
from countenance.operations import challenge
from countenance.operations.parts import AttackSuspected, Caller, House, NotAcquired, Refused
from countenance.operations.steps import Asked, ask, not_acquired, refused, too_many, write
from countenance.store.database import Transaction


@contextmanager
def look(house: House, asked: Asked, sent: bytes | Frames) -> Iterator[Acquired]:
    """Yield what comes of the pictures of an act, before anything is made of them; all are wiped at the end.

    Raises ConflictError for a challenge that cannot be answered, LimitError for too many pictures, and what `acquired`
    raises.
    """
    frames = Frames.of(sent)
    if len(frames.pictures) > house.frames_max:
        raise too_many(house)
    turns = challenge.turns_of(house, asked.question)
    area, engine = asked.on_file.area, house.engine
    with acquired(frames, house.limits, area, engine.detector, turns=turns, model=engine.attack) as found:
        yield found


def nothing_of(
    tx: Transaction, house: House, caller: Caller, asked: Asked, found: Acquired
) -> NotAcquired | AttackSuspected | None:
    """Write down and return why nothing is made of the pictures, or return None where something may be."""
    if found.measured.target is None or found.measured.failure is not None:
        return not_acquired(tx, house, caller, asked, found.measured, found.as_json())
    return _suspected(tx, house, caller, asked, found) if found.measured.attack_suspected else None


def another(
    tx: Transaction, house: House, caller: Caller, asked: Asked, found: Acquired, probe: Features
) -> AttackSuspected | Refused | None:
    """Write down and return that the pictures show more than one identity, or return None where they show one.

    The law is asked once more, because what was measured has changed: an attack is suspected now.
    """
    permit = asked.answer
    if isinstance(permit, Refusal) or one_identity(permit, probe, found.beside, house.engine):
        return None
    found.wipe()
    asked = ask(tx, house, asked.question, replace(found.measured, attack_suspected=True))
    if isinstance(asked.answer, Refusal):
        return refused(tx, house, caller, asked, asked.answer)
    return _suspected(tx, house, caller, asked, found)


def _suspected(tx: Transaction, house: House, caller: Caller, asked: Asked, found: Acquired) -> AttackSuspected:
    """Write it down without saying what gave it away: whoever reads that could mend it."""
    details = found.as_json()
    recorded = write(tx, house, caller, asked, "attack_suspected", answers=(asked.answer,), details=details)
    house.count(asked.question.action.value, "attack_suspected")
    return AttackSuspected(found.check, recorded)
