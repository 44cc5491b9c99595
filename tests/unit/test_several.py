"""Of several pictures the best is kept and the worst is told; the limits hold for all of them together."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from countenance.capture import Limits, Sample
from countenance.detect import Reason
from countenance.detect.several import Acquired, AttackCheck, Frames, acquired
from countenance.engines import Engine, load_engine
from countenance.errors import LimitError, MalformedError
from countenance.vocabulary import Turn
from tests import pictures
from tests.heads import turning

ASKED = (Turn.CENTRE, Turn.LEFT, Turn.CENTRE, Turn.RIGHT, Turn.CENTRE, Turn.RIGHT, Turn.CENTRE)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = load_engine(Path(tmp_path_factory.mktemp("engine")), workers=1)
    yield made
    made.close()


def seen(engine: Engine, *shown: bytes, **more: object) -> Acquired:
    with acquired(Frames(shown), Limits(), None, engine.detector, **more) as found:  # type: ignore[arg-type]
        return found


def test_one_picture_is_what_it_was(engine):
    found = seen(engine, pictures.admiral())
    assert (found.frames, found.measured.faces, found.measured.target_isolated) == (1, 1, True)
    assert found.measured.attack_suspected is None
    assert found.check.as_json() == {"check": "none"}


@pytest.mark.parametrize("worse", [pictures.blurred, pictures.nobody, pictures.tiny])
def test_the_best_is_kept_wherever_it_stands(engine, worse):
    for shown in ((pictures.admiral(), worse()), (worse(), pictures.admiral()), (worse(), pictures.admiral(), worse())):
        with acquired(Frames(shown), Limits(), None, engine.detector) as found:
            assert (found.sample.width, found.sample.height) == (512, 600)
            assert found.measured.failure is None
            assert found.measured.quality_ok
            assert found.target.quality is not None


def test_what_the_law_is_told_is_the_worst(engine):
    one_of_two = seen(engine, pictures.admiral(), pictures.two_faces(), pictures.admiral())
    assert (one_of_two.measured.faces, one_of_two.measured.target_isolated) == (2, False)
    assert one_of_two.measured.target is None
    assert one_of_two.measured.failure is not None
    assert one_of_two.measured.failure.reason is Reason.SEVERAL_FACES
    nobody_once = seen(engine, pictures.nobody(), pictures.admiral())
    assert (nobody_once.measured.faces, nobody_once.measured.target_isolated) == (1, True)
    assert nobody_once.measured.failure is None


def test_without_any_face_there_is_nothing(engine):
    none = seen(engine, pictures.nobody(), pictures.nobody())
    assert none.measured.failure is not None
    assert none.measured.failure.reason is Reason.NO_FACE


def test_the_limits_hold_for_the_sum(engine):
    shown = Frames((pictures.admiral(), pictures.admiral(), pictures.astronaut()))
    total = sum(len(each) for each in shown.pictures)
    pixels = 2 * 512 * 600 + 512 * 512
    for limits in (Limits(sample_bytes_max=total), Limits(sample_pixels_max=pixels)):
        with acquired(shown, limits, None, engine.detector) as found:
            assert found.frames == 3
    for limits in (Limits(sample_bytes_max=total - 1), Limits(sample_pixels_max=pixels - 1)):
        with pytest.raises(LimitError), acquired(shown, limits, None, engine.detector):
            pass


def test_only_the_best_is_held_in_memory_and_all_are_wiped(engine, monkeypatch):
    made: list[Sample] = []
    init = Sample.__init__

    def remember(self, *arguments):
        init(self, *arguments)
        made.append(self)

    monkeypatch.setattr(Sample, "__init__", remember)
    with acquired(
        Frames((pictures.blurred(), pictures.admiral(), pictures.tiny())), Limits(), None, engine.detector
    ) as found:
        assert [bool(each._levels) for each in made] == [False, True, False]
        assert made[1] is found.sample
        held = list(found.sample._levels.values())
        assert all(pixels.any() for pixels in held)
    assert not any(pixels.any() for pixels in held)
    assert not any(each._levels or each._encoded for each in made)


def test_what_fails_in_the_middle_wipes_what_came_before(engine, monkeypatch):
    made: list[Sample] = []
    init = Sample.__init__

    def remember(self, *arguments):
        init(self, *arguments)
        made.append(self)

    monkeypatch.setattr(Sample, "__init__", remember)
    with (
        pytest.raises(MalformedError),
        acquired(Frames((pictures.admiral(), b"no picture")), Limits(), None, engine.detector),
    ):
        pass
    assert made
    assert not any(each._levels for each in made)


@pytest.mark.parametrize(
    "steps, asked",
    [
        ((0,), ()),
        ((), ASKED),
        ((0, 1, 2, 3, 4, 5), ASKED),
        ((0, 1, 2, 3, 4, 5, 7), ASKED),
        ((0, 2, 1, 3, 4, 5, 6), ASKED),
        ((0, 1, 2, 3, 4, 6, 6), ASKED),
        ((0, 1, 2, 3, 4, 5, 6, 6), ASKED),
    ],
)
def test_steps_that_are_not_those_of_the_challenge_are_malformed(engine, steps, asked):
    shown = Frames((pictures.admiral(),) * 7, steps)
    with pytest.raises(MalformedError), acquired(shown, Limits(), None, engine.detector, turns=asked):
        pass


def test_a_head_that_turns_is_not_suspected_and_the_best_of_the_centre_is_kept(engine):
    shown = Frames(turning(pictures.admiral(), engine, ASKED), tuple(range(7)))
    with acquired(shown, Limits(), None, engine.detector, turns=ASKED) as found:
        assert found.performance is not None
        assert found.performance.doubt is None
        assert found.measured.attack_suspected is False
        assert found.check == AttackCheck(head_turns=True)
        assert found.check.as_json() == {"check": "head_turns", "version": 1}
        assert len(found.beside) == 6
        assert found.target.quality is not None
        assert found.target.quality.frontal > 0.8
        assert found.as_json() == {"frames": 7, "attack_check": {"check": "head_turns", "version": 1}}


def test_a_step_without_a_face_is_a_failure_to_acquire_and_no_suspicion(engine):
    shown = list(turning(pictures.admiral(), engine, ASKED))
    shown[3] = pictures.nobody()
    with acquired(Frames(tuple(shown), tuple(range(7))), Limits(), None, engine.detector, turns=ASKED) as found:
        assert found.measured.failure is not None
        assert found.measured.failure.reason is Reason.NO_FACE
        assert found.measured.attack_suspected is None
        assert found.check.as_json() == {"check": "none"}


class Says:
    """A passive model that says what it is told, and remembers what it was shown."""

    name = "says-1"

    def __init__(self, *, suspected: bool) -> None:
        self.suspected = suspected
        self.shown: list[tuple[float, ...]] = []

    def suspects(self, pixels: np.ndarray, box: tuple[float, float, float, float]) -> bool:
        left, top, right, bottom = box
        assert 0 <= left < right <= pixels.shape[1]
        assert 0 <= top < bottom <= pixels.shape[0]
        self.shown.append(box)
        return self.suspected


@pytest.mark.parametrize("suspected", [True, False])
def test_a_passive_model_judges_the_one_that_is_kept(engine, suspected):
    model = Says(suspected=suspected)
    found = seen(engine, pictures.blurred(), pictures.admiral(), model=model)
    assert len(model.shown) == 1
    assert found.measured.attack_suspected is suspected
    assert found.check.as_json() == {"check": "passive", "passive": "says-1"}
    nobody = seen(engine, pictures.nobody(), model=model)
    assert nobody.measured.attack_suspected is None
    assert nobody.check.as_json() == {"check": "none"}


def test_either_check_suspects(engine):
    shown = Frames(turning(pictures.admiral(), engine, ASKED), tuple(range(7)))
    for suspected in (True, False):
        with acquired(shown, Limits(), None, engine.detector, turns=ASKED, model=Says(suspected=suspected)) as found:
            assert found.measured.attack_suspected is suspected
            both = {"check": "head_turns_and_passive", "version": 1, "passive": "says-1"}
            assert found.check.as_json() == both
    still = replace(shown, pictures=(pictures.admiral(),) * 7)
    with acquired(still, Limits(), None, engine.detector, turns=ASKED, model=Says(suspected=False)) as found:
        assert found.measured.attack_suspected is True


def test_one_outside_the_area_is_nobody(engine):
    with acquired(
        Frames((pictures.admiral(), pictures.admiral())),
        Limits(),
        ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1), (0.0, 0.1)),
        engine.detector,
    ) as found:
        assert found.measured.faces == 0
