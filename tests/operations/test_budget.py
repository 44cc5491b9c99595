"""Budgets: pictures are counted, not calls; whoever guesses is stopped long before it tells anything."""

import threading
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from sqlalchemy import text

from countenance.compare import Features, extract
from countenance.detect.several import Frames
from countenance.errors import LimitError
from countenance.operations import held
from countenance.operations.enrol import enrol
from countenance.operations.expire import expire
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Enrolled, Identified, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.vault.vaults import Vaults
from countenance.vocabulary import Scope
from tests.database import DEVICE, KIOSK, OPERATOR, PURPOSE, SESSION, Hotel, enrolment
from tests.faces import astronaut_jpeg, grace_hopper_jpeg
from tests.operations.governed import bodies
from tests.operations.test_rotate import turned
from tests.operations.test_spaces import rows, template

NOISE: Final = b"no picture at all: whoever decodes this raises"


@pytest.fixture
def open_hotel(hotel: Hotel) -> Callable[..., Hotel]:
    """Return a maker of the hotel, with a guest enrolled, whose budgets are small."""
    hotel.consent("guest")
    hotel.enrol("guest", grace_hopper_jpeg())

    def make(**budgets: int) -> Hotel:
        return hotel.with_house(**budgets)

    return make


def claims(hotel: Hotel, sent: bytes | Frames, ref: str = "guest") -> Any:
    """Claim to be somebody."""
    return verify(hotel.house, DEVICE, Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION), sent)


def over(answer: object, word: str) -> bool:
    """Return whether a budget refused, and which."""
    if not isinstance(answer, Refused):
        return False
    (finding,) = answer.findings
    return finding.pack is None and word in finding.reason.en


def spent(hotel: Hotel, scope: str) -> int:
    """Return what is counted in a scope."""
    with hotel.house.database.transaction() as tx:
        found = tx.execute(text("SELECT sum(pictures) FROM budget WHERE scope = :s"), {"s": scope}).scalar()
    return int(found or 0)


def test_tries_that_do_not_match_are_refused_from_the_budget_on_before_a_pixel_is_decoded(
    open_hotel: Callable[..., Hotel],
) -> None:
    hotel = open_hotel(budget_claim=3)
    for _ in range(3):
        answer = claims(hotel, astronaut_jpeg())
        assert isinstance(answer, Verified)
        assert not answer.match

    refusal = claims(hotel, NOISE)

    assert over(refusal, "For this person")
    assert over(claims(hotel, grace_hopper_jpeg()), "For this person"), "the person too: the other way is open"
    body = bodies(hotel)[0]
    assert (body["kind"], body["outcome"]) == ("verify", "refused")
    hotel.consent("other")
    assert isinstance(claims(hotel, astronaut_jpeg(), "other"), Verified), "nobody else waits"


def test_pictures_are_counted_and_not_calls(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_claim=10)
    assert isinstance(claims(hotel, Frames((astronaut_jpeg(),) * 8)), Verified)
    assert spent(hotel, "claim") == 8
    assert over(claims(hotel, Frames((NOISE,) * 3)), "For this person")
    assert spent(hotel, "claim") == 8
    assert isinstance(claims(hotel, Frames((astronaut_jpeg(),) * 2)), Verified)


def test_somebody_who_is_often_there_is_not_guessing(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_claim=2)
    for _ in range(5):
        answer = claims(hotel, grace_hopper_jpeg())
        assert isinstance(answer, Verified)
        assert answer.match
    assert spent(hotel, "claim") == 0
    assert spent(hotel, "device") == 6, "five, and the enrolment"


def test_what_was_refused_keeps_nobody_out_for_longer(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_claim=1)
    claims(hotel, astronaut_jpeg())
    for _ in range(23):
        hotel.clock.forward(hours=1)
        assert over(claims(hotel, NOISE), "For this person")
    hotel.clock.forward(hours=1)
    assert isinstance(claims(hotel, grace_hopper_jpeg()), Verified)


def test_a_device_has_a_budget_of_its_own_for_whomever_it_claims(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_device=4)
    hotel.consent("other")
    claims(hotel, grace_hopper_jpeg())
    claims(hotel, astronaut_jpeg(), "other")
    done = enrol(hotel.house, DEVICE, enrolment("other"), astronaut_jpeg())
    assert isinstance(done, Enrolled)
    for answer in (
        claims(hotel, NOISE),
        enrol(hotel.house, DEVICE, enrolment("other"), NOISE),
    ):
        assert over(answer, "This device")


def test_identifying_costs_the_device(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_device=2)

    def identified(sent: bytes) -> Any:
        consent = hotel.consent("guest", *Scope)
        unnamed = Unnamed(consent_id=consent, purpose=PURPOSE, device_id=KIOSK, session=SESSION)  # type: ignore[arg-type]
        return identify(hotel.house, DEVICE, unnamed, sent)

    assert isinstance(identified(grace_hopper_jpeg()), Identified)
    assert over(identified(NOISE), "This device")


def test_what_the_law_refuses_costs_nothing(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel()
    before = spent(hotel, "device")
    answer = claims(hotel, NOISE, "nobody")
    assert isinstance(answer, Refused)
    assert spent(hotel, "device") == before


def test_too_many_pictures_cost_nothing_and_what_the_law_refuses_is_on_record_however_many(
    open_hotel: Callable[..., Hotel],
) -> None:
    hotel = open_hotel()
    before_tries = spent(open_hotel(), "claim")
    many = Frames((astronaut_jpeg(),) * (hotel.house.frames_max + 1))
    with pytest.raises(LimitError):
        claims(hotel, many)
    assert spent(hotel, "claim") == before_tries
    before = len(bodies(hotel))
    answer = claims(hotel, many, ref="nobody")
    assert isinstance(answer, Refused)
    assert len(bodies(hotel)) == before + 1


def test_of_many_at_once_no_more_than_the_budget_pass(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_claim=3)
    answers: list[Any] = []
    tries = [threading.Thread(target=lambda: answers.append(claims(hotel, astronaut_jpeg()))) for _ in range(10)]
    for each in tries:
        each.start()
    for each in tries:
        each.join(timeout=60)
    passed = [answer for answer in answers if isinstance(answer, Verified)]
    assert len(answers) == 10
    assert 1 <= len(passed) <= 3
    assert spent(hotel, "claim") == len(passed)


def test_the_table_names_nobody_and_forgets(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel()
    claims(hotel, astronaut_jpeg())
    with hotel.house.database.transaction() as tx:
        rows = tx.execute(text("SELECT key, budget::text AS whole FROM budget")).all()
        unlogged = tx.execute(text("SELECT relpersistence FROM pg_class WHERE relname = 'budget'")).scalar_one()
    assert len(rows) == 2
    assert all(len(row.key) == 32 for row in rows)
    assert not any("guest" in row.whole or KIOSK in row.whole for row in rows)
    assert unlogged in {"u", b"u"}
    hotel.clock.forward(hours=25)
    expire(hotel.house, OPERATOR)
    assert spent(hotel, "device") == 0


def test_a_new_key_counts_anew_as_the_digests_are_others(open_hotel: Callable[..., Hotel]) -> None:
    hotel = open_hotel(budget_claim=1)
    claims(hotel, astronaut_jpeg())
    turned(hotel)
    assert over(claims(hotel, NOISE), "For this person"), "this process has not looked yet"
    other = hotel.with_house(vaults=Vaults(hotel.keys))
    assert isinstance(claims(other, astronaut_jpeg()), Verified)


# --- the published attacks -------------------------------------------------------------------------------------------


class Climber:
    """Somebody who can make a picture of any features, and sees nothing but match and non-match."""

    def __init__(self, hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stand before the kiosk with the guest's booking number."""
        self.hotel, self.asked = hotel, 0
        self.guess = np.zeros(128, np.float32)

        def extracting(*known: Any) -> Features:
            extract(*known)
            return Features(self.guess, hotel.house.engine.model_id)

        monkeypatch.setattr("countenance.operations.verify.extract", extracting)

    def matches(self, guess: np.ndarray[Any, Any]) -> bool | None:
        """Return whether a guess matches, None when nothing is answered any more."""
        self.guess = guess.astype(np.float32)
        answer = claims(self.hotel, astronaut_jpeg())
        if isinstance(answer, Refused):
            return None
        self.asked += 1
        assert isinstance(answer, Verified)
        return answer.match


def likeness(guess: np.ndarray[Any, Any], target: np.ndarray[Any, Any], centre: np.ndarray[Any, Any]) -> float:
    """Return the cosine of a guess and the target about the centre of all faces."""
    a, b = guess - centre, target - centre
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


@pytest.mark.parametrize("attack", ["natural evolution", "random walk"])
@pytest.mark.timeout(180)
def test_who_climbs_by_decisions_alone_gets_nowhere_within_the_budget(
    open_hotel: Callable[..., Hotel], monkeypatch: pytest.MonkeyPatch, attack: str
) -> None:
    """Natural evolution strategies (Ilyas and others 2018) and a walk by accepted steps (Brendel and others 2018).

    They are played in the space of features, at the operation behind the interface, as by somebody who can make a
    picture of any features. Within the budget nothing matches, so there is nothing to climb by: that is the defence.
    """
    hotel = open_hotel()
    drawing = np.random.default_rng(20)
    climber = Climber(hotel, monkeypatch)
    target = _plain(hotel)
    # The attacker knows how faces lie: their centre, and how far they spread.
    centre = target - _unit(drawing.standard_normal(128)) * 0.6
    guess = centre + _unit(drawing.standard_normal(128)) * 0.6
    step = 0.1
    while True:
        if attack == "natural evolution":
            tried = drawing.standard_normal((20, 128))
            seen = [climber.matches(guess + step * _unit(each)) for each in tried]
            if None in seen:
                break
            guess = guess + step * (np.array(seen, float) - 0.5) @ tried / len(tried)
        else:
            nearer = guess + step * _unit(drawing.standard_normal(128))
            matched = climber.matches(nearer)
            if matched is None:
                break
            guess = nearer if matched else guess
    assert climber.asked <= hotel.house.budget_claim
    assert likeness(guess, target, centre) < 0.2


def _unit(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(numbers / np.linalg.norm(numbers))


def _plain(hotel: Hotel) -> np.ndarray[Any, Any]:
    """Return the guest's features as the model gives them."""
    (row,) = rows(hotel)
    space = held.space(hotel.house, OPERATOR)
    return np.asarray((template(hotel.house, row).numbers() - space._shift) @ space._rotation.T, np.float64)
