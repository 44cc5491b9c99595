"""How many pictures were looked at, by device and by person claimed, hour by hour: what guessing is limited by.

The table is not logged: counting costs next to nothing, a backup does not hold it, and a database that crashed begins
to count anew. A key in it is a keyed digest, so nobody's word for a person stands here.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    and_,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import instant, metadata

#: So far back pictures count.
WINDOW: Final = timedelta(hours=24)

budget = Table(
    "budget",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("key", LargeBinary, nullable=False),
    Column("hour", instant(), nullable=False),
    Column("pictures", BigInteger, nullable=False),
    PrimaryKeyConstraint("operator_id", "scope", "key", "hour"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    prefixes=["UNLOGGED"],
)


def spend(tx: Transaction, operator_id: str, keys: Mapping[str, bytes], pictures: int, at: datetime) -> dict[str, int]:
    """Count pictures under each scope's key, and return what that comes to in the window: in one statement, exactly."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    rows = [
        {"operator_id": operator_id, "scope": scope, "key": key, "hour": hour, "pictures": pictures}
        for scope, key in sorted(keys.items())  # in one order, so that no two wait for each other
    ]
    counted = insert(budget).values(rows)
    counted = counted.on_conflict_do_update(
        index_elements=["operator_id", "scope", "key", "hour"],
        set_={"pictures": budget.c.pictures + counted.excluded.pictures},
    )
    spent = counted.returning(budget.c.scope, budget.c.key, budget.c.pictures).cte("spent")
    earlier = (
        select(func.coalesce(func.sum(budget.c.pictures), 0))
        .where(
            budget.c.operator_id == operator_id,
            budget.c.scope == spent.c.scope,
            budget.c.key == spent.c.key,
            budget.c.hour > at - WINDOW,
            budget.c.hour < hour,
        )
        .scalar_subquery()
    )
    return {scope: int(count) for scope, count in tx.execute(select(spent.c.scope, spent.c.pictures + earlier))}


def give_back(tx: Transaction, operator_id: str, keys: Mapping[str, bytes], pictures: int, at: datetime) -> None:
    """Take pictures off again that were counted under these keys in the hour of `at`."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    for scope, key in sorted(keys.items()):
        tx.execute(
            update(budget)
            .where(
                and_(
                    budget.c.operator_id == operator_id,
                    budget.c.scope == scope,
                    budget.c.key == key,
                    budget.c.hour == hour,
                )
            )
            .values(pictures=func.greatest(0, budget.c.pictures - pictures))
        )


def let_go(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Let go of what the window does not reach any more, and return how many rows there were."""
    over = and_(budget.c.operator_id == operator_id, budget.c.hour <= at - WINDOW)
    return tx.execute(budget.delete().where(over)).rowcount
