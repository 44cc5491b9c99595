"""Medians of durations, of two things in turn: both see the same load of the machine."""

import statistics
import time
from collections.abc import Callable
from typing import Final

#: One after another within a block, as a server works; the first of a block pays for the other's use of the caches.
_BLOCK: Final = 8


def in_turn(ours: Callable[[], object], peers: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Return the median milliseconds of both, measured in alternating blocks, so that both see the same load."""
    times: tuple[list[float], list[float]] = ([], [])
    while len(times[0]) < rounds:
        for act, into in zip((ours, peers), times, strict=True):
            for number in range(_BLOCK):
                start = time.perf_counter()
                act()
                if number:
                    into.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[0]), statistics.median(times[1])
