"""A group's bounds, from statements alone and from sketches, and what is seen when its members stay below a line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countenance.authority.desk import Desk
from countenance.authority.inbox import take
from countenance.errors import MalformedError, NotFoundError
from countenance.filing.exchange import Kind
from countenance.filing.sketches import Sketch, key_id, make
from tests.operations.exchanging import (
    CLERK,
    DRAFT,
    Clock,
    Operator,
    collected,
    make_desk,
    paired,
    persons,
    put,
    register_database,
)

KEY = bytes(range(32))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(postgres: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with register_database(postgres) as database:
        yield make_desk(database, tmp_path, clock)


@pytest.fixture
def pair_of(desk: Desk, clock: Clock) -> tuple[Operator, Operator]:
    """Two affiliates, paired."""
    one = Operator("north.example", 1, group="Harbour", clock=clock)
    two = Operator("south.example", 2, group="Harbour", clock=clock)
    paired(desk, one)
    paired(desk, two)
    return one, two


def share(desk: Desk, operator: Operator, sketch: Sketch, many: int | None = None) -> None:
    content = sketch.to_bytes()
    note = operator.shares(content, sketch.key_id, sketch.persons if many is None else many)
    if operator.receipt(take(desk.office, note)).missing:
        put(desk, content)
    assert operator.receipt(take(desk.office, note)).missing == ()


def listed(first: int, many: int) -> Sketch:
    return make((f"id{number:07d}" for number in range(first, first + many)), KEY)


def test_two_affiliates_of_9900_with_400_shared(desk: Desk, clock: Clock, pair_of: tuple[Operator, Operator]):
    for each in pair_of:
        take(desk.office, each.states(persons(9_900)))
    group = desk.group("Harbour")
    assert (group.lower, group.upper, group.sketched, group.estimate) == (9_900, 19_800, 0, None)
    assert group.over == (DRAFT,)
    share(desk, pair_of[0], listed(0, 9_900))
    assert desk.group("Harbour").upper == 19_800
    share(desk, pair_of[1], listed(9_500, 9_900))
    group = desk.group("Harbour")
    assert 9_900 < group.lower <= 19_400 <= group.upper <= 19_800
    assert group.estimate is not None
    assert group.lower <= group.estimate <= group.upper
    assert group.error is not None
    assert group.error <= 0.01
    assert (group.sketched, group.key_id) == (2, key_id(KEY))
    assert [each.sketched_at for each in group.members] == [clock.now, clock.now]
    (signal,) = [each for each in desk.signals() if each.kind == "group"]
    assert (signal.group, signal.party_id) == ("Harbour", None)
    assert desk.groups() == [group]


def test_what_one_member_reaches_alone_is_no_matter_of_the_group(desk: Desk, pair_of: tuple[Operator, Operator]):
    take(desk.office, pair_of[0].states(persons(10_001)))
    take(desk.office, pair_of[1].states(persons(5)))
    assert desk.group("Harbour").over == ()


def test_who_stated_more_than_the_sketch_shows_is_counted_by_the_statement(
    desk: Desk, pair_of: tuple[Operator, Operator]
):
    one, two = pair_of
    share(desk, one, listed(0, 1_000))
    share(desk, two, listed(0, 1_000))
    before = desk.group("Harbour")
    assert 950 <= before.lower <= 1_000 <= before.upper <= 1_050
    take(desk.office, two.states(persons(3_000)))
    after = desk.group("Harbour")
    assert (after.lower, after.upper) == (3_000, min(before.upper + 2_000, 4_000))


def test_a_member_without_a_sketch_is_added(desk: Desk, clock: Clock, pair_of: tuple[Operator, Operator]):
    for number, each in enumerate(pair_of):
        share(desk, each, listed(500 * number, 1_000))
    third = Operator("west.example", 3, group="Harbour", clock=clock)
    paired(desk, third)
    before = desk.group("Harbour")
    take(desk.office, third.states(persons(400, 300)))
    after = desk.group("Harbour")
    assert after.upper == before.upper + 400
    assert after.lower == before.lower
    # Under another key it is no part of the union.
    other = make(["a", "b"], bytes(32))
    share(desk, third, other)
    assert desk.group("Harbour").sketched == 2


def test_a_newer_sketch_takes_the_place_of_the_older(desk: Desk, clock: Clock, pair_of: tuple[Operator, Operator]):
    one, two = pair_of
    share(desk, two, listed(0, 10))
    share(desk, one, listed(0, 1_000))
    clock.forward(hours=1)
    share(desk, one, listed(0, 20))
    assert desk.group("Harbour").upper <= 22


def test_a_sketch_that_cannot_be_read_counts_as_none(desk: Desk, pair_of: tuple[Operator, Operator]):
    one, two = pair_of
    take(desk.office, one.states(persons(50)))
    share(desk, two, listed(0, 40))
    note = one.shares(b"garbage", "k", 50)
    take(desk.office, note)
    put(desk, b"garbage")
    group = desk.group("Harbour")
    assert (group.sketched, group.lower, group.upper) == (0, 50, 90)
    assert [each.sketched_at is None for each in group.members] == [True, False]


def test_the_key_of_a_group_goes_to_its_members_alone(desk: Desk, clock: Clock, pair_of: tuple[Operator, Operator]):
    other = Operator("inn.example", 9, group="Hill", clock=clock)
    paired(desk, other)
    assert desk.issue_group_key("Harbour", CLERK).name == "Harbour"
    clock.forward(seconds=1)
    desk.issue_group_key("Harbour", CLERK)
    told = [collected(desk, each) for each in pair_of]
    keys = {message.says().key for messages in told for message in messages}
    assert [len(each) for each in told] == [2, 2]
    assert len(keys) == 1
    (key,) = keys
    said = told[0][0].says()
    assert (said.group, said.key_id) == ("Harbour", key_id(bytes.fromhex(key)))
    assert collected(desk, other) == []
    north = next(each for each in desk.parties() if each.name == "The North")
    shown = desk.conversation(north.party_id)
    assert {each.kind for each in shown} == {Kind.PAIR, Kind.GROUP_KEY}
    assert key not in repr(shown)
    assert all(key not in str(each.body) for each in shown)


@pytest.mark.parametrize("name", ["Harbour / 港湾 Group", "港" * 128, "../x"])
def test_a_group_may_be_named_in_any_way(desk: Desk, clock: Clock, name: str):
    member = Operator("inn.example", 9, group=name, clock=clock)
    paired(desk, member)
    desk.issue_group_key(name, CLERK)
    (told,) = collected(desk, member)
    clock.forward(seconds=1)
    desk.issue_group_key(name, CLERK)
    assert {each.says().key for each in collected(desk, member)} == {told.says().key}
    assert told.says().group == name


def test_a_key_made_under_the_plain_name_stays(desk: Desk, clock: Clock, pair_of: tuple[Operator, Operator]):
    desk.office.group_keys.create("Harbour")
    desk.issue_group_key("Harbour", CLERK)
    (told,) = collected(desk, pair_of[0])
    assert told.says().key == desk.office.group_keys.open("Harbour").hex()


def test_a_clerk_says_who_belongs_to_a_group(desk: Desk, clock: Clock, pair_of: tuple[Operator, Operator]):
    sly = Operator("sly.example", 9, clock=clock)
    party_id = paired(desk, sly)
    assert desk.assign(party_id, " Harbour ").group == "Harbour"
    assert len(desk.group("Harbour").members) == 3
    assert desk.assign(party_id, "").group is None
    # It pairs again and says otherwise: what the clerk said of another group stands.
    desk.assign(party_id, "Harbour")
    sly.group = "Hill"
    paired(desk, sly)
    assert desk.party(party_id).group == "Harbour"
    for wrong in ("x" * 129, "a\nb"):
        with pytest.raises(MalformedError):
            desk.assign(party_id, wrong)
    with pytest.raises(NotFoundError):
        desk.group("Hill")
