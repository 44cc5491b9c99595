"""Group totals by sketches: whoever is in several lists counts once, and nothing that comes from outside does harm."""

import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from countenance.errors import ConflictError, CountenanceError, LimitError, MalformedError
from countenance.filing import sketches
from countenance.filing.sketches import (
    REGISTERS,
    SKETCH_BYTES_MAX,
    Sketch,
    Union,
    key_id,
    make,
    merge,
    new_key,
    normalised,
    read,
    read_key,
    token,
)

KEY, ANOTHER = bytes(range(32)), bytes(32)
LISTS = st.lists(st.sets(st.integers(0, 300), max_size=40), min_size=1, max_size=4)
FEW = settings(max_examples=30, deadline=None)


def persons(first: int, behind: int) -> Iterable[str]:
    return (f"11010119900307{number:04d}X" for number in range(first, behind))


def sketch(first: int, behind: int) -> Sketch:
    return make(persons(first, behind), KEY)


def header(data: bytes) -> bytes:
    return data[: data.index(b"\n") + 1]


def counted(union: Union) -> tuple[int, int, int]:
    return union.estimate, union.lower, union.upper


def test_two_affiliates_of_9_900_who_share_400():
    ours, theirs = sketch(0, 9_900), sketch(9_500, 19_400)

    union = merge([ours, theirs])

    assert (ours.persons, theirs.persons) == (9_900, 9_900)
    assert (union.largest, union.sum, union.sketches) == (9_900, 19_800, 2)
    assert union.lower <= 19_400 <= union.upper <= 19_800
    assert union.error < 0.01
    assert union.lower >= 19_400 * (1 - 2 * union.error)


def test_no_union_is_below_its_largest_list_or_above_the_sum():
    alone, nobody = merge([sketch(0, 9_900)]), merge([make([], KEY)])
    assert counted(alone) == (9_900, 9_900, 9_900)
    assert (*counted(nobody), nobody.sum) == (0, 0, 0, 0)
    apart = merge([sketch(0, 40), sketch(100, 140)])
    assert 40 <= apart.lower <= apart.estimate <= apart.upper <= 80
    claimed = [replace(sketch(0, 100), persons=90), replace(sketch(0, 100), persons=0)]
    assert counted(merge(claimed)) == (90, 90, 90), "bounds never cross, whatever was claimed"


@pytest.mark.parametrize(
    "one, other",
    [
        ("11010119900307123x", "11010119900307123X"),
        ("11010119900307123X", " １１０１０１１９９００３０７１２３Ｘ\u3000"),
        ("guest-1", "GUEST-1\t"),
        ("e\u0301", "\u00c9"),
    ],
)
def test_another_spelling_is_the_same_person(one, other):
    assert token(one, KEY) == token(other, KEY)
    both = make([one, other], KEY)
    assert both.persons == 1
    assert both.to_bytes() == make([other], KEY).to_bytes()


@example("\u0390")  # its capital is three characters, of which two are one
@given(st.text())
def test_what_was_normalised_stays_as_it_is(text):
    assert normalised(normalised(text)) == normalised(text)


def test_blank_lines_are_nobody_and_digits_count():
    assert make(["", " ", "\u3000", "a"], KEY).persons == 1
    assert make(["1", "01"], KEY).persons == 2


def test_what_is_no_identifier_is_refused_and_not_repeated():
    for wrong in ("secret" * 100, "secret\ud800"):
        with pytest.raises(MalformedError) as caught:
            make([wrong], KEY)
        assert "secret" not in str(caught.value.en + caught.value.zh + repr(caught.value.__cause__))


def test_more_lines_than_are_counted_are_refused(monkeypatch):
    monkeypatch.setattr(sketches, "IDENTIFIERS_MAX", 3)
    assert make(persons(0, 3), KEY).persons == 3
    with pytest.raises(LimitError):
        make(persons(0, 4), KEY)


def test_another_key_is_refused():
    with pytest.raises(ConflictError):
        merge([sketch(0, 10), make(persons(0, 10), ANOTHER)])
    with pytest.raises(MalformedError):
        make(["a"], KEY[:31])
    with pytest.raises(MalformedError):
        merge([])


def test_a_key_is_made_read_and_named():
    text = new_key().encode()
    key = read_key(text)
    assert len(key) == 32
    assert key.hex() == text.decode().strip()
    assert key_id(key) != key_id(read_key(new_key().encode()))
    assert key.hex() not in key_id(key)
    for wrong in (b"", text[:-2], b"g" + text[1:], text + b"0", b"\xff" * 64):
        with pytest.raises(MalformedError):
            read_key(wrong)


@FEW
@given(LISTS, st.randoms(use_true_random=False))
def test_the_order_does_not_matter_and_nothing_is_counted_twice(lists, random):
    made = [make(map(str, each), KEY) for each in lists]
    union, shuffled = merge(made), random.sample(made, len(made))
    assert merge(shuffled) == union
    again = [replace(each, persons=0) for each in shuffled]  # the sum would grow, and with it what bounds are cut to
    assert merge([*made, *again]) == replace(union, sketches=2 * union.sketches)
    whole = merge([make(map(str, set().union(*lists)), KEY)])
    assert union.lower <= whole.estimate <= union.upper


@FEW
@given(st.lists(st.integers(0, 300), max_size=40), st.randoms(use_true_random=False))
def test_the_same_list_gives_the_same_bytes_in_whatever_order(numbers, random):
    first = make(map(str, numbers), KEY)
    second = make(map(str, random.sample(numbers * 2, 2 * len(numbers))), KEY)
    assert first.to_bytes() == second.to_bytes()
    assert first.persons == len(set(numbers))
    again = read(first.to_bytes())
    assert (again.to_bytes(), again.persons, again.key_id) == (first.to_bytes(), first.persons, key_id(KEY))


@pytest.mark.parametrize("many", [0, 1, 50, 9_900, 100_000])
def test_what_is_read_is_estimated_as_the_library_does(many):
    """The sums in the library's header are those over the registers, though only registers are read."""
    made = make(map(str, range(many)), KEY)
    image = read(made.to_bytes()).native.serialize_compact()
    *_, low, high, zeros, _ = struct.unpack("<8B3d2I", image[:40])
    values = Counter(image[40:])
    assert zeros == values[0]
    assert (low, high) == (
        sum(count * 2.0**-value for value, count in values.items() if value < 32),
        sum(count * 2.0**-value for value, count in values.items() if value >= 32),
    )
    assert image[40:] == made.registers


def test_a_sketch_prints_neither_its_registers_nor_its_key():
    assert repr(sketch(0, 3)) == f"Sketch(key_id='{key_id(KEY)}', persons=3)"


def test_a_file_that_is_none_is_refused_and_ends_nothing():
    data = sketch(0, 50).to_bytes()
    start = len(header(data))
    assert len(data) <= SKETCH_BYTES_MAX
    wrong = [
        b"",
        data[:-1],
        data + b"\0",
        data[:start],
        data[start:],
        data.replace(b"hll 16", b"hll 12", 1),
        data.replace(b"hll 16", b"cpc 16", 1),
        data.replace(b"sketch/1", b"sketch/2", 1),
        data.replace(b" 50\n", b" 050\n", 1),
        data.replace(b" 50\n", b" -50\n", 1),
        data.replace(b" 50\n", b" 9999999999\n", 1),
        data.replace(b"\n", b"\r\n", 1),
        *(data[:start] + bytes([value]) * REGISTERS for value in (1, 63, 64, 255)),
        *(data[:-1] + bytes([value]) for value in (64, 128, 255)),
        b"\x0a\x01\x07\x10\x00\x18\x00\x0a" + bytes(REGISTERS + 32),
    ]
    for each in wrong:
        with pytest.raises(MalformedError):
            read(each)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_is_changed_in_a_file_is_read_or_refused(data):
    whole = bytearray(sketch(0, 50).to_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.one_of(st.integers(0, 60), st.integers(0, len(whole) - 1)))
        whole[place] = data.draw(st.integers(0, 255))
    try:
        found = read(bytes(whole))
    except CountenanceError:
        return
    assert merge([found]).sum == found.persons


@given(st.binary(max_size=200))
def test_chance_bytes_are_no_sketch(data):
    with pytest.raises(MalformedError):
        read(data)


def test_a_claim_that_the_registers_do_not_show_is_refused():
    data = sketch(0, 9_900).to_bytes()
    for claimed in (b"0", b"9500", b"10500", b"100000000"):
        with pytest.raises(MalformedError, match="claims"):
            read(data.replace(b" 9900\n", b" " + claimed + b"\n", 1))
    assert read(data.replace(b" 9900\n", b" 9890\n", 1)).persons == 9_890, "a few are below what a sketch can see"


def test_a_million_identifiers_take_little_memory():
    program = (
        "import resource\n"
        "from countenance.filing.sketches import make\n"
        "make(['a'], bytes(32))\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = make((f'person {n}' for n in range(1_000_000)), bytes(32))\n"
        "print(made.persons, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=100)
    found, kibibytes = map(int, ran.stdout.split())
    assert found == 1_000_000
    assert kibibytes < 64 * 1024
