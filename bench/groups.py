"""Group totals: how far the union of 1,000 affiliates' sketches errs, how long it takes, and what a sketch gives away.

Each run draws 1,000 affiliates of 50 to 5,000 persons from one population, so that they overlap little or nearly
wholly, and makes their sketches as an affiliate does. As a union's registers are those of the whole list, its error is
measured once more on many lists of chance. An attacker asks of a sketch whether somebody is in it: success is the share
of right answers when every second person asked about is; 0.5 is guessing.
"""

import hashlib
import itertools
import math
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from datasketches import (  # type: ignore[import-untyped]
    HLL_8,
    compact_theta_sketch,
    cpc_sketch,
    cpc_union,
    hll_sketch,
    theta_union,
    update_theta_sketch,
)
from numpy.typing import NDArray

from countenance.filing import exact
from countenance.filing.sketches import LG_K, REGISTERS, SKETCH_BYTES_MAX, Sketch, make, merge, read, token

AFFILIATES: Final = 1_000
SMALLEST, LARGEST = 50, 5_000
#: From nearly everybody shared to nearly nobody.
POPULATIONS: Final = (20_000, 100_000, 1_000_000, 10_000_000)
RUNS: Final = 10
CHANCE_RUNS: Final = 250
CHANCE_PERSONS: Final = (1_000, 20_000, 100_000, 500_000)
LISTS: Final = (100, 9_900, 100_000, 1_000_000)
ASKED: Final = 4_000
SHARED: Final = 400
TARGETS: Final = {
    "union of 1,000: error, 95 %, %": ("≤", 1.0),
    "lists of chance: error, 95 %, %": ("≤", 1.0),
    "union of 1,000: read and merged, s": ("≤", 1.0),
    "without the key: |success - 0.5|": ("≤", 0.03),
}


def measure(faces: Path) -> dict[str, float]:
    """Return errors in per cent, seconds, bytes, and how often an attacker is right."""
    del faces  # nobody's face is looked at
    figures = _unions() | _chance()
    begun = time.perf_counter()
    million = make(_persons(0, 1_000_000), secrets.token_bytes(32))
    figures |= {"sketch of a million persons, s": time.perf_counter() - begun, "bytes at most": SKETCH_BYTES_MAX}
    figures |= _merged(million.to_bytes())
    return figures | _attacked() | _others() | _intersected()


def _persons(first: int, behind: int) -> Iterable[str]:
    return (f"11010119900307{number:07d}X" for number in range(first, behind))


def _unions() -> dict[str, float]:
    """Return how far unions of affiliates that overlap err, and whether the bounds hold."""
    chance, errors, held, widths = np.random.default_rng(7), list[float](), 0, list[float]()
    for population, _ in itertools.product(POPULATIONS, range(RUNS)):
        key, truth = secrets.token_bytes(32), np.zeros(population, bool)
        sizes = np.exp(chance.uniform(math.log(SMALLEST), math.log(LARGEST), AFFILIATES)).astype(int)
        union = merge(_affiliate(chance, int(size), truth, key) for size in sizes)
        persons = int(truth.sum())
        errors.append(100 * abs(union.estimate / persons - 1))
        widths.append(50 * (union.upper - union.lower) / persons)
        held += union.lower <= persons <= union.upper
    return {
        "union of 1,000: error, 95 %, %": float(np.quantile(errors, 0.95)),
        "union of 1,000: largest error, %": max(errors),
        "union of 1,000: bounds, ± %": float(np.mean(widths)),
        "union of 1,000: bounds held, %": 100 * held / len(errors),
    }


def _affiliate(chance: np.random.Generator, size: int, truth: NDArray[np.bool_], key: bytes) -> Sketch:
    """Return the sketch of an affiliate drawn from a population, after noting whom it holds."""
    drawn = np.unique(chance.integers(0, len(truth), size))
    truth[drawn] = True
    return make((f"person {number}" for number in drawn.tolist()), key)


def _chance() -> dict[str, float]:
    """Return how far sketches of lists of chance err; each is read from its file, which looks at its claim."""
    chance, errors, held = np.random.default_rng(8), list[float](), 0
    for persons, _ in itertools.product(CHANCE_PERSONS, range(CHANCE_RUNS)):
        sketch = hll_sketch(LG_K, HLL_8, True)  # noqa: FBT003 — the library's own
        for number in chance.integers(0, 1 << 62, persons).tolist():
            sketch.update(number)
        header = f"countenance-sketch/1 hll {LG_K} {'0' * 16} {persons}\n".encode()
        whole = read(header + sketch.serialize_compact()[-REGISTERS:])
        # As affiliates that each state a part: with the whole count at hand there would be nothing to estimate.
        union = merge([replace(whole, persons=persons // 4)] * 16)
        errors.append(100 * abs(union.estimate / persons - 1))
        held += union.lower <= persons <= union.upper
    return {
        "lists of chance: error, 95 %, %": float(np.quantile(errors, 0.95)),
        "lists of chance: largest error, %": max(errors),
        "lists of chance: bounds held, %": 100 * held / len(errors),
    }


def _merged(data: bytes) -> dict[str, float]:
    """Return the time from 1,000 files in memory, of a million persons each, to the union."""
    files = [data] * AFFILIATES
    begun = time.perf_counter()
    merge(read(each) for each in files)
    return {"union of 1,000: read and merged, s": time.perf_counter() - begun}


def _attacked() -> dict[str, float]:
    """Return the attacker's success by the size of the list, with the group's key and without it."""
    figures, blind = dict[str, float](), list[float]()
    for size in LISTS:
        key = secrets.token_bytes(32)
        registers = np.frombuffer(make(_persons(0, size), key).registers, np.uint8)
        members, strangers = _asked(size)
        figures[f"with the key, {size:,}: success"] = _success(registers, members, strangers, _keyed(key))
        # Who lacks the key can try another, none, or what somebody might have taken for one.
        guesses = (
            _keyed(secrets.token_bytes(32)),
            _keyed(bytes(32)),
            lambda one: hashlib.sha256(one.encode()).digest(),
        )
        blind += [abs(_success(registers, members, strangers, guess) - 0.5) for guess in guesses]
    return figures | {"without the key: |success - 0.5|": max(blind)}


def _asked(size: int) -> tuple[list[str], list[str]]:
    """Return persons who are in the list, again and again where it is short, and as many who are not."""
    members = list(_persons(0, min(size, ASKED // 2)))
    strangers = list(_persons(2_000_000, 2_000_000 + ASKED // 2))
    return list(itertools.islice(itertools.cycle(members), ASKED // 2)), strangers


def _keyed(key: bytes) -> Callable[[str], bytes]:
    return lambda identifier: token(identifier, key) or b""


def _success(
    registers: NDArray[np.uint8], members: list[str], strangers: list[str], tokened: Callable[[str], bytes]
) -> float:
    """Return the share of right answers of who says yes where the register is as high as the person would make it."""

    def yes(identifier: str) -> bool:
        place, value = _place(tokened(identifier))
        return bool(registers[place] >= value)

    return _right(members, strangers, yes)


def _place(one: bytes) -> tuple[int, int]:
    """Return which register a token raises, and to what."""
    alone = hll_sketch(LG_K, HLL_8, True)  # noqa: FBT003 — the library's own
    alone.update(one.hex())
    registers = np.frombuffer(alone.serialize_compact()[-REGISTERS:], np.uint8)
    place = int(registers.argmax())
    return place, int(registers[place])


def _others() -> dict[str, float]:
    """Return the same of the sketches that were not taken, of the size that reaches 1 %: theta 2^16 and CPC 2^15."""
    key, size = secrets.token_bytes(32), 100_000
    theta, cpc, members, strangers = update_theta_sketch(16), cpc_sketch(15), *_asked(size)
    for each in _persons(0, size):
        word = (token(each, key) or b"").hex()
        theta.update(word)
        cpc.update(word)
    hashes, before = set(theta), cpc.get_estimate()

    def in_theta(one: str) -> bool:
        alone = update_theta_sketch(16)
        alone.update((token(one, key) or b"").hex())
        return bool(set(alone) <= hashes)

    def in_cpc(one: str) -> bool:
        copy = cpc_sketch.deserialize(kept[1])
        copy.update((token(one, key) or b"").hex())
        return bool(copy.get_estimate() == before)

    kept = theta.compact().serialize(), cpc.serialize()
    unions = (theta_union(16), compact_theta_sketch.deserialize), (cpc_union(15), cpc_sketch.deserialize)
    figures = dict[str, float]()
    for name, data, test, (union, opened) in zip(("theta", "CPC"), kept, (in_theta, in_cpc), unions, strict=True):
        begun = time.perf_counter()
        for _ in range(AFFILIATES):
            union.update(opened(data))
        figures |= {
            f"{name}: union of 1,000, s": time.perf_counter() - begun,
            f"{name}: bytes": len(data),
            f"{name}, with the key, {size:,}: success": _right(members[:500], strangers[:500], test),
        }
    return figures


def _right(members: list[str], strangers: list[str], yes: Callable[[str], bool]) -> float:
    return (sum(map(yes, members)) + sum(not yes(each) for each in strangers)) / (len(members) + len(strangers))


def _intersected() -> dict[str, float]:
    """Return the seconds of the three steps of an exact intersection of two lists of 9,900."""
    key, size = secrets.token_bytes(32), 9_900
    marks = [time.perf_counter()]
    request, secret = exact.begin(_persons(0, size), key)
    marks.append(time.perf_counter())
    answered = exact.answer(request, _persons(size - SHARED, 2 * size - SHARED), key, size)
    marks.append(time.perf_counter())
    found = exact.finish(secret, answered, size)
    marks.append(time.perf_counter())
    if found.shared != SHARED:
        message = "The intersection is exact, and came out wrong."
        raise RuntimeError(message)
    taken = {step: marks[at + 1] - marks[at] for at, step in enumerate(("begin", "answer", "finish"))}
    sizes = {"request": len(request), "answer": len(answered)}
    return {f"exact, 9,900: {step}, s": value for step, value in taken.items()} | {
        f"exact, 9,900: {name}, kB": size / 1e3 for name, size in sizes.items()
    }
