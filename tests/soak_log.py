"""The log in a soak: what a stranger was shown while it ran, and whether the log holds all that was answered.

While people come and go a stranger fetches the published checkpoint, and the officer has the log checked. At the end
the server, every proof and the regulator's own checker have to agree with all of it.
"""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import UUID

from countenance.app import logs
from countenance.errors import CountenanceError
from countenance.log.notes import Checkpoint, Verifier, opened
from countenance.log.proofs import Proof
from countenance.log.tree import extends
from countenance.operations.logs import VKEY, Logs
from countenance.operations.prove import prove
from countenance.settings import read_settings
from countenance.store import embedded
from countenance.store.database import Database

if TYPE_CHECKING:
    from tests.soak import Seen, Servers

ROOT: Final = Path(__file__).resolve().parent.parent
OPERATOR: Final = "harbour-hotel"
LOG: Final = f"{OPERATOR}/1"
#: How often a stranger looks, and how often the officer has the log checked while it is written.
LOOK_SECONDS: Final = 0.2
VERIFY_SECONDS: Final = 5.0
#: In so much time nothing waits any more once everything runs again.
SETTLED_SECONDS: Final = 60.0
#: So many proofs are fetched as files, too; all are made here.
FETCHED: Final = 100
_PROCESS_SECONDS: Final = 300.0


class Watch:
    """A stranger, who fetches the checkpoint from one server after another, and an officer, who has the log checked.

    Once published, a checkpoint is there, and never smaller than the one before it. What is not in the log yet is no
    flaw of it, and neither is what came while it was checked.
    """

    def __init__(self, servers: "Servers", seen: "Seen") -> None:
        """Begin at once."""
        self._servers, self._seen = servers, seen
        self._closing = threading.Event()
        self._chance = random.Random(2)
        self._last = 0
        #: Every checkpoint that was shown, as it was signed.
        self.notes: dict[bytes, Checkpoint] = {}
        self._threads = [threading.Thread(target=act, daemon=True) for act in (self._look_on, self._verify_on)]
        for each in self._threads:
            each.start()

    def end(self) -> None:
        """Look no more."""
        self._closing.set()
        for each in self._threads:
            each.join(timeout=_PROCESS_SECONDS)

    def _look_on(self) -> None:
        while not self._closing.wait(LOOK_SECONDS):
            status, note = fetched(self._chance.choice(self._servers.ports), f"/log/{LOG}/checkpoint")
            if status == 200:
                self._take(note)
            elif status == 404 and self.notes:
                self._seen.wrong.append("the checkpoint was there, and is not")
            elif status not in {0, 404}:
                self._seen.count(f"checkpoints not shown: {status}")

    def _take(self, note: bytes) -> None:
        try:
            checkpoint = Checkpoint.parse(note.decode().partition("\n\n")[0] + "\n")
        except (CountenanceError, UnicodeDecodeError):
            self._seen.wrong.append(f"what was shown is no checkpoint: {note!r}")
            return
        if checkpoint.size < self._last:
            self._seen.wrong.append(f"the log was shown with {self._last} entries, and then with {checkpoint.size}")
        self._last = checkpoint.size
        self.notes[note] = checkpoint
        self._seen.count("checkpoints shown")

    def _verify_on(self) -> None:
        while not self._closing.wait(VERIFY_SECONDS):
            done = ran(self._servers, "-m", "countenance", "log", "verify", "--json")
            with suppress(ValueError):  # the database was killed under it
                for each in json.loads(done.stdout):
                    self._seen.count("log checked meanwhile")
                    if each["findings"]:
                        self._seen.wrong.append(f"log verify, while it was written: {each}")


def fetched(port: int, path: str, token: str | None = None) -> tuple[int, bytes]:
    """Return status and body of an answer, 0 where none came."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    try:
        with urlopen(Request(f"http://127.0.0.1:{port}{path}", headers=headers), timeout=60) as answer:
            return answer.status, answer.read()
    except HTTPError as error:
        with error:
            return error.code, b""
    except (OSError, HTTPException):  # whoever was asked was killed, before the answer or in it
        return 0, b""


def ran(servers: "Servers", *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python on the soak's settings to its end, whatever that is."""
    return subprocess.run(
        [sys.executable, *words],
        env=servers.environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=servers.folder,
        timeout=_PROCESS_SECONDS,
    )


def writing(directory: Path, processes: Mapping[str, int], seconds: float) -> str | None:
    """Return which process has a file below a directory open, now; None where none had in so much time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for name, pid in processes.items():
            with suppress(OSError):
                for descriptor in Path(f"/proc/{pid}/fd").iterdir():
                    with suppress(OSError):
                        if descriptor.readlink().is_relative_to(directory):
                            return name
        time.sleep(0.001)
    return None


def log_judged(servers: "Servers", seen: "Seen", notes: Mapping[bytes, Checkpoint]) -> None:
    """Hold the log against what was answered and shown; everything runs again, and nobody comes any more."""
    report = settled(servers, seen)
    if report is None:
        return
    seen.counts["log files cut off"] = sum(1 for _ in servers.folder.glob(f"data/log/{LOG}/**/.*"))
    if "IntegrityError" in (servers.folder / "log").read_text("utf-8", "replace"):
        seen.wrong.append("a server took the log for changed")
    settings = read_settings(servers.environment)
    database, where = Database(embedded.start(settings.data_dir / "postgres")), logs(settings)
    try:
        key = Verifier.of_vkey((where.files(OPERATOR, 1).read(VKEY) or b"").decode())
        final = Checkpoint(report["origin"], report["size"], bytes.fromhex(report["root"]))
        continued(seen, where, key, final, notes)
        proven(seen, database, where, key, final)
        exported(servers, seen, key, final, notes)
    except CountenanceError as error:
        seen.wrong.append(f"the log: {error}")
    finally:
        database.close()
    shown(servers, seen, key)


def settled(servers: "Servers", seen: "Seen") -> dict[str, Any] | None:
    """Have the log checked until nothing waits, and return what is said of it; None where that never came."""
    until, said = time.monotonic() + SETTLED_SECONDS, ""
    while time.monotonic() < until:
        done = ran(servers, "-m", "countenance", "log", "verify", "--json")
        said = f"{done.returncode} {done.stdout} {done.stderr}"
        try:
            reports: list[dict[str, Any]] = json.loads(done.stdout)
        except ValueError:
            continue
        if done.returncode or len(reports) != 1 or reports[0]["findings"]:
            seen.wrong.append(f"log verify: {said}")
            return None
        if reports[0]["waiting"] == 0 and reports[0]["checked"] == reports[0]["size"]:
            seen.counts["log entries"] = reports[0]["size"]
            return reports[0]
    seen.wrong.append(f"{SETTLED_SECONDS:.0f} s after the restart the log is not settled: {said}")
    return None


def continued(seen: "Seen", where: Logs, key: Verifier, final: Checkpoint, notes: Mapping[bytes, Checkpoint]) -> None:
    """Every checkpoint that was shown is signed, and the log as it is now goes on from it."""
    tree = where.files(OPERATOR, 1).tree(final.size)
    for note in notes:
        old, _ = opened(note, key)
        if old.size > final.size:
            seen.wrong.append(f"the log was shown with {old.size} entries, and has {final.size}")
        elif not extends(old.size, old.root, final.size, final.root, tree.consistency(old.size)):
            seen.wrong.append(f"the log was shown with {old.size} other entries")
        else:
            seen.count("checkpoints continued")


def proven(seen: "Seen", database: Database, where: Logs, key: Verifier, final: Checkpoint) -> None:
    """Every act that was answered stands in the log, each in its own place."""
    places: dict[int, str] = {}
    for record in sorted(seen.records):
        try:
            with database.reading() as tx:
                proof = Proof.parse(prove(tx, where, OPERATOR, UUID(record)).as_file())
            under = proof.check(key)
        except CountenanceError as error:
            seen.wrong.append(f"{record} is not proven: {error}")
            continue
        if (under.size, under.root) != (final.size, final.root) or places.setdefault(proof.index, record) != record:
            seen.wrong.append(f"{record} is proven at {proof.index} of {under.size}, in another's place or log")
        seen.count("records proven")


def shown(servers: "Servers", seen: "Seen", key: Verifier) -> None:
    """Any server hands out the same proofs to the officer, some of them at least."""
    chance, until = random.Random(3), time.monotonic() + SETTLED_SECONDS
    for record in chance.sample(sorted(seen.records), min(FETCHED, len(seen.records))):
        path = f"/v1/records/{record}/proof"
        status, proof = fetched(chance.choice(servers.ports), path, servers.officer)
        while status in {0, 503} and time.monotonic() < until:  # one server is ready later than another
            time.sleep(0.3)
            status, proof = fetched(chance.choice(servers.ports), path, servers.officer)
        try:
            Proof.parse(proof).check(key)
        except CountenanceError as error:
            seen.wrong.append(f"{record}: {status}, {error}")
        seen.count("proofs fetched")


def exported(servers: "Servers", seen: "Seen", key: Verifier, final: Checkpoint, notes: Iterable[bytes]) -> None:
    """The regulator's own checker says the same of an export, and knows every checkpoint that was shown."""
    folder, known = servers.folder / "export", []
    made = ran(servers, "-m", "countenance", "log", "export", str(folder))
    if made.returncode:
        seen.wrong.append(f"log export: {made.stderr}")
        return
    for number, note in enumerate(notes):
        (servers.folder / f"known-{number}").write_bytes(note)
        known += ["--known", f"known-{number}"]
    tool = str(ROOT / "tools" / "verify_log.py")
    done = ran(servers, tool, str(folder), "--vkey", key.as_vkey(), "--json", *known)
    said = json.loads(done.stdout) if done.stdout else {}
    if done.returncode or (said["size"], said["root"]) != (final.size, final.root.hex()) or said["notes"]:
        seen.wrong.append(f"verify_log.py: {done.returncode} {done.stdout} {done.stderr}")
    seen.counts["entries as exported"] = said.get("size", 0)
