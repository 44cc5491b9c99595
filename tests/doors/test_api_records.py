"""What is on file and on record, and to whom it is shown: not to another subject, and not to another operator."""

import hashlib
import json
from datetime import timedelta

from sqlalchemy import text

from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import NEIGHBOUR, about, records


def test_a_subject_sees_every_use_of_its_own_data_and_nothing_else(desk):
    desk.consent("guest-1")
    desk.post("/v1/verify", about("guest-0", pictures.nobody()))
    desk.post("/v1/verify", about("guest-1", pictures.nobody()))
    seen = desk.get("/v1/subjects/guest-0/records", role="subject").json()["records"]
    assert [each["record"]["kind"] for each in seen] == ["verify", "consent"]
    assert len({each["record"]["subject"] for each in seen}) == 1
    other = desk.get("/v1/subjects/guest-1/records", role="subject")
    nobody = desk.get("/v1/subjects/guest-9/records", role="subject")
    assert (other.status_code, nobody.status_code) == (404, 404)
    assert other.json() | {"instance": ""} == nobody.json() | {"instance": ""}


def test_after_erasure_nothing_ties_the_records_to_the_person(desk):
    desk.consent("guest-1")
    mark = desk.get("/v1/subjects/guest-1/records").json()["records"][0]["record"]["subject"]
    desk.post("/v1/erase", {"subject": "guest-1"}, role="officer")
    assert desk.get("/v1/subjects/guest-1/records").status_code == 404
    desk.consent("guest-1")
    fresh = desk.get("/v1/subjects/guest-1/records").json()["records"]
    assert len(fresh) == 1
    assert fresh[0]["record"]["subject"] != mark


def test_records_are_narrowed_and_newest_first(desk):
    desk.hotel.clock.forward(seconds=10)
    moment = desk.hotel.clock()
    desk.post("/v1/verify", about("guest-0", pictures.nobody()))
    desk.post("/v1/withdraw", {"subject": "guest-0", "purpose": PURPOSE})
    assert [each["kind"] for each in records(desk)] == ["withdraw", "verify", "consent", "notice"]

    def kinds(query):
        answer = desk.get(f"/v1/records?{query}", role="regulator")
        return [each["record"]["kind"] for each in answer.json()["records"]]

    assert kinds("kind=verify") == ["verify"]
    assert kinds("outcome=given") == ["consent"]
    assert kinds("most=1") == ["withdraw"]
    assert kinds(f"since={moment:%Y-%m-%dT%H:%M:%SZ}") == ["withdraw", "verify"]
    assert kinds(f"since={moment + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}") == []
    assert kinds("kind=erase") == []


def test_a_record_that_was_changed_says_so(desk):
    record, _ = desk.get("/v1/records").json()["records"]
    assert record["intact"] is True
    canonical = json.dumps(record["record"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert record["digest"] == f"sha256:{hashlib.sha256(canonical).hexdigest()}"
    with desk.hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE record SET body = replace(convert_from(body, 'UTF8'), 'given', 'grave')::bytea"))
    changed, untouched = desk.get("/v1/records").json()["records"]
    assert (changed["intact"], untouched["intact"]) == (False, True)


def test_issuing_and_revoking_are_on_record_without_the_secret(desk):
    made = desk.post("/v1/credentials", {"role": "regulator", "label": "the bureau"}, role="officer").json()
    desk.call("DELETE", f"/v1/credentials/{made['credential']}", "officer")
    seen = [each for each in records(desk) if each["kind"] == "credential"]
    assert [each["outcome"] for each in seen] == ["revoked", "issued"]
    assert {each["details"]["credential"] for each in seen} == {made["credential"]}
    everything = json.dumps(records(desk)) + desk.get("/v1/credentials").text
    assert made["token"] not in everything
    assert made["token"].split("_", 2)[2] not in everything
    assert desk.call("DELETE", f"/v1/credentials/{made['credential']}", "officer").status_code == 404


def test_one_operator_knows_nothing_of_another(neighbour):
    desk, theirs = neighbour, "neighbour officer"
    record, _ = desk.get("/v1/records").json()["records"]
    credential = desk.get("/v1/credentials").json()["credentials"][0]["credential"]
    assert desk.get("/v1/operator", role=theirs).json()["operator_id"] == NEIGHBOUR
    assert desk.get("/v1/records", role=theirs).json() == {"records": []}
    assert desk.get("/v1/records", role="neighbour regulator").json() == {"records": []}
    assert desk.get(f"/v1/records/{record['record']['id']}", role=theirs).status_code == 404
    assert desk.get("/v1/subjects/guest-0/records", role=theirs).status_code == 404
    assert desk.post("/v1/erase", {"subject": "guest-0"}, role=theirs).status_code == 404
    assert desk.call("DELETE", f"/v1/credentials/{credential}", theirs).status_code == 404
    assert len(desk.get("/v1/credentials", role=theirs).json()["credentials"]) == 2
    consent = desk.consent(None).json()["consent"]
    asked = {"consent": consent, "purpose": PURPOSE, "device": "kiosk-1", "sample": "AAAA"}
    assert desk.post("/v1/identify", asked, role=theirs).status_code == 404
    assert desk.get("/v1/subjects/guest-0/records").status_code == 200
