"""Signs that a line may be avoided: shown to the officer and the regulator with their numbers, and never a verdict.

Each has an innocent explanation: guests leave and come back, a group founds another hotel. So a signal names what was
seen and since when, refuses nothing, and goes away when it is no longer so (articles.md, section 10).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from countenance.answer import Text
from countenance.filing.lines import Line, lines
from countenance.law.pack import Pack
from countenance.store import filings, persons, siblings
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE
from countenance.store.persons import Day

#: A count that stays within this many per cent below a line for so many days.
LINGERING_PERCENT: Final = 5
LINGERING_DAYS: Final = 60
#: Of those who left near a line, so many of a line, in tenths of a per cent, that came back within the days after.
RETURNING_PERMILLE: Final = 5
RETURNING_DAYS: Final = 60
#: A member of the group that is first heard of so soon after a warning.
SIBLING_DAYS: Final = 30
#: A group's lower bound is told to so many persons.
ROUNDED: Final = 100
#: A restore, or a count that had to be corrected, is shown for so long.
SHOWN_DAYS: Final = 90


class SignalKind(StrEnum):
    """What was seen."""

    LINGERING = "lingering"
    RETURNING = "returning"
    SIBLING = "sibling"
    SPLIT = "split"
    RESTORED = "restored"
    DIFFERED = "differed"
    GROUP = "group"


#: What each means, for whoever reads it.
MEANS: Final[dict[SignalKind, Text]] = {
    SignalKind.LINGERING: Text(
        "The count has stayed just below a line for a long time.", "存储人数长期略低于备案标准。"
    ),
    SignalKind.RETURNING: Text(
        "Persons were deleted just below a line, and the same identifiers came back.",
        "略低于备案标准时删除的个人，其后以相同标识重新登记。",
    ),
    SignalKind.SIBLING: Text(
        "Another member of the group began soon after this one was warned.", "预警后不久，同一集团出现新的经营者。"
    ),
    SignalKind.SPLIT: Text(
        "Another operator here has the same purpose at the same venue.", "另一经营者在同一场所以相同目的处理人脸。"
    ),
    SignalKind.RESTORED: Text("A backup was restored.", "曾恢复备份。"),
    SignalKind.DIFFERED: Text(
        "The kept count differed from what is stored and was corrected.", "记录的人数与实际存储不符，已更正。"
    ),
    SignalKind.GROUP: Text(
        "The group's members together may hold as many persons as a line.", "集团各成员合计人数可能达到备案标准。"
    ),
}


@dataclass(frozen=True, slots=True)
class Signal:
    """One thing that was seen: since when, and the numbers; names of other operators are those of this server."""

    kind: SignalKind
    since: date
    said: dict[str, Any]

    @property
    def means(self) -> Text:
        """Return what it means."""
        return MEANS[self.kind]

    def as_json(self) -> dict[str, Any]:
        """Return the signal as a JSON object."""
        return {"kind": self.kind.value, "since": self.since.isoformat(), "said": self.said}


def signals(
    tx: Transaction, packs: Sequence[Pack], operator_id: str, at: datetime, group: "GroupBounds | None"
) -> list[Signal]:
    """Return what is seen now, under the lines that hold today; `group` are the bounds that `group_bounds` returned."""
    today, drawn = at.astimezone(PLACE).date(), [line for _, line in lines(packs, at)]
    now = persons.figures(tx, operator_id)
    days = persons.days(tx, operator_id, today - timedelta(days=2 * LINGERING_DAYS))
    found = [_lingering(days, line, today) for line in drawn]
    found += [_returning(tx, operator_id, drawn, at), *_siblings(tx, operator_id, at), *_split(tx, operator_id, today)]
    for kind, when in ((SignalKind.RESTORED, now.restored_at), (SignalKind.DIFFERED, now.differed_at)):
        if when is not None and at - when < timedelta(days=SHOWN_DAYS):
            found.append(Signal(kind, when.astimezone(PLACE).date(), {}))
    found += [_group(group, line, today) for line in drawn]
    return [each for each in found if each is not None]


def _lingering(days: Sequence[Day], line: Line, today: date) -> Signal | None:
    """Return a signal where every day's count, a day without one being like the day before, lay just below a line."""
    if line.persons_from is None:
        return None
    least = -(-line.persons_from * (100 - LINGERING_PERCENT) // 100)
    since: date | None = None
    for each in days:
        inside = least <= each.upper < line.persons_from
        since = (since or each.day) if inside else None
    if since is None or (today - since).days < LINGERING_DAYS:
        return None
    return Signal(SignalKind.LINGERING, since, {"line": line.persons_from, "days": (today - since).days})


def _returning(tx: Transaction, operator_id: str, drawn: Sequence[Line], at: datetime) -> Signal | None:
    since = (at - timedelta(days=RETURNING_DAYS)).astimezone(PLACE).date()
    number = persons.returned(tx, operator_id, since)
    smallest = min((line.persons_from for line in drawn if line.persons_from is not None), default=None)
    if smallest is None or number * 1000 < smallest * RETURNING_PERMILLE:
        return None
    return Signal(SignalKind.RETURNING, since, {"persons": number, "days": RETURNING_DAYS})


def _siblings(tx: Transaction, operator_id: str, at: datetime) -> list[Signal]:
    warned = [when for _, _, when, _ in filings.warnings(tx, operator_id)]
    found = []
    for other, first in siblings.siblings(tx, operator_id).items():
        soon = first is not None and any(
            timedelta(0) <= first - when <= timedelta(days=SIBLING_DAYS) for when in warned
        )
        if first is not None and soon and at - first < timedelta(days=SHOWN_DAYS):
            found.append(Signal(SignalKind.SIBLING, first.astimezone(PLACE).date(), {"operator": other}))
    return found


def _split(tx: Transaction, operator_id: str, today: date) -> list[Signal]:
    return [Signal(SignalKind.SPLIT, today, {"operator": other}) for other in siblings.split(tx, operator_id)]


@dataclass(frozen=True, slots=True)
class GroupBounds:
    """How many persons the members of a group on this server hold together, at least and at most."""

    members: int
    lower: int
    upper: int


def group_bounds(tx: Transaction, operator_id: str) -> GroupBounds | None:
    """Return the bounds of an operator's group: different identifiers, and the plain sum; None without siblings here.

    Nobody's faces are compared. The lower bound is rounded down: an exact one would tell a member, who adds one person
    and looks again, whether another member has that person too.
    """
    members = [operator_id, *siblings.siblings(tx, operator_id)]
    if len(members) == 1:
        return None
    upper = sum(persons.figures(tx, each).upper for each in members)
    together = siblings.together(tx, members)
    return GroupBounds(len(members), together - together % ROUNDED, upper)


def _group(bounds: GroupBounds | None, line: Line, today: date) -> Signal | None:
    if bounds is None or line.persons_from is None or bounds.upper < line.persons_from:
        return None
    said = {"line": line.persons_from, "members": bounds.members, "lower": bounds.lower, "upper": bounds.upper}
    return Signal(SignalKind.GROUP, today, said)
