"""The duty to file on the real database: raised once, in the transaction that reaches the line; closed by filing."""

import threading
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.errors import UnavailableError
from countenance.filing.calendar import Deadline
from countenance.law.pack import Packs
from countenance.law.shelf import load_pack
from countenance.operations.declare import declare
from countenance.operations.enrol import enrol
from countenance.operations.keep_original import keep_original
from countenance.operations.parts import Enrolled, Kept, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.sites.declaration import read_site
from countenance.store.filings import FilingRow
from countenance.vocabulary import FilingCause, FilingState, Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, PURPOSE, SESSION, Hotel, enrolment
from tests.law.conftest import write_pack
from tests.operations.duties import (
    DRAFT,
    LAST,
    MEASURES,
    START,
    TEXT,
    apply,
    filed,
    midnight,
    on_file,
    public,
    raised,
    refused_by,
    reports,
    states,
    stock,
    strangers,
    sweep,
    undeclared,
)
from tests.operations.governed import bodies, keeping


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel on the day on which these tests begin, with a guest who has consented to everything."""
    hotel.clock.now = START.astimezone(UTC)
    hotel.consent("guest")
    return hotel


def test_ten_thousand_is_not_more_than_ten_thousand_and_the_next_person_raises_the_duty(hotel: Hotel) -> None:
    strangers(hotel, 9_999)
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("guest", pictures.admiral_again())
    assert (stock(hotel).persons, stock(hotel).public_devices) == (10_000, 0)
    assert (on_file(hotel), raised(hotel)) == ({}, [])

    hotel.consent("next")
    hotel.enrol("next", pictures.admiral(), double=True)

    assert on_file(hotel) == {DRAFT: FilingRow(DRAFT, hotel.clock(), FilingCause.PERSONS)}
    assert raised(hotel) == [
        {
            "pack": DRAFT,
            "cause": "persons",
            "persons": 10_001,
            "upper": 10_001,
            "public_devices": 0,
            "deadline": "2026-12-14",
            "provisional": False,
        }
    ]
    assert states(hotel) == {DRAFT: FilingState.DUE, MEASURES: FilingState.NOT_DUE}
    assert hotel.counted.seen.count(("filing", "raised")) == 1


def test_the_measures_begin_when_a_hundred_thousand_is_reached(hotel: Hotel) -> None:
    strangers(hotel, 99_998)
    hotel.enrol("guest", pictures.admiral())
    assert set(on_file(hotel)) == {DRAFT}

    hotel.consent("next")
    hotel.enrol("next", pictures.admiral(), double=True)

    assert set(on_file(hotel)) == {DRAFT, MEASURES}
    assert [(said["pack"], said["persons"]) for said in raised(hotel)] == [(MEASURES, 100_000), (DRAFT, 99_999)]


def test_falling_below_the_line_closes_nothing_and_reaching_it_again_raises_nothing(hotel: Hotel) -> None:
    strangers(hotel, 10_000)
    hotel.enrol("guest", pictures.admiral())
    first = on_file(hotel)
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    assert stock(hotel).persons == 10_000
    hotel.clock.forward(days=3)
    assert states(hotel)[DRAFT] is FilingState.DUE

    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    sweep(hotel)

    assert on_file(hotel) == first
    assert len(raised(hotel)) == 1


def test_two_enrolments_that_reach_the_line_together_raise_it_once(hotel: Hotel) -> None:
    strangers(hotel, 9_999)
    hotel.consent("next")
    with hotel.house.database.transaction() as tx:  # both have stored their person before either counts
        tx.execute(
            text(
                "CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$"
                " LANGUAGE plpgsql"
            )
        )
        tx.execute(text("CREATE TRIGGER slow AFTER INSERT ON reference FOR EACH ROW EXECUTE FUNCTION slow()"))
    answers: list[object] = []

    def once(ref: str) -> None:
        answers.append(enrol(hotel.house, DEVICE, enrolment(ref), pictures.admiral()))

    threads = [threading.Thread(target=once, args=(ref,)) for ref in ("guest", "next")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(isinstance(answer, Enrolled) for answer in answers)
    assert set(on_file(hotel)) == {DRAFT}
    assert [said["persons"] for said in raised(hotel)] == [10_001]


def test_a_duty_that_cannot_be_recorded_takes_the_enrolment_with_it(hotel: Hotel) -> None:
    strangers(hotel, 10_000)
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
            )
        )
        tx.execute(
            text(
                "CREATE TRIGGER full_disk BEFORE INSERT ON record FOR EACH ROW WHEN (NEW.kind = 'filing')"
                " EXECUTE FUNCTION full_disk()"
            )
        )

    with pytest.raises(UnavailableError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert (stock(hotel).persons, on_file(hotel), len(hotel.house.projection)) == (10_000, {}, 0)
    assert [body["kind"] for body in bodies(hotel)] == ["consent", "notice"]


@pytest.mark.parametrize("by", ["an enrolment", "the sweep"])
def test_a_line_that_was_reached_before_an_upgrade_is_raised_with_the_day_it_is_noticed(hotel: Hotel, by: str) -> None:
    strangers(hotel, 20_000)
    hotel.clock.forward(days=7)
    shown = reports(hotel)[DRAFT]
    assert (shown.state, shown.raised_on) == (FilingState.DUE, date(2026, 11, 9))
    assert on_file(hotel) == {}, "reading wrote"

    if by == "an enrolment":
        hotel.enrol("guest", pictures.admiral())
    else:
        sweep(hotel)

    assert on_file(hotel)[DRAFT].raised_at == hotel.clock()
    assert len(raised(hotel)) == 1


def test_overdue_refuses_enrolment_alone_and_filing_ends_that(hotel: Hotel) -> None:
    strangers(hotel, 99_999)
    hotel.enrol("guest", pictures.admiral())

    hotel.clock.now = midnight(date(2026, 12, 15)) - timedelta(seconds=1)
    assert states(hotel) == {DRAFT: FilingState.DUE, MEASURES: FilingState.DUE}
    assert refused_by(hotel) == set(), "a filing that is due refuses nothing"
    hotel.clock.now = midnight(date(2026, 12, 15))
    assert states(hotel) == {DRAFT: FilingState.OVERDUE, MEASURES: FilingState.OVERDUE}
    assert refused_by(hotel) == {(DRAFT, "16"), (MEASURES, "15")}
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    assert isinstance(verify(hotel.house, DEVICE, claim, pictures.admiral_again()), Verified)

    apply(hotel, filed(DRAFT))
    assert refused_by(hotel) == {(MEASURES, "15")}
    apply(hotel, filed(DRAFT, MEASURES))
    assert states(hotel) == {DRAFT: FilingState.FILED, MEASURES: FilingState.FILED}
    assert refused_by(hotel) == set()
    assert len(raised(hotel)) == 2


def test_a_filing_that_is_taken_off_the_file_leaves_the_duty_where_it_was(hotel: Hotel) -> None:
    strangers(hotel, 10_001)
    sweep(hotel)
    first = on_file(hotel)[DRAFT].raised_at
    apply(hotel, filed(DRAFT))
    assert states(hotel)[DRAFT] is FilingState.FILED
    hotel.clock.now = midnight(date(2026, 12, 15))

    apply(hotel, lambda site: site)

    assert on_file(hotel)[DRAFT].raised_at == first
    assert states(hotel)[DRAFT] is FilingState.OVERDUE


def test_who_filed_before_the_line_has_reached_it_all_the_same(hotel: Hotel) -> None:
    apply(hotel, filed(DRAFT))
    strangers(hotel, 10_001)
    sweep(hotel)
    crossed = hotel.clock()
    assert (states(hotel)[DRAFT], raised(hotel)) == (FilingState.FILED, [])
    hotel.clock.forward(days=30)

    apply(hotel, lambda site: site)

    assert states(hotel)[DRAFT] is FilingState.DUE
    assert on_file(hotel)[DRAFT].raised_at == crossed, "the days count from the crossing"


def test_a_device_in_a_public_place_raises_the_duty_of_the_draft_when_it_comes_on_file(hotel: Hotel) -> None:
    apply(hotel, public)

    assert on_file(hotel) == {DRAFT: FilingRow(DRAFT, hotel.clock(), FilingCause.PUBLIC_PLACE)}
    assert [body["kind"] for body in bodies(hotel)][:2] == ["filing", "site"]
    (said,) = raised(hotel)
    assert (said["cause"], said["persons"], said["public_devices"]) == ("public_place", 0, 1)

    apply(hotel, lambda site: site)
    assert stock(hotel).public_devices == 0
    assert states(hotel) == {DRAFT: FilingState.DUE, MEASURES: FilingState.NOT_DUE}


def test_what_would_be_applied_raises_nothing(hotel: Hotel) -> None:
    site = read_site(public(TEXT).encode())
    assert declare(hotel.house.database, hotel.keys, hotel.house.packs, site, hotel.clock(), dry_run=True)

    assert (on_file(hotel), raised(hotel)) == ({}, [])


def test_a_place_that_nobody_said_is_public_or_not_leaves_the_state_unknown_until_somebody_says(hotel: Hotel) -> None:
    apply(hotel, undeclared)

    assert states(hotel) == {DRAFT: None, MEASURES: FilingState.NOT_DUE}
    answer = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())
    assert isinstance(answer, Refused)
    (finding,) = [each for each in answer.findings if (each.pack, each.article) == (DRAFT, "16")]
    assert (finding.outcome, finding.facts) == ("missing", ("operator.filing",))
    assert on_file(hotel) == {}

    apply(hotel, lambda site: site)
    assert states(hotel)[DRAFT] is FilingState.NOT_DUE
    hotel.enrol("guest", pictures.admiral())


def test_a_person_of_whom_an_original_alone_is_kept_counts_and_nobody_counts_twice(hotel: Hotel) -> None:
    strangers(hotel, 9_999)
    hotel.enrol("guest", pictures.admiral())
    hotel.consent("guest", Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE, Scope.KEEP_ORIGINAL)
    assert isinstance(keep_original(hotel.house, DEVICE, keeping(hotel), pictures.admiral()), Kept)
    assert (stock(hotel).persons, on_file(hotel)) == (10_000, {})

    hotel.consent("next", Scope.KEEP_ORIGINAL)
    done = keep_original(hotel.house, DEVICE, keeping(hotel, subject_ref="next"), pictures.admiral())

    assert isinstance(done, Kept), done
    assert stock(hotel).persons == 10_001
    assert set(on_file(hotel)) == {DRAFT}


def test_a_pack_draws_its_own_line_and_one_without_numbers_has_no_duty(hotel: Hotel, tmp_path: Path) -> None:
    cedar = 'forbid (principal, action == Action::"enrol", resource) when { context.operator.filing == "overdue" };'
    front = (
        "parameters:\n  filing_persons_reached: {values: {2024-01-01: 1}, reference: one}\n"
        "  filing_working_days: {values: {2024-01-01: 1}, reference: a day}\n"
    )
    numbered = load_pack(write_pack(tmp_path / "numbered", {"1": cedar}, front=front))
    plain = load_pack(
        write_pack(tmp_path / "plain", {"1": "forbid (principal, action, resource) when { context.place.private };"})
    )
    strict = hotel.with_house(packs=Packs([*hotel.house.packs, numbered, plain]))

    strict.enrol("guest", pictures.admiral())

    assert set(on_file(strict)) == {"numbered"}
    assert set(states(strict)) == {DRAFT, MEASURES, "numbered"}
    strict.clock.forward(days=1)
    assert states(strict)["numbered"] is FilingState.DUE
    strict.clock.forward(days=1)
    assert refused_by(strict) == {("numbered", "1")}


def test_the_report_counts_and_says_how_long_there_is(hotel: Hotel) -> None:
    strangers(hotel, 9_999)
    shown = reports(hotel)
    assert [shown[pack].percent for pack in (DRAFT, MEASURES)] == [99, 9]
    assert (shown[DRAFT].state, shown[DRAFT].deadline, shown[DRAFT].line.persons_from) == ("not_due", None, 10_001)

    strangers(hotel, 2)
    sweep(hotel)
    hotel.clock.forward(days=1)
    due = reports(hotel)[DRAFT]
    assert (due.persons, due.percent, due.raised_on) == (10_001, 100, START.date())
    assert (due.deadline, due.working_days_left) == (Deadline(LAST, provisional=False), 29)
    apply(hotel, filed(DRAFT))
    done = reports(hotel)[DRAFT]
    assert (done.state, done.number, done.filed_on) == ("filed", f"2026-{DRAFT}", date(2026, 11, 30))
