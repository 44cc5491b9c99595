"""Counting: what an open house does about the count once an hour and once a day, and on demand.

Hourly, whom no backup holds any more leaves the upper number, lines are looked at, and what has changed since a filing
is noted. Daily, the kept count is compared with what is stored, and the statement goes on record and so into the log.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from countenance.filing.changes import note_changes
from countenance.filing.raising import look
from countenance.filing.signals import RETURNING_DAYS
from countenance.filing.statement import statement
from countenance.law.pack import Packs
from countenance.operations.parts import House
from countenance.record import Entry, append
from countenance.store import persons
from countenance.store.database import Database
from countenance.store.gathering import PLACE

_log = logging.getLogger("countenance.operations")

#: The days that a daily statement on record holds: yesterday, and what of today there is.
_ON_RECORD: Final = 1


@dataclass(frozen=True, slots=True)
class Counted:
    """How many persons were kept as counted, and how many are stored: at one instant, and while others went on."""

    kept: int
    stored: int

    @property
    def agrees(self) -> bool:
        """Return whether the two are the same."""
        return self.kept == self.stored


def settle(house: House, operator_id: str) -> None:
    """Bring the count to this hour, and once a day check it and state it."""
    at = house.clock()
    today = at.astimezone(PLACE).date()
    with house.database.transaction() as tx:
        persons.hold(tx, operator_id)
        persons.age(tx, operator_id, at, today - timedelta(days=RETURNING_DAYS))
        now = persons.figures(tx, operator_id)
        persons.mark_day(tx, operator_id, today, now)
        changed = note_changes(tx, house.packs, operator_id, at)
        raised = look(tx, house.packs, operator_id, at)
    for _ in (*changed, *raised):
        house.count("filing", "raised")
    if now.stated_on != today:
        count(house, operator_id)
        state(house.database, house.packs, operator_id, at)


def count(house: House, operator_id: str) -> Counted:
    """Compare the kept count with what is stored in an open house, and count how that went."""
    found = check_count(house.database, house.packs, operator_id, house.clock())
    house.count("count", "agrees" if found.agrees else "differs")
    return found


def check_count(database: Database, packs: Packs, operator_id: str, at: datetime) -> Counted:
    """Compare the kept count with what is stored, at one instant and holding nobody up; a difference is an alarm.

    The kept count is then brought to what is stored, on record, and the officer sees it as a signal.
    """
    with database.snapshot() as tx:
        then = persons.figures(tx, operator_id)
        found = Counted(then.persons, persons.counted(tx, operator_id))
    if found.agrees:
        return found
    _log.error("count_differs", extra={"operator": operator_id, "kept": found.kept, "stored": found.stored})
    with database.transaction() as tx:
        now = persons.hold(tx, operator_id)
        if now.differed_at != then.differed_at:  # another server has mended the same difference meanwhile
            return found
        mended = max(0, now.persons + found.stored - found.kept)  # whoever came or left meanwhile is counted already
        highest = max(now.highest, mended)
        persons.change(
            tx, operator_id, persons=mended, highest=highest, highest_ever=max(now.highest_ever, mended),
            differed_at=at, next_mark=None,
        )  # fmt: skip
        said = {"kept": found.kept, "stored": found.stored}
        append(tx, Entry(operator_id=operator_id, at=at, kind="count", outcome="differs", by="server", details=said))
        look(tx, packs, operator_id, at)
    return found


def state(database: Database, packs: Packs, operator_id: str, at: datetime) -> UUID:
    """Put the statement of a day on record, and so into the log, unless it is there; return the record's id."""
    today = at.astimezone(PLACE).date()
    with database.snapshot() as tx:
        now = persons.figures(tx, operator_id)
        if now.stated_on == today and now.stated_record is not None:
            return now.stated_record
        said: dict[str, Any] = statement(tx, packs, operator_id, at, days=_ON_RECORD)
    with database.transaction() as tx:
        now = persons.hold(tx, operator_id)
        if now.stated_on == today and now.stated_record is not None:  # another server was first
            return now.stated_record
        entry = Entry(operator_id=operator_id, at=at, kind="statement", outcome="stated", by="server", details=said)
        record_id = append(tx, entry).record_id
        persons.change(tx, operator_id, stated_on=today, stated_record=record_id)
        return record_id
