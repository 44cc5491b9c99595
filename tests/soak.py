"""Real servers on one database, killed at random while people come and go: nothing that was answered is lost.

`make soak` runs it for ten minutes. Workers, PostgreSQL and (with --encrypted) the key holder are killed with signal 9.
What was answered is written down here, and held against the database at the end, when all of it was killed at one
moment: every enrolment answered is there, every withdrawal answered stays withdrawn, no search names anybody after the
withdrawal was answered, and the record of every act is there and in the log (soak_log.py).
"""

import argparse
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from countenance.client import Client, Problem, Refused, Unreachable
from countenance.store import embedded
from tests import pictures
from tests.soak_log import Watch, log_judged, writing

ROOT: Final = Path(__file__).resolve().parent.parent
PURPOSE: Final = "check-in"
KIOSK: Final = "kiosk-1"
SESSION: Final = {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True}
WORKERS: Final = 3
DATABASE: Final = "PostgreSQL"
#: Between two kills, at least and at most.
PAUSE_SECONDS: Final = (4.0, 12.0)
TRIES_SECONDS: Final = 90.0


@dataclass
class Seen:
    """What was answered, and what went wrong."""

    enrolled: dict[str, set[str]] = field(default_factory=dict)
    records: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    #: Who was asked to be forgotten, answered or not: any state is right until it is asked again.
    doubtful: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def note(self, answer: Mapping[str, Any]) -> None:
        """Write down the record of an act that was answered, where it has one."""
        if record := answer.get("record"):
            with self.lock:
                self.records.add(record["id"])


class Servers:
    """The processes, each of which may be dead at any moment."""

    def __init__(self, folder: Path, *, encrypted: bool) -> None:
        """Declare the hotel and open it; `folder` is empty."""
        self.folder = folder
        self.encrypted = encrypted
        self.ports = [_free() for _ in range(WORKERS)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
        self.environment = kept | {
            "COUNTENANCE_DATA_DIR": str(folder / "data"),
            "COUNTENANCE_LOG_LEVEL": "error",
            "COUNTENANCE_BUDGET_DEVICE": "1000000",
            "COUNTENANCE_BUDGET_CLAIM": "10000",
        }
        if encrypted:
            self.environment["COUNTENANCE_KEYHOLDER_DIR"] = str(folder / "own")
            self.environment["COUNTENANCE_KEYHOLDER_SOCKET"] = str(folder / "keyholder.socket")
            self.run("keyholder", "make")
        site = (ROOT / "examples" / "hotel.yaml").read_text("utf-8")
        if encrypted:
            site = site.replace("  check-in:\n", "  check-in:\n    matching: encrypted\n", 1)
        (folder / "site.yaml").write_text(site, "utf-8")
        self.run("site", "apply", str(folder / "site.yaml"))
        self.device = self.run("credential", "issue", "device", "--device", KIOSK).strip()
        self.officer = self.run("credential", "issue", "officer").strip()
        self.log = (folder / "log").open("ab")
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.start_missing()
        for act in (
            lambda client: client.activate(PURPOSE),
            lambda client: client.register(KIOSK, purpose=PURPOSE),
        ):
            insisted(self, self.officer, act)

    def run(self, *words: str) -> str:
        command = [sys.executable, "-m", "countenance", *words]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, cwd=self.folder
        )
        return done.stdout

    def start_missing(self) -> None:
        """Start what does not run."""
        wanted: dict[str, tuple[str, ...]] = {f"worker {port}": ("serve",) for port in self.ports}
        if self.encrypted:
            wanted["key holder"] = ("keyholder", "serve")
        for name, words in wanted.items():
            process = self.processes.get(name)
            if process is None or process.poll() is not None:
                port = name.removeprefix("worker ")
                environment = self.environment | ({"COUNTENANCE_PORT": port} if port.isdigit() else {})
                self.processes[name] = subprocess.Popen(
                    [sys.executable, "-m", "countenance", *words],
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=self.log,
                    cwd=self.folder,
                )

    def kill_one(self, chance: random.Random) -> str:
        """Kill a worker, PostgreSQL or the key holder, and say which; every second time while the log is written."""
        workers = {name: each.pid for name, each in self.processes.items() if name.startswith("worker")}
        writer = writing(self.folder / "data" / "log", workers, 2.0) if chance.random() < 0.5 else None
        named = chance.choice([*self.processes, DATABASE] if writer is None else [writer, DATABASE])
        self.kill(named)
        return named.split()[0] + ("" if writer is None else ", log half written")

    def kill(self, named: str) -> None:
        """Kill one of the processes, or PostgreSQL."""
        if named == DATABASE:
            with suppress(OSError, ValueError, IndexError):
                first = (self.folder / "data" / "postgres" / "postmaster.pid").read_text("utf-8").splitlines()[0]
                os.kill(int(first), signal.SIGKILL)
        else:
            self.processes[named].kill()
            self.processes[named].wait(timeout=30)

    def kill_all(self) -> None:
        """Kill everything there is."""
        for named in [*self.processes, DATABASE]:
            self.kill(named)

    def client(self, token: str, chance: random.Random) -> Client:
        return Client(f"http://127.0.0.1:{chance.choice(self.ports)}", token)

    def end(self) -> None:
        """End the processes, in order."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            if process.poll() is None:
                process.kill()
                process.wait(timeout=30)
        self.log.close()


def insisted(servers: Servers, token: str, act: Callable[[Client], Any], chance: random.Random | None = None) -> Any:
    """Ask until somebody answers; whoever does not, a killed one for instance, is asked again, or another is."""
    chance, until = chance or random.Random(1), time.monotonic() + TRIES_SECONDS
    while True:
        try:
            with servers.client(token, chance) as client:
                return act(client)
        except (Unreachable, Problem) as error:
            unwell = isinstance(error, Unreachable) or error.status in {409, 429, 500, 502, 503, 504}
            if not unwell or time.monotonic() > until:
                raise
            time.sleep(0.3)


def agreed(client: Client, ref: str | None, scopes: list[str]) -> dict[str, Any]:
    """Let a person say yes, after the notice, and return the answer."""
    served = client.serve_notice(purpose=PURPOSE, language="en")["served"]
    said = {"decision": "given", "form": "separate", "scopes": scopes, "served": served, "age_class": "adult"}
    return client.consent(subject=ref, purpose=PURPOSE, **said)


def decided(client: Client, ref: str | None, scopes: list[str]) -> str:
    """Let a person say yes, after the notice, and return the consent."""
    return str(agreed(client, ref, scopes)["consent"])


class Guest(threading.Thread):
    """One person after another comes, is enrolled, is verified or looked for, and leaves or stays."""

    def __init__(self, servers: Servers, seen: Seen, number: int, picture: bytes, *, named: bool, until: float) -> None:
        super().__init__(daemon=True)
        self.servers, self.seen, self.number, self.picture, self.named, self.until = (
            servers,
            seen,
            number,
            picture,
            named,
            until,
        )
        self.chance = random.Random(number)

    def ask(self, act: Callable[[Client], dict[str, Any]]) -> dict[str, Any]:
        """Ask until somebody answers, and write down what is on record of it."""
        try:
            answer: dict[str, Any] = insisted(self.servers, self.servers.device, act, self.chance)
        except Refused as error:
            self.seen.note(error.body)
            raise
        self.seen.note(answer)
        return answer

    def run(self) -> None:
        """Come and go until the time is up."""
        turn = 0
        while time.monotonic() < self.until and not self.seen.wrong:
            turn += 1
            try:
                self.stay(f"guest-{self.number}-{turn}")
            except Refused as error:
                self.seen.wrong.append(f"guest-{self.number}-{turn} was refused: {error.body.get('findings')}")
            except Problem as error:
                self.seen.wrong.append(f"nobody answered in {TRIES_SECONDS:.0f} s: {error}")

    def stay(self, ref: str) -> None:
        scopes = ["enrol", "verify", "off_device_storage", *(["identify"] if self.named else [])]
        self.ask(lambda client: agreed(client, ref, scopes))
        done = self.ask(
            lambda client: client.enrol(
                self.picture, subject=ref, purpose=PURPOSE, device=KIOSK, session=SESSION, idempotency_key=f"key-{ref}"
            )
        )
        if done["outcome"] != "enrolled":
            self.seen.wrong.append(f"{ref} could not enrol: {done['outcome']}")
            return
        with self.seen.lock:
            self.seen.enrolled[ref] = {done["reference"]}
        self.seen.count("enrolled")
        if self.verified(ref) != "match":
            self.seen.wrong.append(f"{ref} is enrolled and does not match")
        if self.named:
            self.looked_for(ref, gone=False)
        if self.named or self.chance.random() < 0.6:
            self.leave(ref)

    def verified(self, ref: str) -> str:
        def claim(client: Client) -> dict[str, Any]:
            return client.verify(self.picture, subject=ref, purpose=PURPOSE, device=KIOSK, session=SESSION)

        self.seen.count("verified")
        try:
            return str(self.ask(claim)["outcome"])
        except Refused:
            return "refused"

    def looked_for(self, ref: str, *, gone: bool) -> None:
        def look(client: Client) -> dict[str, Any]:  # a consent for one session is used up, though its answer be lost
            said = agreed(client, None, ["identify"])
            self.seen.note(said)
            consent = str(said["consent"])
            return client.identify(self.picture, consent=consent, purpose=PURPOSE, device=KIOSK, session=SESSION)

        found = self.ask(look)
        self.seen.count("looked for")
        if found.get("subject") in self.seen.withdrawn:
            self.seen.wrong.append(f"{found['subject']} was named after the withdrawal")
        if not gone and found.get("subject") != ref:
            self.seen.count("not found yet")  # another server has not heard of it

    def leave(self, ref: str) -> None:
        with self.seen.lock:
            self.seen.doubtful.add(ref)
        self.ask(lambda client: client.withdraw(subject=ref, purpose=PURPOSE))
        with self.seen.lock:
            self.seen.withdrawn.add(ref)
            self.seen.doubtful.discard(ref)
        self.seen.count("withdrawn")
        if self.verified(ref) == "match":
            self.seen.wrong.append(f"{ref} matched after the withdrawal")
        if self.named:
            self.looked_for(ref, gone=True)


def judged(servers: Servers, seen: Seen) -> None:
    """Hold what was answered against the database."""
    address = embedded.start(servers.folder / "data" / "postgres").replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(address) as connection:
        rows = connection.execute(
            "SELECT s.ref, r.reference_id::text FROM reference r JOIN subject s USING (operator_id, subject_id)"
        ).fetchall()
        records = {row[0] for row in connection.execute("SELECT record_id::text FROM record").fetchall()}
    kept: dict[str, set[str]] = {}
    for ref, reference in rows:
        kept.setdefault(ref, set()).add(reference)
    for ref, references in seen.enrolled.items():
        if ref in seen.withdrawn:
            if kept.get(ref):
                seen.wrong.append(f"{ref} withdrew, and a reference is there")
        elif ref not in seen.doubtful and not references <= kept.get(ref, set()):
            seen.wrong.append(f"{ref} was enrolled, and the reference is gone")
    if lost := seen.records - records:
        seen.wrong.append(f"{len(lost)} acts without their record")


def soak(folder: Path, seconds: float, seed: int, *, encrypted: bool = False) -> Seen:
    """Run for so long and return what was seen; every process started here has ended then."""
    seen, chance = Seen(), random.Random(seed)
    with _opened(folder, encrypted=encrypted) as servers:
        until = time.monotonic() + seconds
        guests = [
            Guest(servers, seen, 1, pictures.admiral(), named=True, until=until),
            *(Guest(servers, seen, number, pictures.astronaut(), named=False, until=until) for number in (2, 3)),
        ]
        watch = Watch(servers, seen)
        for guest in guests:
            guest.start()
        while time.monotonic() < until and not seen.wrong:
            time.sleep(min(chance.uniform(*PAUSE_SECONDS), max(0.1, until - time.monotonic())))
            if time.monotonic() < until:
                seen.count(f"killed: {servers.kill_one(chance)}")
                time.sleep(chance.uniform(0.0, 1.0))
                servers.start_missing()
        servers.start_missing()
        for guest in guests:
            guest.join(timeout=3 * TRIES_SECONDS)
            if guest.is_alive():
                seen.wrong.append("a guest is still waiting")
        watch.end()
        servers.kill_all()
        servers.start_missing()
        judged(servers, seen)
        log_judged(servers, seen, watch.notes)
    return seen


@contextmanager
def _opened(folder: Path, *, encrypted: bool) -> Iterator[Servers]:
    servers = Servers(folder, encrypted=encrypted)
    try:
        yield servers
    finally:
        servers.end()
        embedded.stop(folder / "data" / "postgres")


def _free() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def main() -> int:
    """Run from the command line; exit 1 where anything was lost or anybody named wrongly."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument(
        "--encrypted", action="store_true", help="with encrypted matching, and the key holder killed too"
    )
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="cn-soak-"))
    try:
        seen = soak(folder, asked.seconds, asked.seed, encrypted=asked.encrypted)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for what, count in sorted(seen.counts.items()):
        print(f"{what:24} {count}")
    for wrong in seen.wrong:
        print(f"WRONG: {wrong}")
    print("Nothing was lost." if not seen.wrong else "Something was lost.")
    return 1 if seen.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
