"""An enrolment, or a review, repeated with its key has one effect and one answer."""

import threading

import pytest
from sqlalchemy import text

from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import about, records
from tests.doors.test_api_faces import fields

KEY = {"Idempotency-Key": "d3b07384-d9a0"}


@pytest.fixture
def ready(desk):
    """A guest has consented."""
    assert desk.consent("guest-1").status_code == 201
    return desk


def kept(desk):
    with desk.hotel.house.database.transaction() as tx:
        return int(tx.execute(text("SELECT count(*) FROM reference")).scalar_one())


def test_a_repeat_gets_the_first_answer_and_has_no_second_effect(ready):
    first = ready.form("/v1/enrol", pictures.admiral(), fields("guest-1"), headers=KEY)
    assert (first.status_code, "idempotent-replay" in first.headers) == (201, False)
    # The same request as JSON: what counts is what it says, not how it is wrapped.
    again = ready.post("/v1/enrol", about("guest-1", pictures.admiral()), headers=KEY)
    assert (again.status_code, again.headers["idempotent-replay"]) == (201, "true")
    assert again.json() == first.json()
    assert kept(ready) == 1
    assert len([each for each in records(ready) if each["kind"] == "enrol"]) == 1
    assert len(ready.hotel.house.projection) == 1


def test_the_key_with_another_request_is_a_conflict(ready):
    assert ready.post("/v1/enrol", about("guest-1", pictures.admiral()), headers=KEY).status_code == 201
    for other in (
        about("guest-1", pictures.admiral_again()),
        about("guest-0", pictures.admiral()),
        about("guest-1", pictures.admiral(), session={"started_by": "staff"}),
    ):
        answer = ready.post("/v1/enrol", other, headers=KEY)
        assert (answer.status_code, answer.json()["type"]) == (409, "/v1/problems/conflict")
    assert kept(ready) == 1


def test_a_key_belongs_to_its_credential(ready):
    assert ready.post("/v1/enrol", about("guest-1", pictures.admiral()), headers=KEY).status_code == 201
    asked = about("guest-1", pictures.admiral(), device="kiosk-1")
    other = ready.post("/v1/enrol", asked, role="officer", headers=KEY)
    assert (other.status_code, "idempotent-replay" in other.headers) == (201, False)
    assert kept(ready) == 2


def test_two_at_once_have_one_effect(ready):
    answers = []
    start = threading.Barrier(4)

    def ask():
        start.wait()
        answers.append(ready.post("/v1/enrol", about("guest-1", pictures.admiral()), headers=KEY))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert [each.status_code for each in answers] == [201] * 4
    assert len({each.text for each in answers}) == 1
    assert sorted("idempotent-replay" in each.headers for each in answers) == [False, True, True, True]
    assert kept(ready) == 1


def test_a_refusal_and_a_failure_are_not_kept(ready):
    for picture, status in ((pictures.nobody(), 422), (pictures.admiral(), 201)):
        assert ready.post("/v1/enrol", about("guest-1", picture), headers=KEY).status_code == status
    refused = {"Idempotency-Key": "another-key"}
    assert ready.post("/v1/enrol", about("guest-2", pictures.astronaut()), headers=refused).status_code == 403
    assert ready.consent("guest-2").status_code == 201
    assert ready.post("/v1/enrol", about("guest-2", pictures.astronaut()), headers=refused).status_code == 201


def test_a_wrong_key_is_malformed(ready):
    for key in ("", "x" * 201, "has space", "tab\there"):
        headers = {"Idempotency-Key": key}
        answer = ready.post("/v1/enrol", about("guest-1", pictures.admiral()), headers=headers)
        assert (key, answer.status_code) == (key, 400)
    kind = {"Authorization": f"Bearer {ready.tokens['device']}"}
    twice = [*kind.items(), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = ready.client.post("/v1/enrol", json=about("guest-1", pictures.admiral()), headers=twice)
    assert answer.status_code == 400
    assert kept(ready) == 0


def test_nothing_personal_is_kept_under_a_key(ready):
    assert ready.post("/v1/enrol", about("guest-1", pictures.admiral()), headers=KEY).status_code == 201
    with ready.hotel.house.database.transaction() as tx:
        (row,) = tx.execute(text("SELECT request_mark, answer::text FROM answered"))
    assert len(bytes(row[0])) == 32
    assert "guest-1" not in row[1]
    assert PURPOSE not in row[1]


def test_a_review_repeated_with_its_key_is_one(desk):
    desk.consent("guest-1")
    assert desk.post("/v1/enrol", about("guest-1", pictures.admiral())).status_code == 201
    record = desk.post("/v1/verify", about("guest-1", pictures.admiral_again())).json()["record"]["id"]
    body = {"record": record, "human": True, "decision": "upheld"}
    first = desk.post("/v1/finalise", body, role="officer", headers=KEY)
    again = desk.post("/v1/finalise", body, role="officer", headers=KEY)
    other = desk.post("/v1/finalise", body | {"decision": "overturned"}, role="officer", headers=KEY)
    keyless = desk.post("/v1/finalise", body, role="officer")
    wrong = desk.post("/v1/finalise", body, role="officer", headers={"Idempotency-Key": "has space"})

    assert (first.status_code, "idempotent-replay" in first.headers) == (200, False)
    assert (again.status_code, again.headers["idempotent-replay"], again.json()) == (200, "true", first.json())
    assert (other.status_code, keyless.status_code, wrong.status_code) == (409, 409, 400)
    assert "Idempotency-Key" in other.json()["detail"]
    assert "final already" in keyless.json()["detail"]
    assert len([each for each in records(desk) if each["kind"] == "finalise"]) == 1
