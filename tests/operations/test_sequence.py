"""What was recorded goes into the log, once, in order, whatever is cut off on the way; and nothing else is signed."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from countenance.log.entries import LogEntry
from countenance.log.policy import Policy
from countenance.log.proofs import Proof
from countenance.log.tiles import LogFiles
from countenance.log.tree import EMPTY_ROOT
from countenance.operations.logs import VKEY
from countenance.operations.prove import checkpoint_of, prove
from countenance.operations.sequence import Sequencer, adopt
from countenance.record import Entry, append
from countenance.store import logged
from tests.database import OPERATOR, Hotel


@pytest.fixture
def sequencer(hotel: Hotel) -> Sequencer:
    """Return the writer of the hotel's log."""
    return Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)


def recorded(hotel: Hotel, many: int, kind: str = "verify") -> list[UUID]:
    """Put so many records into the database, in one transaction."""
    with hotel.house.database.transaction() as tx:
        entries = [
            Entry(operator_id=OPERATOR, at=hotel.clock(), kind=kind, outcome="done", by="test") for _ in range(many)
        ]
        return [append(tx, each).record_id for each in entries]


def files(hotel: Hotel) -> LogFiles:
    return hotel.house.logs.files(OPERATOR, 1)


def size(hotel: Hotel) -> int:
    """The size that is signed, which is also the database's."""
    with hotel.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
    assert row is not None
    published = hotel.house.logs.published(row)
    assert published is not None
    assert (published[0].size, published[0].root) == (row.size, row.root)
    return row.size


def proves(hotel: Hotel, records: Iterable[UUID]) -> list[int]:
    """The index of every record, each proven from its file alone."""
    with hotel.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
        assert row is not None
        log = hotel.house.logs.verifier(row)
        found = [prove(tx, hotel.house.logs, OPERATOR, each) for each in records]
    for proof in found:
        assert Proof.parse(proof.as_file()).check(log).size == row.size
    return [proof.index for proof in found]


def test_records_go_in_once_and_in_order_and_each_is_proven(hotel: Hotel, sequencer: Sequencer) -> None:
    first = recorded(hotel, 300)
    assert sequencer.step_all() == 300
    second = recorded(hotel, 5)
    assert sequencer.step_all() == 5
    assert sequencer.step_all() == 0

    assert size(hotel) == 305
    assert proves(hotel, [*first, *second]) == list(range(305))
    assert sorted(each.name for each in (files(hotel).directory / "tile/0").iterdir()) == ["000", "001.p"]


def test_a_record_that_was_rolled_back_never_goes_in(hotel: Hotel, sequencer: Sequencer) -> None:
    def fail() -> None:
        with hotel.house.database.transaction() as tx:
            append(tx, Entry(operator_id=OPERATOR, at=hotel.clock(), kind="verify", outcome="done", by="test"))
            raise PowerFailureError

    with pytest.raises(PowerFailureError):
        fail()
    assert sequencer.step_all() == 0


def test_what_commits_late_goes_in_behind_what_was_faster(hotel: Hotel, sequencer: Sequencer) -> None:
    with hotel.house.database.transaction() as tx:
        late = append(tx, Entry(operator_id=OPERATOR, at=hotel.clock(), kind="verify", outcome="done", by="test"))
        (fast,) = recorded(hotel, 1)
        assert sequencer.step_all() == 1
    assert sequencer.step_all() == 1
    assert proves(hotel, [fast, late.record_id]) == [0, 1]


def test_each_operator_has_a_log_and_a_key_of_its_own(hotel: Hotel, sequencer: Sequencer) -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(text("INSERT INTO operator SELECT 'other-hotel', name, contact FROM operator LIMIT 0"))
        columns = [row[0] for row in tx.execute(text(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 'operator'"))]  # fmt: skip
        others = ", ".join(each for each in columns if each != "operator_id")
        tx.execute(text(f"INSERT INTO operator (operator_id, {others}) SELECT 'other-hotel', {others} FROM operator"))
        append(tx, Entry(operator_id="other-hotel", at=hotel.clock(), kind="verify", outcome="done", by="test"))
    recorded(hotel, 1)
    assert sequencer.step_all() == 2

    with hotel.house.database.reading() as tx:
        ours = checkpoint_of(tx, hotel.house.logs, OPERATOR)
        theirs = checkpoint_of(tx, hotel.house.logs, "other-hotel")
    assert ours is not None
    assert theirs is not None
    assert ours[0].origin == "countenance.example/log/harbour-hotel/1"
    assert ours[1].split("+")[2] != theirs[1].split("+")[2]


def test_two_writers_at_once_put_everything_in_once(hotel: Hotel, sequencer: Sequencer) -> None:
    from threading import Thread

    other = Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)
    ids = [each for _ in range(20) for each in recorded(hotel, 20)]
    done: list[int] = []

    def write(one: Sequencer) -> None:
        done.extend([one.step_all() for _ in range(30)])

    threads = [Thread(target=write, args=(each,)) for each in (sequencer, other)]
    for each in threads:
        each.start()
    ids += [each for _ in range(20) for each in recorded(hotel, 20)]
    for each in threads:
        each.join()
    done.append(sequencer.step_all())

    assert sum(done) == 800
    assert size(hotel) == 800
    assert sorted(proves(hotel, ids)) == list(range(800))


def test_while_somebody_else_writes_one_stands_back(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 3)
    with hotel.house.database.transaction() as tx:
        assert logged.hold(tx, OPERATOR)
        assert sequencer.step_all() == 0
    assert sequencer.step_all() == 3


STEPS = ("extend", "take_in", "publish")


class PowerFailureError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("dropped", [False, True], ids=["killed", "what was not flushed is gone"])
@pytest.mark.parametrize("where", STEPS)
def test_cut_off_anywhere_the_log_goes_on_and_nothing_is_lost(
    hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch, where: str, dropped: bool
) -> None:
    first = recorded(hotel, 250)
    sequencer.step_all()
    before = shutil.copytree(hotel.house.logs.directory, hotel.house.logs.directory.with_name("before"))
    second = recorded(hotel, 20)

    def fail(*_: object, **__: object) -> None:
        raise PowerFailureError

    with monkeypatch.context() as patch:
        if where == "extend":
            patch.setattr(LogFiles, "settle", fail)
        elif where == "take_in":
            patch.setattr(logged, "take_in", fail)
        else:
            patch.setattr(LogFiles, "publish", fail)
        with pytest.raises(PowerFailureError):
            sequencer.step_all()
    if dropped:
        shutil.rmtree(hotel.house.logs.directory)
        shutil.copytree(before, hotel.house.logs.directory)

    again = Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)
    again.settle(OPERATOR)
    third = recorded(hotel, 20)
    again.step_all()
    assert size(hotel) == 290
    assert proves(hotel, [*first, *second, *third]) == list(range(290))
    whole = LogFiles(hotel.house.logs.directory.with_name("again"))
    assert whole.extend(0, list(files(hotel).entries_from(0, 290, 290))) == files(hotel).tree(290).root()


def test_a_full_disk_loses_nothing(hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = recorded(hotel, 10)
    wrote = 0
    write = LogFiles.write

    def full(self: LogFiles, path: str, content: bytes) -> None:
        nonlocal wrote
        wrote += 1
        if wrote > 3:
            raise UnavailableError("full", "满")
        write(self, path, content)

    with monkeypatch.context() as patch:
        patch.setattr(LogFiles, "write", full)
        with pytest.raises(UnavailableError):
            sequencer.step_all()
    assert sequencer.step_all() == 10
    assert proves(hotel, ids) == list(range(10))


def broken(hotel: Hotel, sequencer: Sequencer) -> None:
    """Nothing may be signed: neither at a start nor with the next record; what is signed stays as it is."""
    before = files(hotel).checkpoint()
    with pytest.raises(IntegrityError):
        sequencer.settle(OPERATOR)
    recorded(hotel, 1)
    with pytest.raises(IntegrityError):
        sequencer.step_all()
    assert files(hotel).checkpoint() == before


def test_without_its_files_a_log_is_not_begun_again(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 3)
    sequencer.step_all()
    shutil.rmtree(hotel.house.logs.directory)
    broken(hotel, sequencer)


def test_a_database_put_back_past_the_log_signs_nothing(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 3)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE log SET size = 2"))
        tx.execute(text("DELETE FROM log_entry WHERE log_index = 2"))
    broken(hotel, sequencer)


def test_a_changed_root_or_tile_or_checkpoint_signs_nothing(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 300)
    sequencer.step_all()
    tail = files(hotel).directory / "tile/0/001.p/44"
    good = tail.read_bytes()
    tail.write_bytes(bytes(32) + good[32:])
    recorded(hotel, 1)
    with pytest.raises(IntegrityError):
        sequencer.step_all()
    tail.write_bytes(good)
    assert sequencer.step_all() == 1

    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE log SET root = :root"), {"root": EMPTY_ROOT})
    broken(hotel, sequencer)


@pytest.mark.parametrize("name", ["checkpoint", "cosigned", VKEY])
def test_garbage_in_the_logs_own_files_is_nobodys_mistake_who_calls(
    hotel: Hotel, sequencer: Sequencer, name: str
) -> None:
    (one,) = recorded(hotel, 1)
    sequencer.step_all()
    logs = replace(hotel.house.logs, policy=Policy.parse(b"quorum none\n"))
    with hotel.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
    assert row is not None
    files(hotel).write(name, b"garbage")
    if name == VKEY:
        logs.keys.destroy(OPERATOR, 1)
    with pytest.raises(IntegrityError):
        logs.cosigned(row) if name == "cosigned" else logs.published(row)
    if name == "checkpoint":
        with hotel.house.database.reading() as tx, pytest.raises(IntegrityError):
            prove(tx, logs, OPERATOR, one)
        broken(hotel, sequencer)


def test_a_checkpoint_by_another_key_is_not_continued(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 3)
    sequencer.step_all()
    hotel.house.logs.keys.destroy(OPERATOR, 1)
    recorded(hotel, 1)
    with pytest.raises(UnavailableError, match="key that signs"):
        sequencer.step_all()
    hotel.house.logs.keys.create(OPERATOR, 1)
    broken(hotel, sequencer)


def test_a_database_that_begins_anew_begins_another_log(hotel: Hotel, sequencer: Sequencer) -> None:
    """Never another history under an old name and key."""
    recorded(hotel, 3)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:
        tx.execute(text("TRUNCATE log_entry, log, log_pending"))
    recorded(hotel, 2)
    sequencer.step_all()

    with hotel.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
    assert row is not None
    assert (row.generation, row.size, row.origin) == (2, 2, "countenance.example/log/harbour-hotel/2")
    assert files(hotel).read(VKEY) != hotel.house.logs.files(OPERATOR, 2).read(VKEY)


def test_a_database_put_back_learns_what_the_log_has_and_goes_on_behind_it(hotel: Hotel, sequencer: Sequencer) -> None:
    first = recorded(hotel, 300)
    sequencer.step_all()
    waited = recorded(hotel, 2)
    sequencer.step_all()
    recorded(hotel, 10)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:  # as a backup has it that was made while two waited
        root = files(hotel).tree(300).root()
        tx.execute(text("DELETE FROM record WHERE number IN (SELECT number FROM log_entry WHERE log_index >= 302)"))
        tx.execute(
            text("INSERT INTO log_pending SELECT 'harbour-hotel', number FROM log_entry WHERE log_index IN (300, 301)")
        )
        tx.execute(text("DELETE FROM log_entry WHERE log_index >= 300"))
        tx.execute(text("UPDATE log SET size = 300, root = :root"), {"root": root})
    broken(hotel, sequencer)

    with hotel.house.database.transaction() as tx:
        assert adopt(tx, hotel.house.logs, OPERATOR) == (300, 312)
    with hotel.house.database.transaction() as tx:
        assert adopt(tx, hotel.house.logs, OPERATOR) is None
    assert sequencer.step_all() == 1
    assert size(hotel) == 313
    assert proves(hotel, [*first, *waited]) == list(range(302))


def test_a_log_of_another_history_is_not_adopted(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 3)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE log SET size = 2, root = :root"), {"root": EMPTY_ROOT})
        tx.execute(text("DELETE FROM log_entry WHERE log_index = 2"))
    with pytest.raises(IntegrityError), hotel.house.database.transaction() as tx:
        adopt(tx, hotel.house.logs, OPERATOR)


def test_what_is_not_in_yet_or_not_there_has_no_proof(hotel: Hotel, sequencer: Sequencer) -> None:
    (waiting,) = recorded(hotel, 1)
    with hotel.house.database.reading() as tx, pytest.raises(ConflictError):
        prove(tx, hotel.house.logs, OPERATOR, waiting)
    with hotel.house.database.reading() as tx, pytest.raises(NotFoundError):
        prove(tx, hotel.house.logs, OPERATOR, UUID(int=7))
    sequencer.step_all()
    with hotel.house.database.reading() as tx, pytest.raises(NotFoundError):
        prove(tx, hotel.house.logs, "other-hotel", waiting)


def test_a_record_changed_afterwards_has_no_proof(hotel: Hotel, sequencer: Sequencer) -> None:
    (one,) = recorded(hotel, 1)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE record SET kind = 'identify'"))
    with hotel.house.database.reading() as tx, pytest.raises(IntegrityError):
        prove(tx, hotel.house.logs, OPERATOR, one)


def test_an_entry_says_nothing_but_when_what_kind_and_the_digest(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 1, kind="withdraw")
    sequencer.step_all()
    (entry,) = files(hotel).entries(0, 1)

    read = LogEntry.parse(entry)
    assert (read.at, read.kind, len(read.digest)) == (hotel.clock(), "withdraw", 32)


def test_a_machine_that_does_not_write_serves_without_the_files(hotel: Hotel, tmp_path: Path) -> None:
    from countenance.operations.upkeep import sequencing

    elsewhere = hotel.with_house(logs=replace(hotel.house.logs, directory=tmp_path / "none", writes=False))
    recorded(hotel, 1)
    with sequencing(elsewhere.house):
        pass
    assert not (tmp_path / "none").exists()


def test_an_open_house_writes_the_log_by_itself(hotel: Hotel) -> None:
    from countenance.operations.upkeep import sequencing

    with sequencing(hotel.house):
        ids = recorded(hotel, 3)
    assert proves(hotel, ids) == [0, 1, 2]
