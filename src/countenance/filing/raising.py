"""Looks at the lines: raises what is reached, warns of what is near, and notes when to look again.

Far from every line nobody looks: the count carries the number at which somebody has to, and that number is good until
the local day ends, because a pack can come into force with the next one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from countenance.filing.calendar import deadline
from countenance.filing.lines import LINE, Line, lines
from countenance.law.pack import Pack
from countenance.record import Entry, append
from countenance.store import activations, filings, persons
from countenance.store.database import Transaction
from countenance.store.filings import Stock
from countenance.store.gathering import PLACE


def count_arrival(
    tx: Transaction, packs: Iterable[Pack], operator_id: str, subject_id: UUID, at: datetime
) -> list[str]:
    """Count a subject of whom something was stored just now, and look where the count says so; the last step of all."""
    now = persons.arrive(tx, operator_id, subject_id, at.astimezone(PLACE).date(), at)
    return [] if now is None or not now.unlooked(at) else look(tx, packs, operator_id, at)


def look(tx: Transaction, packs: Iterable[Pack], operator_id: str, at: datetime) -> list[str]:
    """Raise each duty whose line is reached and that was neither raised nor met, warn, and note when to look again.

    It returns the packs whose duty was raised, and holds the operator's count until the transaction ends.
    """
    now = persons.hold(tx, operator_id)
    stock = filings.stock(tx, operator_id)
    held = filings.held(tx, operator_id)
    over = at_rest(tx, operator_id)
    raised, marks, near = list[str](), list[int](), False
    for pack, line in lines(packs, at):
        row = held.of(pack.name)
        waits = row.raised_at is None and pack.name not in over
        if waits and _raise(tx, pack, line, operator_id, stock, at, filed=row.filed) and not row.filed:
            raised.append(pack.name)
        shares = line.marks()
        reached = [percent for percent, number in shares.items() if percent < LINE and now.upper >= number]
        _warn(tx, pack, operator_id, reached, stock, at)
        marks += [number for number in shares.values() if number > now.upper]
        near = near or line.near(now.upper)
    tomorrow = at.astimezone(PLACE).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    # Without a mark ahead the next look is tomorrow's; no count reaches this one.
    ahead = min(marks, default=2**31 - 1)
    persons.change(tx, operator_id, next_mark=ahead, looked_until=tomorrow, near=near)
    return raised


def at_rest(tx: Transaction, operator_id: str) -> frozenset[str]:
    """Return the packs that were deregistered where use has not begun again: what is left is not filed anew."""
    ended = filings.deregistered(tx, operator_id)
    return frozenset(ended) if ended and not activations.active(tx, operator_id) else frozenset()


def _raise(
    tx: Transaction, pack: Pack, line: Line, operator_id: str, stock: Stock, at: datetime, *, filed: bool
) -> bool:
    """Write down that a line is reached, and return whether that is new; who has filed already has that on file too."""
    cause = line.reached(stock)
    if cause is None or not filings.add_duty(tx, operator_id, pack.name, at, cause, stock.persons):
        return False
    ends = deadline(pack.day(at), line.working_days)
    said: dict[str, Any] = {
        "pack": pack.name,
        "cause": cause.value,
        "persons": stock.persons,
        "upper": stock.upper,
        "public_devices": stock.public_devices,
        "deadline": ends.day.isoformat(),
        "provisional": ends.provisional,
    }
    append(
        tx,
        Entry(
            operator_id=operator_id,
            at=at,
            kind="filing",
            outcome="reached" if filed else "raised",
            by="server",
            details=said,
        ),
    )
    return True


def _warn(tx: Transaction, pack: Pack, operator_id: str, reached: list[int], stock: Stock, at: datetime) -> None:
    fresh = filings.add_warnings(tx, operator_id, pack.name, reached, at, stock.upper)
    if fresh:  # the highest says it: who passes two at once, as by a restore, is warned once
        said = {"pack": pack.name, "percent": fresh[-1], "persons": stock.persons, "upper": stock.upper}
        append(tx, Entry(operator_id=operator_id, at=at, kind="filing", outcome="near", by="server", details=said))
