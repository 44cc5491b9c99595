"""Each clock on the day before its last day, on it and after it; which step is due; what is provisional."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from countenance.errors import MalformedError, NotFoundError
from countenance.filing import calendar
from countenance.filing.clock_words import BY_ITSELF, SAID, WORDS, ClockKind
from countenance.filing.clocks import EARLY, OVER, Clock, ClockState, Terms, after_months, clocks
from countenance.law.pack import Pack, Packs
from countenance.law.shelf import load_packs
from countenance.operations.done import say_done
from countenance.store.database import Database
from tests.database import KIOSK, OPERATOR, PURPOSE

SHANGHAI = ZoneInfo("Asia/Shanghai")
DRAFT, MEASURES = "cn-2023-draft", "cn-2025"
ONE = UUID(int=1)
#: Everything that starts a clock and is not in the hotel's site file, on days of its own.
ON_FILE = """
UPDATE active_purpose SET activated_at = '2026-10-05T02:00:00Z';
INSERT INTO statutory_basis VALUES (:o, :p, 'cn/anti-terror', '{consent}', 'x', '2027-03-31');
UPDATE device SET security_necessity = 'x', security_necessity_expires_on = '2027-02-28' WHERE device_id = :d;
INSERT INTO subject (operator_id, subject_id, created_at) VALUES (:o, :one, '2026-11-02T02:00:00Z');
INSERT INTO subject_key VALUES (:o, :one, :p, '\\x00', '2026-11-02T02:00:00Z');
INSERT INTO reference VALUES (:o, :one, :one, :p, 'm', '\\x00', '2026-11-02T17:00:00Z');
INSERT INTO original
  VALUES (:o, :one, :one, :p, '\\x00', '\\x00', '2026-11-02T02:00:00Z', '2026-11-20T02:00:00Z');
INSERT INTO erasure VALUES (:o, :one, :one, :p, NULL, '2026-11-03T02:00:00Z');
INSERT INTO request (operator_id, request_id, subject_id, kind, opened_at, due_at)
  VALUES (:o, :one, :one, 'access', '2026-11-02T02:00:00Z', '2026-11-17T16:00:00Z');
INSERT INTO authorisation (operator_id, authorisation_id, purpose, ground, requester, requested_by_subject, issuer,
  reference, devices, subjects, subjects_named, starts_at, ends_at, asked_by, asked_at)
  VALUES (:o, :one, :p, 'emergency', 'r', true, 'i', 'n', '{}', '{}', 0, '2026-11-02T02:00:00Z',
  '2026-11-03T02:00:00Z', 'x', '2026-11-02T02:00:00Z');
INSERT INTO record (operator_id, record_id, at, kind, outcome, body, digest)
  VALUES (:o, :one, '2026-11-02T02:00:00Z', 'verify', 'match', '\\x00', '\\x00');
INSERT INTO filing_duty VALUES (:o, 'cn-2023-draft', '2026-11-02T02:00:00Z', 'persons', 10001);
INSERT INTO filing VALUES (:o, 'cn-2025', '2026-1', '2026-10-30');
INSERT INTO filing_change (operator_id, change_id, pack, kind, raised_at, fields)
  VALUES (:o, :one, 'cn-2025', 'change', '2026-11-03T02:00:00Z', '[]');
INSERT INTO person_day (operator_id, day, arrived, departed, lowest, highest, last, upper)
  VALUES (:o, '2026-11-04', 1, 0, 999999, 1000000, 1000000, 1000000)
"""
#: The last day of each, counted here by hand from the days above and in examples/hotel.yaml.
LAST = {
    (ClockKind.FILING, DRAFT): date(2026, 12, 14),
    (ClockKind.FILING_CHANGE, MEASURES): date(2026, 12, 15),
    (ClockKind.OFFICER_REPORT, ""): date(2026, 12, 16),
    (ClockKind.AUDIT, ""): date(2027, 11, 2),
    (ClockKind.ASSESSMENT, PURPOSE): date(2027, 9, 30),
    (ClockKind.PURPOSE_REVIEW, PURPOSE): date(2027, 10, 5),
    (ClockKind.NECESSITY, PURPOSE): date(2027, 12, 31),
    (ClockKind.STATUTORY_BASIS, PURPOSE): date(2027, 3, 31),
    (ClockKind.SECURITY_NECESSITY, KIOSK): date(2027, 2, 28),
    (ClockKind.SIGN, KIOSK): date(2027, 1, 30),
    (ClockKind.DEVICE_ASSESSMENT, KIOSK): date(2027, 10, 1),
    (ClockKind.REQUEST, str(ONE)): date(2026, 11, 17),
    (ClockKind.RETENTION, PURPOSE): date(2026, 12, 3),
    (ClockKind.BACKUPS, ""): date(2026, 12, 8),
    (ClockKind.RECORDS_KEPT, ""): date(2029, 11, 2),
    (ClockKind.ASSESSMENT_KEPT, PURPOSE): date(2029, 10, 1),
}
#: What was kept for so long is no fault when the time is over.
KEPT = {ClockKind.RECORDS_KEPT, ClockKind.ASSESSMENT_KEPT}


class Operator:
    """The hotel with something on file of everything, asked at any instant."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.packs: Packs = load_packs([MEASURES, DRAFT])

    def run(self, *statements: str) -> None:
        given = {"o": OPERATOR, "p": PURPOSE, "d": KIOSK, "one": ONE}
        with self.database.transaction() as tx:
            for each in ";".join(statements).split(";"):
                tx.execute(text(each), {name: value for name, value in given.items() if f":{name}" in each})

    def at(self, at: datetime, terms: Terms | None = None) -> dict[tuple[ClockKind, str], Clock]:
        with self.database.reading() as tx:
            found = clocks(tx, self.packs, OPERATOR, at, terms)
        held = {(each.kind, each.about): each for each in found}
        assert len(held) == len(found), "two clocks cannot be told apart"
        return held


@pytest.fixture
def operator(database: Database) -> Operator:
    made = Operator(database)
    made.run(ON_FILE)
    return made


def ends(day: date) -> datetime:
    """Return the last instant of a day in the place of the law."""
    return datetime.combine(day + timedelta(days=1), time(), SHANGHAI).astimezone(UTC) - timedelta(microseconds=1)


@pytest.mark.parametrize("key", LAST, ids=lambda key: key[0].value)
def test_a_clock_runs_through_its_last_day_and_is_over_at_the_midnight_after(operator: Operator, key: Any) -> None:
    last = LAST[key]
    before, on = operator.at(ends(last - timedelta(days=1)))[key], operator.at(ends(last))[key]
    after = operator.at(ends(last) + timedelta(microseconds=1))[key]

    assert (before.last_day, on.last_day, after.last_day) == (last, last, last)
    assert (before.days_left, on.days_left, after.days_left) == (1, 0, -1)
    assert (before.state, on.state) == (ClockState.SOON, ClockState.SOON)
    assert after.state is (ClockState.MET if key[0] in KEPT else ClockState.OVER)
    assert after.step == (None if key[0] in BY_ITSELF else OVER)


def test_what_ends_at_an_instant_is_over_at_that_instant(operator: Operator) -> None:
    for key, until in {
        (ClockKind.AUTHORISATION, str(ONE)): datetime(2026, 11, 3, 2, tzinfo=UTC),
        (ClockKind.ORIGINALS, PURPOSE): datetime(2026, 11, 20, 2, tzinfo=UTC),
    }.items():
        before, after = operator.at(until - timedelta(seconds=1))[key], operator.at(until)[key]
        assert (before.until, before.state, after.state) == (until, ClockState.SOON, ClockState.OVER)
        assert before.step == (1 if key[0] is ClockKind.AUTHORISATION else None)
        assert after.step is None, "it ended by itself, and nobody is late"


def test_every_kind_of_clock_is_there_and_speaks_both_languages_about_nobody(operator: Operator) -> None:
    found = operator.at(ends(date(2026, 11, 10)))
    operator.run("UPDATE filing_change SET kind = 'deregistration'")
    changed = operator.at(ends(date(2026, 11, 10)))[ClockKind.DEREGISTRATION, MEASURES]
    assert changed.last_day == date(2026, 12, 15)

    assert {kind for kind, _ in found} | {ClockKind.DEREGISTRATION} == set(ClockKind) == set(WORDS)
    for clock in [*found.values(), changed]:
        said = f"{clock.what.en} {clock.what.zh} {clock.then.en} {clock.then.zh}"
        assert "{" not in said
        assert str(ONE) not in said
        assert all((clock.what.en, clock.what.zh, clock.then.en, clock.then.zh))


def test_those_that_are_over_come_first_and_what_was_met_last(operator: Operator) -> None:
    operator.run("INSERT INTO filing VALUES (:o, 'cn-2023-draft', '2026-2', '2026-11-20')")
    found = list(operator.at(ends(date(2027, 2, 3))).values())
    runs = {ClockState.RUNNING, ClockState.SOON}
    states = ["runs" if each.state in runs else each.state.value for each in found]
    assert [state for number, state in enumerate(states) if state not in states[:number]] == ["over", "runs", "met"]
    assert states == sorted(states, key=["over", "runs", "met"].index)
    for wanted in ("over", "runs"):
        days = [each.last_day for each, state in zip(found, states, strict=True) if state == wanted]
        assert len(days) > 3
        assert days == sorted(days)


@pytest.mark.parametrize(
    ("today", "left", "step"),
    [
        (date(2026, 11, 13), 21, None),
        (date(2026, 11, 16), 20, 20),
        (date(2026, 11, 27), 11, 20),
        (date(2026, 11, 30), 10, 10),
        (date(2026, 12, 7), 5, 5),
        (date(2026, 12, 10), 2, 2),
        (date(2026, 12, 11), 1, 1),
        (date(2026, 12, 12), 1, 1),
        (date(2026, 12, 14), 0, 1),
        (date(2026, 12, 15), 0, OVER),
    ],
)
def test_steps_are_counted_in_working_days(operator: Operator, today: date, left: int, step: int | None) -> None:
    clock = operator.at(ends(today))[ClockKind.FILING, DRAFT]
    assert (clock.working_days_left, clock.step) == (left, step)


def test_make_up_days_and_holidays_count_as_they_are_announced(operator: Operator) -> None:
    operator.run("UPDATE filing_duty SET raised_at = '2026-02-13T02:00:00Z'")
    clock = operator.at(ends(date(2026, 2, 13)))[ClockKind.FILING, DRAFT]
    assert (clock.last_day, clock.working_days_left, clock.provisional) == (date(2026, 4, 2), 30, False)
    assert operator.at(ends(date(2026, 2, 14)))[ClockKind.FILING, DRAFT].working_days_left == 29


def test_a_device_is_told_of_eleven_months_on(operator: Operator) -> None:
    key = (ClockKind.DEVICE_ASSESSMENT, KIOSK)
    operator.run("UPDATE device SET assessed_on = '2026-08-03' WHERE device_id = :d")  # twenty-two working days before
    before, on = operator.at(ends(date(2027, 7, 2)))[key], operator.at(ends(date(2027, 7, 3)))[key]
    assert (before.state, before.step) == (ClockState.RUNNING, None)
    assert (on.state, on.step, on.working_days_left) == (ClockState.SOON, EARLY, 22)
    assert operator.at(ends(date(2027, 7, 6)))[key].step == 20


def test_a_provisional_day_is_the_earliest_and_the_announced_one_follows(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.run("UPDATE filing_duty SET raised_at = '2026-01-19T02:00:00Z'")
    at = ends(date(2026, 1, 20))
    known = calendar.announced

    def forgotten(year: int) -> bool:
        return year < 2026 and known(year)

    with monkeypatch.context() as patched:
        patched.setattr(calendar.deadline, "__defaults__", (forgotten,))
        earliest = operator.at(at)[ClockKind.FILING, DRAFT]
    final = operator.at(at)[ClockKind.FILING, DRAFT]

    assert (earliest.provisional, final.provisional) == (True, False)
    assert earliest.last_day < final.last_day


def test_what_was_filed_is_met_and_nobody_is_reminded_of_it(operator: Operator) -> None:
    operator.run("INSERT INTO filing VALUES (:o, 'cn-2023-draft', '2026-2', '2026-11-20')")
    clock = operator.at(ends(date(2027, 1, 5)))[ClockKind.FILING, DRAFT]
    assert (clock.state, clock.step) == (ClockState.MET, None)


def test_what_is_retired_suspended_revoked_or_answered_has_no_clock(operator: Operator) -> None:
    operator.run(
        "UPDATE purpose SET retired = true",
        "UPDATE device SET suspended = true",
        "UPDATE authorisation SET revoked_at = '2026-11-02T03:00:00Z'",
        "UPDATE request SET closed_at = '2026-11-03T02:00:00Z'",
        "DELETE FROM active_purpose",
    )
    gone = {ClockKind.SIGN, ClockKind.DEVICE_ASSESSMENT, ClockKind.SECURITY_NECESSITY, ClockKind.AUTHORISATION}
    gone |= {ClockKind.REQUEST, ClockKind.ASSESSMENT, ClockKind.NECESSITY, ClockKind.PURPOSE_REVIEW}
    kinds = {kind for kind, _ in operator.at(ends(date(2026, 11, 10)))}
    assert kinds & (gone | {ClockKind.STATUTORY_BASIS}) == set()
    assert ClockKind.ASSESSMENT_KEPT in kinds, "a report is kept though its purpose is retired"


def test_numbers_come_from_the_packs_that_bind(operator: Operator) -> None:
    key = (ClockKind.DEVICE_ASSESSMENT, KIOSK)
    (draft,) = [each for each in operator.packs if each.name == DRAFT]
    yearly = Pack.parameters

    def half_yearly(pack: Pack, day: date) -> dict[str, int]:
        found = yearly(pack, day)
        return found | ({"device_assessment_days_max": 180} if pack.name == DRAFT else {})

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Pack, "parameters", half_yearly)
        assert operator.at(ends(date(2026, 11, 10)))[key].last_day == date(2026, 10, 1) + timedelta(days=180)
    assert draft.parameters(date(2026, 11, 10))["device_assessment_days_max"] == 365


def test_who_has_over_ten_million_audits_every_two_years_and_others_as_they_set(operator: Operator) -> None:
    key, at = (ClockKind.AUDIT, ""), ends(date(2026, 11, 10))
    assert operator.at(at, Terms(audit_months=6))[key].last_day == date(2027, 5, 2)
    operator.run("UPDATE person_day SET upper = 10000000")
    assert operator.at(at)[key].last_day == date(2027, 11, 2)
    operator.run("UPDATE person_day SET upper = 10000001")
    assert operator.at(at)[key].last_day == date(2028, 11, 2)


def test_who_had_a_million_before_the_announcement_reports_by_its_last_day(operator: Operator) -> None:
    key = (ClockKind.OFFICER_REPORT, "")
    operator.run("UPDATE person_day SET day = '2025-06-10'")
    assert operator.at(ends(date(2025, 8, 1)))[key].last_day == date(2025, 8, 29)
    operator.run("UPDATE person_day SET highest = 999999, upper = 999999")
    assert key not in operator.at(ends(date(2025, 8, 1)))


def test_what_a_person_says_was_done_begins_its_clock_anew_and_is_on_record(operator: Operator) -> None:
    at = ends(date(2026, 11, 20))

    def say(kind: ClockKind, about: str = "", day: date = date(2026, 11, 19)) -> None:
        with operator.database.transaction() as tx:
            say_done(tx, OPERATOR, kind, about, day, "console", at)

    say(ClockKind.AUDIT)
    say(ClockKind.OFFICER_REPORT)
    say(ClockKind.PURPOSE_REVIEW, PURPOSE)
    found = operator.at(at)
    assert found[ClockKind.AUDIT, ""].last_day == date(2027, 11, 19)
    assert found[ClockKind.PURPOSE_REVIEW, PURPOSE].last_day == date(2027, 11, 19)
    assert found[ClockKind.OFFICER_REPORT, ""].state is ClockState.MET
    with operator.database.reading() as tx:
        assert tx.execute(text("SELECT count(*) FROM record WHERE kind = 'deadline'")).scalar_one() == len(SAID)

    for kind, about, day, error in [
        (ClockKind.SIGN, KIOSK, date(2026, 11, 19), MalformedError),
        (ClockKind.AUDIT, "", date(2026, 11, 21), MalformedError),
        (ClockKind.AUDIT, PURPOSE, date(2026, 11, 19), NotFoundError),
        (ClockKind.PURPOSE_REVIEW, "nothing", date(2026, 11, 19), NotFoundError),
    ]:
        with pytest.raises(error):
            say(kind, about, day)


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2027, 3, 31), 11, date(2028, 2, 29)),
        (date(2026, 12, 1), 12, date(2027, 12, 1)),
        (date(2024, 2, 29), 36, date(2027, 2, 28)),
    ],
)
def test_a_month_without_the_day_ends_with_its_last(day: date, months: int, after: date) -> None:
    assert after_months(day, months) == after
