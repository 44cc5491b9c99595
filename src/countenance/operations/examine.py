"""Examine: check an operator's logs whole, against the records they are made of and against what the records did."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from countenance.log.check import Body, Flaw, Report, check
from countenance.log.entries import LogEntry
from countenance.log.notes import Checkpoint
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
    """What is to be checked: records of a period, or all; against checkpoints kept elsewhere, of any of the logs."""

    since: datetime | None = None
    before: datetime | None = None
    known: Sequence[Checkpoint] = ()

    def within(self, entry: LogEntry) -> bool:
        """Return whether the period holds an entry."""
        return (self.since is None or entry.at >= self.since) and (self.before is None or entry.at < self.before)


def examine(
    database: Database, logs: Logs, operator_id: str, progress: Progress, scope: Scope | None = None
) -> list[Examined]:
    """Check every log of an operator, the oldest first; a flaw is in the report, never raised.

    Everything is read at one instant. Trees are checked whole; what the records did only where all of them are.
    """
    asked = scope or Scope()
    with database.snapshot() as tx:
        effect = _Effects()
        done = [_one(tx, logs, row, progress, asked, effect) for row in logged.every(tx, operator_id)]
        if done and asked.since is None and asked.before is None:
            newest = done[-1].report
            for index in effect.flaws(tx, operator_id, done[0].row):
                newest.add(Flaw.STATE, index)
            for _ in logged.strays(tx, operator_id):
                newest.add(Flaw.STATE)
    return done


def _one(tx: Transaction, logs: Logs, row: LogRow, progress: Progress, scope: Scope, effect: "_Effects") -> Examined:
    """Check one log as far as it is signed; the database may be ahead of it, never behind."""
    ours = [each for each in scope.known if each.origin == row.origin]
    files = logs.files(row.operator_id, row.generation)
    with logged.written(tx, row) as entries:
        report = check(
            files,
            logs.verifier(row),
            progress,
            known=ours,
            bodies=_bodies(entries),
            seen=effect.seen,
            within=scope.within,
        )
    if Flaw.CHECKPOINT not in report.found:
        if report.size > row.size:
            report.add(Flaw.ROLLBACK, row.size)
        elif report.size == row.size and report.root != row.root:
            report.add(Flaw.FORK)
    return Examined(row, report, 0 if row.ended_at else logged.backlog(tx, row.operator_id))


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

    decisions: dict[UUID, int] = field(default_factory=dict)
    enrolled: dict[UUID, tuple[int, str, int]] = field(default_factory=dict)
    named: dict[str, set[str]] = field(default_factory=lambda: {"credential": set(), "authorisation": set()})
    destroyed: dict[str, int] = field(default_factory=dict)
    erased_again: int = -1
    order: int = 0

    def seen(self, index: int, body: Body, said: dict[str, Any]) -> None:
        """Look at one body; one log comes after the other."""
        self.order += 1
        details, mark = said.get("details") or {}, str(said.get("subject"))
        if body.kind == "consent" and (decision := _id(details.get("consent"))):
            self.decisions[decision] = index
        if body.kind == "enrol" and said.get("outcome") == "enrolled" and (kept := _id(details.get("reference"))):
            self.enrolled[kept] = (index, mark, self.order)
        if body.kind in self.named:
            self.named[body.kind].add(str(details.get(body.kind)))
        if body.kind in _DESTROYING and details.get("destroyed"):
            self.destroyed[mark] = self.order
        if body.kind == "backup" and details.get("erasures"):
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
