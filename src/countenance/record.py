"""Append to the record of what was decided and done, in the transaction of the effect; no record, no answer.

A record's body is canonical JSON (RFC 8785; no fractions occur) and holds no picture, score, key, name or reference to
a person but a keyed mark, which loses its meaning when the subject's linking key is destroyed.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from countenance import facts as f
from countenance.answer import Outcome, Permit, Refusal, as_json
from countenance.store import records as store
from countenance.store import tallies
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE

FORMAT = 1
#: The outcome of an act that was refused.
REFUSED: Final = "refused"
_NUMBER: Final = re.compile(r"[0-9]{1,6}[a-z]{0,6}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """Where something was recorded: enough to find the record again and to see that it is unchanged."""

    record_id: UUID
    at: datetime
    digest: bytes

    def as_json(self) -> dict[str, str]:
        """Return the pointer as a JSON object."""
        return {"id": str(self.record_id), "at": self.at.isoformat(), "digest": f"sha256:{self.digest.hex()}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is to be recorded of one act: `answers` were given to `facts`, each of `others` to facts of its own."""

    operator_id: str
    at: datetime
    kind: str
    outcome: str
    by: str
    subject_mark: bytes | None = None
    facts: f.Facts | None = None
    answers: Sequence[Permit | Refusal] = ()
    others: Sequence[tuple[f.Facts, Permit | Refusal]] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


def append(tx: Transaction, entry: Entry) -> Recorded:
    """Add `entry` to the transaction and return where it will stand once that is committed."""
    record_id = uuid4()
    at = entry.at.astimezone(UTC)
    body: dict[str, Any] = {
        "format": FORMAT,
        "id": str(record_id),
        "operator": entry.operator_id,
        "at": at.isoformat(),
        "kind": entry.kind,
        "outcome": entry.outcome,
        "by": entry.by,
        "details": dict(entry.details),
    }
    if entry.subject_mark is not None:
        body["subject"] = entry.subject_mark.hex()
    if entry.facts is not None:
        body["facts"] = f.as_json(entry.facts)
    if decided := [*((entry.facts, answer) for answer in entry.answers), *entry.others]:
        body["law"] = [_answer(answer, facts, own=number > 0) for number, (facts, answer) in enumerate(decided)]
    encoded = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    digest = hashlib.sha256(encoded).digest()
    row = store.RecordRow(
        operator_id=entry.operator_id,
        record_id=record_id,
        at=at,
        kind=entry.kind,
        outcome=entry.outcome,
        subject_mark=entry.subject_mark,
        body=encoded,
        digest=digest,
    )
    store.add(tx, row)
    _tally(tx, entry)
    return Recorded(record_id, at, digest)


def _tally(tx: Transaction, entry: Entry) -> None:
    """Count a refusal under each article that refused, on its day in the law's place."""
    if entry.outcome != REFUSED:
        return
    answers = (*entry.answers, *(answer for _, answer in entry.others))
    found = [finding for answer in answers if isinstance(answer, Refusal) for finding in answer.findings]
    articles = [(finding.pack or "", finding.article or "") for finding in found]
    tallies.add(tx, entry.operator_id, entry.at.astimezone(PLACE).date(), entry.kind, articles)


def _answer(answer: Permit | Refusal, facts: f.Facts | None, *, own: bool) -> dict[str, Any]:
    """Return an answer of the law without its prose, which the edition of the pack gives back.

    The first answer of a record was given to the record's facts; with `own`, the facts stand beside the answer.
    """
    said = as_json(answer)
    for finding in said["findings"]:
        del finding["reason"], finding["remedy"]
    said["gate"] = 2 if facts is not None and facts.measured is not None else 1
    if own and facts is not None:
        said["facts"] = f.as_json(facts)
    return said


def read(row: store.RecordRow) -> dict[str, Any]:
    """Return a record as it is shown: its body and its digest, and whether the two still agree."""
    body: dict[str, Any] = json.loads(row.body)
    return {
        "record": body,
        "digest": f"sha256:{row.digest.hex()}",
        "intact": hashlib.sha256(row.body).digest() == row.digest,
    }


#: Pack and article of a finding, or None for both where no pack of law bound on the day.
ArticleId = tuple[str | None, str | None]


@dataclass(frozen=True, slots=True, repr=False)
class Decided:
    """One decision on record: the facts as JSON, the edition of each pack asked, and each article that refused.

    `by_house` says that the server refused by itself, which is no law. Nobody's mark is read.
    """

    facts: Mapping[str, Any]
    editions: Mapping[str, str]
    refusing: Mapping[ArticleId, Outcome]
    by_house: bool


def decided(body: bytes) -> list[Decided | None]:
    """Return what the law decided in one record, decision by decision; None stands for one that cannot be read."""
    try:
        said = json.loads(body)
        law, facts = said.get("law", []), said.get("facts")
        answers = [(answer, answer.get("facts") if place else facts) for place, answer in enumerate(law)]
    except (ValueError, TypeError, AttributeError, RecursionError):
        return [None]
    return [_decided(answer, facts) for answer, facts in answers]


def _decided(answer: Mapping[str, Any], facts: Any) -> Decided | None:
    try:
        return _strictly(answer, facts)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _strictly(answer: Mapping[str, Any], facts: Any) -> Decided:
    """Return one answer of a record; raises what its parts raise where they are not what a record holds.

    A finding without a pack is the server's own, but for the one that says that no pack binds.
    """
    editions = {pack: used["edition"] for pack, used in answer["packs"].items()}
    lawless = not any(used["binds"] for used in answer["packs"].values())
    refusing: dict[ArticleId, Outcome] = {}
    own = 0
    for finding in answer["findings"]:
        if finding["pack"] is None:
            own += 1
            continue
        refusing[_article(finding["pack"], finding["article"])] = Outcome(finding["outcome"])
    if lawless and not refusing:
        refusing[None, None] = Outcome.FORBIDS
        own -= 1
    if not isinstance(facts, dict) or own < 0 or answer["allowed"] is not (not refusing and not own):
        raise ValueError
    if not all(type(edition) is str and edition.isprintable() for edition in editions.values()):
        raise ValueError
    return Decided(facts, editions, refusing, own > 0)


def _article(pack: Any, number: Any) -> ArticleId:
    if not pack.isprintable() or not (number is None or _NUMBER.fullmatch(number)):
        raise ValueError
    return pack, number
