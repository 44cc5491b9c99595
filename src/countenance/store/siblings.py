"""Operators that belong together: members of one legal group on this server, and those who share a site and purpose."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import func, select, text

from countenance.store.database import Transaction
from countenance.store.tables import operator, record


def together(tx: Transaction, operators: Collection[str]) -> int:
    """Return of how many identifiers several operators hold something; who has none counts as somebody else."""
    return int(tx.execute(_TOGETHER, {"operators": list(operators)}).scalar_one())


_TOGETHER: Final = text(
    "SELECT count(DISTINCT COALESCE('r' || ref, 's' || subject_id)) FROM subject"
    " JOIN (SELECT operator_id, subject_id FROM subject_key WHERE operator_id = ANY(:operators)"
    " UNION SELECT operator_id, subject_id FROM original WHERE operator_id = ANY(:operators)) AS stored"
    " USING (operator_id, subject_id)"
)


def siblings(tx: Transaction, operator_id: str) -> dict[str, datetime | None]:
    """Return the other operators of the same legal group on this server, each with when it was first heard of."""
    mine = select(operator.c.group_name).where(operator.c.operator_id == operator_id).scalar_subquery()
    first = select(func.min(record.c.at)).where(record.c.operator_id == operator.c.operator_id).scalar_subquery()
    query = select(operator.c.operator_id, first).where(
        operator.c.group_name == mine, operator.c.operator_id != operator_id
    )
    return {row[0]: row[1] for row in tx.execute(query.order_by(operator.c.operator_id))}


def split(tx: Transaction, operator_id: str) -> list[str]:
    """Return the other operators here that name a venue and a purpose just as this one does."""
    query = text(
        "SELECT DISTINCT other.operator_id FROM venue AS mine JOIN venue AS other"
        " ON other.operator_id <> mine.operator_id AND lower(trim(other.name)) = lower(trim(mine.name))"
        " JOIN purpose AS why ON why.operator_id = mine.operator_id"
        " JOIN purpose AS theirs ON theirs.operator_id = other.operator_id"
        " AND (theirs.code = why.code OR theirs.title = why.title)"
        " WHERE mine.operator_id = :operator_id"
        " AND NOT (mine.retired OR other.retired OR why.retired OR theirs.retired)"
        " ORDER BY other.operator_id"
    )
    return list(tx.execute(query, {"operator_id": operator_id}).scalars())
