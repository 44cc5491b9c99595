"""Receipts over REST: the token alone, from anywhere, paced by address, and never shown again."""

import json
import re
from uuid import UUID, uuid4

import pytest

from countenance.api.wire import ReceiptGiven
from countenance.client import Client, Problem
from countenance.operations import receipts as operation
from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import SESSION, about, records, shown


def given(desk, ref="guest-1", **changes):
    """Let a guest consent, and return the receipt's token as a role of the desk."""
    answer = desk.consent(ref, **changes)
    assert answer.status_code == 201
    desk.tokens["receipt"] = answer.json()["receipt"]["token"]
    return answer.json()


def test_a_guest_with_nothing_but_the_receipt_sees_all_and_ends_it(desk):
    consent = given(desk)
    receipt = consent["receipt"]
    assert re.fullmatch(r"cr_[a-z2-7]{12}_[A-Za-z0-9_-]{43}", receipt["token"])
    assert (receipt["id"], receipt["expires_at"]) == (receipt["token"][3:15], None)
    assert receipt["url"] == f"http://127.0.0.1:8000/r#{receipt['token']}"
    desk.post("/v1/enrol", about("guest-1", pictures.admiral()))
    desk.post("/v1/verify", about("guest-1", pictures.admiral_again()))
    desk.post("/v1/verify", about("guest-1", pictures.admiral(), session={}))

    seen = desk.get("/v1/receipt", role="receipt").json()
    assert (seen["state"], seen["about"]["use"]["record"]) == ("given", consent["record"])
    assert {(each["pack"], each["article"]) for each in seen["about"]["use"]["articles"]} >= {("cn-2025", "6")}
    uses = desk.get("/v1/receipt/uses", role="receipt").json()
    assert [(use["action"], use["outcome"]) for use in uses["uses"]] == [
        ("verify", "refused"),
        ("verify", "match"),
        ("enrol", "enrolled"),
    ]
    assert [each["article"] for each in uses["uses"][0]["articles"]] == ["9"]
    first = desk.get("/v1/receipt/uses?most=2", role="receipt").json()
    rest = desk.get(f"/v1/receipt/uses?most=2&before={first['next']}", role="receipt").json()
    assert ([*first["uses"], *rest["uses"]], rest["next"]) == (uses["uses"], None)
    assert desk.get("/v1/receipt/certificate", role="receipt").status_code == 409

    withdrawn = desk.call("POST", "/v1/receipt/withdraw", "receipt")

    assert withdrawn.status_code == 200
    assert withdrawn.json()["destroyed"] == {"keys": 1, "references": 1, "originals": 0, "purposes": [PURPOSE]}
    assert desk.post("/v1/verify", about("guest-1", pictures.admiral())).status_code == 403
    for again in (
        desk.call("POST", "/v1/receipt/withdraw", "receipt"),
        desk.get("/v1/receipt/certificate", role="receipt"),
    ):
        assert again.json() == withdrawn.json()
    assert desk.get("/v1/receipt", role="receipt").json()["certificate"] == withdrawn.json()


def test_after_erasure_the_certificate_is_left(desk):
    given(desk)
    desk.post("/v1/enrol", about("guest-1", pictures.admiral()))
    erased = desk.post("/v1/erase", {"subject": "guest-1"}, role="officer").json()

    seen = desk.get("/v1/receipt", role="receipt").json()

    assert (seen["state"], seen["about"]) == ("erased", None)
    assert seen["certificate"]["record"] == erased["record"]
    assert seen["certificate"]["destroyed"] == erased["destroyed"]
    assert desk.get("/v1/receipt/uses", role="receipt").status_code == 404


def test_a_no_has_no_receipt(desk):
    assert desk.consent("guest-1", decision="refused", form=None, scopes=[]).json()["receipt"] is None


def test_a_use_has_its_receipt_and_only_of_who_made_it(desk):
    given(desk)
    used = desk.post("/v1/verify", about("guest-1", pictures.nobody())).json()["record"]["id"]
    assert desk.post("/v1/receipts", {"record": used}, role="officer").status_code == 404
    assert desk.post("/v1/receipts", {"record": str(uuid4())}).status_code == 404
    taken = desk.post("/v1/receipts", {"record": used})
    assert taken.status_code == 201
    desk.tokens["use"] = taken.json()["receipt"]["token"]
    assert desk.post("/v1/receipts", {"record": used}).status_code == 409
    seen = desk.get("/v1/receipt", role="use").json()
    assert (seen["kind"], seen["about"]["use"]["outcome"]) == ("use", "failure_to_acquire")
    for method, path in (("GET", "uses"), ("POST", "withdraw"), ("GET", "certificate")):
        answer = desk.call(method, f"/v1/receipt/{path}", "use")
        assert (path, answer.status_code, answer.json()["type"]) == (path, 403, "/v1/problems/not_allowed")


def test_a_qr_code_is_svg_of_the_public_address(make_desk, monkeypatch):
    desk = make_desk(public_url="https://faces.harbour.example")
    receipt = given(desk)["receipt"]
    assert receipt["url"].startswith("https://faces.harbour.example/r#cr_")
    drawn = []

    def seen(url):
        drawn.append(url)
        return b"<svg/>"

    monkeypatch.setattr("countenance.operations.receipts.qr", seen)
    desk.get("/v1/receipt/qr", role="receipt")
    monkeypatch.undo()
    assert drawn == [receipt["url"]]
    answer = desk.get("/v1/receipt/qr", role="receipt")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert answer.content == operation.qr(receipt["url"])


def test_a_wrong_receipt_is_401_whatever_is_wrong(desk):
    given(desk, "guest-2")
    other = desk.tokens["receipt"]
    given(desk)
    token = desk.tokens["receipt"]
    assert desk.get("/v1/receipt", role="receipt").status_code == 200
    wrong = [
        token[:-1],
        token[:20],
        token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1],
        other[:15] + token[15:],
        "cr_aaaaaaaaaaaa_" + "A" * 43,
        "cn" + token[2:],
        token.upper(),
        token + "x" * 8000,
        "' OR 1=1 --",
    ]
    plain = desk.get("/v1/receipt", role=None)
    for path in ("GET /v1/receipt", "POST /v1/receipt/withdraw"):
        for each in wrong:
            method, _, address = path.partition(" ")
            answer = desk.call(method, address, None, headers={"Authorization": f"Bearer {each}"})
            assert (each, answer.status_code) == (each, 401)
            assert answer.json() | {"instance": ""} == plain.json() | {"instance": ""}
            assert len(answer.content) == len(plain.content)


def test_an_expired_receipt_is_like_one_that_never_was(desk):
    given(desk)
    desk.call("POST", "/v1/receipt/withdraw", "receipt")
    desk.hotel.clock.forward(days=1095)
    answer = desk.get("/v1/receipt/certificate", role="receipt")
    assert (answer.status_code, answer.json() | {"instance": ""}) == (
        401,
        desk.get("/v1/receipt", role=None).json() | {"instance": ""},
    )


def test_many_requests_from_one_address_are_paced_and_nobody_else_waits(make_desk):
    desk = make_desk(receipt_requests_per_minute=5)
    given(desk)
    wrong = {"Authorization": "Bearer cr_aaaaaaaaaaaa_" + "A" * 43}
    # uvicorn takes the address from the header where the connection comes from this machine, as from a proxy here.
    flood = [desk.get("/v1/receipt", role=None, headers=wrong | {"X-Forwarded-For": "192.0.2.1"}) for _ in range(12)]
    codes = [answer.status_code for answer in flood]
    assert codes[:5] == [401] * 5
    assert codes.count(429) >= 6
    paced = next(answer for answer in flood if answer.status_code == 429)
    assert (paced.json()["type"], paced.headers["retry-after"]) == ("/v1/problems/too_many", "12")
    guest = {"X-Forwarded-For": "192.0.2.2"}
    assert desk.get("/v1/receipt", role="receipt", headers=guest).status_code == 200
    assert desk.call("POST", "/v1/receipt/withdraw", "receipt", headers=guest).status_code == 200
    assert desk.get("/v1/records", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 200, "credentials are paced"


def test_the_token_is_in_no_record_log_or_repr(desk, caplog):
    with caplog.at_level("DEBUG"):
        token = given(desk)["receipt"]["token"]
        later = [
            desk.get("/v1/receipt", role="receipt"),
            desk.get("/v1/receipt/uses", role="receipt"),
            desk.get("/v1/receipt/qr", role="receipt"),
            desk.call("POST", "/v1/receipt/withdraw", "receipt"),
            desk.get(f"/v1/receipt/uses?{token}", role="receipt"),
        ]
    secret = token.split("_", 2)[2]
    assert [answer.status_code for answer in later] == [200, 200, 200, 200, 400]
    logged = [vars(record) for record in caplog.records if record.name.startswith("countenance")]
    assert len(logged) > 5
    for seen in (*map(shown, later), json.dumps(records(desk)), str(logged)):
        assert secret not in seen
    issued = operation.ReceiptIssued("abcdefghijkl", None, token)
    answer = ReceiptGiven.of(issued, "https://faces.example")
    assert answer.token == token
    assert secret not in repr(issued) + repr(answer) + str(answer)


def test_the_client_with_a_receipt(desk):
    url = str(desk.client.base_url)
    given(desk)
    with Client(url, desk.tokens["device"]) as kiosk:
        kiosk.enrol(pictures.admiral(), subject="guest-1", purpose=PURPOSE, session=SESSION)
        verified = kiosk.verify(pictures.admiral_again(), subject="guest-1", purpose=PURPOSE, session=SESSION)
        taken = kiosk.take_receipt(verified["record"]["id"])["receipt"]
    with Client(url, taken["token"]) as use:
        assert use.receipt()["about"]["use"]["outcome"] == "match"
        with pytest.raises(Problem) as raised:
            use.receipt_withdraw()
        assert raised.value.status == 403
    with Client(url, desk.tokens["receipt"]) as guest:
        assert guest.receipt_qr().startswith("<?xml")
        newest = guest.receipt_uses(most=1)
        assert guest.receipt_uses(before=newest["next"])["uses"][0]["action"] == "enrol"
        certificate = guest.receipt_withdraw()
        assert certificate == guest.receipt_certificate()
        assert UUID(certificate["record"]["id"])
    with Client(url, "cr_x") as nobody, pytest.raises(Problem) as unknown:
        nobody.receipt_qr()
    assert unknown.value.status == 401
