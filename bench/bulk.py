"""Ready templates kept one by one, each with its record, while four other processes identify and follow the database.

No door takes a ready template: the law has to be asked about a picture. So this is what an enrolment does behind the
law, from features on, with the product's own functions in the order of `enrol`: the subject held, key, sealed
reference, word to the other processes, record, memory, persons counted, commit. The law's answer is asked for once and
put on each record; left out are looking for doubles, which the law is asked for, and the budget, which counts pictures.
The writer is a server too: it holds every reference in memory and hears every word, its own among them. All five put
records into the log behind the commit, as servers on one machine do.
"""

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast
from uuid import UUID, uuid4

import numpy as np
from sqlalchemy import text

from bench import ROOT
from bench.gather import DEVICE, FILL, OPERATOR, PURPOSE, SESSION
from countenance.answer import Permit
from countenance.compare import Features, Threshold
from countenance.detect import Measured
from countenance.filing.raising import look
from countenance.law import Packs, load_packs
from countenance.operations import held, steps
from countenance.operations.fill import fill
from countenance.operations.logs import Logs
from countenance.operations.memory import staged
from countenance.operations.parts import Caller, House
from countenance.operations.upkeep import following, sequencing
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import activations, embedded, references, subjects
from countenance.store import carried as persons
from countenance.store.database import Database
from countenance.store.gathering import Question
from countenance.store.tables import reference, subject, subject_key
from countenance.vault.encrypted import EncryptedProjection
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Candidate, Numbers, Projection
from countenance.vault.sealing import TemplatePlace
from countenance.vault.spaces import Spaces
from countenance.vault.vaults import Vaults
from countenance.vocabulary import Action, AttackChecking, Role

MODEL: Final = "bench"
#: So many are enrolled when it begins, and so many more are on file: fewer than 32,768, where memory is written again
#: with room for twice as many. Every search waits for that, and it is not measured here.
ENROLLED, MORE = 20_000, 12_000
#: Four that read, each so often a second.
READERS, LOOKS_A_SECOND = 4, 20
ENROLMENTS_A_SECOND: Final = 200
WARM, IDLE, PACED, UNPACED = 2.0, 15.0, 20.0, 10.0
#: How long those who read may take to hear of everything, and to end.
PATIENCE: Final = 10.0
TARGETS: Final = {
    "at 200/s: enrolments/s": ("≥", 199.0),  # the pace, kept to half a per cent
    "at 200/s: search p99 / idle": ("≤", 2.0),
    "at most: enrolments/s": ("≥", 200.0),
    "never seen by a reader": ("≤", 0.0),
}
_AT: Final = datetime(2026, 11, 23, 2, tzinfo=UTC)
_DIMENSION: Final = 128
_SCORE_MIN: Final = -0.5
_SAME: Final = 0.03
_CALLER: Final = Caller(OPERATOR, "bench", Role.DEVICE, device_id=DEVICE)


@dataclass(frozen=True, slots=True)
class Kept:
    """One enrolment: when it began, when everything stood but the count of persons, when that, and when committed."""

    reference_id: UUID
    began: float
    stood: float
    counted: float
    done: float


@dataclass(frozen=True, slots=True)
class Reader:
    """A process that reads; told over a pipe how long to go on, it says what every look took."""

    process: Any
    pipe: Any


class Noting(Projection):
    """A projection that notes when it was given each reference that came by itself."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        super().__init__(MODEL, _DIMENSION)
        self.came: dict[UUID, float] = {}

    def add(self, operator_id: str, purpose: str, owner: Candidate, numbers: Numbers) -> None:
        """Add one reference and note when."""
        super().add(operator_id, purpose, owner, numbers)
        self.came.setdefault(owner.reference_id, time.perf_counter())


def measure(faces: Path) -> dict[str, float]:
    """Return enrolments a second, what one takes, and what those who read notice of it."""
    del faces  # made numbers serve: what is kept and searched takes as long whatever they are
    with tempfile.TemporaryDirectory(prefix="cn-") as name:
        folder = Path(name)
        address = embedded.start(folder / "pg")
        database = Database(address)
        try:
            database.migrate()
            FileKeys(folder / "keys").create(OPERATOR)
            house = _house(database, folder, Projection(MODEL, _DIMENSION), load_packs())
            asked = _put(house)
            fill(house)
            with _served(house), _reading(address, folder) as readers:
                return _figures(house, asked, readers)
        finally:
            database.close()
            embedded.stop(folder / "pg")


def _figures(house: House, asked: steps.Asked, readers: Sequence[Reader]) -> dict[str, float]:
    """Let those who read go on alone, beside the pace that is wanted, and beside all that one writer can do."""
    _begin(readers, WARM)
    _end(readers)
    busy = _ticks()
    _begin(readers, IDLE)
    idle = _looks("idle", _end(readers))
    figures = {**idle, "idle: processors busy, %": _busy(busy)}
    waiting, unseen = iter(enumerate(_drawn(2, MORE), ENROLLED)), 0
    for name, seconds, pace in (("at 200/s", PACED, ENROLMENTS_A_SECOND), ("at most", UNPACED, 0)):
        _begin(readers, seconds)
        begun, busy = time.perf_counter(), _ticks()
        kept = list(_written(house, asked, waiting, seconds, pace))
        took = time.perf_counter() - begun
        busily = {f"{name}: processors busy, %": _busy(busy)}
        looks = _looks(name, _end(readers))
        ratios = {
            f"{name}: {what} p99 / idle": looks[f"{name}: {what} p99, ms"] / idle[f"idle: {what} p99, ms"]
            for what in ("search", "and on file")
        }
        seen, missed = _seen(name, readers, kept)
        unseen += missed
        figures |= {f"{name}: enrolments/s": len(kept) / took, **_parts(name, kept), **busily, **looks}
        figures |= {**ratios, **seen}
    return figures | {"never seen by a reader": float(unseen)}


@contextmanager
def _served(house: House) -> Iterator[None]:
    """Let a house do by itself what a server's does; raises RuntimeError where it gave the alarm."""
    with sequencing(house), following(house):
        yield
    if house.alarm.is_set():
        message = "The bench found something stored that does not open, or a log that is not as it was signed."
        raise RuntimeError(message)


def _house(database: Database, folder: Path, projection: Projection, packs: Packs | None = None) -> House:
    """Return as much of a house as is needed behind the law; a picture would need the rest."""
    parts: dict[str, Any] = {
        "database": database, "packs": packs, "projection": projection, "spaces": Spaces(),
        "engine": SimpleNamespace(model_id=MODEL, extractor=SimpleNamespace(dimension=_DIMENSION)),
        "logs": Logs(folder / "log", "bench.example", FileKeys(folder / "log-keys")),
        "vault": Vaults(FileKeys(folder / "keys")).of, "encrypted": EncryptedProjection(None, _DIMENSION),
        "identify_threshold": Threshold(_SCORE_MIN, 1e-5, 1e-5, 1e-5), "alarm": threading.Event(),
        "clock": lambda: _AT, "count": lambda *_: None, "measure": lambda *_: None, "clock_backward_seconds_max": 5,
        "attack_check": AttackChecking.OFF,
    }  # fmt: skip
    return cast("House", SimpleNamespace(**parts))


def _drawn(seed: int, count: int) -> Numbers:
    """Return numbers as a model gives them, a row of length one for each face; everybody draws the same."""
    numbers: Numbers = np.random.default_rng(seed).standard_normal((count, _DIMENSION), np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    return numbers


def _put(house: House) -> steps.Asked:
    """Put everybody on file with a consent, the first of them enrolled; return the law's answer about one of them."""
    vault, own = house.vault(OPERATOR), {"operator_id": OPERATOR, "created_at": _AT}
    everybody = [uuid4() for _ in range(ENROLLED + MORE)]
    on_file = [
        own | {"ref": f"guest-{number}", "subject_id": each, "linking_key": vault.new_linking_key(each)}
        for number, each in enumerate(everybody)
    ]
    with house.database.transaction() as tx:
        apply(tx, read_site((ROOT / "examples" / "hotel.yaml").read_bytes()), _AT)
        activations.activate(tx, OPERATOR, PURPOSE, "bench", _AT)
        standing = steps.ask(tx, house, _question(Action.REGISTER_DEVICE)).on_file.standing or {}
        activations.register(tx, OPERATOR, DEVICE, standing, "bench", _AT)
        tx.execute(subject.insert(), [{"age_class": "adult", **row} for row in on_file])
        said = {"o": OPERATOR, "p": PURPOSE, "at": _AT, "consents": 1, "subjects": 1}
        tx.execute(text(FILL[3]), said)
    own |= {"purpose": PURPOSE}
    numbers = held.space(house, OPERATOR).turned(_drawn(1, ENROLLED))
    with house.database.transaction() as tx:
        keys = [own | {"subject_id": each, "wrapped": vault.new_key(each, PURPOSE)} for each in everybody[:ENROLLED]]
        tx.execute(subject_key.insert(), keys)
        made = [_row(house, key, Features(row, MODEL, OPERATOR)) for key, row in zip(keys, numbers, strict=True)]
        tx.execute(reference.insert(), [own | row for row in made])
        persons.recount(tx, OPERATOR, _AT)
        look(tx, house.packs, OPERATOR, _AT)
        measured = Measured(faces=1, target=None, target_isolated=True, quality_ok=True)
        asked = steps.ask(tx, house, _question(Action.ENROL, "guest-0"), measured)
    with house.database.reading() as tx:
        tx.execute(text("VACUUM ANALYZE"))
    return asked


def _question(action: Action, ref: str | None = None) -> Question:
    return Question(
        operator_id=OPERATOR, action=action, at=_AT, purpose=PURPOSE, device_id=DEVICE, subject_ref=ref, session=SESSION
    )


def _row(house: House, key: dict[str, Any], features: Features) -> dict[str, Any]:
    """Return the row of a reference, sealed."""
    place = TemplatePlace(key["subject_id"], PURPOSE, MODEL, uuid4())
    sealed = house.vault(OPERATOR).seal_template(features.to_bytes(), key["wrapped"], place)
    return {"reference_id": place.reference_id, "subject_id": place.subject_id, "model_id": MODEL, "sealed": sealed}


def _written(
    house: House, asked: steps.Asked, waiting: Iterator[tuple[int, Numbers]], seconds: float, pace: int
) -> Iterator[Kept]:
    """Enrol one after another until the time is over; with a pace, none before it is due."""
    begun = time.perf_counter()
    for done, (number, numbers) in enumerate(waiting):
        due = begun + (done / pace if pace else 0)
        now = time.perf_counter()
        if max(due, now) >= begun + seconds:
            return
        if due > now:
            time.sleep(due - now)
        yield _enrolled(house, asked, f"guest-{number}", Features(numbers, MODEL))


def _enrolled(house: House, permitted: steps.Asked, ref: str, features: Features) -> Kept:
    """Keep one ready template as `enrol` keeps what it extracted: whole and on record, or not at all."""
    assert isinstance(permitted.answer, Permit)  # noqa: S101
    vault, began = house.vault(OPERATOR), time.perf_counter()
    with staged(house) as remember, house.database.transaction() as tx:
        who = subjects.find(tx, OPERATOR, ref, lock=True)
        assert who is not None  # noqa: S101
        count = len(references.of_subject(tx, OPERATOR, who.subject_id, PURPOSE)) + 1
        features = held.turned(house, OPERATOR, features)
        fresh = vault.new_key(who.subject_id, PURPOSE)
        wrapped = references.keep_key(tx, OPERATOR, who.subject_id, PURPOSE, fresh, _AT)
        row = TemplatePlace(who.subject_id, PURPOSE, MODEL, uuid4())
        sealed = vault.seal_template(features.to_bytes(), wrapped, row)
        stored = references.ReferenceRow(row.reference_id, row.subject_id, PURPOSE, MODEL, sealed, wrapped)
        references.add(tx, OPERATOR, stored, _AT)
        on_file = replace(permitted.on_file, subject_id=who.subject_id, linking_key=who.linking_key)
        asked = replace(permitted, question=_question(Action.ENROL, ref), on_file=on_file)
        details = {"reference": str(row.reference_id), "references": count}
        steps.write(tx, house, _CALLER, asked, "enrolled", answers=(permitted.answer,), details=details)
        remember(OPERATOR, PURPOSE, Candidate(row.subject_id, row.reference_id), features)
        stood = time.perf_counter()
        steps.count_arrival(tx, house, OPERATOR, row.subject_id)
        counted = time.perf_counter()
    return Kept(row.reference_id, began, stood, counted, time.perf_counter())


@contextmanager
def _reading(address: str, folder: Path) -> Iterator[list[Reader]]:
    """Yield processes that read, each ready; they end with the block, or with this process."""
    spawning, readers = multiprocessing.get_context("spawn"), list[Reader]()
    try:
        for number in range(READERS):
            ours, theirs = spawning.Pipe()
            process = spawning.Process(target=read, args=(address, folder, number, theirs), daemon=True)
            process.start()
            theirs.close()
            readers.append(Reader(process, ours))
        for each in readers:
            each.pipe.recv()
        yield readers
    finally:
        for each in readers:
            each.pipe.close()
        for each in readers:
            each.process.join(PATIENCE)
            each.process.kill()


def read(address: str, folder: Path, number: int, pipe: Any) -> None:
    """Be one of those who read, until the pipe closes: hold every reference, follow the database, look and measure."""
    projection, database = Noting(), Database(address, connections=4)
    house = _house(database, folder, projection)
    known = _drawn(1, ENROLLED)
    chance = np.random.default_rng(100 + number)
    fill(house)
    with suppress(EOFError), _served(house):
        pipe.send(None)
        while True:
            seconds = pipe.recv()
            if seconds is None:
                pipe.send(dict(projection.came))
                continue
            looks, begun = list[tuple[float, float]](), time.perf_counter()
            for at in range(int(seconds * LOOKS_A_SECOND)):
                due = begun + (at + number / READERS) / LOOKS_A_SECOND
                time.sleep(max(0.0, due - time.perf_counter()))
                probe = known[chance.integers(ENROLLED)] + _SAME * chance.standard_normal(_DIMENSION, np.float32)
                looks.append(_look(house, Features(probe, MODEL)))
            pipe.send(looks)
    database.close()


def _look(house: House, probe: Features) -> tuple[float, float]:
    """Return the milliseconds of one search in memory, and of it with the look at what is on file of whoever is found.

    The law's answer about them, which stands between the two in an identification, is left out here too.
    """
    probe = held.turned(house, OPERATOR, probe)
    start = time.perf_counter()
    found = held.candidates(house, OPERATOR, PURPOSE, probe, 1)
    between = time.perf_counter()
    with house.database.transaction() as tx:
        kept = [held.references(tx, house, OPERATOR, each, PURPOSE) for each in found]
    done = time.perf_counter()
    if [len(each) for each in kept] != [1]:
        message = "The bench looks for somebody who is enrolled once, and found somebody else."
        raise RuntimeError(message)
    return (between - start) * 1e3, (done - start) * 1e3


def _begin(readers: Sequence[Reader], seconds: float | None) -> None:
    for each in readers:
        each.pipe.send(seconds)


def _end(readers: Sequence[Reader]) -> list[Any]:
    return [each.pipe.recv() for each in readers]


def _looks(name: str, looked: list[list[tuple[float, float]]]) -> dict[str, float]:
    """Return median and 99th percentile over all who read."""
    searches, whole = zip(*(each for looks in looked for each in looks), strict=True)
    return {
        f"{name}: search, ms": statistics.median(searches),
        f"{name}: search p99, ms": _p99(searches),
        f"{name}: and on file, ms": statistics.median(whole),
        f"{name}: and on file p99, ms": _p99(whole),
    }


def _parts(name: str, kept: Sequence[Kept]) -> dict[str, float]:
    """Return what one enrolment takes, and the last two parts of it."""
    whole = [(each.done - each.began) * 1e3 for each in kept]
    return {
        f"{name}: one enrolment, ms": statistics.median(whole),
        f"{name}: one enrolment p99, ms": _p99(whole),
        f"{name}: persons counted, ms": statistics.median((each.counted - each.stood) * 1e3 for each in kept),
        f"{name}: commit, ms": statistics.median((each.done - each.counted) * 1e3 for each in kept),
        f"{name}: commit p99, ms": _p99([(each.done - each.counted) * 1e3 for each in kept]),
    }


def _seen(name: str, readers: Sequence[Reader], kept: Sequence[Kept]) -> tuple[dict[str, float], int]:
    """Return how long after its commit those who read held a reference, and how many they had not in good time."""
    patience = time.perf_counter() + PATIENCE
    while True:
        _begin(readers, None)
        came = _end(readers)
        missed = sum(one.reference_id not in each for each in came for one in kept)
        if not missed or time.perf_counter() > patience:
            break
        time.sleep(0.2)
    after = [
        max(0.0, each[one.reference_id] - one.done) * 1e3 for each in came for one in kept if one.reference_id in each
    ]
    return {f"{name}: seen after, ms": statistics.median(after), f"{name}: seen at last, ms": max(after)}, missed


def _ticks() -> list[int]:
    """Return what the processors did so far, whoever asked them to; the fourth and fifth number is nothing."""
    return [int(each) for each in Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:]]


def _busy(before: Sequence[int]) -> float:
    spent = [now - then for now, then in zip(_ticks(), before, strict=True)]
    return 100 * (1 - sum(spent[3:5]) / max(1, sum(spent)))


def _p99(taken: Sequence[float]) -> float:
    return sorted(taken)[len(taken) * 99 // 100]
