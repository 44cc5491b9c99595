"""GET /v1/parity: how the face and the other way compare in each venue, and where the face was found easier."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from countenance.api.door import Calling, Route
from countenance.api.wire import Instant, Shown
from countenance.operations.parity import Parity, ParityReport, Verdict
from countenance.operations.parity import parity as operation
from countenance.reception.body import Form
from countenance.store.choices import Median, WayFigures
from countenance.vocabulary import Role


class ParityQuery(Form):
    """From which hour on and before which one; without either, the last thirty days."""

    since: Instant | None = None
    until: Instant | None = None


class MedianShown(Shown):
    """The middle of so many measurements; null of none."""

    median: float | None
    measurements: int

    @classmethod
    def of(cls, each: Median) -> "MedianShown":
        """Return a median as it is shown."""
        return cls(median=each.value, measurements=each.measurements)


class WayShown(Shown):
    """How often a way was taken, and how long and how many steps it took."""

    choices: int
    seconds: MedianShown
    steps: MedianShown

    @classmethod
    def of(cls, way: WayFigures) -> "WayShown":
        """Return the figures of a way as they are shown."""
        return cls(choices=way.choices, seconds=MedianShown.of(way.seconds), steps=MedianShown.of(way.steps))


class DifferenceShown(Shown):
    """How far the other way is behind the face at the median; null where one is not measured, or the face takes 0."""

    percent: float | None
    steps: float | None

    @classmethod
    def of(cls, face: WayFigures, other: WayFigures) -> "DifferenceShown":
        """Return how far `other` is behind `face`."""
        percent = None
        if face.seconds.value and other.seconds.value is not None:
            percent = (other.seconds.value / face.seconds.value - 1) * 100
        steps = None
        if face.steps.value is not None and other.steps.value is not None:
            steps = other.steps.value - face.steps.value
        return cls(percent=percent, steps=steps)


class MarginsShown(Shown):
    """The operator's margins, and how many measurements each figure needs."""

    percent: int
    steps: int
    measurements_min: int


class ParityShown(Shown):
    """One purpose in one venue: the figures, what they say, which are too few, and since when a finding stands."""

    venue: str
    purpose: str
    face: WayShown
    alternative: WayShown
    refused: int
    abandoned: int
    difference: DifferenceShown
    verdict: Verdict
    missing: list[str]
    finding_since: Annotated[datetime | None, Field(description="A finding stands until both ways are equal again.")]

    @classmethod
    def of(cls, each: Parity) -> "ParityShown":
        """Return one row as it is shown."""
        figures = each.figures
        return cls(
            venue=figures.venue_id,
            purpose=figures.purpose,
            face=WayShown.of(figures.face),
            alternative=WayShown.of(figures.alternative),
            refused=figures.refused,
            abandoned=figures.abandoned,
            difference=DifferenceShown.of(figures.face, figures.alternative),
            verdict=each.verdict,
            missing=list(each.missing),
            finding_since=figures.finding_since,
        )


class ParityAnswer(Shown):
    """The parity report."""

    since: datetime
    until: datetime
    margins: MarginsShown
    parity: list[ParityShown]

    @classmethod
    def of(cls, report: ParityReport) -> "ParityAnswer":
        """Return the report as it is shown."""
        margins = report.margins
        return cls(
            since=report.since,
            until=report.until,
            margins=MarginsShown(
                percent=margins.percent, steps=margins.steps, measurements_min=margins.measurements_min
            ),
            parity=[ParityShown.of(each) for each in report.rows],
        )


async def parity(call: Calling) -> ParityAnswer:
    """Compare the face with the other way, by venue and purpose; too few measurements say neither yes nor no."""
    query = call.asked(ParityQuery)
    operator_id = call.caller.operator_id
    return await call.work(
        lambda: ParityAnswer.of(operation(call.house, operator_id, since=query.since, until=query.until))
    )


ROUTES = (
    Route(
        method="GET",
        path="/v1/parity",
        endpoint=parity,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="records",
        answer=ParityAnswer,
        example={
            "since": "2026-10-24T02:00:00Z",
            "until": "2026-11-23T02:00:00Z",
            "margins": {"percent": 25, "steps": 1, "measurements_min": 20},
            "parity": [
                {
                    "venue": "harbour",
                    "purpose": "check-in",
                    "face": {
                        "choices": 212,
                        "seconds": {"median": 40.0, "measurements": 212},
                        "steps": {"median": 3.0, "measurements": 212},
                    },
                    "alternative": {
                        "choices": 96,
                        "seconds": {"median": 58.5, "measurements": 90},
                        "steps": {"median": 3.0, "measurements": 90},
                    },
                    "refused": 31,
                    "abandoned": 4,
                    "difference": {"percent": 46.25, "steps": 0.0},
                    "verdict": "face_easier",
                    "missing": [],
                    "finding_since": "2026-11-20T04:00:00Z",
                }
            ],
        },
        query=ParityQuery,
    ),
)
