"""Several pictures and challenges through the door: one wire form in two media types, nothing that helps to tune."""

import base64
from typing import Any

import pytest

from countenance.client import AttackSuspected, Client
from countenance.vocabulary import AttackChecking, Turn
from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import SESSION, Desk, records, shown
from tests.heads import held_up, turning

FLAT = {"started_by": "subject", "purpose_prompted": "true", "alternative_offered": "true"}
STEPS = "0,1,2,3,4,5,6"


@pytest.fixture
def enrolled(desk: Desk) -> Desk:
    """The admiral is enrolled as guest-1."""
    desk.consent("guest-1")
    desk.hotel.enrol("guest-1", pictures.admiral())
    return desk


def ask(desk: Desk, action: str = "verify") -> dict[str, Any]:
    answer = desk.post("/v1/challenges", {"action": action, "purpose": PURPOSE})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def turns(asked: dict[str, Any]) -> list[Turn]:
    return [Turn(step["turn"]) for step in asked["steps"]]


def send(desk: Desk, given: tuple[bytes, ...], multipart: Any = True, path: Any = "/v1/verify", **fields: Any) -> Any:
    """Send frames as a form or as JSON: the same names, and only what a form cannot hold is written otherwise."""
    said = {"subject": "guest-1", "purpose": PURPOSE} | fields
    if multipart:
        files = [("frames", (f"{number}.jpg", picture)) for number, picture in enumerate(given)]
        return desk.call("POST", path, "device", files=files, data=said | FLAT)
    if "steps" in said:
        said["steps"] = [int(step) for step in said["steps"].split(",")]
    return desk.post(path, said | {"frames": [base64.b64encode(each).decode() for each in given], "session": SESSION})


def test_a_challenge_says_what_to_show_step_by_step(desk):
    asked = ask(desk)
    assert set(asked) == {"challenge", "steps", "expires_at", "frames_max"}
    assert [step["turn"] for step in asked["steps"]][::2] == ["centre"] * 4
    assert all(step["say"]["en"] and step["say"]["zh"] for step in asked["steps"])
    assert asked["frames_max"] == 12
    assert len({tuple(turns(ask(desk))) for _ in range(40)}) > 2


@pytest.mark.parametrize("multipart", [True, False], ids=["multipart", "json"])
def test_a_head_that_turns_is_verified_and_the_answer_says_which_check_was_made(enrolled, multipart):
    asked = ask(enrolled)
    given = turning(pictures.admiral(), enrolled.hotel.house.engine, turns(asked))
    answer = send(enrolled, given, multipart, challenge=asked["challenge"], steps=STEPS)
    assert (answer.status_code, answer.json()["outcome"]) == (200, "match"), answer.text
    assert answer.json()["attack_check"] == {"check": "head_turns", "version": 1}
    again = send(enrolled, given, multipart, challenge=asked["challenge"], steps=STEPS)
    assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/conflict")


def test_two_pictures_of_a_step_carry_its_number(enrolled):
    asked = ask(enrolled)
    given = turning(pictures.admiral(), enrolled.hotel.house.engine, [Turn.CENTRE, *turns(asked)])
    answer = send(enrolled, given, challenge=asked["challenge"], steps=f"0,{STEPS}")
    assert (answer.status_code, answer.json().get("outcome")) == (200, "match"), answer.text


@pytest.mark.parametrize("printed", [True, False], ids=["printed", "replayed"])
def test_an_attack_is_told_by_its_own_problem_and_by_nothing_that_helps_to_tune(enrolled, printed):
    asked = ask(enrolled)
    engine = enrolled.hotel.house.engine
    given = held_up(pictures.admiral(), engine, turns(asked), turn=45.0) if printed else (pictures.admiral(),) * 7
    answer = send(enrolled, given, challenge=asked["challenge"], steps=STEPS)
    body = answer.json()
    assert (answer.status_code, body["type"]) == (422, "/v1/problems/attack_suspected")
    assert body["say"]["en"]
    assert body["say"]["zh"]
    assert body["attack_check"] == {"check": "head_turns", "version": 1}
    kept = enrolled.get(f"/v1/records/{body['record']['id']}").json()
    assert (kept["record"]["outcome"], kept["intact"]) == ("attack_suspected", True)
    for word in ("not_turned", "flat", "still", "facing", "jump", "relief", "identity", "score", "angle"):
        assert word not in shown(answer).lower()
        assert word not in str(kept).lower()


def test_enrolment_repeats_with_the_same_key_and_frames_and_with_no_others(desk):
    desk.consent("guest-1")
    asked = ask(desk, "enrol")
    given = turning(pictures.admiral(), desk.hotel.house.engine, turns(asked))
    fields = {"subject": "guest-1", "purpose": PURPOSE, "challenge": asked["challenge"], "steps": STEPS} | FLAT
    key = {"Idempotency-Key": "once-only"}

    def enrol(pictured: tuple[bytes, ...]) -> Any:
        files = [("frames", ("x.jpg", picture)) for picture in pictured]
        return desk.call("POST", "/v1/enrol", "device", files=files, data=fields, headers=key)

    first, repeat, other = enrol(given), enrol(given), enrol((*given[:-1], given[0]))
    assert (first.status_code, first.json()["attack_check"]["check"]) == (201, "head_turns")
    assert (repeat.status_code, repeat.json(), repeat.headers["idempotent-replay"]) == (201, first.json(), "true")
    assert other.status_code == 409


def test_identify_answers_a_challenge_too(enrolled):
    consent = enrolled.consent(None).json()["consent"]
    asked = ask(enrolled, "identify")
    given = turning(pictures.admiral(), enrolled.hotel.house.engine, turns(asked))
    said = {"consent": consent, "purpose": PURPOSE, "challenge": asked["challenge"], "steps": STEPS} | FLAT
    files = [("frames", ("x.jpg", picture)) for picture in given]
    found = enrolled.call("POST", "/v1/identify", "device", files=files, data=said)
    assert (found.status_code, found.json()["subject"]) == (200, "guest-1"), found.text
    assert found.json()["attack_check"] == {"check": "head_turns", "version": 1}


SOME = "4a0e1f6c-3a50-4f2e-8a53-6b1d0f6c2e77"
WRONG: list[tuple[dict[str, str], str]] = [
    ({"steps": STEPS}, "steps"),
    ({"challenge": SOME}, "steps"),
    ({"challenge": "not-an-id", "steps": STEPS}, "challenge"),
    ({"challenge": SOME, "steps": "0,,1"}, "steps"),
    ({"challenge": SOME, "steps": "0,1,x"}, "steps"),
    ({"challenge": SOME, "steps": "-1,0"}, "steps"),
    ({"challenge": SOME, "steps": "0,99"}, "steps"),
]


def test_a_wrong_field_is_named(enrolled):
    for fields, name in WRONG:
        answer = send(enrolled, (pictures.admiral(),) * 7, **fields)
        assert (fields, answer.status_code) == (fields, 400)
        assert f"The field {name} " in answer.json()["detail"]
    both = {"sample": base64.b64encode(pictures.admiral()).decode(), "frames": ["aGk="]}
    answer = enrolled.post("/v1/verify", {"subject": "guest-1", "purpose": PURPOSE} | both)
    assert (answer.status_code, "The field frames " in answer.json()["detail"]) == (400, True)
    none = enrolled.post("/v1/verify", {"subject": "guest-1", "purpose": PURPOSE, "frames": []})
    assert (none.status_code, "The field sample " in none.json()["detail"]) == (400, True)
    assert [each for each in records(enrolled) if each["kind"] == "verify"] == []


@pytest.mark.parametrize(("count", "status"), [(12, 200), (13, 413), (33, 400), (60, 400)])
def test_more_pictures_than_an_act_has_are_not_looked_at(enrolled, count, status):
    answer = send(enrolled, (pictures.astronaut_again(),) * count)
    assert answer.status_code == status, answer.text


def test_an_unknown_purpose_and_another_role_get_no_challenge(desk):
    assert desk.post("/v1/challenges", {"action": "verify", "purpose": "advertising"}).status_code == 404
    for action in ("analyse", "identify_remote", "erase"):
        assert desk.post("/v1/challenges", {"action": action, "purpose": PURPOSE}).status_code == 400
    for role in ("officer", "subject", "regulator"):
        answer = desk.post("/v1/challenges", {"action": "verify", "purpose": PURPOSE}, role=role)
        assert (role, answer.status_code) == (role, 403)


def test_the_required_check_is_asked_for_in_words(desk):
    desk.consent("guest-1")
    desk.hotel.enrol("guest-1", pictures.admiral())
    desk.api.state.door.house = desk.hotel.with_house(attack_check=AttackChecking.REQUIRED).house
    answer = desk.form("/v1/verify", pictures.admiral(), {"subject": "guest-1", "purpose": PURPOSE} | FLAT)
    assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/refused")
    assert "POST /v1/challenges" in answer.json()["findings"][0]["remedy"]["en"]


def test_the_python_client_does_the_same(enrolled):
    client = Client(str(enrolled.client.base_url), enrolled.tokens["device"])
    said: dict[str, Any] = {"subject": "guest-1", "purpose": PURPOSE, "session": SESSION}
    asked = client.challenge(action="verify", purpose=PURPOSE)
    given = turning(pictures.admiral(), enrolled.hotel.house.engine, turns(asked))
    done = client.verify(given, challenge=asked["challenge"], steps=range(7), **said)
    assert (done["outcome"], done["attack_check"]["check"]) == ("match", "head_turns")
    asked = client.challenge(action="verify", purpose=PURPOSE)
    with pytest.raises(AttackSuspected) as suspected:
        client.verify([pictures.admiral()] * 7, challenge=asked["challenge"], steps=range(7), **said)
    assert suspected.value.body["say"]["zh"]
    assert client.verify([pictures.blurred(), pictures.admiral()], **said)["attack_check"] == {"check": "none"}
    client.close()
