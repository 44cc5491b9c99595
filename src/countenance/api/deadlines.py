"""GET /v1/filing/deadlines: every clock that runs, what it runs for and what to do next; and who was reminded."""

from datetime import date, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import Field

from countenance.answer import Text
from countenance.api.door import Calling, Route
from countenance.api.wire import Shown
from countenance.filing.clock_words import ClockKind
from countenance.filing.clocks import Clock, ClockState, Terms, clocks
from countenance.store import reminders
from countenance.store.reminders import Reminder
from countenance.vocabulary import Role

#: So many of the newest reminders are shown.
REMINDERS_MAX: Final = 100


class BothLanguages(Shown):
    """One sentence in English and in Chinese."""

    en: str
    zh: str

    @classmethod
    def of(cls, text: Text) -> "BothLanguages":
        """Return what is shown of a text."""
        return cls(en=text.en, zh=text.zh)


class DeadlineShown(Shown):
    """One clock."""

    kind: ClockKind
    about: Annotated[str, Field(description="A pack, purpose, device, request or authorisation; empty: the operator.")]
    starts_on: date | None
    last_day: date
    until: Annotated[datetime | None, Field(description="The instant, where it ends within its last day.")]
    provisional: Annotated[
        bool,
        Field(description="Whether the day is the earliest possible, as a year's holidays are not announced yet."),
    ]
    days_left: Annotated[int, Field(description="Below zero when the last day has passed.")]
    working_days_left: Annotated[int, Field(description="After today, up to and with the last day.")]
    state: ClockState
    what: BothLanguages
    then: Annotated[BothLanguages, Field(description="What to do next.")]

    @classmethod
    def of(cls, clock: Clock) -> "DeadlineShown":
        """Return what is shown of a clock."""
        return cls(
            kind=clock.kind,
            about=clock.about,
            starts_on=clock.starts_on,
            last_day=clock.last_day,
            until=clock.until,
            provisional=clock.provisional,
            days_left=clock.days_left,
            working_days_left=clock.working_days_left,
            state=clock.state,
            what=BothLanguages.of(clock.what),
            then=BothLanguages.of(clock.then),
        )


class ReminderShown(Shown):
    """One reminder by one way, and what became of it."""

    reminder: UUID
    kind: str
    about: str
    last_day: date
    step: Annotated[int, Field(description="Working days before the last day at which it was due; 0: after it.")]
    way: str
    due_at: datetime
    sent_at: Annotated[datetime | None, Field(description="Null until it was sent.")]
    next_at: Annotated[datetime | None, Field(description="When it is tried next; null: sent, or needed no longer.")]
    tries: int
    trouble: Annotated[str | None, Field(description="What kept it from being sent the last time.")]

    @classmethod
    def of(cls, held: Reminder) -> "ReminderShown":
        """Return what is shown of a reminder."""
        return cls(
            reminder=held.reminder_id,
            kind=held.kind,
            about=held.about,
            last_day=held.last_day,
            step=held.step,
            way=held.way,
            due_at=held.due_at,
            sent_at=held.sent_at,
            next_at=held.next_at,
            tries=held.tries,
            trouble=held.trouble,
        )


class DeadlinesAnswer(Shown):
    """Every clock of the operator: over first, then by their last day, met last; and the newest reminders."""

    deadlines: list[DeadlineShown]
    reminders: list[ReminderShown]


async def deadlines(call: Calling) -> DeadlinesAnswer:
    """Say what ends when, what to do next, and which reminders went out or wait."""

    def act() -> DeadlinesAnswer:
        house, operator_id = call.house, call.caller.operator_id
        terms = Terms(house.backup_days, call.door.settings.audit_months)
        with house.database.reading() as tx:
            found = clocks(tx, house.packs, operator_id, house.clock(), terms)
            held = reminders.listed(tx, operator_id, REMINDERS_MAX)
        return DeadlinesAnswer(
            deadlines=[DeadlineShown.of(each) for each in found], reminders=[ReminderShown.of(each) for each in held]
        )

    return await call.work(act)


ROUTES = (
    Route(
        method="GET",
        path="/v1/filing/deadlines",
        endpoint=deadlines,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="filing",
        answer=DeadlinesAnswer,
        example={
            "deadlines": [
                {
                    "kind": "filing",
                    "about": "cn-2023-draft",
                    "starts_on": "2026-11-02",
                    "last_day": "2026-12-14",
                    "until": None,
                    "provisional": False,
                    "days_left": 18,
                    "working_days_left": 12,
                    "state": "running",
                    "what": {"en": "The filing under cn-2023-draft", "zh": "依 cn-2023-draft 备案"},
                    "then": {
                        "en": "File by the last day, best five working days earlier: countenance filing send.",
                        "zh": "请在截止日前备案，宜提前五个工作日：countenance filing send。",
                    },
                }
            ],
            "reminders": [
                {
                    "reminder": "0b8a7c6e-1a52-4c8b-9c57-0c1f4f0c5a11",
                    "kind": "filing",
                    "about": "cn-2023-draft",
                    "last_day": "2026-12-14",
                    "step": 20,
                    "way": "mail",
                    "due_at": "2026-11-16T02:00:00Z",
                    "sent_at": "2026-11-16T02:00:01Z",
                    "next_at": None,
                    "tries": 1,
                    "trouble": None,
                }
            ],
        },
    ),
)
