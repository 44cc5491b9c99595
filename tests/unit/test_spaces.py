"""An operator's space: distances are kept in it, and nothing compares between two."""

import json
import pickle

import numpy as np
import pytest

from countenance.compare import Features, compare
from countenance.errors import IntegrityError
from countenance.vault.spaces import Numbers, Space, Spaces
from tests.unit.test_compare import THRESHOLD, permit


def faces(number: int, dimension: int = 128) -> Numbers:
    """Return features of so many strangers."""
    return np.random.default_rng(5).standard_normal((number, dimension)).astype(np.float32) / np.float32(8)


def apart(numbers: Numbers) -> Numbers:
    """Return all squared distances."""
    each = numbers.astype(np.float64)
    return np.square(each[:, None] - each[None, :]).sum(2).astype(np.float32)


@pytest.mark.parametrize("dimension", [2, 128, 512])
def test_distances_are_kept_within_a_space(dimension: int) -> None:
    plain, space = faces(40, dimension), Space.made("hotel", dimension)
    moved = space.turned(plain)
    assert np.abs(apart(moved) - apart(plain)).max() < 2e-5
    assert np.abs(moved - plain).max() > 0.1


def test_a_person_is_a_stranger_in_another_space() -> None:
    plain = faces(400)
    one, other = Space.made("hotel", 128).turned(plain), Space.made("bank", 128).turned(plain)
    own = np.square(one - other).sum(1)
    crossed = np.square(one - np.roll(other, 1, axis=0)).sum(1)
    assert abs(own.mean() - crossed.mean()) < 0.1 * crossed.std()


def test_no_two_spaces_are_the_same() -> None:
    drawn = {Space.made("hotel", 8).to_bytes() for _ in range(20)}
    assert len(drawn) == 20


def test_a_space_is_read_as_it_was_written() -> None:
    space = Space.made("hotel", 128)
    again = Space.from_bytes("hotel", space.to_bytes())
    assert np.array_equal(again.turned(faces(3)), space.turned(faces(3)))


@pytest.mark.parametrize("harm", ["empty", "short", "long", "zeros", "scaled", "not finite", "shift not finite"])
def test_what_is_no_space_is_refused(harm: str) -> None:
    whole = Space.made("hotel", 8).to_bytes()
    numbers = np.frombuffer(whole, "<f4").copy()
    if harm == "zeros":
        numbers[:] = 0
    elif harm == "scaled":
        numbers[:64] *= 1.01
    elif harm == "not finite":
        numbers[3] = np.nan
    elif harm == "shift not finite":
        numbers[-1] = np.inf
    data = {"empty": b"", "short": whole[:-4], "long": whole + bytes(4)}.get(harm, numbers.tobytes())
    with pytest.raises(IntegrityError):
        Space.from_bytes("hotel", data)


def test_features_of_two_operators_and_features_nobody_moved_are_not_compared() -> None:
    numbers = faces(1)[0]
    plain = Features(numbers, "m")
    hotel, bank = plain.turned(Space.made("hotel", 128)), plain.turned(Space.made("bank", 128))
    assert compare(permit(), hotel, [hotel], THRESHOLD).match
    for one, other in ((hotel, bank), (plain, hotel), (hotel, plain)):
        with pytest.raises(IntegrityError, match="two operators"):
            compare(permit(), one, [other], THRESHOLD)


def test_features_are_moved_once() -> None:
    space = Space.made("hotel", 128)
    once = Features(faces(1)[0], "m").turned(space)
    assert once.turned(space) is once
    assert once.turned(Space.made("bank", 128)) is once


def test_a_template_says_whether_it_lies_in_a_space() -> None:
    plain = Features(faces(1)[0], "m")
    moved = plain.turned(Space.made("hotel", 128))
    back = Features.from_bytes(moved.to_bytes(), "m", "hotel")
    assert (back.space, Features.from_bytes(plain.to_bytes(), "m", "hotel").space) == ("hotel", None)
    assert np.array_equal(back.numbers(), moved.numbers())
    with pytest.raises(Exception, match="form expected"):
        Features.from_bytes(moved.to_bytes(), "m")


def test_a_space_does_not_show_and_does_not_travel() -> None:
    space, spaces = Space.made("hotel", 8), Spaces()
    assert repr(space) == "<Space 8>"
    for held in (space, spaces):
        with pytest.raises(TypeError):
            pickle.dumps(held)
        with pytest.raises(TypeError):
            json.dumps(held)


def test_the_space_that_is_held_stays() -> None:
    spaces, first = Spaces(), Space.made("hotel", 8)
    assert spaces.find("hotel", "m") is None
    assert spaces.keep("hotel", "m", first) is first
    assert spaces.keep("hotel", "m", Space.made("hotel", 8)) is first
    assert spaces.find("hotel", "n") is None
