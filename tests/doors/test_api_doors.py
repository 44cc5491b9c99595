"""Who may come through which door, found out from outside: the interface's own description is walked."""

import json
import re
import time
from uuid import uuid4

import pytest

from countenance.api import description, problems
from countenance.api.door import Open, Route
from countenance.vocabulary import Role
from tests.doors.conftest import about

OPEN = {
    "/v1/health",
    "/v1/ready",
    "/v1/openapi.json",
    "/v1/problems/{name}",
    "/metrics",
    "/log/{operator}/{generation}/{path}",
}
FACES = {"/v1/enrol", "/v1/verify", "/v1/identify", "/v1/identify_remote", "/v1/analyse", "/v1/keep_original"}
AUTHORISATIONS = {
    f"/v1/authorisations{rest}"
    for rest in ["", "/{authorisation_id}", "/{authorisation_id}/approve", "/{authorisation_id}/revoke"]
}
READINESS = {"/v1/purposes/{code}/readiness", "/v1/devices/{device_id}/readiness"}
STAFF = {"/v1/staff", "/v1/staff/{staff_id}/retire"}
GOVERNED = {
    "/v1/purposes/{code}/activate",
    "/v1/purposes/{code}/deactivate",
    "/v1/devices/{device_id}/register",
    "/v1/devices/{device_id}/unregister",
    "/v1/reuse",
    "/v1/disclose",
}
SITE = {f"/v1/{noun}" for noun in ["operator", "purposes", "venues", "places", "devices", "alternatives", "notices"]}
RECORDS = {"/v1/records", "/v1/records/{record_id}", "/v1/records/{record_id}/proof", "/v1/log"}
DATA = "/v1/subjects/{ref}/data"
ANSWER = "/v1/requests/{request_id}/answer"
#: What takes a receipt, and no credential whatever its role.
HELD = {f"/v1/receipt{rest}" for rest in ["", "/uses", "/withdraw", "/certificate", "/qr", "/proof"]}
#: What device and officer share; with a method before it, a path is for that method alone.
DESK = FACES | SITE | {"/v1/choices", "/v1/withdraw", "/v1/capture", "/v1/alternatives/report", "/v1/receipts"}
DESK |= {"POST /v1/consents", "/v1/notices/served"}
MAY = {
    "device": DESK | {"/v1/challenges", "/v1/log"},
    "subject": {"/v1/log", "/v1/withdraw", "/v1/erase", "/v1/subjects/{ref}/records", "/v1/subject/data"}
    | {"GET /v1/consents", "/v1/consents/{consent_id}"}
    | {"POST /v1/requests", "/v1/requests/{request_id}"},
    "regulator": SITE
    | RECORDS
    | READINESS
    | {"GET /v1/requests", "/v1/requests/{request_id}", "/v1/parity", "/v1/filing", "/v1/filing/deadlines"}
    | {"/v1/filing/statement"},
    "officer": DESK
    | RECORDS
    | AUTHORISATIONS
    | GOVERNED
    | READINESS
    | STAFF
    | {"/v1/erase", "/v1/subjects/{ref}/records", "/v1/finalise", "/v1/originals", "/v1/parity", "/v1/filing"}
    | {"/v1/credentials", "/v1/credentials/{credential_id}", "/v1/filing/deadlines", "/v1/filing/statement"}
    | {"GET /v1/consents", "/v1/consents/{consent_id}"}
    | {"POST /v1/requests", "GET /v1/requests", "/v1/requests/{request_id}", ANSWER, DATA, "/v1/links"},
}
OPERATIONS = 73


def operations(document):
    return [(method.upper(), path, each) for path, held in document["paths"].items() for method, each in held.items()]


def may(role, method, path):
    """Tell whether a role may call an operation; where its methods differ, the matrix names them."""
    return bool({path, f"{method} {path}"} & MAY[role])


def send(desk, method, path, role):
    url = re.sub(r"\{\w+\}", "x", path)
    return desk.call(method, url, role, **({"json": {}} if method == "POST" else {}))


def test_without_a_credential_every_operation_says_401(desk):
    seen = operations(desk.get("/v1/openapi.json", role=None).json())
    assert len(seen) == OPERATIONS
    closed = [(method, path) for method, path, _ in seen if path not in OPEN]
    assert len(closed) == OPERATIONS - len(OPEN)
    bodies = set()
    for method, path in closed:
        answer = send(desk, method, path, None)
        assert (method, path, answer.status_code) == (method, path, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")
        bodies.add(json.dumps(answer.json() | {"instance": ""}))
    assert len(bodies) == 1, "a 401 tells more than that"


def test_open_operations_are_open_and_tell_nothing(desk):
    for path in sorted(OPEN - {"/v1/problems/{name}", "/log/{operator}/{generation}/{path}"}):
        answer = desk.get(path, role=None)
        assert (path, answer.status_code) == (path, 200)
        if path != "/v1/openapi.json":
            assert "guest-0" not in answer.text
            assert "harbour" not in answer.text


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_the_matrix_says_and_nothing_else(desk, role):
    seen = [(method, path) for method, path, _ in operations(description()) if path not in OPEN | HELD]
    named = {each for held in MAY.values() for each in held}
    assert {path for _, path in seen} == {each.rpartition(" ")[2] for each in named}
    passed = 0
    for method, path in seen:
        answer = send(desk, method, path, role.value)
        kind = answer.json().get("type", "")
        if may(role.value, method, path):
            assert (path, answer.status_code in {200, 400, 404}) == (path, True), answer.text
            passed += 1
        else:
            assert (path, answer.status_code, kind) == (path, 403, "/v1/problems/not_allowed")
    assert passed >= len(MAY[role.value])


def test_the_matrix_is_what_the_description_says():
    for method, path, each in operations(description()):
        expected = [] if path in OPEN else sorted(role for role in MAY if may(role, method, path))
        assert (path, each.get("x-roles", [])) == (path, expected)
        by = None if path in OPEN else "receipt" if path in HELD else "credential"
        assert (path, each.get("security")) == (path, by and [{by: []}])


def test_where_a_receipt_is_taken_a_credential_is_nothing_and_the_other_way_round(desk):
    seen = operations(description())
    token = desk.consent("guest-1").json()["receipt"]["token"]
    plain, desk.tokens["receipt"] = desk.get("/v1/records", role=None).json() | {"instance": ""}, token
    held = [(method, path) for method, path, _ in seen if path in HELD]
    closed = [(method, path) for method, path, _ in seen if path not in HELD | OPEN]
    assert (len(held), len(closed)) == (len(HELD), OPERATIONS - len(OPEN) - len(HELD))
    for method, path, role in [
        *((*each, role.value) for each in held for role in Role),
        *((*each, "receipt") for each in closed),
    ]:
        answer = send(desk, method, path, role)
        assert (path, role, answer.status_code, answer.json() | {"instance": ""}) == (path, role, 401, plain)


WRONG_CREDENTIALS = (
    "",
    "Bearer",
    "Bearer x",
    "Basic {token}",
    "{token}",
    "Bearer {token}x",
    "Bearer {upper}",
    "Bearer {token} {token}",
    "Bearer cn_aaaaaaaaaaaa_" + "A" * 43,
    "Bearer ' OR 1=1 --",
    "Bearer é",
    "Bearer " + "x" * 8000,
)


def test_a_wrong_credential_is_401_whatever_is_wrong(desk):
    token, plain = desk.tokens["officer"], desk.get("/v1/records", role=None)
    for header in WRONG_CREDENTIALS:
        value = header.format(token=token, upper=token.upper()).encode("latin-1")
        answer = desk.get("/v1/records", role=None, headers={"Authorization": value})
        assert (header, answer.status_code) == (header, 401)
        assert answer.json() | {"instance": ""} == plain.json() | {"instance": ""}


def test_two_credentials_are_none(desk):
    both = [("Authorization", f"Bearer {desk.tokens[role]}") for role in ("officer", "device")]
    assert desk.client.get("/v1/records", headers=both).status_code == 401


def test_a_revoked_or_expired_credential_opens_nothing_from_the_next_request_on(desk):
    made = desk.post("/v1/credentials", {"role": "regulator", "label": "for a day"}, role="officer").json()
    desk.tokens["fresh"] = made["token"]
    assert desk.get("/v1/records", role="fresh").status_code == 200
    assert desk.call("DELETE", f"/v1/credentials/{made['credential']}", "officer").status_code == 200
    assert desk.get("/v1/records", role="fresh").status_code == 401
    ends = {"expires_at": "2999-01-01T00:00:00Z", "role": "regulator", "label": "x"}
    desk.tokens["ends"] = desk.post("/v1/credentials", ends, role="officer").json()["token"]
    assert desk.get("/v1/records", role="ends").status_code == 200
    desk.hotel.clock.forward(days=366 * 1000)
    assert desk.get("/v1/records", role="ends").status_code == 401


def test_a_route_without_roles_cannot_be_written():
    async def endpoint():
        """Do nothing."""

    with pytest.raises(ValueError, match="roles"):
        Route(method="GET", path="/v1/x", endpoint=endpoint, roles=(), tag="x")
    with pytest.raises(TypeError):
        Route(method="GET", path="/v1/x", endpoint=endpoint, tag="x")  # type: ignore[call-arg]
    assert Open("because").why


def test_a_route_without_a_guard_answers_nobody(desk):
    """Somebody who hangs a route past `hang` gets an error and not an open door."""
    from countenance.api.site import purposes

    desk.api.add_api_route("/v1/forgotten", purposes, methods=["GET"])
    answer = desk.get("/v1/forgotten")
    assert (answer.status_code, answer.json()["type"]) == (500, "/v1/problems/unexpected")


def test_unknown_addresses_and_methods_look_alike(desk):
    for path in ("/", "/v1", "/v1/nothing", "/docs", "/redoc", "/openapi.json", "/v1/verify/", "/v1/../etc/passwd"):
        for role in (None, "device", "officer"):
            answer = desk.get(path, role=role)
            assert (path, answer.status_code) == (path, 404)
            assert answer.json()["type"] == "/v1/problems/not_found"
    wrong = desk.call("PUT", "/v1/verify", "officer")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "POST")
    assert desk.call("OPTIONS", "/v1/verify", None).status_code == 405


def test_every_answer_has_its_headers_and_identifier(desk):
    wished = "kiosk-1-" + "a" * 20
    for path, role in (("/v1/health", None), ("/v1/records", None), ("/nowhere", None), ("/v1/records", "officer")):
        answer = desk.get(path, role=role, headers={"X-Request-Id": wished, "Origin": "https://evil.example"})
        assert answer.headers["x-request-id"] == wished
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert not [name for name in answer.headers if name.startswith("access-control")]
    for wrong in ("short", "x" * 65, "has space in it", "semi;colon;semi"):
        made = desk.get("/v1/health", role=None, headers={"X-Request-Id": wrong}).headers["x-request-id"]
        assert made != wrong
        assert len(made) == 36


def test_readiness_names_the_part_that_is_down(desk):
    assert desk.get("/v1/ready", role=None).json() == {
        "ready": True,
        "parts": {"database": True, "schema": True, "engine": True, "vault": True},
    }
    desk.ready["database"] = False
    answer = desk.get("/v1/ready", role=None)
    assert (answer.status_code, answer.json()["ready"], answer.json()["parts"]["database"]) == (503, False, False)
    assert desk.get("/v1/health", role=None).status_code == 200


def test_metrics_count_and_name_nobody(desk):
    desk.post("/v1/verify", about("guest-0", b"no picture"))
    desk.get("/v1/records/" + str(uuid4()))
    desk.get("/v1/guest-0-was-here")
    text = desk.get("/metrics", role=None).text
    assert 'countenance_requests_total{route="POST /v1/verify",status="400"} 1.0' in text
    assert 'route="GET /v1/records/{record_id}",status="404"' in text
    assert 'route="unmatched",status="404"' in text
    assert "countenance_references_held 0.0" in text
    assert "countenance_process_resident_memory_bytes" in text
    assert "guest-0" not in text


def test_metrics_from_elsewhere_need_an_officer(desk):
    passed_on = {"X-Forwarded-For": "127.0.0.1"}
    assert desk.get("/metrics", role=None, headers=passed_on).status_code == 401
    assert desk.get("/metrics", role="device", headers=passed_on).status_code == 403
    assert desk.get("/metrics", role="officer", headers=passed_on).status_code == 200


def test_every_problem_is_explained_where_its_type_points(desk):
    assert len(problems.PROBLEMS) > 10
    for each in problems.PROBLEMS:
        answer = desk.get(each.type, role=None)
        assert (answer.status_code, answer.json()["status"]) == (200, each.status)
        assert answer.json()["says"]["zh"]
    assert desk.get("/v1/problems/none-such", role=None).status_code == 404


def test_an_unexpected_error_leaves_an_identifier_and_nothing_more(desk, monkeypatch, caplog):
    def broken(*_):
        raise KeyError("guest-0 was here")

    monkeypatch.setattr("countenance.operations.verify.verify", broken)
    with caplog.at_level("INFO", logger="countenance"):
        answer = desk.post("/v1/verify", about("guest-0", b"x"))
    assert (answer.status_code, answer.json()["type"]) == (500, "/v1/problems/unexpected")
    assert answer.json()["instance"] == answer.headers["x-request-id"]
    told = [record for record in caplog.records if record.message == "unexpected_error"]
    assert len(told) == 1
    assert (told[0].kind, told[0].request_id) == ("KeyError", answer.headers["x-request-id"])
    assert "was here" not in answer.text + caplog.text + str([vars(record) for record in caplog.records])


def test_the_access_line_names_the_route_and_not_the_path(desk, caplog):
    with caplog.at_level("INFO", logger="countenance"):
        desk.get("/v1/subjects/guest-0/records?most=7")
        desk.post("/v1/verify", about("guest-0", b"x"))
    until = time.monotonic() + 10
    while (
        len(lines := [each for each in caplog.records if each.message == "answered"]) < 2
    ):  # written behind the answer
        assert time.monotonic() < until
        time.sleep(0.01)
    assert [(line.route, line.status) for line in lines] == [
        ("GET /v1/subjects/{ref}/records", 200),
        ("POST /v1/verify", 400),
    ]
    assert "guest-0" not in str([vars(record) for record in caplog.records if record.name.startswith("countenance")])
