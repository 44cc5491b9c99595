"""Inspections from outside: a real log is mirrored and checked, and what a party stated is looked for in it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from countenance.authority import watching
from countenance.authority.addresses import check_reach
from countenance.authority.desk import Desk
from countenance.authority.inbox import take
from countenance.authority.seen import Inspection
from countenance.authority.watching import mirror_parties
from countenance.authority.witness import cosigned_in
from countenance.errors import ConflictError, CountenanceError, UnavailableError
from countenance.filing.exchange import Kind, LogAddress, Persons
from countenance.log.entries import LogEntry
from countenance.log.notes import Checkpoint, Signer, signed
from tests.operations.exchanging import CLERK, Clock, Operator, collected, make_desk, paired, persons, register_database
from tests.operations.witnessing import ORIGIN, Log, forked, served

ORDER = "Order 7 of 2025"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(postgres: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with register_database(postgres) as database:
        yield make_desk(database, tmp_path / "authority", clock)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log")
    made.grow(300)
    return made


def recorded(log: Log, clock: Clock, counted: Persons, kind: str = "statement") -> str:
    """Put a statement on record and into the log, as an operator's server does, and return the record's text."""
    details = {"day": clock().date().isoformat(), "persons": counted.model_dump()}
    said = json.dumps({"at": clock().isoformat(), "kind": kind, "details": details}, sort_keys=True)
    root = log.files.extend(log.size, [LogEntry(clock(), kind, sha256(said.encode()).digest()).encoded()])
    log.size += 1
    log.files.publish(signed(Checkpoint(ORIGIN, log.size, root), log.signer))
    return said


def hotel_with(desk: Desk, clock: Clock, log: Log, url: str) -> tuple[Operator, str]:
    # Entries of the log are dated 2026; so is everything else.
    clock.now = clock.now.replace(year=2026, month=7, day=2)
    hotel = Operator(clock=clock, log=LogAddress(vkey=log.vkey, url=url))
    return hotel, paired(desk, hotel)


def wrong(done: Inspection) -> set[str]:
    return {each.code for each in done.findings if not each.holds}


def test_a_log_that_holds_and_a_count_that_stands_in_it(desk: Desk, clock: Clock, log: Log):
    with served(log.files.directory) as url:
        hotel, party_id = hotel_with(desk, clock, log, url)
        for number in range(3):
            said = recorded(log, clock, persons(9_900 + number))
            take(desk.office, hotel.states(persons(9_905 + number), record=said))
            clock.forward(days=1)
        done = desk.inspect(party_id, CLERK, ORDER)
    assert wrong(done) == set()
    assert {each.code for each in done.findings} == {"mirror", "entries", "daily", "stated"}
    assert (done.origin, done.size, done.order, done.opened_by) == (ORIGIN, 303, ORDER, CLERK)
    assert done.done_at == clock.now
    assert desk.inspections() == [done]
    (told,) = collected(desk, hotel)
    assert told.kind is Kind.INSPECTED
    assert told.says().order == ORDER
    assert "inspection" not in {each.kind for each in desk.signals()}


def test_a_statement_that_is_not_in_the_log_is_found(desk: Desk, clock: Clock, log: Log):
    with served(log.files.directory) as url:
        hotel, party_id = hotel_with(desk, clock, log, url)
        said = recorded(log, clock, persons(8_000))
        elsewhere = recorded(log, clock, persons(8_000), kind="enrol")  # a record, and no statement
        changed = said.replace("8000", "7000")  # it says less, and so it is another
        for number, text in enumerate((changed, elsewhere, None, "hello", "[" * 5000)):
            more = {} if text is None else {"record": text}
            take(desk.office, hotel.states(persons(8_000), (clock() - timedelta(days=number)).date(), **more))
        done = desk.inspect(party_id, CLERK, ORDER)
    assert wrong(done) == {"stated"}
    (finding,) = [each for each in done.findings if not each.holds]
    assert finding.text.en.startswith("5 of 5 statements")
    assert "inspection" in {each.kind for each in desk.signals()}


@pytest.mark.parametrize("less", [persons(9_900, 9_900), persons(9_900, highest=10_500)])
def test_a_statement_that_says_less_than_its_record_is_found(desk: Desk, clock: Clock, log: Log, less: Persons):
    with served(log.files.directory) as url:
        hotel, party_id = hotel_with(desk, clock, log, url)
        said = recorded(log, clock, persons(11_000, highest=11_000))
        take(desk.office, hotel.states(less, record=said))
        assert wrong(desk.inspect(party_id, CLERK, ORDER)) == {"less"}
        # The peak was told, and persons were deleted since: nothing is hidden.
        clock.forward(minutes=1)
        take(desk.office, hotel.states(persons(9_900, highest=11_000), record=said))
        assert wrong(desk.inspect(party_id, CLERK, ORDER)) == set()


def test_statements_that_stopped_and_a_party_that_sent_none(desk: Desk, clock: Clock, log: Log):
    with served(log.files.directory) as url:
        _, party_id = hotel_with(desk, clock, log, url)
        assert wrong(desk.inspect(party_id, CLERK, ORDER)) == {"statements"}
        recorded(log, clock, persons(5))
        assert wrong(desk.inspect(party_id, CLERK, ORDER)) == {"stated"}
        clock.forward(days=4)
        assert wrong(desk.inspect(party_id, CLERK, ORDER)) == {"stated", "daily"}
    assert len(desk.inspections(party_id)) == 3


def test_a_log_that_is_away_is_said_and_what_was_mirrored_is_checked(desk: Desk, clock: Clock, log: Log):
    with served(log.files.directory) as url:
        hotel, party_id = hotel_with(desk, clock, log, url)
        take(desk.office, hotel.states(persons(5), record=recorded(log, clock, persons(5))))
        assert [
            each.size for each in mirror_parties(desk.office).values() if not isinstance(each, CountenanceError)
        ] == [301]
    done = desk.inspect(party_id, CLERK, ORDER)
    assert wrong(done) == {"mirror"}
    assert {each.code for each in done.findings if each.holds} == {"entries", "daily", "stated"}


def test_a_fork_is_proven(desk: Desk, clock: Clock, log: Log, tmp_path: Path):
    other = forked(tmp_path, log, 100, 300)
    with served(log.files.directory) as url:
        _, party_id = hotel_with(desk, clock, log, url)
        desk.inspect(party_id, CLERK, ORDER)
        log.files.publish(other.note())
        done = desk.inspect(party_id, CLERK, ORDER)
    assert {"mirror", "alarm"} <= wrong(done)


def test_a_changed_entry_is_found(desk: Desk, clock: Clock, log: Log):
    bundle = next(each for each in (log.files.directory / "tile" / "entries").rglob("*") if each.is_file())
    bundle.write_bytes(bundle.read_bytes().replace(b"verify", b"enroll"))
    with served(log.files.directory) as url:
        _, party_id = hotel_with(desk, clock, log, url)
        done = desk.inspect(party_id, CLERK, ORDER)
    assert wrong(done) == {"mirror"}
    assert done.size is None


def test_an_inspection_that_checked_nothing_does_not_hold(
    desk: Desk, clock: Clock, log: Log, monkeypatch: pytest.MonkeyPatch
):
    def busy(*_: object) -> None:
        raise ConflictError("busy", "忙")

    monkeypatch.setattr("countenance.authority.inspect.mirror_one", busy)
    with served(log.files.directory) as url:
        hotel, party_id = hotel_with(desk, clock, log, url)
        assert wrong(desk.inspect(party_id, CLERK, ORDER)) == {"unchecked"}
        take(desk.office, hotel.states(persons(5), record=recorded(log, clock, persons(5))))
        mirror_parties(desk.office)
        done = desk.inspect(party_id, CLERK, f"{ORDER}\nand its annex")  # what was mirrored before is checked
    assert (wrong(done), done.size) == (set(), 301)
    assert collected(desk, hotel)[-1].says().order.endswith("annex")


def test_one_partys_trouble_does_not_end_the_mirroring(
    desk: Desk, clock: Clock, log: Log, monkeypatch: pytest.MonkeyPatch
):
    bad = Signer("bad.example/log/bad/1", bytes([9]) * 32).verifier.as_vkey()
    paired(desk, Operator("bad.example", 5, clock=clock, log=LogAddress(vkey=bad, url="http://127.0.0.1:1/")))

    def reach(url: str, *, private: bool) -> None:
        if url.endswith(":1/"):
            raise RecursionError
        check_reach(url, private=private)

    monkeypatch.setattr(watching, "check_reach", reach)
    with served(log.files.directory) as url:
        hotel_with(desk, clock, log, url)
        found = mirror_parties(desk.office)
    assert isinstance(found["bad.example/log/bad/1"], UnavailableError)
    assert not isinstance(found[ORIGIN], CountenanceError)


def test_a_party_without_a_log_and_one_in_a_private_network(desk: Desk, clock: Clock, log: Log):
    inn = paired(desk, Operator("inn.example", 2, clock=clock))
    assert wrong(desk.inspect(inn, CLERK, ORDER)) == {"log"}
    with served(log.files.directory) as url:
        _, party_id = hotel_with(desk, clock, log, url)
        careful = Desk(replace(desk.office, private_logs=False))
        assert wrong(careful.inspect(party_id, CLERK, ORDER)) == {"mirror"}
        found = mirror_parties(careful.office)
    assert [isinstance(each, CountenanceError) for each in found.values()] == [True]


def test_the_authority_witnesses_the_logs_of_its_parties(desk: Desk, clock: Clock, log: Log):
    witness = desk.office.witness
    assert witness.add_checkpoint(log.asks(0)).status == 404
    hotel_with(desk, clock, log, "http://127.0.0.1:1/")
    answer = witness.add_checkpoint(log.asks(0))
    assert answer.status == 200
    assert [each.checkpoint.size for each in cosigned_in(witness.directory)] == [300]
