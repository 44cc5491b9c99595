"""The published guessing attacks, played over HTTP with real pictures: what a device's credential gets out of it.

The guesser holds a device's credential and a booking number, sends whatever pictures it likes, and reads everything
that comes back: status, headers and the whole body. Its faces are the hundred small ones of press photographs that
scikit-image carries for its tests; whoever is guessed at is the admiral. How near a guess came is measured here with
the product's own extractor, which the guesser lacks.
"""

import base64
import io
import json
import re
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pytest
import skimage.data
from fastapi.responses import JSONResponse
from PIL import Image, ImageOps

from countenance import access
from countenance import compare as comparing
from countenance.api import verify as door
from countenance.capture import Limits, capture
from countenance.compare import Features, Threshold, _features_without_law
from countenance.detect import detect, measure
from countenance.engines import Engine
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.vocabulary import Role
from tests import pictures
from tests.database import HOTEL, OPERATOR, PURPOSE
from tests.doors.conftest import Desk, about
from tests.doors.test_api_faces import fields
from tests.heads import Pose, rendered

Grey = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.float64]
#: What a guesser makes of one picture: how warm it is, or None where nothing was compared.
Warmth = Callable[[Grey], float | None]

NUMBER: Final = re.compile(r"(?<![\w.-])-?\d+(?:\.\d+)?(?:e-?\d+)?(?![\w.-])")  # and no part of a digest
#: A picture that whoever decodes it answers with 400: what is refused before stays a refusal.
NO_PICTURE: Final = b"no picture at all"
GUESSED: Final = "guest-1"
KIOSKS: Final = ("kiosk-1", "kiosk-2", "kiosk-3")
#: Everything of an answer that differs from one call to the next, in exactly the form that leaves no room for more.
FLEETING: Final = {
    "id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "at": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|\+00:00)",
    "digest": r"sha256:[0-9a-f]{64}",
    "date": r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
    "x-request-id": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


class OverError(Exception):
    """Nothing is compared any more."""


@cache
def strangers() -> Grey:
    """Return a hundred faces, 25 × 25, grey from 0 to 255: small, but large enough for detector and quality."""
    return np.asarray(skimage.data.lfw_subset()[:100], np.float64) * 255


def picture(face: Grey) -> bytes:
    """Return a face as a guesser sends it: enlarged, before a plain wall."""
    grey = Image.fromarray(np.clip(face, 0, 255).astype(np.uint8)).resize((200, 200), Image.Resampling.BICUBIC)
    return pictures.jpeg(ImageOps.expand(grey, 50, 110), 95)


def features(engine: Engine, sent: bytes) -> Numbers:
    """Return what the product compares of a picture; one of which it compares nothing is a failure of the test."""
    with capture(sent, Limits()) as sample:
        found = measure(detect(sample, engine.detector))
        assert found.target is not None
        assert found.failure is None
        return np.asarray(_features_without_law(sample, found.target, engine).numbers(), np.float64)


def score(one: Numbers, other: Numbers) -> float:
    """Return the comparison score."""
    return -float(np.square(one - other).sum())


@pytest.fixture(scope="session")
def likeness(engine: Engine) -> Callable[[Grey], float]:
    """Return the cosine of a guess and the admiral about the centre of faces, which any two have in common."""
    centre = np.mean([features(engine, picture(face)) for face in strangers()], axis=0)
    target = features(engine, pictures.admiral()) - centre

    def cosine(guess: Grey) -> float:
        found = features(engine, picture(guess)) - centre
        return float(found @ target / (np.linalg.norm(found) * np.linalg.norm(target)))

    return cosine


@pytest.fixture
def enrolled(desk: Desk) -> Desk:
    """The admiral and the astronaut are enrolled."""
    for ref, face in ((GUESSED, pictures.admiral()), ("guest-2", pictures.astronaut())):
        assert desk.consent(ref).status_code == 201
        desk.hotel.enrol(ref, face)
    return desk


def budgets(desk: Desk, **most: int) -> Desk:
    """Open the same desk with budgets of its own; what enrolment cost the device stays counted."""
    desk.api.state.door.house = desk.hotel.with_house(**most).house
    return desk


def claim(desk: Desk, *sent: bytes, ref: str = GUESSED, role: str = "device", **more: str) -> Any:
    """Claim to be somebody with one picture or several of a single call."""
    files = [("sample" if len(sent) == 1 else "frames", (f"{n}.jpg", each)) for n, each in enumerate(sent)]
    return desk.call("POST", "/v1/verify", role, files=files, data=fields(ref, **more))


def claim_in_json(desk: Desk, *sent: bytes, ref: str = GUESSED) -> Any:
    """Claim the same in the other form of body."""
    return desk.post("/v1/verify", about(ref) | {"frames": [base64.b64encode(each).decode() for each in sent]})


def decided(answer: Any) -> str:
    """Return the decision that an answer holds."""
    assert answer.status_code == 200, answer.text
    return str(answer.json()["outcome"])


def over(answer: Any, words: str) -> bool:
    """Return whether a budget refused, and whether it was the one that these words are of."""
    if answer.status_code != 403 or answer.json()["type"] != "/v1/problems/refused":
        return False
    findings = answer.json()["findings"]
    return {each["pack"] for each in findings} == {None} and any(words in each["reason"]["en"] for each in findings)


def told(answer: Any) -> str:
    """Return everything an answer tells but for what is new in each: ids, times, and a digest of a record with both."""
    headers, body = dict(answer.headers), answer.json()
    new = body.pop("record") | {name: headers.pop(name) for name in ("date", "x-request-id")}
    assert set(new) == set(FLEETING)
    assert all(re.fullmatch(form, new[name]) for name, form in FLEETING.items()), new
    body.pop("instance", None)  # the id of the request once more
    return json.dumps([answer.status_code, headers, body], sort_keys=True)


@dataclass
class Guesser:
    """Sends pictures in one person's name; how warm they are is the sum of all numbers in the answer."""

    desk: Desk
    sent: int = 0
    told: dict[str, set[str]] = field(default_factory=dict)

    def __call__(self, face: Grey) -> float | None:
        """Return how warm a face seems, None where there is no good one, which anybody sees without being told."""
        answer = claim(self.desk, picture(face))
        if over(answer, "For this person"):
            raise OverError
        self.sent += 1
        assert self.sent < 500, "no budget ends this"
        said, none = told(answer), answer.status_code == 422
        self.told.setdefault(answer.json()["reason"] if none else decided(answer), set()).add(said)
        return None if none else sum(map(float, NUMBER.findall(said)))


def blends(warmth: Warmth, first: Grey, drawing: np.random.Generator) -> Grey:
    """Walk by steps that seem warmer: a stranger mixed into the guess, and noise (after Brendel and others 2018)."""
    guess = first
    with suppress(OverError):
        warmest = warmth(guess)
        assert warmest is not None
        while True:
            share = drawing.uniform(0.1, 0.5)
            tried = (1 - share) * guess + share * drawing.choice(strangers()) + drawing.normal(0, 3, guess.shape)
            warm = warmth(tried)
            if warm is not None and warm > warmest:
                guess, warmest = tried, warm
    return guess


def evolves(warmth: Warmth, first: Grey, drawing: np.random.Generator) -> Grey:
    """Climb by natural evolution (Ilyas and others 2018): in pairs, along the ways in which strangers differ."""
    ways = strangers() - strangers().mean(axis=0)
    guess = first
    with suppress(OverError):
        while True:
            tried = drawing.standard_normal((8, len(ways)))
            steps = [np.tensordot(0.05 * each, ways, 1) for each in tried]
            pairs = [(warmth(guess + step), warmth(guess - step)) for step in steps]
            rises = np.array([0.0 if one is None or other is None else one - other for one, other in pairs])
            uphill = rises @ tried
            if uphill.any():
                guess = guess + np.tensordot(0.2 * uphill / np.linalg.norm(uphill), ways, 1)
    return guess


ATTACKS: Final = {"walk by blends": blends, "natural evolution": evolves}


@pytest.fixture
def leaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server tell the score with each decision, as careless servers do."""
    scores, scored, answered = [0.0], comparing._score_without_law, door.answer

    def remembering(probe: Features, reference: Features) -> float:
        scores.append(scored(probe, reference))
        return scores[-1]

    def telling(done: Any) -> Any:
        return JSONResponse(answered(done).model_dump(mode="json") | {"score": f"{scores[-1]:.6f}"})

    monkeypatch.setattr(comparing, "_score_without_law", remembering)
    monkeypatch.setattr(door, "answer", telling)


def test_a_hundred_strangers_are_nobody_and_the_next_picture_is_not_looked_at(enrolled: Desk) -> None:
    desk = budgets(enrolled, budget_claim=len(strangers()))
    for face in strangers():
        assert decided(claim(desk, picture(face))) == "non_match"

    for sent in (picture(strangers()[0]), NO_PICTURE, pictures.admiral()):
        assert over(claim(desk, sent), "For this person")
    assert decided(claim(budgets(enrolled), pictures.admiral())) == "match", "it was the budget alone"


@pytest.mark.parametrize("send", [claim, claim_in_json], ids=["multipart", "json"])
def test_pictures_are_counted_and_not_calls(enrolled: Desk, send: Callable[..., Any]) -> None:
    desk, faces = budgets(enrolled, budget_claim=10), [picture(face) for face in strangers()[:12]]
    assert over(send(desk, *faces), "For this person"), "twelve at once are more than ten"
    assert over(send(desk, *[NO_PICTURE] * 12), "For this person"), "and are counted before one is decoded"
    assert decided(send(desk, *faces[:8])) == "non_match"
    assert over(send(desk, *faces[:3]), "For this person")
    assert decided(send(desk, *faces[:2])) == "non_match", "what was refused is not counted"
    assert over(send(desk, NO_PICTURE), "For this person")


def test_who_is_guessed_at_waits_for_the_end_of_the_window_and_nobody_else_waits(enrolled: Desk) -> None:
    desk = budgets(enrolled, budget_claim=3)
    for face in strangers()[:3]:
        assert decided(claim(desk, picture(face))) == "non_match"

    for _ in range(23):
        assert over(claim(desk, pictures.admiral()), "For this person"), "what is refused is not compared"
        enrolled.hotel.clock.forward(hours=1)
    assert over(claim(desk, NO_PICTURE), "For this person")
    assert decided(claim(desk, pictures.astronaut_again(), ref="guest-2")) == "match"
    enrolled.hotel.clock.forward(hours=1)
    assert decided(claim(desk, pictures.admiral_again())) == "match", "tries that were refused kept nobody out longer"


def test_others_are_served_at_the_same_device_until_its_own_budget_ends(enrolled: Desk) -> None:
    desk = budgets(enrolled, budget_claim=3, budget_device=2 + 3 + 4)  # two were enrolled at it
    for face in strangers()[:3]:
        assert decided(claim(desk, picture(face))) == "non_match"
    assert over(claim(desk, NO_PICTURE), "For this person")

    for _ in range(4):
        assert decided(claim(desk, pictures.astronaut_again(), ref="guest-2")) == "match"
    for ref in ("guest-0", GUESSED, "guest-2"):
        assert over(claim(desk, NO_PICTURE, ref=ref), "This device"), ref


def beside_the_threshold(engine: Engine, target: Numbers) -> tuple[bytes, bytes]:
    """Return the admiral mixed with a stranger so that the one picture all but matches, and the other just does."""
    with capture(pictures.admiral(), Limits()) as sample:
        marks = detect(sample, engine.detector)[0].landmarks
    with Image.open(io.BytesIO(pictures.admiral())) as whole:
        admiral = rendered(whole.convert("L"), marks, Pose(), flat=True, side=200, size=75).convert("L")
    stranger = Image.fromarray(strangers()[0].astype(np.uint8)).resize(admiral.size, Image.Resampling.BICUBIC)
    least = Threshold.of(engine, 1e-4).score

    def mixed(share: float) -> tuple[bytes, float]:
        made = picture(np.asarray(Image.blend(stranger, admiral, share), np.float64))
        return made, score(features(engine, made), target)

    share = bisect_left(range(4096), least, key=lambda part: mixed(part / 4096)[1]) / 4096
    (under, below), (above, reached) = mixed(share - 1 / 4096), mixed(share)
    assert least - 0.01 < below < least <= reached, "they stand on both sides of it, and near"
    return under, above


def test_a_hairs_breadth_and_a_mile_get_the_same_answer(enrolled: Desk) -> None:
    """The answer to what does not match is one text, whoever is claimed and however near the picture is."""
    engine = enrolled.hotel.house.engine
    target = features(engine, pictures.admiral())
    under, above = beside_the_threshold(engine, target)
    far = min((picture(face) for face in strangers()[:20]), key=lambda each: score(features(engine, each), target))
    assert score(features(engine, under), target) - score(features(engine, far), target) > 0.1

    answers = [claim(enrolled, sent) for sent in (under, far, pictures.astronaut())]
    answers += [claim_in_json(enrolled, under), claim(enrolled, under, far)]
    answers += [claim(enrolled, sent, ref=ref) for sent in (under, far) for ref in ("guest-2", "guest-0")]

    assert {decided(answer) for answer in answers} == {"non_match"}
    assert len({told(answer) for answer in answers}) == 1
    assert decided(claim(enrolled, above)) == "match", "one step nearer it was the person"


def climbed(desk: Desk, attack: str) -> tuple[Guesser, Grey, Grey]:
    """Play an attack to the end of the budget; return who did, with which first guess and which last."""
    drawing, guesser = np.random.default_rng(7), Guesser(desk)
    first = strangers()[drawing.integers(100)]
    return guesser, first, ATTACKS[attack](guesser, first, drawing)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.timeout(180)
def test_who_climbs_by_everything_an_answer_tells_gets_nowhere_within_the_budget(enrolled, likeness, attack):
    guesser, first, guess = climbed(enrolled, attack)
    assert guesser.sent == enrolled.hotel.house.budget_claim == 240
    assert "match" not in guesser.told
    assert {came: len(said) for came, said in guesser.told.items()} == dict.fromkeys(guesser.told, 1)
    assert likeness(guess) < 0.2
    assert np.array_equal(guess, first), "not one step seemed warmer than another"


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.usefixtures("leaking")
def test_were_the_score_told_a_third_of_the_budget_would_do(enrolled, likeness, attack):
    """The same attacks on a server that leaks: they do climb, so that where they do not it is the answer's doing."""
    guesser, first, guess = climbed(budgets(enrolled, budget_claim=80), attack)
    assert len(guesser.told["non_match"]) > 40, "each answer tells another number"
    assert likeness(first) < 0.1
    assert likeness(guess) > 0.3


@pytest.fixture
def kiosks(enrolled: Desk) -> Desk:
    """Two more kiosks stand beside the first, each with a credential under its own name."""
    stands = "".join(f"          {each}: {{name: Another, sole_entry: false}}\n" for each in KIOSKS[1:])
    site = read_site(HOTEL.read_text("utf-8").replace(first := "          kiosk-1:\n", stands + first).encode())
    house = enrolled.hotel.house
    with house.database.transaction() as tx:
        apply(tx, site, house.clock())
        for each in KIOSKS:
            issued = access.issue(tx, OPERATOR, Role.DEVICE, label="x", at=house.clock(), device_id=each)
            enrolled.tokens[each] = issued.token
    answers = [enrolled.post(f"/v1/devices/{each}/register", {"purpose": PURPOSE}, "officer") for each in KIOSKS]
    assert [answer.status_code for answer in answers] == [200] * 3
    return enrolled


def test_several_devices_and_the_desk_have_one_budget_for_one_person(kiosks: Desk) -> None:
    """Six pictures are all there are, spread over three devices or over an officer's word for them."""
    desk = budgets(kiosks, budget_claim=6)
    for face, role in zip(strangers(), KIOSKS * 2, strict=False):
        assert decided(claim(desk, picture(face), role=role)) == "non_match"

    for role in KIOSKS:
        assert over(claim(desk, pictures.admiral(), role=role), "For this person"), role
        assert over(claim(desk, NO_PICTURE, role="officer", device=role), "For this person"), role
    for role in KIOSKS:
        assert decided(claim(desk, pictures.astronaut(), ref="guest-2", role=role)) == "match"


def test_devices_that_guess_at_once_get_no_more(kiosks: Desk) -> None:
    desk = budgets(kiosks, budget_claim=6)
    faces = [picture(face) for face in strangers()[:12]]
    with ThreadPoolExecutor(6) as together:
        answers = list(together.map(lambda sent, role: claim(desk, sent, role=role), faces, KIOSKS * 4))
    passed = [answer for answer in answers if not over(answer, "For this person")]
    assert {decided(answer) for answer in passed} == {"non_match"}
    later = [claim(desk, sent, role=KIOSKS[1]) for sent in faces[:7]]
    passed += [answer for answer in later if not over(answer, "For this person")]
    assert len(passed) == 6, "those that stood in each other's way were not counted"


def test_what_a_budget_refuses_is_on_record_without_a_score_or_a_name(enrolled: Desk) -> None:
    desk = budgets(enrolled, budget_claim=1)
    tried, refused = claim(desk, picture(strangers()[0])), claim(desk, picture(strangers()[1]))
    assert decided(tried) == "non_match"
    assert over(refused, "For this person")

    answers = [desk.get(f"/v1/records/{answer.json()['record']['id']}") for answer in (tried, refused)]
    first, second = (answer.json()["record"] for answer in answers)

    assert all(answer.json()["intact"] for answer in answers)
    assert [each["outcome"] for each in (first, second)] == ["non_match", "refused"]
    (asked,) = second["law"]
    assert (asked["gate"], asked["allowed"]) == (1, False), "before the picture was looked at"
    assert [each["pack"] for each in asked["findings"]] == [None], "no article refused: the server did"
    assert second["details"]["device"] == "kiosk-1", "whoever looks at who tries sees where"
    assert first["subject"] == second["subject"]
    for said in (*answers, tried, refused):
        json.loads(said.text, parse_float=pytest.fail)  # a score would be a number with a fraction
        for word in (GUESSED, "score", "distance", "similarity", "likeness", "cosine"):
            assert word not in said.text.lower(), word
    assert 'decisions_total{action="budget",outcome="over"} 1.0' in desk.get("/metrics", "officer").text
