"""Where the duty to file begins, by pack: the numbers stand in the article that demands it.

Draft article 16: more than 10,000 persons stored, or a device in a public place. Measures article 15: 100,000 reached.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from countenance.law.pack import Pack
from countenance.store.filings import Stock
from countenance.vocabulary import FilingCause

#: The names of an article's numbers: two ways to draw the line, and how long there is to file.
PERSONS_OVER: Final = "filing_persons_over"
PERSONS_REACHED: Final = "filing_persons_reached"
PUBLIC_DEVICES_REACHED: Final = "filing_public_devices_reached"
WORKING_DAYS: Final = "filing_working_days"
#: At so many per cent of a line the officer is told: once each, until it is filed.
WARNINGS: Final = (50, 80, 90, 95, 99)
LINE: Final = 100
#: From so many per cent on a line is near: who leaves is remembered by a token, to see whether the same come back.
NEAR: Final = 90


@dataclass(frozen=True, slots=True)
class Line:
    """From how many persons, or public devices, a pack wants a filing, and within how many working days."""

    persons_from: int | None
    public_devices_from: int | None
    working_days: int

    def reached(self, stock: Stock) -> FilingCause | None:
        """Return what reaches the line, None where nothing does."""
        if self.persons_from is not None and stock.upper >= self.persons_from:
            return FilingCause.PERSONS
        if self.public_devices_from is not None and stock.public_devices >= self.public_devices_from:
            return FilingCause.PUBLIC_PLACE
        return None

    def marks(self) -> dict[int, int]:
        """Return the number of persons at each share of the line, in per cent, at which something is to be done.

        A share is reached when it is passed or met: 50 per cent of 10,001 is 5,001.
        """
        if self.persons_from is None:
            return {}
        return {percent: -(-self.persons_from * percent // 100) for percent in (*WARNINGS, LINE)}

    def near(self, persons: int) -> bool:
        """Return whether a count stands just below the line."""
        return self.persons_from is not None and self.marks()[NEAR] <= persons < self.persons_from


def line_of(pack: Pack, day: date) -> Line | None:
    """Return the line of a pack on a day; None where it does not bind, or demands no filing."""
    numbers = pack.parameters(day) if pack.binds(day) else {}
    working_days, over = numbers.get(WORKING_DAYS), numbers.get(PERSONS_OVER)
    if working_days is None:
        return None
    persons_from = numbers.get(PERSONS_REACHED) if over is None else over + 1
    return Line(persons_from, numbers.get(PUBLIC_DEVICES_REACHED), working_days)


def lines(packs: Iterable[Pack], at: datetime) -> list[tuple[Pack, Line]]:
    """Return the packs that demand a filing on the day of `at` in their place, each with its line."""
    found = ((pack, line_of(pack, pack.day(at))) for pack in packs)
    return [(pack, line) for pack, line in found if line is not None]
