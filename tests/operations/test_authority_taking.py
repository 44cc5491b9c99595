"""What the inbox looks at in what operators say: days, logs, files of devices; and whose trouble is whose."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from countenance.authority import inbox
from countenance.authority.desk import Desk
from countenance.authority.filed import DEVICES_BYTES_MAX, DEVICES_TYPE, take_effect
from countenance.authority.inbox import collect, take
from countenance.authority.seen import CaseState
from countenance.errors import ConflictError, MalformedError
from countenance.filing.exchange import Attachment, Filing, Kind, LogAddress, Reply, Statement, attachment
from countenance.log.notes import Signer
from countenance.vocabulary import FilingKind
from tests.operations.exchanging import (
    CLERK,
    DRAFT,
    RAISED,
    Clock,
    Operator,
    collected,
    device,
    filed,
    make_desk,
    paired,
    persons,
    put,
    register_database,
)

LOG = LogAddress(
    vkey=Signer("hotel.example/log/hotel/1", bytes([9]) * 32).verifier.as_vkey(), url="https://log.example/"
)
FORM, ANNEX = b"form " * 1000, b"annex " * 1000


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


def of(hotel: Operator, *files: Attachment, **more: object) -> bytes:
    body = Filing.model_validate({"act": FilingKind.FIRST, "pack": DRAFT, "persons": persons(1), **more})
    return hotel.note(Kind.FILING, body, *files)


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2019-12-31", "2027-06-25"])
def test_a_day_of_another_time_is_not_taken(desk: Desk, hotel: Operator, day: str):
    said = {"pack": DRAFT, "state": "due", "raised_on": "2025-06-01"}
    for note in (
        of(hotel, raised_on=day),
        of(hotel, deadline=day),
        hotel.states(persons(1), date.fromisoformat(day)),
        hotel.states(persons(1), duties=[{**said, "raised_on": day}]),
        hotel.states(persons(1), duties=[{**said, "deadline": day}]),
    ):
        with pytest.raises(MalformedError):
            take(desk.office, note)
    take(desk.office, of(hotel, raised_on="2020-01-01", deadline="2027-06-20"))
    assert len(desk.cases()) == 1
    assert len(desk.deadlines()) == 0
    assert desk.signals() == []


def test_a_statement_is_of_no_day_to_come(desk: Desk, clock: Clock, hotel: Operator):
    for days in (2, 100):
        ahead = clock.now + timedelta(days=days)
        said = {"day": clock.now.date().isoformat(), "persons": persons(5).model_dump()}
        for note in (
            hotel.states(persons(5), ahead.date()),
            hotel.note(Kind.STATEMENT, Statement(statement=said), at=ahead),
        ):
            with pytest.raises(MalformedError):
                take(desk.office, note)
    take(desk.office, hotel.states(persons(5), (clock.now + timedelta(days=1)).date()))


def test_a_number_beyond_every_message_collects_nothing(desk: Desk, hotel: Operator):
    desk.remind(desk.parties()[0].party_id, CLERK, "Please file.")
    assert collect(desk.office, hotel.collects(2**53)) == {"messages": [], "more": False}


def test_one_partys_failing_message_is_its_own(
    desk: Desk, clock: Clock, hotel: Operator, monkeypatch: pytest.MonkeyPatch
):
    inn = Operator("inn.example", 2, clock=clock)
    parties = {paired(desk, inn): inn, next(each.party_id for each in desk.parties() if "Hotel" in each.name): hotel}
    notes = {party_id: each.files(FORM) for party_id, each in parties.items()}
    for note in notes.values():
        take(desk.office, note)
    first, *_ = sorted(parties)
    (other,) = set(parties) - {first}

    def failing(office, tx, party, message, row):
        if party.party_id == first:
            raise KeyError(first)
        take_effect(office, tx, party, message, row)

    monkeypatch.setattr(inbox, "take_effect", failing)
    put(desk, FORM)
    assert [each.party_id for each in desk.cases()] == [other]
    with pytest.raises(KeyError):  # alone it fails aloud
        put(desk, FORM)
    monkeypatch.undo()
    assert parties[first].receipt(take(desk.office, notes[first])).missing != ()
    put(desk, FORM)
    assert {each.party_id for each in desk.cases()} == set(parties)


def test_two_amendments_of_one_filing_stay_one_case(desk: Desk, clock: Clock, hotel: Operator):
    case = filed(desk, hotel)
    one = hotel.files(FORM, amends=case.message_id, persons=persons(10_100))
    clock.forward(minutes=1)
    two = hotel.files(ANNEX, amends=case.message_id, persons=persons(10_200))
    take(desk.office, one)
    take(desk.office, two)
    put(desk, ANNEX)
    put(desk, FORM)  # the earlier one is whole the later
    (now,) = desk.cases()
    assert (now.case_id, now.counted.upper) == (case.case_id, 10_200)
    assert len(desk.case(case.case_id).said) == 3


def test_an_answer_does_not_lift_what_was_given_back(desk: Desk, hotel: Operator):
    case = filed(desk, hotel)
    desk.give_back(case.case_id, CLERK, "Sign it.")
    (told,) = collected(desk, hotel)
    take(desk.office, hotel.note(Kind.ANSWER, Reply(to=told.id, text="Why?")))
    file = desk.case(case.case_id)
    assert (file.case.state, file.said[-1].text) == (CaseState.RETURNED, "Why?")


def test_a_log_named_by_a_statement_is_ones_own_and_for_everybody(desk: Desk, clock: Clock, hotel: Operator):
    inn = Operator("inn.example", 2, clock=clock)
    paired(desk, inn)
    said = {"day": clock.now.date().isoformat(), "persons": persons(5).model_dump()}
    notes = [
        each.note(Kind.STATEMENT, Statement(statement=said, log=LOG), attachment("a", "a/b", each.name.encode()))
        for each in (hotel, inn)
    ]
    for note in notes:
        take(desk.office, note)
    put(desk, b"hotel.example")
    with pytest.raises(ConflictError):  # it was nobody's when the note came
        put(desk, b"inn.example")
    assert [each.log_url for each in desk.parties() if each.log_url] == [LOG.url]
    careful = replace(desk.office, private_logs=False)
    private = Statement(statement=said, log=LogAddress(vkey=LOG.vkey, url="https://10.0.0.5/"))
    with pytest.raises(MalformedError):
        take(careful, inn.note(Kind.STATEMENT, private))


def test_days_count_from_the_partys_own_statements(desk: Desk, clock: Clock, hotel: Operator):
    counted = persons(10_001).model_dump() | {"highest": 10}  # a peak that leaves backups out
    take(desk.office, hotel.note(Kind.STATEMENT, Statement(statement={"day": "2025-05-06", "persons": counted})))
    case = filed(desk, hotel)
    assert case.raised_on == date(2025, 5, 6) < RAISED
    assert case.late
    assert filed(desk, hotel, ANNEX, act=FilingKind.CHANGE).raised_on == RAISED


def test_after_the_end_what_is_held_now_is_owed_anew(desk: Desk, clock: Clock, hotel: Operator):
    take(desk.office, hotel.states(persons(10_001)))
    desk.accept(filed(desk, hotel).case_id, CLERK)
    desk.accept(filed(desk, hotel, act=FilingKind.DEREGISTRATION).case_id, CLERK)
    clock.forward(days=1)
    take(desk.office, hotel.states(persons(20, highest=10_001)))
    assert desk.deadlines() == []
    clock.forward(days=1)
    take(desk.office, hotel.states(persons(10_500)))
    (due,) = desk.deadlines()
    assert (due.act, due.raised_on) == (FilingKind.FIRST, clock.now.date())
    filed(desk, hotel)
    assert desk.deadlines() == []


def test_devices_may_come_in_a_file(desk: Desk, hotel: Operator):
    listed = [device(f"d{number}").model_dump(mode="json") for number in range(3_000)]
    content = json.dumps(listed).encode()
    named = attachment("devices.json", DEVICES_TYPE, content)
    take(desk.office, of(hotel, named, devices_file=named.sha256))
    assert desk.cases() == []
    put(desk, content)
    (case,) = desk.cases()
    assert (len(case.devices), case.devices[7].device, case.devices_unread) == (3_000, "d7", False)
    assert len(desk.devices()) == 3_000


@pytest.mark.parametrize("content", [b"no JSON", b"{}", b'[{"device":"d"}]', b'[{"device":"a\\u0000"}]', b"[" * 9000])
def test_a_file_of_devices_that_cannot_be_read_is_said(desk: Desk, hotel: Operator, content: bytes):
    named = attachment("devices.json", DEVICES_TYPE, content)
    take(desk.office, of(hotel, named, devices_file=named.sha256))
    put(desk, content)
    (case,) = desk.cases()
    assert (case.devices, case.devices_unread) == ((), True)
    assert "devices" in {each.kind for each in desk.signals()}


def test_a_file_of_devices_is_a_json_attachment_that_is_not_too_long(desk: Desk, hotel: Operator):
    good = attachment("devices.json", DEVICES_TYPE, b"[]")
    for files in (
        (),
        (good.model_copy(update={"media_type": "text/plain"}),),
        (good.model_copy(update={"size": DEVICES_BYTES_MAX + 1}),),
    ):
        with pytest.raises(MalformedError):
            take(desk.office, of(hotel, *files, devices_file=good.sha256))
