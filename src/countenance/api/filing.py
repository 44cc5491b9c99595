"""GET /v1/filing: how near the line is under each pack that demands a filing, and how long there is to file."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from countenance.api.door import Calling, Route
from countenance.api.wire import Shown
from countenance.filing.duty import FilingReport, reports
from countenance.filing.statement import statement
from countenance.vocabulary import FilingCause, FilingKind, FilingState, Role


class FilingShown(Shown):
    """The duty to file under one pack."""

    pack: str
    state: Annotated[
        FilingState | None,
        Field(description="Null where it is not known: a device stands where nobody said whether that is public."),
    ]
    persons: Annotated[int, Field(description="Of whom something is stored here now.")]
    upper: Annotated[int, Field(description="Of them and those in backups and declared elsewhere: what lines go by.")]
    highest: Annotated[int, Field(description="The most that were stored at once since the last filing.")]
    cumulative: Annotated[int, Field(description="How often somebody began to be stored, since the start.")]
    persons_line: Annotated[int | None, Field(description="From how many persons on a filing is demanded.")]
    percent: Annotated[int | None, Field(description="Persons of the line, never rounded up.")]
    public_devices: int
    public_devices_line: Annotated[int | None, Field(description="From how many devices in public places on.")]
    cause: FilingCause | None
    raised_on: Annotated[date | None, Field(description="The local day on which the line was first reached.")]
    deadline: Annotated[date | None, Field(description="The last day to file.")]
    provisional: Annotated[
        bool | None, Field(description="Whether the deadline rests on a year whose holidays are not announced yet.")
    ]
    working_days_left: Annotated[int | None, Field(description="After today, up to the deadline.")]
    demands: Annotated[FilingKind | None, Field(description="What is to be filed now.")]
    number: Annotated[str | None, Field(description="Of the filing on file; one that was sent may get it later.")]
    filed_on: date | None

    @classmethod
    def of(cls, report: FilingReport) -> "FilingShown":
        """Return what is shown of a report."""
        ends = report.deadline
        return cls(
            pack=report.pack,
            state=report.state,
            persons=report.persons,
            upper=report.upper,
            highest=report.figures.highest,
            cumulative=report.figures.cumulative,
            persons_line=report.line.persons_from,
            percent=report.percent,
            public_devices=report.public_devices,
            public_devices_line=report.line.public_devices_from,
            cause=report.cause,
            raised_on=report.raised_on,
            deadline=None if ends is None else ends.day,
            provisional=None if ends is None else ends.provisional,
            working_days_left=report.working_days_left,
            demands=report.demands,
            number=report.number,
            filed_on=report.filed_on,
        )


class FilingAnswer(Shown):
    """The duty to file under each pack that has one."""

    filing: list[FilingShown]


async def filing(call: Calling) -> FilingAnswer:
    """Say how many persons are stored, where the lines are, and what is left of the time to file."""

    def act() -> FilingAnswer:
        house = call.house
        with house.database.transaction() as tx:
            found = reports(tx, house.packs, call.caller.operator_id, house.clock())
        return FilingAnswer(filing=[FilingShown.of(report) for report in found])

    return await call.work(act)


class StatementAnswer(Shown):
    """What the operator states of its count: bounds, peak, the days of a quarter, duties and signals."""

    statement: dict[str, Any]


async def filing_statement(call: Calling) -> StatementAnswer:
    """State the count with its bounds, its peak and its days, the duties and the signals."""

    def act() -> StatementAnswer:
        house = call.house
        with house.database.snapshot() as tx:
            return StatementAnswer(statement=statement(tx, house.packs, call.caller.operator_id, house.clock()))

    return await call.work(act)


ROUTES = (
    Route(
        method="GET",
        path="/v1/filing",
        endpoint=filing,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="filing",
        answer=FilingAnswer,
        example={
            "filing": [
                {
                    "pack": "cn-2023-draft",
                    "state": "due",
                    "persons": 10_214,
                    "upper": 10_260,
                    "highest": 10_220,
                    "cumulative": 31_877,
                    "persons_line": 10_001,
                    "percent": 102,
                    "public_devices": 0,
                    "public_devices_line": 1,
                    "cause": "persons",
                    "raised_on": "2026-11-02",
                    "deadline": "2026-12-14",
                    "provisional": False,
                    "working_days_left": 14,
                    "demands": "first",
                    "number": None,
                    "filed_on": None,
                }
            ]
        },
    ),
    Route(
        method="GET",
        path="/v1/filing/statement",
        endpoint=filing_statement,
        roles=(Role.OFFICER, Role.REGULATOR),
        tag="filing",
        answer=StatementAnswer,
        example={
            "statement": {
                "format": 1,
                "operator": "harbour-hotel",
                "at": "2026-11-26T10:00:00+00:00",
                "day": "2026-11-26",
                "persons": {
                    "lower": 9_900,
                    "upper": 9_940,
                    "stored": 9_900,
                    "in_backups": 40,
                    "highest": 9_912,
                    "highest_ever": 9_912,
                    "cumulative": 30_114,
                },
                "days": [["2026-11-26", 14, 9, 9_890, 9_901, 9_900, 9_940]],
            }
        },
    ),
)
