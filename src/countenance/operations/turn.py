"""Turn the page of a log: freeze it, continue in a new one, or take up a log that is ahead of the database."""

from datetime import datetime
from threading import Event
from typing import Any, Final

from countenance.errors import ConflictError
from countenance.log.notes import Checkpoint
from countenance.log.tree import EMPTY_ROOT
from countenance.operations.sequence import Sequencer, adopt, entry_of
from countenance.record import Entry, append
from countenance.store import logged
from countenance.store.database import Transaction
from countenance.store.logged import LogRow

_BY: Final = "console"
_TRIES: Final = 50
_APART_SECONDS: Final = 0.1


def freeze(sequencer: Sequencer, operator_id: str) -> Checkpoint:
    """End an operator's log: that it is frozen is its last entry. What is recorded from then on waits for a new one.

    Raises ConflictError where there is no log to end, or somebody else writes to it now.
    """
    row = _end(sequencer, operator_id, "frozen", {})
    return Checkpoint(row.origin, row.size, row.root)


def continue_log(sequencer: Sequencer, operator_id: str) -> tuple[Checkpoint | None, LogRow]:
    """Begin a new log with a new key, and return how the old one ended (None where it was frozen before) and the new.

    The old log's last entry names the new one and its key, signed by the old key; the new one's first names the old
    and how it ended. Raises what `freeze` raises.
    """
    logs = sequencer.logs
    with sequencer.database.reading() as tx:
        before = logged.newest(tx, operator_id)
    if before is None:
        raise _nothing()
    generation = logs.unused(operator_id)
    logs.keys.create(operator_id, generation)
    origin = logs.origin(operator_id, generation)
    begun = LogRow(0, operator_id, generation, origin, 0, EMPTY_ROOT, sequencer.clock(), None)
    link = {"origin": origin, "vkey": logs.signer(begun).verifier.as_vkey()}
    was_frozen = before.ended_at is not None
    ended = before if was_frozen else _end(sequencer, operator_id, "continued", link)
    with sequencer.database.transaction() as tx:
        _hold(tx, operator_id)
        row = logged.begin(tx, operator_id, generation, origin, EMPTY_ROOT, sequencer.clock())
        logs.publish(row)
        said = {"before": {"origin": ended.origin, "size": ended.size, "root": ended.root.hex()}}
        _say(tx, operator_id, sequencer.clock(), "begun", said)
        _take_in(sequencer, tx, row, last_only=True)
    sequencer.settle(operator_id)
    return None if was_frozen else Checkpoint(ended.origin, ended.size, ended.root), row


def take_up(sequencer: Sequencer, operator_id: str) -> tuple[int, int] | None:
    """Let a database that was put back by other means than `restore` know what its log has beyond it, on record.

    Returns from where to where; None where the log has no more than the database.
    """
    with sequencer.database.transaction() as tx:
        _hold(tx, operator_id)
        beyond = adopt(tx, sequencer.logs, operator_id)
        if beyond is not None:
            said = {"log": {"from": beyond[0], "to": beyond[1]}, "erasures": 0}
            at = sequencer.clock()
            entry = Entry(operator_id=operator_id, at=at, kind="backup", outcome="restored", by=_BY, details=said)
            append(tx, entry)
    return beyond


def _end(sequencer: Sequencer, operator_id: str, outcome: str, said: dict[str, Any]) -> LogRow:
    """Let the log take what is on record and, last of all, that it ends."""
    with sequencer.database.reading() as tx:
        if logged.newest(tx, operator_id) is None:
            raise _nothing()
    sequencer.settle(operator_id)
    sequencer.drain(operator_id)
    with sequencer.database.transaction() as tx:
        _hold(tx, operator_id)
        row = logged.newest(tx, operator_id)
        if row is None or row.ended_at is not None:
            raise _nothing()
        _say(tx, operator_id, sequencer.clock(), outcome, said)
        _take_in(sequencer, tx, row)
        logged.end(tx, row, sequencer.clock())
    sequencer.settle(operator_id)
    with sequencer.database.reading() as tx:
        return logged.of(tx, row.log_id)


def _take_in(sequencer: Sequencer, tx: Transaction, row: LogRow, *, last_only: bool = False) -> None:
    """Put what waits into a log that is held: all of it, or only what was recorded last."""
    waiting = logged.pending(tx, row.operator_id, None)
    chosen = waiting[-1:] if last_only else waiting
    files = sequencer.logs.files(row.operator_id, row.generation)
    root = files.extend(row.size, [entry_of(each) for each in chosen])
    logged.take_in(tx, row, [each.number for each in chosen], root)


def _say(tx: Transaction, operator_id: str, at: datetime, outcome: str, said: dict[str, Any]) -> None:
    append(tx, Entry(operator_id=operator_id, at=at, kind="log", outcome=outcome, by=_BY, details=said))


def _hold(tx: Transaction, operator_id: str) -> None:
    """Wait for whoever writes the log just now, a server perhaps."""
    for _ in range(_TRIES):
        if logged.hold(tx, operator_id):
            return
        Event().wait(_APART_SECONDS)
    raise ConflictError("Somebody else writes the log just now. Run it again.", "日志正在由其他进程写入。请再次运行。")


def _nothing() -> ConflictError:
    return ConflictError(
        "There is no log that takes entries. See: countenance log status",
        "没有可写入的日志。请运行：countenance log status",
    )
