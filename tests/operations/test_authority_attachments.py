"""The files of messages: whole or not there, of the size that was named, and continued where they were cut off."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from countenance.authority import inbox
from countenance.authority.desk import Desk
from countenance.authority.inbox import INCOMPLETE_MAX, begin, finish, take
from countenance.errors import LimitError, MalformedError, NotFoundError, UnavailableError
from countenance.store.database import Database
from tests.operations.exchanging import (
    Clock,
    Operator,
    filed,
    kept,
    make_desk,
    paired,
    persons,
    put,
    register_database,
    sha,
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


def test_who_names_anothers_file_learns_nothing(desk: Desk, clock: Clock, hotel: Operator):
    filed(desk, hotel, FORM)
    inn = Operator("inn.example", 2, clock=clock)
    paired(desk, inn)
    note = inn.files(FORM)
    assert inn.receipt(take(desk.office, note)).missing == (sha(FORM),)
    put(desk, FORM)
    assert inn.receipt(take(desk.office, note)).missing == ()
    assert len(desk.cases()) == 2
    assert len(kept(desk)) == 1


def test_a_file_is_refused_before_it_is_read(desk: Desk, hotel: Operator):
    with pytest.raises(NotFoundError):
        begin(desk.office, sha(FORM), len(FORM))
    take(desk.office, hotel.files(FORM))
    with pytest.raises(LimitError):
        begin(desk.office, sha(FORM), 2 << 30)
    with pytest.raises(MalformedError):
        begin(desk.office, sha(FORM), len(FORM) - 1)
    assert kept(desk) == []


def test_an_undeclared_file_is_cut_off_where_it_is_too_long(desk: Desk, hotel: Operator):
    note = hotel.files(FORM)
    take(desk.office, note)
    with begin(desk.office, sha(FORM), None) as draft:
        for _ in range(len(FORM) // 1000):
            draft.write(bytes(1000))
        with pytest.raises(LimitError):
            draft.write(b"x")
    assert kept(desk) == []
    assert hotel.receipt(take(desk.office, note)).missing == (sha(FORM),)


def test_another_file_than_the_one_named_is_not_kept(desk: Desk, hotel: Operator):
    take(desk.office, hotel.files(FORM))
    for wrong in (FORM[:-1] + b"!", FORM[:-1], b""):
        with begin(desk.office, sha(FORM), None) as draft:
            draft.write(wrong)
            with pytest.raises(MalformedError):
                finish(desk.office, sha(FORM), draft)
    assert kept(desk) == []
    assert desk.cases() == []


def test_cut_off_in_the_middle_it_goes_on(desk: Desk, hotel: Operator):
    note = hotel.files(FORM, ANNEX)
    take(desk.office, note)
    put(desk, FORM)
    with begin(desk.office, sha(ANNEX), len(ANNEX)) as draft:
        draft.write(ANNEX[:100])
    assert len(kept(desk)) == 1
    assert hotel.receipt(take(desk.office, note)).missing == (sha(ANNEX),)
    with pytest.raises(NotFoundError):  # that one is here
        begin(desk.office, sha(FORM), len(FORM))
    put(desk, ANNEX)
    assert hotel.receipt(take(desk.office, note)).missing == ()
    assert len(desk.cases()) == 1


def test_killed_between_the_disk_and_the_database_it_goes_on(desk: Desk, hotel: Operator):
    note = hotel.files(FORM)
    take(desk.office, note)
    with begin(desk.office, sha(FORM), len(FORM)) as draft:
        draft.write(FORM)
        draft.keep()  # and here the power goes
    assert hotel.receipt(take(desk.office, note)).missing == (sha(FORM),)
    put(desk, FORM)
    assert hotel.receipt(take(desk.office, note)).missing == ()
    assert (len(desk.cases()), len(kept(desk))) == (1, 1)


def test_drafts_of_a_killed_server_are_swept(desk: Desk, hotel: Operator):
    take(desk.office, hotel.files(FORM, ANNEX))
    put(desk, ANNEX)
    draft = begin(desk.office, sha(FORM), None)
    draft.write(FORM)
    assert len(kept(desk)) == 2
    desk.office.files.sweep()
    assert [each.name for each in kept(desk)] == [sha(ANNEX)]
    draft.__exit__(None, None, None)


def test_a_damaged_file_is_not_shown(desk: Desk, hotel: Operator):
    case = filed(desk, hotel, FORM)
    desk.office.files.path(bytes.fromhex(sha(FORM))).write_bytes(b"other")
    with pytest.raises(UnavailableError):
        desk.attachment(case.case_id, sha(FORM))
    with pytest.raises(NotFoundError):
        desk.attachment(case.case_id, sha(ANNEX))


def test_a_full_disk_loses_nothing(desk: Desk, hotel: Operator, monkeypatch: pytest.MonkeyPatch):
    note = hotel.files(FORM)
    take(desk.office, note)

    def full(_: object, __: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(UnavailableError):
            put(desk, FORM)
    assert kept(desk) == []
    put(desk, FORM)
    assert hotel.receipt(take(desk.office, note)).missing == ()


def test_too_much_that_waits_is_not_taken(desk: Desk, clock: Clock, hotel: Operator, monkeypatch: pytest.MonkeyPatch):
    for number in range(INCOMPLETE_MAX):
        take(desk.office, hotel.files(b"%d" % number))
    with pytest.raises(LimitError) as raised:
        take(desk.office, hotel.files(b"one more"))
    assert raised.value.limit == "rate"
    take(desk.office, hotel.states(persons(1)))
    put(desk, b"0")
    take(desk.office, hotel.files(b"one more"))
    put(desk, b"one more")
    monkeypatch.setattr(inbox, "PARTY_BYTES_MAX", 100)
    with pytest.raises(LimitError):
        take(desk.office, hotel.files(bytes(200)))


def test_the_database_away_is_said_and_nothing_is_lost(desk: Desk, hotel: Operator, postgres: str):
    away = Database(postgres.replace("/postgres?", "/nowhere?"))
    office = replace(desk.office, database=away)
    note = hotel.files(FORM)
    with pytest.raises(UnavailableError):
        take(office, note)
    take(desk.office, note)
    draft = begin(desk.office, sha(FORM), None)
    with draft:
        draft.write(FORM)
        with pytest.raises(UnavailableError):
            finish(office, sha(FORM), draft)
    put(desk, FORM)
    assert hotel.receipt(take(desk.office, note)).missing == ()
    away.close()
