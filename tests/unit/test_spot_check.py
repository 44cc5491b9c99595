"""A spot check: who is in a committed list can be shown to be, and who was left out cannot."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.errors import ConflictError, MalformedError
from countenance.filing.spot_check import (
    ASKED_MAX,
    COMMITMENT_BYTES_MAX,
    OPENINGS_BYTES_MAX,
    CommittedList,
    Opening,
    read_commitment,
    read_openings,
    shows,
    written,
)
from countenance.log.tree import EMPTY_ROOT

KEY, ANOTHER = bytes(range(32)), bytes(32)
PERSONS = [f"person {number}" for number in range(10_000)]


def test_one_in_a_hundred_left_out_is_found_by_300_samples():
    """Attack D7: nineteen of twenty spot checks find somebody who was left out, and nobody else is named."""
    chance = random.Random(7)
    left_out = set(chance.sample(PERSONS, 100))
    short = CommittedList((each for each in PERSONS if each not in left_out), KEY)
    stated = short.commitment()
    assert stated.persons == 9_900

    found = 0
    for _ in range(60):
        sample = chance.sample(PERSONS, 300)
        missing = [each for each in sample if not shows(stated, each, short.opening(each, KEY), KEY)]
        assert set(missing) == left_out & set(sample)
        found += bool(missing)
    assert found >= 0.85 * 60, "95 % are expected"


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 2_000), max_size=700), st.randoms(use_true_random=False))
def test_everybody_in_the_list_is_shown_and_nobody_else(numbers, chance):
    named = [str(number) for number in numbers]
    kept = CommittedList(chance.sample(named * 2, 2 * len(named)), KEY)
    stated = kept.commitment()
    assert stated == CommittedList(named, KEY).commitment()
    assert stated.persons == len(numbers)
    assert read_commitment(stated.to_bytes()) == stated
    for each in named[:20]:
        opening = kept.opening(each, KEY)
        assert shows(stated, each, opening, KEY)
        assert not shows(stated, "nobody", opening, KEY)
    assert kept.opening("nobody", KEY) is None


def test_an_opening_serves_for_its_person_and_list_alone():
    kept, stated = CommittedList(PERSONS[:500], KEY), CommittedList(PERSONS[:501], KEY).commitment()
    opening = kept.opening(PERSONS[7], KEY)
    assert isinstance(opening, Opening)
    own = kept.commitment()
    assert shows(own, " PERSON 7", opening, KEY), "spelling does not matter"
    for wrong in (replace(opening, index=opening.index ^ 1), replace(opening, path=opening.path[:-1]), None):
        assert not shows(own, PERSONS[7], wrong, KEY)
    assert not shows(stated, PERSONS[7], opening, KEY)
    assert not shows(replace(own, persons=501), PERSONS[7], replace(opening, index=500), KEY)
    with pytest.raises(ConflictError):
        shows(own, PERSONS[7], opening, ANOTHER)


def test_an_empty_list_and_a_blank_line():
    nobody = CommittedList([], KEY)
    assert nobody.commitment().root == EMPTY_ROOT
    assert nobody.opening("a", KEY) is None
    one = CommittedList(["a"], KEY)
    assert shows(one.commitment(), "a", one.opening("a", KEY), KEY)
    assert one.opening(" ", KEY) is None
    assert not shows(one.commitment(), " ", Opening(0, ()), KEY)


def test_files_are_read_back_and_others_refused():
    kept = CommittedList(PERSONS[:300], KEY)
    openings = [kept.opening(each, KEY) for each in (*PERSONS[:3], "nobody")]
    data = written(openings)
    assert (read_openings(data), openings[3]) == (openings, None)
    assert len(data) < OPENINGS_BYTES_MAX
    assert len(kept.commitment().to_bytes()) < COMMITMENT_BYTES_MAX
    assert not any(each.encode() in data for each in PERSONS[:3])
    assert read_openings(written([])) == []
    too_many = b"countenance-openings/1\n" + b"-\n" * (ASKED_MAX + 1)
    for wrong in (b"", data[:-1], data[1:], data.replace(b"-", b"--"), data.replace(b" ", b"  "), too_many):
        with pytest.raises(MalformedError):
            read_openings(wrong)
    stated = kept.commitment().to_bytes()
    for wrong in (b"", stated[:-1], stated + b"\n", stated.replace(b" 300 ", b" 0300 "), data):
        with pytest.raises(MalformedError):
            read_commitment(wrong)


@given(st.binary(max_size=300))
def test_chance_bytes_are_no_openings(data):
    with pytest.raises(MalformedError):
        read_openings(data)
