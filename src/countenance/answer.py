"""What the law answers: a permit or a refusal, with every finding.

An answer is a value. A permit is made by `decide` alone and is handed to whatever extracts or compares
features, so that forgetting to ask the law is a type error.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from countenance.errors import IntegrityError
from countenance.vocabulary import Action

#: Handed over by `decide` when it makes a permit; a test holds that no other module reads it.
MINT: Final = object()


class Outcome(StrEnum):
    """How an article refuses."""

    FORBIDS = "forbids"
    MISSING = "missing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in the two languages of the product."""

    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One article that refuses; `pack` and `article` are None where no law binds or the law could not be read."""

    pack: str | None
    article: str | None
    outcome: Outcome
    facts: tuple[str, ...]
    reason: Text
    remedy: Text


@dataclass(frozen=True, slots=True)
class Duty:
    """Something the operation that was permitted must do, and record."""

    pack: str
    article: str
    duty: str


@dataclass(frozen=True, slots=True)
class PackUsed:
    """The edition of a pack that was asked, and whether it binds on the day judged."""

    edition: str
    binds: bool


@dataclass(frozen=True, slots=True)
class Permit:
    """The law's yes to one action at one instant; `measured` says whether gate two has been passed."""

    action: Action
    at: datetime
    purpose: str | None
    packs: Mapping[str, PackUsed]
    duties: tuple[Duty, ...]
    measured: bool
    mint: object = field(repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Refuse a permit that `decide` did not make."""
        if self.mint is not MINT:
            raise IntegrityError("A permit can only be made by asking the law.", "许可只能由法律判定产生。")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The law's no, with all the articles that refuse."""

    action: Action
    at: datetime
    purpose: str | None
    packs: Mapping[str, PackUsed]
    findings: tuple[Finding, ...]


def as_json(answer: Permit | Refusal) -> dict[str, Any]:
    """Return the answer in the form that the command line, the API and the record share (facts.md, Answer)."""
    refused = isinstance(answer, Refusal)
    return {
        "allowed": not refused,
        "action": answer.action.value,
        "at": answer.at.isoformat(),
        "packs": {name: {"edition": used.edition, "binds": used.binds} for name, used in sorted(answer.packs.items())},
        "findings": [finding_json(found) for found in answer.findings] if isinstance(answer, Refusal) else [],
        "duties": []
        if isinstance(answer, Refusal)
        else [{"pack": duty.pack, "article": duty.article, "duty": duty.duty} for duty in answer.duties],
    }


def finding_json(found: Finding) -> dict[str, Any]:
    """Return one finding as the JSON object of the contract."""
    return {
        "pack": found.pack,
        "article": found.article,
        "outcome": found.outcome.value,
        "facts": list(found.facts),
        "reason": {"en": found.reason.en, "zh": found.reason.zh},
        "remedy": {"en": found.remedy.en, "zh": found.remedy.zh},
    }
