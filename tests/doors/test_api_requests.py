"""Requests, the copy of what is held and one-time links through the REST door, and what is sent to break them."""

import json
import time
from urllib.parse import quote
from uuid import uuid4

import pytest

from countenance.access import exchange
from countenance.vocabulary import Role
from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import about, records, shown

WORDS = "canary-5e1d The kiosk shouted at me."


@pytest.fixture
def two(desk):
    """Return a desk with a second subject, whose credential is `other`."""
    desk.consent("guest-1")
    desk.tokens["other"] = desk.issue(Role.SUBJECT, "guest-1")
    return desk


def opened(desk, role="subject", **changes):
    answer = desk.post("/v1/requests", {"kind": "complain", "text": WORDS} | changes, role=role)
    assert answer.status_code == 201, answer.text
    return answer.json()["request"]


def test_a_person_asks_an_officer_sees_the_clock_and_the_answer_comes_back(two):
    asked = opened(two, purpose=PURPOSE)
    assert (asked["state"], asked["days_left"], asked["text"]) == ("open", 15, WORDS)
    two.hotel.clock.forward(days=3)
    (listed,) = two.get("/v1/requests?state=open").json()["requests"]
    assert (listed["request"], listed["days_left"], listed["subject"]) == (asked["request"], 12, "guest-0")
    assert (listed["text"], listed["answer"]) == (None, None)
    path = f"/v1/requests/{asked['request']}"
    assert two.get(path).json()["text"] == WORDS

    said = {"outcome": "granted", "text": "It will not shout again."}
    answered = two.post(f"{path}/answer", said, role="officer")
    again = two.post(f"{path}/answer", said, role="officer")

    assert (answered.status_code, answered.json()["destroyed"]) == (200, None)
    assert (again.status_code, again.json()["type"]) == (409, "/v1/problems/conflict")
    read = two.get(path, role="subject").json()
    assert (read["state"], read["outcome"], read["answer"]) == ("answered", "granted", said["text"])
    assert read["days_left"] is None
    (held,) = two.get("/v1/subject/data", role="subject").json()["requests"]
    assert held == read
    assert [each["request"] for each in two.get("/v1/requests?state=answered").json()["requests"]] == [read["request"]]
    assert two.get("/v1/requests?state=open").json() == {"requests": []}


def test_another_person_s_request_is_no_different_from_none(two):
    path = f"/v1/requests/{opened(two)['request']}"
    other, nobody = two.get(path, role="other"), two.get(f"/v1/requests/{uuid4()}", role="other")
    assert (other.status_code, nobody.status_code) == (404, 404)
    assert other.json() | {"instance": ""} == nobody.json() | {"instance": ""}
    assert two.post("/v1/requests", {"kind": "access", "subject": "guest-0"}, role="other").status_code == 404
    assert two.post("/v1/requests", {"kind": "access", "subject": "guest-1"}, role="other").status_code == 201
    wrong = {"kind": "human_review", "about_record": records(two)[-1]["id"]}
    assert two.post("/v1/requests", wrong, role="other").status_code == 404


def test_a_regulator_sees_the_clock_and_neither_words_nor_person(two):
    path = f"/v1/requests/{opened(two)['request']}"
    two.post(f"{path}/answer", {"outcome": "refused", "text": WORDS}, role="officer")
    for answer in (two.get("/v1/requests", role="regulator"), two.get(path, role="regulator")):
        assert answer.status_code == 200
        assert "refused" in answer.text
        assert "guest-0" not in answer.text
        assert "canary" not in answer.text
    assert two.post(f"{path}/answer", {"outcome": "granted"}, role="regulator").status_code == 403


def test_a_device_reads_no_request(two):
    path = f"/v1/requests/{opened(two)['request']}"
    for method, address in (("GET", "/v1/requests"), ("GET", path), ("POST", "/v1/requests"), ("POST", "/v1/links"),
                            ("POST", f"{path}/answer"), ("GET", "/v1/subject/data"),
                            ("GET", "/v1/subjects/guest-0/data")):  # fmt: skip
        answer = two.call(method, address, "device", **({"json": {}} if method == "POST" else {}))
        assert (address, answer.status_code, answer.json()["type"]) == (address, 403, "/v1/problems/not_allowed")


def test_text_is_text_and_has_an_end(desk):
    for words in ("<script>alert(1)</script>", "'; DROP TABLE request; --", "{{7*7}}", "名字 🙂\n第二行\t。　好",
                  "خانه‌ها", "%00%0d%0aSet-Cookie: a=b", "x" * 4000):  # fmt: skip
        path = f"/v1/requests/{opened(desk, text=words)['request']}"
        assert desk.get(path, role="subject").json()["text"] == words
        assert desk.post(f"{path}/answer", {"outcome": "granted", "text": words}, role="officer").status_code == 200
        assert desk.get(path, role="subject").json()["answer"] == words
    assert opened(desk, text="two\r\nlines")["text"] == "two\nlines"
    before = len(records(desk))
    for wrong in (
        "x" * 4001,
        "x" * 10_000,
        "",
        "   ",
        " \n ",
        "a\0b",
        "a\u0007b",
        "a\u202eb",
        "\ud800",
        7,
        ["x"],
        None,
    ):
        body = json.dumps({"kind": "complain", "text": wrong})
        answer = desk.call(
            "POST", "/v1/requests", "subject", content=body, headers={"Content-Type": "application/json"}
        )
        assert (wrong, answer.status_code, answer.json()["type"]) == (wrong, 400, "/v1/problems/malformed")
    assert len(records(desk)) == before


def test_a_request_that_is_wrong_is_malformed(desk):
    for wrong in ({"kind": "revenge"}, {"about_record": "x"}, {"due_at": "2999-01-01"}, {"state": "answered"},
                  {"purpose": "<script>"}, {"subject": ""}, {"kind": None}):  # fmt: skip
        answer = desk.post("/v1/requests", {"kind": "complain", "text": "x"} | wrong, role="subject")
        assert (wrong, answer.status_code) == (wrong, 400)
    path = f"/v1/requests/{opened(desk)['request']}/answer"
    for wrong in ({}, {"outcome": "perhaps"}, {"outcome": "refused"}, {"outcome": "granted", "age_class": "adult"},
                  {"outcome": "granted", "text": "x" * 4001}):  # fmt: skip
        assert (wrong, desk.post(path, wrong, role="officer").status_code) == (wrong, 400)
    assert desk.post("/v1/requests", {"kind": "access"}, role="officer").status_code == 400
    assert desk.get("/v1/requests?state=late").status_code == 400
    assert desk.get("/v1/requests?most=0").status_code == 400
    assert desk.get("/v1/requests/x").status_code == 404
    for name in ("x", str(uuid4())):
        answer = desk.post(f"/v1/requests/{name}/answer", {"outcome": "granted"}, role="officer")
        assert answer.status_code == 404


def test_neither_words_nor_names_are_logged_recorded_or_repeated(desk, caplog):
    with caplog.at_level("DEBUG", logger="countenance"):
        asked = opened(desk)
        desk.post(f"/v1/requests/{asked['request']}/answer", {"outcome": "partly", "text": WORDS}, role="officer")
        wrong = desk.post("/v1/requests", {"kind": "complain", "text": WORDS, "purpose": "none-such"}, role="subject")
        until = time.monotonic() + 10
        while len(caplog.records) < 3 and time.monotonic() < until:  # the line is written after the answer has left
            time.sleep(0.01)
    assert wrong.status_code == 404
    told = [vars(each) for each in caplog.records if each.name.startswith("countenance")]
    assert len(told) >= 3
    assert "canary" not in str(told) + json.dumps(records(desk)) + shown(wrong)
    assert "guest-0" not in str(told) + json.dumps(records(desk))


def test_granted_is_done(two):
    asked = opened(two, "other", kind="correct", text="I am sixteen.")
    said = {"outcome": "granted", "age_class": "14_to_17"}
    assert two.post(f"/v1/requests/{asked['request']}/answer", said, role="officer").status_code == 200
    assert two.get("/v1/subject/data", role="other").json()["age_class"] == "14_to_17"
    asked = opened(two, "other", kind="erase", text=None)
    done = two.post(f"/v1/requests/{asked['request']}/answer", {"outcome": "granted"}, role="officer").json()
    assert done["destroyed"] == {"keys": 0, "references": 0, "originals": 0, "purposes": []}
    assert (done["request"]["state"], done["request"]["subject"]) == ("answered", None)
    assert two.get("/v1/subject/data", role="other").status_code == 401
    assert two.get("/v1/subjects/guest-1/data").status_code == 404


def test_a_refusal_says_how_to_have_a_person_look_at_it(desk):
    refused = desk.post("/v1/verify", about("guest-0", pictures.nobody(), device="room-camera"), role="officer")
    assert refused.status_code == 403
    way = refused.json()["contest"]["request"]
    assert way == {
        "address": "/v1/requests", "kind": "human_review", "about_record": refused.json()["record"]["id"]
    }  # fmt: skip
    asked = desk.post(way.pop("address"), way, role="subject")
    assert asked.status_code == 201, asked.text
    assert asked.json()["request"]["about_record"] == refused.json()["record"]["id"]


def test_the_copy_is_the_person_s_own_or_handed_over_by_an_officer(two):
    two.post("/v1/verify", about("guest-0", pictures.nobody()))
    own = two.get("/v1/subject/data", role="subject").json()
    handed = two.get("/v1/subjects/guest-0/data").json()
    assert own["subject"] == handed["subject"] == "guest-0"
    assert own["notices"][0]["text"]["zh"]["who"] == "海港酒店"
    assert [each["kind"] for each in own["records"]] == ["verify", "consent"]
    assert [each["kind"] for each in handed["records"]] == ["access", "verify", "consent"]
    assert handed["records"][0]["record"] == own["record"]["id"]
    page = two.get("/v1/subject/data?most=1", role="subject").json()
    assert page["earlier"] == page["records"][0]["record"]
    rest = two.get(f"/v1/subject/data?before={page['earlier']}", role="subject").json()
    assert [each["kind"] for each in rest["records"]] == ["access", "verify", "consent"]
    for role in ("subject", "regulator", "device"):
        assert two.get("/v1/subjects/guest-1/data", role=role).status_code == 403
    for role in ("officer", "regulator", "device"):
        assert two.get("/v1/subject/data", role=role).status_code == 403
    for wrong in ("most=0", "most=1001", "before=x", "who=guest-1"):
        assert two.get(f"/v1/subject/data?{wrong}", role="subject").status_code == 400
    strange = "a/b?c=d&e#f 名"
    two.consent(strange)
    assert two.get(f"/v1/subjects/{quote(strange, safe='')}/data").json()["subject"] == strange


def test_a_link_lets_its_person_in_once(make_desk):
    desk = make_desk(public_url="https://faces.example/hotel/")
    desk.consent("guest-1")
    made = desk.post("/v1/links", {"subject": "guest-1"}, role="officer")
    assert made.status_code == 201
    address, token = made.json()["url"].split("#")
    assert address == "https://faces.example/hotel/me"
    assert token not in json.dumps(records(desk))
    desk.tokens["came"] = exchange(desk.hotel.house, token).token
    assert desk.get("/v1/subject/data", role="came").json()["subject"] == "guest-1"
    desk.hotel.clock.forward(minutes=30)
    assert desk.get("/v1/subject/data", role="came").status_code == 401
    assert desk.get("/v1/subject/data", role=None, headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert desk.post("/v1/links", {"subject": "nobody"}, role="officer").status_code == 404
    assert desk.post("/v1/links", {"subject": "guest-1", "minutes": 9}, role="officer").status_code == 400
    assert desk.post("/v1/links", {"subject": "guest-1"}, role="subject").status_code == 403


def test_one_operator_s_requests_are_not_another_s(neighbour):
    asked = opened(neighbour)
    theirs = "neighbour officer"
    assert neighbour.get("/v1/requests", role=theirs).json() == {"requests": []}
    assert neighbour.get(f"/v1/requests/{asked['request']}", role=theirs).status_code == 404
    answer = neighbour.post(f"/v1/requests/{asked['request']}/answer", {"outcome": "granted"}, role=theirs)
    assert answer.status_code == 404
    assert neighbour.get("/v1/subjects/guest-0/data", role=theirs).status_code == 404
    assert neighbour.post("/v1/links", {"subject": "guest-0"}, role=theirs).status_code == 404
    assert neighbour.post("/v1/requests", {"kind": "access", "subject": "guest-0"}, role=theirs).status_code == 404
