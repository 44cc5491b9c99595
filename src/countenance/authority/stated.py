"""Reads a statement as an operator's server makes it: what is counted on is checked, the rest is kept as said."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from countenance.authority.seen import Counted, Duty, Stated
from countenance.errors import MalformedError
from countenance.filing.plain import Count
from countenance.store.register.figures import StatedRow

#: No statement says more of these.
LISTED_MAX: Final = 64
#: The kind of the record by which a statement enters the log.
RECORD_KIND: Final = "statement"
_RECORD_CHARS_MAX: Final = 1 << 15
#: No day that is stated or filed is earlier, or so much later than today.
DAYS_FROM: Final = date(2020, 1, 1)
DAYS_AHEAD: Final = timedelta(days=2 * 366)

Number = Count


class _Loose(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class StatedPersons(_Loose):
    """The count, as it is stated; `highest_ever` is of all time, `highest` since the last filing."""

    lower: Number
    upper: Number
    highest: Number
    cumulative: Number
    highest_ever: Number | None = None

    @property
    def top(self) -> int:
        """Return the highest count that is stated of any time."""
        return max(self.upper, self.highest, self.highest_ever or 0)


class StatedDuty(_Loose):
    """A duty to file, as it is stated: which act it demands; one that nobody can tell has no state."""

    pack: Annotated[str, Field(min_length=1, max_length=64)]
    state: Annotated[str | None, Field(max_length=32)] = None
    demands: Annotated[str | None, Field(max_length=32)] = None
    percent: Number | None = None
    raised_on: date | None = None
    deadline: date | None = None


class Statement(_Loose):
    """What has to stand in a statement; `record` is the text of the day's record of it, whose digest is in the log."""

    day: date
    persons: StatedPersons
    duties: Annotated[tuple[StatedDuty, ...], Field(max_length=LISTED_MAX)] = ()
    signals: Annotated[tuple[dict[str, Any], ...], Field(max_length=LISTED_MAX)] = ()
    record: Annotated[str | None, Field(max_length=_RECORD_CHARS_MAX)] = None


class _Details(_Loose):
    day: date
    persons: StatedPersons


class _Record(_Loose):
    kind: str
    at: datetime
    details: _Details


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A statement as it stands on the operator's record: the digest that the log has of it, its day and its count."""

    digest: str
    day: date
    persons: StatedPersons


def read_statement(said: Mapping[str, Any]) -> Statement:
    """Return what a statement says; raises MalformedError where a day, the persons or a list cannot be read."""
    try:
        found = Statement.model_validate(dict(said))
    except ValidationError as error:
        raise MalformedError(
            "The statement has no day, or no persons with both bounds. Send it as countenance filing statement "
            "makes it.",
            "统计声明缺少日期或人数上下限。请按 countenance filing statement 的格式发送。",
        ) from error
    if found.persons.lower > found.persons.upper:
        raise MalformedError("The lower bound is above the upper one.", "人数下限高于上限。")
    return found


def check_days(today: date, *days: date | None) -> None:
    """Raise MalformedError for a day of another time: deadlines are counted from days, and calendars end."""
    if not all(day is None or DAYS_FROM <= day <= today + DAYS_AHEAD for day in days):
        raise not_that_day()


def not_that_day() -> MalformedError:
    """Return why a day is not taken."""
    return MalformedError(
        "A day lies too far back or ahead. Check the day and the server's clock, then send it again.",
        "日期过早或过晚。请检查日期与服务器时钟后重新发送。",
    )


def on_record(said: Statement) -> OnRecord | None:
    """Return the record that a statement encloses, None where it encloses none or something else."""
    if said.record is None:
        return None
    try:
        found = _Record.model_validate(json.loads(said.record))
    except (ValidationError, ValueError, RecursionError):
        return None
    if found.kind != RECORD_KIND:
        return None
    return OnRecord(sha256(said.record.encode()).hexdigest(), found.details.day, found.details.persons)


def stated_of(row: StatedRow) -> Stated:
    """Return a statement on file as a clerk sees it."""
    said = read_statement(row.said)
    return Stated(
        day=row.day,
        at=row.at,
        counted=Counted(row.lower, row.upper, row.highest, row.cumulative),
        percent={each.pack: each.percent for each in said.duties if each.percent is not None},
        signals=said.signals,
        duties=tuple(Duty(each.pack, each.state, each.raised_on, each.deadline) for each in said.duties),
        message_id=row.message_id.hex(),
    )
