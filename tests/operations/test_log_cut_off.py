"""What a writer that lost the database, or was cut off, does to a log that others go on with; found beside the soak."""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from countenance.errors import CountenanceError, UnavailableError
from countenance.log.check import Flaw
from countenance.log.tiles import LogFiles
from countenance.operations import upkeep
from countenance.operations.examine import examine
from countenance.operations.sequence import Sequencer
from countenance.operations.turn import continue_log, freeze
from countenance.operations.upkeep import take_along
from countenance.record import Entry, append
from countenance.store import logged
from tests.database import OPERATOR, Hotel
from tests.operations.test_sequence import proves, recorded, size


@pytest.fixture
def sequencer(hotel: Hotel) -> Sequencer:
    """Return a writer of the hotel's log."""
    return Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)


def flaws(hotel: Hotel, progress: Callable[[int, int], None] = lambda done, total: None) -> list[set[Flaw]]:
    done = examine(hotel.house.database, hotel.house.logs, OPERATOR, progress)
    return [set(each.report.found) for each in done]


def until_done(one: Sequencer) -> None:
    for _ in range(40):
        with suppress(CountenanceError):
            if one.step_all():
                return
        threading.Event().wait(0.05)


class Stalled:
    """A writer that stands still before it puts a file in its place, and whose transaction the database ends then."""

    def __init__(self, hotel: Hotel, monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
        self._hotel = hotel
        self._there, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write)
        replace = Path.replace

        def stalling(draft: Path, target: Path) -> Any:
            if threading.current_thread() is self._thread and str(target).endswith(wanted):
                self._there.set()
                self._go.wait(30)
            return replace(draft, target)

        monkeypatch.setattr(Path, "replace", stalling)

    def _write(self) -> None:
        with suppress(CountenanceError):
            Sequencer(self._hotel.house.database, self._hotel.house.logs, self._hotel.clock).step_all()

    def begin(self) -> None:
        self._thread.start()
        assert self._there.wait(30)

    def lose(self) -> None:
        """End its transaction, as a restart of the database does, or its limit for idle ones."""
        ours = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        query = f"SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory' AND {ours}"
        with self._hotel.house.database.transaction() as tx:
            assert tx.execute(text(query)).scalar_one() == 1

    def go_on(self) -> None:
        self._go.set()
        self._thread.join(30)


def test_a_writer_that_lost_the_database_writes_nothing_over_what_another_signed(
    hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(hotel, 254)
    sequencer.step_all()
    stalled = Stalled(hotel, monkeypatch, "tile/0/000")
    with hotel.house.database.transaction() as tx:  # commits late, with a number before the others'
        append(tx, Entry(operator_id=OPERATOR, at=hotel.clock(), kind="verify", outcome="done", by="test"))
        recorded(hotel, 2)
        stalled.begin()
    stalled.lose()
    until_done(sequencer)
    stalled.go_on()
    until_done(sequencer)
    assert flaws(hotel) == [set()]


def test_what_was_published_never_shrinks(hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(hotel, 3)
    sequencer.step_all()
    recorded(hotel, 1)
    stalled = Stalled(hotel, monkeypatch, "/checkpoint")
    stalled.begin()
    stalled.lose()
    recorded(hotel, 1)
    until_done(sequencer)
    stalled.go_on()
    until_done(sequencer)
    assert size(hotel) == 5


def test_what_was_put_in_and_not_signed_is_signed_though_nothing_more_comes(
    hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = recorded(hotel, 3)
    sequencer.step_all()
    ids += recorded(hotel, 3)

    def fail(*_: object) -> None:
        raise UnavailableError("cut off", "中断")

    with monkeypatch.context() as patch:
        patch.setattr(LogFiles, "publish", fail)
        with pytest.raises(UnavailableError):
            sequencer.step_all()
    sequencer.step_all()
    assert proves(hotel, ids) == list(range(6))


def test_what_is_signed_while_the_logs_are_checked_is_no_flaw(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 3)
    sequencer.step_all()
    continue_log(sequencer, OPERATOR)

    def meanwhile(done: int, total: int) -> None:
        recorded(hotel, 1)
        sequencer.step_all()

    assert flaws(hotel, meanwhile) == [set(), set()]


def test_what_went_in_while_strays_were_looked_for_does_not_go_in_twice(
    hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = recorded(hotel, 3)
    select, asked = vars(logged)["select"], list[int]()

    def between(*columns: Any) -> Any:
        """The second question of `strays` is put only after the first was answered."""
        if columns == (vars(logged)["log_pending"].c.number,) and not asked:
            asked.append(1)
            sequencer.step_all()
        return select(*columns)

    with monkeypatch.context() as patch:
        patch.setattr(logged, "select", between)
        take_along(hotel.house, OPERATOR)
    assert asked
    ids += recorded(hotel, 1)
    sequencer.step_all()
    assert proves(hotel, ids) == list(range(4))


def test_a_log_that_was_frozen_and_not_signed_is_signed_before_the_next_begins(
    hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded(hotel, 3)
    sequencer.step_all()

    def fail(*_: object) -> None:
        raise UnavailableError("cut off", "中断")

    with monkeypatch.context() as patch:
        patch.setattr(LogFiles, "publish", fail)
        with pytest.raises(UnavailableError):
            freeze(sequencer, OPERATOR)
    continue_log(sequencer, OPERATOR)
    first, _ = examine(hotel.house.database, hotel.house.logs, OPERATOR, lambda done, total: None)
    assert (first.report.size, first.report.found) == (first.row.size, {})
    assert first.row.size == 4


def test_an_error_nobody_expected_does_not_end_the_writing(hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failed = Sequencer.step_all, threading.Event()

    def step_all(sequencer: Sequencer) -> int:
        if not failed.is_set():
            failed.set()
            raise KeyError
        return real(sequencer)

    monkeypatch.setattr(upkeep, "SEQUENCE_SECONDS", 0.01)
    monkeypatch.setattr(Sequencer, "step_all", step_all)
    with upkeep.sequencing(hotel.house):
        assert failed.wait(20)
        ids = recorded(hotel, 3)
    assert proves(hotel, ids) == [0, 1, 2]
    assert ("log", "behind") in hotel.counted.seen
