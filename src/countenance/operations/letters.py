"""What a reminder says, in both languages and for machines; about people it says nothing."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, uuid4, uuid5

from countenance.answer import Text
from countenance.filing.clock_words import UNNAMED
from countenance.filing.clocks import Clock, ClockState
from countenance.operations.ways import Letter
from countenance.store.reminders import Reminder

#: The format of the body that is posted.
FORMAT: Final = 1
_PROVISIONAL: Final = Text(
    " (provisional: the earliest possible day, as the holidays of that year are not announced yet)",
    "（暂定：该年放假安排尚未公布，此为最早可能日期）",
)


def letter(operator_id: str, told: Sequence[tuple[Reminder, Clock]], console_url: str, at: datetime) -> Letter:
    """Return what is sent about these clocks; sent again about the same, it has the same id."""
    letter_id = str(uuid5(NAMESPACE_OID, ",".join(sorted(str(held.reminder_id) for held, _ in told))))
    said = {
        "format": FORMAT,
        "id": letter_id,
        "test": False,
        "operator": operator_id,
        "at": at.isoformat(),
        "console": console_url,
        "reminders": [_as_json(held, clock) for held, clock in told],
    }
    return Letter(letter_id, _subject([clock for _, clock in told]), _text(operator_id, told, console_url), _body(said))


def trial(operator_id: str, console_url: str, at: datetime) -> Letter:
    """Return a letter that reminds of nothing, to see whether it comes."""
    letter_id = str(uuid4())
    said = {
        "format": FORMAT,
        "id": letter_id,
        "test": True,
        "operator": operator_id,
        "at": at.isoformat(),
        "console": console_url,
        "reminders": [],
    }
    text = (
        f"A test: reminders of {operator_id} come this way.\n\n这是一封测试信：{operator_id} 的期限提醒将经此发送。\n"
    )
    return Letter(letter_id, "Countenance: test · 测试", text, _body(said))


def left(clock: Clock) -> Text:
    """Return how long a clock still runs, in words."""
    if clock.state is ClockState.OVER:
        return Text("overdue", "已逾期")
    days = clock.working_days_left
    return Text(f"{days} working day{'' if days == 1 else 's'} left", f"剩 {days} 个工作日")


def about(clock: Clock) -> str | None:
    """Return what a clock is about as it may be told outside, None where that is known by an identifier."""
    return None if clock.kind in UNNAMED else clock.about or None


def _subject(clocks: Sequence[Clock]) -> str:
    if len(clocks) == 1:
        (clock,), ends = clocks, left(clocks[0])
        return f"Countenance: {clock.what.en}: {ends.en} · {clock.what.zh}：{ends.zh}"
    over = sum(clock.state is ClockState.OVER for clock in clocks)
    en, zh = (f", {over} overdue", f"，{over} 项已逾期") if over else ("", "")
    return f"Countenance: {len(clocks)} deadlines{en} · {len(clocks)} 项期限{zh}"


def _text(operator_id: str, told: Sequence[tuple[Reminder, Clock]], console_url: str) -> str:
    en, zh = [f"Deadlines of {operator_id}"], [f"{operator_id} 的期限"]
    for _, clock in told:
        ends, note = left(clock), _PROVISIONAL if clock.provisional else Text("", "")
        en.append(f"{clock.what.en}\nLast day: {clock.last_day}{note.en}; {ends.en}.\n{clock.then.en}")
        zh.append(f"{clock.what.zh}\n截止日：{clock.last_day}{note.zh}；{ends.zh}。\n{clock.then.zh}")
    where = [console_url] if console_url else []
    return "\n\n".join([*en, *zh, *where]) + "\n"


def _as_json(held: Reminder, clock: Clock) -> dict[str, Any]:
    return {
        "id": str(held.reminder_id),
        "kind": clock.kind.value,
        "about": about(clock),
        "starts_on": None if clock.starts_on is None else clock.starts_on.isoformat(),
        "last_day": clock.last_day.isoformat(),
        "provisional": clock.provisional,
        "days_left": clock.days_left,
        "working_days_left": clock.working_days_left,
        "step": held.step,
        "state": clock.state.value,
        "what": {"en": clock.what.en, "zh": clock.what.zh},
        "then": {"en": clock.then.en, "zh": clock.then.zh},
    }


def _body(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
