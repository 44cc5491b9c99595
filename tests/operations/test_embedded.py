"""The embedded database: recovers after kill -9 of it or of us, keeps others out, ends with its last user."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.errors import UnavailableError
from countenance.store import embedded
from countenance.store.database import Database

JOIN = """
import sys, time
from pathlib import Path
from countenance.store import embedded
from countenance.store.database import Database
database = Database(embedded.start(Path(sys.argv[1])))
with database.transaction() as tx:
    tx.exec_driver_sql("CREATE TABLE IF NOT EXISTS kept (number int)")
with database.transaction() as tx:
    tx.exec_driver_sql("INSERT INTO kept VALUES (1)")
print("kept", flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a short path for a database of the test's own."""
    made = Path(tempfile.mkdtemp(prefix="cn-"))
    yield made / "pg"
    shutil.rmtree(made, ignore_errors=True)


def joined(folder: Path) -> subprocess.Popen[bytes]:
    """Start a process that joins the database and has committed a row."""
    child = subprocess.Popen([sys.executable, "-c", JOIN, str(folder)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"kept\n"
    return child


def kept(folder: Path) -> int:
    """Join the database from here and count the rows."""
    database = Database(embedded.start(folder))
    with database.transaction() as tx:
        found = tx.execute(text("SELECT count(*) FROM kept")).scalar_one()
    database.close()
    return int(found)


def postmaster(folder: Path) -> int:
    """Return the process id of the database server."""
    return int((folder / "postmaster.pid").read_text(encoding="ascii").split()[0])


def ended(process: int) -> bool:
    """Say whether a process ends within ten seconds."""
    for _ in range(200):
        if not Path(f"/proc/{process}").exists():
            return True
        time.sleep(0.05)
    return False


def test_after_kill_9_of_the_process_and_of_the_database_every_row_is_there(folder: Path) -> None:
    first = joined(folder)
    first.kill()
    first.wait()
    second = joined(folder)  # the database went on alone, and is joined
    os.kill(postmaster(folder), signal.SIGKILL)
    second.kill()
    second.wait()
    for child in (first, second):
        assert child.stdout is not None
        child.stdout.close()

    assert kept(folder) == 2
    server = postmaster(folder)
    embedded.stop(folder)
    assert ended(server), "it waited for processes that were killed"


def test_only_its_owner_reaches_it(folder: Path) -> None:
    embedded.start(folder)
    try:
        assert folder.stat().st_mode & 0o077 == 0
        (socket,) = (each for each in folder.glob(".s.PGSQL.*") if each.is_socket())
        assert socket.stat().st_mode & 0o077 == 0
        listening = Path("/proc/net/tcp").read_text(encoding="ascii")
        assert f":{5432:04X} 00000000:0000 0A" not in listening
    finally:
        embedded.stop(folder)


def test_a_path_too_long_for_a_socket_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError) as raised:
        embedded.start(tmp_path / ("long" * 30))

    assert "COUNTENANCE_DATA_DIR" in raised.value.en
