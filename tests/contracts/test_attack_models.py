"""A passive model by file and card: what it says decides, and a card that does not say how well it does is refused."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from countenance.engines import Engine, cards, load_engine, model_id, runtimes
from countenance.errors import IntegrityError, MalformedError
from countenance.operations.analyse import Analysis, analyse
from countenance.operations.challenge import challenge
from countenance.operations.parts import Analysed, AttackSuspected, Verified
from countenance.operations.verify import verify
from countenance.vocabulary import Action, AttackChecking
from tests import pictures
from tests.contracts import networks
from tests.database import DEVICE, KIOSK, PURPOSE, SESSION, Hotel
from tests.faces import grace_hopper_jpeg
from tests.heads import turning
from tests.operations.governed import bodies
from tests.operations.test_attacks import answer, claim

BOX = (10.0, 10.0, 50.0, 50.0)
NAME = "bright-1"


@pytest.fixture(params=[name for name, module in runtimes().items() if module.available()])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    engine = load_engine(tmp_path, runtime=request.param, workers=1, attack_card=networks.attack_card(tmp_path))
    yield engine.attack
    engine.close()


def shade(value: int) -> np.ndarray:
    return np.full((64, 64, 3), value, np.uint8)


def test_the_network_is_heard(model):
    assert model.name == NAME
    scores = [model.score(shade(value), BOX) for value in (0, 100, 128, 156, 255)]
    assert scores == sorted(scores, reverse=True)
    assert (scores[0] > 0.99, scores[-1] < 0.01, abs(scores[2] - 0.5) < 0.1) == (True, True, True)
    assert [model.suspects(shade(value), BOX) for value in (40, 220)] == [True, False]


def test_what_is_looked_at_is_the_face_and_as_much_around_it_as_the_card_says(model):
    picture = shade(255)
    picture[:, :20] = 0
    inside = model.score(picture, (30.0, 20.0, 50.0, 40.0))  # 25 … 55 across: all bright
    beside = model.score(picture, (10.0, 20.0, 30.0, 40.0))  # 5 … 35 across: half of it is dark
    assert inside < 0.01
    assert 0.3 < beside < 0.7


def test_at_the_edge_of_a_picture_nothing_breaks(model):
    for box in ((-20.0, -20.0, 10.0, 10.0), (60.0, 60.0, 90.0, 90.0), (5.0, 5.0, 5.0, 5.0)):
        assert 0 <= model.score(shade(200), box) <= 1


def test_the_model_shapes_no_features(tmp_path):
    plain = load_engine(tmp_path, workers=1)
    guarded = load_engine(tmp_path, workers=1, attack_card=networks.attack_card(tmp_path))
    assert plain.model_id == guarded.model_id == model_id(plain.detector.card, plain.extractor.card)
    plain.close()
    guarded.close()


LIMIT = {
    "threshold": 0.5,
    "data_set": "x",
    "date": "2026-11-23",
    "bona_fide": 1,
    "bpcer": 0.0,
    "species": [{"name": "print", "attacks": 1, "apcer": 0.0}],
}


@pytest.mark.parametrize(
    "changes",
    [
        {"limit": None},
        {"limit": LIMIT | {"threshold": 1.5}},
        {"limit": LIMIT | {"bpcer": -0.1}},
        {"limit": LIMIT | {"species": []}},
        {"limit": LIMIT | {"species": "print"}},
        {"limit": LIMIT | {"species": [{"name": "print", "attacks": 0, "apcer": 0.0}]}},
        {"limit": LIMIT | {"mean": 0.1}},
        {"crop": 0.5},
        {"crop": 100.0},
        {"dimension": 3},
        {"bona_fide_output": 64},
        {"input": {"sides": []}},
    ],
)
def test_a_card_that_does_not_hold_is_refused(tmp_path, changes):
    with pytest.raises(MalformedError):
        cards.load(networks.attack_card(tmp_path, **changes))


def test_a_detector_has_no_limit_for_attacks(tmp_path):
    for changes in ({"limit": LIMIT}, {"crop": 2.0}):
        with pytest.raises(MalformedError):
            cards.load(networks.detector_card(tmp_path, **changes))


def test_a_card_in_the_wrong_role_is_refused(tmp_path):
    with pytest.raises(MalformedError):
        load_engine(tmp_path, attack_card=networks.detector_card(tmp_path))


def test_one_changed_byte_stops_the_start(tmp_path):
    card = networks.attack_card(tmp_path)
    file = tmp_path / "bright.onnx"
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    with pytest.raises(IntegrityError):
        load_engine(tmp_path, attack_card=card)


@pytest.mark.parametrize("changes", [{"bona_fide_output": 2}, {"softmax": False}], ids=["no such output", "no shares"])
def test_a_network_that_gives_no_share_stops_the_start(tmp_path, changes):
    with pytest.raises(IntegrityError):
        load_engine(tmp_path, attack_card=networks.attack_card(tmp_path, **changes))


@pytest.fixture
def guarded(hotel: Hotel, tmp_path: Path) -> Iterator[Callable[[float], Hotel]]:
    """Return a maker of hotels whose engine has the model, with a limit of one's own; the admiral is enrolled."""
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    opened: list[Engine] = []

    def make(threshold: float) -> Hotel:
        limit = LIMIT | {"threshold": threshold}
        made = load_engine(tmp_path, workers=1, attack_card=networks.attack_card(tmp_path, limit=limit))
        opened.append(made)
        return hotel.with_house(engine=replace(hotel.house.engine, attack=made.attack))

    yield make
    for each in opened:
        each.close()


def test_what_the_model_suspects_is_not_compared(guarded: Callable[[float], Hotel]) -> None:
    house = guarded(0.5)
    bright = verify(house.house, DEVICE, claim(), grace_hopper_jpeg(light=1.6))
    dark = verify(house.house, DEVICE, claim(), grace_hopper_jpeg(light=0.5))

    assert isinstance(bright, Verified)
    assert isinstance(dark, AttackSuspected)
    for done in (bright, dark):
        assert done.check.as_json() == {"check": "passive", "passive": NAME}
    newest, before = bodies(house)[:2]
    assert [each["outcome"] for each in (before, newest)] == ["match", "attack_suspected"]
    assert [each["facts"]["measured"]["attack_suspected"] for each in (before, newest)] == [False, True]
    assert newest["details"]["attack_check"] == {"check": "passive", "passive": NAME}


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_both_checks_have_a_say(guarded: Callable[[float], Hotel], threshold: float) -> None:
    house = guarded(threshold)
    asked = challenge(house.house, DEVICE, PURPOSE, Action.VERIFY)
    shown = answer(turning(pictures.admiral(), house.house.engine, asked.turns))
    done = verify(house.house, DEVICE, claim(asked), shown)

    assert isinstance(done, AttackSuspected if threshold == 0 else Verified)
    assert done.check.as_json() == {"check": "head_turns_and_passive", "version": 1, "passive": NAME}


def test_the_model_judges_where_no_challenge_is_asked_for(guarded: Callable[[float], Hotel]) -> None:
    """The setting is about challenges; whoever names a model's card wants it heard."""
    house = guarded(0.0).with_house(attack_check=AttackChecking.OFF)
    assert isinstance(verify(house.house, DEVICE, claim(), pictures.admiral()), AttackSuspected)


def test_analysis_says_what_the_model_says(guarded: Callable[[float], Hotel]) -> None:
    for threshold, says in ((0.0, "suspected"), (1.0, "not_suspected")):
        asked = Analysis(attribute="attack", purpose=PURPOSE, subject_ref="guest", device_id=KIOSK, session=SESSION)
        done = analyse(guarded(threshold).house, DEVICE, asked, pictures.admiral())
        assert isinstance(done, Analysed)
        assert done.says == says
