"""The exchange over HTTP as an operator meets it: bounded, continued where it was cut off, and never doubled."""

import hashlib
import json
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn
from sqlalchemy import create_engine, text

from countenance.app.authority import (
    AuthoritySettings,
    authority_threads,
    make_authority_application,
    read_authority_settings,
)
from countenance.authority.desk import Desk
from countenance.authority.witness import cosigned_in
from countenance.errors import MalformedError
from countenance.filing.exchange import LogAddress, fingerprint, read_code
from countenance.log.notes import NOTE_BYTES_MAX, Note, Verifier
from tests.operations.exchanging import CLERK, Clock, Operator, make_desk, persons, register_database
from tests.operations.witnessing import Log

NOTE = {"Content-Type": "text/plain; charset=utf-8"}
FORM = b"form " * 50_000


@dataclass
class Server:
    """An authority behind real HTTP, and an operator that has its address."""

    desk: Desk
    url: str
    client: httpx.Client
    clock: Clock

    def post(self, path: str, note: bytes, **headers: str) -> httpx.Response:
        return self.client.post(path, content=note, headers=NOTE | headers)

    def put(self, content: bytes, name: str | None = None) -> httpx.Response:
        return self.client.put(f"/exchange/attachments/{name or sha(content)}", content=content)

    def pairs(self, operator: Operator) -> None:
        code = self.desk.code(CLERK).code
        key = Verifier.of_vkey(self.client.get("/exchange/key").text)
        assert fingerprint(key.as_vkey()) == read_code(code)[1]
        answer = self.post("/exchange/pair", operator.pairs(code, key))
        assert answer.status_code == 200, answer.text
        assert operator.opens(answer.content).kind == "paired"

    def raw(self, head: str, body: bytes = b"") -> tuple[int, bytes]:
        """Send a request as it stands and read until the other side has answered."""
        parts = urlsplit(self.url)
        with closing(socket.create_connection((parts.hostname, parts.port), timeout=20)) as held:
            held.sendall(head.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body)
            found = b""
            while b"\r\n\r\n" not in found and (part := held.recv(65536)):
                found += part
        return int(found.split(b" ")[1]), found


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@contextmanager
def serving(desk: Desk) -> Iterator[str]:
    settings = AuthoritySettings()
    application = make_authority_application(desk, settings, authority_threads(settings))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(
            uvicorn.Config(application, http="h11", log_config=None, access_log=False, lifespan="off")
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def server(postgres: str, tmp_path: Path) -> Iterator[Server]:
    clock = Clock()
    with register_database(postgres) as database:
        desk = make_desk(database, tmp_path, clock)
        with serving(desk) as url, httpx.Client(base_url=url, timeout=30) as client:
            yield Server(desk, url, client, clock)


@pytest.fixture
def hotel(server: Server) -> Operator:
    made = Operator(clock=server.clock)
    server.pairs(made)
    return made


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, Any]:
    """Make sure of a problem of the exchange, in both languages."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["type"] == f"/exchange/problems/{name}"
    assert all(said[each] for each in ("title", "title_zh", "detail", "detail_zh", "instance"))
    return said


def test_pair_file_and_collect(server: Server, hotel: Operator):
    note = hotel.files(FORM)
    receipt = hotel.receipt(server.post("/exchange/messages", note).content)
    assert receipt.missing == (sha(FORM),)
    assert server.put(FORM).status_code == 204
    answer = server.post("/exchange/messages", note)
    assert answer.headers["content-type"] == NOTE["Content-Type"]
    assert hotel.receipt(answer.content).missing == ()
    (case,) = server.desk.cases()
    server.desk.accept(case.case_id, CLERK)
    found = server.post("/exchange/collect", hotel.collects()).json()
    assert not found["more"]
    (sent,) = found["messages"]
    assert hotel.opens(sent["note"].encode()).says().number == "2025-000001"
    assert server.post("/exchange/collect", hotel.collects(sent["number"])).json() == {"messages": [], "more": False}
    register = server.client.get("/register.json")
    assert register.json()["filings"][0]["number"] == "2025-000001"
    assert register.headers["access-control-allow-origin"] == "*"
    table = server.client.get("/register.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert table.text.splitlines()[1].startswith("2025-000001,The Hotel,")


def test_a_lost_answer_and_a_replay_change_nothing(server: Server, hotel: Operator):
    note = hotel.files(FORM)
    server.post("/exchange/messages", note)
    # The answer to the file is lost, and so is the one to the message: everything is sent again.
    server.put(FORM)
    problem(server.put(FORM), 404, "not_found")
    first = server.post("/exchange/messages", note).content
    server.clock.forward(days=1)
    assert server.post("/exchange/messages", note).content == first
    assert len(server.desk.cases()) == 1


def test_what_is_not_signed_by_a_pinned_key_is_refused_alike(server: Server, hotel: Operator):
    liar = Operator(seed=9, clock=server.clock, authority=hotel.authority)
    stranger = Operator("inn.example", 2, clock=server.clock, authority=hotel.authority)
    good = hotel.states(persons(9_900))
    said = {
        problem(server.post(path, note), 403, "not_known")["detail"]
        for path in ("/exchange/messages", "/exchange/collect")
        for note in (liar.states(persons(1)), stranger.states(persons(1)), good.replace(b"9900", b"1100"))
    }
    assert len(said) == 1
    server.clock.forward(hours=1)
    problem(server.post("/exchange/collect", hotel.collects(at=server.clock.now.replace(hour=1))), 403, "not_known")
    problem(
        server.post("/exchange/pair", stranger.pairs("0" * 32, server.desk.office.signer.verifier)), 403, "not_known"
    )
    assert server.post("/exchange/messages", good).status_code == 200
    assert server.desk.parties()[0].refused == 4, "a late message is its sender's own, and no forgery under its name"


def test_what_cannot_be_read_and_what_does_not_stand(server: Server, hotel: Operator):
    problem(server.post("/exchange/messages", b"hello"), 400, "malformed")
    problem(server.post("/exchange/pair", hotel.states(persons(1))), 400, "malformed")
    problem(server.post("/exchange/messages", hotel.files(amends=sha(b""))), 409, "conflict")
    problem(server.client.get("/exchange/nothing"), 404, "not_found")
    problem(server.client.put("/exchange/attachments/abc", content=b"x"), 404, "not_found")
    problem(server.client.get("/exchange/messages"), 405, "method")
    problem(server.post("/exchange/messages", b"x", **{"Content-Encoding": "gzip"}), 400, "malformed")
    explained = server.client.get("/exchange/problems/not_known")
    assert explained.json()["title_zh"]
    problem(server.client.get("/exchange/problems/none"), 404, "not_found")


def test_a_nul_and_a_day_that_no_calendar_has_are_malformed(server: Server, hotel: Operator):
    text = Note.parse(hotel.states(persons(1), told="?")).text
    for said in ("\\u0000", "\x7f", "\u202e"):
        odd = text.replace('"told":"?"', f'"told":"{said}"')
        assert odd != text
        note = f"{odd}\n{hotel.signer.sign(odd)}".encode()
        problem(server.post("/exchange/messages", note), 400, "malformed")
    problem(server.post("/exchange/messages", hotel.states(persons(1), date(9999, 12, 31))), 400, "malformed")
    assert server.desk.deadlines() == []


def test_a_note_that_is_too_long_is_refused(server: Server, hotel: Operator):
    long = bytes(NOTE_BYTES_MAX + 1)
    problem(server.post("/exchange/messages", long), 413, "too_large")
    answer = server.client.post("/exchange/messages", content=iter([long[:40_000], long[40_000:]]), headers=NOTE)
    problem(answer, 413, "too_large")


def test_two_gigabytes_are_refused_before_they_are_read(server: Server, hotel: Operator):
    server.post("/exchange/messages", hotel.files(FORM))
    host = urlsplit(server.url).netloc
    for path, status in ((f"attachments/{sha(FORM)}", 413), (f"attachments/{sha(b'')}", 404), ("messages", 413)):
        verb = "POST" if path == "messages" else "PUT"
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        head = f"{verb} /exchange/{path} HTTP/1.1\nHost: {host}\nContent-Length: {2 << 30}\nExpect: 100-continue"
        answered, found = server.raw(head)
        assert answered == status, found
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 << 10
    assert drafts(server) == []


def test_two_gigabytes_that_nobody_declared_are_cut_off(server: Server, hotel: Operator):
    server.post("/exchange/messages", hotel.files(FORM))
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 2 << 30:
            sent += 1 << 16
            yield bytes(1 << 16)

    try:
        answer = server.client.put(f"/exchange/attachments/{sha(FORM)}", content=endless())
    except httpx.TransportError:
        pass  # the server hung up while it was still being sent to
    else:
        problem(answer, 413, "too_large")
    assert sent < 64 << 20
    assert drafts(server) == []
    assert server.put(FORM).status_code == 204


def drafts(server: Server) -> list[Path]:
    folder = server.desk.office.files.path(bytes(32)).parent.parent
    return [each for each in folder.rglob("*") if each.is_file()] if folder.exists() else []


def test_a_file_cut_off_in_the_middle_is_sent_again(server: Server, hotel: Operator):
    note = hotel.files(FORM)
    server.post("/exchange/messages", note)
    parts = urlsplit(server.url)
    head = f"PUT /exchange/attachments/{sha(FORM)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(FORM)}\r\n\r\n"
    with closing(socket.create_connection((parts.hostname, parts.port), timeout=20)) as held:
        held.sendall(head.encode() + FORM[:100_000])
    assert hotel.receipt(server.post("/exchange/messages", note).content).missing == (sha(FORM),)
    assert server.put(FORM).status_code == 204
    assert hotel.receipt(server.post("/exchange/messages", note).content).missing == ()
    for _ in range(200):  # the one that was cut off is noticed in its own time
        if len(drafts(server)) == 1:
            break
        threading.Event().wait(0.05)
    assert [each.name for each in drafts(server)] == [sha(FORM)]
    assert len(server.desk.cases()) == 1


def test_another_file_under_the_name_is_refused(server: Server, hotel: Operator):
    server.post("/exchange/messages", hotel.files(FORM))
    problem(server.put(FORM[:-1] + b"!", sha(FORM)), 400, "malformed")
    problem(server.put(FORM[:-1], sha(FORM)), 400, "malformed")
    assert drafts(server) == []


def test_of_two_at_once_each_is_taken_once(server: Server, hotel: Operator):
    files = [b"document %d" % each for each in range(3)]
    note = hotel.files(*files)
    failed: list[str] = []

    def act() -> None:
        with httpx.Client(base_url=server.url, timeout=30) as client:
            answer = client.post("/exchange/messages", content=note, headers=NOTE)
            for each in hotel.receipt(answer.content).missing:
                content = next(one for one in files if sha(one) == each)
                put = client.put(f"/exchange/attachments/{each}", content=content)
                if put.status_code not in {204, 404}:  # another was first
                    failed.append(put.text)

    threads = [threading.Thread(target=act) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert hotel.receipt(server.post("/exchange/messages", note).content).missing == ()
    assert len(server.desk.cases()) == 1
    assert sorted(each.name for each in drafts(server)) == sorted(map(sha, files))


def test_the_database_away_is_503_and_nothing_is_lost(server: Server, hotel: Operator, postgres: str):
    note = hotel.files(FORM)
    server.post("/exchange/messages", note)
    name = server.desk.office.database.engine.url.database
    assert name is not None
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'))
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"
        connection.execute(text(ended), {"name": name})
        for answer in (
            server.post("/exchange/messages", note),
            server.put(FORM),
            server.post("/exchange/collect", hotel.collects()),
        ):
            assert name not in json.dumps(problem(answer, 503, "unavailable"))
            assert answer.headers["retry-after"]
        assert server.client.get("/exchange/key").status_code == 200
        connection.execute(text(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'))
    admin.dispose()
    assert server.put(FORM).status_code == 204
    assert hotel.receipt(server.post("/exchange/messages", note).content).missing == ()
    assert len(server.desk.cases()) == 1


def test_it_witnesses_the_logs_of_its_parties(server: Server, tmp_path: Path):
    log = Log(tmp_path / "log")
    log.grow(3)
    assert server.client.post("/add-checkpoint", content=log.asks(0)).status_code == 404
    server.pairs(Operator(clock=server.clock, log=LogAddress(vkey=log.vkey, url="http://127.0.0.1:1/")))
    assert server.client.post("/add-checkpoint", content=log.asks(0)).status_code == 200
    assert [each.checkpoint.size for each in cosigned_in(server.desk.office.witness.directory)] == [3]


def test_nothing_is_cached_framed_or_sniffed(server: Server):
    for path in ("/exchange/key", "/register.json", "/exchange/nothing"):
        headers = server.client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]


@pytest.mark.parametrize(
    "given",
    [
        {"HOST": "0.0.0.0"},
        {"PUBLIC_URL": "http://authority.example"},
        {"PUBLIC_URL": "authority.example"},
        {"PORT": "0"},
        {"PORT": "many"},
        {"NOTHING": "1"},
        {"TLS_KEY_FILE": "key.pem"},
        {"LOG_LEVEL": "loud"},
        {"LAW_PACKS": ","},
        {"DATABASE_URL_FILE": "absent"},
        {"TLS_ELSEWHERE": "perhaps"},
    ],
)
def test_settings_that_would_switch_a_protection_off_are_refused(given: dict[str, str]):
    with pytest.raises(MalformedError) as raised:
        read_authority_settings({f"COUNTENANCE_AUTHORITY_{name}": value for name, value in given.items()})
    assert f"COUNTENANCE_AUTHORITY_{next(iter(given))}" in raised.value.en or "TLS" in raised.value.en


def test_settings_have_safe_defaults():
    found = read_authority_settings({"COUNTENANCE_PORT": "1", "COUNTENANCE_AUTHORITY_LAW_PACKS": "a, b"})
    assert (found.host, found.port, found.law_packs, found.strict) == ("127.0.0.1", 8020, ("a", "b"), False)
    behind = {"COUNTENANCE_AUTHORITY_HOST": "::", "COUNTENANCE_AUTHORITY_TLS_ELSEWHERE": "true"}
    assert read_authority_settings(behind).host == "::"
