"""Sequence: what was recorded goes into the operator's log, in order, and the log is signed; behind every commit.

First the entries and hashes reach the disk, then the database says that they are in the log, and only then is that
signed. Cut off anywhere, the next run finds which of these was done last and goes on there. Nothing is ever signed that
does not extend what was signed before.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from countenance.errors import CountenanceError, IntegrityError
from countenance.log.entries import LogEntry
from countenance.log.notes import Checkpoint
from countenance.log.tiles import LogFiles
from countenance.log.tree import EMPTY_ROOT, extends
from countenance.operations.logs import Logs
from countenance.store import logged
from countenance.store.database import Database, Transaction
from countenance.store.logged import Logged, LogRow, Unlogged

#: So many records go in at a time.
BATCH: Final = 4096


@dataclass(frozen=True, slots=True)
class Sequencer:
    """Writes the logs of one database. Several may run: one writes an operator's log at a time, others stand back."""

    database: Database
    logs: Logs
    clock: Callable[[], datetime]

    def step_all(self) -> int:
        """Put in what waits of every operator, and return how much that was; sign what was put in and not signed.

        Whoever put records in may have been cut off before signing, and perhaps nothing more comes. What is wrong with
        one operator's log keeps no other's from being written, and is raised then; IntegrityError before anything else.
        """
        with self.database.reading() as tx:
            operators, rows = logged.waiting(tx), logged.newest_of_each(tx)
        unsigned = [row.operator_id for row in rows if row.operator_id not in operators]
        done, wrong = 0, list[CountenanceError]()
        for operator_id in [*operators, *unsigned]:
            try:
                done += self.drain(operator_id) if operator_id in operators else self._finish(operator_id)
            except CountenanceError as error:
                wrong.append(error)
        if wrong:
            raise min(wrong, key=lambda each: not isinstance(each, IntegrityError))
        return done

    def _finish(self, operator_id: str) -> int:
        """Sign a log of which less is signed than is in it."""
        with self.database.reading() as tx:
            row = logged.newest(tx, operator_id)
        if row is not None and self._unsigned(row):
            self.settle(operator_id)
        return 0

    def _unsigned(self, row: LogRow) -> bool:
        published = self.logs.published(row)
        return published is None or published[0].size < row.size

    def drain(self, operator_id: str) -> int:
        """Put in everything that waits of one operator, and return how much that was."""
        done = 0
        while taken := self.step(operator_id):
            done += taken
            if taken < BATCH:
                break
        return done

    def step(self, operator_id: str) -> int:
        """Put in the next records of one operator and sign; 0 where nothing waits or somebody else is at it.

        Raises IntegrityError where database, files and signature do not agree: nothing is signed then.
        """
        self._begin(operator_id)
        with self.logs.alone(operator_id) as alone, self.database.transaction() as tx:
            row = self._held(tx, operator_id) if alone else None
            if row is None or row.ended_at is not None:
                return 0
            waiting = logged.pending(tx, operator_id, BATCH)
            if waiting:
                root = self._extend(row, waiting)
                logged.take_in(tx, row, [each.number for each in waiting], root)
        if waiting:
            self.settle(operator_id)
            self._files(row).sweep(row.size, row.size + len(waiting))
        return len(waiting)

    def settle(self, operator_id: str) -> None:
        """Sign what is in the log and not signed yet; raises what `step` raises."""
        with self.logs.alone(operator_id) as alone, self.database.transaction() as tx:
            if alone:
                self._held(tx, operator_id)

    def _begin(self, operator_id: str) -> None:
        """Let an operator have a log; looked for again once nobody else can be making it."""
        with self.database.transaction() as tx:
            if logged.newest(tx, operator_id) is not None or not logged.hold(tx, operator_id):
                return
            if logged.newest(tx, operator_id) is None:
                generation = self.logs.unused(operator_id)
                origin = self.logs.origin(operator_id, generation)
                logged.begin(tx, operator_id, generation, origin, EMPTY_ROOT, self.clock())

    def _held(self, tx: Transaction, operator_id: str) -> LogRow | None:
        """Return the log to write to, held until the transaction ends, once database, files and signature agree.

        None where it is another's to write now, or there is none.
        """
        if not logged.hold(tx, operator_id):
            return None
        row = logged.newest(tx, operator_id)
        if row is not None:
            self._agree(tx, row)
        return row

    def _extend(self, row: LogRow, waiting: list[Unlogged]) -> bytes:
        files = self._files(row)
        root = files.extend(row.size, [entry_of(each) for each in waiting])
        _grew(files, Checkpoint(row.origin, row.size, row.root), row.size + len(waiting), root)
        return root

    def _agree(self, tx: Transaction, row: LogRow) -> None:
        """Bring what is signed to where the database is; raises IntegrityError where it cannot have come from there."""
        if row.ended_at is None and self.logs.begun_after(row):
            raise _continued()
        published = self.logs.published(row)
        if published is None:
            if row.size:
                raise _state_missing()
            self.logs.publish(row)
            return
        checkpoint, _ = published
        if checkpoint.size > row.size:
            raise _rolled_back()
        if checkpoint.size < row.size:
            self._repair(tx, row, checkpoint)
            _grew(self._files(row), checkpoint, row.size, row.root)
            self.logs.publish(row)
        elif checkpoint.root != row.root:
            raise _forked()

    def _repair(self, tx: Transaction, row: LogRow, checkpoint: Checkpoint) -> None:
        """Write files again that did not reach the disk before the power went, from the records."""
        files = self._files(row)
        try:
            whole = files.tree(row.size).root() == row.root
        except IntegrityError:
            whole = False
        if whole:
            return
        with logged.written(tx, row, checkpoint.size, row.size) as entries:
            lost = [entry_of_logged(each) for each in entries]
        if files.extend(checkpoint.size, lost) != row.root:
            raise _forked()

    def _files(self, row: LogRow) -> LogFiles:
        return self.logs.files(row.operator_id, row.generation)


def adopt(tx: Transaction, logs: Logs, operator_id: str) -> tuple[int, int] | None:
    """Let a database that was put back from a backup know what its log has beyond it, and return from where to where.

    The log goes on behind everything that was ever signed. Entries whose records the backup does not have are kept
    without. None where the log has no more than the database; raises IntegrityError where it is not its continuation.
    """
    row = logged.newest(tx, operator_id)
    published = None if row is None else logs.published(row)
    if row is None or published is None or published[0].size <= row.size:
        return None
    checkpoint, files = published[0], logs.files(operator_id, row.generation)
    _grew(files, Checkpoint(row.origin, row.size, row.root), checkpoint.size, checkpoint.root)
    start = row.size
    entries = files.entries_from(start, checkpoint.size, checkpoint.size)
    digests = [LogEntry.parse(entry).digest for entry in entries]
    for first in range(0, len(digests), BATCH):
        part = digests[first : first + BATCH]
        known = logged.numbered(tx, operator_id, part)
        logged.take_in(tx, row, [known.get(each) for each in part], checkpoint.root)
        row = replace(row, size=row.size + len(part))
    return start, checkpoint.size


def entry_of(record: Unlogged) -> bytes:
    """Return the entry of a record."""
    return LogEntry(record.at, record.kind, record.digest).encoded()


def entry_of_logged(logged_record: Logged) -> bytes:
    """Return the entry of a record that is in a log; raises IntegrityError where the record is lost."""
    at, kind, digest = logged_record.at, logged_record.kind, logged_record.digest
    if at is None or kind is None or digest is None:
        raise _forked()
    return LogEntry(at, kind, digest).encoded()


def _grew(files: LogFiles, before: Checkpoint, size: int, root: bytes) -> None:
    """Make sure that a tree continues another; raises IntegrityError where not."""
    tree = files.tree(size)
    proof = tree.consistency(before.size)
    if tree.root() != root or not extends(before.size, before.root, size, root, proof):
        raise _forked()


def _state_missing() -> IntegrityError:
    return IntegrityError(
        "The log's files are missing. Put its directory back, of which an older copy will do, or set "
        "COUNTENANCE_LOG_DIR to where it is. Where there is no copy: countenance log rebuild",
        "日志文件缺失。请恢复日志目录（较旧副本亦可），或将 COUNTENANCE_LOG_DIR 设为其所在位置。"
        "如无副本：countenance log rebuild",
    )


def _continued() -> IntegrityError:
    return IntegrityError(
        "The database was put back to before the log was continued in a new one. Begin another behind both: "
        "countenance log continue --abandon",
        "数据库被回退到日志更替之前。请另起新日志：countenance log continue --abandon",
    )


def _rolled_back() -> IntegrityError:
    return IntegrityError(
        "The database is older than the log that was signed: it was put back past the log. Put the newer database "
        "back, or let it know what the log has: countenance log adopt",
        "数据库早于已签署的日志，曾被回退。请恢复较新的数据库，或运行：countenance log adopt",
    )


def _forked() -> IntegrityError:
    return IntegrityError(
        "The log's files are not what was signed: somebody changed them. Call the officer; nothing more is signed. See "
        "where: countenance log verify",
        "日志文件与已签署内容不符，曾被更改。请联系保护负责人；不再签署任何内容。位置见 countenance log verify。",
    )
