"""Faces are found whatever the size, light or turn; only a target that stands out is measured as the target."""

from pathlib import Path

import numpy as np
import pytest

from countenance.answer import Text
from countenance.capture import Limits, Sample, capture
from countenance.detect import (
    Face,
    Measured,
    Quality,
    QualityLimits,
    Reason,
    closer,
    detect,
    failure,
    measure,
)
from countenance.engines import Engine, load_engine
from tests.faces import astronaut, astronaut_jpeg, both_jpeg, encoded, grace_hopper_jpeg, nobody_jpeg, varied


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return load_engine(Path(tmp_path_factory.mktemp("engine")), workers=1)


def faces(data: bytes, engine: Engine) -> tuple[Face, ...]:
    return detect(capture(data, Limits()), engine.detector)


GOOD = Quality(side_px=100, sharpness=0.3, brightness=0.5, contrast=0.2, frontal=0.9)


def face(left: float, side: float, quality: Quality | None = GOOD) -> Face:
    return Face((left, 0, left + side, side), ((0.0, 0.0),) * 5, 0.9, quality)


VARIED = [
    dict[str, float](),
    {"scale": 0.5},
    {"scale": 4},
    {"light": 0.6},
    {"light": 1.4},
    {"turn": 12},
    {"turn": -12},
    {"crop": 20},
]


@pytest.mark.parametrize("changes", VARIED)
def test_each_variation_shows_one_good_face(engine, changes):
    for data in (astronaut_jpeg(**changes), grace_hopper_jpeg(**changes)):
        measured = measure(faces(data, engine))
        assert (measured.faces, measured.target_isolated, measured.quality_ok, measured.failure) == (
            1,
            True,
            True,
            None,
        )


def test_the_landmarks_lie_where_they_are(engine):
    """Positions read off the photograph by eye; the order is that of the picture, left before right."""
    (found,) = faces(astronaut_jpeg(), engine)
    truth = np.array([[204, 103], [247, 106], [226, 127], [205, 146], [241, 148]])
    assert np.abs(np.array(found.landmarks) - truth).max() < 6
    left, top, right, bottom = found.box
    assert (left < 200, right > 250, top < 100, bottom > 150) == (True, True, True, True)


def test_coordinates_are_those_of_full_resolution(engine):
    (near,) = faces(astronaut_jpeg(), engine)
    (large,) = faces(astronaut_jpeg(scale=5), engine)
    assert np.abs(np.array(large.landmarks) / 5 - np.array(near.landmarks)).max() < 3


def test_a_small_face_is_found_at_a_larger_look_and_looked_at_again(engine):
    canvas = np.full((900, 1200, 3), 128, np.uint8)
    picture = np.asarray(varied(astronaut(), scale=0.3))
    canvas[100 : 100 + picture.shape[0], 700 : 700 + picture.shape[1]] = picture
    (found,) = detect(Sample.of(canvas), engine.detector)
    (alone,) = faces(astronaut_jpeg(), engine)
    moved = np.array(alone.landmarks) * 0.3 + [700, 100]
    assert np.abs(np.array(found.landmarks) - moved).max() < 2.5


def test_no_face_is_a_failure_with_a_remedy(engine):
    measured = measure(faces(nobody_jpeg(), engine))
    assert measured == Measured(0, None, target_isolated=False, quality_ok=False, failure=failure(Reason.NO_FACE))


def test_two_faces_of_one_size_leave_no_target(engine):
    measured = measure(faces(both_jpeg(scale=0.55), engine))
    assert (measured.faces, measured.target, measured.target_isolated) == (2, None, False)
    assert measured.failure == failure(Reason.SEVERAL_FACES)


def test_a_clearly_larger_face_is_the_target(engine):
    found = faces(both_jpeg(scale=0.3), engine)
    measured = measure(found)
    assert (measured.faces, measured.target_isolated, measured.failure) == (2, True, None)
    assert measured.target is found[0]
    assert measured.target.box[0] < 512


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"blur": 9}, Reason.BLURRED),
        ({"light": 0.04}, Reason.TOO_DARK),
        ({"scale": 0.16}, Reason.TOO_SMALL),
    ],
)
def test_what_cannot_be_compared_is_a_failure(engine, changes, reason):
    measured = measure(faces(astronaut_jpeg(**changes), engine))
    assert measured.failure is not None
    assert measured.failure.reason in {reason, Reason.NO_FACE}
    assert not measured.quality_ok


def test_blur_lowers_sharpness_and_light_raises_brightness(engine):
    sharp, soft, bright = (
        faces(astronaut_jpeg(**changes), engine)[0].quality for changes in ({}, {"blur": 4}, {"light": 1.3})
    )
    assert sharp is not None
    assert soft is not None
    assert bright is not None
    assert sharp.sharpness > 2 * soft.sharpness
    assert bright.brightness > sharp.brightness


@pytest.mark.parametrize(
    "quality, reason",
    [
        (Quality(10, 0.3, 0.5, 0.2, 0.9), Reason.TOO_SMALL),
        (Quality(100, 0.1, 0.5, 0.2, 0.9), Reason.BLURRED),
        (Quality(100, 0.3, 0.01, 0.2, 0.9), Reason.TOO_DARK),
        (Quality(100, 0.3, 0.99, 0.2, 0.9), Reason.TOO_BRIGHT),
        (Quality(100, 0.3, 0.5, 0.001, 0.9), Reason.BLURRED),
        (None, Reason.BLURRED),
    ],
)
def test_each_limit_of_quality_has_its_reason(quality, reason):
    measured = measure([face(0, 100, quality)])
    assert measured.failure == failure(reason)
    assert (measured.quality_ok, measured.target_isolated) == (False, True)


def test_twice_the_area_is_isolated_and_less_is_not():
    assert measure([face(0, 142), face(200, 100)]).target_isolated
    assert not measure([face(0, 141), face(200, 100)]).target_isolated
    assert measure([face(0, 120), face(200, 100)], QualityLimits(area_ratio_min=1.4)).target_isolated


def test_every_reason_says_what_to_do_in_both_languages():
    assert len(Reason) >= 6
    for reason in Reason:
        say = failure(reason).say
        assert isinstance(say, Text)
        assert say.en.endswith(".")
        assert say.zh.endswith("。")


def test_a_face_shows_its_size_and_nothing_else(engine):
    (found,) = faces(astronaut_jpeg(), engine)
    assert repr(found).startswith("<Face ")
    assert len(repr(found)) < 20
    assert "0." not in repr(found.quality)


def test_looking_closer_never_takes_another_face(engine):
    sample = capture(both_jpeg(scale=0.55), Limits())
    found = detect(sample, engine.detector)
    assert len(found) == 2
    for one in found:
        again = closer(sample, one, engine.detector)
        assert abs(again.box[0] - one.box[0]) < 40
        assert again.quality is not None


def test_noise_and_blank_pictures_show_no_face(engine):
    rng = np.random.default_rng(3)
    for number in range(12):
        pixels = rng.integers(0, 256, (240, 320, 3)) if number % 2 else np.full((240, 320, 3), number * 20)
        assert detect(Sample.of(pixels.astype(np.uint8)), engine.detector) == ()


def test_the_smallest_picture_is_no_error(engine):
    for shape in ((1, 1), (1, 600), (600, 1), (7, 3)):
        assert detect(Sample.of(np.zeros((*shape, 3), np.uint8)), engine.detector) == ()


def test_png_and_jpeg_show_the_same_face(engine):
    (one,) = faces(encoded(astronaut(), "PNG"), engine)
    (other,) = faces(astronaut_jpeg(), engine)
    assert np.abs(np.array(one.landmarks) - np.array(other.landmarks)).max() < 1.5
