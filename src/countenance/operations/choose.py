"""Choose: write down which way somebody was served, how long it took and in how many steps; never who it was."""

from dataclasses import dataclass
from typing import Any, Final

from countenance.errors import LimitError, MalformedError, NotFoundError
from countenance.operations.once import Once, Repeated, keep, repeated
from countenance.operations.parts import Caller, House
from countenance.store import choices
from countenance.vocabulary import Way

#: What takes longer is a screen that was forgotten, and no measurement.
SECONDS_MAX: Final = 2 * 60 * 60
STEPS_MAX: Final = 100
#: One in six seconds: more than a device can serve, and few enough that nobody bends the figures by flooding.
CHOICES_PER_HOUR_MAX: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How one session ended: the way, and what of it was measured. A device leaves its venue out, an officer cannot."""

    purpose: str
    way: Way
    venue: str | None = None
    seconds: int | None = None
    steps: int | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice is written down, for this venue."""

    venue: str
    purpose: str
    way: Way

    def as_json(self) -> dict[str, Any]:
        """Return the answer; it holds nothing personal."""
        return {"venue": self.venue, "purpose": self.purpose, "way": self.way.value}


def choose(house: House, caller: Caller, choice: Choice, once: Once | None = None) -> Chosen | Repeated:
    """Write one choice down, in the venue where the caller's device stands or that an officer names.

    Raises MalformedError for numbers out of range and for an officer who names no venue, NotFoundError for a venue or
    purpose that is not on file or not the device's, LimitError for more than can be true in an hour, ConflictError when
    the key of `once` came with another request.
    """
    _check(caller, choice)
    at = house.clock()
    hour = at.replace(minute=0, second=0, microsecond=0)
    with house.database.transaction() as tx:
        if before := repeated(tx, house, caller, once):
            return before
        venue = choices.venue_of(
            tx, caller.operator_id, choice.purpose, venue_id=choice.venue, device_id=caller.device_id
        )
        if venue is None:
            raise NotFoundError(
                "No such venue or purpose is on file here. See GET /v1/venues and GET /v1/purposes.",
                "此处未登记该经营场所或处理目的。请查看 GET /v1/venues 与 GET /v1/purposes。",
            )
        if choices.written(tx, caller.operator_id, venue, caller.device_id, hour) >= CHOICES_PER_HOUR_MAX:
            raise LimitError(
                "More choices came in this hour than there can be guests. Send each session once; go on next hour.",
                "本小时内上报的选择次数过多。每次会话请仅上报一次，并于下一小时继续。",
                limit="rate",
            )
        choices.add(
            tx,
            caller.operator_id,
            venue,
            choice.purpose,
            device_id=caller.device_id,
            hour=hour,
            way=choice.way,
            seconds=choice.seconds,
            steps=choice.steps,
        )
        chosen = Chosen(venue, choice.purpose, choice.way)
        keep(tx, house, caller, once, chosen.as_json(), at)
    house.count("choose", choice.way.value)
    return chosen


def _check(caller: Caller, choice: Choice) -> None:
    within = (choice.seconds is None or 0 <= choice.seconds <= SECONDS_MAX) and (
        choice.steps is None or 0 <= choice.steps <= STEPS_MAX
    )
    if not within:
        raise MalformedError(
            f"Seconds are 0 to {SECONDS_MAX} and steps 0 to {STEPS_MAX}. Leave out what was not measured.",
            f"秒数应为 0 至 {SECONDS_MAX}，步骤数应为 0 至 {STEPS_MAX}。未测量的请省略。",
        )
    if caller.device_id is None and choice.venue is None:
        raise MalformedError(
            "Name the venue: only a device's credential stands in one. See GET /v1/venues.",
            "请写明经营场所：只有设备凭证对应固定场所。请查看 GET /v1/venues。",
        )
