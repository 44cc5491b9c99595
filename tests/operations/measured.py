"""What tests of choices and parity share: a second venue, sessions that end one way or the other, the report's row."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import text

from countenance.operations.choose import Choice, Chosen, choose
from countenance.operations.parity import Parity, parity
from countenance.operations.parts import Caller, Margins
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.vocabulary import Way
from tests.database import DEVICE, HOTEL, OPERATOR, PURPOSE, Hotel
from tests.operations.governed import bodies

VENUE = "harbour"
SITE = HOTEL.read_text(encoding="utf-8")
#: A second venue with a device and no other way.
ANNEX = """  annex:
    name: The annex
    kind: hotel
    business: true
    places:
      annex-desk:
        name: The counter of the annex
        kind: counter
        private: false
        public: false
        internal: false
        devices:
          kiosk-2: {name: The kiosk of the annex}
"""
FACE, OTHER = Way.FACE, Way.ALTERNATIVE


def by_two(hotel: Hotel) -> Hotel:
    """Return the hotel judged by two measurements of each figure, at noon."""
    hotel.clock.now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    return hotel.with_house(margins=Margins(percent=25, steps=1, measurements_min=2))


def take(hotel: Hotel, way: Way, *measured: tuple[int | None, int | None], caller: Caller = DEVICE) -> None:
    """Let sessions end one way, each with its seconds and steps."""
    venue = VENUE if caller.device_id is None else None
    for seconds, steps in measured:
        made = Choice(purpose=PURPOSE, way=way, venue=venue, seconds=seconds, steps=steps)
        assert isinstance(choose(hotel.house, caller, made), Chosen)


def both(hotel: Hotel, face: Sequence[int], other: Sequence[int], steps: tuple[int, int] = (3, 3)) -> None:
    """Let sessions end both ways."""
    take(hotel, FACE, *((seconds, steps[0]) for seconds in face))
    take(hotel, OTHER, *((seconds, steps[1]) for seconds in other))


def row(hotel: Hotel, **window: datetime) -> Parity:
    """Return the report's only row."""
    (found,) = parity(hotel.house, OPERATOR, **window).rows
    return found


def declare(hotel: Hotel, site: str) -> None:
    """Apply another site file."""
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(site.encode()), hotel.clock())


def kept(hotel: Hotel) -> int:
    with hotel.house.database.transaction() as tx:
        return int(tx.execute(text("SELECT count(*) FROM choice")).scalar_one())


def turns(hotel: Hotel) -> list[str]:
    return [body["outcome"] for body in bodies(hotel) if body["kind"] == "parity"]
