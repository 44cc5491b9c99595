"""Notices and consents at the door: what is served, answered and listed, and to whom."""

from typing import Any

from countenance.vocabulary import NoticeItem
from tests.database import PURPOSE
from tests.doors.conftest import Desk, export, given, records

GUARDIAN = {"ref": "parent-7", "relation": "parent", "evidence": "birth_certificate", "checked_by": "desk-3"}
SCRIPT = "<script>alert(1)</script>"


# Serving.


def test_the_answer_to_serving_is_the_text_to_show(desk: Desk) -> None:
    answer = desk.post("/v1/notices/served", {"purpose": PURPOSE, "language": "zh", "variant": "plain_language"})

    body = answer.json()
    assert answer.status_code == 201
    assert list(body["text"]) == list(NoticeItem)
    assert body["text"]["purpose"].startswith("刷脸")
    assert (body["version"], body["language"], body["variant"]) == (1, "zh", "plain_language")
    assert body["until"] > body["record"]["at"]
    assert records(desk)[0]["kind"] == "notice"


UNREADABLE: list[dict[str, Any]] = [
    {"language": "fr"},
    {"language": "EN"},
    {"language": None},
    {"variant": "huge"},
    {"variant": ["standard"]},
    {"purpose": SCRIPT},
    {"purpose": "check-in\u0000"},
    {"version": 0},
    {"version": "1"},
    {"version": 1.5},
    {"version": 2**31},
    {"subject": "guest-1"},
    {"device": "kiosk-1"},
]


def test_a_serving_that_cannot_be_read_is_malformed(desk: Desk) -> None:
    for wrong in UNREADABLE:
        answer = desk.post("/v1/notices/served", {"purpose": PURPOSE, "language": "en"} | wrong)
        assert answer.status_code == 400, wrong
        assert SCRIPT not in answer.text
    assert [each["kind"] for each in records(desk)] == ["consent", "notice"], "only what the desk began with"


def test_a_notice_that_is_not_there_or_not_in_force_is_told_so(desk: Desk) -> None:
    about = {"purpose": PURPOSE, "language": "en"}
    assert desk.post("/v1/notices/served", about | {"purpose": "advertising"}).status_code == 404
    assert desk.post("/v1/notices/served", about | {"version": 9}).status_code == 409


# Answering.


UNFOUNDED: list[tuple[dict[str, Any], int]] = [
    ({"served": None}, 400),
    ({"served": "1"}, 400),
    ({"served": SCRIPT}, 400),
    ({"served": 7}, 400),
    ({"served": "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de"}, 404),
    ({"notice_version": 1}, 400),
    ({"form": "bundled"}, 400),
    ({"scopes": []}, 400),
    ({"scopes": ["verify", "verify"]}, 400),
    ({"scopes": ["everything"]}, 400),
    ({"paper": {"notice_version": 1, "evidence_sha256": "0" * 64}}, 400),
    ({"served": None, "paper": {"notice_version": 1, "evidence_sha256": "0" * 64}, "form": "written"}, 403),
    ({"served": None, "paper": {"notice_version": 1, "evidence_sha256": "0" * 63}}, 400),
    ({"served": None, "paper": {"notice_version": 1}}, 400),
    ({"guardian": "the mother"}, 400),
    ({"guardian": GUARDIAN | {"relation": "friend"}}, 400),
    ({"guardian": GUARDIAN | {"evidence": "none"}}, 400),
    ({"guardian": {name: GUARDIAN[name] for name in ("ref", "relation", "checked_by")}}, 400),
    ({"guardian": {name: GUARDIAN[name] for name in ("ref", "relation", "evidence")}}, 400),
    ({"guardian": GUARDIAN | {"evidence_sha256": SCRIPT}}, 400),
    ({"guardian": GUARDIAN | {"ref": "guest-1"}}, 400),
    ({"guardian": GUARDIAN | {"name": "Jane"}}, 400),
    ({"age_class": "under_14"}, 400),
]


def test_a_decision_that_rests_on_nothing_or_says_too_much_is_refused(desk: Desk) -> None:
    for wrong, status in UNFOUNDED:
        answer = desk.consent("guest-1", **wrong)
        assert answer.status_code == status, wrong
        assert SCRIPT not in answer.text
    assert desk.get("/v1/consents?subject=guest-1").status_code == 404, "nobody came on file"


def test_script_in_a_text_is_text(desk: Desk) -> None:
    guardian = GUARDIAN | {"ref": f"{SCRIPT}.", "checked_by": SCRIPT, "evidence_sha256": "a" * 64}
    consent = given(desk, SCRIPT, age_class="under_14", guardian=guardian)

    listed = desk.get("/v1/consents", params={"subject": SCRIPT})
    assert listed.json()["subject"] == SCRIPT
    for answer in (listed, export(desk, consent), export(desk, consent, "kantara")):
        assert answer.headers["content-type"] in {"application/json", "application/ld+json"}
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_sheet_of_paper_is_entered_by_an_officer(desk: Desk) -> None:
    paper = {"notice_version": 1, "evidence_sha256": "ab" * 32}
    body = {"subject": "guest-1", "purpose": PURPOSE, "decision": "given", "form": "written", "scopes": ["verify"]}
    answer = desk.post("/v1/consents", body | {"paper": paper}, "officer")
    assert answer.status_code == 201

    (event,) = desk.get("/v1/consents?subject=guest-1").json()["events"]
    assert (event["on_paper"], event["served"], event["notice_version"]) == (True, None, 1)


# What was said, and where it stands.


def test_what_a_subject_said_is_listed_in_order_with_where_it_stands(desk: Desk) -> None:
    first = given(desk)
    given(desk, scopes=["verify"], expires_at="2999-01-01T00:00:00Z")
    assert desk.post("/v1/withdraw", {"subject": "guest-1", "purpose": PURPOSE}).status_code == 200

    body = desk.get("/v1/consents?subject=guest-1").json()
    assert [(each["said"], each["scopes"]) for each in body["events"]] == [
        ("given", ["enrol", "identify", "off_device_storage", "verify"]),
        ("given", ["verify"]),
        ("withdrawn", []),
    ]
    assert body["events"][0]["consent"] == first
    assert [(each["purpose"], each["state"]) for each in body["purposes"]] == [(PURPOSE, "withdrawn")]


def test_a_yes_that_has_ended_stands_as_expired(desk: Desk) -> None:
    clock = desk.hotel.clock
    ends = clock.now.replace(microsecond=0).isoformat()
    clock.forward(minutes=-30)
    consent = given(desk, "guest-1", expires_at=ends)
    clock.forward(minutes=31)

    (standing,) = desk.get("/v1/consents?subject=guest-1").json()["purposes"]
    assert (standing["state"], standing["notice_current"]) == ("expired", True)
    statuses = export(desk, consent).json()["dpv:hasConsentStatus"]
    assert [each["@type"] for each in statuses][1] == "dpv:ConsentExpired"
    assert statuses[0]["dpv:hasDuration"]["@type"] == "dpv:UntilTimeDuration"


def test_a_subject_sees_its_own_and_no_others(desk: Desk) -> None:
    other = given(desk, "guest-1")
    own = desk.get("/v1/consents", "subject")
    assert (own.status_code, own.json()["subject"]) == (200, "guest-0")
    assert desk.get("/v1/consents?subject=guest-0", "subject").json() == own.json()
    mine = own.json()["events"][0]["consent"]
    assert export(desk, mine, role="subject").status_code == 200

    nobody = desk.get("/v1/consents?subject=nobody", "subject")
    foreign = desk.get("/v1/consents?subject=guest-1", "subject")
    assert (foreign.status_code, foreign.json()["detail"]) == (404, nobody.json()["detail"])
    unknown = export(desk, "c2c0a4f4-9a1e-4c25-8b35-7f5bb6a3c1de", role="subject")
    for form in ("dpv", "kantara"):
        theirs = export(desk, other, form, role="subject")
        assert (theirs.status_code, theirs.json()["detail"]) == (404, unknown.json()["detail"])


def test_an_officer_names_whom_it_asks_about_and_others_may_not_ask(desk: Desk) -> None:
    assert desk.get("/v1/consents").status_code == 400
    assert desk.get("/v1/consents?subject=nobody").status_code == 404
    assert desk.get("/v1/consents?subject=a&subject=b").status_code == 400
    assert desk.get("/v1/consents?subject=%00").status_code == 400
    consent = given(desk)
    for role in ("device", "regulator"):
        assert desk.get("/v1/consents?subject=guest-1", role).status_code == 403
        assert export(desk, consent, role=role).status_code == 403
        assert desk.post("/v1/notices/served", {}, role).status_code == (400 if role == "device" else 403)
    assert desk.post("/v1/notices/served", {}, "subject").status_code == 403
