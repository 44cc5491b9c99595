"""Doubles: whether a face about to be enrolled is enrolled under another word, where the law lets that be looked for.

Looking for a face among all others is identification, whatever it is for, so the law is asked for that: without the
person's consent to it nothing is looked for, and the record says so.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

from countenance.answer import Finding, Outcome, Permit, Text
from countenance.compare import Features, hold_identifying
from countenance.detect import Measured
from countenance.operations import held
from countenance.operations.parts import House
from countenance.operations.steps import Asked, ask
from countenance.store.database import Transaction
from countenance.vocabulary import Action, Target

#: A face that matches so many others is no double but a wolf (Doddington and others, 1998): it would pass for anybody.
WOLF_MATCHES: Final = 5

_DOUBLE: Final = Finding(
    None,
    None,
    Outcome.FORBIDS,
    (),
    Text(
        "This face is enrolled for this purpose under another word already.",
        "该人脸已以其他编号为此目的登记。",
    ),
    Text(
        "Have an officer look at papers. Where it is one person, use the word on file; where it is another, twins for "
        "instance, the officer enrols with `double_confirmed`.",
        "请由保护负责人核对证件。若为同一人，请使用已登记的编号；若为不同的人（如双胞胎），"
        "由保护负责人以 double_confirmed 登记。",
    ),
)
_WOLF: Final = Finding(
    None,
    None,
    Outcome.FORBIDS,
    (),
    Text(
        "This picture matches several persons, so a reference made from it would pass for anybody.",
        "该图片与多人匹配，由其生成的参考模板可能冒充任何人。",
    ),
    Text(
        "Take a better picture: from the front, in even light. If it happens again, serve the person in the other way.",
        "请重新拍摄：正面、光线均匀。如仍出现，请以其他方式提供服务。",
    ),
)


@dataclass(frozen=True, slots=True)
class Doubles:
    """How many others a face matches, None where that was not looked for, and what the law permitted to look."""

    others: int | None
    asked: tuple[Asked, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what the record says."""
        return {"doubles": "not looked for" if self.others is None else self.others}

    def finding(self, *, confirmed: bool) -> Finding | None:
        """Return why the face is not enrolled, None where it may be; no officer confirms a wolf."""
        if not self.others:
            return None
        if self.others >= WOLF_MATCHES:
            return _WOLF
        return None if confirmed else _DOUBLE


def look_for_doubles(tx: Transaction, house: House, asked: Asked, measured: Measured, features: Features) -> Doubles:
    """Look for the face among the others enrolled for the purpose, if the law permits it, and if it does for each.

    Nobody is held: two who enrol at once would wait for each other, and one who withdraws meanwhile harms nothing.
    """
    about = ask(tx, house, replace(asked.question, action=Action.IDENTIFY), measured)
    if not isinstance(about.answer, Permit):
        return Doubles(None, ())
    permit, own = about.answer, asked.on_file.subject_id
    hold_identifying(permit)
    operator_id, purpose = asked.question.operator_id, asked.question.purpose
    found, others = 0, [about]
    for subject_id in held.candidates(house, operator_id, purpose, features, WOLF_MATCHES + 1):
        if subject_id == own or found == WOLF_MATCHES:
            continue
        theirs = ask(tx, house, replace(about.question, subject_ref=None, subject_id=subject_id), measured)
        kept = held.of_subject(tx, house, operator_id, subject_id, purpose)
        others.append(theirs)
        found += (
            isinstance(theirs.answer, Permit) and held.matched(house, permit, features, kept, Target.IDENTIFY).match
        )
    return Doubles(found, tuple(others))
