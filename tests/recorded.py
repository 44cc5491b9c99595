"""Decisions put on record without an operation, for tests that read what is on record."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from countenance.answer import Refusal
from countenance.decide import decide
from countenance.facts import Facts, parse_one
from countenance.law import Packs, load_packs
from countenance.law.shelf import SHELF
from countenance.record import Entry, append
from countenance.store.database import Database
from tests.database import OPERATOR

SHELVED = load_packs()
AT = datetime(2026, 11, 23, 2, tzinfo=UTC)


def keep(database: Database, stories: Iterable[Facts], packs: Packs = SHELVED, **changes: object) -> None:
    """Record that the law was asked about each of these facts."""
    with database.transaction() as tx:
        for facts in stories:
            answer = decide(facts, packs)
            outcome = "refused" if isinstance(answer, Refusal) else "done"
            entry = Entry(
                operator_id=OPERATOR,
                at=facts.at,
                kind=facts.action.value,
                outcome=outcome,
                by="test",
                facts=facts,
                answers=(answer,),
            )
            append(tx, replace(entry, **changes))  # type: ignore[arg-type]


def story(**facts: object) -> Facts:
    """Return facts of a verification under which nothing is known but what is said here."""
    return parse_one(json.dumps({"action": "verify", "at": AT.isoformat(), **facts}), SHELVED.names)


def without(folder: Path, pack: str, *articles: str) -> Packs:
    """Return a pack of the shelf without some of its articles."""
    shutil.copytree(SHELF / pack, folder / pack)
    for article in articles:
        next((folder / pack / "articles").glob(f"{article}-*.md")).unlink()
    return load_packs([f"{folder}/{pack}"])
