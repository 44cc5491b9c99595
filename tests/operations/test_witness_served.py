"""Witnesses as processes on this machine: made, served, asked by a log for its quorum, shown and stopped."""

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from countenance.app import now
from countenance.authority.witness import BODY_BYTES_MAX, cosigned_in, files_of
from countenance.errors import IntegrityError, UnavailableError
from countenance.log import check as checking
from countenance.log.notes import Note, SignatureKind, Verifier, opened
from countenance.log.policy import Policy
from countenance.log.tiles import LogFiles
from countenance.log.witnesses import WitnessClient, Witnesses
from tests.operations.test_database_tls import Authority
from tests.operations.witnessing import ORIGIN, Log, forked, served

#: The command line, less patient than it is in earnest.
PROGRAM = """
from countenance.authority import serving
from countenance.cli import main, witness
witness.IDLE_SECONDS_MAX = serving.BODY_SECONDS_MAX = 0.4
serving.application.__kwdefaults__["body_seconds_max"] = 0.4
main()
"""


def typed(*words: str, code: int = 0) -> str:
    """Type a command, and return what it prints."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, "witness", *words], capture_output=True, text=True, check=False, timeout=30
    )
    assert ended.returncode == code, ended.stderr + ended.stdout
    return ended.stdout + ended.stderr


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@contextmanager
def serving(directory: Path, policy: Path, *more: str) -> Iterator[str]:
    """Start a witness, yield its address once it listens, and stop the process that was started."""
    port = free_port()
    words = ["witness", "serve", "--directory", directory, "--policy", policy, "--port", port, *more]
    scheme = "https" if "--certificate" in more else "http"
    child = subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, words)], stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    try:
        said = ""
        while "Witnessing at" not in said:
            said = child.stderr.readline()
            assert said, "it ended"
        assert said.strip() == f"Witnessing at {scheme}://127.0.0.1:{port}/add-checkpoint"
        yield f"{scheme}://{'localhost' if scheme == 'https' else '127.0.0.1'}:{port}"
        assert child.poll() is None
    finally:
        child.terminate()
        child.communicate(timeout=20)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log")
    made.grow(300)
    return made


def policy_file(folder: Path, *lines: str, quorum: str = "none") -> Path:
    made = folder / "policy"
    made.write_text("".join(f"{line}\n" for line in (*lines, f"quorum {quorum}")))
    return made


def said_of(directory: Path, code: int = 0) -> dict:
    return json.loads(typed("status", "--directory", str(directory), "--json", code=code))


def test_a_log_gets_its_quorum_from_two_witnesses_and_a_fork_is_shown(tmp_path: Path, log: Log):
    with served(log.files.directory) as address:
        known = policy_file(tmp_path, f"log {log.vkey} {address}")
        one, two = tmp_path / "one", tmp_path / "two"
        keys = [
            typed("make", "--directory", str(each), "--name", f"witness.example/{each.name}").strip()
            for each in (one, two)
        ]
        assert typed("make", "--directory", str(one), "--name", "x", code=1)
        assert [Verifier.of_vkey(each).name for each in keys] == ["witness.example/one", "witness.example/two"]
        with serving(one, known, "--mirror-every", "1") as first, serving(two, known) as second:
            policy = Policy.parse(
                f"log {log.vkey}\nwitness one {keys[0]} {first}\nwitness two {keys[1]} {second}\n"
                "group both 2 one two\nquorum both\n".encode()
            )
            witnesses = Witnesses(policy)
            for many in (0, 1, 700):
                log.grow(many)
                found = witnesses.cosign(log.note(), log.proof, int(now().timestamp()))
                assert (found.met, found.failed) == (True, {})
                log.files.publish(found.note)
                assert policy.met_by(Note.parse(found.note))
                assert opened(found.note, log.signer.verifier)[0] == log.checkpoint()
            witnesses.close()
            mirrored = wait_for_mirror(one, log.size)
            fork = forked(tmp_path, log, 100, log.size)
            client = WitnessClient(second, Verifier.of_vkey(keys[1]))
            with pytest.raises(IntegrityError):
                client.ask(fork.note(), fork.proof, int(now().timestamp()))
            client.close()
    assert [each.checkpoint for each in cosigned_in(two)] == [log.checkpoint()]
    report = checking.check(LogFiles(Path(mirrored)), log.signer.verifier, lambda *_: None)
    assert (report.size, report.found) == (1001, {})
    assert said_of(one)["alarms"] == []
    shown = said_of(two, code=1)["alarms"]
    assert [(each["kind"], each["proven"], each["size"]) for each in shown] == [("fork", True, 1001)]
    told = typed("status", "--directory", str(two), code=1)
    assert "ALARM fork (proven" in told
    assert shown[0]["folder"] in told


def wait_for_mirror(directory: Path, size: int) -> str:
    """Return where the mirror lies once it has come so far."""
    for _ in range(100):
        logs = said_of(directory)["logs"]
        if logs and logs[0]["mirrored"] == size:
            return str(logs[0]["mirror"])
        time.sleep(0.1)
    raise AssertionError(logs)


def test_it_is_mirrored_once_by_hand(tmp_path: Path, log: Log):
    directory = tmp_path / "w"
    typed("make", "--directory", str(directory), "--name", "witness.example/w")
    words = ["mirror", "--directory", str(directory)]
    with served(log.files.directory) as address:
        known = str(policy_file(tmp_path, f"log {log.vkey} {address}"))
        assert typed(*words, "--policy", known) == "hotel.example/log/hotel/1: 300 entries, 300 of them new\n"
        log.grow(5)
        assert typed(*words, "--policy", known) == "hotel.example/log/hotel/1: 305 entries, 5 of them new\n"
    assert "cannot be reached" in typed(*words, "--policy", known, code=1)
    assert "no witness" in typed("status", "--directory", str(tmp_path / "x"), code=1)


def asked(url: str, method: str, path: str, body: bytes | None = None) -> tuple[int, str | None, bytes]:
    held = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        held.request(method, path, body)
        reply = held.getresponse()
        return reply.status, reply.getheader("Content-Type"), reply.read()
    finally:
        held.close()


def test_every_status_comes_over_http(tmp_path: Path, log: Log):
    directory = tmp_path / "w"
    typed("make", "--directory", str(directory), "--name", "witness.example/w")
    other = Log(tmp_path / "other", "other.example/log")
    other.grow(1)
    with serving(directory, policy_file(tmp_path, f"log {log.vkey}")) as url:

        def post(body: bytes) -> tuple[int, str | None, bytes]:
            return asked(url, "POST", "/add-checkpoint", body)

        assert post(log.asks(3)) == (409, "text/x.tlog.size", b"0\n")
        assert post(log.asks(0))[0] == 200
        assert post(log.asks(0)) == (409, "text/x.tlog.size", b"300\n")
        assert post(log.asks(300, proof=[bytes(32)]))[0] == 422
        assert post(other.asks(0))[0] == 404
        assert post(log.asks(300, log.note().replace(b"\n300\n", b"\n301\n"), []))[0] == 403
        assert post(log.asks(301, proof=[]))[0] == 400
        assert post(b"")[0] == 400
        assert post(b"x" * BODY_BYTES_MAX)[0] == 400
        assert post(b"x" * (BODY_BYTES_MAX + 1))[0] == 413
        assert asked(url, "GET", "/add-checkpoint")[0] == 405
        for path in ("/", "/checkpoint", "/add-checkpoint/", "/../keys", "/docs"):
            assert asked(url, "POST", path, b"x")[0] == 404
        same = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        for _ in range(3):  # a connection is kept
            same.request("POST", "/add-checkpoint", log.asks(300))
            assert same.getresponse().read().startswith("— witness.example/w ".encode())
        same.close()
        (files_of(directory, ORIGIN).directory / "cosigned").write_bytes(b"")
        assert post(log.asks(300))[0] == 503


def raw(url: str) -> socket.socket:
    where = urlsplit(url)
    return socket.create_connection((where.hostname, where.port), timeout=10)


def test_slow_ones_are_let_go_and_hold_up_nobody(tmp_path: Path, log: Log):
    directory = tmp_path / "w"
    typed("make", "--directory", str(directory), "--name", "witness.example/w")
    head = b"POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"
    with serving(directory, policy_file(tmp_path, f"log {log.vkey}")) as url:
        silent, half, bodiless = raw(url), raw(url), [raw(url) for _ in range(20)]
        half.sendall(head)
        for each in bodiless:
            each.sendall(head + b"\r\nold 0\n")
        assert asked(url, "POST", "/add-checkpoint", log.asks(0))[0] == 200
        assert silent.recv(100) == half.recv(100) == b""
        for each in bodiless:
            assert each.recv(100).startswith(b"HTTP/1.1 408")
        for each in (silent, half, *bodiless):
            each.close()


def test_over_tls_the_other_side_is_who_it_says(tmp_path: Path, log: Log, monkeypatch):
    directory, issuer = tmp_path / "w", Authority()
    key = Verifier.of_vkey(typed("make", "--directory", str(directory), "--name", "witness.example/w").strip())
    for name in ("localhost", "elsewhere"):
        certificate, private = issuer.certify(name)
        (tmp_path / "certificate").write_bytes(certificate)
        (tmp_path / "private").write_bytes(private)
        (tmp_path / "issuer").write_bytes(issuer.certificate)
        tls = ["--certificate", str(tmp_path / "certificate"), "--key", str(tmp_path / "private")]
        with serving(directory, policy_file(tmp_path, f"log {log.vkey}"), *tls) as url:
            for known in (False, True):
                monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / ("issuer" if known else "policy")))
                with closing(WitnessClient(url, key)) as client:
                    if known and name == "localhost":
                        for _ in range(2):
                            assert client.ask(log.note(), log.proof, int(now().timestamp()))
                    else:
                        with pytest.raises(UnavailableError):
                            client.ask(log.note(), log.proof, int(now().timestamp()))


def test_a_handshake_that_hangs_is_bounded(log: Log):
    key = Verifier("w", SignatureKind.COSIGNATURE, bytes(32))
    with socket.create_server(("127.0.0.1", 0)) as held:  # takes the connection, and says nothing
        client = WitnessClient(f"https://127.0.0.1:{held.getsockname()[1]}", key, seconds_max=0.4)
        with pytest.raises(UnavailableError, match="in time"):
            client.ask(log.note(), log.proof, 0)
        client.close()


def test_what_cannot_be_served_is_said(tmp_path: Path, log: Log):
    directory = tmp_path / "w"
    words = ["serve", "--directory", str(directory), "--policy", str(policy_file(tmp_path, f"log {log.vkey}"))]
    assert "no witness" in typed(*words, code=1)
    typed("make", "--directory", str(directory), "--name", "witness.example/w")
    assert "TLS" in typed(*words, "--host", "0.0.0.0", code=2)
    assert "together" in typed(*words, "--certificate", str(directory / "vkey"), code=2)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert "port" in typed(*words, "--port", str(taken.getsockname()[1]), code=1)
    policy_file(tmp_path, "log nonsense")
    assert "Line 1" in typed(*words, code=2)
