"""Several processes on one database: what one keeps or destroys, the other's memory has within a second."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from uuid import uuid4

import pytest
from sqlalchemy import text

from countenance.operations import upkeep
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.follow import Follower
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import House, Identified
from countenance.operations.withdraw import withdraw
from countenance.store import signals
from countenance.store.database import Database
from countenance.vocabulary import Scope
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Address, Hotel
from tests.faces import astronaut_jpeg, grace_hopper_jpeg
from tests.operations.test_spaces import afresh


@pytest.fixture
def other(hotel: Hotel, address: Address) -> Iterator[House]:
    """Return another process's house on the same database, with connections of its own, which follows."""
    pool = Database(address.url)
    house = replace(afresh(hotel), database=pool)
    with upkeep.following(house):
        _soon(lambda: _listening(hotel) == 1)
        yield house
    pool.close()


def _soon(true: Callable[[], bool], seconds: float = 1.0) -> None:
    """Fail unless something becomes true within a second."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "not within a second"
        time.sleep(0.01)


def _listening(hotel: Hotel) -> int:
    with hotel.house.database.reading() as tx:
        mine = "datname = current_database() AND query LIKE 'LISTEN%'"
        return int(tx.execute(text(f"SELECT count(*) FROM pg_stat_activity WHERE {mine}")).scalar_one())


def found(hotel: Hotel, house: House) -> str | None:
    """Return whom a house identifies Grace Hopper as."""
    consent = hotel.consent(None, Scope.IDENTIFY)
    unnamed = Unnamed(consent_id=consent, purpose=PURPOSE, device_id=KIOSK, session=SESSION)  # type: ignore[arg-type]
    done = identify(house, DEVICE, unnamed, grace_hopper_jpeg())
    assert isinstance(done, Identified)
    return done.subject_ref


def test_an_enrolment_at_one_is_known_at_the_other(hotel: Hotel, other: House) -> None:
    hotel.consent("guest")
    assert found(hotel, other) is None
    hotel.enrol("guest", grace_hopper_jpeg())
    _soon(lambda: len(other.projection) == 1)
    assert found(hotel, other) == "guest"
    assert len(hotel.house.projection) == 1


@pytest.mark.parametrize("act", ["withdrawal", "a no", "erasure", "the end of retention"])
def test_what_is_destroyed_at_one_leaves_the_others_memory(hotel: Hotel, other: House, act: str) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    _soon(lambda: len(other.projection) == 1)
    if act == "withdrawal":
        withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    elif act == "a no":
        hotel.consent("guest", decision="refused")
    elif act == "erasure":
        erase(hotel.house, OFFICER, "guest")
    else:
        hotel.clock.forward(days=40)
        expire(hotel.house, OPERATOR)
    _soon(lambda: len(other.projection) == 0)


def test_what_did_not_happen_is_not_heard_of(hotel: Hotel, other: House) -> None:
    heard: list[signals.Heard] = []
    stop = threading.Event()
    listening = threading.Thread(target=signals.listen, args=(other.database, heard.append, lambda: None, stop, 60.0))
    listening.start()
    try:
        _soon(lambda: _listening(hotel) == 2)
        with suppress(ZeroDivisionError), hotel.house.database.transaction() as tx:
            signals.tell(tx, OPERATOR, uuid4(), [PURPOSE], [uuid4()], kept=False)
            raise ZeroDivisionError
        hotel.consent("guest")
        kept = hotel.enrol("guest", grace_hopper_jpeg())
        _soon(lambda: len(heard) == 1)
    finally:
        stop.set()
        listening.join(timeout=5)
    assert [(each.kept, each.references) for each in heard] == [(True, (kept.reference_id,))]
    assert "guest" not in str(heard)


def test_words_that_were_lost_are_made_up_for(hotel: Hotel, other: House) -> None:
    hotel.consent("guest")
    hotel.consent("second")
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "
                "datname = current_database() AND query LIKE 'LISTEN%'"
            )
        )
    hotel.enrol("guest", grace_hopper_jpeg())
    _soon(lambda: len(other.projection) == 1, seconds=10)
    hotel.enrol("second", astronaut_jpeg())
    _soon(lambda: len(other.projection) == 2)


@pytest.mark.parametrize(
    "word",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"operator": 1}',
        '{"operator":"x","subject":"y","purposes":[],"references":[],"kept":true}',
    ],
)
def test_a_word_that_is_not_ours_is_passed_over(hotel: Hotel, other: House, word: str) -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(text("SELECT pg_notify('countenance_references', :w)"), {"w": word})
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    _soon(lambda: len(other.projection) == 1)


def test_a_look_takes_over_what_is_missing_and_lets_go_of_what_is_left_over_twice(hotel: Hotel) -> None:
    house = afresh(hotel)
    follower = Follower(house)
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    follower.look()
    assert len(house.projection) == 1
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    follower.look()
    assert len(house.projection) == 1, "it might be an enrolment that has not ended yet"
    follower.look()
    assert len(house.projection) == 0


def test_an_enrolment_under_way_is_not_let_go(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    follower = Follower(hotel.house)
    for _ in range(3):
        follower.look()
    assert len(hotel.house.projection) == 1


def test_closing_ends_the_listening(hotel: Hotel) -> None:
    with ExitStack() as stack:
        stack.enter_context(upkeep.following(afresh(hotel)))
        _soon(lambda: _listening(hotel) == 1)
    assert not [thread for thread in threading.enumerate() if thread.name == "following"]


def test_a_template_that_does_not_open_is_an_alarm_wherever_it_is_read(hotel: Hotel, other: House) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    _soon(lambda: len(other.projection) == 1)
    house = replace(afresh(hotel), alarm=threading.Event())
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE reference SET sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40))"))
    Follower(house).look()
    assert house.alarm.is_set()
    assert len(house.projection) == 0


def test_an_error_nobody_expected_does_not_end_the_following(
    hotel: Hotel, other: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, failed = Follower.hear, threading.Event()

    def hear(follower: Follower, heard: signals.Heard) -> None:
        if not failed.is_set():
            failed.set()
            raise KeyError
        real(follower, heard)

    hotel.consent("guest")
    hotel.consent("second")
    with monkeypatch.context() as patched:
        patched.setattr(Follower, "hear", hear)
        house = replace(afresh(hotel), database=other.database)
        with upkeep.following(house):
            _soon(lambda: _listening(hotel) == 2)
            hotel.enrol("guest", grace_hopper_jpeg())
            _soon(lambda: failed.is_set() and len(house.projection) == 1, seconds=10)
            hotel.enrol("second", astronaut_jpeg())
            _soon(lambda: len(house.projection) == 2, seconds=10)


def test_what_a_server_kept_itself_it_holds_and_does_not_read_again(hotel: Hotel, other: House) -> None:
    heard: list[signals.Heard] = []
    stop = threading.Event()
    listening = threading.Thread(
        target=signals.listen, args=(hotel.house.database, heard.append, lambda: None, stop, 60.0)
    )
    listening.start()
    try:
        _soon(lambda: _listening(hotel) == 2)
        hotel.consent("guest")
        hotel.enrol("guest", grace_hopper_jpeg())
        withdraw(hotel.house, DEVICE, "guest", PURPOSE)
        _soon(lambda: len(heard) == 1)
    finally:
        stop.set()
        listening.join(timeout=5)
    assert [each.kept for each in heard] == [False], "what was destroyed is heard by everybody"


def test_what_is_told_in_a_row_is_read_in_one_go(hotel: Hotel, other: House) -> None:
    heard: list[signals.Heard] = []
    stop = threading.Event()
    listening = threading.Thread(target=signals.listen, args=(other.database, heard.append, lambda: None, stop, 60.0))
    listening.start()
    references = [uuid4() for _ in range(20)]
    try:
        _soon(lambda: _listening(hotel) == 2)
        with hotel.house.database.transaction() as tx:
            for each in references:
                signals.tell(tx, OPERATOR, uuid4(), [PURPOSE], [each], kept=True)
            signals.tell(tx, OPERATOR, uuid4(), [PURPOSE], references[:1], kept=False)
        _soon(lambda: len(heard) >= 2)
    finally:
        stop.set()
        listening.join(timeout=5)
    assert [(each.kept, list(each.references)) for each in heard] == [(True, references), (False, references[:1])]
