"""The count of persons, kept as a number in the transaction that changes it: nobody has to be counted to know it.

A person counts from the first template or original to the last. Whoever brings the first or destroys the last holds the
operator's row until the commit, so two that reach a line together come one after the other, and each sees the other.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import RowMapping, func, inspect, or_, select, text
from sqlalchemy.dialects.postgresql import insert

from countenance.store.count_tables import departure, departure_token, person_count, person_day
from countenance.store.database import Transaction
from countenance.store.tables import subject


@dataclass(frozen=True, slots=True)
class Figures:
    """The count of an operator: persons stored here now, those whom only backups hold, those declared elsewhere."""

    persons: int = 0
    in_backups: int = 0
    elsewhere: int = 0
    highest: int = 0
    highest_ever: int = 0
    cumulative: int = 0
    next_mark: int | None = None
    looked_until: datetime | None = None
    near: bool = False
    stated_on: date | None = None
    stated_record: UUID | None = None
    restored_at: datetime | None = None
    differed_at: datetime | None = None

    @property
    def upper(self) -> int:
        """Return the plain sum of everything: what lines are judged by."""
        return self.persons + self.in_backups + self.elsewhere

    def unlooked(self, at: datetime) -> bool:
        """Return whether the lines have to be looked at: one may be reached, or another day has begun."""
        if self.next_mark is None or self.looked_until is None:
            return True
        return self.upper >= self.next_mark or at >= self.looked_until


@dataclass(frozen=True, slots=True)
class Day:
    """One day of the count, in the law's place: who came and left, between which numbers it stood, and the last."""

    day: date
    arrived: int
    departed: int
    lowest: int
    highest: int
    last: int
    upper: int


_FIGURES: Final = [person_count.c[name] for name in Figures.__dataclass_fields__]
_DAILY: Final = """
, daily AS (
    INSERT INTO person_day (operator_id, day, arrived, departed, lowest, highest, last, upper)
    SELECT :operator_id, :day, arrived, departed, low, high, persons, persons + in_backups + elsewhere FROM counted
    ON CONFLICT (operator_id, day) DO UPDATE SET
        arrived = person_day.arrived + excluded.arrived, departed = person_day.departed + excluded.departed,
        lowest = LEAST(person_day.lowest, excluded.lowest), highest = GREATEST(person_day.highest, excluded.highest),
        last = excluded.last, upper = excluded.upper
)
SELECT * FROM counted
"""

# What was just stored is a person's first where it is all that is stored of them. Who comes back while a backup still
# holds them is one person again; who comes back under an identifier that left near a line is noted as returned.
_ARRIVING: Final = """
WITH mine AS (
    SELECT 1 AS first WHERE (
        SELECT count(*) FROM (
            (SELECT 1 FROM reference WHERE operator_id = :operator_id AND subject_id = :subject_id LIMIT 2)
            UNION ALL
            (SELECT 1 FROM original WHERE operator_id = :operator_id AND subject_id = :subject_id LIMIT 2)
        ) AS stored
    ) = 1
), known AS (
    SELECT return_token AS token FROM subject WHERE operator_id = :operator_id AND subject_id = :subject_id
), held AS (
    SELECT LEAST(count(*), 1) AS n FROM departure
    WHERE operator_id = :operator_id AND subject_id = :subject_id AND held_until IS NOT NULL
), back AS (
    UPDATE departure SET held_until = NULL FROM mine
    WHERE operator_id = :operator_id AND subject_id = :subject_id AND held_until IS NOT NULL
), returned AS (
    UPDATE departure_token SET returned = returned + 1 FROM mine
    WHERE operator_id = :operator_id AND token = (SELECT token FROM known) AND returned < departed
), counted AS (
    INSERT INTO person_count (operator_id, persons, in_backups, elsewhere, highest, highest_ever, cumulative, near)
    SELECT :operator_id, 1, 0, 0, 1, 1, 1, false FROM mine
    ON CONFLICT (operator_id) DO UPDATE SET
        persons = person_count.persons + 1,
        in_backups = GREATEST(person_count.in_backups - (SELECT n FROM held), 0),
        highest = GREATEST(person_count.highest, person_count.persons + 1),
        highest_ever = GREATEST(person_count.highest_ever, person_count.persons + 1),
        cumulative = person_count.cumulative + 1
    RETURNING person_count.*, 1 AS arrived, 0 AS departed, persons - 1 AS low, persons AS high
)
"""

_DEPARTING: Final = """
WITH gone AS (
    SELECT subject_id, return_token FROM subject
    WHERE operator_id = :operator_id AND subject_id = ANY(:subject_ids)
    AND NOT EXISTS (SELECT FROM subject_key AS k
        WHERE k.operator_id = subject.operator_id AND k.subject_id = subject.subject_id)
    AND NOT EXISTS (SELECT FROM original AS o
        WHERE o.operator_id = subject.operator_id AND o.subject_id = subject.subject_id)
), number AS (
    SELECT count(*) AS n FROM gone
), counted AS (
    UPDATE person_count SET
        persons = GREATEST(persons - n, 0),
        in_backups = in_backups + CASE WHEN backups_until > :at THEN n ELSE 0 END
    FROM number WHERE operator_id = :operator_id AND n > 0
    RETURNING person_count.*, 0 AS arrived, n AS departed, persons AS low, persons + n AS high
), noted AS (
    INSERT INTO departure (operator_id, subject_id, at, held_until)
    SELECT :operator_id, subject_id, :at, backups_until FROM gone, counted WHERE backups_until > :at
), tokens AS (
    INSERT INTO departure_token (operator_id, token, day, departed, returned)
    SELECT :operator_id, return_token, :day, count(*), 0 FROM gone, counted
    WHERE near AND return_token IS NOT NULL GROUP BY return_token
    ON CONFLICT (operator_id, token, day) DO UPDATE SET departed = departure_token.departed + excluded.departed
)
"""

_ARRIVE: Final = text(_ARRIVING + _DAILY)
_DEPART: Final = text(_DEPARTING + _DAILY)

_KEPT: Final = text(
    "SELECT count(*) FROM (SELECT subject_id FROM subject_key WHERE operator_id = :operator_id"
    " UNION SELECT subject_id FROM original WHERE operator_id = :operator_id) AS stored"
)


def arrive(tx: Transaction, operator_id: str, subject_id: UUID, day: date, at: datetime) -> Figures | None:
    """Count a subject of whom something was stored just now; return the count, None where they were counted before.

    It is the last but what it leads to in a transaction: from here on the operator's other new persons wait.
    """
    said = {"operator_id": operator_id, "subject_id": subject_id, "day": day, "at": at}
    return _figures(tx.execute(_ARRIVE, said).mappings().one_or_none())


def depart(tx: Transaction, operator_id: str, gone: Collection[UUID], day: date, at: datetime) -> None:
    """Count off those subjects of whom something was destroyed just now and nothing is left.

    It stands at the end of a transaction that locks other subjects, for what comes after it would wait for them.
    """
    if gone:
        tx.execute(_DEPART, {"operator_id": operator_id, "subject_ids": list(gone), "day": day, "at": at})


def _figures(row: RowMapping | None) -> Figures | None:
    return None if row is None else Figures(**{name: row[name] for name in Figures.__dataclass_fields__})


def figures(tx: Transaction, operator_id: str) -> Figures:
    """Return the count as it is kept."""
    return _figures(tx.execute(_one(operator_id)).mappings().one_or_none()) or Figures()


def _one(operator_id: str) -> Any:
    return select(*_FIGURES).where(person_count.c.operator_id == operator_id)


def kept(tx: Transaction) -> bool:
    """Return whether this database counts at all; an empty one does not yet."""
    return bool(inspect(tx).has_table(person_count.name))


def hold(tx: Transaction, operator_id: str) -> Figures:
    """Return the count and let nobody change it until the transaction ends."""
    tx.execute(insert(person_count).values(operator_id=operator_id, **_NOTHING).on_conflict_do_nothing())
    return _figures(tx.execute(_one(operator_id).with_for_update()).mappings().one()) or Figures()


_NOTHING: Final[dict[str, Any]] = {
    "persons": 0, "in_backups": 0, "elsewhere": 0, "highest": 0, "highest_ever": 0, "cumulative": 0, "near": False,
}  # fmt: skip


def backups_until(tx: Transaction, operator_id: str) -> datetime | None:
    """Return until when the newest backup may be restored, None where none was made."""
    found = tx.execute(select(person_count.c.backups_until).where(person_count.c.operator_id == operator_id))
    until: datetime | None = found.scalar_one_or_none()
    return until


def change(tx: Transaction, operator_id: str, **values: Any) -> None:
    """Write parts of the kept count."""
    tx.execute(person_count.update().where(person_count.c.operator_id == operator_id).values(values))


def counted(tx: Transaction, operator_id: str) -> int:
    """Count from what is stored: every person's key and original is looked at."""
    return int(tx.execute(_KEPT, {"operator_id": operator_id}).scalar_one())


def age(tx: Transaction, operator_id: str, at: datetime, forgotten: date) -> None:
    """Let go whom no backup holds any more, and tokens from before `forgotten`; the count's row is held."""
    mine = departure.c.operator_id == operator_id
    tx.execute(departure.delete().where(mine, or_(departure.c.held_until.is_(None), departure.c.held_until <= at)))
    tokens = departure_token.c.operator_id == operator_id, departure_token.c.day < forgotten
    tx.execute(departure_token.delete().where(*tokens))
    held = text(
        "UPDATE person_count SET in_backups = (SELECT count(DISTINCT subject_id) FROM departure"
        " WHERE operator_id = :operator_id AND held_until IS NOT NULL) WHERE operator_id = :operator_id"
    )
    tx.execute(held, {"operator_id": operator_id})


def mark_day(tx: Transaction, operator_id: str, day: date, now: Figures) -> None:
    """Write today's numbers down where nobody has come or left yet, so that the series has no gaps."""
    row = {"operator_id": operator_id, "day": day, "arrived": 0, "departed": 0}
    numbers = {"lowest": now.persons, "highest": now.persons, "last": now.persons, "upper": now.upper}
    fresh = insert(person_day).values(row | numbers)
    tx.execute(
        fresh.on_conflict_do_update(
            index_elements=["operator_id", "day"], set_={"last": now.persons, "upper": now.upper}
        )
    )


def days(tx: Transaction, operator_id: str, since: date) -> list[Day]:
    """Return the days since one, the oldest first."""
    query = (
        select(*(person_day.c[name] for name in Day.__dataclass_fields__))
        .where(person_day.c.operator_id == operator_id, person_day.c.day >= since)
        .order_by(person_day.c.day)
    )
    return [Day(*row) for row in tx.execute(query)]


def returned(tx: Transaction, operator_id: str, since: date) -> int:
    """Return how many who left near a line since then came back under the same identifier."""
    query = select(func.coalesce(func.sum(departure_token.c.returned), 0)).where(
        departure_token.c.operator_id == operator_id, departure_token.c.day >= since
    )
    return int(tx.execute(query).scalar_one())


def return_key(tx: Transaction, operator_id: str) -> bytes | None:
    """Return the sealed key under which returning identifiers are known, None before the first."""
    found = tx.execute(select(person_count.c.return_key).where(person_count.c.operator_id == operator_id))
    kept = found.scalar_one_or_none()
    return None if kept is None else bytes(kept)


def keep_return_key(tx: Transaction, operator_id: str, sealed: bytes) -> bytes:
    """Keep a sealed key unless one is there already, and return the one that is."""
    fresh = insert(person_count).values(operator_id=operator_id, return_key=sealed, **_NOTHING)
    kept = fresh.on_conflict_do_update(
        index_elements=["operator_id"],
        set_={"return_key": text("COALESCE(person_count.return_key, excluded.return_key)")},
    )
    return bytes(tx.execute(kept.returning(person_count.c.return_key)).scalar_one())


def remember(tx: Transaction, operator_id: str, subject_id: UUID, token: int) -> None:
    """Keep by which token a subject would be known who left and came back; it goes with the person's identifier."""
    mine = (subject.c.operator_id == operator_id, subject.c.subject_id == subject_id)
    tx.execute(subject.update().where(*mine).values(return_token=token))
