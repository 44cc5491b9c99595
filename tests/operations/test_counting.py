"""The count of persons on the real database: kept as a number, and never behind what is stored."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError
from countenance.filing.signals import SignalKind
from countenance.filing.statement import statement
from countenance.forget import forget_subject
from countenance.operations.backup import backup, restore
from countenance.operations.counting import count, settle
from countenance.operations.enrol import enrol
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.journal import Journal
from countenance.operations.keep_original import keep_original
from countenance.operations.parts import Enrolled, Kept, Refused
from countenance.operations.steps import count_arrival
from countenance.operations.withdraw import withdraw
from countenance.store import filings, persons, subjects
from countenance.vocabulary import FilingState, Scope
from tests import pictures
from tests.database import DEVICE, OPERATOR, PURPOSE, Hotel, enrolment
from tests.operations.governed import bodies, keeping
from tests.operations.people import TEXT, apply, figures, gone, known, seen

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 11, 2, 10, 0, tzinfo=SHANGHAI)
DRAFT = "cn-2023-draft"


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    hotel.clock.now = START.astimezone(UTC)
    hotel.consent("guest", *Scope)
    return hotel


def test_a_person_is_counted_from_the_first_thing_stored_to_the_last(hotel: Hotel) -> None:
    assert figures(hotel).persons == 0
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("guest", pictures.admiral_again())
    assert isinstance(keep_original(hotel.house, DEVICE, keeping(hotel), pictures.admiral()), Kept)
    now = figures(hotel)
    assert (now.persons, now.highest, now.cumulative) == (1, 1, 1)

    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)

    after = figures(hotel)
    assert (after.persons, after.highest, after.cumulative) == (0, 1, 1)
    hotel.consent("guest", *Scope)
    hotel.enrol("guest", pictures.admiral())
    erase(hotel.house, DEVICE, "guest")
    assert (figures(hotel).persons, figures(hotel).cumulative) == (0, 2)
    with hotel.house.database.reading() as tx:
        (day,) = persons.days(tx, OPERATOR, date(2026, 11, 1))
    assert (day.day, day.arrived, day.departed, day.lowest, day.highest, day.last) == (date(2026, 11, 2), 2, 2, 0, 1, 0)


def test_retention_counts_off_whom_it_destroys_and_nobody_of_whom_an_original_stays(hotel: Hotel) -> None:
    hotel.enrol("guest", pictures.admiral())
    hotel.consent("next", *Scope)
    hotel.enrol("next", pictures.admiral(), double=True)
    hotel.clock.forward(days=29)
    keep = keeping(hotel, subject_ref="next", expires_at=hotel.clock() + timedelta(days=20))
    assert isinstance(keep_original(hotel.house, DEVICE, keep, pictures.admiral()), Kept)

    hotel.clock.forward(days=3)
    expire(hotel.house, OPERATOR)
    assert figures(hotel).persons == 1
    hotel.clock.forward(days=30)
    expire(hotel.house, OPERATOR)

    assert figures(hotel).persons == 0
    assert count(hotel.house, OPERATOR).agrees


def test_a_refused_or_failed_enrolment_counts_nobody(hotel: Hotel) -> None:
    assert isinstance(enrol(hotel.house, DEVICE, enrolment("nobody"), pictures.admiral()), Refused)
    with hotel.house.database.transaction() as tx:
        tx.execute(text("ALTER TABLE person_day ADD CONSTRAINT full_disk CHECK (arrived < 1)"))
    with pytest.raises(ConflictError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())
    assert figures(hotel).persons == 0
    assert count(hotel.house, OPERATOR).agrees


def test_twelve_thousand_templates_of_9999_persons_are_9999_persons(hotel: Hotel) -> None:
    known(hotel, 9_999)
    with hotel.house.database.transaction() as tx:  # a second and third purpose, and so a second and third template
        tx.execute(
            text(
                "INSERT INTO subject_key SELECT operator_id, subject_id, 'another', wrapped, created_at"
                " FROM subject_key LIMIT 2001"
            )
        )
    assert count(hotel.house, OPERATOR).agrees
    assert figures(hotel).persons == 9_999
    hotel.enrol("guest", pictures.admiral())
    with hotel.house.database.reading() as tx:
        assert filings.held(tx, OPERATOR).of(DRAFT).raised_at is None
    hotel.consent("next")
    hotel.enrol("next", pictures.admiral(), double=True)
    with hotel.house.database.reading() as tx:
        assert filings.held(tx, OPERATOR).of(DRAFT).raised_at == hotel.clock()


def test_a_line_that_is_crossed_and_left_in_one_transaction_was_crossed(hotel: Hotel) -> None:
    refs = known(hotel, 10_000)
    with hotel.house.database.transaction() as tx:
        held = subjects.find(tx, OPERATOR, "guest", lock=True)
        assert held is not None
        tx.execute(
            text(
                "WITH keyed AS (INSERT INTO subject_key VALUES (:o, :s, :p, '\\x00', now()))"
                " INSERT INTO reference (operator_id, reference_id, subject_id, purpose, model_id, sealed, created_at)"
                " VALUES (:o, gen_random_uuid(), :s, :p, 'm', '\\x00', now())"
            ),
            {"o": OPERATOR, "s": held.subject_id, "p": PURPOSE},
        )
        count_arrival(tx, hotel.house, OPERATOR, held.subject_id)
        for ref in refs[:3]:
            leaves = subjects.find(tx, OPERATOR, ref, lock=True)
            assert leaves is not None
            forget_subject(tx, OPERATOR, leaves.subject_id, hotel.clock())
    with hotel.house.database.reading() as tx:
        assert filings.held(tx, OPERATOR).of(DRAFT).raised_at == hotel.clock()
    assert (figures(hotel).persons, figures(hotel).highest) == (9_998, 10_001)


def test_warnings_come_once_at_each_share_of_the_line(hotel: Hotel) -> None:
    known(hotel, 4_999)
    hotel.enrol("guest", pictures.admiral())
    assert [body["details"]["percent"] for body in bodies(hotel) if body["outcome"] == "near"] == []
    hotel.consent("next")
    hotel.enrol("next", pictures.admiral(), double=True)
    assert [body["details"]["percent"] for body in bodies(hotel) if body["outcome"] == "near"] == [50]
    known(hotel, 4_500, "more")
    settle(hotel.house, OPERATOR)
    settle(hotel.house, OPERATOR)
    near = [body["details"] for body in bodies(hotel) if body["outcome"] == "near"]
    assert [(each["percent"], each["upper"]) for each in near] == [(95, 9_501), (50, 5_001)]


def test_who_left_counts_until_no_backup_can_bring_them_back(hotel: Hotel, tmp_path: Path) -> None:
    refs = known(hotel, 100)
    gone(hotel, refs[:10])
    assert (figures(hotel).persons, figures(hotel).upper) == (90, 90), "no backup holds anybody"
    backup(hotel.house.database, tmp_path / "one", hotel.clock(), lambda *_: None)
    hotel.clock.forward(days=1)
    gone(hotel, refs[10:30])
    assert (figures(hotel).persons, figures(hotel).upper) == (70, 90)

    hotel.clock.forward(days=33)
    settle(hotel.house, OPERATOR)
    assert figures(hotel).upper == 90
    hotel.clock.forward(days=1)
    settle(hotel.house, OPERATOR)
    assert figures(hotel).upper == 70
    gone(hotel, refs[30:31])
    assert figures(hotel).upper == 69, "the backup is too old to be restored"


def test_who_comes_back_while_a_backup_holds_them_is_one_person(hotel: Hotel, tmp_path: Path) -> None:
    hotel.enrol("guest", pictures.admiral())
    backup(hotel.house.database, tmp_path / "one", hotel.clock(), lambda *_: None)
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    assert (figures(hotel).persons, figures(hotel).in_backups) == (0, 1)
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    assert (figures(hotel).persons, figures(hotel).in_backups) == (1, 0)


def test_a_month_old_backup_brings_the_count_back_up_and_unmakes_nothing(hotel: Hotel, tmp_path: Path) -> None:
    hotel.enrol("guest", pictures.admiral())
    known(hotel, 9_990)
    settle(hotel.house, OPERATOR)
    backup(hotel.house.database, tmp_path / "one", hotel.clock(), lambda *_: None)
    hotel.clock.forward(days=1)
    known(hotel, 20, "later")
    settle(hotel.house, OPERATOR)
    raised = hotel.clock()
    with hotel.house.database.transaction() as tx:  # what retention destroys is no erasure: a backup has it
        tx.execute(
            text("DELETE FROM subject_key WHERE subject_id IN (SELECT subject_id FROM subject WHERE ref <> 'guest')")
        )
    count(hotel.house, OPERATOR)
    assert figures(hotel).persons == 1
    hotel.clock.forward(days=29)
    expire(hotel.house, OPERATOR)

    logs = hotel.house.logs
    restore(
        hotel.house.database, tmp_path / "one", Journal(tmp_path / "journal"), logs, hotel.clock(),
        progress=lambda *_: None, backup_days=35,
    )  # fmt: skip

    now = figures(hotel)
    assert now.persons == 9_991
    assert (now.highest, now.cumulative >= 1) == (10_011, True)
    with hotel.house.database.reading() as tx:
        assert filings.held(tx, OPERATOR).of(DRAFT).raised_at == raised, "a restore closes no duty"
    assert SignalKind.RESTORED in seen(hotel)
    assert count(hotel.house, OPERATOR).agrees


def test_a_difference_is_an_alarm_is_mended_and_stays_to_be_seen(hotel: Hotel) -> None:
    hotel.enrol("guest", pictures.admiral())
    assert count(hotel.house, OPERATOR).agrees
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE person_count SET persons = 0"))

    found = count(hotel.house, OPERATOR)

    assert (found.kept, found.stored, found.agrees) == (0, 1, False)
    assert figures(hotel).persons == 1
    assert [body["details"] for body in bodies(hotel) if body["kind"] == "count"] == [{"kept": 0, "stored": 1}]
    assert hotel.counted.seen.count(("count", "differs")) == 1
    assert SignalKind.DIFFERED in seen(hotel)
    assert count(hotel.house, OPERATOR).agrees


def test_the_statement_goes_on_record_once_a_day_below_the_line_as_above(hotel: Hotel) -> None:
    hotel.enrol("guest", pictures.admiral())
    for _ in range(3):
        settle(hotel.house, OPERATOR)
    hotel.clock.forward(days=1)
    settle(hotel.house, OPERATOR)

    stated = [body["details"] for body in bodies(hotel) if body["kind"] == "statement"]
    assert [each["day"] for each in stated] == ["2026-11-03", "2026-11-02"]
    assert stated[0]["persons"]["stored"] == stated[0]["persons"]["lower"] == stated[0]["persons"]["upper"] == 1
    assert [each["state"] for each in stated[0]["duties"]] == ["not_due", "not_due"]
    assert [day[0] for day in stated[0]["days"]] == ["2026-11-02", "2026-11-03"]


def test_numbers_declared_elsewhere_count_in_the_bounds_and_reach_lines(hotel: Hotel) -> None:
    elsewhere = (
        "  elsewhere:\n    - name: The old system\n      kind: import\n      persons: 10001\n"
        "      declared: {by: The manager, on: 2026-11-01}\n"
    )
    apply(hotel, TEXT.replace("\npurposes:", f"{elsewhere}\npurposes:", 1))
    hotel.enrol("guest", pictures.admiral())

    with hotel.house.database.reading() as tx:
        said = statement(tx, hotel.house.packs, OPERATOR, hotel.clock())
    assert (said["persons"]["lower"], said["persons"]["upper"], said["persons"]["stored"]) == (10_001, 10_002, 1)
    assert {each["pack"]: each["state"] for each in said["duties"]}[DRAFT] == FilingState.DUE


def test_many_at_once_leave_the_count_right(hotel: Hotel) -> None:
    refs = known(hotel, 60)
    for ref in ("a", "b", "c", "d"):
        hotel.consent(ref)

    def leave(some: list[str]) -> None:
        for ref in some:
            erase(hotel.house, DEVICE, ref)

    def come(ref: str) -> None:
        assert isinstance(enrol(hotel.house, DEVICE, enrolment(ref), pictures.admiral()), Enrolled)

    with hotel.house.database.transaction() as tx:  # those put on file by hand have no linking key to be named by
        for ref in refs:
            held = subjects.find(tx, OPERATOR, ref)
            assert held is not None
            key = hotel.house.vault(OPERATOR).new_linking_key(held.subject_id)
            tx.execute(
                text("UPDATE subject SET linking_key = :k WHERE subject_id = :s"), {"k": key, "s": held.subject_id}
            )
    work = [threading.Thread(target=leave, args=(refs[at::3],)) for at in range(3)]
    work += [threading.Thread(target=come, args=("guest",))]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert figures(hotel).persons == 1
    assert count(hotel.house, OPERATOR).agrees
