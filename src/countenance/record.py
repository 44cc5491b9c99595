"""Append to the record of what was decided and done, in the transaction of the effect; no record, no answer.

A record's body is canonical JSON (RFC 8785; no fractions occur) and holds no picture, score, key, name or reference to
a person but a keyed mark, which loses its meaning when the subject's linking key is destroyed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from countenance import facts as f
from countenance.answer import Permit, Refusal, as_json
from countenance.store import records as store
from countenance.store.database import Transaction

FORMAT = 1


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
    """What is to be recorded of one act."""

    operator_id: str
    at: datetime
    kind: str
    outcome: str
    by: str
    subject_mark: bytes | None = None
    facts: f.Facts | None = None
    answers: Sequence[Permit | Refusal] = ()
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
    if entry.answers:
        body["law"] = [_answer(answer) for answer in entry.answers]
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
    return Recorded(record_id, at, digest)


def _answer(answer: Permit | Refusal) -> dict[str, Any]:
    """Return an answer of the law without its prose, which the edition of the pack gives back."""
    said = as_json(answer)
    for finding in said["findings"]:
        del finding["reason"], finding["remedy"]
    said["gate"] = 2 if isinstance(answer, Permit) and answer.measured else 1
    return said


def read(row: store.RecordRow) -> dict[str, Any]:
    """Return a record as it is shown: its body and its digest, and whether the two still agree."""
    body: dict[str, Any] = json.loads(row.body)
    return {
        "record": body,
        "digest": f"sha256:{row.digest.hex()}",
        "intact": hashlib.sha256(row.body).digest() == row.digest,
    }
