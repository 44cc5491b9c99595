"""A log is ended, continued in a new one with a signed link, or taken up again; and goes to an inspector whole."""

import json
import shutil
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, IntegrityError, NotFoundError, UnavailableError
from countenance.log.check import check
from countenance.log.entries import LogEntry
from countenance.log.notes import Verifier
from countenance.log.tiles import LogFiles
from countenance.operations import upkeep
from countenance.operations.examine import Scope, examine
from countenance.operations.export_log import export_log
from countenance.operations.prove import prove
from countenance.operations.sequence import Sequencer
from countenance.operations.turn import continue_log, freeze, rebuild, take_up
from countenance.store import logged, records
from tests.database import OPERATOR, Hotel
from tests.operations.test_sequence import recorded, size

VERIFY_LOG = Path(__file__).resolve().parents[2] / "tools" / "verify_log.py"


@pytest.fixture
def sequencer(hotel: Hotel) -> Sequencer:
    """Return the writer of the hotel's log, in which five records are."""
    made = Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)
    recorded(hotel, 5)
    made.step_all()
    return made


def silent(done: int, total: int) -> None:
    """Show nothing."""


def last_said(hotel: Hotel, outcome: str) -> dict[str, object]:
    with hotel.house.database.reading() as tx:
        (row,) = records.listed(tx, OPERATOR, most=1, kind="log", outcome=outcome)
    return dict(json.loads(row.body)["details"])


def test_a_frozen_log_ends_with_saying_so_and_records_wait_for_the_next(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 2)
    ended = freeze(sequencer, OPERATOR)
    recorded(hotel, 3)

    assert (ended.size, size(hotel)) == (8, 8)
    assert LogEntry.parse(hotel.house.logs.files(OPERATOR, 1).entries(0, 8)[7]).kind == "log"
    assert sequencer.step_all() == 0
    with pytest.raises(ConflictError):
        freeze(sequencer, OPERATOR)
    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    assert one.report.found == {}

    none, begun = continue_log(sequencer, OPERATOR)
    assert (none, begun.generation) == (None, 2)
    assert sequencer.step_all() == 3
    assert size(hotel) == 4


def test_a_log_that_is_continued_names_the_next_under_its_own_signature(hotel: Hotel, sequencer: Sequencer) -> None:
    ended, begun = continue_log(sequencer, OPERATOR)
    (later,) = recorded(hotel, 1)
    sequencer.step_all()

    assert ended is not None
    link = last_said(hotel, "continued")
    assert link == {"origin": begun.origin, "vkey": hotel.house.logs.verifier(begun).as_vkey()}
    assert last_said(hotel, "begun") == {
        "before": {"origin": ended.origin, "size": ended.size, "root": ended.root.hex()}
    }
    old = hotel.house.logs.files(OPERATOR, 1)
    assert old.tree(ended.size).root() == ended.root
    with hotel.house.database.reading() as tx:
        proof = prove(tx, hotel.house.logs, OPERATOR, later)
    assert (proof.index, proof.check(Verifier.of_vkey(str(link["vkey"]))).size) == (1, 2)
    assert [each.report.found for each in examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)] == [{}, {}]


def test_where_there_is_no_log_none_is_ended(hotel: Hotel) -> None:
    sequencer = Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)
    for act in (freeze, continue_log):
        with pytest.raises(ConflictError):
            act(sequencer, OPERATOR)


def test_while_somebody_writes_it_is_waited_for_and_then_said(
    hotel: Hotel, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from countenance.operations import turn

    monkeypatch.setattr(turn, "_TRIES", 2)
    with hotel.house.database.transaction() as tx:
        assert logged.hold(tx, OPERATOR)
        with pytest.raises(ConflictError, match="Somebody else writes"):
            take_up(sequencer, OPERATOR)


def test_a_log_ahead_of_the_database_is_taken_up_and_that_is_on_record(hotel: Hotel, sequencer: Sequencer) -> None:
    root = hotel.house.logs.files(OPERATOR, 1).tree(5).root()
    recorded(hotel, 2)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:
        tx.execute(text("DELETE FROM record WHERE number IN (SELECT number FROM log_entry WHERE log_index >= 5)"))
        tx.execute(text("DELETE FROM log_entry WHERE log_index >= 5"))
        tx.execute(text("UPDATE log SET size = 5, root = :root"), {"root": root})
    with pytest.raises(IntegrityError):
        sequencer.settle(OPERATOR)

    assert take_up(sequencer, OPERATOR) == (5, 7)
    assert take_up(sequencer, OPERATOR) is None
    sequencer.step_all()
    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    assert (one.report.found, one.report.restored, one.report.size) == ({}, 2, 8)


def exported(hotel: Hotel, to: Path, scope: Scope | None = None) -> tuple[int, range]:
    with hotel.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
    assert row is not None
    return export_log(hotel.house.database, hotel.house.logs, row, to, silent, scope)


def test_an_export_is_the_log_whole_with_the_bodies_of_a_period(
    hotel: Hotel, sequencer: Sequencer, tmp_path: Path
) -> None:
    recorded(hotel, 600)
    sequencer.step_all()
    hotel.clock.forward(days=2)
    recorded(hotel, 3)
    sequencer.step_all()

    assert exported(hotel, tmp_path / "all") == (608, range(608))
    vkey = (tmp_path / "all" / "vkey").read_text()
    report = check(LogFiles(tmp_path / "all"), Verifier.of_vkey(vkey), silent)
    assert (report.found, report.size) == ({}, 608)
    assert stat.S_IMODE((tmp_path / "all").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "all" / "bodies.jsonl").stat().st_mode) == 0o600

    assert exported(hotel, tmp_path / "late", Scope(since=hotel.clock())) == (608, range(605, 608))
    lines = [json.loads(line) for line in (tmp_path / "late" / "bodies.jsonl").read_text().splitlines()]
    assert [line["index"] for line in lines] == [605, 606, 607]
    assert json.loads(lines[0]["body"])["kind"] == "verify"
    assert exported(hotel, tmp_path / "none", Scope(before=hotel.clock() - timedelta(days=9))) == (608, range(0))
    for folder, start, stop in (("all", 0, 608), ("late", 605, 608), ("none", 0, 0)):
        assert regulator(tmp_path / folder, vkey, start, stop) == []


def regulator(folder: Path, vkey: str, start: int, stop: int) -> list[str]:
    """What the regulator's own checker, which shares no code with the server, finds in an export."""
    words = [str(folder), "--vkey", vkey.strip(), "--from", str(start), "--to", str(stop), "--json"]
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFY_LOG), *words], capture_output=True, text=True, check=False, timeout=60
    )
    return [each["code"] for each in json.loads(done.stdout)["findings"]]


def test_both_checkers_find_the_same_in_an_export(hotel: Hotel, sequencer: Sequencer, tmp_path: Path) -> None:
    recorded(hotel, 300)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE record SET body = overlay(body placing '\\x58' from 30) WHERE number = "
                        "(SELECT number FROM log_entry WHERE log_index = 7)"))  # fmt: skip
        tx.execute(text("DELETE FROM record WHERE number = (SELECT number FROM log_entry WHERE log_index = 290)"))
    tile = hotel.house.logs.files(OPERATOR, 1).directory / "tile/0/000"
    content = bytearray(tile.read_bytes())
    content[32 * 200] ^= 1
    tile.write_bytes(bytes(content))

    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    ours = {flaw.value: first for flaw, (first, _) in one.report.found.items()}
    assert ours == {"body": 7, "tile": 200, "lost": 290}
    exported(hotel, tmp_path / "new")
    vkey = (tmp_path / "new" / "vkey").read_text()
    assert sorted(regulator(tmp_path / "new", vkey, 0, 305)) == sorted(ours)


def test_an_export_goes_into_a_new_folder_and_only_of_what_is_signed(
    hotel: Hotel, sequencer: Sequencer, tmp_path: Path
) -> None:
    with pytest.raises(ConflictError):
        exported(hotel, tmp_path)
    hotel.house.logs.files(OPERATOR, 1).directory.joinpath("checkpoint").unlink()
    with pytest.raises(NotFoundError):
        exported(hotel, tmp_path / "new")


def test_a_tile_that_became_full_meanwhile_is_exported_under_its_own_name(
    hotel: Hotel, sequencer: Sequencer, tmp_path: Path
) -> None:
    """The checkpoint was read, and before its files are copied the partial tiles go."""
    note = hotel.house.logs.files(OPERATOR, 1).checkpoint()
    recorded(hotel, 300)
    sequencer.step_all()
    assert note is not None
    hotel.house.logs.files(OPERATOR, 1).write("checkpoint", note)
    assert exported(hotel, tmp_path / "new") == (5, range(5))
    assert not (tmp_path / "new/tile/0/000.p").exists()
    assert regulator(tmp_path / "new", (tmp_path / "new" / "vkey").read_text(), 0, 5) == []


def test_what_is_missing_in_the_log_is_missing_in_the_export(
    hotel: Hotel, sequencer: Sequencer, tmp_path: Path
) -> None:
    recorded(hotel, 600)
    sequencer.step_all()
    (hotel.house.logs.files(OPERATOR, 1).directory / "tile/entries/001").unlink()
    exported(hotel, tmp_path / "new")
    with hotel.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
    assert row is not None
    report = check(LogFiles(tmp_path / "new"), hotel.house.logs.verifier(row), silent)
    assert {flaw.value: first for flaw, (first, _) in report.found.items()} == {"missing": 256}


@pytest.mark.parametrize(("kind", "flaws"), [("clock", []), ("verify", ["order"])])
def test_both_checkers_let_an_officer_set_the_clock_and_nobody_else(
    hotel: Hotel, sequencer: Sequencer, tmp_path: Path, kind: str, flaws: list[str]
) -> None:
    hotel.clock.forward(hours=-1)
    recorded(hotel, 1, kind=kind)
    recorded(hotel, 2)
    sequencer.step_all()
    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    exported(hotel, tmp_path / "new")

    assert [flaw.value for flaw in one.report.found] == flaws
    assert regulator(tmp_path / "new", (tmp_path / "new" / "vkey").read_text(), 0, 8) == flaws


def test_where_the_key_is_lost_a_log_is_abandoned_and_a_new_one_says_so(hotel: Hotel, sequencer: Sequencer) -> None:
    recorded(hotel, 2)
    hotel.house.logs.keys.destroy(OPERATOR, 1)
    with pytest.raises(UnavailableError, match="--abandon"):
        sequencer.step_all()
    with pytest.raises(UnavailableError):
        continue_log(sequencer, OPERATOR)

    none, begun = continue_log(sequencer, OPERATOR, abandon=True)
    assert (none, begun.generation) == (None, 3), "the second's key was made when that failed"
    sequencer.step_all()
    said = last_said(hotel, "begun")
    assert (said["abandoned"], said["passed_over"]) == (True, [])
    assert said["before"]["origin"].endswith(f"/{OPERATOR}/1")  # type: ignore[index]
    found = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    assert [each.report.found for each in found] == [{}, {}]
    assert size(hotel) == 3


def test_a_database_from_before_the_log_was_continued_signs_nothing_until_another_begins(
    hotel: Hotel, sequencer: Sequencer
) -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(text("CREATE TABLE before AS SELECT * FROM log"))
    _, second = continue_log(sequencer, OPERATOR)
    recorded(hotel, 1)
    sequencer.step_all()
    with hotel.house.database.transaction() as tx:  # as a backup from before has it
        tx.execute(text("DELETE FROM log_entry WHERE log_id <> (SELECT log_id FROM before) OR log_index >= 5"))
        tx.execute(text("DELETE FROM log WHERE log_id <> (SELECT log_id FROM before)"))
        tx.execute(text("UPDATE log SET size = before.size, root = before.root, ended_at = NULL FROM before"))
        tx.execute(text("DELETE FROM record WHERE number NOT IN (SELECT number FROM log_entry)"))
        tx.execute(text("DROP TABLE before"))
    with pytest.raises(IntegrityError, match="continued in a new one"):
        sequencer.settle(OPERATOR)

    _, third = continue_log(sequencer, OPERATOR, abandon=True)
    assert third.generation == 3
    assert last_said(hotel, "begun")["passed_over"] == [second.origin]
    recorded(hotel, 1)
    assert sequencer.step_all() == 1
    assert size(hotel) == 2


def test_files_that_are_lost_without_a_copy_are_written_again_from_the_records(
    hotel: Hotel, sequencer: Sequencer
) -> None:
    recorded(hotel, 600)
    sequencer.step_all()
    files = hotel.house.logs.files(OPERATOR, 1)
    before, signed = files.tree(605).root(), files.checkpoint()
    with pytest.raises(ConflictError):
        rebuild(sequencer, OPERATOR, silent)
    shutil.rmtree(hotel.house.logs.directory)
    with pytest.raises(IntegrityError, match="countenance log rebuild"):
        sequencer.settle(OPERATOR)

    assert [each.root for each in rebuild(sequencer, OPERATOR, silent)] == [before]
    assert files.checkpoint() == signed
    recorded(hotel, 1)
    assert sequencer.step_all() == 1
    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    assert one.report.found == {}


def test_the_files_of_logs_that_ended_are_written_again_too(hotel: Hotel, sequencer: Sequencer) -> None:
    continue_log(sequencer, OPERATOR)
    shutil.rmtree(hotel.house.logs.directory)
    assert [each.size for each in rebuild(sequencer, OPERATOR, silent)] == [6, 1]
    assert [each.report.found for each in examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)] == [{}, {}]


def test_files_are_not_written_again_from_records_that_changed(hotel: Hotel, sequencer: Sequencer) -> None:
    shutil.rmtree(hotel.house.logs.directory)
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE record SET digest = sha256(digest) WHERE number = (SELECT min(number) FROM log_entry)"))
    with pytest.raises(IntegrityError, match="lost or changed"):
        rebuild(sequencer, OPERATOR, silent)
    assert hotel.house.logs.files(OPERATOR, 1).checkpoint() is None


def test_what_an_older_server_recorded_beside_this_one_is_taken_along(hotel: Hotel, sequencer: Sequencer) -> None:
    ids = recorded(hotel, 3)
    with hotel.house.database.transaction() as tx:
        tx.execute(text("DELETE FROM log_pending"))  # it knows of no log
    assert sequencer.step_all() == 0
    upkeep.sweep(hotel.house)
    sequencer.step_all()
    with hotel.house.database.reading() as tx:
        assert sorted(prove(tx, hotel.house.logs, OPERATOR, each).index for each in ids) == [5, 6, 7]
