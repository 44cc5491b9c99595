"""Probes that are no face: noise, blank and synthetic pictures and vectors are never taken for anybody."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from countenance.compare import Features, compare
from countenance.operations import held
from countenance.operations.parts import NotAcquired, Refused, Verified
from countenance.operations.verify import Claim, verify
from tests.database import DEVICE, KIOSK, OPERATOR, PURPOSE, SESSION, Hotel
from tests.faces import grace_hopper_jpeg
from tests.operations.test_spaces import rows, template
from tests.unit.test_compare import permit


@pytest.fixture
def enrolled(hotel: Hotel) -> Hotel:
    """Return the hotel with a guest enrolled, and a budget that is not what stops a probe."""
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())
    return hotel.with_house(budget_claim=10_000)


def picture(kind: str, seed: int) -> bytes:
    """Return a picture that shows nobody."""
    drawing = np.random.default_rng(seed)
    shape = (240, 320, 3)
    made: np.ndarray[Any, Any] = {
        "black": np.zeros(shape),
        "white": np.full(shape, 255.0),
        "noise": drawing.integers(0, 256, shape).astype(float),
        "smooth noise": np.kron(drawing.integers(0, 256, (15, 20, 3)), np.ones((16, 16, 1))),
        "stripes": np.tile(np.linspace(0, 255, 320) % (8 + seed) * 255 / (8 + seed), (240, 1))[..., None] * np.ones(3),
    }[kind]
    file = io.BytesIO()
    Image.fromarray(made.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("kind", ["black", "white", "noise", "smooth noise", "stripes"])
def test_a_picture_that_shows_nobody_is_taken_for_nobody(enrolled: Hotel, kind: str) -> None:
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    for seed in range(8):
        done = verify(enrolled.house, DEVICE, claim, picture(kind, seed))
        assert isinstance(done, NotAcquired | Refused | Verified)
        assert not (isinstance(done, Verified) and done.match)


def test_of_ten_thousand_vectors_that_are_no_face_none_matches(enrolled: Hotel) -> None:
    house = enrolled.house
    (row,) = rows(enrolled)
    reference, space = template(house, row), held.space(house, OPERATOR)
    drawing = np.random.default_rng(1)
    for number in range(10_000):
        kind = number % 4
        made = drawing.standard_normal(128) * 10.0 ** drawing.integers(-6, 7)
        if kind == 1:
            made = np.full(128, drawing.standard_normal())
        elif kind == 2:
            made = np.eye(128)[number % 128] * 10.0 ** drawing.integers(-6, 7)
        elif kind == 3:
            made = drawing.choice([-1.0, 1.0], 128) * drawing.uniform(0, 2)
        probe = Features(made.astype(np.float32), row.model_id).turned(space)
        assert not compare(permit(), probe, [reference], house.threshold).match
        assert house.projection.candidates(OPERATOR, PURPOSE, probe.numbers(), house.identify_threshold.score, 8) == []
