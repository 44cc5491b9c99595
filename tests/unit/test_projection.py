"""Large partitions are searched by 8-bit codes first, and the answers are those of an exact search."""

import threading
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from countenance.errors import IntegrityError
from countenance.vault import projection as module
from countenance.vault.projection import Candidate, Numbers, Projection

SIZE = 32


def filled(rows: Numbers) -> Projection:
    """Return a projection with a subject for each row."""
    made = Projection("m", rows.shape[1])
    for number, numbers in enumerate(rows):
        made.add("o", "p", owner(number), numbers)
    return made


def owner(number: int) -> Candidate:
    """Return whose a row is."""
    return Candidate(UUID(int=number), UUID(int=number + 2**64))


def exact(rows: Numbers, alive: NDArray[np.bool_], probe: Numbers, score_min: float) -> list[UUID]:
    """Return what an exact search over the features answers, the most alike first."""
    scores = -np.square(rows.astype(np.float64) - probe).sum(1)
    found = np.flatnonzero((scores >= score_min) & alive)
    return [UUID(int=int(row)) for row in found[np.argsort(-scores[found], kind="stable")]]


@pytest.mark.parametrize("shape", ["round", "far off", "one outlier", "lengths differ", "all alike", "drifting"])
@pytest.mark.parametrize("reach", [0.05, 0.5, 1.0, 1.9])
def test_a_search_by_codes_answers_as_an_exact_one(shape: str, reach: float) -> None:
    drawing = np.random.default_rng(3)
    rows = drawing.standard_normal((5000, SIZE)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    if shape == "far off":
        rows += np.float32(3.0)
    elif shape == "one outlier":
        rows[17] *= np.float32(50.0)
    elif shape == "lengths differ":
        rows *= drawing.uniform(0.01, 3.0, (5000, 1)).astype(np.float32)
    elif shape == "all alike":
        rows = (rows[:1] + 1e-4 * drawing.standard_normal((5000, SIZE))).astype(np.float32)
    elif shape == "drifting":
        rows += np.linspace(0, 8, 5000, dtype=np.float32)[:, None]
    projection, alive = filled(rows), np.ones(5000, bool)
    for number in range(0, 5000, 7):
        projection.remove("o", ["p"], owner(number).subject_id, [owner(number).reference_id])
        alive[number] = False
    for row in (5, 1234, 4999):
        probe = (rows[row] + 0.1 * drawing.standard_normal(SIZE)).astype(np.float32)
        found = projection.candidates("o", "p", probe, -(reach**2), 5000)
        right = exact(rows, alive, probe, -(reach**2))
        assert found == right[: len(found)]
        assert len(found) == min(len(right), 5000)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 2.5), st.floats(0.01, 20.0))
def test_codes_leave_out_nothing_that_reaches(seed: int, distance: float, scale: float) -> None:
    drawing = np.random.default_rng(seed)
    rows = (scale * drawing.standard_normal((600, SIZE))).astype(np.float32)
    codes = module._Codes(rows, 300)
    codes.put(slice(300, 600), rows[300:])
    probe = (rows[drawing.integers(600)] + distance * drawing.standard_normal(SIZE)).astype(np.float32)
    reaches = np.flatnonzero(np.linalg.norm(rows.astype(np.float64) - probe, axis=1) <= distance)
    assert set(reaches) <= set(codes.near(600, probe, distance))


def test_codes_leave_out_nearly_all_that_does_not_reach() -> None:
    drawing = np.random.default_rng(3)
    rows = drawing.standard_normal((20_000, 128)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert len(module._Codes(rows, 20_000).near(20_000, rows[7], 0.6)) == 1


def test_small_partitions_have_no_codes_and_large_ones_do() -> None:
    rows = np.random.default_rng(3).standard_normal((4097, 4)).astype(np.float32)
    small, large = filled(rows[:2048]), filled(rows)
    assert small._partitions["o", "p"].codes is None
    codes = large._partitions["o", "p"].codes
    assert codes is not None
    assert codes.codes.dtype == np.int8


def test_what_was_removed_stands_nowhere_in_memory() -> None:
    rows = np.random.default_rng(3).standard_normal((4097, 4)).astype(np.float32)
    projection = filled(rows)
    projection.remove("o", ["p"], owner(9).subject_id, [owner(9).reference_id])
    part = projection._partitions["o", "p"]
    assert part.codes is not None
    assert not part.features[9].any()
    assert not part.codes.codes[9].any()


def test_searches_go_on_while_references_come_and_go() -> None:
    drawing = np.random.default_rng(3)
    rows = drawing.standard_normal((9000, SIZE)).astype(np.float32)
    projection, stop, wrong = filled(rows[:5000]), threading.Event(), list[int]()

    def search() -> None:
        while not stop.is_set():
            for number in (4000, 4500, 4999):
                if projection.candidates("o", "p", rows[number], -1e-3, 3) != [owner(number).subject_id]:
                    wrong.append(number)

    searching = [threading.Thread(target=search) for _ in range(2)]
    for each in searching:
        each.start()
    for number in range(5000, 9000):
        projection.add("o", "p", owner(number), rows[number])
        if number % 2:
            gone = owner(number - 5000)
            projection.remove("o", ["p"], gone.subject_id, [gone.reference_id])
    stop.set()
    for each in searching:
        each.join(timeout=30)
    assert wrong == []
    assert len(projection) == 7000


def test_memory_is_reported_and_bounded() -> None:
    rows = np.random.default_rng(3).standard_normal((5000, 128)).astype(np.float32)
    projection = filled(rows)
    assert 5000 * 128 * 5 < projection.memory() <= 2 * 5000 * (128 * 5 + 4) + 4096 * 128


def test_many_are_added_at_once_or_none() -> None:
    rows = np.random.default_rng(3).standard_normal((9000, 8)).astype(np.float32)
    at_once, one_by_one = Projection("m", 8), filled(rows)
    for first in range(0, 9000, 1300):
        at_once.add_all("o", "p", [(owner(number), rows[number]) for number in range(first, min(9000, first + 1300))])
    at_once.add_all("o", "p", [(owner(3), rows[4]), (owner(3), rows[5])])  # held already
    assert len(at_once) == len(one_by_one) == 9000
    for number in (0, 3, 1299, 1300, 8999):
        assert at_once.candidates("o", "p", rows[number], -1e-4, 3) == [owner(number).subject_id]
    with pytest.raises(IntegrityError):
        at_once.add_all("o", "p", [(owner(9001), rows[1]), (owner(9002), np.zeros(8, np.float32))])
    with pytest.raises(IntegrityError):
        at_once.add_all("o", "p", [(owner(9001), rows[1]), (owner(9002), rows[2][:7])])
    assert len(at_once) == 9000
