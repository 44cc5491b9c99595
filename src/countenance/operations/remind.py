"""Remind: tell of each clock that is due by every way that is set, once; what does not go out is tried again.

A reminder is written down by the transaction that claims it, so of two servers one sends. What is claimed and cut off
waits for its pause and is sent then: at least once, under the same id, and never lost.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from countenance.filing.clocks import Clock, clocks
from countenance.operations.letters import letter, trial
from countenance.operations.line import Trouble
from countenance.operations.parts import House
from countenance.operations.ways import Ways, deliver, named
from countenance.record import Entry, append
from countenance.store import records, reminders
from countenance.store.database import Database, Transaction
from countenance.store.reminders import Key, Reminder

_log = logging.getLogger("countenance.operations")

#: One letter tells of so many clocks at most, and one round sends so many letters by each way.
CLOCKS_MAX: Final = 200
LETTERS_MAX: Final = 5
#: For so long the table still shows a reminder; the records show it for ever.
KEPT: Final = timedelta(days=400)
CONSOLE: Final = "console"


def remind(house: House, operator_id: str, ways: Ways) -> int:
    """Send what is due and waits, and return how many reminders went out; nothing is sent by a clock set back.

    Raises UnavailableError where the database does not answer; what another side does wrong is kept, and tried again.
    """
    at = house.clock()
    with house.database.transaction() as tx:
        newest = records.newest_at(tx, operator_id)
        if newest is not None and newest - at > timedelta(seconds=house.clock_backward_seconds_max):
            return 0
        due = _due(clocks(tx, house.packs, operator_id, at, ways.terms, kept=False))
        reminders.raise_due(
            tx, operator_id, [(key, clock.provisional) for key, clock in sorted(due.items())], named(ways), at
        )
        reminders.drop(tx, operator_id, due.keys())
        reminders.let_go(tx, operator_id, at - KEPT)
        shown = reminders.claim(tx, operator_id, CONSOLE, at, CLOCKS_MAX * LETTERS_MAX)
        _settle(tx, operator_id, CONSOLE, shown, at, None)
    return len(shown) + sum(_send_all(house, operator_id, ways, way, due) for way in named(ways) if way != CONSOLE)


def _due(found: Sequence[Clock]) -> dict[Key, Clock]:
    """Return the clocks of which a reminder is due, by what is kept of it."""
    return {
        (clock.kind.value, clock.about, clock.last_day, clock.step): clock for clock in found if clock.step is not None
    }


def _send_all(house: House, operator_id: str, ways: Ways, way: str, due: Mapping[Key, Clock]) -> int:
    """Send letter after letter until nothing waits for a way, or one does not go out; return of how many clocks."""
    sent = 0
    for _ in range(LETTERS_MAX):
        told = _send(house, operator_id, ways, way, due)
        if not told:
            break
        sent += told
    return sent


def _send(house: House, operator_id: str, ways: Ways, way: str, due: Mapping[Key, Clock]) -> int:
    """Send one letter about what waits for a way, and return of how many clocks it told."""
    at = house.clock()
    with house.database.transaction() as tx:
        claimed = reminders.claim(tx, operator_id, way, at, CLOCKS_MAX)
    told = [(held, due[held.key]) for held in claimed if held.key in due]  # another server's may be none of these
    if not told:
        return 0
    trouble = deliver(ways, way, letter(operator_id, told, ways.console_url, at), at)
    held = [each for each, _ in told]
    with house.database.transaction() as tx:
        _settle(tx, operator_id, way, held, house.clock(), trouble)
    house.count("reminder", "sent" if trouble is None else "failed")
    if trouble is not None:
        _log.warning("not_reminded", extra={"way": way, "kind": trouble.value, "operator": operator_id})
        return 0
    return len(told)


def _settle(
    tx: Transaction, operator_id: str, way: str, held: Sequence[Reminder], at: datetime, trouble: Trouble | None
) -> None:
    """Write down what became of reminders, and record it."""
    if not held:
        return
    reminders.settle(tx, operator_id, held, at, None if trouble is None else trouble.value)
    told = [
        {"kind": each.kind, "about": each.about, "last_day": each.last_day.isoformat(), "step": each.step,
         "provisional": each.provisional}
        for each in held
    ]  # fmt: skip
    said: dict[str, Any] = {"way": way, "reminders": told, "tries": max(each.tries for each in held)}
    if trouble is not None:
        said["trouble"] = trouble.value
    outcome = "sent" if trouble is None else "failed"
    append(tx, Entry(operator_id=operator_id, at=at, kind="reminder", outcome=outcome, by="server", details=said))


def send_trial(database: Database, operator_id: str, ways: Ways, by: str, at: datetime) -> dict[str, Trouble | None]:
    """Send one test by each way that is set, record that, and return what kept each from being sent."""
    told = trial(operator_id, ways.console_url, at)
    done = {way: deliver(ways, way, told, at) for way in named(ways) if way != CONSOLE}
    said = {way: "sent" if trouble is None else trouble.value for way, trouble in done.items()}
    if done:
        with database.transaction() as tx:
            entry = Entry(operator_id=operator_id, at=at, kind="reminder", outcome="tested", by=by, details=said)
            append(tx, entry)
    return done
