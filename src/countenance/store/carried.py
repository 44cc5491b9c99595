"""What is known of counts and filings goes through a restore: it brings persons back, and unmakes nothing."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from countenance.store import persons
from countenance.store.count_tables import count_warning, departure, departure_token, person_count, person_day
from countenance.store.database import Transaction
from countenance.store.exchange_tables import enclosed, exchanged, group_key, paired_authority
from countenance.store.filing_tables import filing_act, filing_change, filing_duty

#: What a restored backup must not set back: who was counted once was counted.
_NUMBERED: Final = {"number", "sequence"}
_AS_KNOWN: Final = (
    person_day,
    departure_token,
    count_warning,
    filing_duty,
    filing_act,
    filing_change,
    paired_authority,
    group_key,
    exchanged,
    enclosed,
)
#: By what a row is known where its key is a number.
_KNOWN_BY: Final = {exchanged.name: ["operator_id", "message_id"]}
_STAYS: Final = (person_count, departure, *_AS_KNOWN)


def carried(tx: Transaction) -> dict[str, list[dict[str, Any]]]:
    """Return what is known of counts and filings now, for `carry` to add to what a backup knew of them."""
    return {table.name: [dict(row) for row in tx.execute(select(*table.columns)).mappings()] for table in _STAYS}


def carry(tx: Transaction, known: Mapping[str, Sequence[Mapping[str, Any]]], operators: Collection[str]) -> None:
    """Add what was known before a backup was put back: duties, acts, days and peaks of after it stay.

    Of an operator that the backup does not have nothing can stay.
    """
    for table in _AS_KNOWN:
        keys = _KNOWN_BY.get(table.name) or [column.name for column in table.primary_key]
        for row in known.get(table.name, ()):
            if row["operator_id"] not in operators:
                continue
            given = {name: value for name, value in row.items() if name not in _NUMBERED}
            fresh = insert(table).values(given)
            rest = {name: fresh.excluded[name] for name in given if name not in keys}
            tx.execute(fresh.on_conflict_do_update(index_elements=keys, set_=rest))
    tx.execute(_ARRIVED)
    _carry_departures(tx, known.get(departure.name, ()), operators)
    for row in known.get(person_count.name, ()):
        if row["operator_id"] in operators:
            now = persons.hold(tx, row["operator_id"])
            persons.change(
                tx,
                row["operator_id"],
                highest=max(row["highest"], now.persons),
                highest_ever=max(row["highest_ever"], now.highest_ever),
                cumulative=max(row["cumulative"], now.cumulative),
                backups_until=max(
                    (each for each in (row["backups_until"], persons.backups_until(tx, row["operator_id"])) if each),
                    default=None,
                ),
            )


#: What has arrived since the backup need not be kept here any more.
_ARRIVED: Final = text(
    "DELETE FROM enclosed USING exchanged WHERE exchanged.operator_id = enclosed.operator_id"
    " AND exchanged.message_id = enclosed.message_id"
    " AND (exchanged.receipted_at IS NOT NULL OR exchanged.refused IS NOT NULL)"
)


def _carry_departures(tx: Transaction, known: Sequence[Mapping[str, Any]], operators: Collection[str]) -> None:
    """Add who left that the backup does not know of; their numbers are given anew."""
    there = {tuple(row) for row in tx.execute(select(departure.c.operator_id, departure.c.subject_id, departure.c.at))}
    for row in known:
        if row["operator_id"] in operators and (row["operator_id"], row["subject_id"], row["at"]) not in there:
            tx.execute(departure.insert().values({name: row[name] for name in row if name not in _NUMBERED}))


#: Who is stored again is no longer one whom only a backup holds.
_BACK: Final = text(
    "UPDATE departure SET held_until = NULL WHERE operator_id = :operator_id AND held_until IS NOT NULL AND subject_id"
    " IN (SELECT subject_id FROM subject_key WHERE operator_id = :operator_id"
    " UNION SELECT subject_id FROM original WHERE operator_id = :operator_id)"
)


def recount(tx: Transaction, operator_id: str, at: datetime) -> persons.Figures:
    """Set the count to what is stored, after a restore, and let the lines be looked at again; return the count."""
    persons.hold(tx, operator_id)
    now = persons.counted(tx, operator_id)
    tx.execute(_BACK, {"operator_id": operator_id})
    held = select(func.count(func.distinct(departure.c.subject_id))).where(
        departure.c.operator_id == operator_id, departure.c.held_until.is_not(None)
    )
    tx.execute(
        person_count.update()
        .where(person_count.c.operator_id == operator_id)
        .values(
            persons=now,
            in_backups=held.scalar_subquery(),
            highest=func.greatest(person_count.c.highest, now),
            highest_ever=func.greatest(person_count.c.highest_ever, now),
            next_mark=None,
            restored_at=at,
        )
    )
    return persons.figures(tx, operator_id)
