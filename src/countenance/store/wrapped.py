"""Everything that lies in the database wrapped by an operator's key, wherever it lies, and under which generation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Table,
    Text,
    and_,
    case,
    cast,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)

from countenance.store.count_tables import person_count
from countenance.store.database import Transaction
from countenance.store.exchange_tables import group_key
from countenance.store.permitted_tables import original
from countenance.store.request_tables import request
from countenance.store.sign_ins import sign_in
from countenance.store.spaces import space
from countenance.store.tables import subject, subject_key

_HEAD_BYTES: Final = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A column with wrapped values: what they are for, the rows' keys, and what a value is bound to."""

    kind: str
    column: Column[Any]
    key: tuple[Column[Any], ...]
    parts: tuple[ColumnElement[str], ...]

    @property
    def table(self) -> Table:
        """Return the table of the column."""
        return self.key[0].table


@dataclass(frozen=True, slots=True)
class WrappedRow:
    """One wrapped value: the key of its row, what it is bound to, and the value."""

    key: tuple[Any, ...]
    parts: tuple[str, ...]
    value: bytes = field(repr=False)


def _text(column: Column[Any]) -> ColumnElement[str]:
    return cast(column, Text)


#: Whoever adds a wrapped column adds it here, or a rotation leaves it behind; a test looks.
PLACES: Final = (
    Place(
        "subject-key",
        subject_key.c.wrapped,
        (subject_key.c.subject_id, subject_key.c.purpose),
        (_text(subject_key.c.subject_id), subject_key.c.purpose),
    ),
    Place("linking-key", subject.c.linking_key, (subject.c.subject_id,), (_text(subject.c.subject_id),)),
    Place(
        "original",
        original.c.wrapped,
        (original.c.original_id,),
        (_text(original.c.subject_id), original.c.purpose, _text(original.c.original_id)),
    ),
    Place(
        "request",
        request.c.wrapped,
        (request.c.request_id,),
        (_text(request.c.subject_id), _text(request.c.request_id), literal("key")),
    ),
    Place("space", space.c.sealed, (space.c.model_id,), (space.c.model_id,)),
    Place("secret", person_count.c.return_key, (person_count.c.operator_id,), (literal("returns"),)),
    Place("secret", group_key.c.sealed, (group_key.c.group_name,), (literal("group ") + group_key.c.group_name,)),
    Place("secret", sign_in.c.code_secret, (sign_in.c.staff_id,), (literal("codes ") + sign_in.c.staff_id,)),
)


def by_generation(tx: Transaction, operator_id: str) -> dict[int, int]:
    """Return how many values lie under each generation of an operator's key."""
    counted: dict[int, int] = {}
    for place in PLACES:
        byte = [cast(func.get_byte(place.column, at), BigInteger) for at in range(_HEAD_BYTES)]
        numbered = byte[1] * 2**24 + byte[2] * 2**16 + byte[3] * 2**8 + byte[4]
        # A value too short to have a generation was tampered with; it does not open, whatever it is counted under.
        short = func.octet_length(place.column) < _HEAD_BYTES
        generation = case((short, 1), (byte[0] == 1, 1), else_=numbered)
        query = select(generation, func.count()).where(_held(place, operator_id)).group_by(text("1"))
        for number, values in tx.execute(query):
            counted[number] = counted.get(number, 0) + values
    return counted


def _held(place: Place, operator_id: str) -> ColumnElement[bool]:
    return and_(place.table.c.operator_id == operator_id, place.column.is_not(None))


def older(
    tx: Transaction, operator_id: str, place: Place, head: bytes, after: Sequence[Any] | None, most: int
) -> list[WrappedRow]:
    """Return values that do not begin with `head`, in the order of their keys, each held until the transaction ends.

    A row that somebody else holds is passed over: another look finds it.
    """
    query = (
        select(*place.key, place.column, *place.parts)
        .where(_held(place, operator_id), func.substring(place.column, 1, len(head)) != head)
        .order_by(*place.key)
        .limit(most)
        .with_for_update(skip_locked=True, of=place.table)
    )
    if after is not None:
        query = query.where(tuple_(*place.key) > tuple_(*(literal(each) for each in after)))
    keys = len(place.key)
    return [WrappedRow(tuple(row[:keys]), tuple(row[keys + 1 :]), bytes(row[keys])) for row in tx.execute(query)]


def replace(tx: Transaction, operator_id: str, place: Place, row: WrappedRow, value: bytes) -> None:
    """Put another value in a row's place."""
    where = [column == each for column, each in zip(place.key, row.key, strict=True)]
    tx.execute(
        update(place.table).where(place.table.c.operator_id == operator_id, *where).values({place.column: value})
    )


def hold(tx: Transaction) -> None:
    """Let nobody write a wrapped value until the transaction ends; whoever is writing one is waited for."""
    for table in _tables():
        tx.execute(text(f"LOCK TABLE {table.name} IN SHARE MODE"))


def _tables() -> Iterator[Table]:
    for place in PLACES:
        yield place.table
