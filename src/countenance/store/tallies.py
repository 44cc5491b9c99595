"""How often each article refused, by day: counted with each refusal, so that a chart need not read the records."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import Column, Date, Integer, PrimaryKeyConstraint, Table, Text, func, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import metadata

#: Two refusals at the same instant wait for each other only where they draw the same of so many rows.
_SHARDS: Final = 8

refusal_tally = Table(
    "refusal_tally",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("day", Date, nullable=False),
    Column("action", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("article", Text, nullable=False),
    Column("shard", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),
    PrimaryKeyConstraint("operator_id", "day", "action", "pack", "article", "shard"),
)


@dataclass(frozen=True, slots=True)
class Tally:
    """How often an article refused an action on one day; pack and article are empty where the server itself refused."""

    day: date
    action: str
    pack: str
    article: str
    refusals: int


def add(tx: Transaction, operator_id: str, day: date, action: str, articles: Iterable[tuple[str, str]]) -> None:
    """Count one refusal of an action under each of the articles, in the transaction that records it."""
    shard = secrets.randbelow(_SHARDS)
    rows = [
        {
            "operator_id": operator_id, "day": day, "action": action, "pack": pack, "article": article, "shard": shard,
            "refusals": 1,
        }
        for pack, article in sorted(set(articles))
    ]  # fmt: skip
    if not rows:
        return
    statement = insert(refusal_tally).values(rows)
    key = [column.name for column in refusal_tally.primary_key]
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_={"refusals": refusal_tally.c.refusals + 1}))


def since(tx: Transaction, operator_id: str, day: date) -> list[Tally]:
    """Return what was counted from `day` on, oldest first."""
    tally = refusal_tally
    named = (tally.c.day, tally.c.action, tally.c.pack, tally.c.article)
    query = (
        select(*named, func.sum(tally.c.refusals))
        .where(tally.c.operator_id == operator_id, tally.c.day >= day)
        .group_by(*named)
        .order_by(*named)
    )
    return [Tally(*row[:4], int(row[4])) for row in tx.execute(query)]
