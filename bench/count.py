"""The count of persons at a million: what an enrolment pays for it, what a count and a statement take, who waits.

COUNT_PERSONS sets how many are stored (1,000,000, of which the targets speak). There is no peer to compare with: none
of the products this one is measured against counts persons, let alone against a line.
"""

import os
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import text

from bench import ROOT
from countenance.filing.raising import count_arrival, look
from countenance.filing.statement import statement
from countenance.law import Packs, load_packs
from countenance.operations.counting import check_count
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import carried, embedded
from countenance.store.database import Database

PERSONS: Final = int(os.environ.get("COUNT_PERSONS", "1000000"))
#: So many are enrolled one by one, and so many more while a count runs.
ARRIVALS: Final = 400
TARGETS: Final = {
    "counted in an enrolment, ms": ("≤", 0.5),
    "count and statement of a million, s": ("≤", 5.0),
    "enrolment's count beside them, p99 ms": ("≤", 50.0),
}
_OPERATOR, _PURPOSE = "harbour-hotel", "check-in"
_AT: Final = datetime(2026, 11, 23, 2, tzinfo=UTC)
_FILL: Final = (
    (
        "INSERT INTO subject (operator_id, subject_id, ref, return_token, created_at)"
        " SELECT :o, gen_random_uuid(), 'guest-' || n, n % 16777216, now() FROM generate_series(1, :n) AS n"
    ),
    "INSERT INTO subject_key SELECT operator_id, subject_id, :p, '\\x00', now() FROM subject",
    (
        "INSERT INTO subject (operator_id, subject_id, ref, return_token, created_at)"
        " SELECT :o, gen_random_uuid(), 'later-' || n, n, now() FROM generate_series(1, :m) AS n"
    ),
)


def measure(faces: Path) -> dict[str, float]:
    """Return the figures."""
    del faces  # what is counted are rows; no face is looked at
    with tempfile.TemporaryDirectory(prefix="cn-count-") as name:
        database = Database(embedded.start(Path(name) / "pg"))
        try:
            return _measured(database)
        finally:
            database.close()
            embedded.stop(Path(name) / "pg")


@dataclass(frozen=True, slots=True)
class _Came:
    """What counting one person took, and the whole transaction with its commit, in seconds."""

    counted: float
    whole: float


def _measured(database: Database) -> dict[str, float]:
    database.migrate()
    packs = load_packs()
    with database.transaction() as tx:
        tx.execute(text("SET LOCAL statement_timeout = 0"))
        apply(tx, read_site((ROOT / "examples" / "hotel.yaml").read_bytes()), _AT)
        for statement_ in _FILL:
            tx.execute(text(statement_), {"o": _OPERATOR, "p": _PURPOSE, "n": PERSONS, "m": 3 * ARRIVALS})
        carried.recount(tx, _OPERATOR, _AT)
        look(tx, packs, _OPERATOR, _AT)
    with database.reading() as tx:
        tx.execute(text("VACUUM ANALYZE"))
        later = list(tx.execute(text("SELECT subject_id FROM subject WHERE ref LIKE 'later-%'")).scalars())
    quiet = [_arrive(database, packs, each, count=True) for each in later[:ARRIVALS]]
    without = [_arrive(database, packs, each, count=False) for each in later[ARRIVALS : 2 * ARRIVALS]]
    with database.transaction() as tx:  # those were stored and not counted, for comparison
        carried.recount(tx, _OPERATOR, _AT)
        look(tx, packs, _OPERATOR, _AT)
    seconds, beside = _beside(database, packs, later[2 * ARRIVALS :])
    return {
        "counted in an enrolment, ms": statistics.median(each.counted for each in quiet) * 1e3,
        "transaction with it, ms": statistics.median(each.whole for each in quiet) * 1e3,
        "transaction without it, ms": statistics.median(each.whole for each in without) * 1e3,
        "count and statement of a million, s": seconds * 1_000_000 / PERSONS,
        "enrolments beside them": float(len(beside)),
        "enrolment's count beside them, p99 ms": sorted(each.counted for each in beside)[len(beside) * 99 // 100] * 1e3,
    }


def _arrive(database: Database, packs: Packs, subject_id: UUID, *, count: bool) -> _Came:
    """Store something of a person as an enrolment does at its end, and count it."""
    begun = time.perf_counter()
    with database.transaction() as tx:
        said = {"o": _OPERATOR, "s": subject_id, "p": _PURPOSE}
        tx.execute(text("INSERT INTO subject_key VALUES (:o, :s, :p, '\\x00', now())"), said)
        tx.execute(
            text(
                "INSERT INTO reference (operator_id, reference_id, subject_id, purpose, model_id, sealed, created_at)"
                " VALUES (:o, gen_random_uuid(), :s, :p, 'bench', '\\x00', now())"
            ),
            said,
        )
        stood = time.perf_counter()
        if count:
            count_arrival(tx, packs, _OPERATOR, subject_id, _AT)
        counted = time.perf_counter() - stood
    return _Came(counted, time.perf_counter() - begun)


def _beside(database: Database, packs: Packs, later: list[UUID]) -> tuple[float, list[_Came]]:
    """Count and state while others are enrolled; return how long that took, and what each of those took."""
    ended, came = threading.Event(), list[_Came]()

    def enrol() -> None:
        for each in later:
            came.append(_arrive(database, packs, each, count=True))
            if ended.is_set():
                return
            time.sleep(0.005)

    thread = threading.Thread(target=enrol)
    thread.start()
    begun = time.perf_counter()
    found = check_count(database, packs, _OPERATOR, _AT)
    with database.snapshot() as tx:
        said = statement(tx, packs, _OPERATOR, _AT)
    seconds = time.perf_counter() - begun
    ended.set()
    thread.join()
    if not found.agrees or said["persons"]["stored"] < PERSONS:
        message = "The count is wrong, so its speed says nothing."
        raise RuntimeError(message)
    return seconds, came
