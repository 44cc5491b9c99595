"""Parity: is the way with the face easier than the other one? Measured over thirty days, and found when it is.

What is found is the officer's to mend: the law is not told of it, and the face path neither opens nor closes by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from countenance.errors import MalformedError
from countenance.operations.parts import House, Margins
from countenance.record import Entry, append
from countenance.store import choices, records
from countenance.store.choices import Figures, Median, WayFigures

#: The rolling window over which the ways are measured.
WINDOW: Final = timedelta(days=30)


class Verdict(StrEnum):
    """Whether the face is the easier way; unknown is neither, and clears nothing."""

    EQUAL = "equal"
    FACE_EASIER = "face_easier"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Parity:
    """The figures of one purpose in one venue, what they say, and which of them are too few to say it."""

    figures: Figures
    verdict: Verdict
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ParityReport:
    """What was measured from one instant to another, and the margins it was judged by."""

    since: datetime
    until: datetime
    margins: Margins
    rows: Sequence[Parity]


def parity(
    house: House, operator_id: str, *, since: datetime | None = None, until: datetime | None = None
) -> ParityReport:
    """Return how the ways compare, in the last thirty days or from `since` on and before `until`.

    Raises MalformedError where `since` is not before `until`.
    """
    ends = until or house.clock()
    begins = since or ends - WINDOW
    if begins >= ends:
        raise MalformedError("`since` has to be before `until`. Correct one of them.", "since 必须早于 until。请更正。")
    with house.database.reading() as tx:
        found = choices.figures(tx, operator_id, begins, until)
    return ParityReport(begins, ends, house.margins, [_judged(each, house.margins) for each in found])


def watch(house: House, operator_id: str) -> list[Parity]:
    """Raise a finding wherever the face has turned out easier, clear one where it no longer is; return the turns.

    Each turn is recorded once, with its figures. Too few measurements turn nothing, and neither does a clock that
    stands behind the newest record.
    """
    at = house.clock()
    turned: list[Parity] = []
    with house.database.transaction() as tx:
        newest = records.newest_at(tx, operator_id)
        if newest is not None and newest - at > timedelta(seconds=house.clock_backward_seconds_max):
            return []
        for found in choices.figures(tx, operator_id, at - WINDOW, None):
            each, where = _judged(found, house.margins), (operator_id, found.venue_id, found.purpose)
            raised = each.verdict is Verdict.FACE_EASIER and choices.raise_finding(tx, *where, at)
            cleared = each.verdict is Verdict.EQUAL and choices.clear_finding(tx, *where)
            if raised or cleared:
                turned.append(each)
                details = _details(each, house.margins, at - WINDOW)
                append(
                    tx,
                    Entry(
                        operator_id=operator_id,
                        at=at,
                        kind="parity",
                        outcome=each.verdict.value,
                        by="server",
                        details=details,
                    ),
                )
    for each in turned:
        house.count("parity", each.verdict.value)
    return turned


def judge(figures: Figures, margins: Margins) -> tuple[Verdict, tuple[str, ...]]:
    """Return whether the face is easier by more than a margin, in seconds or in steps, and what is too little measured.

    Easier in one is easier, whatever is not known of the other; equal are the ways only where both are known.
    """
    face, other = figures.face, figures.alternative
    named = {
        "face.seconds": face.seconds,
        "face.steps": face.steps,
        "alternative.seconds": other.seconds,
        "alternative.steps": other.steps,
    }
    missing = tuple(name for name, each in named.items() if each.measurements < margins.measurements_min)

    def beyond(one: Median, two: Median, percent: int, more: int) -> bool | None:
        """Return whether `two` exceeds `one` by more than so many per cent and so much; None for too few of either."""
        if one.value is None or two.value is None or min(one.measurements, two.measurements) < margins.measurements_min:
            return None
        return two.value * 100 > one.value * (100 + percent) + 100 * more

    signs = (beyond(face.seconds, other.seconds, margins.percent, 0), beyond(face.steps, other.steps, 0, margins.steps))
    if True in signs:
        return Verdict.FACE_EASIER, missing
    return Verdict.UNKNOWN if None in signs else Verdict.EQUAL, missing


def _judged(figures: Figures, margins: Margins) -> Parity:
    return Parity(figures, *judge(figures, margins))


def _details(each: Parity, margins: Margins, since: datetime) -> dict[str, Any]:
    """Return what a record says of a turn: everything the verdict was read from."""
    figures = each.figures
    stood = figures.finding_since
    return {
        "venue": figures.venue_id,
        "purpose": figures.purpose,
        "since": since.isoformat(),
        "face": _way(figures.face),
        "alternative": _way(figures.alternative),
        "refused": figures.refused,
        "abandoned": figures.abandoned,
        "missing": list(each.missing),
        "margins": {
            "percent": margins.percent,
            "steps": margins.steps,
            "measurements": margins.measurements_min,
        },
    } | ({} if stood is None else {"finding_since": stood.isoformat()})


def _way(way: WayFigures) -> dict[str, Any]:
    return {"choices": way.choices, "seconds": _median(way.seconds), "steps": _median(way.steps)}


def _median(each: Median) -> dict[str, Any]:
    """Return a median as records hold it: text, because canonical JSON here holds no fractions."""
    return {"median": None if each.value is None else f"{each.value:.1f}", "measurements": each.measurements}
