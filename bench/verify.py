"""A whole verification over HTTP: requests a second, memory, and the share of law, facts and record."""

import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from bench.hotel import DEVICE, PURPOSE, SESSION, SUBJECT, agree, photograph, standing
from countenance import app
from countenance.client import Client
from countenance.facts import SessionFacts
from countenance.operations import verify as operation
from countenance.operations.parts import Caller
from countenance.settings import read_settings
from countenance.vocabulary import Role, StartedBy

CLIENTS, SECONDS = 4, 12.0
Value = TypeVar("Value")
TARGETS = {
    "requests_a_second": ("≥", 30),
    "memory_mib": ("≤", 900),
    "law_facts_record_share": ("≤", 0.10),
}


def measure(faces: Path) -> dict[str, float]:
    """Return the figures of one run: milliseconds, requests a second, mebibytes, and the law's share."""
    sample = photograph(faces)
    with tempfile.TemporaryDirectory(prefix="cn-") as folder:
        with standing(Path(folder)) as hotel:
            client = Client(hotel.url, hotel.token)
            agree(client)
            client.enrol(sample, subject=SUBJECT, purpose=PURPOSE, session=SESSION)
            alone = _one_client(client, sample)
            rate, median = _many_clients(hotel.url, hotel.token, sample)
            memory = _memory(hotel.pid)
        parts = _parts(hotel.environment, sample)
    return {
        "one_client_ms": alone,
        "requests_a_second": rate,
        "four_clients_ms": median,
        "memory_mib": memory,
        "law_facts_record_ms": parts,
        "law_facts_record_share": parts / alone,
    }


def _timed(act: Callable[[], Value]) -> tuple[float, Value]:
    start = time.perf_counter()
    value = act()
    return (time.perf_counter() - start) * 1e3, value


def _ask(client: Client, sample: bytes) -> dict[str, Any]:
    answer = client.verify(sample, subject=SUBJECT, purpose=PURPOSE, session=SESSION)
    if answer["outcome"] != "match":
        message = "The bench verifies a photograph against itself, and it did not match."
        raise RuntimeError(message)
    return answer


def _one_client(client: Client, sample: bytes) -> float:
    for _ in range(10):
        _ask(client, sample)
    return statistics.median(_timed(lambda: _ask(client, sample))[0] for _ in range(60))


def _many_clients(url: str, token: str, sample: bytes) -> tuple[float, float]:
    """Return requests a second and the median milliseconds, with `CLIENTS` asking without pause for `SECONDS`."""
    taken: list[float] = []
    end = time.perf_counter() + SECONDS

    def ask_on() -> None:
        client = Client(url, token)
        while time.perf_counter() < end:
            taken.append(_timed(lambda: _ask(client, sample))[0])

    threads = [threading.Thread(target=ask_on) for _ in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(taken) / (time.perf_counter() - start), statistics.median(taken)


def _memory(pid: int) -> float:
    """Return the largest resident size of the server process so far, in MiB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    found = re.search(r"VmHWM:\s+(\d+) kB", text)
    return int(found[1]) / 1024 if found else float("nan")


def _parts(environment: dict[str, str], sample: bytes) -> float:
    """Return the median milliseconds that law, facts on file and record take of one verification, both gates together.

    Measured in the operation itself: gathering and deciding at both gates, writing the record, and the commits.
    """
    spent = [0.0]
    taken: list[float] = []
    settings = read_settings({name: value for name, value in environment.items() if name.startswith("COUNTENANCE_")})
    with app.open_house(settings) as opened:
        house = opened.house
        caller = Caller("harbour-hotel", "bench", Role.DEVICE, device_id=DEVICE)
        session = SessionFacts(started_by=StartedBy.SUBJECT, purpose_prompted=True, alternative_offered=True)
        claim = operation.Claim(subject_ref=SUBJECT, purpose=PURPOSE, device_id=DEVICE, session=session)
        with _counting(spent, operation, "ask"), _counting(spent, operation, "write"), _commits(spent, house.database):
            for number in range(70):
                spent[0] = 0.0
                operation.verify(house, caller, claim, sample)
                if number >= 10:
                    taken.append(spent[0])
    return statistics.median(taken)


@contextmanager
def _counting(spent: list[float], module: Any, name: str) -> Iterator[None]:
    """Add the milliseconds that a function of a module takes to `spent`."""
    inner = getattr(module, name)

    def counted(*arguments: Any, **named: Any) -> Any:
        milliseconds, value = _timed(lambda: inner(*arguments, **named))
        spent[0] += milliseconds
        return value

    setattr(module, name, counted)
    try:
        yield
    finally:
        setattr(module, name, inner)


@contextmanager
def _commits(spent: list[float], database: Any) -> Iterator[None]:
    """Add the milliseconds that commits take to `spent`."""
    dialect = database.engine.dialect
    with _counting(spent, dialect, "do_commit"):
        yield
