"""Whatever breaks, an enrolment is whole with its record or absent: kill -9, a full disk, a lost database, a race."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, UnavailableError
from countenance.operations.enrol import enrol
from countenance.operations.expire import expire
from countenance.operations.parts import Enrolled, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.record import Entry, append
from countenance.store.database import Database
from tests import pictures
from tests.database import DEVICE, KIOSK, OPERATOR, PURPOSE, SESSION, Address, Hotel, enrolment

ENROL_UNTIL_KILLED = Path(__file__).with_name("enrol_until_killed.py")


def held(database: Database) -> tuple[int, int, int]:
    """Return how many references, keys and records of an enrolment there are."""
    with database.transaction() as tx:
        found = tx.execute(
            text(
                "SELECT (SELECT count(*) FROM reference), (SELECT count(*) FROM subject_key),"
                " (SELECT count(*) FROM record WHERE kind = 'enrol' AND outcome = 'enrolled')"
            )
        ).one()
    return found[0], found[1], found[2]


def test_kill_9_leaves_each_enrolment_whole_or_absent(hotel: Hotel, address: Address, tmp_path: Path) -> None:
    hotel.consent("guest")
    photograph = tmp_path / "photograph.jpg"
    photograph.write_bytes(pictures.admiral())
    moments = random.Random(8)
    killed_with_work_done = 0

    for finished_first in (0, 1, 2, 1):
        before = held(hotel.house.database)
        child = subprocess.Popen(
            [sys.executable, str(ENROL_UNTIL_KILLED), address.url, str(tmp_path), str(photograph)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        for _ in range(finished_first):
            assert child.stdout.readline() == b"enrolled\n"
        time.sleep(moments.uniform(0.0, 0.2))
        os.kill(child.pid, signal.SIGKILL)
        told = finished_first + child.stdout.read().count(b"enrolled\n")
        child.wait()
        child.stdout.close()

        after = held(hotel.house.database)
        assert after[0] == after[2], "a reference without a record, or a record without a reference"
        assert after[0] - before[0] >= told, "an answer was given for what is not kept"
        killed_with_work_done += after[0] > before[0]

    assert killed_with_work_done, "nothing was enrolled before any kill: the test saw nothing"


def test_a_full_disk_is_unavailable_and_leaves_nothing(hotel: Hotel) -> None:
    hotel.consent("guest")
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
            )
        )
        tx.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON record EXECUTE FUNCTION full_disk()"))

    with pytest.raises(UnavailableError) as raised:
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert "guest" not in str(raised.value)
    assert held(hotel.house.database) == (0, 0, 0)
    assert len(hotel.house.projection) == 0


def test_a_database_that_is_gone_is_unavailable(hotel: Hotel) -> None:
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", connections=1)
    lost = hotel.with_house(database=away)

    with pytest.raises(UnavailableError):
        verify(
            lost.house,
            DEVICE,
            Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION),
            pictures.admiral(),
        )
    assert not away.answers()
    away.close()


def test_a_connection_cut_between_the_gates_leaves_nothing(hotel: Hotel) -> None:
    hotel.consent("guest")
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "CREATE FUNCTION cut() RETURNS trigger AS $$ BEGIN"
                " PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$ LANGUAGE plpgsql"
            )
        )
        tx.execute(text("CREATE TRIGGER cut BEFORE INSERT ON reference FOR EACH ROW EXECUTE FUNCTION cut()"))

    with pytest.raises(UnavailableError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert held(hotel.house.database) == (0, 0, 0)


def test_a_clock_set_back_stops_all_processing(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    hotel.clock.forward(days=-2)

    with pytest.raises(UnavailableError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert held(hotel.house.database) == (1, 1, 1)


def test_a_clock_that_was_wrong_is_accepted_by_a_record(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.clock.forward(days=3650)
    hotel.consent("other")
    hotel.clock.forward(days=-3650)
    with pytest.raises(UnavailableError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    with hotel.house.database.transaction() as tx:
        append(tx, Entry(operator_id=OPERATOR, at=hotel.clock(), kind="clock", outcome="accepted", by="console"))

    assert isinstance(enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral()), Enrolled)


def test_what_cannot_be_kept_is_not_extracted(hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    hotel.consent("guest")
    small = hotel.with_house(references_max=1)
    small.enrol("guest", pictures.admiral())
    monkeypatch.setattr("countenance.operations.enrol.extract", lambda *_: pytest.fail("features were extracted"))

    with pytest.raises(ConflictError):
        enrol(small.house, DEVICE, enrolment("guest"), pictures.admiral())


def test_expiry_leaves_an_enrolment_that_is_under_way(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE reference SET created_at = created_at - interval '40 days'"))
        tx.execute(
            text(
                "CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(1.0); RETURN NEW; END $$"
                " LANGUAGE plpgsql"
            )
        )
        tx.execute(text("CREATE TRIGGER slow AFTER INSERT ON reference FOR EACH ROW EXECUTE FUNCTION slow()"))
    done: list[object] = []
    under_way = threading.Thread(
        target=lambda: done.append(enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral_again()))
    )
    under_way.start()
    time.sleep(0.6)
    gone = expire(hotel.house, OPERATOR)
    under_way.join()

    assert isinstance(done[0], Enrolled)
    assert [(each.keys, each.references) for each in gone] == [(0, 1)]
    assert held(hotel.house.database)[0] == 1
    assert len(hotel.house.projection) == 1


def test_two_enrolments_of_one_subject_at_once_are_both_whole(hotel: Hotel) -> None:
    hotel.consent("guest")
    small = hotel.with_house(references_max=3)
    answers: list[object] = []

    def once() -> None:
        try:
            answers.append(enrol(small.house, DEVICE, enrolment("guest"), pictures.admiral()))
        except ConflictError as error:
            answers.append(error)

    threads = [threading.Thread(target=once) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(answer, Enrolled) for answer in answers) == 3
    assert sum(isinstance(answer, ConflictError) for answer in answers) == 2
    assert held(hotel.house.database) == (3, 1, 3)
    assert len(hotel.house.projection) == 3


def test_a_withdrawal_in_the_middle_of_verifications_lets_none_match_after_it(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    withdrawn, begun, answers = threading.Event(), threading.Event(), []

    def ask() -> None:
        late = 0
        while late < 3:
            after = withdrawn.is_set()
            late += after
            answers.append((after, verify(hotel.house, DEVICE, claim, pictures.admiral())))
            if not after:
                begun.set()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert begun.wait(60)
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    withdrawn.set()
    for thread in threads:
        thread.join()

    late = [answer for after, answer in answers if after]
    assert late, "no verification came after the withdrawal: the test saw nothing"
    assert all(isinstance(answer, Refused) for answer in late)
    assert any(isinstance(answer, Verified) and answer.match for _, answer in answers)


def test_a_commit_that_fails_is_not_remembered(hotel: Hotel) -> None:
    hotel.consent("guest")
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
            )
        )
        tx.execute(
            text(
                "CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON record DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION full_disk()"
            )
        )

    with pytest.raises(UnavailableError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert held(hotel.house.database) == (0, 0, 0)
    assert len(hotel.house.projection) == 0
