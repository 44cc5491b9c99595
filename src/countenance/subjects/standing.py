"""Where a subject's consents stand: for each purpose a fold over the ordered list of what was said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from countenance.store.subjects import ConsentEvent
from countenance.vocabulary import ConsentState


@dataclass(frozen=True, slots=True)
class Standing:
    """The consent to one purpose at an instant, and the event that made it so."""

    purpose: str
    state: ConsentState
    event: ConsentEvent
    notice_current: bool


def standings(events: Sequence[ConsentEvent], newest: Mapping[str, int], at: datetime) -> list[Standing]:
    """Return where each purpose stands; `newest` holds the version of each notice that is in force.

    The last thing said counts, whatever came before: a new yes replaces an earlier one with all its scopes, and reaches
    no further than it says itself.
    """
    last = {event.purpose: event for event in events}
    return [
        Standing(purpose, state_of(event, at), event, event.notice_version == newest.get(purpose, 0))
        for purpose, event in sorted(last.items())
    ]


def state_of(event: ConsentEvent, at: datetime) -> ConsentState:
    """Return the state that the last thing said makes."""
    if event.kind == ConsentState.GIVEN and event.expires_at is not None and event.expires_at <= at:
        return ConsentState.EXPIRED
    return ConsentState(event.kind)
