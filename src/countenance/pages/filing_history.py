"""What became of the duty to file: duties raised, acts filed, changes noticed, warnings, reminders and their ends."""

from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response

from countenance.answer import Text
from countenance.filing.clock_words import WORDS, ClockKind
from countenance.filing.documents.changes import part_words
from countenance.filing.documents.words import word
from countenance.pages.door import Page, Session, Visit
from countenance.store import filings, reminders
from countenance.store.filings import Act, Change
from countenance.store.reminders import Reminder

_REMINDERS_MAX: Final = 200
_SHORT: Final = 8


@dataclass(frozen=True, slots=True)
class ShownAct:
    """Something that was filed, in words."""

    row: Act
    kind: Text


@dataclass(frozen=True, slots=True)
class ShownChange:
    """Something that was noticed after a filing, in words."""

    row: Change
    kind: Text
    parts: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class ShownReminder:
    """A reminder by one way, and what it was about."""

    row: Reminder
    what: Text


async def history(visit: Visit) -> Response:
    """Show all of it, the newest first."""
    operator_id = visit.caller.operator_id

    def act() -> dict[str, Any]:
        with visit.house.database.reading() as tx:
            held = filings.held(tx, operator_id)
            return {
                "raised": [row for row in held.by_pack.values() if row.raised_at is not None],
                "acts": [ShownAct(row, word(row.kind)) for row in reversed(filings.acts(tx, operator_id))],
                "changes": [_change(row) for row in reversed(filings.changes(tx, operator_id))],
                "warnings": filings.warnings(tx, operator_id)[::-1],
                "reminders": [_reminder(row) for row in reminders.listed(tx, operator_id, _REMINDERS_MAX)],
            }

    return visit.show("filing_history.html", **await visit.work(act))


def _change(row: Change) -> ShownChange:
    return ShownChange(row, word(row.kind), tuple(map(part_words, row.fields)))


def _reminder(row: Reminder) -> ShownReminder:
    """Return a reminder with the words of its clock; what is known by an identifier is named by its beginning."""
    about = row.about[:_SHORT] if len(row.about) > _SHORT and row.kind in _BY_ID else row.about
    what, _ = WORDS[ClockKind(row.kind)].said(row.about, Text(about, about), over=False)
    return ShownReminder(row, what)


_BY_ID: Final = (ClockKind.REQUEST, ClockKind.AUTHORISATION)
PAGES = (Page(method="GET", path="/console/filing/history", endpoint=history, who=Session.STAFF),)
