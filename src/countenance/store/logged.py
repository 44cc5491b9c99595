"""Which records are in a log and where, which are to go in yet, and what the database holds of the log itself."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    any_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from countenance.store.database import Transaction
from countenance.store.log_tables import log, log_entry, log_pending
from countenance.store.tables import record

#: "clog" and the operator's hash: one sequencer for each operator at a time, whichever process it is in.
_LOCK: Final = 0x636C6F67
_WITNESS_LOCK: Final = 0x63776974
_PORTION: Final = 1000
SIZE_MAX: Final = 2**62


@dataclass(frozen=True, slots=True)
class LogRow:
    """One log of an operator as the database knows it; `root` is over the first `size` entries."""

    log_id: int
    operator_id: str
    generation: int
    origin: str
    size: int
    root: bytes
    begun_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unlogged:
    """What of a record goes into the log."""

    number: int
    at: datetime
    kind: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Logged:
    """An entry of the log with its record, None in all but the index where the record was lost."""

    index: int
    at: datetime | None
    kind: str | None
    digest: bytes | None
    body: bytes | None


def hold(tx: Transaction, operator_id: str) -> bool:
    """Be the one who writes this operator's log until the transaction ends; False where somebody else is."""
    return _taken(tx, _LOCK, operator_id)


def hold_witnesses(tx: Transaction, operator_id: str) -> bool:
    """Be the one who asks the witnesses about this operator's logs until the transaction ends."""
    return _taken(tx, _WITNESS_LOCK, operator_id)


def _taken(tx: Transaction, lock: int, operator_id: str) -> bool:
    taken = text("SELECT pg_try_advisory_xact_lock(:lock, hashtext(:operator))")
    return bool(tx.execute(taken, {"lock": lock, "operator": operator_id}).scalar_one())


def waiting(tx: Transaction) -> list[str]:
    """Return the operators who have records that are in no log yet."""
    return list(tx.execute(select(log_pending.c.operator_id).distinct()).scalars())


def newest(tx: Transaction, operator_id: str) -> LogRow | None:
    """Return the log that takes an operator's entries, or took the last; None before the first."""
    query = select(*log.columns).where(log.c.operator_id == operator_id).order_by(log.c.generation.desc()).limit(1)
    found = tx.execute(query).one_or_none()
    return None if found is None else LogRow(*found)


def newest_of_each(tx: Transaction) -> list[LogRow]:
    """Return the newest log of every operator that has one."""
    newest = select(log.c.operator_id, func.max(log.c.generation)).group_by(log.c.operator_id)
    query = select(*log.columns).where(tuple_(log.c.operator_id, log.c.generation).in_(newest))
    return [LogRow(*row) for row in tx.execute(query)]


def every(tx: Transaction, operator_id: str) -> list[LogRow]:
    """Return every log of an operator, the oldest first."""
    query = select(*log.columns).where(log.c.operator_id == operator_id).order_by(log.c.generation)
    return [LogRow(*row) for row in tx.execute(query)]


def begin(tx: Transaction, operator_id: str, generation: int, origin: str, root: bytes, at: datetime) -> LogRow:
    """Begin a log, empty."""
    values = {
        "operator_id": operator_id,
        "generation": generation,
        "origin": origin,
        "size": 0,
        "root": root,
        "begun_at": at,
    }
    return LogRow(*tx.execute(insert(log).values(values).returning(*log.columns)).one())


def end(tx: Transaction, row: LogRow, at: datetime) -> None:
    """Let a log take no further entry."""
    tx.execute(update(log).where(log.c.log_id == row.log_id).values(ended_at=at))


def of(tx: Transaction, log_id: int) -> LogRow:
    """Return a log as it is now."""
    return LogRow(*tx.execute(select(*log.columns).where(log.c.log_id == log_id)).one())


def pending(tx: Transaction, operator_id: str, most: int | None) -> list[Unlogged]:
    """Return what waits to go in, in the order in which it was recorded."""
    query = _waits(operator_id, record.c.number, record.c.at, record.c.kind, record.c.digest).limit(most)
    return [Unlogged(*row) for row in tx.execute(query)]


def pending_bodies(tx: Transaction, operator_id: str) -> list[bytes]:
    """Return the bodies of what waits to go in, in the order in which it was recorded."""
    return list(tx.execute(_waits(operator_id, record.c.body)).scalars())


def backlog(tx: Transaction, operator_id: str) -> int:
    """Return how many records wait."""
    query = select(func.count()).select_from(log_pending).where(log_pending.c.operator_id == operator_id)
    return int(tx.execute(query).scalar_one())


def waiting_since(tx: Transaction, operator_id: str) -> datetime | None:
    """Return when what waits longest was recorded, None where nothing waits."""
    return tx.execute(_waits(operator_id, record.c.at).limit(1)).scalar_one_or_none()


def take_in(tx: Transaction, row: LogRow, numbers: Sequence[int | None], root: bytes) -> None:
    """Put records into a log behind what it has; None stands for one that is lost, of which the entry is left."""
    given = bindparam("numbers", list(numbers), ARRAY(BigInteger))
    ordered = func.unnest(given).table_valued("number", with_ordinality="place").render_derived()
    placed = select(literal(row.log_id), literal(row.size - 1, BigInteger) + ordered.c.place, ordered.c.number)
    tx.execute(insert(log_entry).from_select(["log_id", "log_index", "number"], placed))
    tx.execute(
        delete(log_pending).where(log_pending.c.operator_id == row.operator_id, log_pending.c.number == any_(given))
    )
    tx.execute(update(log).where(log.c.log_id == row.log_id).values(size=row.size + len(numbers), root=root))


def take_back(tx: Transaction, row: LogRow, size: int, root: bytes) -> None:
    """Let a log have no more than `size` entries, and the records of the others wait for another one."""
    beyond = (log_entry.c.log_id == row.log_id, log_entry.c.log_index >= size)
    numbers = tx.execute(delete(log_entry).where(*beyond).returning(log_entry.c.number)).scalars()
    let_wait(tx, row.operator_id, sorted(number for number in numbers if number is not None))
    tx.execute(update(log).where(log.c.log_id == row.log_id).values(size=size, root=root))


def numbered(tx: Transaction, operator_id: str, digests: Sequence[bytes]) -> dict[bytes, int]:
    """Return the numbers of the records with these digests, of those that are there."""
    query = select(record.c.digest, record.c.number).where(
        record.c.operator_id == operator_id, record.c.digest.in_(digests)
    )
    return {row.digest: row.number for row in tx.execute(query)}


def find(tx: Transaction, operator_id: str, record_id: UUID) -> tuple[LogRow, int, Unlogged] | None:
    """Return the log a record is in, the index there, and what of it went in; None where it is in none yet."""
    query = (
        select(*log.columns, log_entry.c.log_index, record.c.number, record.c.at, record.c.kind, record.c.digest)
        .join_from(record, log_entry, log_entry.c.number == record.c.number)
        .join(log, log.c.log_id == log_entry.c.log_id)
        .where(record.c.operator_id == operator_id, record.c.record_id == record_id)
    )
    found = tx.execute(query).one_or_none()
    columns = len(log.columns)
    return None if found is None else (LogRow(*found[:columns]), found[columns], Unlogged(*found[columns + 1 :]))


@contextmanager
def written(tx: Transaction, row: LogRow, start: int = 0, end_before: int = SIZE_MAX) -> Iterator[Iterator[Logged]]:
    """Yield the entries of a log with their records, in order, from a cursor that is closed whatever happens."""
    query = (
        select(log_entry.c.log_index, record.c.at, record.c.kind, record.c.digest, record.c.body)
        .join_from(log_entry, record, _of(row) & (log_entry.c.number == record.c.number), isouter=True)
        .where(log_entry.c.log_id == row.log_id, log_entry.c.log_index >= start, log_entry.c.log_index < end_before)
        .order_by(log_entry.c.log_index)
    )
    with tx.execute(query.execution_options(yield_per=_PORTION)) as found:
        yield (Logged(*entry) for entry in found)


def between(tx: Transaction, row: LogRow, since: datetime | None, before: datetime | None) -> tuple[int, int]:
    """Return from which index to before which the entries of a period stand; both 0 where there are none."""
    query = (
        select(func.min(log_entry.c.log_index), func.max(log_entry.c.log_index))
        .join_from(log_entry, record, _of(row) & (log_entry.c.number == record.c.number))
        .where(log_entry.c.log_id == row.log_id)
    )
    if since is not None:
        query = query.where(record.c.at >= since)
    if before is not None:
        query = query.where(record.c.at < before)
    first, last = tx.execute(query).one()
    return (0, 0) if first is None else (first, last + 1)


def strays(tx: Transaction, operator_id: str) -> list[int]:
    """Return the numbers of records that are in no log and do not wait for one either; asked of one instant."""
    # Looked for in two steps, and the second among few: what waited and went in leaves dead rows that are slow to pass.
    numbers = set(tx.execute(_in_no_log(operator_id)).scalars())
    waits = select(log_pending.c.number).where(log_pending.c.operator_id == operator_id)
    return sorted(numbers - set(tx.execute(waits).scalars()))


def unlogged(tx: Transaction, operator_id: str, numbers: Sequence[int]) -> list[int]:
    """Return those of these records that are in no log still; asked while the log is held, none goes in meanwhile."""
    return sorted(tx.execute(_in_no_log(operator_id).where(record.c.number.in_(numbers))).scalars())


def let_wait(tx: Transaction, operator_id: str, numbers: Sequence[int]) -> None:
    """Let records wait for the log; those that do already stay as they are."""
    rows = [{"operator_id": operator_id, "number": each} for each in numbers]
    if rows:
        tx.execute(upsert(log_pending).on_conflict_do_nothing(), rows)


def _of(row: LogRow) -> ColumnElement[bool]:
    """Return the condition by which a record is found: records have their operator in front of their number."""
    return record.c.operator_id == row.operator_id


def _waits(operator_id: str, *columns: ColumnElement[Any]) -> Select[Any]:
    """Return the question for what waits, in the order in which it was recorded."""
    same = (log_pending.c.operator_id == record.c.operator_id) & (log_pending.c.number == record.c.number)
    return (
        select(*columns)
        .join_from(log_pending, record, same)
        .where(log_pending.c.operator_id == operator_id)
        .order_by(log_pending.c.number)
    )


def _in_no_log(operator_id: str) -> Select[Any]:
    """Return the question for the numbers of records that are in no log."""
    return (
        select(record.c.number)
        .join_from(record, log_entry, log_entry.c.number == record.c.number, isouter=True)
        .where(record.c.operator_id == operator_id, log_entry.c.number.is_(None))
    )
