"""No features without a permit; no match without finite numbers of one model; no score outside."""

import copy
import dataclasses
import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from countenance import answer
from countenance.answer import Permit, Refusal
from countenance.capture import Limits, capture
from countenance.compare import Comparison, Features, Threshold, compare, extract, hold_identifying
from countenance.detect import detect
from countenance.engines import Engine, load_engine
from countenance.errors import IntegrityError, MalformedError
from countenance.vocabulary import Action
from tests.faces import astronaut_jpeg, grace_hopper_jpeg

AT = datetime(2026, 1, 1, tzinfo=UTC)
#: Stands in for the threshold of the card, which the calibration may move: between these persons it decides alike.
THRESHOLD = Threshold(-0.117, 1e-4, 1e-4, 1.2e-4)


def permit(action: Action = Action.VERIFY, *, measured: bool = True) -> Permit:
    return Permit(action, AT, None, {}, (), measured, answer.MINT)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return load_engine(Path(tmp_path_factory.mktemp("engine")), workers=1)


def features(data: bytes, engine: Engine) -> Features:
    with capture(data, Limits()) as sample:
        return extract(permit(), sample, detect(sample, engine.detector)[0], engine)


def numbers(count: int = 8, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=count).astype(np.float32)


def test_one_person_matches_over_variations_and_two_do_not(engine):
    variations: list[dict[str, float]] = [
        {}, {"scale": 0.5}, {"light": 0.6}, {"turn": 10}, {"turn": -10}, {"crop": 30}, {"scale": 4},
    ]  # fmt: skip
    first = [features(astronaut_jpeg(**changes), engine) for changes in variations]
    second = [features(grace_hopper_jpeg(**changes), engine) for changes in variations]
    matches = [compare(permit(), one, [other], THRESHOLD).match for group in (first, second)
               for one in group for other in group]  # fmt: skip
    assert len(matches) == 2 * len(variations) ** 2
    assert all(matches)
    assert not any(compare(permit(), one, second, THRESHOLD).match for one in first)


def test_the_scale_of_decoding_does_not_change_who_it_is(engine):
    """A turned photograph gives the same template, whichever way the camera was held (attack A5)."""
    plain, large = features(astronaut_jpeg(), engine), features(astronaut_jpeg(scale=5), engine)
    assert float(plain.numbers() @ large.numbers()) > 0.98


@pytest.mark.parametrize("asked", [None, object(), True, "permit", {"action": "verify"}])
def test_without_a_permit_there_are_no_features(engine, asked):
    with capture(astronaut_jpeg(), Limits()) as sample:
        face = detect(sample, engine.detector)[0]
        with pytest.raises(IntegrityError):
            extract(asked, sample, face, engine)


def test_a_refusal_is_no_permit(engine):
    refusal = Refusal(Action.VERIFY, AT, None, {}, ())
    with capture(astronaut_jpeg(), Limits()) as sample:
        face = detect(sample, engine.detector)[0]
        with pytest.raises(IntegrityError):
            extract(refusal, sample, face, engine)  # type: ignore[arg-type]


def test_a_permit_of_gate_one_or_for_another_action_gives_no_features(engine):
    with capture(astronaut_jpeg(), Limits()) as sample:
        face = detect(sample, engine.detector)[0]
        refused = 0
        for action in Action:
            for measured in (True, False):
                if measured and action in {Action.ENROL, Action.VERIFY, Action.IDENTIFY, Action.IDENTIFY_REMOTE}:
                    assert extract(permit(action), sample, face, engine).numbers().size == 128
                    continue
                with pytest.raises(IntegrityError):
                    extract(permit(action, measured=measured), sample, face, engine)
                refused += 1
    assert refused == 2 * len(Action) - 4


def test_comparing_needs_a_permit_to_verify_or_identify():
    one = Features(numbers(), "m")
    for wrong in (None, permit(Action.ENROL), permit(measured=False), permit(Action.IDENTIFY, measured=False)):
        with pytest.raises(IntegrityError):
            compare(wrong, one, [one], THRESHOLD)  # type: ignore[arg-type]
    assert compare(permit(), one, [one], THRESHOLD) == Comparison(match=True, fmr_target=1e-4)


def test_identifying_needs_a_permit_to_identify():
    hold_identifying(permit(Action.IDENTIFY))
    for wrong in (None, permit(), permit(Action.IDENTIFY, measured=False)):
        with pytest.raises(IntegrityError):
            hold_identifying(wrong)  # type: ignore[arg-type]


def test_no_reference_is_a_non_match():
    assert not compare(permit(), Features(numbers(), "m"), [], THRESHOLD).match


def test_the_best_of_several_references_decides():
    probe, other = Features(numbers(seed=1), "m"), Features(numbers(seed=2), "m")
    assert not compare(permit(), probe, [other], THRESHOLD).match
    assert compare(permit(), probe, [other, probe], THRESHOLD).match


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_no_features(value):
    for at in range(8):
        bad = numbers()
        bad[at] = value
        with pytest.raises(IntegrityError):
            Features(bad, "m")
        with pytest.raises(IntegrityError):
            Features.from_bytes(Features(numbers(), "m").to_bytes()[:8] + bad.tobytes(), "m")
        with pytest.raises(IntegrityError):
            Threshold(float(value), 1e-4, 1e-4, 1e-4)


@pytest.mark.parametrize("bad", [np.zeros(8), np.zeros(0), np.ones((2, 4)), np.float32(1)])
def test_zero_empty_and_misshapen_numbers_are_no_features(bad):
    with pytest.raises(IntegrityError):
        Features(np.asarray(bad, np.float32), "m")


def test_templates_of_two_models_or_sizes_never_compare():
    for other in (Features(numbers(), "n"), Features(numbers(9), "m")):
        with pytest.raises(IntegrityError):
            compare(permit(), Features(numbers(), "m"), [other], THRESHOLD)


def test_a_template_comes_back_the_same():
    data = Features(numbers(128), "m").to_bytes()
    back = Features.from_bytes(data, "m")
    assert len(data) == 8 + 4 * 128
    assert np.array_equal(back.numbers(), numbers(128))
    assert back.to_bytes() == data


def test_a_template_that_is_cut_or_altered_in_form_is_refused():
    data = Features(numbers(), "m").to_bytes()
    for cut in range(len(data)):
        with pytest.raises(MalformedError):
            Features.from_bytes(data[:cut], "m")
    for at in range(8):
        altered = bytearray(data)
        altered[at] ^= 1
        with pytest.raises(MalformedError):
            Features.from_bytes(bytes(altered), "m")


@pytest.mark.parametrize("how", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_features_leave_in_no_form(how):
    with pytest.raises(TypeError):
        how(Features(numbers(), "m"))


def test_features_thresholds_and_comparisons_print_no_number_of_a_person():
    assert repr(Features(numbers(), "m")) == "<Features 8>"
    assert "-0.117" not in repr(THRESHOLD)
    assert [one.name for one in dataclasses.fields(Comparison)] == ["match", "fmr_target"]


def test_numbers_cannot_be_changed_from_outside():
    source = numbers()
    held = Features(source, "m")
    source[:] = 0
    assert held.numbers().any()
    with pytest.raises(ValueError, match="read-only"):
        held.numbers()[0] = 1


def test_garbage_never_matches(engine):
    """Random numbers of length one against a real template: the score's tail is far from the threshold (attack B5)."""
    real = features(astronaut_jpeg(), engine)
    rng = np.random.default_rng(5)
    garbage = rng.normal(size=(10_000, 128))
    garbage /= np.linalg.norm(garbage, axis=1, keepdims=True)
    scores = 2 * garbage @ real.numbers() - 2
    assert len(scores) == 10_000
    assert (scores < THRESHOLD.score).all()
    for row in garbage[:200]:
        assert not compare(permit(), Features(row, real.model_id), [real], THRESHOLD).match


def test_only_evaluate_goes_around_the_law(root):
    """The one route without a permit is taken by `evaluate`, which enrols, verifies and identifies nobody."""
    takers = {
        path.relative_to(root / "src/countenance").as_posix()
        for path in (root / "src/countenance").rglob("*.py")
        if "_without_law" in path.read_text("utf-8") or ".extractor.features" in path.read_text("utf-8")
    }
    assert takers == {"compare.py", "evaluate/__init__.py", "evaluate/attacks.py"}
