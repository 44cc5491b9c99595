"""What an operator declares: read as it stands, written as rows, never deleted (what is gone is marked retired)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Table, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on, insert

from countenance.store import tables
from countenance.store.database import Transaction

Row = dict[str, Any]

#: In the order in which rows may refer to one another.
NOUNS: Final[Mapping[str, Table]] = {
    "operator": tables.operator,
    "purpose": tables.purpose,
    "statutory_basis": tables.statutory_basis,
    "filing": tables.filing,
    "venue": tables.venue,
    "place": tables.place,
    "device": tables.device,
    "alternative": tables.alternative,
}


def key_columns(noun: str) -> tuple[str, ...]:
    """Return the names of the columns that tell two rows of `noun` apart, without the operator."""
    names = tuple(column.name for column in NOUNS[noun].primary_key)
    return tuple(name for name in names if name != "operator_id") or ("operator_id",)


def columns(noun: str) -> tuple[str, ...]:
    """Return all the columns of `noun`."""
    return tuple(column.name for column in NOUNS[noun].columns)


def lock(tx: Transaction, operator_id: str) -> None:
    """Let one declaration of this operator be applied at a time."""
    tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"site {operator_id}"})


def read(tx: Transaction, operator_id: str, noun: str) -> list[Row]:
    """Return the rows of `noun` in the order of their keys."""
    table = NOUNS[noun]
    found = tx.execute(select(*table.columns).where(table.c.operator_id == operator_id).order_by(*table.primary_key))
    return [dict(row) for row in found.mappings()]


def operators(tx: Transaction) -> list[str]:
    """Return the ids of all operators."""
    return list(tx.execute(select(tables.operator.c.operator_id).order_by(tables.operator.c.operator_id)).scalars())


def write(tx: Transaction, noun: str, rows: Sequence[Row]) -> None:
    """Insert each row, or bring the row of its key up to it."""
    table = NOUNS[noun]
    key = [column.name for column in table.primary_key]
    for row in rows:
        statement = insert(table).values(**row)
        changed = {name: statement.excluded[name] for name in row if name not in key}
        tx.execute(statement.on_conflict_do_update(index_elements=key, set_=changed))


def remove(tx: Transaction, operator_id: str, noun: str, key: str) -> None:
    """Take a row that is no longer declared off the file; the record of the change keeps it."""
    table, (column,) = NOUNS[noun], key_columns(noun)
    tx.execute(table.delete().where(table.c.operator_id == operator_id, table.c[column] == key))


def beside(tx: Transaction, operator_id: str, device_id: str, alternative_id: str) -> bool:
    """Return whether a device, in use, stands in the venue of an alternative."""
    device, place, way = tables.device, tables.place, tables.alternative
    query = (
        select(way.c.alternative_id)
        .join(place, (place.c.operator_id == way.c.operator_id) & (place.c.venue_id == way.c.venue_id))
        .join(device, (device.c.operator_id == place.c.operator_id) & (device.c.place_id == place.c.place_id))
        .where(
            way.c.operator_id == operator_id,
            way.c.alternative_id == alternative_id,
            device.c.device_id == device_id,
            device.c.retired.is_(False),
            device.c.suspended.is_(False),
        )
    )
    return tx.execute(query).first() is not None


def report(tx: Transaction, operator_id: str, alternative_id: str, at: datetime, *, working: bool) -> bool | None:
    """Keep what was said of an alternative just now, and return what was said before; LookupError without one."""
    table = tables.alternative
    mine = (table.c.operator_id == operator_id, table.c.alternative_id == alternative_id, table.c.retired.is_(False))
    found = tx.execute(select(table.c.reported_working).where(*mine).with_for_update()).one_or_none()
    if found is None:
        raise LookupError
    tx.execute(table.update().where(*mine).values(reported_working=working, reported_at=at))
    before: bool | None = found.reported_working
    return before


def notices(tx: Transaction, operator_id: str, purpose: str | None = None) -> list[Row]:
    """Return the newest notice of each purpose."""
    notice = tables.notice
    query = (
        select(*notice.columns)
        .where(notice.c.operator_id == operator_id)
        .ext(distinct_on(notice.c.purpose))
        .order_by(notice.c.purpose, notice.c.version.desc())
    )
    if purpose is not None:
        query = query.where(notice.c.purpose == purpose)
    return [dict(row) for row in tx.execute(query).mappings()]


def notices_of(tx: Transaction, operator_id: str, wanted: Collection[tuple[str, int]]) -> list[Row]:
    """Return notices by purpose and version, whether they are the newest or not."""
    notice = tables.notice
    query = (
        select(*notice.columns)
        .where(notice.c.operator_id == operator_id, tuple_(notice.c.purpose, notice.c.version).in_(list(wanted)))
        .order_by(notice.c.purpose, notice.c.version)
    )
    return [dict(row) for row in tx.execute(query).mappings()]


def lifts(tx: Transaction, operator_id: str, purpose: str, what: str, day: date) -> bool:
    """Return whether a statutory basis of a purpose stands on a day and dispenses with something."""
    held = [row for row in read(tx, operator_id, "statutory_basis") if row["purpose"] == purpose]
    return any(what in row["lifts"] and day <= row["expires_on"] for row in held)


def notice(tx: Transaction, operator_id: str, purpose: str, version: int) -> Row:
    """Return one version of a purpose's notice; LookupError without one."""
    found = notices_of(tx, operator_id, [(purpose, version)])
    if not found:
        raise LookupError
    return found[0]


def publish_notice(tx: Transaction, operator_id: str, purpose: str, body: Row, digest: bytes, at: datetime) -> int:
    """Add the next version of a purpose's notice and return its number."""
    notice = tables.notice
    newest = select(func.coalesce(func.max(notice.c.version), 0)).where(
        notice.c.operator_id == operator_id, notice.c.purpose == purpose
    )
    version = int(tx.execute(newest).scalar_one()) + 1
    tx.execute(
        notice.insert().values(
            operator_id=operator_id, purpose=purpose, version=version, text=body, digest=digest, published_at=at
        )
    )
    return version
