"""The list of staff through the REST door: who counts as a person, and what is sent to break it."""

import base64

import pytest

from countenance.client import Client, Problem
from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import about, records
from tests.doors.test_api_governed import wanted

LOOK = {"sample": base64.b64encode(pictures.admiral_again()).decode(), "purpose": PURPOSE}


def add(desk, code, name="A colleague"):
    return desk.post("/v1/staff", {"staff": code, "name": name}, role="officer")


def hold(desk, role, code):
    """Issue an officer's credential held by a person, to be called with as `role`."""
    said = {"role": "officer", "label": role, "staff": code}
    made = desk.post("/v1/credentials", said, role="officer")
    assert made.status_code == 201, made.text
    desk.tokens[role] = made.json()["token"]
    return made.json()["credential"]


def test_from_the_list_to_two_approvals_by_two_people(desk):
    desk.consent("guest-1")
    assert desk.post("/v1/enrol", about("guest-1", pictures.admiral())).status_code == 201
    for code in ("anna", "bo", "chen"):
        assert (add(desk, code).status_code, records(desk)[0]["details"]) == (201, {"staff": code})
    for role, code in (("asker", "anna"), ("asker too", "anna"), ("bo", "bo"), ("bo too", "bo"), ("chen", "chen")):
        hold(desk, role, code)
    asked = desk.post("/v1/authorisations", wanted(desk), role="asker").json()
    path = f"/v1/authorisations/{asked['authorisation']}"

    for own in ("asker", "asker too"):
        assert desk.post(f"{path}/approve", {}, role=own).status_code == 403
    assert desk.post(f"{path}/approve", {}, role="bo").json()["approvers"] == 1
    assert desk.post(f"{path}/approve", {}, role="bo too").json()["type"] == "/v1/problems/conflict"
    assert desk.get(path).json()["state"] == "live"
    assert desk.post("/v1/identify_remote", LOOK).json()["type"] == "/v1/problems/refused"
    assert desk.post(f"{path}/approve", {}, role="chen").json()["approvers"] == 2
    assert desk.post("/v1/identify_remote", LOOK).json()["subject"] == "guest-1"

    shown = desk.get(path).json()
    assert shown["asked_by_staff"] == "anna"
    assert sorted(each["staff"] for each in shown["approvals"]) == ["bo", "chen"]
    assert desk.post(f"{path}/revoke", {}, role="asker").json()["approvers"] == 2


def test_whom_nobody_holds_neither_asks_nor_approves(desk):
    made = desk.post("/v1/credentials", {"role": "officer", "label": "a machine"}, role="officer").json()
    desk.tokens["machine"] = made["token"]
    body = wanted(desk, subjects=["guest-0"])
    answer = desk.post("/v1/authorisations", body, role="machine")
    assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/not_allowed")
    assert "--staff" in answer.json()["detail"]
    asked = desk.post("/v1/authorisations", body, role="officer").json()
    path = f"/v1/authorisations/{asked['authorisation']}/approve"
    assert desk.post(path, {}, role="machine").status_code == 403


def test_the_list_is_shown_and_whoever_is_retired_calls_no_more(desk):
    assert add(desk, "anna", "Chen Anna 陈安娜").json()["outcome"] == "added"
    credential = hold(desk, "anna", "anna")
    (shown,) = [each for each in desk.get("/v1/staff").json()["staff"] if each["staff"] == "anna"]
    assert (shown["name"], shown["active"]) == ("Chen Anna 陈安娜", True)
    held = {each["credential"]: each["staff"] for each in desk.get("/v1/credentials").json()["credentials"]}
    assert held[credential] == "anna"
    assert desk.get("/v1/records", role="anna").status_code == 200

    gone = desk.post("/v1/staff/anna/retire", {}, role="officer")

    assert (gone.status_code, gone.json()["outcome"], gone.json()["credentials"]) == (200, "retired", 1)
    assert desk.get("/v1/records", role="anna").status_code == 401
    assert desk.post("/v1/staff/anna/retire", {}, role="officer").status_code == 404
    assert add(desk, "anna").status_code == 409
    (shown,) = [each for each in desk.get("/v1/staff").json()["staff"] if each["staff"] == "anna"]
    assert shown["active"] is False
    assert "安娜" not in str(records(desk))


def test_the_last_officer_is_not_retired(desk):
    (own,) = desk.get("/v1/staff").json()["staff"]
    answer = desk.post(f"/v1/staff/{own['staff']}/retire", {}, role="officer")
    assert (answer.status_code, answer.json()["type"]) == (409, "/v1/problems/conflict")
    assert desk.get("/v1/staff").json()["staff"] == [own]


@pytest.mark.parametrize(
    "changes",
    [
        {"staff": ""},
        {"staff": "Anna"},
        {"staff": "a" * 64},
        {"staff": "../x"},
        {"staff": "a\n"},
        {"staff": "'; DROP TABLE staff; --"},
        {"staff": None},
        {"staff": 7},
        {"name": ""},
        {"name": "   "},
        {"name": "x" * 129},
        {"name": "a\u0000b"},
        {"name": "a\u202eb"},
        {"name": ["x"]},
        {"name": None},
        {"active": True},
        {"created_at": "2020-01-01T00:00:00Z"},
        {"password": "x"},
    ],
)
def test_a_wrong_person_is_malformed_and_leaves_nothing(desk, changes):
    before, listed = len(records(desk)), desk.get("/v1/staff").json()
    answer = desk.post("/v1/staff", {"staff": "anna", "name": "x"} | changes, role="officer")
    assert (answer.status_code, answer.json()["type"]) == (400, "/v1/problems/malformed"), answer.text
    assert "DROP" not in answer.text
    assert len(records(desk)) == before
    assert desk.get("/v1/staff").json() == listed


@pytest.mark.parametrize("name", ["x", "%00", "%2e%2e", "' OR 1=1", "x" * 500])
def test_a_person_who_is_not_there_is_not_retired(desk, name):
    assert desk.post(f"/v1/staff/{name}/retire", {}, role="officer").status_code == 404


def test_a_credential_for_nobody_or_of_another_role_is_not_issued(desk):
    assert add(desk, "anna").status_code == 201
    for said, status in (
        ({"role": "officer", "staff": "nobody"}, 404),
        ({"role": "regulator", "staff": "anna"}, 404),
        ({"role": "device", "device": "kiosk-1", "staff": "anna"}, 404),
        ({"role": "officer", "staff": "Anna"}, 400),
        ({"role": "officer", "staff": ["anna"]}, 400),
    ):
        assert (said, desk.post("/v1/credentials", {"label": "x"} | said, role="officer").status_code) == (said, status)


def test_text_is_text_and_nothing_else(desk):
    for number, payload in enumerate(("'; DROP TABLE staff; --", "<script>alert(1)</script>", "{{7*7}}", "名字 🙂")):
        assert add(desk, f"s-{number}", payload).status_code == 201
        assert payload in {each["name"] for each in desk.get("/v1/staff").json()["staff"]}
    assert "DROP" not in str(records(desk))


def test_the_client_says_it_too(desk):
    with Client(str(desk.client.base_url), desk.tokens["officer"]) as officer:
        assert officer.add_staff("anna", name="Anna")["outcome"] == "added"
        made = officer.issue_credential(role="officer", label="Anna", staff="anna")
        assert {each["staff"] for each in officer.staff()["staff"]} >= {"anna"}
        with Client(str(desk.client.base_url), made["token"]) as anna:
            assert anna.operator()
            assert officer.retire_staff("anna")["credentials"] == 1
            with pytest.raises(Problem) as raised:
                anna.operator()
        assert raised.value.status == 401
        assert officer.readiness(PURPOSE) == {"ready": True, "findings": []}
        assert officer.device_readiness("room-camera", purpose=PURPOSE)["ready"] is False
        assert officer.unregister("kiosk-1")["outcome"] == "unregistered"
        assert officer.deactivate(PURPOSE)["outcome"] == "deactivated"
