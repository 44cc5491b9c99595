"""Guardians: somebody else who consents in a child's place, and what was looked at to see that they may."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from countenance.errors import ConflictError, MalformedError
from countenance.store import subjects
from countenance.store.database import Transaction
from countenance.vocabulary import AgeClass, Relation, RelationEvidence

#: What shows a relation; anything else that was looked at does not.
SHOWS: Final[Mapping[Relation, frozenset[RelationEvidence]]] = {
    Relation.PARENT: frozenset(
        {
            RelationEvidence.HOUSEHOLD_REGISTER,
            RelationEvidence.BIRTH_CERTIFICATE,
            RelationEvidence.ADOPTION_CERTIFICATE,
            RelationEvidence.COURT_DECISION,
        }
    ),
    Relation.GRANDPARENT: frozenset({RelationEvidence.HOUSEHOLD_REGISTER, RelationEvidence.COURT_DECISION}),
    Relation.ADULT_SIBLING: frozenset({RelationEvidence.HOUSEHOLD_REGISTER, RelationEvidence.COURT_DECISION}),
    Relation.APPOINTED: frozenset({RelationEvidence.APPOINTMENT, RelationEvidence.COURT_DECISION}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardian:
    """A guardian as the operator knows them: a word of its own, the relation, what was looked at, and by whom.

    `evidence_digest` is the SHA-256 of a copy, where one is kept; the copy itself never comes here.
    """

    ref: str = field(repr=False)
    relation: Relation
    evidence: RelationEvidence
    checked_by: str = field(repr=False)
    evidence_digest: bytes | None = field(default=None, repr=False)


def check(tx: Transaction, operator_id: str, guardian: Guardian, subject_ref: str | None) -> None:
    """Raise MalformedError for a guardian who is the child or is not shown to be one, ConflictError for a minor."""
    if subject_ref is not None and _folded(guardian.ref) == _folded(subject_ref):
        raise MalformedError(
            "A child is not its own guardian. Name the parent or guardian by a reference of their own.",
            "儿童不能是自己的监护人。请以父母或其他监护人自己的编号注明。",
        )
    if guardian.evidence not in SHOWS[guardian.relation]:
        shows = ", ".join(sorted(SHOWS[guardian.relation]))
        raise MalformedError(
            f"What was looked at does not show this relation; that takes: {shows}. Look at one of these.",
            f"所查看的材料不能证明该监护关系；需要：{shows}。请查看其中之一。",
        )
    held = subjects.find(tx, operator_id, guardian.ref)
    if held is not None and held.age_class in {AgeClass.UNDER_14, AgeClass.FROM_14_TO_17}:
        raise ConflictError(
            "The guardian is on file as a minor. Name an adult, or have an officer correct the age class.",
            "该监护人登记为未成年人。请注明成年人，或由保护负责人更正年龄段。",
        )


def _folded(ref: str) -> str:
    """Return a reference without what does not tell two people apart: width, case, surrounding blanks."""
    return unicodedata.normalize("NFKC", ref).strip().casefold()
