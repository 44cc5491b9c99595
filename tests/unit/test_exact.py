"""Exact intersection: both learn a number, the one who answers not even that, and a crafted set is not answered."""

import sys
from collections.abc import Iterable

import private_set_intersection.python as psi  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.errors import ConflictError, CountenanceError, LimitError, MalformedError, UnavailableError
from countenance.filing import exact
from countenance.filing.exact import Intersection, answer, begin, finish
from countenance.filing.sketches import token

KEY, ANOTHER = bytes(range(32)), bytes(32)
POINT = 33
OURS, THEIRS = range(40), range(30, 100)
FEW = settings(max_examples=30, deadline=None)


def named(numbers: Iterable[int]) -> list[str]:
    return [f"person {number}" for number in numbers]


def hexed(numbers: Iterable[int]) -> list[str]:
    return [(token(each, KEY) or b"").hex() for each in named(numbers)]


def between(ours: Iterable[int], theirs: Iterable[int]) -> Intersection:
    request, secret = begin(named(ours), KEY)
    answered = answer(request, named(theirs), KEY, len(set(ours)))
    return finish(secret, answered, len(set(theirs)))


def parts(data: bytes) -> tuple[bytes, list[bytes]]:
    start = data.index(b"\n") + 1
    return data[:start], [data[at : at + POINT] for at in range(start, len(data), POINT)]


@pytest.fixture(scope="module")
def asked() -> tuple[bytes, bytes]:
    return begin(named(OURS), KEY)


@pytest.fixture(scope="module")
def answered(asked: tuple[bytes, bytes]) -> bytes:
    return answer(asked[0], named(THEIRS), KEY, len(OURS))


def test_two_affiliates_of_9_900_who_share_400():
    found = between(range(9_900), range(9_500, 19_400))
    assert found == Intersection(ours=9_900, theirs=9_900, shared=400)
    assert found.union == 19_400


@FEW
@given(st.sets(st.integers(0, 30), max_size=20), st.sets(st.integers(0, 30), max_size=20))
def test_it_is_exact(ours, theirs):
    assert between(ours, theirs) == Intersection(len(ours), len(theirs), len(ours & theirs))


def test_spelling_and_repetition_count_once():
    request, secret = begin(["a", "A ", "b", ""], KEY)
    answered = answer(request, ["\uff21", "c", "c"], KEY, 2)
    assert finish(secret, answered, 2) == Intersection(2, 2, 1)


def test_only_the_number_is_revealed(asked, answered):
    """Points come in an order that tells nothing, are new each time, and the library will not name who is shared."""
    request, secret = asked
    for data in (request, answered):
        assert hexed([1])[0].encode() not in data
    _, sent = parts(request)
    _, back = parts(answered)
    doubly, own = back[: len(sent)], back[len(sent) :]
    for points in (sent, doubly, own):
        assert points == sorted(points), "sorted by what looks like chance, not in the order of the list"
    again, _ = begin(named(OURS), KEY)
    assert set(parts(again)[1]).isdisjoint(sent)
    assert set(parts(answer(request, named(THEIRS), KEY, len(OURS)))[1]).isdisjoint(back)

    response, setup = psi.Response(), psi.ServerSetup()
    response.encrypted_elements.extend(doubly)
    setup.raw.encrypted_elements.extend(own)
    private = secret[secret.index(b"\n") + 1 :]
    with pytest.raises(RuntimeError, match="reveal_intersection"):
        psi.client.CreateFromKey(private, reveal_intersection=False).GetIntersection(setup, response)


def test_who_asks_with_a_program_of_its_own_learns_no_places(asked, answered):
    """A revealing client gets places in the sorted answer, which are not those of its list."""
    ours = sorted(hexed(OURS))
    shared = set(hexed(set(OURS) & set(THEIRS)))
    _, back = parts(answered)
    response, setup = psi.Response(), psi.ServerSetup()
    response.encrypted_elements.extend(back[: len(OURS)])
    setup.raw.encrypted_elements.extend(back[len(OURS) :])
    private = asked[1][asked[1].index(b"\n") + 1 :]
    places = psi.client.CreateFromKey(private, reveal_intersection=True).GetIntersection(setup, response)
    assert len(places) == len(shared), "the number is right"
    assert {ours[place] for place in places} != shared, "and the places are not theirs"

    whole = psi.client.CreateWithNewKey(reveal_intersection=True).CreateRequest(ours)
    server = psi.server.CreateWithNewKey(reveal_intersection=False)
    with pytest.raises(RuntimeError, match="reveal_intersection"):
        server.ProcessRequest(whole)


def test_a_set_that_is_not_as_large_as_the_count_is_not_answered(asked, answered):
    for counted in (len(OURS) - 1, len(OURS) + 1, 0):
        with pytest.raises(ConflictError, match="as many points"):
            answer(asked[0], named(THEIRS), KEY, counted)
    for counted in (len(THEIRS) - 1, len(THEIRS) + 1):
        with pytest.raises(ConflictError, match="as many points"):
            finish(asked[1], answered, counted)


def test_a_set_that_marks_a_person_is_not_answered(asked):
    """A point sent twice comes back twice, and so does its mirror image: its owner would know it again."""
    head, points = parts(asked[0])
    mirrored = bytes([5 - points[0][0]]) + points[0][1:]
    for marked in (points[0], mirrored):
        with pytest.raises(MalformedError, match="twice"):
            answer(head + b"".join([marked, points[0], *points[2:]]), named(THEIRS), KEY, len(OURS))


def test_another_key_another_request_another_kind_of_file(asked, answered):
    request, secret = asked
    with pytest.raises(ConflictError, match="group key"):
        answer(request, named(THEIRS), ANOTHER, len(OURS))
    _, other = begin(named(range(5)), KEY)
    with pytest.raises(ConflictError, match="another request"):
        finish(other, answered, len(THEIRS))
    with pytest.raises(ConflictError, match="group key"):
        finish(begin(named(OURS), ANOTHER)[1], answered, len(THEIRS))
    for wrong in (secret, answered):
        with pytest.raises(MalformedError):
            answer(wrong, named(THEIRS), KEY, len(OURS))
    for wrong in (request, secret):
        with pytest.raises(MalformedError):
            finish(secret, wrong, len(THEIRS))


def test_what_is_no_point_ends_nothing(asked, answered):
    request, secret = asked
    head, points = parts(request)
    back_head, back = parts(answered)
    no_points = (b"\x02" + b"\xff" * 32, b"\x02" + (1).to_bytes(32, "big"), b"\x00" * 33, b"\x04" * 33)
    for wrong in no_points:
        with pytest.raises(MalformedError):
            answer(head + b"".join([wrong, *points[1:]]), named(THEIRS), KEY, len(OURS))
    for wrong in no_points[2:]:
        with pytest.raises(MalformedError):
            finish(secret, back_head + b"".join([wrong, *back[1:]]), len(THEIRS))
    for private in (bytes(32), b"\xff" * 32, b"short"):
        with pytest.raises(MalformedError):
            finish(secret[: secret.index(b"\n") + 1] + private, answered, len(THEIRS))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_whatever_is_changed_is_refused_or_still_a_number(asked, answered, data):
    changed = bytearray(data.draw(st.sampled_from([asked[0], answered])))
    which = bytes(changed)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(changed[: data.draw(st.integers(0, len(changed)))]) if data.draw(st.booleans()) else bytes(changed)
    try:
        if which == asked[0]:
            answer(cut, named(THEIRS), KEY, len(OURS))
        else:
            assert 0 <= finish(asked[1], cut, len(THEIRS)).shared <= len(OURS)
    except CountenanceError:
        return


def test_a_list_beyond_the_limit_is_refused(monkeypatch, asked):
    monkeypatch.setattr(exact, "PERSONS_MAX", 39)
    with pytest.raises(LimitError, match="sketches"):
        begin(named(OURS), KEY)
    with pytest.raises(MalformedError):
        answer(asked[0], named(range(3)), KEY, len(OURS))


def test_without_the_library_it_says_what_to_install(monkeypatch):
    exact._psi.cache_clear()
    monkeypatch.setitem(sys.modules, "private_set_intersection.python", None)
    try:
        with pytest.raises(UnavailableError, match="extra `psi`"):
            begin(named(OURS), KEY)
    finally:
        exact._psi.cache_clear()
