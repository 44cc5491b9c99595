"""Bad input through the door: a clear answer each time, nothing done, nothing lost, nothing repeated back."""

import io
import json
import struct
import zlib
from urllib.parse import quote

import pytest
from sqlalchemy import text

from countenance.store.database import Database
from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import about, records

SAID = {"subject": "guest-0", "purpose": PURPOSE, "session": {"started_by": "subject"}}


def huge_png() -> bytes:
    """A header that promises 30,000 × 30,000 pixels."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    data = zlib.compress(b"\0" * 1000)
    body = struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))
    return b"\x89PNG\r\n\x1a\n" + chunk + body


BAD_PICTURES = {
    "empty": (b"", 400),
    "text": (b"this is not a picture", 400),
    "truncated": (pictures.admiral()[: len(pictures.admiral()) // 2], 400),
    "html": (b"<html><script>alert(1)</script></html>", 400),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 400),
    "archive": (b"PK\x03\x04" + b"\0" * 100, 400),
    "thirty thousand": (huge_png(), 413),
    "too many bytes": (b"\xff\xd8\xff" + b"\0" * (16 * 2**20), 413),
}


@pytest.mark.parametrize("multipart", [True, False], ids=["multipart", "json"])
def test_a_picture_that_is_none_is_malformed_or_too_large(desk, multipart):
    flat = {"subject": "guest-0", "purpose": PURPOSE, "started_by": "subject", "purpose_prompted": "true"}
    for name, (picture, status) in BAD_PICTURES.items():
        if multipart:
            answer = desk.form("/v1/verify", picture, flat | {"alternative_offered": "true"})
        else:
            answer = desk.post("/v1/verify", about("guest-0", picture))
        assert (name, answer.status_code) == (name, status)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail_zh"]
    assert [each for each in records(desk) if each["kind"] == "verify"] == []


BAD_JSON = {
    "nothing": b"",
    "not json": b"{",
    "an array": b"[]",
    "a number": b"7",
    "null": b"null",
    "not utf-8": b'{"subject": "\xff\xfe"}',
    "utf-16": '{"subject": "x"}'.encode("utf-16"),
    "a field twice": b'{"subject": "a", "subject": "b", "purpose": "check-in"}',
    "nested deeply": b'{"subject": ' + b"[" * 3_000 + b"]" * 3_000 + b"}",
    "a huge number": b'{"subject": ' + b"9" * 10_000 + b"}",
    "not a number": b'{"subject": NaN}',
    "a lone surrogate": b'{"subject": "\\ud800", "purpose": "check-in"}',
    "a surrogate as a name": b'{"\\udfff": 1}',
    "nul": b'{"subject": "a\\u0000b", "purpose": "check-in"}',
    "a control character": b'{"subject": "a\\u0007b", "purpose": "check-in"}',
    "right to left override": b'{"subject": "a\\u202eb", "purpose": "check-in"}',
    "blank": b'{"subject": "   ", "purpose": "check-in"}',
    "empty": b'{"subject": "", "purpose": "check-in"}',
    "too long": json.dumps({"subject": "x" * 129, "purpose": "check-in"}).encode(),
    "a number for a text": b'{"subject": 4711, "purpose": "check-in"}',
    "a list for a text": b'{"subject": ["a"], "purpose": "check-in"}',
    "unknown field": b'{"subject": "a", "purpose": "check-in", "threshold": 0.1}',
    "script as a purpose": b'{"subject": "a", "purpose": "<script>alert(1)</script>"}',
    "sql as a purpose": b'{"subject": "a", "purpose": "\'; DROP TABLE subject; --"}',
    "path as a purpose": b'{"subject": "a", "purpose": "../../etc/passwd"}',
    "newline after a purpose": b'{"subject": "a", "purpose": "check-in\\n"}',
    "a missing field": b'{"subject": "a"}',
}


def test_a_body_that_is_wrong_is_malformed(desk):
    before, kind = len(records(desk)), {"Content-Type": "application/json"}
    for name, body in BAD_JSON.items():
        answer = desk.call("POST", "/v1/withdraw", "officer", content=body, headers=kind)
        assert (name, answer.status_code, answer.json()["type"]) == (name, 400, "/v1/problems/malformed")
        for echoed in ("DROP", "script", "passwd", "4711", "threshold", "99999"):
            assert echoed not in answer.text
    assert len(records(desk)) == before


WRONG_FIELDS: list[tuple[dict[str, object], str]] = [
    ({"sample": "!!!not base64"}, "sample"),
    ({"sample": "aGVsbG8"}, "sample"),
    ({"sample": "aGVs\nbG8="}, "sample"),
    ({"sample": 5}, "sample"),
    ({"sample": ""}, "sample"),
    ({"sample": None}, "sample"),
    ({"session": {"started_by": "ghost"}}, "session.started_by"),
    ({"session": {"purpose_prompted": "true"}}, "session.purpose_prompted"),
    ({"session": {"purpose_prompted": 1}}, "session.purpose_prompted"),
    ({"session": []}, "session"),
    ({"device": "Kiosk 1"}, "device"),
    ({"subject": None}, "subject"),
]


def test_the_wrong_field_is_named_and_its_value_is_not_repeated(desk):
    for changes, field in WRONG_FIELDS:
        answer = desk.post("/v1/verify", about("guest-0", pictures.admiral()) | changes)
        assert (changes, answer.status_code) == (changes, 400)
        assert f"The field {field} " in answer.json()["detail"]
        assert "ghost" not in answer.text


def test_a_caller_chooses_no_model_threshold_or_detector(desk):
    asked, said = about("guest-0", pictures.admiral()), {"subject": "guest-0", "purpose": PURPOSE}
    for field in ("threshold", "model", "detector", "detector_backend", "fmr", "anti_spoofing", "retention_days"):
        answers = (
            desk.post("/v1/verify", asked | {field: "1"}),
            desk.post("/v1/verify", asked | {"session": {field: "1"}}),
            desk.form("/v1/verify", pictures.admiral(), said | {field: "1"}),
            desk.post(f"/v1/verify?{field}=1", asked),
        )
        assert (field, [each.status_code for each in answers]) == (field, [400] * 4)
        assert not any(field in each.json()["detail"] for each in answers)


def part(name: str, value: bytes, extra: str = "") -> bytes:
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"


SAMPLE, SUBJECT, END = part("sample", b"x", '; filename="a"'), part("subject", b"a"), b"--b--\r\n"
PURPOSE_PART = part("purpose", b"check-in")
BAD_FORMS = {
    "nothing": b"",
    "no end": SAMPLE + SUBJECT + PURPOSE_PART,
    "cut in a part": (SAMPLE + SUBJECT + PURPOSE_PART)[:-20],
    "another boundary": (SAMPLE + SUBJECT + PURPOSE_PART + END).replace(b"--b", b"--c"),
    "a field twice": SAMPLE + SUBJECT + SUBJECT + PURPOSE_PART + END,
    "two pictures": SAMPLE + SAMPLE + SUBJECT + PURPOSE_PART + END,
    "no picture": SUBJECT + PURPOSE_PART + END,
    "no subject": SAMPLE + PURPOSE_PART + END,
    "text not utf-8": SAMPLE + part("subject", b"\xff\xfe") + PURPOSE_PART + END,
    "nul in text": SAMPLE + part("subject", b"a\0b") + PURPOSE_PART + END,
    "a name not utf-8": SAMPLE + SUBJECT + PURPOSE_PART + part("x", b"y").replace(b"x", b"\xff", 1) + END,
    "no name": SAMPLE + b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END,
    "no disposition": SAMPLE + b"--b\r\n\r\nx\r\n" + END,
    "a session object": SAMPLE + SUBJECT + PURPOSE_PART + part("session", b"{}") + END,
    "a long text": SAMPLE + part("subject", b"x" * 5000) + PURPOSE_PART + END,
    "many parts": SAMPLE + b"".join(part(f"f{number}", b"") for number in range(40)) + END,
    "encoded": SAMPLE + b'--b\r\nContent-Disposition: form-data; name="subject"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\nYQ==\r\n" + PURPOSE_PART + END,
    "a header without end": b"--b\r\nContent-Disposition: " + b"x" * 100_000,
}  # fmt: skip


def test_a_form_that_is_wrong_is_malformed(desk):
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    for name, body in BAD_FORMS.items():
        answer = desk.call("POST", "/v1/verify", "device", content=body, headers=kind)
        assert (name, answer.status_code, answer.json()["type"]) == (name, 400, "/v1/problems/malformed")


def test_a_form_by_hand_is_read(desk):
    """What the wrong forms are made of is right: the picture is reached, and is none."""
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    flags = part("started_by", b"subject") + part("purpose_prompted", b"true") + part("alternative_offered", b"true")
    right = SAMPLE + part("subject", b"guest-0") + PURPOSE_PART + flags + END
    answer = desk.call("POST", "/v1/verify", "device", content=right, headers=kind)
    assert answer.status_code == 400
    assert "picture" in answer.json()["detail"].lower()


def test_another_kind_of_body_is_not_read(desk):
    kinds = ("", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16",
             "application/jsonx", "multipart/form-data", "multipart/mixed; boundary=b")  # fmt: skip
    for kind in kinds:
        headers = {"Content-Type": kind} if kind else {}
        answer = desk.call("POST", "/v1/verify", "device", content=b"{}", headers=headers)
        assert (kind, answer.status_code, answer.json()["type"]) == (kind, 415, "/v1/problems/media_type")


def test_a_compressed_body_is_not_read(desk):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert desk.call("POST", "/v1/verify", "device", content=b"\x1f\x8b", headers=headers).status_code == 415


#: SQL, shell, template and script payloads of attack A9, for every field that takes free text.
PAYLOADS = (
    "'; DROP TABLE subject; --",
    "x' OR '1'='1",
    '"; SELECT pg_sleep(9); --',
    "$(touch /tmp/countenance-was-here)",
    "`reboot`",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    "%00%0d%0aSet-Cookie: a=b",
    "名字 🙂 Ω",
)


def test_text_is_text_and_nothing_else(desk):
    for payload in PAYLOADS:
        guardian = {"ref": f"{payload}.", "relation": "parent", "evidence": "birth_certificate", "checked_by": payload}
        assert desk.consent(payload, age_class="under_14", guardian=guardian).status_code == 201
        label = {"role": "subject", "label": payload, "subject": payload}
        assert desk.post("/v1/credentials", label, role="officer").status_code == 201
        assert payload in {each["label"] for each in desk.get("/v1/credentials").json()["credentials"]}
        assert desk.post("/v1/verify", about(payload, pictures.nobody())).status_code == 422
        seen = desk.get(f"/v1/subjects/{quote(payload, safe='')}/records")
        assert [each["record"]["kind"] for each in seen.json()["records"]] == ["verify", "consent"]
        assert desk.post("/v1/erase", {"subject": payload}, role="officer").status_code == 200
    everything = json.dumps(records(desk), ensure_ascii=False)
    assert [payload for payload in PAYLOADS if payload in everything] == []
    with desk.hotel.house.database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM subject")).scalar_one() == 1 + len(PAYLOADS)


def test_a_wrong_query_is_malformed(desk):
    for query in ("most=0", "most=1001", "most=x", "most=1&most=2", "kind=%27", "since=yesterday", "since=2026-01-01",
                  "since=0001-01-01T00:00:00%2B23:59", "offset=3", "=", "outcome=" + "x" * 99, "since=%"):  # fmt: skip
        answer = desk.get(f"/v1/records?{query}")
        assert (query, answer.status_code, answer.json()["type"]) == (query, 400, "/v1/problems/malformed")


def test_a_wrong_name_in_an_address_is_not_found(desk):
    for path in ("/v1/records/%00", "/v1/records/' OR 1=1", "/v1/subjects/%00/records",
                 "/v1/subjects/%ff%fe/records", "/v1/subjects//records", "/v1/problems/%00"):  # fmt: skip
        answer = desk.get(path)
        assert (path, answer.status_code, answer.json()["type"]) == (path, 404, "/v1/problems/not_found")


def test_a_wrong_credential_id_is_not_found(desk):
    for name in ("%00", "x' OR 1=1", "nobody", "%ff", "x" * 500):
        assert desk.call("DELETE", f"/v1/credentials/{name}", "officer").status_code == 404


def test_an_unknown_purpose_is_refused_and_on_record(desk):
    answer = desk.post("/v1/verify", about("guest-0", pictures.admiral(), purpose="gambling"))
    assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/refused")
    assert ["purpose.code"] in [each["facts"] for each in answer.json()["findings"]]
    assert records(desk)[0]["outcome"] == "refused"


def test_a_database_that_is_down_is_503_and_nothing_is_half_written(desk, monkeypatch):
    before = records(desk)
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", connections=1)
    real = desk.hotel.house.database
    with monkeypatch.context() as down:
        down.setattr(real, "engine", away.engine)
        for path, role in (("/v1/enrol", "device"), ("/v1/verify", "device"), ("/v1/erase", "officer")):
            answer = desk.post(path, about("guest-0", pictures.admiral()), role=role)
            assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/unavailable")
            assert answer.headers["retry-after"] == "5"
            assert "nobody" not in answer.text
        assert desk.get("/v1/health", role=None).status_code == 200
    away.close()
    assert records(desk) == before


def test_something_changed_in_the_store_stops_and_alarms(desk, caplog):
    desk.consent("guest-1")
    assert desk.post("/v1/enrol", about("guest-1", pictures.admiral())).status_code == 201
    with desk.hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE reference SET sealed = sealed || '\\x00'::bytea"))
    with caplog.at_level("CRITICAL", logger="countenance"):
        answer = desk.post("/v1/verify", about("guest-1", pictures.admiral()))
    assert (answer.status_code, answer.json()["type"]) == (503, "/v1/problems/integrity")
    assert [record.message for record in caplog.records] == ["integrity"]
    assert "countenance_alarms_total 1.0" in desk.get("/metrics", role=None).text


def test_the_last_officer_cannot_be_revoked(desk):
    (own,) = [each for each in desk.get("/v1/credentials").json()["credentials"] if each["role"] == "officer"]
    answer = desk.call("DELETE", f"/v1/credentials/{own['credential']}", "officer")
    assert (answer.status_code, answer.json()["type"]) == (409, "/v1/problems/conflict")
    assert desk.get("/v1/credentials").status_code == 200


def test_a_credential_for_nothing_is_not_issued(desk):
    for more in ({"role": "device"}, {"role": "device", "device": "no"}, {"role": "officer", "device": "kiosk-1"},
                 {"role": "subject"}, {"role": "subject", "subject": "nobody"}):  # fmt: skip
        assert (more, desk.post("/v1/credentials", {"label": "x"} | more, role="officer").status_code) == (more, 404)


def test_a_declared_name_or_type_of_a_picture_is_not_believed(desk):
    flat = {"subject": "guest-0", "purpose": PURPOSE, "started_by": "subject", "purpose_prompted": "true"}
    files = {"sample": ("../../x.php", io.BytesIO(pictures.nobody()), "text/html")}
    data = flat | {"alternative_offered": "true"}
    answer = desk.call("POST", "/v1/verify", "device", files=files, data=data)
    assert (answer.status_code, answer.json()["reason"]) == (422, "no_face")
