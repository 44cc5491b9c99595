"""The facts of a decision, gathered on a database that has worked for a while, and the decision of both packs on them.

10,000 subjects with a template each, 50,000 consents, 100,000 records. A round is both gates of one act: the first on a
connection on which each statement stands alone, the second in a transaction, with what was measured. Every guest comes
once.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from sqlalchemy import text

from bench import ROOT
from countenance.answer import Permit
from countenance.detect import Measured
from countenance.facts import SessionFacts
from countenance.filing import duty
from countenance.law import load_packs
from countenance.operations import steps
from countenance.operations.parts import House
from countenance.record import Entry, append
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import activations, embedded
from countenance.store.database import Database
from countenance.store.gathering import Question, gather
from countenance.vocabulary import Action, AttackChecking, StartedBy

SUBJECTS: Final = 10_000
CONSENTS: Final = 50_000
RECORDS: Final = 100_000
ROUNDS, WARM = 1000, 100
OPERATOR, PURPOSE, DEVICE = "harbour-hotel", "check-in", "kiosk-1"
AT: Final = datetime(2026, 11, 23, 2, tzinfo=UTC)
SESSION: Final = SessionFacts(started_by=StartedBy.SUBJECT, purpose_prompted=True, alternative_offered=True)
TARGETS: Final = {
    "verify: gathered and decided, ms": ("≤", 3.0),
    "enrol: gathered and decided, ms": ("≤", 3.0),
}
#: What a year leaves behind, made by the database itself; the newest word of every guest is a yes to everything.
FILL: Final = (
    """INSERT INTO subject SELECT :o, gen_random_uuid(), 'guest-' || n, 'adult', sha256(n::text::bytea), :at
    FROM generate_series(0, :subjects - 1) n""",
    """INSERT INTO subject_key SELECT :o, subject_id, :p, sha256(ref::bytea), :at FROM subject""",
    """INSERT INTO reference
    SELECT :o, gen_random_uuid(), subject_id, :p, 'bench', decode(repeat('ab', 560), 'hex'), :at FROM subject""",
    """INSERT INTO consent_event (operator_id, event_id, subject_id, purpose, at, kind, form, scopes, notice_version)
    SELECT :o, gen_random_uuid(), subject_id, :p, :at, 'given', 'separate',
    ARRAY['enrol', 'verify', 'identify', 'off_device_storage'], 1
    FROM generate_series(1, :consents / :subjects), subject""",
    """INSERT INTO record (operator_id, record_id, at, kind, outcome, subject_mark, body, digest)
    SELECT operator_id, gen_random_uuid(), at, kind, outcome, sha256((n % :subjects)::text::bytea), body, digest
    FROM record, generate_series(2, :records) n""",
)


def measure(faces: Path) -> dict[str, float]:
    """Return milliseconds of both gates together, gathered and decided."""
    del faces  # what is on file is made; no face is looked at
    with tempfile.TemporaryDirectory(prefix="cn-") as folder:
        database = Database(embedded.start(Path(folder) / "pg"))
        try:
            database.migrate()
            house = _house(database)
            _fill(house)
            return {**_gates(house, Action.VERIFY), **_gates(house, Action.ENROL)}
        finally:
            database.close()
            embedded.stop(Path(folder) / "pg")


def _house(database: Database) -> House:
    """Return as much of a house as the law is asked with; a picture would need the rest."""
    parts = {
        "database": database,
        "packs": load_packs(),
        "alarm": threading.Event(),
        "clock_backward_seconds_max": 5,
        "attack_check": AttackChecking.WHEN_OFFERED,
    }
    return cast("House", SimpleNamespace(**parts))


def _fill(house: House) -> None:
    numbers = {"o": OPERATOR, "p": PURPOSE, "at": AT, "subjects": SUBJECTS, "consents": CONSENTS, "records": RECORDS}
    with house.database.transaction() as tx:
        apply(tx, read_site((ROOT / "examples" / "hotel.yaml").read_bytes()), AT)
        activations.activate(tx, OPERATOR, PURPOSE, "bench", AT)
        registering = Question(
            operator_id=OPERATOR, action=Action.REGISTER_DEVICE, at=AT, purpose=PURPOSE, device_id=DEVICE
        )
        standing = steps.ask(tx, house, registering).on_file.standing or {}
        activations.register(tx, OPERATOR, DEVICE, standing, "bench", AT)
        for statement in FILL[:-1]:
            tx.execute(text(statement), numbers)
        asked = steps.ask(tx, house, _question(Action.VERIFY, 0))
        entry = Entry(
            operator_id=OPERATOR,
            at=AT,
            kind="verify",
            outcome="match",
            by="bench",
            facts=asked.facts,
            answers=(asked.answer,),
        )
        append(tx, entry)
        tx.execute(text(FILL[-1]), numbers)
    with house.database.reading() as tx:
        tx.execute(text("VACUUM ANALYZE"))


def _question(action: Action, number: int) -> Question:
    return Question(
        operator_id=OPERATOR,
        action=action,
        at=AT,
        purpose=PURPOSE,
        device_id=DEVICE,
        subject_ref=f"guest-{number * 7 % SUBJECTS}",
        session=SESSION,
    )


def _gates(house: House, action: Action) -> dict[str, float]:
    """Return median and 99th percentile over guests of whom each is permitted; anything else ends the bench."""
    gathered, decided = list[float](), list[float]()
    measured = Measured(faces=1, target=None, target_isolated=True, quality_ok=True)
    for number in range(WARM + ROUNDS):
        question, spent = _question(action, number), [0.0]
        start = time.perf_counter()
        with _gathering(spent):
            with house.database.reading() as tx:
                first = steps.ask(tx, house, question)
            with house.database.transaction() as tx:
                second = steps.ask(tx, house, question, measured)
        whole = (time.perf_counter() - start) * 1e3
        permitted = [isinstance(asked.answer, Permit) for asked in (first, second)]
        if not all(permitted):
            message = "The bench gathers for guests who are permitted, and one was refused."
            raise RuntimeError(message)
        if number >= WARM:
            gathered.append(spent[0])
            decided.append(whole)
    return {
        f"{action}: gathered, ms": statistics.median(gathered),
        f"{action}: gathered, p99, ms": _p99(gathered),
        f"{action}: gathered and decided, ms": statistics.median(decided),
        f"{action}: gathered and decided, p99, ms": _p99(decided),
    }


@contextmanager
def _gathering(spent: list[float]) -> Iterator[None]:
    """Add the milliseconds that gathering takes to `spent`: the queries, and the facts made of what they say."""
    inner: dict[tuple[Any, str], Callable[..., Any]] = {(steps, "gather"): gather, (duty, "states"): duty.states}

    def counting(act: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return act(*arguments, **named)
            finally:
                spent[0] += (time.perf_counter() - start) * 1e3

        return counted

    for (module, name), act in inner.items():
        setattr(module, name, counting(act))
    try:
        yield
    finally:
        for (module, name), act in inner.items():
            setattr(module, name, act)


def _p99(taken: list[float]) -> float:
    return sorted(taken)[len(taken) * 99 // 100]
