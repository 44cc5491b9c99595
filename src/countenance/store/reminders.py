"""Reminders: each written down once, by the transaction that claims it, and kept with what became of it."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import instant, metadata

#: One row for each clock, last day, step and way. `step` is how many working days before the last day it was due; 0 is
#: after it. `next_at` is when it is tried next, null once it was sent (`sent_at`) or nobody needs it any more.
reminder = Table(
    "reminder",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("reminder_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("step", Integer, nullable=False),
    Column("way", Text, nullable=False),
    Column("provisional", Boolean, nullable=False),
    Column("due_at", instant(), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", instant()),
    Column("sent_at", instant()),
    Column("trouble", Text),
    PrimaryKeyConstraint("operator_id", "reminder_id"),
    UniqueConstraint("operator_id", "kind", "about", "last_day", "step", "way"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("way IN ('mail', 'webhook', 'console')", name="way"),
    CheckConstraint("sent_at IS NULL OR next_at IS NULL", name="sent_once"),
    Index(None, "operator_id", "next_at"),
)

#: What is not sent is tried again after so long, then after twice as long, and so on, up to a day.
PAUSE: Final = timedelta(minutes=50)
PAUSE_MAX: Final = timedelta(days=1)
_DOUBLINGS_MAX: Final = 6

#: A clock's kind, what it is about, its last day and the step.
Key = tuple[str, str, date, int]


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder by one way, and what became of it."""

    reminder_id: UUID
    kind: str
    about: str
    last_day: date
    step: int
    way: str
    provisional: bool
    due_at: datetime
    tries: int
    next_at: datetime | None
    sent_at: datetime | None
    trouble: str | None

    @property
    def key(self) -> Key:
        """Return what this reminds of."""
        return self.kind, self.about, self.last_day, self.step


_COLUMNS = [reminder.c[name] for name in Reminder.__dataclass_fields__]
_KEY = (reminder.c.kind, reminder.c.about, reminder.c.last_day, reminder.c.step)
#: So many rows are written in one statement.
_PORTION: Final = 1000


def _portions(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    yield from (rows[start : start + _PORTION] for start in range(0, len(rows), _PORTION))


def pause(tries: int) -> timedelta:
    """Return how long after so many tries the next one comes."""
    return min(PAUSE * (1 << min(tries - 1, _DOUBLINGS_MAX)), PAUSE_MAX)


def raise_due(
    tx: Transaction, operator_id: str, due: Sequence[tuple[Key, bool]], ways: Collection[str], at: datetime
) -> None:
    """Write down the reminders that are due and were not yet, each with whether its day is provisional.

    What was written down already, by whichever server, stays as it is.
    """
    if not due:
        return
    mine = reminder.c.operator_id == operator_id, reminder.c.last_day >= min(key[2] for key, _ in due)
    known = {tuple(row) for row in tx.execute(select(*_KEY, reminder.c.way).where(*mine))}
    rows = [
        {
            "operator_id": operator_id,
            "reminder_id": uuid4(),
            **dict(zip(("kind", "about", "last_day", "step"), key, strict=True)),
            "way": way,
            "provisional": provisional,
            "due_at": at,
            "tries": 0,
            "next_at": at,
        }
        for key, provisional in due
        for way in sorted(ways)
        if (*key, way) not in known
    ]
    if rows:
        tx.execute(insert(reminder).on_conflict_do_nothing(), rows)


def drop(tx: Transaction, operator_id: str, due: Collection[Key]) -> int:
    """Give up what waits though it is due no longer: the step after it came, or what it reminds of was done."""
    waits = reminder.c.operator_id == operator_id, reminder.c.next_at.is_not(None)
    found = tx.execute(select(reminder.c.reminder_id, *_KEY).where(*waits)).all()
    over = [row[0] for row in found if tuple(row[1:]) not in due]
    for portion in _portions(over):
        tx.execute(reminder.update().where(*waits, reminder.c.reminder_id.in_(portion)).values(next_at=None))
    return len(over)


def claim(tx: Transaction, operator_id: str, way: str, at: datetime, most: int) -> list[Reminder]:
    """Take reminders that wait for a way, `most` of them, and count a try; nobody else takes them before their pause.

    So whoever is cut off after the claim leaves them to the next, and two servers never hold the same one.
    """
    mine = (
        select(reminder.c.reminder_id, reminder.c.tries)
        .where(reminder.c.operator_id == operator_id, reminder.c.way == way, reminder.c.next_at <= at)
        .order_by(reminder.c.last_day, reminder.c.kind, reminder.c.about, reminder.c.reminder_id)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    by_tries: dict[int, list[UUID]] = {}
    for row in tx.execute(mine).all():
        by_tries.setdefault(row.tries, []).append(row.reminder_id)
    claimed: list[Reminder] = []
    for tries, ids in by_tries.items():
        update = (
            reminder.update()
            .where(reminder.c.operator_id == operator_id, reminder.c.reminder_id.in_(ids))
            .values(tries=tries + 1, next_at=at + pause(tries + 1))
            .returning(*_COLUMNS)
        )
        claimed += [Reminder(*found) for found in tx.execute(update)]
    return sorted(claimed, key=lambda each: (each.last_day, each.kind, each.about))


def settle(tx: Transaction, operator_id: str, held: Sequence[Reminder], at: datetime, trouble: str | None) -> None:
    """Write down that claimed reminders were sent, or what kept them; sent is sent, whatever came meanwhile."""
    ids = [each.reminder_id for each in held]
    mine = reminder.c.operator_id == operator_id, reminder.c.reminder_id.in_(ids)
    sent = {"sent_at": at, "next_at": None, "trouble": None}
    tx.execute(reminder.update().where(*mine).values(sent if trouble is None else {"trouble": trouble}))


def listed(tx: Transaction, operator_id: str, most: int) -> list[Reminder]:
    """Return the newest reminders first, `most` of them, by all ways."""
    query = (
        select(*_COLUMNS)
        .where(reminder.c.operator_id == operator_id)
        .order_by(reminder.c.due_at.desc(), reminder.c.last_day, reminder.c.reminder_id)
        .limit(most)
    )
    return [Reminder(*row) for row in tx.execute(query)]


def let_go(tx: Transaction, operator_id: str, before: datetime) -> int:
    """Forget reminders that are settled and were due before an instant; the records keep that they were sent."""
    over = reminder.c.operator_id == operator_id, reminder.c.next_at.is_(None), reminder.c.due_at < before
    return tx.execute(reminder.delete().where(*over)).rowcount
