"""What clerks do: number, ask, return, remind; the register and its open data; deadlines, signals, complaints."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from countenance.authority.desk import Desk
from countenance.authority.inbox import take
from countenance.authority.seen import CaseState
from countenance.authority.signals import SILENT_DAYS
from countenance.errors import (
    ConflictError,
    CountenanceError,
    LimitError,
    MalformedError,
    NotAllowedError,
    NotFoundError,
)
from countenance.filing.exchange import Kind, Reply
from countenance.vocabulary import FilingKind
from tests.operations.exchanging import (
    CLERK,
    DRAFT,
    LAST,
    MEASURES,
    NOW,
    RAISED,
    Clock,
    Operator,
    collected,
    device,
    filed,
    make_desk,
    paired,
    persons,
    register_database,
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(postgres: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with register_database(postgres) as database:
        yield make_desk(database, tmp_path, clock)


@pytest.fixture
def hotel(desk: Desk, clock: Clock) -> Operator:
    made = Operator(clock=clock)
    paired(desk, made)
    return made


def test_a_filing_gets_a_number_and_the_operator_is_told(desk: Desk, hotel: Operator):
    case = filed(desk, hotel, devices=(device(),))
    accepted = desk.accept(case.case_id, CLERK)
    assert (accepted.state, accepted.number, accepted.decided_on) == (CaseState.ACCEPTED, "2025-000001", NOW.date())
    (told,) = collected(desk, hotel)
    said = told.says()
    assert (told.kind, said.of, said.number, said.pack, said.on) == (
        Kind.NUMBER,
        case.message_id,
        "2025-000001",
        DRAFT,
        "2025-06-20",
    )
    with pytest.raises(ConflictError):
        desk.accept(case.case_id, CLERK)
    for act in (desk.ask, desk.give_back):
        with pytest.raises(ConflictError):
            act(case.case_id, CLERK, "What?")
    assert len(collected(desk, hotel)) == 1
    assert [each.by for each in desk.case(case.case_id).said] == [None, CLERK]


def test_numbers_go_up_whoever_asks_at_once(desk: Desk, clock: Clock):
    made = [Operator(f"h{each}.example", each, clock=clock) for each in range(1, 7)]
    waiting = []
    for each in made:
        paired(desk, each)
        waiting.append(filed(desk, each).case_id)
    threads = [threading.Thread(target=desk.accept, args=(case_id, CLERK)) for case_id in waiting]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [each.number for each in desk.register()] == [f"2025-{number:06d}" for number in range(1, 7)]
    clock.now = datetime(2026, 1, 1, tzinfo=UTC)
    inn = Operator("inn.example", 9, clock=clock)
    paired(desk, inn)
    assert desk.accept(filed(desk, inn).case_id, CLERK).number == "2026-000001"


def test_a_number_of_ones_own_is_given_once(desk: Desk, clock: Clock, hotel: Operator):
    inn = Operator("inn.example", 2, clock=clock)
    paired(desk, inn)
    assert desk.accept(filed(desk, hotel).case_id, CLERK, "沪网信备〔2025〕7号").number == "沪网信备〔2025〕7号"
    other = filed(desk, inn).case_id
    with pytest.raises(ConflictError):
        desk.accept(other, CLERK, "沪网信备〔2025〕7号")
    for wrong in ("=1+1", "a b", "x" * 65, "<b>"):
        with pytest.raises(MalformedError):
            desk.accept(other, CLERK, wrong)
    assert desk.accept(other, CLERK, "  ").number == "2025-000001"


def test_a_question_and_its_answer_stand_in_the_case(desk: Desk, hotel: Operator):
    case = filed(desk, hotel)
    assert desk.ask(case.case_id, CLERK, "Which floor?\r\nAnd why?").state is CaseState.ASKED
    (question,) = collected(desk, hotel)
    said = question.says()
    assert (question.kind, said.of, said.deadline) == (Kind.QUESTION, case.message_id, LAST.isoformat())
    take(desk.office, hotel.note(Kind.ANSWER, Reply(to=question.id, text="The second.")))
    file = desk.case(case.case_id)
    assert file.case.state is CaseState.RECEIVED
    assert [(each.kind, each.text) for each in file.said[1:]] == [
        (Kind.QUESTION, "Which floor?\nAnd why?"),
        (Kind.ANSWER, "The second."),
    ]
    with pytest.raises(MalformedError):
        desk.ask(case.case_id, CLERK, "  ")
    with pytest.raises(LimitError):
        desk.ask(case.case_id, CLERK, "x" * 8193)
    assert desk.case(case.case_id).case.state is CaseState.RECEIVED
    desk.accept(case.case_id, CLERK)
    take(desk.office, hotel.note(Kind.ANSWER, Reply(to=question.id, text="The third, rather.")))
    file = desk.case(case.case_id)
    assert (file.case.state, file.said[-1].text) == (CaseState.ACCEPTED, "The third, rather.")


def test_what_was_given_back_is_not_accepted_until_it_comes_again(desk: Desk, hotel: Operator):
    case = filed(desk, hotel)
    desk.give_back(case.case_id, CLERK, "Sign it.")
    with pytest.raises(ConflictError):
        desk.accept(case.case_id, CLERK)
    for act in (desk.ask, desk.give_back):
        with pytest.raises(ConflictError):
            act(case.case_id, CLERK, "?")
    again = filed(desk, hotel, amends=case.message_id)
    assert desk.accept(again.case_id, CLERK).number == "2025-000001"


def test_what_was_amended_meanwhile_is_not_decided_unseen(desk: Desk, hotel: Operator):
    seen = filed(desk, hotel)
    amended = filed(desk, hotel, amends=seen.message_id)
    assert amended.case_id == seen.case_id
    for act in (desk.accept, desk.ask, desk.give_back):
        with pytest.raises(ConflictError, match="meanwhile"):
            act(seen.case_id, CLERK, "7", seen=seen.message_id)
    assert collected(desk, hotel) == []
    assert desk.ask(seen.case_id, CLERK, "Why?", seen=amended.message_id).state is CaseState.ASKED
    assert desk.accept(seen.case_id, CLERK, seen=amended.message_id).state is CaseState.ACCEPTED


def test_an_operator_stands_once_under_a_pack_until_it_ends(desk: Desk, hotel: Operator):
    number = desk.accept(filed(desk, hotel).case_id, CLERK).number
    again = filed(desk, hotel, persons=persons(12_000)).case_id
    with pytest.raises(ConflictError, match="stands in the register"):
        desk.accept(again, CLERK)
    desk.accept(filed(desk, hotel, pack=MEASURES).case_id, CLERK)
    late = filed(desk, hotel, act=FilingKind.CHANGE).case_id
    assert desk.accept(filed(desk, hotel, act=FilingKind.DEREGISTRATION).case_id, CLERK).number == number
    with pytest.raises(ConflictError, match="could change"):
        desk.accept(late, CLERK)
    new = desk.accept(again, CLERK).number
    assert new != number
    assert desk.accept(late, CLERK).number == new
    assert [each.deregistered_on is None for each in desk.register()] == [False, True, True]


def test_a_clerk_that_is_removed_is_out_and_what_was_done_stays(desk: Desk, hotel: Operator):
    made = desk.add_clerk("Wu")
    assert made is not None
    token = desk.sign_in("Wu", made).token
    case = filed(desk, hotel)
    desk.ask(case.case_id, "Wu", "Why?")
    desk.remove_clerk("Wu")
    assert (desk.clerk(token), "Wu" in {each.name for each in desk.clerks()}) == (None, False)
    for password in (made, ""):
        with pytest.raises(NotAllowedError):
            desk.sign_in("Wu", password)
    for gone in ("Wu", "nobody", "a\x00b"):
        with pytest.raises(NotFoundError):
            desk.remove_clerk(gone)
    assert desk.case(case.case_id).said[-1].by == "Wu"
    again = desk.add_clerk("Wu")
    assert desk.sign_in("Wu", again or "").clerk.must_choose


def test_a_reminder_is_a_message_without_a_case(desk: Desk, hotel: Operator):
    party = desk.parties()[0].party_id
    desk.remind(party, CLERK, "Please file.", DRAFT)
    (told,) = collected(desk, hotel)
    assert (told.kind, told.says().pack, told.says().of) == (Kind.REMINDER, DRAFT, None)
    take(desk.office, hotel.note(Kind.ANSWER, Reply(to=told.id, text="We will.")))
    assert desk.conversation(party)[-1].text == "We will."
    assert desk.cases() == []
    with pytest.raises(NotFoundError):
        desk.remind("nobody", CLERK, "x")


def test_the_register_folds_changes_and_the_end(desk: Desk, clock: Clock, hotel: Operator):
    first = filed(desk, hotel, devices=(device(), device("bar")))
    with pytest.raises(ConflictError):  # there is nothing to change yet
        desk.accept(filed(desk, hotel, act=FilingKind.CHANGE, persons=persons(12_000)).case_id, CLERK)
    desk.accept(first.case_id, CLERK)
    clock.forward(days=3)
    change = next(each for each in desk.cases() if each.act is FilingKind.CHANGE)
    with pytest.raises(ConflictError):
        desk.accept(change.case_id, CLERK, "another")
    assert desk.accept(change.case_id, CLERK).number == "2025-000001"
    (line,) = desk.register()
    assert (line.registered_on, line.changed_on, line.deregistered_on) == (date(2025, 6, 20), date(2025, 6, 23), None)
    assert (line.counted.upper, line.public_devices) == (12_000, 0)
    clock.forward(days=3)
    ended = filed(desk, hotel, act=FilingKind.DEREGISTRATION, persons=persons(0, highest=12_000))
    assert desk.register()[0].deregistered_on is None
    desk.accept(ended.case_id, CLERK)
    (line,) = desk.register()
    assert (line.deregistered_on, line.counted.upper) == (date(2025, 6, 26), 12_000)
    assert desk.devices() == []


def test_the_map_shows_devices_as_they_were_filed_last(desk: Desk, hotel: Operator):
    first = filed(desk, hotel, devices=(device(), device("bar")))
    assert [(each.filed.device, each.number) for each in desk.devices()] == [("bar", None), ("lobby", None)]
    desk.accept(first.case_id, CLERK)
    filed(desk, hotel, pack=MEASURES, devices=(device(),))
    assert [(each.filed.device, each.number) for each in desk.devices()] == [
        ("bar", "2025-000001"),
        ("lobby", "2025-000001"),
    ]
    change = filed(desk, hotel, act=FilingKind.CHANGE, devices=(device("bar"),))
    assert {each.filed.device for each in desk.devices()} == {"bar", "lobby"}  # the lobby under the other pack
    desk.give_back(change.case_id, CLERK, "No.")
    assert [each.number for each in desk.devices()] == ["2025-000001", "2025-000001"]


def test_open_data_names_no_person_and_holds_no_formula(desk: Desk, clock: Clock):
    evil = Operator("=cmd|x.example", 4, clock=clock)
    paired(desk, evil)
    with desk.office.database.transaction() as tx:
        from sqlalchemy import text

        tx.execute(text("""UPDATE party SET organisation = organisation || '{"name": "=cmd()"}'"""))
    desk.accept(filed(desk, evil, devices=(device(),)).case_id, CLERK)
    said, table = desk.open_data(), desk.open_data_csv()
    assert said["filings"] == [
        {
            "number": "2025-000001",
            "name": "=cmd()",
            "credit_code": "91310000MA1FL00000",
            "pack": DRAFT,
            "registered_on": "2025-06-20",
            "changed_on": None,
            "deregistered_on": None,
            "persons_lower": 10_001,
            "persons_upper": 10_001,
            "public_devices": 1,
        }
    ]
    (row,) = csv.DictReader(io.StringIO(table))
    assert row["name"] == "'=cmd()"
    for written in (json.dumps(said), table):
        assert "Wang" not in written
        assert "@" not in written
        assert "Lobby" not in written


def test_deadlines_are_counted_here_from_what_was_stated(desk: Desk, clock: Clock, hotel: Operator):
    take(desk.office, hotel.states(persons(9_900), date(2025, 5, 31)))
    assert desk.deadlines() == []
    clock.now = datetime(2025, 6, 2, 3, tzinfo=UTC)
    take(desk.office, hotel.states(persons(10_001), RAISED))
    (due,) = desk.deadlines()
    assert (due.pack, due.raised_on, due.deadline.day, due.deadline.provisional) == (DRAFT, RAISED, LAST, False)
    assert (due.working_days_left, due.overdue, due.case_id) == (30, False, None)
    # Falling back below the line closes nothing, and a later day that the operator names puts nothing off.
    clock.now = datetime(2025, 7, 14, 3, tzinfo=UTC)
    said = {"pack": DRAFT, "state": "due", "raised_on": "2025-07-01"}
    take(desk.office, hotel.states(persons(9_000, highest=10_001), date(2025, 7, 13), duties=[said]))
    (due,) = desk.deadlines()
    assert (due.raised_on, due.working_days_left, due.overdue) == (RAISED, 0, False)
    clock.now = datetime(2025, 7, 14, 16, tzinfo=UTC)  # midnight where the law is
    (due,) = desk.deadlines()
    assert (due.working_days_left, due.overdue) == (-1, True)
    assert "overdue" in {each.kind for each in desk.signals()}
    case = filed(desk, hotel)
    assert (case.late, case.working_days_left) == (True, -1)
    assert desk.deadlines() == []
    desk.give_back(case.case_id, CLERK, "Sign it.")
    assert [(each.case_id, each.overdue) for each in desk.deadlines()] == [(case.case_id, True)]


def test_a_change_is_owed_until_it_comes(desk: Desk, clock: Clock, hotel: Operator):
    desk.accept(filed(desk, hotel).case_id, CLERK)
    clock.forward(days=10)
    said = {"pack": DRAFT, "state": "due", "demands": "change", "raised_on": "2025-06-29"}
    unknown = {"pack": DRAFT, "state": None, "demands": "dance"}
    take(desk.office, hotel.states(persons(12_500), duties=[said, unknown]))
    (due,) = desk.deadlines()
    assert (due.act, due.raised_on, due.deadline.day) == (FilingKind.CHANGE, date(2025, 6, 29), date(2025, 8, 8))
    assert {each.kind for each in desk.signals()} == {"unfiled"}
    filed(desk, hotel, act=FilingKind.CHANGE, persons=persons(12_500))
    assert desk.deadlines() == []
    assert desk.signals() == []


def test_a_filing_in_time_is_not_late(desk: Desk, clock: Clock, hotel: Operator):
    clock.now = datetime(2025, 7, 14, 15, 59, tzinfo=UTC)
    assert not filed(desk, hotel).late


def test_signals_are_about_what_was_stated(desk: Desk, clock: Clock, hotel: Operator):
    assert desk.signals() == []
    spoken = [{"kind": "lingering", "since": "2025-05-01", "said": {}}, {"kind": "<b>", "since": 5}]
    take(desk.office, hotel.states(persons(9_900), signals=spoken))
    kinds = {each.kind: each for each in desk.signals()}
    assert set(kinds) == {"near", "stated_lingering", "stated"}
    assert "98 per cent" in kinds["near"].text.en
    assert "Since 2025-05-01" in kinds["stated_lingering"].text.en
    assert "2025-05-01" in kinds["stated_lingering"].text.zh
    clock.forward(days=1)
    take(desk.office, hotel.states(persons(9_000, highest=10_001)))
    assert {each.kind for each in desk.signals()} == {"unfiled"}
    clock.forward(days=SILENT_DAYS, seconds=1)
    assert {each.kind for each in desk.signals()} == {"unfiled", "silent", "overdue"}
    assert all(each.text.en and each.text.zh and each.party_name == "The Hotel" for each in desk.signals())


def test_what_is_not_there_is_not_found(desk: Desk):
    for act in (
        lambda: desk.case(1), lambda: desk.party("x"), lambda: desk.accept(1, CLERK), lambda: desk.group("x"),
        lambda: desk.inspect("x", CLERK, "order"), lambda: desk.assign("x", "g"), lambda: desk.attachment(1, "ab"),
        lambda: desk.issue_group_key("x", CLERK),
    ):  # fmt: skip
        with pytest.raises(NotFoundError):
            act()
    assert (desk.cases(CaseState.RECEIVED), desk.inspections(), desk.register(), desk.groups()) == ([], [], [], [])
    assert issubclass(NotFoundError, CountenanceError)
