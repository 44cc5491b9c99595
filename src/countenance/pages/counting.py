"""Counts which way a guest went at a kiosk, how long it took and in how many steps; never who it was."""

import logging

from countenance.errors import CountenanceError
from countenance.operations.choose import SECONDS_MAX, STEPS_MAX, Choice, choose
from countenance.pages.door import Visit
from countenance.pages.going import Begun, seconds
from countenance.vocabulary import Way

_log = logging.getLogger("countenance.pages")


async def count_choice(visit: Visit, going: Begun, way: Way) -> None:
    """Write down the way that a guest went; a figure that cannot be kept is no reason to keep the guest."""
    took = round(seconds(going, visit.house.clock()))
    choice = Choice(
        purpose=going.purpose,
        way=way,
        seconds=took if took <= SECONDS_MAX else None,
        steps=min(going.pressed + 1, STEPS_MAX),
    )
    try:
        await visit.work(lambda: choose(visit.house, visit.caller, choice))
    except CountenanceError as error:
        _log.warning("choice_not_counted", extra={"kind": type(error).__name__})
