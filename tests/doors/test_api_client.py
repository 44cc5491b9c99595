"""The client against the real server: every method, its errors, and what it never does."""

import inspect
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import ClassVar

import pytest

from countenance.api import description
from countenance.client import Client, NotAcquired, Problem, Refused, Unreachable
from countenance.errors import MalformedError
from countenance.log.notes import Verifier
from countenance.log.proofs import Proof
from countenance.operations.sequence import Sequencer
from tests import pictures
from tests.database import OPERATOR, PURPOSE
from tests.doors.conftest import SESSION

SAID = {"subject": "guest-1", "purpose": PURPOSE, "session": SESSION}


@pytest.fixture
def client(desk):
    """A client of the kiosk."""
    with Client(str(desk.client.base_url), desk.tokens["device"]) as made:
        yield made


@pytest.fixture
def officer(desk):
    """A client of the officer."""
    with Client(str(desk.client.base_url), desk.tokens["officer"]) as made:
        yield made


def agree(client, subject=None):
    scopes = ["enrol", "verify", "identify", "off_device_storage"]
    decided = {"decision": "given", "form": "separate", "scopes": scopes, "age_class": "adult"}
    decided["served"] = client.serve_notice(purpose=PURPOSE, language="en")["served"]
    return client.consent(purpose=PURPOSE, subject=subject, **decided)


def test_the_main_line(client, officer):
    agree(client, "guest-1")
    assert client.enrol(pictures.admiral(), **SAID)["references"] == 1
    assert client.verify(pictures.admiral_again(), **SAID)["outcome"] == "match"
    assert client.verify(pictures.astronaut(), **SAID)["outcome"] == "non_match"
    consent = agree(client)["consent"]
    found = client.identify(pictures.admiral_again(), consent=consent, purpose=PURPOSE, session=SESSION)
    assert found["subject"] == "guest-1"
    seen = officer.subject_records("guest-1", most=2)["records"]
    assert [(each["record"]["kind"], each["record"]["outcome"]) for each in seen] == [
        ("identify", "match"),
        ("verify", "non_match"),
    ]
    assert client.withdraw(subject="guest-1", purpose=PURPOSE)["destroyed"]["keys"] == 1
    assert officer.erase(subject="guest-1")["receipt"]["en"]


def test_what_is_on_file_and_on_record(client, officer):
    assert client.operator()["operator_id"] == "harbour-hotel"
    assert [each["code"] for each in client.purposes()["purposes"]] == [PURPOSE]
    assert client.venues()["venues"]
    assert len(client.places()["places"]) == 2
    assert {each["device_id"] for each in client.devices()["devices"]} == {"kiosk-1", "room-camera"}
    assert client.alternatives()["alternatives"][0]["working"] is True
    assert client.notices(purpose=PURPOSE)["notices"][0]["text"]["zh"]["who"]
    assert client.notices(purpose="none-such")["notices"] == []
    listed = officer.records(kind="consent", outcome="given", since="2020-01-01T00:00:00Z", most=1)["records"]
    assert officer.record(listed[0]["record"]["id"]) == listed[0]
    assert officer.records(since="2999-01-01T00:00:00Z")["records"] == []
    assert client.health() == {"alive": True}
    assert client.ready()["ready"] is True


def test_what_a_subject_asks_for(desk, officer):
    with Client(str(desk.client.base_url), desk.tokens["subject"]) as person:
        asked = person.open_request(kind="correct", text="Sixteen.", purpose=PURPOSE)["request"]["request"]
        assert [each["request"] for each in officer.requests(state="open", most=1)["requests"]] == [asked]
        assert officer.request(asked)["text"] == "Sixteen."
        done = officer.answer_request(asked, outcome="granted", text="So it is.", age_class="14_to_17")
        assert done["request"]["state"] == "answered"
        own = person.own_data(most=1)
        assert (own["age_class"], own["requests"][0]["answer"]) == ("14_to_17", "So it is.")
        assert person.own_data(before=own["earlier"])["records"]
        assert officer.subject_data("guest-0", most=1)["subject"] == "guest-0"
        assert officer.issue_link(subject="guest-0")["url"].startswith("http://127.0.0.1:8000/me#cl_")


def test_credentials_come_and_go(desk, officer):
    made = officer.issue_credential(role="device", label="second key", device="kiosk-1")
    with Client(str(desk.client.base_url), made["token"]) as fresh:
        assert fresh.operator()
        assert made["credential"] in {each["credential"] for each in officer.credentials()["credentials"]}
        assert officer.revoke_credential(made["credential"])["credential"] == made["credential"]
        with pytest.raises(Problem) as raised:
            fresh.operator()
    assert (raised.value.status, raised.value.type) == (401, "/v1/problems/unknown_caller")


def test_the_log_and_its_proofs(desk, client, officer):
    with Client(str(desk.client.base_url), agree(client, "guest-1")["receipt"]["token"]) as holder:
        house = desk.hotel.house
        Sequencer(house.database, house.logs, house.clock).step_all()
        key = Verifier.of_vkey(client.log()["vkey"])
        about = holder.receipt()["about"]["use"]["record"]
        proofs = [holder.receipt_proof(), holder.receipt_proof(about["id"]), officer.record_proof(about["id"])]
    assert {Proof.parse(each).check(key).size for each in proofs} == {client.log()["size"]}
    assert client.log_file(OPERATOR, 1, "vkey").decode().strip() == key.as_vkey()
    with pytest.raises(Problem) as raised:
        client.log_file(OPERATOR, 1, "tile/0/999")
    assert raised.value.status == 404


def test_every_operation_has_a_method():
    operations = {each["operationId"] for held in description()["paths"].values() for each in held.values()}
    methods = {name for name, _ in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")}
    names = {"issue": "issue_credential", "revoke": "revoke_credential"}
    without = {"description", "problem", "metrics"}
    assert {names.get(each, each) for each in operations - without} == methods - {"close"}


def test_a_refusal_is_an_exception_of_its_own(client):
    with pytest.raises(Refused) as raised:
        client.verify(pictures.admiral(), subject="guest-1", purpose=PURPOSE)
    refused = raised.value
    assert (refused.status, refused.exit_code) == (403, 3)
    assert refused.findings[0]["reason"]["zh"]
    assert "session.started_by" in refused.missing
    assert refused.record is not None
    assert refused.request_id
    assert repr(refused) == "Refused(403, '/v1/problems/refused')"


def test_other_problems_have_their_exit_codes(client):
    agree(client, "guest-1")
    with pytest.raises(NotAcquired) as none:
        client.verify(pictures.nobody(), **SAID)
    assert (none.value.exit_code, none.value.body["reason"]) == (1, "no_face")
    with pytest.raises(Problem) as wrong:
        client.verify(b"no picture", **SAID)
    assert (wrong.value.status, wrong.value.exit_code) == (400, 2)
    with pytest.raises(Problem) as absent:
        client.withdraw(subject="nobody", purpose=PURPOSE)
    assert (absent.value.status, absent.value.exit_code) == (404, 1)


def test_a_picture_too_large_is_told_even_while_it_is_sent(client):
    agree(client, "guest-1")
    for size in (17, 80):  # over what a picture may have, over what a body may have
        with pytest.raises(Problem) as raised:
            client.verify(b"\xff\xd8\xff" + b"\0" * (size * 2**20), **SAID)
        assert (size, raised.value.status, raised.value.exit_code) == (size, 413, 2)
    assert client.health() == {"alive": True}


def test_an_enrolment_repeated_with_a_key_is_one(client):
    agree(client, "guest-1")
    first = client.enrol(pictures.admiral(), idempotency_key="one", **SAID)
    assert client.enrol(pictures.admiral(), idempotency_key="one", **SAID) == first
    assert client.enrol(pictures.admiral(), **SAID)["references"] == 2


def test_text_of_any_script_travels(client, officer):
    for subject in ("名字 🙂", 'a"b\\c', "a/b?c=d&e#f", "a;b=c", "a+b %20"):
        agree(client, subject)
        assert client.enrol(pictures.admiral(), subject=subject, purpose=PURPOSE, session=SESSION)
        assert len(officer.subject_records(subject)["records"]) == 2
        client.withdraw(subject=subject, purpose=PURPOSE)  # so that the next is no double


def test_connections_are_kept_and_a_closed_one_is_noticed(desk, client):
    client.health()
    (kept,) = client._idle
    client.health()
    assert client._idle == [kept]
    kept.sock.shutdown(socket.SHUT_RDWR)
    assert client.health() == {"alive": True}
    assert client._idle != [kept]


def test_one_client_serves_many_threads(client):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(client.operator()["name"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(answers) == 8
    assert len(client._idle) <= 8


def test_the_credential_is_not_shown(client, desk):
    token = desk.tokens["device"]
    assert token not in repr(client) + str(client)


def test_a_server_that_is_not_there(desk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(Unreachable) as raised:
        Client(f"http://127.0.0.1:{port}", "x").health()
    assert (raised.value.status, raised.value.exit_code) == (0, 1)
    assert raised.value.detail_zh


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8000", "", "http://", "http://a@127.0.0.1/", "http://x:port/",
                                 "http://127.0.0.1/?a=b"])  # fmt: skip
def test_an_address_that_is_none(url):
    with pytest.raises(MalformedError):
        Client(url)


def test_a_credential_does_not_travel_in_the_clear():
    for url in ("http://faces.example", "http://192.0.2.1:8000", "http://127.0.0.1.evil.example"):
        with pytest.raises(MalformedError, match="unencrypted"):
            Client(url, "cn_x")
    for url in ("https://faces.example", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"):
        assert Client(url, "cn_x")


class Elsewhere(BaseHTTPRequestHandler):
    """A server that is none of ours: it sends its callers elsewhere, or speaks HTML."""

    seen: ClassVar[list[str]] = []

    def do_GET(self):
        self.seen.append(self.path)
        self.send_response(302 if self.path == "/v1/ready" else 200)
        self.send_header("Location", "/stolen")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, *_):
        pass


def test_redirects_are_not_followed_and_other_servers_are_noticed():
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        client = Client(f"http://127.0.0.1:{server.server_port}", "secret")
        for ask, status in ((client.ready, 302), (client.health, 200)):
            with pytest.raises(Problem) as raised:
                ask()
            assert raised.value.status == status
        server.shutdown()
        thread.join(timeout=10)
    assert Elsewhere.seen == ["/v1/ready", "/v1/health"]
