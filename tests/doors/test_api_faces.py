"""Enrol, verify, identify, withdraw and erase through the REST door, on the real database and engine."""

import base64

import pytest

from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import SESSION, about, records, shown

FLAT = {"started_by": "subject", "purpose_prompted": "true", "alternative_offered": "true"}


def fields(ref: str, **changes: str) -> dict[str, str]:
    return {"subject": ref, "purpose": PURPOSE} | FLAT | changes


@pytest.fixture
def enrolled(desk):
    """The admiral is enrolled as guest-1."""
    assert desk.consent("guest-1").status_code == 201
    answer = desk.form("/v1/enrol", pictures.admiral(), fields("guest-1"))
    assert answer.status_code == 201, answer.text
    return desk


def test_enrol_answers_with_a_receipt_and_discharged_duties(enrolled):
    answer = enrolled.post("/v1/enrol", about("guest-1", pictures.admiral_again()))
    assert answer.status_code == 201
    body = answer.json()
    assert set(body) == {"outcome", "reference", "references", "duties", "attack_check", "record"}
    assert (body["outcome"], body["references"]) == ("enrolled", 2)
    assert {"pack": "cn-2023-draft", "article": "17", "duty": "discard-original"} in body["duties"]
    kept = enrolled.get(f"/v1/records/{body['record']['id']}").json()
    assert kept["intact"] is True
    assert (kept["record"]["kind"], kept["digest"]) == ("enrol", body["record"]["digest"])


@pytest.mark.parametrize("multipart", [True, False], ids=["multipart", "json"])
def test_verify_tells_the_subject_from_another(enrolled, multipart):
    def ask(picture):
        if multipart:
            return enrolled.form("/v1/verify", picture, fields("guest-1"))
        return enrolled.post("/v1/verify", about("guest-1", picture))

    same, other = ask(pictures.admiral_again()), ask(pictures.astronaut())
    assert (same.status_code, same.json()["outcome"]) == (200, "match")
    assert (other.status_code, other.json()["outcome"]) == (200, "non_match")
    assert set(same.json()) == {"outcome", "record", "law", "duties", "attack_check"}
    assert same.json()["attack_check"] == {"check": "none"}
    assert set(same.json()["law"]["packs"]) == {"cn-2023-draft", "cn-2025"}
    assert len(same.content) == len(other.content) + len("match") - len("non_match")


def test_identify_names_the_one_who_is_enrolled_and_nobody_else(enrolled):
    consent = enrolled.consent(None).json()["consent"]
    body = {"consent": consent, "purpose": PURPOSE, "session": SESSION}
    found = enrolled.post("/v1/identify", body | {"sample": base64.b64encode(pictures.admiral_again()).decode()})
    assert (found.status_code, found.json()["outcome"], found.json()["subject"]) == (200, "match", "guest-1")
    flat = {"consent": enrolled.consent(None).json()["consent"], "purpose": PURPOSE} | FLAT
    unknown = enrolled.form("/v1/identify", pictures.astronaut(), flat)
    assert (unknown.status_code, unknown.json()["outcome"], unknown.json()["subject"]) == (200, "unknown", None)


@pytest.mark.parametrize("multipart", [True, False], ids=["multipart", "json"])
def test_a_double_is_refused_until_an_officer_confirms(enrolled, multipart):
    def ask(role, confirmed):
        if multipart:
            said = {"double_confirmed": str(confirmed).lower(), "device": "kiosk-1"}
            return enrolled.form("/v1/enrol", pictures.admiral(), fields("twin", **said), role=role)
        said = {"double_confirmed": confirmed, "device": "kiosk-1"}
        return enrolled.post("/v1/enrol", about("twin", pictures.admiral()) | said, role=role)

    enrolled.consent("twin")
    for role in ("device", "officer"):
        answer = ask(role, confirmed=False)
        assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/refused")
        assert [each["pack"] for each in answer.json()["findings"]] == [None]
        assert "guest-1" not in answer.text
    assert ask("device", confirmed=True).json()["type"] == "/v1/problems/not_allowed"
    assert ask("officer", confirmed=True).status_code == 201


@pytest.mark.parametrize("wrong", ["yes", "1", "True", ""])
def test_a_confirmation_is_said_in_one_word(enrolled, wrong):
    answer = enrolled.form("/v1/enrol", pictures.admiral(), fields("guest-1", double_confirmed=wrong), role="officer")
    assert (answer.status_code, "double_confirmed" in answer.text) == (400, True)


def test_a_device_need_not_name_itself_and_may_name_no_other(desk):
    desk.consent("guest-1")
    assert desk.form("/v1/enrol", pictures.admiral(), fields("guest-1", device="kiosk-1")).status_code == 201
    other = desk.form("/v1/enrol", pictures.admiral(), fields("guest-1", device="room-camera"))
    assert (other.status_code, other.json()["type"]) == (403, "/v1/problems/not_allowed")


def test_an_officer_names_the_device_and_without_one_is_refused(desk):
    desk.consent("guest-1")
    named = desk.form("/v1/enrol", pictures.admiral(), fields("guest-1", device="kiosk-1"), role="officer")
    assert named.status_code == 201
    for changes in ({}, {"device": "nowhere"}):
        answer = desk.form("/v1/enrol", pictures.admiral(), fields("guest-1", **changes), role="officer")
        assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/refused")
        assert "device.registered" in {fact for each in answer.json()["findings"] for fact in each["facts"]}


def test_a_refusal_names_every_article_with_reason_remedy_and_how_to_contest(desk):
    desk.consent("guest-1")
    answer = desk.form("/v1/enrol", pictures.admiral(), fields("guest-1", device="room-camera"), role="officer")
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert {(each["pack"], each["article"]) for each in body["findings"]} >= {("cn-2023-draft", "6"), ("cn-2025", "13")}
    for finding in body["findings"]:
        assert all(finding[words][language] for words in ("reason", "remedy") for language in ("en", "zh"))
    assert body["contest"]["contact"] == "privacy@harbour-hotel.example"
    assert body["instance"] == answer.headers["x-request-id"]
    kept = enrolled_record(desk, body)
    assert (kept["kind"], kept["outcome"]) == ("enrol", "refused")


def enrolled_record(desk, body):
    return desk.get(f"/v1/records/{body['record']['id']}").json()["record"]


def test_what_the_session_does_not_say_is_missing_by_name(enrolled):
    answer = enrolled.post("/v1/verify", about("guest-1", pictures.admiral(), session={"started_by": "subject"}))
    assert answer.status_code == 403
    assert answer.json()["missing"] == ["session.alternative_offered", "session.purpose_prompted"]


def test_the_word_false_is_false(enrolled):
    answer = enrolled.form("/v1/verify", pictures.admiral(), fields("guest-1", alternative_offered="false"))
    assert answer.status_code == 403
    found = [each for each in answer.json()["findings"] if each["article"] == "9"]
    assert [each["outcome"] for each in found] == ["forbids"]


def test_no_other_word_is_a_truth_value(enrolled):
    for word in ("False", "TRUE", "1", "", "yes"):
        answer = enrolled.form("/v1/verify", pictures.admiral(), fields("guest-1", alternative_offered=word))
        assert (word, answer.status_code) == (word, 400)
        assert "alternative_offered" in answer.json()["detail"]


def test_without_consent_nothing_is_done(desk):
    answer = desk.form("/v1/verify", pictures.admiral(), fields("stranger"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/refused")
    assert ("cn-2025", "6") in {(each["pack"], each["article"]) for each in answer.json()["findings"]}


def test_two_faces_equally_near_are_refused_by_the_article_on_bystanders(enrolled):
    answer = enrolled.form("/v1/verify", pictures.two_faces(), fields("guest-1"))
    assert answer.status_code == 403
    assert [(each["pack"], each["article"]) for each in answer.json()["findings"]] == [("cn-2023-draft", "18")]


@pytest.mark.parametrize(
    "make, reason", [(pictures.nobody, "no_face"), (pictures.blurred, "blurred"), (pictures.tiny, "too_small")]
)
def test_a_failure_to_acquire_says_what_to_do_and_is_on_record(enrolled, make, reason):
    answer = enrolled.form("/v1/verify", make(), fields("guest-1"))
    assert (answer.status_code, answer.json()["type"]) == (422, "/v1/problems/failure_to_acquire")
    body = answer.json()
    assert body["reason"] == reason
    assert body["say"]["en"]
    assert body["say"]["zh"]
    assert enrolled_record(enrolled, body)["outcome"] == "failure_to_acquire"


def test_withdrawal_destroys_and_binds_the_next_decision(enrolled):
    answer = enrolled.post("/v1/withdraw", {"subject": "guest-1", "purpose": PURPOSE})
    assert answer.status_code == 200
    assert answer.json()["destroyed"] == {"keys": 1, "references": 1, "originals": 0, "purposes": [PURPOSE]}
    after = enrolled.form("/v1/verify", pictures.admiral(), fields("guest-1"))
    assert (after.status_code, after.json()["type"]) == (403, "/v1/problems/refused")


def test_erasure_gives_a_receipt_and_leaves_nobody_to_name(enrolled):
    answer = enrolled.post("/v1/erase", {"subject": "guest-1"}, role="officer")
    assert answer.status_code == 200
    assert answer.json()["destroyed"]["references"] == 1
    assert answer.json()["receipt"]["zh"]
    again = enrolled.post("/v1/erase", {"subject": "guest-1"}, role="officer")
    assert (again.status_code, again.json()["type"]) == (404, "/v1/problems/not_found")


def test_a_subject_withdraws_and_erases_for_itself_alone(enrolled):
    for path, body in (("/v1/withdraw", {"purpose": PURPOSE}), ("/v1/erase", {})):
        other = enrolled.post(path, {"subject": "guest-1"} | body, role="subject")
        nobody = enrolled.post(path, {"subject": "no-such-guest"} | body, role="subject")
        assert (other.status_code, nobody.status_code) == (404, 404)
        assert other.json() | {"instance": ""} == nobody.json() | {"instance": ""}
        assert enrolled.post(path, {"subject": "guest-0"} | body, role="subject").status_code == 200
    assert enrolled.form("/v1/verify", pictures.admiral(), fields("guest-1")).json()["outcome"] == "match"
    # Erasure revoked the subject's credential.
    assert enrolled.get("/v1/subjects/guest-0/records", role="subject").status_code == 401


def test_a_consent_given_for_the_session_ends_by_itself(desk):
    body = desk.consent(None).json()
    assert body["expires_at"] is not None
    assert records(desk)[0]["kind"] == "consent"


def test_a_consent_to_a_notice_never_served_or_with_a_past_end_is_not_taken(desk):
    assert desk.consent("guest-1", served="c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de").status_code == 404
    assert desk.consent("guest-1", served=None).status_code == 400
    past = desk.consent("guest-1", expires_at="2001-01-01T00:00:00Z")
    assert (past.status_code, "expires_at" in past.json()["detail"]) == (400, True)
    assert desk.consent("guest-1", expires_at="2999-01-01T00:00:00+08:00").status_code == 201


def test_no_answer_says_who_or_how_near(enrolled):
    seen = [
        enrolled.form("/v1/verify", pictures.admiral(), fields("guest-1")),
        enrolled.form("/v1/verify", pictures.astronaut(), fields("guest-1")),
        enrolled.form("/v1/verify", pictures.nobody(), fields("guest-1")),
        enrolled.form("/v1/verify", pictures.admiral(), fields("stranger")),
    ]
    assert [each.status_code for each in seen] == [200, 200, 422, 403]
    for each in seen:
        said = shown(each).lower()
        for word in ("guest-1", "stranger", "score", "distance", "threshold", "template", "similarity"):
            assert word not in said
