"""What processes that share a database tell each other: that a reference was kept, or that some were destroyed.

Told in the transaction that does it (`NOTIFY`), so nobody hears of what did not happen; heard by whoever listens. A
word that is lost, with a connection for instance, is made up for by looking: it is for speed, and nothing rests on it.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from threading import Event
from time import monotonic
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from countenance.store.database import Database, Transaction

_log = logging.getLogger("countenance.store")

_CHANNEL: Final = "countenance_references"
#: A listener that hears nothing looks this often whether it is to end, and waits so long before it connects again.
_LOOK_SECONDS: Final = 0.5
#: So long others may follow before they are taken over together; a server that is told of much would read all day.
_GATHER_SECONDS: Final = 0.03
#: A word longer than this is not told, and whoever listens looks for itself; PostgreSQL takes 8,000 bytes.
_WORD_BYTES_MAX: Final = 7_000


@dataclass(frozen=True, slots=True)
class Heard:
    """What another process, or this one, has done: for which operator, and to which references of whom.

    Where several were kept in a row, `references` are all of them, whosever they are.
    """

    operator_id: str
    subject_id: UUID
    purposes: tuple[str, ...]
    references: tuple[UUID, ...]
    kept: bool


def tell(
    tx: Transaction,
    operator_id: str,
    subject_id: UUID,
    purposes: Sequence[str],
    references: Sequence[UUID],
    *,
    kept: bool,
) -> None:
    """Tell, when this transaction commits, that references were kept or (not `kept`) destroyed."""
    word = json.dumps(
        {
            "operator": operator_id,
            "subject": str(subject_id),
            "purposes": list(purposes),
            "references": [str(each) for each in references],
            "kept": kept,
        }
    )
    if references and len(word) <= _WORD_BYTES_MAX:
        tx.execute(text("SELECT pg_notify(:channel, :word)"), {"channel": _CHANNEL, "word": word})


def listen(
    database: Database, hear: Callable[[Heard], None], look: Callable[[], None], stop: Event, every: float
) -> None:
    """Hear until `stop` is set; `look` is called when listening begins, as words may be lost, and `every` so often.

    A database that is away is waited for.
    """
    while not stop.is_set():
        try:
            with _connected(database) as connection:
                connection.execute(f"LISTEN {_CHANNEL}")
                looked = None
                while not stop.is_set():
                    if looked is None or monotonic() - looked >= every:
                        look()
                        looked = monotonic()
                    for heard in _together(_words(connection, database.pids, stop)):
                        hear(heard)
        except (psycopg.Error, SQLAlchemyError):
            _log.warning("not_listening")
            stop.wait(_LOOK_SECONDS)


def _words(connection: "psycopg.Connection[Any]", own: Collection[int], stop: Event) -> list[Heard]:
    """Return what was told since the last time, and what follows at once; what this process kept, it holds already."""
    found = list(connection.notifies(timeout=_LOOK_SECONDS, stop_after=1))
    if found:
        stop.wait(_GATHER_SECONDS)
        found += connection.notifies(timeout=0)
    heard = [(word.pid, _heard(word.payload)) for word in found]
    return [word for pid, word in heard if word is not None and not (word.kept and pid in own)]


def _together(words: Sequence[Heard]) -> Iterator[Heard]:
    """Yield words in their order; of those in a row about what one operator kept, one that is read in one go."""
    for (operator_id, kept), row in groupby(words, key=lambda word: (word.operator_id, word.kept)):
        if not kept:
            yield from row
            continue
        found = list(row)
        references = tuple(each for word in found for each in word.references)
        yield Heard(operator_id, found[0].subject_id, found[0].purposes, references, kept=True)


def _connected(database: Database) -> "psycopg.Connection[Any]":
    """Return a connection of its own, which holds no place among those of requests."""
    dialect = database.engine.dialect
    words, settings = dialect.create_connect_args(database.engine.url)
    connection: psycopg.Connection[Any] = psycopg.connect(*words, **settings, autocommit=True, connect_timeout=5)
    return connection


def _heard(payload: str) -> Heard | None:
    """Return what a word says, None for one that is not ours: anybody with the database may say anything."""
    try:
        said = json.loads(payload)
        return Heard(
            operator_id=str(said["operator"]),
            subject_id=UUID(said["subject"]),
            purposes=tuple(map(str, said["purposes"])),
            references=tuple(UUID(each) for each in said["references"]),
            kept=said["kept"] is True,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
