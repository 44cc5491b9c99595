"""Rotate: what an operator's key has wrapped is wrapped by a new one while the server goes on; then the old one goes.

What a rotation has done stands in the values themselves, so one that was cut off is gone on with by the next.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from json import loads
from threading import Event
from typing import Any, Final

from countenance.errors import ConflictError, IntegrityError
from countenance.record import Entry, append
from countenance.store import records, wrapped
from countenance.store.database import Database, Transaction
from countenance.store.wrapped import Place
from countenance.vault.keyring import Keyring
from countenance.vault.keys import KeyProvider
from countenance.vault.sealing import Vault, head_of

#: So many values are wrapped anew in one transaction.
BATCH: Final = 500
#: So often what somebody else held is looked for again, and how long apart.
PASSES_MAX: Final = 50
_APART_SECONDS: Final = 0.2
#: Every process has seen a new generation after this; until then one may still seal under the old.
SETTLED: Final = timedelta(seconds=60)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation came to: the generation that wraps everything now, and how many values this run moved."""

    generation: int
    values: int


@dataclass(frozen=True, slots=True)
class Retired:
    """The generations whose keys were destroyed."""

    generations: list[int]


def rotate(
    database: Database, keys: KeyProvider, operator_id: str, clock: Callable[[], datetime], progress: Progress
) -> Rotated:
    """Make a new generation of an operator's key, or go on where a rotation was cut off, and wrap everything by it.

    Raises UnavailableError where no key can be made, IntegrityError for a value that does not open where it lies,
    ConflictError where something stays held by others.
    """
    newest = Keyring(keys, operator_id).newest().generation
    with database.reading() as tx:
        counted = wrapped.by_generation(tx, operator_id)
    if not any(generation < newest for generation in counted):
        newest += 1
        with contextlib.suppress(IntegrityError):  # another rotation made it at the same moment; both go on with it
            keys.create(operator_id, newest)
    vault, moved = Vault(operator_id, Keyring(keys, operator_id)), 0
    total = sum(values for generation, values in counted.items() if generation < newest)
    for _ in range(PASSES_MAX):
        for place in wrapped.PLACES:
            moved = _pass(database, vault, operator_id, place, moved, lambda done: progress(done, total))
        with database.transaction() as tx:
            if not _rests(tx, operator_id, newest):
                _record(tx, operator_id, clock(), "rotated", {"generation": newest, "values": moved})
                return Rotated(newest, moved)
        Event().wait(_APART_SECONDS)
    raise ConflictError(
        "Some values are held by others and could not be wrapped anew. Run it again; it goes on where it is.",
        "部分数据被占用，未能重新加密。请再次运行，将从中断处继续。",
    )


def _pass(
    database: Database, vault: Vault, operator_id: str, place: Place, moved: int, progress: Callable[[int], None]
) -> int:
    """Go once through a column, batch by batch, and return how many values were moved by then."""
    head, after = head_of(vault.generation), None
    while True:
        with database.transaction() as tx:
            rows = wrapped.older(tx, operator_id, place, head, after, BATCH)
            for row in rows:
                wrapped.replace(tx, operator_id, place, row, vault.rewrap(row.value, place.kind, *row.parts))
        if not rows:
            return moved
        after = rows[-1].key
        moved += len(rows)
        progress(moved)


def retire(database: Database, keys: KeyProvider, operator_id: str, at: datetime) -> Retired:
    """Destroy every generation but the newest. A backup of the database from before can then never be opened.

    Raises ConflictError while something rests on an old one, or a process may not have seen the newest yet, and
    UnavailableError where whoever keeps the key has to destroy it. That it may go is on record before it goes.
    """
    generations = keys.generations(operator_id)
    newest = Keyring(keys, operator_id).newest().generation
    old = [generation for generation in generations if generation < newest]
    if not old:
        return Retired([])
    with database.transaction() as tx:
        wrapped.hold(tx)
        if _rests(tx, operator_id, newest):
            raise ConflictError(
                "Something still rests on an older key. Run first: countenance vault rotate",
                "仍有数据使用旧密钥。请先运行：countenance vault rotate",
            )
        since = _rotated_at(tx, operator_id, newest)
        if since is None or at - since < SETTLED:
            raise ConflictError(
                "The rotation was not finished a minute ago, so a process may still seal under the old key. Wait for a "
                "minute after: countenance vault rotate",
                "轮换完成未满一分钟，仍可能有进程使用旧密钥。请在 countenance vault rotate 完成一分钟后再试。",
            )
        _record(tx, operator_id, at, "retiring", {"generations": old})
    for generation in old:
        keys.destroy(operator_id, generation)
    with database.transaction() as tx:  # only now is it true
        _record(tx, operator_id, at, "retired", {"generations": old})
    return Retired(old)


def _rests(tx: Transaction, operator_id: str, newest: int) -> bool:
    return any(generation < newest for generation in wrapped.by_generation(tx, operator_id))


def _rotated_at(tx: Transaction, operator_id: str, generation: int) -> datetime | None:
    """Return when the rotation to a generation was finished, None where it was not."""
    for row in records.listed(tx, operator_id, most=1, kind="key", outcome="rotated"):
        if loads(row.body)["details"]["generation"] == generation:
            return row.at
    return None


def _record(tx: Transaction, operator_id: str, at: datetime, outcome: str, details: dict[str, Any]) -> None:
    append(tx, Entry(operator_id=operator_id, at=at, kind="key", outcome=outcome, by="console", details=details))
