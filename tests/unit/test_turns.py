"""A head that turns as asked is told from anything flat, whatever the pose, the lens, the bend and the noise."""

from dataclasses import replace
from itertools import product
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.capture import Sample
from countenance.detect import Face
from countenance.detect.turns import TURNS, Doubt, Look, draw, judge, look
from countenance.settings import FRAMES_OF_A_CHALLENGE
from countenance.vocabulary import Turn
from tests.heads import HEAD, SHEET, Pose, landmarks, poses

CENTRE, LEFT, RIGHT = Turn.CENTRE, Turn.LEFT, Turn.RIGHT
ASKED = (CENTRE, LEFT, CENTRE, RIGHT, CENTRE, LEFT, CENTRE)
#: Nothing is found again in noise, so these sequences are judged by their landmarks alone.
NOISE = np.random.default_rng(1).integers(0, 255, (40, 480, 640, 3), np.uint8)


def seen(marks: np.ndarray, step: int, noise: int | None = None) -> Look:
    """Return the look at a face with these landmarks, in a picture of noise."""
    face = Face((0, 0, 1, 1), tuple((float(x), float(y)) for x, y in marks), 0.9)
    return look(Sample.of(NOISE[step if noise is None else noise]), face, step)


def looks(points: np.ndarray, held: list[Pose], noise: float = 0.0, seed: int = 0) -> list[Look]:
    """Return the looks at a head or a sheet in these poses, with noise in eye distances on every landmark."""
    chance = np.random.default_rng(seed)
    return [
        seen(landmarks(points, pose) + chance.normal(0, noise * 60, (5, 2)), step) for step, pose in enumerate(held)
    ]


def turned(asked: tuple[Turn, ...] = ASKED, by: float = 30.0, **held: float) -> list[Pose]:
    return poses(asked, np.random.default_rng(7), by, **held)


def test_a_challenge_begins_and_ends_at_the_centre_and_has_both_sides() -> None:
    drawn = {draw(Random(seed)) for seed in range(300)}
    assert len(drawn) == 2**TURNS - 2, "every sequence but those to one side"
    for asked in drawn:
        assert len(asked) == 2 * TURNS + 1 == FRAMES_OF_A_CHALLENGE
        assert set(asked[::2]) == {CENTRE}
        assert set(asked[1::2]) == {LEFT, RIGHT}


def test_every_sequence_is_as_likely() -> None:
    chance = Random(4)
    drawn = [draw(chance) for _ in range(6_000)]
    assert all(850 < drawn.count(one) < 1_150 for one in set(drawn))


def test_left_is_the_subjects_own() -> None:
    """Seen by a camera, who turns to the left moves the nose to the right of the picture."""
    assert seen(landmarks(HEAD, Pose(yaw=30)), 0).across > 0.15
    assert judge(ASKED, looks(HEAD, turned())).doubt is None
    mirrored = tuple({CENTRE: CENTRE, LEFT: RIGHT, RIGHT: LEFT}[each] for each in ASKED)
    assert judge(mirrored, looks(HEAD, turned())).doubt is Doubt.NOT_TURNED


@given(
    asked=st.sampled_from(sorted({draw(Random(seed)) for seed in range(50)})),
    by=st.floats(31, 40),
    pitch=st.floats(-12, 12),
    away=st.floats(6, 14),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=200)
def test_a_head_that_turns_is_not_suspected(asked, by, pitch, away, seed):
    held = poses(asked, np.random.default_rng(seed), by, pitch=pitch, away=away)
    assert judge(asked, looks(HEAD, held, 0.008, seed)).doubt is None


@given(
    yaw=st.floats(-70, 70),
    pitch=st.floats(-50, 50),
    away=st.floats(2.5, 14),
    bend=st.floats(0, 1.1),
    axis=st.floats(-0.5, 0.5),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=300)
def test_a_photograph_however_it_is_held_is_suspected(yaw, pitch, away, bend, axis, seed):
    """Turned, tilted, bent, near the lens: for each turn as well held as this one is."""
    held = [
        Pose(yaw=sign * yaw, pitch=pitch, away=away, bend=bend, axis=sign * axis)
        for sign in [{CENTRE: 0, LEFT: 1, RIGHT: -1}[each] for each in ASKED]
    ]
    assert judge(ASKED, looks(SHEET, held, 0.005, seed)).doubt is not None


@given(entries=st.lists(st.floats(-0.35, 0.35), min_size=24, max_size=24), lens=st.floats(-0.004, 0.004))
@settings(max_examples=300)
def test_a_photograph_under_any_homography_is_suspected(entries, lens):
    """Each sample shows the same flat face under a homography of its own, also such as no lens gives."""
    shown = []
    for step in range(len(ASKED)):
        change = np.eye(3)
        if ASKED[step] is not CENTRE:
            number = ASKED[:step].count(LEFT) + ASKED[:step].count(RIGHT)
            change[:2, :2] += np.array(entries[number * 8 : number * 8 + 4]).reshape(2, 2)
            change[2, :2] = np.array(entries[number * 8 + 4 : number * 8 + 6]) * 2 + lens
        points = np.column_stack([SHEET[:, :2], np.ones(5)]) @ change.T
        shown.append(seen(points[:, :2] / points[:, 2:] * 60 + [320, 240], step))
    assert judge(ASKED, shown).doubt in {Doubt.NOT_TURNED, Doubt.JUMPED}


def test_a_keystone_without_narrowing_is_still_a_photograph() -> None:
    """A homography no camera gives at arm's length moves the nose between the eyes and leaves the face as wide."""
    shown = []
    for step, turn in enumerate(ASKED):
        keystone = {CENTRE: 0.0, LEFT: 0.8, RIGHT: -0.8}[turn]
        points = SHEET[:, :2] / (1 + keystone * SHEET[:, :1])
        shown.append(seen(points * 60 + [320, 240], step))
    assert shown[1].across > 0.15, "by the affine measure alone it would pass"
    assert shown[1].wide >= shown[0].wide, "and nothing is narrower"
    assert judge(ASKED, shown).doubt is Doubt.NOT_TURNED


def test_what_stands_out_less_than_a_nose_has_to_turn_further_than_a_head() -> None:
    """A bent sheet moves the nose as far as a head does when it is turned far enough, and betrays itself by that."""
    shallow = HEAD * [1, 1, 0.36]
    assert judge(ASKED, looks(shallow, turned(by=52))).doubt is Doubt.FLAT
    assert judge(ASKED, looks(HEAD, turned(by=40))).doubt is None


def test_one_still_for_every_step_is_suspected() -> None:
    for yaw in (0.0, 12.0, 30.0):
        same = [seen(landmarks(HEAD, Pose(yaw=yaw)), step, noise=0) for step in range(len(ASKED))]
        assert judge(ASKED, same).doubt in {Doubt.NOT_TURNED, Doubt.NOT_FACING}


def test_the_order_is_part_of_what_was_asked() -> None:
    held = turned()
    for one, other in product(range(len(ASKED)), repeat=2):
        if ASKED[one] is not ASKED[other]:
            swapped = list(held)
            swapped[one], swapped[other] = held[other], held[one]
            assert judge(ASKED, looks(HEAD, swapped)).doubt in {Doubt.NOT_TURNED, Doubt.NOT_FACING}


def test_half_a_turn_and_half_a_return_are_none() -> None:
    assert judge(ASKED, looks(HEAD, turned(by=10))).doubt is Doubt.NOT_TURNED
    held = turned()
    held[4] = replace(held[4], yaw=16.0)
    assert judge(ASKED, looks(HEAD, held)).doubt is Doubt.NOT_FACING


def test_a_picture_shown_twice_is_suspected() -> None:
    shown = looks(HEAD, turned())
    again = replace(shown[2], chip=shown[0].chip)
    assert judge(ASKED, [*shown[:2], again, *shown[3:]]).doubt is Doubt.STILL
    nearly = replace(shown[2], chip=shown[0].chip + 0.003)
    assert judge(ASKED, [*shown[:2], nearly, *shown[3:]]).doubt is Doubt.STILL


def test_a_face_does_not_jump() -> None:
    held = turned()
    for change in (
        lambda marks: marks + np.array([300, 0]),
        lambda marks: (marks - 240) * 1.8 + 240,
    ):
        shown = looks(HEAD, held)
        shown[3] = seen(change(landmarks(HEAD, held[3])), 3)
        assert judge(ASKED, shown).doubt is Doubt.JUMPED
    shown = looks(HEAD, held)
    shown[3] = replace(shown[3], size=(480, 640))
    assert judge(ASKED, shown).doubt is Doubt.JUMPED


def test_of_several_samples_at_a_step_the_best_stands_for_it() -> None:
    held = turned()
    shown = looks(HEAD, held)
    early = seen(landmarks(HEAD, replace(held[1], yaw=14.0)), 1, noise=20)
    late = seen(landmarks(HEAD, replace(held[1], yaw=20.0)), 1, noise=21)
    performed = judge(ASKED, [shown[0], early, shown[1], late, *shown[2:]])
    assert performed.doubt is None
    assert performed.chosen == (0, 2, 4, 5, 6, 7, 8)


def test_the_nose_of_a_bent_sheet_is_found_where_a_sheet_has_it() -> None:
    """Landmarks that a detector puts where a head would have them do not help where the pixels say otherwise."""
    shown = looks(HEAD, turned())
    betrayed = [
        replace(each, chip=shown[0].chip + 0.01 * number, nose=shown[0].nose) for number, each in enumerate(shown)
    ]
    assert judge(ASKED, betrayed).doubt is Doubt.FLAT


@pytest.mark.parametrize(
    "marks",
    [
        np.zeros((5, 2)),
        np.array([[0, 0], [10, 0], [5, 0], [2, 0], [8, 0]]),
        np.array([[10, 0], [0, 0], [5, 5], [8, 10], [2, 10]]),
        np.full((5, 2), 7.0),
    ],
    ids=["nowhere", "on a line", "mirrored", "in a point"],
)
def test_what_is_no_face_is_suspected(marks: np.ndarray) -> None:
    shown = looks(HEAD, turned())
    for step in range(len(ASKED)):
        changed = [*shown[:step], seen(marks, step), *shown[step + 1 :]]
        assert judge(ASKED, changed).doubt is not None
