"""Where the duty to file begins, by pack, and what state it is in as far as that needs no calendar.

Draft article 16: more than 10,000 persons stored, or use in a public place. Measures article 15: 100,000 reached.
The thirty working days are counted by a later part of this room; until then a duty that was raised and not filed is
unknown, and unknown refuses enrolment.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from countenance.store.gathering import Stock
from countenance.vocabulary import FilingState


@dataclass(frozen=True, slots=True)
class Line:
    """From how many persons a pack wants a filing, and whether use in a public place wants one by itself."""

    persons_from: int
    public_place: bool


LINES: Final[Mapping[str, Line]] = {
    "cn-2023-draft": Line(persons_from=10_001, public_place=True),
    "cn-2025": Line(persons_from=100_000, public_place=False),
}


def states(stock: Stock) -> dict[str, FilingState | None]:
    """Return the state of each pack's filing duty; None where it cannot be said."""
    return {pack: _state(stock, pack, line) for pack, line in LINES.items()}


def _state(stock: Stock, pack: str, line: Line) -> FilingState | None:
    if pack in stock.filed:
        return FilingState.FILED
    raised = stock.persons >= line.persons_from or (line.public_place and stock.public_devices > 0)
    return None if raised else FilingState.NOT_DUE
