"""The log: records put in, proven and checked by both checkers, on entries like those of a verification.

LOG_ENTRIES sets how many are put in (200,000; the targets speak of a million, to which times and sizes are reckoned).
There is no peer to compare with: none of the products this one is measured against keeps a log that can be checked.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import text

from bench import ROOT
from bench.law import GUEST
from countenance.decide import decide
from countenance.facts import parse_one
from countenance.law import load_packs
from countenance.operations.examine import examine
from countenance.operations.export_log import export_log
from countenance.operations.logs import Logs
from countenance.operations.prove import prove
from countenance.operations.sequence import Sequencer
from countenance.record import Entry, append
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import embedded, logged
from countenance.store.database import Database
from countenance.vault.keys import FileKeys

ENTRIES: Final = int(os.environ.get("LOG_ENTRIES", "200000"))
MILLION: Final = 1_000_000
TARGETS: Final = {
    "entries/s put in": ("≥", 5000.0),
    "recording alone, ms": ("≤", 3.0),
    "proof at a million, bytes": ("≤", 1500.0),
    "log verify of a million, s": ("≤", 60.0),
    "verify_log.py of a million, s": ("≤", 180.0),
    "a million on disk, MB": ("≤", 600.0),
}
_OPERATOR: Final = "harbour-hotel"
_HOTEL: Final = ROOT / "examples" / "hotel.yaml"


def measure(faces: Path) -> dict[str, float]:  # noqa: ARG001 — no picture is needed
    """Return the figures."""
    with tempfile.TemporaryDirectory(prefix="cn-log-") as name:
        folder = Path(name)
        database = Database(embedded.start(folder / "pg"))
        try:
            return _measured(database, folder)
        finally:
            database.close()
            embedded.stop(folder / "pg")


def _measured(database: Database, folder: Path) -> dict[str, float]:
    database.migrate()
    with database.transaction() as tx:
        apply(tx, read_site(_HOTEL.read_bytes()), datetime.now(UTC))
    logs = Logs(folder / "log", "faces.harbour-hotel.example", FileKeys(folder / "log-keys"))
    sequencer = Sequencer(database, logs, lambda: datetime.now(UTC))
    figures = {"recording alone, ms": _recording(database)}
    _recorded(database, ENTRIES)
    begun = time.perf_counter()
    done = sequencer.drain(_OPERATOR)
    figures["entries/s put in"] = done / (time.perf_counter() - begun)
    figures |= _proofs(database, logs)
    figures |= _on_disk(database, folder)
    return figures | _checked(database, logs, folder)


def _entry() -> Entry:
    """Return the record of a verification that the law permitted."""
    facts = parse_one(json.dumps(GUEST))
    return Entry(
        operator_id=_OPERATOR,
        at=datetime.now(UTC),
        kind="verify",
        outcome="match",
        by="device:abcdefghijkl",
        subject_mark=os.urandom(16),
        facts=facts,
        answers=(decide(facts, load_packs()),),
        details={"device": "kiosk-1", "model": "bench", "threshold_fmr": "0.0001"},
    )


def _recording(database: Database) -> float:
    """Return the median of recording one act in a transaction of its own, in milliseconds."""
    entry, took = _entry(), []
    for _ in range(300):
        begun = time.perf_counter()
        with database.transaction() as tx:
            append(tx, entry)
        took.append(1000 * (time.perf_counter() - begun))
    return statistics.median(took)


def _recorded(database: Database, many: int) -> None:
    """Record so many acts, in large transactions: how they got there is not measured."""
    entry = _entry()
    for start in range(0, many, 1000):
        with database.transaction() as tx:
            for number in range(min(1000, many - start)):
                at = entry.at + timedelta(milliseconds=start + number)
                append(tx, replace(entry, at=at, subject_mark=os.urandom(16)))


def _proofs(database: Database, logs: Logs) -> dict[str, float]:
    """Return how long a proof takes, and how large one of a million entries is: so many hashes are in it then."""
    with database.reading() as tx:
        found = tx.execute(text("SELECT record_id FROM record ORDER BY random() LIMIT 200")).scalars().all()
        begun = time.perf_counter()
        proofs = [prove(tx, logs, _OPERATOR, each) for each in found]
        took = 1000 * (time.perf_counter() - begun) / len(found)
    largest = max(proofs, key=lambda proof: len(proof.as_file()))
    of_a_million = replace(largest, index=MILLION - 1, hashes=[bytes(32)] * MILLION.bit_length())
    return {"a proof, ms": took, "proof at a million, bytes": float(len(of_a_million.as_file()))}


def _on_disk(database: Database, folder: Path) -> dict[str, float]:
    with database.reading() as tx:
        tables = {
            name: int(
                tx.execute(text("SELECT pg_total_relation_size(CAST(:name AS regclass))"), {"name": name}).scalar_one()
            )
            for name in ("record", "log_entry")
        }
    files = sum(path.stat().st_size for path in (folder / "log").rglob("*") if path.is_file())
    mega = MILLION / ENTRIES / 1e6
    return {
        "a million on disk, MB": (sum(tables.values()) + files) * mega,
        "of it bodies and their indices, MB": tables["record"] * mega,
        "of it where each stands, MB": tables["log_entry"] * mega,
        "of it the log's files, MB": files * mega,
    }


def _checked(database: Database, logs: Logs, folder: Path) -> dict[str, float]:
    begun = time.perf_counter()
    (one,) = examine(database, logs, _OPERATOR, _silent)
    ours = time.perf_counter() - begun
    if one.report.found or one.report.checked < ENTRIES:
        raise SystemExit("the log does not hold")
    export_log(database, logs, _row(database), folder / "export", _silent)
    words = [sys.executable, str(ROOT / "tools" / "verify_log.py"), str(folder / "export")]
    begun = time.perf_counter()
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    theirs = time.perf_counter() - begun
    return {
        "log verify of a million, s": ours * MILLION / ENTRIES,
        "verify_log.py of a million, s": theirs * MILLION / ENTRIES,
    }


def _silent(done: int, total: int) -> None:
    """Show nothing."""


def _row(database: Database) -> logged.LogRow:
    with database.reading() as tx:
        row = logged.newest(tx, _OPERATOR)
    if row is None:
        raise SystemExit("there is no log")
    return row
