"""What an open house does by itself while it serves, wired: each in a thread of its own, ended with the house."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from countenance.app.ways import ways
from countenance.operations import upkeep
from countenance.operations.correspond import Correspondence
from countenance.operations.dossier import Sources
from countenance.operations.journal import Journal
from countenance.operations.parts import House
from countenance.settings import Settings


def correspondence(house: House, settings: Settings) -> Correspondence:
    """Return what corresponding with an authority takes, from an open house."""
    return Correspondence(Sources.of(house, settings), house.vault, house.clock)


@contextmanager
def kept_up(house: House, settings: Settings, journal: Journal) -> Iterator[None]:
    """Keep a house up until the end; raises what its logs raise where they are not as they were signed."""
    with ExitStack() as stack:
        for act in (upkeep.sequencing, upkeep.cosigning, upkeep.sweeping, upkeep.following):
            stack.enter_context(act(house))
        stack.enter_context(upkeep.reminding(house, ways(settings)))
        stack.enter_context(upkeep.corresponding(correspondence(house, settings), house))
        stack.enter_context(upkeep.journaling(house, journal))
        yield
