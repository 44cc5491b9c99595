"""What happens after a filing: changes that are due too, use that stops and begins again."""

from datetime import UTC, date, timedelta
from typing import Any

import pytest

from countenance.filing.calendar import Deadline
from countenance.operations.activate import activate
from countenance.operations.counting import settle
from countenance.operations.deactivate import deactivate
from countenance.operations.parts import Permitted
from countenance.store import filings
from countenance.vocabulary import FilingKind, FilingState
from tests.database import OFFICER, OPERATOR, PURPOSE, Hotel
from tests.operations.duties import (
    DRAFT,
    LAST,
    START,
    apply,
    ended,
    filed,
    midnight,
    on_file,
    raised,
    refused_by,
    reports,
    states,
    strangers,
    sweep,
)


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel on the day on which these tests begin, with a guest who has consented to everything."""
    hotel.clock.now = START.astimezone(UTC)
    hotel.consent("guest")
    return hotel


def first(hotel: Hotel) -> list[dict[str, Any]]:
    """Return what is on record of first filings that fell due; what changed or stopped later has no cause."""
    return [said for said in raised(hotel) if "cause" in said]


def test_after_a_deregistration_use_that_begins_again_is_filed_for_the_first_time(hotel: Hotel) -> None:
    strangers(hotel, 10_001)
    sweep(hotel)
    hotel.clock.now = midnight(date(2026, 11, 30)) + timedelta(hours=10)
    apply(hotel, filed(DRAFT))
    hotel.clock.forward(days=2)
    deactivate(hotel.house, OFFICER, PURPOSE)
    assert reports(hotel)[DRAFT].demands is FilingKind.DEREGISTRATION
    apply(hotel, ended(DRAFT))
    over = reports(hotel)[DRAFT]
    assert (over.state, over.demands, over.number) == (FilingState.NOT_DUE, None, None)
    sweep(hotel)
    assert len(first(hotel)) == 1, "what is left there is not filed anew"

    hotel.clock.forward(days=1)
    assert isinstance(activate(hotel.house, OFFICER, PURPOSE), Permitted)
    sweep(hotel)

    again = reports(hotel)[DRAFT]
    assert (again.state, again.demands) == (FilingState.DUE, FilingKind.FIRST)
    assert on_file(hotel)[DRAFT].raised_at == hotel.clock()
    assert len(first(hotel)) == 2


def test_a_change_after_a_filing_is_due_until_it_is_filed_or_undone(hotel: Hotel) -> None:
    apply(hotel, filed(DRAFT))
    assert states(hotel)[DRAFT] is FilingState.FILED
    begun = hotel.clock()

    def renamed(site: str) -> str:
        return filed(DRAFT)(site).replace("name: Harbour Hotel (demonstration)", "name: Harbour Hotels Limited")

    apply(hotel, renamed)
    changed = reports(hotel)[DRAFT]
    assert (changed.state, changed.demands, changed.deadline) == (
        FilingState.DUE,
        FilingKind.CHANGE,
        Deadline(LAST, provisional=False),
    )
    with hotel.house.database.reading() as tx:
        (open_,) = filings.changes(tx, OPERATOR, still_open=True)
    assert (open_.fields, open_.raised_at) == (("handler",), begun)

    apply(hotel, filed(DRAFT))
    assert reports(hotel)[DRAFT].demands is None, "what is undone is not due"
    hotel.clock.forward(days=1)
    apply(hotel, renamed)
    assert reports(hotel)[DRAFT].raised_on is None
    hotel.clock.now = midnight(date(2026, 12, 15))
    assert states(hotel)[DRAFT] is FilingState.OVERDUE, "undone for a moment, it goes on from its first day"
    apply(hotel, filed(DRAFT))
    assert states(hotel)[DRAFT] is FilingState.OVERDUE, "what is overdue is closed by a filing alone"
    apply(hotel, renamed)
    assert refused_by(hotel) == {(DRAFT, "16")}

    def amended(site: str) -> str:
        return renamed(site).replace(f"'2026-{DRAFT}', filed_on: 2026-11-30", "'2026-8', filed_on: 2026-12-15")

    apply(hotel, amended)
    done = reports(hotel)[DRAFT]
    assert (done.state, done.demands, done.number) == (FilingState.FILED, None, "2026-8")
    with hotel.house.database.reading() as tx:
        assert [act.kind for act in filings.acts(tx, OPERATOR)] == [FilingKind.FIRST, FilingKind.CHANGE]


def test_a_count_that_has_grown_by_more_than_a_fifth_is_a_change(hotel: Hotel) -> None:
    strangers(hotel, 10_001)
    sweep(hotel)
    apply(hotel, filed(DRAFT))
    strangers(hotel, 2_000)
    settle(hotel.house, OPERATOR)
    assert reports(hotel)[DRAFT].demands is None
    strangers(hotel, 1)
    settle(hotel.house, OPERATOR)
    assert reports(hotel)[DRAFT].demands is FilingKind.CHANGE
