"""What parties stated of themselves, day by day, and the sketches that members of a group shared."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from countenance.store.database import Transaction
from countenance.store.register.tables import share, stated


@dataclass(frozen=True, slots=True)
class StatedRow:
    """What a party stated for a day."""

    party_id: str
    day: date
    at: datetime
    lower: int
    upper: int
    highest: int
    cumulative: int
    said: Mapping[str, Any] = field(repr=False)
    message_id: bytes


@dataclass(frozen=True, slots=True)
class ShareRow:
    """The newest sketch of a member of a group: by the digest under which the file lies."""

    group_name: str
    party_id: str
    key_id: str
    persons: int
    sha256: bytes
    at: datetime


_STATED = [stated.c[name] for name in StatedRow.__dataclass_fields__]
_SHARE = [share.c[name] for name in ShareRow.__dataclass_fields__]


def state(tx: Transaction, row: StatedRow) -> None:
    """Keep a statement; of two for one day the later one stands, whichever came first."""
    values = {name: getattr(row, name) for name in StatedRow.__dataclass_fields__}
    kept = insert(stated).values(values)
    changed = {name: value for name, value in values.items() if name not in {"party_id", "day"}}
    tx.execute(
        kept.on_conflict_do_update(index_elements=["party_id", "day"], set_=changed, where=stated.c.at <= row.at)
    )


def newest(tx: Transaction) -> dict[str, StatedRow]:
    """Return the statement of the newest day of each party."""
    each = distinct_on(stated.c.party_id)
    query = select(*_STATED).ext(each).order_by(stated.c.party_id, stated.c.day.desc())
    return {row.party_id: StatedRow(*row) for row in tx.execute(query)}


def first_day_over(tx: Transaction, party_id: str, persons: int, after: date | None = None) -> date | None:
    """Return the first day for which a party stated so many persons, or more, at some time before.

    After a day, the first one on which it stated that it held so many then: an earlier peak is over.
    """
    query = select(func.min(stated.c.day)).where(stated.c.party_id == party_id)
    if after is None:
        query = query.where(func.greatest(stated.c.upper, stated.c.highest) >= persons)
    else:
        query = query.where(stated.c.day > after, stated.c.upper >= persons)
    return tx.execute(query).scalar()


def series(tx: Transaction, party_id: str, most: int) -> list[StatedRow]:
    """Return the newest statements of a party, the oldest of them first."""
    query = select(*_STATED).where(stated.c.party_id == party_id).order_by(stated.c.day.desc()).limit(most)
    return [StatedRow(*row) for row in tx.execute(query)][::-1]


def keep_share(tx: Transaction, row: ShareRow) -> None:
    """Keep a member's sketch; of two the later one stands, whichever came first."""
    values = {name: getattr(row, name) for name in ShareRow.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if name not in {"group_name", "party_id"}}
    tx.execute(
        insert(share)
        .values(values)
        .on_conflict_do_update(index_elements=["group_name", "party_id"], set_=changed, where=share.c.at <= row.at)
    )


def shares(tx: Transaction, group_name: str) -> dict[str, ShareRow]:
    """Return the sketches of a group, by party."""
    query = select(*_SHARE).where(share.c.group_name == group_name)
    return {row.party_id: ShareRow(*row) for row in tx.execute(query)}
