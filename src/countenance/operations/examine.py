"""Examine: check an operator's logs whole, against the records they are made of and against what the records did."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from countenance.errors import IntegrityError
from countenance.log.check import Body, Flaw, Report, Within, check
from countenance.log.entries import LogEntry
from countenance.log.notes import Checkpoint, Note, opened
from countenance.log.tiles import LogFiles
from countenance.operations.logs import Logs
from countenance.store import effects, logged
from countenance.store.database import Database, Transaction
from countenance.store.logged import Logged, LogRow

#: What destroys references; each names the subject by the mark under which they were enrolled.
_DESTROYING: Final = frozenset({"withdraw", "erase", "expire", "consent"})

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Examined:
    """One log, what is wrong with it, and how many records wait to go in."""

    row: LogRow
    report: Report
    waiting: int


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be checked: records of a period, or all; against signed checkpoints kept elsewhere, of any log."""

    since: datetime | None = None
    before: datetime | None = None
    known: Sequence[bytes] = ()

    def within(self, entry: LogEntry) -> bool:
        """Return whether the period holds an entry."""
        return (self.since is None or entry.at >= self.since) and (self.before is None or entry.at < self.before)


def examine(
    database: Database, logs: Logs, operator_id: str, progress: Progress, scope: Scope | None = None
) -> list[Examined]:
    """Check every log of an operator, the oldest first; a flaw is in the report, never raised.

    Everything is read at one instant, behind the checkpoints: what is signed meanwhile is not looked at. Trees are
    checked whole; what the records did only where all of them are, those that wait to go in as well. Raises
    MalformedError for a kept checkpoint that is none, IntegrityError for one that no log here signed: nothing can be
    held against it.
    """
    asked = scope or Scope()
    with database.reading() as tx:
        notes = {row.log_id: _files(logs, row).checkpoint() for row in logged.every(tx, operator_id)}
    with database.snapshot() as tx:
        effect = _Effects()
        rows = [row for row in logged.every(tx, operator_id) if row.log_id in notes]
        known = _kept(logs, rows, asked.known)
        done = [
            _one(
                tx,
                logs,
                row,
                notes[row.log_id],
                progress,
                effect,
                within=asked.within,
                known=[each for each in known if each.origin == row.origin],
            )
            for row in rows
        ]
        for body in logged.pending_bodies(tx, operator_id):
            effect.waits(body)
        if done and asked.since is None and asked.before is None:
            newest = done[-1].report
            # The lowest index first, because the first is what is told.
            found = sorted(effect.flaws(tx, operator_id, done[0].row), key=lambda index: (index is None, index))
            for index in found:
                newest.add(Flaw.STATE, index)
            for _ in logged.strays(tx, operator_id):
                newest.add(Flaw.STATE)
    return done


def _kept(logs: Logs, rows: Sequence[LogRow], notes: Sequence[bytes]) -> list[Checkpoint]:
    """Return the checkpoints of notes that were kept elsewhere, each signed by one of these logs."""
    keys = {row.origin: logs.verifier(row) for row in rows} if notes else {}
    found = []
    for note in notes:
        origin = Checkpoint.parse(Note.parse(note).text).origin
        if origin not in keys:
            raise IntegrityError(
                "A checkpoint that was kept is of a log that is not here. Is it this operator's database, and whole?",
                "所保存的检查点所属日志不在此处。请确认数据库属于该运营者且完整。",
            )
        found.append(opened(note, keys[origin])[0])
    return found


def _one(
    tx: Transaction,
    logs: Logs,
    row: LogRow,
    note: bytes | None,
    progress: Progress,
    effect: "_Effects",
    *,
    within: Within,
    known: Sequence[Checkpoint],
) -> Examined:
    """Check one log as far as it is signed; the database may be ahead of it, never behind."""
    with logged.written(tx, row) as entries:
        bodies = _bodies(entries)
        report = check(
            _files(logs, row),
            logs.verifier(row),
            progress,
            note=note,
            known=known,
            bodies=bodies,
            seen=effect.seen,
            within=within,
        )
        for unsigned in bodies:
            if unsigned is not None:
                effect.waits(unsigned.body)
    if Flaw.CHECKPOINT not in report.found:
        if report.size > row.size:
            report.add(Flaw.ROLLBACK, row.size)
        elif report.size == row.size and report.root != row.root:
            report.add(Flaw.FORK)
    return Examined(row, report, 0 if row.ended_at else logged.backlog(tx, row.operator_id))


def _files(logs: Logs, row: LogRow) -> LogFiles:
    return logs.files(row.operator_id, row.generation)


def _bodies(entries: Iterable[Logged]) -> Iterator[Body | None]:
    """Yield the bodies in the log's order, None for an entry that the database has no record of."""
    expected = 0
    for each in entries:
        for _ in range(expected, each.index):
            yield None
        expected = each.index + 1
        if each.at is None or each.kind is None or each.digest is None or each.body is None:
            yield None
        else:
            yield Body(each.at, each.kind, each.digest, each.body)


@dataclass(slots=True)
class _Effects:
    """What the records say was done, to be compared with what is there."""

    decisions: dict[UUID, int | None] = field(default_factory=dict)
    enrolled: dict[UUID, tuple[int | None, str, int]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=lambda: {"credential": set(), "authorisation": set()})
    destroyed: dict[str, int] = field(default_factory=dict)
    erased_again: int = -1
    order: int = 0

    def waits(self, body: bytes) -> None:
        """Look at the body of a record that is not in the signed log yet; what it did is there already."""
        try:
            said = json.loads(body)
            kind, details = str(said["kind"]), said.get("details") or {}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return  # what it did has no record then, and that is found
        if isinstance(details, dict):
            self._take(None, kind, said)

    def seen(self, index: int, body: Body, said: dict[str, Any]) -> None:
        """Look at one body; one log comes after the other."""
        self._take(index, body.kind, said)

    def _take(self, index: int | None, kind: str, said: dict[str, Any]) -> None:
        self.order += 1
        details, mark = said.get("details") or {}, str(said.get("subject"))
        if kind == "consent" and (decision := _id(details.get("consent"))):
            self.decisions[decision] = index
        if kind == "enrol" and said.get("outcome") == "enrolled" and (kept := _id(details.get("reference"))):
            self.enrolled[kept] = (index, mark, self.order)
        if kind in self.named:
            self.named[kind].add(str(details.get(kind)))
        if kind in _DESTROYING and details.get("destroyed"):
            self.destroyed[mark] = self.order
        if kind == "backup" and details.get("erasures"):
            self.erased_again = self.order

    def flaws(self, tx: Transaction, operator_id: str, first: LogRow) -> Iterator[int | None]:
        """Yield the index of every entry without its effect, and None for every effect without its entry."""
        decisions = effects.decisions(tx, operator_id)
        for _ in decisions - self.decisions.keys():
            yield None
        for gone in self.decisions.keys() - decisions:
            yield self.decisions[gone]
        made = {"credential": effects.credentials, "authorisation": effects.authorisations}
        for kind, on_file in made.items():
            for _ in on_file(tx, operator_id, first.begun_at) - self.named[kind]:
                yield None
        there = effects.references(tx, operator_id)
        for reference, at in there.items():
            if reference not in self.enrolled and at >= first.begun_at:
                yield None
        for reference, (index, mark, order) in self.enrolled.items():
            if reference not in there and max(self.destroyed.get(mark, -1), self.erased_again) < order:
                yield index


def _id(written: Any) -> UUID | None:
    try:
        return UUID(written)
    except (ValueError, TypeError, AttributeError):
        return None
