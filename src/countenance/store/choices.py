"""How people chose to be served, hour by hour, and the figures that are read from it; nobody is named anywhere."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, and_, func, select, union
from sqlalchemy.dialects.postgresql import insert

from countenance.store.choice_tables import choice, parity_finding
from countenance.store.database import Transaction
from countenance.store.tables import alternative, device, place, purpose, venue
from countenance.vocabulary import Way

#: A choice is kept for as long as a season can be compared with the same one of the year before.
KEPT: Final = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Median:
    """The middle of so many measurements; None of none."""

    value: float | None
    measurements: int


@dataclass(frozen=True, slots=True)
class WayFigures:
    """How often a way was taken, and how long and how many steps it took those who were measured."""

    choices: int
    seconds: Median
    steps: Median


@dataclass(frozen=True, slots=True)
class Figures:
    """What was counted and measured for one purpose in one venue, and since when a finding stands there."""

    venue_id: str
    purpose: str
    face: WayFigures
    alternative: WayFigures
    refused: int
    abandoned: int
    finding_since: datetime | None


def venue_of(
    tx: Transaction, operator_id: str, purpose_code: str, *, venue_id: str | None, device_id: str | None
) -> str | None:
    """Return the venue of a device, or the one named, or None: both must be one, in use, and the purpose on file."""
    query = (
        select(venue.c.venue_id)
        .join(purpose, purpose.c.operator_id == venue.c.operator_id)
        .where(
            venue.c.operator_id == operator_id,
            venue.c.retired.is_(False),
            purpose.c.code == purpose_code,
            purpose.c.retired.is_(False),
        )
    )
    if venue_id is not None:
        query = query.where(venue.c.venue_id == venue_id)
    if device_id is not None:
        query = (
            query.join(place, (place.c.operator_id == venue.c.operator_id) & (place.c.venue_id == venue.c.venue_id))
            .join(device, (device.c.operator_id == place.c.operator_id) & (device.c.place_id == place.c.place_id))
            .where(device.c.device_id == device_id, device.c.retired.is_(False), place.c.retired.is_(False))
        )
    return tx.execute(query).scalar_one_or_none()


def written(tx: Transaction, operator_id: str, venue_id: str, device_id: str | None, hour: datetime) -> int:
    """Return how many choices a device, or without one the people of a venue, have written down in an hour."""
    query = (
        select(func.count())
        .select_from(choice)
        .where(
            choice.c.operator_id == operator_id,
            choice.c.at == hour,
            choice.c.venue_id == venue_id,
            choice.c.device_id.is_not_distinct_from(device_id),
        )
    )
    return int(tx.execute(query).scalar_one())


def add(
    tx: Transaction,
    operator_id: str,
    venue_id: str,
    purpose_code: str,
    *,
    device_id: str | None,
    hour: datetime,
    way: Way,
    seconds: int | None,
    steps: int | None,
) -> None:
    """Write one choice down."""
    tx.execute(
        choice.insert().values(
            operator_id=operator_id,
            choice_id=uuid4(),
            venue_id=venue_id,
            purpose=purpose_code,
            device_id=device_id,
            at=hour,
            way=way.value,
            seconds=seconds,
            steps=steps,
        )
    )


def let_go(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Let go of choices that are older than a year and a little, and return how many there were."""
    return tx.execute(choice.delete().where(choice.c.operator_id == operator_id, choice.c.at < at - KEPT)).rowcount


def figures(tx: Transaction, operator_id: str, since: datetime, until: datetime | None) -> list[Figures]:
    """Return the figures of the hours from `since` on and before `until`, by venue and purpose.

    A purpose that has another way in a venue is there even where nothing was written down, and so is one about which a
    finding stands, while both are in use.
    """
    window: list[ColumnElement[bool]] = [choice.c.operator_id == operator_id, choice.c.at >= since]
    if until is not None:
        window.append(choice.c.at < until)
    where = union(
        select(choice.c.venue_id, choice.c.purpose).where(*window),
        select(alternative.c.venue_id, alternative.c.purpose).where(
            alternative.c.operator_id == operator_id, alternative.c.retired.is_(False)
        ),
        select(parity_finding.c.venue_id, parity_finding.c.purpose)
        .join(venue, and_(venue.c.operator_id == operator_id, venue.c.venue_id == parity_finding.c.venue_id))
        .join(purpose, and_(purpose.c.operator_id == operator_id, purpose.c.code == parity_finding.c.purpose))
        .where(parity_finding.c.operator_id == operator_id, venue.c.retired.is_(False), purpose.c.retired.is_(False)),
    ).subquery("where")
    query = (
        select(
            where.c.venue_id,
            where.c.purpose,
            *_of(Way.FACE),
            *_of(Way.ALTERNATIVE),
            func.count().filter(choice.c.way == Way.REFUSED.value),
            func.count().filter(choice.c.way == Way.ABANDONED.value),
            parity_finding.c.since,
        )
        .select_from(where)
        .outerjoin(choice, and_(choice.c.venue_id == where.c.venue_id, choice.c.purpose == where.c.purpose, *window))
        .outerjoin(
            parity_finding,
            and_(
                parity_finding.c.operator_id == operator_id,
                parity_finding.c.venue_id == where.c.venue_id,
                parity_finding.c.purpose == where.c.purpose,
            ),
        )
        .group_by(where.c.venue_id, where.c.purpose, parity_finding.c.since)
        .order_by(where.c.venue_id, where.c.purpose)
    )
    return [
        Figures(row[0], row[1], _way(row[2:7]), _way(row[7:12]), row[12], row[13], row[14]) for row in tx.execute(query)
    ]


def _of(way: Way) -> tuple[ColumnElement[Any], ...]:
    """Return the five columns of one way; PostgreSQL's median of an even number is the middle between two."""
    taken = choice.c.way == way.value

    def median(column: ColumnElement[int | None]) -> tuple[ColumnElement[Any], ...]:
        middle = func.percentile_cont(0.5).within_group(column).filter(taken)
        return middle, func.count(column).filter(taken)

    return func.count().filter(taken), *median(choice.c.seconds), *median(choice.c.steps)


def _way(row: Any) -> WayFigures:
    choices, seconds, seconds_measured, steps, steps_measured = row
    return WayFigures(choices, Median(seconds, seconds_measured), Median(steps, steps_measured))


def raise_finding(tx: Transaction, operator_id: str, venue_id: str, purpose_code: str, at: datetime) -> bool:
    """Let a finding stand from now on, and return whether none stood before."""
    row = {"operator_id": operator_id, "venue_id": venue_id, "purpose": purpose_code, "since": at}
    done = tx.execute(insert(parity_finding).values(row).on_conflict_do_nothing().returning(parity_finding.c.since))
    return done.one_or_none() is not None


def clear_finding(tx: Transaction, operator_id: str, venue_id: str, purpose_code: str) -> bool:
    """Let no finding stand any longer, and return whether one stood."""
    gone = parity_finding.delete().where(
        parity_finding.c.operator_id == operator_id,
        parity_finding.c.venue_id == venue_id,
        parity_finding.c.purpose == purpose_code,
    )
    return tx.execute(gone).rowcount > 0
