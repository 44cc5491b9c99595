"""Size, number and time: what is too much is refused while it arrives, and a picture never touches the disk."""

import json
import os
import socket
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import pictures
from tests.database import PURPOSE
from tests.doors.conftest import about, records

MB = 2**20


def head(desk, path, token, *lines):
    parts = (f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *lines)
    credential = [f"Authorization: Bearer {desk.tokens[token]}"] if token else []
    return "\r\n".join([*parts, *credential, "", ""]).encode()


def connected(desk):
    address = urlsplit(str(desk.client.base_url))
    return socket.create_connection((address.hostname, address.port), timeout=30)


def read_answer(connection):
    """Return status line, headers and body until the server closes or the body is whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = connection.recv(65536)
        if not more:
            break
        data += more
    top, _, body = data.partition(b"\r\n\r\n")
    lines = top.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, json.loads(body)


def memory():
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGESIZE")


def pour(connection, chunk, times):
    """Send until told to stop or until the server closes; return how many bytes were taken."""
    sent = 0
    for _ in range(times):
        try:
            connection.sendall(chunk)
        except OSError:
            break
        sent += len(chunk)
    return sent


def test_a_gigabyte_that_is_declared_is_refused_unread(desk):
    with connected(desk) as connection:
        connection.sendall(head(desk, "/v1/verify", "device", f"Content-Length: {2**30}"))
        status, headers, body = read_answer(connection)
    assert (status, body["type"], headers["connection"]) == (413, "/v1/problems/too_large", "close")


def test_a_gigabyte_in_chunks_is_refused_while_it_is_read(desk):
    before = memory()
    with connected(desk) as connection:
        connection.sendall(head(desk, "/v1/verify", "device", "Transfer-Encoding: chunked"))
        answered = []

        def listen():
            answered.append(read_answer(connection))

        listener = threading.Thread(target=listen)
        listener.start()
        chunk = f"{MB:x}\r\n".encode() + b" " * MB + b"\r\n"
        taken = pour(connection, chunk, 1024)
        listener.join(timeout=30)
    ((status, headers, body),) = answered
    assert (status, body["type"], headers["connection"]) == (413, "/v1/problems/too_large", "close")
    assert 20 * MB < taken < 64 * MB, "the body was not refused while it was read"
    assert memory() - before < 200 * MB
    assert desk.get("/v1/health", role=None).status_code == 200


def test_a_body_without_a_picture_is_short(desk):
    answer = desk.post("/v1/withdraw", {"subject": "x" * 70_000, "purpose": PURPOSE})
    assert (answer.status_code, answer.json()["type"]) == (413, "/v1/problems/too_large")


def test_json_that_would_swell_in_memory_is_not_parsed(desk, monkeypatch):
    def parsed(*_, **__):
        raise AssertionError("it was parsed")

    body = b'{"sample": [' + b"{}," * (6 * MB) + b"{}]}"
    with monkeypatch.context() as watched:
        watched.setattr(json, "loads", parsed)
        answer = desk.call("POST", "/v1/verify", "device", content=body, headers={"Content-Type": "application/json"})
        seen = desk.call("POST", "/v1/verify", "device", content=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, "/v1/problems/malformed")
    assert seen.status_code == 500, "the watch saw nothing"


@pytest.mark.parametrize("token", [None, "subject"], ids=["nobody", "wrong role"])
def test_who_may_not_call_is_told_before_the_body_is_read(desk, token):
    with connected(desk) as connection:
        connection.sendall(head(desk, "/v1/verify", token, f"Content-Length: {2**30}", "Expect: 100-continue"))
        status, headers, _ = read_answer(connection)
    assert status == (403 if token else 401)  # and not 100, which would ask for the body
    assert headers["connection"] == "close"


def test_who_sends_a_whole_body_before_reading_still_gets_the_answer(desk):
    with connected(desk) as connection:
        connection.sendall(head(desk, "/v1/verify", None, f"Content-Length: {3 * MB}"))
        assert pour(connection, b" " * MB, 3) == 3 * MB
        status, headers, _ = read_answer(connection)
        assert (status, headers["connection"]) == (401, "close")
        assert connection.recv(1) == b"", "the connection was torn down and not closed"


def test_a_body_that_ends_early_does_nothing(desk):
    before = len(records(desk))
    body = json.dumps(about("guest-0", pictures.admiral())).encode()
    with connected(desk) as connection:
        connection.sendall(head(desk, "/v1/verify", "device", f"Content-Length: {len(body)}") + body[:-10])
    assert desk.get("/v1/health", role=None).status_code == 200
    assert len(records(desk)) == before


def test_a_body_that_trickles_is_given_up(desk, monkeypatch):
    monkeypatch.setattr("countenance.reception.body.BODY_SECONDS_MAX", 0.2)
    with connected(desk) as connection:
        connection.sendall(head(desk, "/v1/verify", "device", "Content-Length: 100") + b"{")
        status, headers, body = read_answer(connection)
    assert (status, body["type"], headers["connection"]) == (408, "/v1/problems/too_slow", "close")


def test_lengths_that_contradict_each_other_are_not_believed(desk):
    """Two readings of where a request ends are how one caller's request is smuggled into another's."""
    for lines in (
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: -1",),
        ("Content-Length: 1e3",),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: gzip, chunked",),
    ):
        with connected(desk) as connection:
            connection.sendall(head(desk, "/v1/withdraw", "officer", *lines) + b"{}")
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(65536)
        assert b" 200 " not in answer.split(b"\r\n")[0], lines


@pytest.mark.parametrize("multipart", [True, False], ids=["multipart", "json"])
def test_a_large_picture_never_touches_the_disk(desk, monkeypatch, multipart):
    """Every way to a temporary file is closed, and the picture is well over what a framework would keep in memory."""

    def refuse(*_, **__):
        raise AssertionError("a temporary file was asked for")

    for name in ("SpooledTemporaryFile", "TemporaryFile", "NamedTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    monkeypatch.setattr("starlette.formparsers.SpooledTemporaryFile", refuse)
    monkeypatch.setattr("starlette.datastructures.UploadFile.__init__", refuse)
    picture = pictures.nobody() + b"\0" * (5 * MB)
    opened, real = [], os.open

    def seen(path, *more, **named):
        opened.append(path)
        return real(path, *more, **named)

    monkeypatch.setattr(os, "open", seen)
    if multipart:
        flat = {"subject": "guest-0", "purpose": PURPOSE, "started_by": "subject", "purpose_prompted": "true"}
        answer = desk.form("/v1/verify", picture, flat | {"alternative_offered": "true"})
    else:
        answer = desk.post("/v1/verify", about("guest-0", picture))
    assert (answer.status_code, answer.json()["type"]) == (422, "/v1/problems/failure_to_acquire"), answer.text
    assert opened == []


class Slow:
    """Holds requests in the engine until it is told to let go."""

    def __init__(self, monkeypatch):
        self.inside = threading.Semaphore(0)
        self.go = threading.Event()
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        monkeypatch.setattr("countenance.operations.verify.verify", self)

    def __call__(self, *_):
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.inside.release()
        self.go.wait(30)
        with self._lock:
            self._now -= 1
        raise KeyError


def test_one_request_too_many_is_told_to_come_back(make_desk, monkeypatch):
    desk = make_desk(requests_at_once_max=3)
    slow, answers = Slow(monkeypatch), []
    ask = [
        threading.Thread(target=lambda: answers.append(desk.post("/v1/verify", about("guest-0", b"x")).status_code))
        for _ in range(3)
    ]
    for thread in ask:
        thread.start()
    for _ in range(3):
        assert slow.inside.acquire(timeout=30)
    over = desk.post("/v1/verify", about("guest-0", b"x"))
    assert (over.status_code, over.json()["type"], over.headers["retry-after"]) == (429, "/v1/problems/too_many", "1")
    assert desk.get("/v1/records").status_code == 429
    assert desk.get("/v1/health", role=None).status_code == 200
    assert desk.get("/v1/ready", role=None).status_code == 200
    slow.go.set()
    for thread in ask:
        thread.join(timeout=30)
    assert answers == [500, 500, 500]
    assert desk.get("/v1/records").status_code == 200, "a place in the queue was not given back"


def test_threads_are_bounded_and_requests_beyond_them_wait(make_desk, monkeypatch):
    desk = make_desk(engine_workers=1)
    slow, answers = Slow(monkeypatch), []
    ask = [
        threading.Thread(target=lambda: answers.append(desk.post("/v1/verify", about("guest-0", b"x")).status_code))
        for _ in range(12)
    ]
    for thread in ask:
        thread.start()
    for _ in range(2):
        assert slow.inside.acquire(timeout=30)
    time.sleep(0.3)  # long enough for a third to get in, if it could
    assert slow.most == 2
    withdrawn = desk.post("/v1/withdraw", {"subject": "nobody", "purpose": "check-in"})
    assert withdrawn.status_code == 404, "a withdrawal waited for pictures"
    slow.go.set()
    for thread in ask:
        thread.join(timeout=30)
    assert answers == [500] * 12
