"""What a copy of everything holds, before somebody withdraws and after: database files, write-ahead log, memory.

Real servers on a database of their own. Sought are the numbers themselves, as they are compared and as the model gave
them, and whether what is sealed still opens.
"""

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from countenance.errors import CountenanceError
from countenance.operations.journal import Journal
from countenance.store import embedded
from countenance.vault.keys import FileKeys
from countenance.vault.sealing import TemplatePlace, Vault
from countenance.vault.shares import Share, is_share
from countenance.vault.vaults import Vaults
from tests import pictures
from tests.database import OPERATOR, PURPOSE
from tests.operations.test_encrypted import holds
from tests.soak import KIOSK, SESSION, Servers, insisted

#: So many bytes of a template are looked for: eight numbers in a row are nobody else's.
PATTERN = 32


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Yield a folder whose path is short enough for PostgreSQL's socket."""
    made = Path(tempfile.mkdtemp(prefix="cn-"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def files_with(folder: Path, patterns: list[bytes]) -> list[str]:
    """Return the files below a folder that hold one of the patterns, as they are or written in hexadecimal."""
    sought = [*patterns, *(each.hex().encode() for each in patterns)]
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [path.name for pattern in sought if pattern in data]
    return found


def answering(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


class Enrolled:
    """Servers with one guest, and what is kept of that guest."""

    def __init__(self, folder: Path, *, encrypted: bool) -> None:
        self.servers = Servers(folder, encrypted=encrypted)
        self.data = folder / "data"
        self.ask(
            lambda client: client.consent(
                subject="guest",
                purpose=PURPOSE,
                decision="given",
                form="separate",
                scopes=["enrol", "verify", "off_device_storage"],
                served=client.serve_notice(purpose=PURPOSE, language="en")["served"],
                age_class="adult",
            )
        )
        self.ask(
            lambda client: client.enrol(
                pictures.admiral(), subject="guest", purpose=PURPOSE, device=KIOSK, session=SESSION
            )
        )
        address = embedded.start(self.data / "postgres").replace("postgresql+psycopg://", "postgresql://")
        self.connection = psycopg.connect(address, autocommit=True)
        row = self.connection.execute(
            "SELECT r.subject_id, r.purpose, r.model_id, r.reference_id, r.sealed, k.wrapped FROM reference r"
            " JOIN subject_key k USING (operator_id, subject_id, purpose)"
        ).fetchone()
        assert row is not None
        self.place, self.sealed, self.wrapped = TemplatePlace(*row[:4]), bytes(row[4]), bytes(row[5])
        self.template = bytes(self.vault().open_template(self.sealed, self.wrapped, self.place))

    def ask(self, act: object) -> dict[str, object]:
        return insisted(self.servers, self.servers.device, act)  # type: ignore[arg-type]

    def vault(self) -> Vault:
        return Vaults(FileKeys(self.data / "keys")).of(OPERATOR)

    def opens(self) -> bool:
        """Say whether the sealed template that was there before opens with the keys that are there now."""
        try:
            return bool(self.vault().open_template(self.sealed, self.wrapped, self.place))
        except CountenanceError:
            return False

    def workers(self) -> list[int]:
        return [process.pid for name, process in self.servers.processes.items() if name.startswith("worker")]

    def end(self) -> None:
        self.connection.close()
        self.servers.end()
        embedded.stop(self.data / "postgres")


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
def enrolled(request: pytest.FixtureRequest, short_path: Path) -> Iterator[Enrolled]:
    made = Enrolled(short_path, encrypted=request.param)
    yield made
    made.end()


@pytest.mark.timeout(300)
def test_nothing_lies_open_and_after_the_end_of_the_old_key_nothing_opens(enrolled: Enrolled) -> None:
    numbers = enrolled.template[8 : 8 + PATTERN]
    share = Share.from_bytes(enrolled.template) if is_share(enrolled.template) else None
    assert (share is not None) == enrolled.servers.encrypted

    # Before: files and the write-ahead log hold what is sealed, and neither numbers nor share as they are.
    enrolled.connection.execute("CHECKPOINT")
    assert files_with(enrolled.data, [enrolled.sealed[:PATTERN]]), "the scan sees what is there"
    assert files_with(enrolled.data, [numbers, enrolled.template[-PATTERN:]]) == []
    assert enrolled.opens(), "whoever has the disk and the operator's key opens what is kept"

    # After: nothing is kept.
    enrolled.ask(lambda client: client.withdraw(subject="guest", purpose=PURPOSE))
    for table in ("reference", "subject_key"):
        found = enrolled.connection.execute(f"SELECT count(*) FROM {table}").fetchone()
        assert found == (0,)
    enrolled.connection.execute("CHECKPOINT")
    assert files_with(enrolled.data, [numbers, enrolled.template[-PATTERN:]]) == []

    # Dead rows and the log may still hold the sealed bytes: with the end of the key that wrapped them they are noise.
    enrolled.servers.run("vault", "rotate")
    keys = enrolled.data / "keys"
    (old,) = [path for path in keys.iterdir() if path.name.endswith(".key") and ".2." not in path.name]
    old.unlink()  # what `retire` does, after a minute in which every process has seen the new key
    assert not enrolled.opens()
    (noted,) = Journal(enrolled.data / "erasures.jsonl").read()
    assert (noted.subject_id, noted.purpose) == (enrolled.place.subject_id, PURPOSE), "for whoever restores a backup"


@pytest.mark.timeout(300)
@pytest.mark.skipif(os.getuid() != 0, reason="reads other processes' memory, which root may")
def test_servers_that_only_follow_let_go_and_leave_no_residue(enrolled: Enrolled) -> None:
    for port in enrolled.servers.ports:  # started anew, so that each has what the database has, and no camera's
        enrolled.servers.processes[f"worker {port}"].kill()
        enrolled.servers.processes[f"worker {port}"].wait(timeout=30)
    enrolled.servers.start_missing()
    enrolled.ask(lambda client: client.ready())
    for _ in range(60):  # until each has read what there is
        if all(answering(port) for port in enrolled.servers.ports):
            break
        time.sleep(0.5)
    numbers = enrolled.template[8 : 8 + PATTERN] if not enrolled.servers.encrypted else enrolled.template[-PATTERN:]
    before = [holds(process, [numbers])[0] for process in enrolled.workers()]
    enrolled.ask(lambda client: client.withdraw(subject="guest", purpose=PURPOSE))
    for _ in range(20):  # a second does where nothing else runs; how long it takes decides no test
        after = [holds(process, [numbers])[0] for process in enrolled.workers()]
        if not any(after):
            break
        time.sleep(0.5)
    assert all(before), "the scan sees what is there: features as they compare, or a share of them"
    assert not any(after)
