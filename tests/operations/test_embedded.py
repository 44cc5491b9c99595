"""The embedded database: recovers after kill -9 of it or of us, under us too, keeps others out, ends with its user."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance import app
from countenance.engines import Engine
from countenance.errors import UnavailableError
from countenance.operations.activate import activate, register
from countenance.operations.enrol import enrol
from countenance.operations.parts import Enrolled, Permitted
from countenance.settings import Settings
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import embedded
from countenance.store.database import Database
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, PURPOSE, Address, Clock, Hotel, enrolment, make_hotel
from tests.operations.test_nothing_half import held

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


def until(seen: Callable[[], bool], seconds: float = 60.0) -> bool:
    """Say whether something is seen within a time."""
    for _ in range(int(seconds / 0.05)):
        if seen():
            return True
        time.sleep(0.05)
    return False


def test_a_database_that_is_killed_under_a_running_server_is_started_again(folder: Path) -> None:
    with app.open_database(Settings(data_dir=folder)) as database:
        with database.transaction() as tx:
            tx.execute(text("CREATE TABLE kept AS SELECT 1 AS number"))
        for _ in range(2):
            before = postmaster(folder / "postgres")
            os.kill(before, signal.SIGKILL)
            assert until(lambda: not database.answers(), 10), "it was not killed: the test saw nothing"
            assert until(database.answers), "the server did not heal by itself"
            assert postmaster(folder / "postgres") != before
        with database.transaction() as tx:
            assert tx.execute(text("SELECT count(*) FROM kept")).scalar_one() == 1
    embedded.stop(folder / "postgres")


def test_what_was_under_way_when_the_database_was_killed_is_whole_or_absent(folder: Path, engine: Engine) -> None:
    with app.open_database(Settings(data_dir=folder)) as database:
        with database.transaction() as tx:
            apply(tx, read_site(HOTEL.read_bytes()), app.now())
        hotel = make_hotel(database, engine, Clock(), folder).with_house(references_max=10_000)
        assert isinstance(activate(hotel.house, OFFICER, PURPOSE), Permitted)
        assert isinstance(register(hotel.house, OFFICER, KIOSK, PURPOSE), Permitted)
        hotel.consent("guest")
        told, down = enrolling(hotel, folder / "postgres")

        assert down, "no enrolment met the outage: the test saw nothing"
        references, keys, recorded = held(database)
        assert references == recorded, "a reference without a record, or a record without a reference"
        assert keys == 1
        assert told <= references <= told + down, "an answer was given for what is not kept"
    embedded.stop(folder / "postgres")


def enrolling(hotel: Hotel, directory: Path) -> tuple[int, int]:
    """Enrol over and over while the database is killed twice; return how often that was answered, and how often not."""
    done: list[object] = []
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            try:
                done.append(enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral()))
            except UnavailableError as error:
                done.append(error)
                stop.wait(0.05)

    def told() -> int:
        return sum(isinstance(each, Enrolled) for each in done)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            before = told()
            assert until(lambda before=before: told() > before), "nothing was enrolled before the kill"  # type: ignore[misc]
            os.kill(postmaster(directory), signal.SIGKILL)
            missed = len(done) - told()
            assert until(lambda missed=missed: len(done) - told() > missed), "the outage was not noticed"  # type: ignore[misc]
            before = told()
            assert until(lambda before=before: told() > before), "the server did not heal by itself"  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    return told(), len(done) - told()


def test_a_dead_server_that_this_process_inherits_is_buried_and_started_again(folder: Path) -> None:
    """As in a container whose first process is ours: nobody else takes note of a dead server, and it seems to run."""
    inherit = ctypes.CDLL(None).prctl
    assert inherit(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
    try:
        embedded.start(folder)
        before = postmaster(folder)
        os.kill(before, signal.SIGKILL)
        assert until(lambda: "State:\tZ" in Path(f"/proc/{before}/status").read_text(encoding="ascii"), 10)

        database = Database(embedded.start(folder))

        assert database.answers()
        assert postmaster(folder) != before
        database.close()
        after = postmaster(folder)
        embedded.stop(folder)
        os.waitpid(after, 0)
    finally:
        inherit(36, 0, 0, 0, 0)


def test_a_database_that_cannot_be_started_is_tried_again_until_it_can(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[Path] = []

    def start(directory: Path) -> str:
        tries.append(directory)
        if len(tries) < 3:
            raise UnavailableError("down", "down")
        return ""

    monkeypatch.setattr(embedded, "REST_SECONDS", 1.0)
    monkeypatch.setattr(embedded, "start", start)
    with embedded.kept_up(folder) as missed:
        time.sleep(0.3)
        assert tries == [], "nothing is missed, nothing is started"
        for _ in range(100):
            missed()
        assert until(lambda: len(tries) == 3, 10)
        missed()
        missed()
        time.sleep(0.2)
        assert len(tries) == 3, "not twice within the rest"
        assert until(lambda: len(tries) == 4, 10)
    missed()
    time.sleep(0.3)
    assert len(tries) == 4, "it started something after the house was closed"


def test_somebody_elses_database_is_left_alone(
    address: Address, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "start", lambda _: pytest.fail("a database of our own was started"))
    with app.open_database(Settings(data_dir=tmp_path, database_url=address.url.replace("+psycopg", ""))) as database:
        assert "embedded-database" not in {thread.name for thread in threading.enumerate()}
        with pytest.raises(UnavailableError), database.transaction() as tx:
            tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert until(database.answers, 10)


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
