"""Turn the page of a log: freeze it, continue in a new one, or take up a log that is ahead of the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from typing import Any, Final

from countenance.errors import ConflictError, IntegrityError
from countenance.log.notes import Checkpoint
from countenance.log.tree import EMPTY_ROOT
from countenance.operations.sequence import BATCH, Sequencer, adopt, entry_of, entry_of_logged
from countenance.record import Entry, append
from countenance.store import logged
from countenance.store.database import Transaction
from countenance.store.logged import LogRow

Progress = Callable[[int, int], None]
_BY: Final = "console"
_TRIES: Final = 50
_APART_SECONDS: Final = 0.1


def freeze(sequencer: Sequencer, operator_id: str) -> Checkpoint:
    """End an operator's log: that it is frozen is its last entry. What is recorded from then on waits for a new one.

    Raises ConflictError where there is no log to end, or somebody else writes to it now.
    """
    row = _end(sequencer, operator_id, "frozen", {})
    return Checkpoint(row.origin, row.size, row.root)


def continue_log(sequencer: Sequencer, operator_id: str, *, abandon: bool = False) -> tuple[Checkpoint | None, LogRow]:
    """Begin a new log with a new key, and return how the old one ended (None where it was over before) and the new.

    The old log's last entry names the new one and its key, signed by the old key; the new one's first names the old
    and how it ended. With `abandon` the old one is left as it was signed last: where its key is lost, or the database
    was put back to before a log that was begun since, which is named then. Raises what `freeze` raises.
    """
    logs = sequencer.logs
    with sequencer.database.reading() as tx:
        before = logged.newest(tx, operator_id)
    if before is None:
        raise _nothing()
    over = before.ended_at is not None
    if over and not abandon:
        sequencer.settle(operator_id)  # whoever froze it may have been cut off before that was signed
    passed_over = logs.begun_after(before)
    generation = logs.unused(operator_id, before.generation)
    logs.keys.create(operator_id, generation)
    origin = logs.origin(operator_id, generation)
    begun = LogRow(0, operator_id, generation, origin, 0, EMPTY_ROOT, sequencer.clock(), None)
    link = {"origin": origin, "vkey": logs.signer(begun).verifier.as_vkey()}
    ended = before if over or abandon else _end(sequencer, operator_id, "continued", link)
    with _held(sequencer, operator_id) as tx:
        if abandon and not over:
            ended = _abandon(sequencer, tx, logged.of(tx, before.log_id))
        row = logged.begin(tx, operator_id, generation, origin, EMPTY_ROOT, sequencer.clock())
        logs.publish(row)
        said = {"before": {"origin": ended.origin, "size": ended.size, "root": ended.root.hex()}}
        left = {"abandoned": True, "passed_over": passed_over} if abandon else {}
        _say(tx, operator_id, sequencer.clock(), "begun", said | left)
        _take_in(sequencer, tx, row, last_only=True)
    sequencer.settle(operator_id)
    return None if over or abandon else Checkpoint(ended.origin, ended.size, ended.root), row


def _abandon(sequencer: Sequencer, tx: Transaction, row: LogRow) -> LogRow:
    """End a log where it was signed last; what is in it unsigned waits for the next one."""
    published = sequencer.logs.published(row)
    if published is not None and published[0].size < row.size:
        logged.take_back(tx, row, published[0].size, published[0].root)
    logged.end(tx, row, sequencer.clock())
    return logged.of(tx, row.log_id)


def rebuild(sequencer: Sequencer, operator_id: str, progress: Progress) -> list[Checkpoint]:
    """Write the files of logs again from the records, where all are lost; nothing else is signed than was before.

    What the database holds decides: whoever kept a checkpoint, or a witness, can tell whether it is the same log.
    Raises ConflictError where no log lacks its files, IntegrityError where the records do not give a log's root.
    """
    with _held(sequencer, operator_id) as tx:
        rows = [row for row in logged.every(tx, operator_id) if sequencer.logs.published(row) is None]
        if not rows:
            raise ConflictError("The log's files are there, or there is no log.", "日志文件已存在，或尚无日志。")
        for row in rows:
            _write_again(sequencer, tx, row, progress)
            sequencer.logs.publish(row)
    return [Checkpoint(row.origin, row.size, row.root) for row in rows]


def _write_again(sequencer: Sequencer, tx: Transaction, row: LogRow, progress: Progress) -> None:
    files, size, root = sequencer.logs.files(row.operator_id, row.generation), 0, EMPTY_ROOT
    while size < row.size:
        with logged.written(tx, row, size, min(size + BATCH, row.size)) as found:
            entries = [entry_of_logged(each) for each in found]
        if not entries:
            break
        root = files.extend(size, entries)
        size += len(entries)
        progress(size, row.size)
    if (size, root) != (row.size, row.root):
        raise IntegrityError(
            "The records do not give the log that was signed: some are lost or changed. It was not signed.",
            "现有记录无法重建已签署的日志：部分记录缺失或被更改。未签署该日志。",
        )


def take_up(sequencer: Sequencer, operator_id: str) -> tuple[int, int] | None:
    """Let a database that was put back by other means than `restore` know what its log has beyond it, on record.

    Returns from where to where; None where the log has no more than the database.
    """
    with _held(sequencer, operator_id) as tx:
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
    with _held(sequencer, operator_id) as tx:
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


@contextmanager
def _held(sequencer: Sequencer, operator_id: str) -> Iterator[Transaction]:
    """Yield a transaction, once whoever writes the log just now, a server perhaps, is through."""
    for _ in range(_TRIES):
        with sequencer.logs.alone(operator_id) as alone, sequencer.database.transaction() as tx:
            if alone and logged.hold(tx, operator_id):
                yield tx
                return
        Event().wait(_APART_SECONDS)
    raise ConflictError("Somebody else writes the log just now. Run it again.", "日志正在由其他进程写入。请再次运行。")


def _nothing() -> ConflictError:
    return ConflictError(
        "There is no log that takes entries. See: countenance log status",
        "没有可写入的日志。请运行：countenance log status",
    )
