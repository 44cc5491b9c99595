"""The log on the command line: status, check, export, the end and the next, each in a process of its own."""

import json
from pathlib import Path

import pytest

from countenance.log.notes import Checkpoint, Signer, signed
from countenance.store import logged
from tests.database import OPERATOR, Address, Hotel
from tests.doors.test_cli_house import Shell
from tests.operations.test_sequence import recorded


@pytest.fixture
def shell(address: Address, tmp_path: Path, hotel: Hotel) -> Shell:
    """Return a command line for the hotel's database, on which three records wait."""
    recorded(hotel, 3)
    return Shell(address, tmp_path)


def test_a_log_is_shown_checked_exported_continued_and_ended(shell: Shell, tmp_path: Path) -> None:
    assert "No log has begun" in shell("log", "status").stdout
    assert shell("log", "verify").returncode == 1, "there is none"
    assert shell("log", "continue", "--yes").returncode == 1, "there is none to continue"
    assert shell("log", "freeze", "--yes").returncode == 1


def test_the_whole_way_of_a_log(shell: Shell, tmp_path: Path, hotel: Hotel) -> None:
    from countenance.operations.sequence import Sequencer

    logs = hotel.house.logs
    shell.environment |= {
        "COUNTENANCE_LOG_DIR": str(logs.directory),
        "COUNTENANCE_LOG_KEYS_DIR": str(logs.directory.with_name("log-keys")),
        "COUNTENANCE_LOG_NAME": logs.name,
    }
    Sequencer(hotel.house.database, logs, hotel.clock).step_all()
    (shown,) = json.loads(shell("log", "status", "--json").stdout)["logs"]
    assert (shown["origin"], shown["signed"], shown["ended"]) == (f"{logs.name}/log/{OPERATOR}/1", 3, False)
    kept = tmp_path / "kept"
    kept.write_bytes((Path(shown["directory"]) / "checkpoint").read_bytes())

    whole = shell("log", "verify", "--known", str(kept), "--from", "2020-01-01", "--to", "2099-01-01")
    assert (whole.returncode, "Nothing is wrong" in whole.stdout) == (0, True), whole.stderr
    out = shell("log", "export", str(tmp_path / "out"))
    assert out.stdout.startswith("3 entries, and the records of 0 to before 3"), out.stderr
    assert shell("log", "export", str(tmp_path / "out")).returncode == 1

    turned = shell("log", "continue", "--yes")
    assert f"{logs.name}/log/{OPERATOR}/1 ended at 4 entries." in turned.stdout, turned.stderr
    assert f"{logs.name}/log/{OPERATOR}/2+" in turned.stdout
    assert shell("log", "adopt", "--yes").stdout == "The log has no more.\n"
    assert "ended at 2 entries" in shell("log", "freeze", "--yes").stdout
    checked = json.loads(shell("log", "verify", "--json").stdout)
    assert [(each["size"], each["findings"]) for each in checked] == [(4, []), (2, [])]

    with hotel.house.database.reading() as tx:
        first = logged.every(tx, OPERATOR)[0]
    kept.write_bytes(signed(Checkpoint(first.origin, 9, bytes(32)), logs.signer(first)))
    wrong = shell("log", "verify", "--known", str(kept))
    assert (wrong.returncode, "WRONG rollback at entry 4" in wrong.stdout) == (1, True), wrong.stdout
    kept.write_bytes(signed(Checkpoint("another.example/log", 9, bytes(32)), Signer("another.example/log", bytes(32))))
    assert "not here" in shell("log", "verify", "--known", str(kept)).stderr
    kept.write_bytes(b"no checkpoint")
    assert shell("log", "verify", "--known", str(kept)).returncode == 2
    assert shell("log", "verify", "--known", str(tmp_path / "none")).returncode == 2
    assert shell("log", "verify", "--from", "yesterday").returncode == 2
