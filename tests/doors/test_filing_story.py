"""An operator and its authority as two real processes: from the pairing over the line to the deregistration.

The network between them is cut in the middle, and comes back: nothing is lost, and nothing is doubled.
"""

import json
import os
import shutil
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from countenance.client import Client
from countenance.engines import Engine
from countenance.store import embedded
from tests import pictures
from tests.database import HOTEL, KIOSK, PURPOSE
from tests.doors.test_cli_authority import Authority, authority
from tests.law.conftest import write_pack

__all__ = ["authority"]

FRONT = (
    "parameters:\n  filing_persons_reached: {values: {2024-01-01: 2}, reference: two}\n"
    "  filing_working_days: {values: {2024-01-01: 30}, reference: thirty days}\n"
)
CEDAR = 'forbid (principal, action == Action::"enrol", resource) when { context.operator.filing == "overdue" };'


class Between(socketserver.ThreadingTCPServer):
    """The network between the two: passes everything on, or cuts each connection after so many bytes sent up."""

    allow_reuse_address = True
    daemon_threads = False

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.target = port
        self.cut_after: int | None = None
        self.passed = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Passing(socketserver.BaseRequestHandler):
    server: Between

    def handle(self) -> None:
        self.request.settimeout(30)
        with socket.create_connection(("127.0.0.1", self.server.target), timeout=30) as up:
            back = threading.Thread(target=self._back, args=(up,), daemon=True)
            back.start()
            sent = 0
            while data := self.request.recv(4096):
                most = self.server.cut_after
                sent += len(data)
                self.server.passed += len(data)
                if most is not None and sent > most:
                    break
                up.sendall(data)
            self._end(up)
            self._end(self.request)
            back.join(timeout=5)

    def _back(self, up: socket.socket) -> None:
        try:
            while data := up.recv(65536):
                self.request.sendall(data)
        except OSError:
            return
        finally:
            self._end(self.request)

    @staticmethod
    def _end(end: socket.socket) -> None:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


@pytest.fixture
def between(authority: Authority) -> Iterator[Between]:
    with Between(authority.port) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@dataclass
class Hotel:
    """An operator's server on its own embedded database, and what is typed on its machine."""

    folder: Path
    pack: Path
    port: int = field(default_factory=_free)
    officer: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("COUNTENANCE_")}
        named = {
            "DATA_DIR": self.folder,
            "PORT": self.port,
            "PUBLIC_URL": self.url,
            "URL": self.url,
            "TOKEN": self.officer,
            "LOG_NAME": "hotel.example",
            "LAW_PACKS": f"cn-2025,cn-2023-draft,{self.pack}",
        }
        return clean | {f"COUNTENANCE_{name}": str(value) for name, value in named.items()}

    def __call__(self, *words: str, code: int = 0) -> str:
        command = [sys.executable, "-m", "countenance", *words]
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=110)
        assert ended.returncode == code, ended.stderr + ended.stdout
        return ended.stdout + ended.stderr

    @contextmanager
    def serving(self) -> Iterator[None]:
        command = [sys.executable, "-m", "countenance", "serve"]
        child = subprocess.Popen(command, env=self.environment, stderr=subprocess.PIPE, text=True)
        assert child.stderr is not None
        drained = threading.Thread(target=child.stderr.read, daemon=True)
        try:
            said = ""
            while "Serving on" not in said:
                said = child.stderr.readline()
                assert said, "it ended"
            drained.start()
            yield
        finally:
            child.terminate()
            child.wait(timeout=60)
            drained.join(timeout=10)
            child.stderr.close()

    def token(self, role: str, *more: str) -> str:
        path = self.folder / f"{role}.token"
        self("credential", "issue", role, "--to", str(path), *more)
        return path.read_text().strip()

    def state(self) -> dict[str, Any]:
        said = json.loads(self("filing", "status", "--json"))["filing"]
        return next(each for each in said if each["pack"] == self.pack.name)

    def messages(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self("filing", "messages", "--json"))["messages"]
        return found

    def enrol(self, kiosk: Client, ref: str, picture: bytes) -> None:
        served = kiosk.serve_notice(purpose=PURPOSE, language="en")
        scopes = ["enrol", "verify", "identify", "off_device_storage"]
        kiosk.consent(
            subject=ref, purpose=PURPOSE, decision="given", served=served["served"], form="separate",
            scopes=scopes, age_class="adult",
        )  # fmt: skip
        session = {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True}
        kiosk.enrol(picture, subject=ref, purpose=PURPOSE, device=KIOSK, session=session)


@pytest.fixture
def hotel(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hotel]:
    assert engine.model_id  # its networks are converted already; a start takes them over
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    shutil.copytree(tmp_path_factory.getbasetemp().parent / "engine", folder / "data")
    pack = write_pack(folder / "two", {"1": CEDAR}, front=FRONT)
    yield Hotel(folder / "data", pack)
    embedded.stop(folder / "data" / "postgres")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.timeout(900)
def test_a_filing_goes_its_whole_way_between_two_processes(
    authority: Authority, hotel: Hotel, between: Between
) -> None:
    authority.environment["COUNTENANCE_AUTHORITY_PRIVATE_LOGS"] = "true"
    hotel("site", "apply", str(HOTEL))
    hotel.officer = hotel.token("officer")
    device = hotel.token("device", "--device", KIOSK)
    with authority.serving(), hotel.serving():
        _pair(authority, hotel, between)
        with Client(hotel.url, device) as kiosk:
            _cross(hotel, kiosk)
        case = _file_across_a_cut(authority, hotel, between)
        _ask_and_return(authority, hotel, case)
        _amend(authority, hotel)
        _inspect(authority, hotel)
        _stop(authority, hotel)


def _pair(authority: Authority, hotel: Hotel, between: Between) -> None:
    hotel("activate", PURPOSE)
    hotel("register", KIOSK, "--purpose", PURPOSE)
    code = next(word for word in authority("code").split() if word.count("-") == 7)
    assert "Paired" in hotel("filing", "pair", between.url, code)
    assert "Paired" in hotel("filing", "pair", between.url, code), "an answer that was lost is given again"


def _cross(hotel: Hotel, kiosk: Client) -> None:
    """Cross the line: the duty is raised by the enrolment that reaches it."""
    hotel.enrol(kiosk, "one", pictures.admiral())
    assert hotel.state()["state"] == "not_due"
    hotel.enrol(kiosk, "two", pictures.astronaut())
    due = hotel.state()
    assert (due["state"], due["demands"], due["persons"]) == ("due", "first", 2)
    assert due["working_days_left"] >= 20, "thirty, or less where next year's holidays are not announced yet"
    told = json.loads(hotel("filing", "deadlines", "--json"))["deadlines"]
    assert any(each["kind"].startswith("filing") for each in told)


def _file_across_a_cut(authority: Authority, hotel: Hotel, between: Between) -> str:
    """File while the network is cut in the middle of the documents, then while it is there; return the case."""
    between.cut_after = 20_000
    assert "--pack" in hotel("filing", "send", "--act", "first", code=2), "nothing is left undone in silence"
    assert "It waits" in hotel("filing", "send", "--pack", "two", code=1)
    assert hotel.state()["state"] == "due", "what was not receipted is not filed"
    between.cut_after = None
    hotel("filing", "send")
    filed = hotel.state()
    assert (filed["state"], filed["number"], filed["demands"]) == ("filed", None, None)
    (case,) = json.loads(authority("cases", "--json"))
    assert len([each for each in hotel.messages() if each["kind"] == "filing"]) == 1
    return str(case["case"])


def _ask_and_return(authority: Authority, hotel: Hotel, case: str) -> None:
    """The authority asks, the operator answers; it returns the filing, and the duty stands again."""
    authority("ask", case, "How many desks are there?")
    hotel("filing", "send")
    question = next(each for each in hotel.messages() if each["kind"] == "question")
    assert question["text"] == "How many desks are there?"
    hotel("filing", "answer", question["id"], "One, at all hours.")
    authority("return", case, "The name differs from the licence.")
    hotel("filing", "send")
    assert (hotel.state()["state"], hotel.state()["demands"]) == ("due", "first")


def _amend(authority: Authority, hotel: Hotel) -> None:
    """Amend; the authority takes it into the register under a number, which comes back."""
    first = next(each for each in hotel.messages() if each["kind"] == "filing")
    hotel("filing", "send", "--pack", "two", "--amends", first["id"])
    (case, *_) = json.loads(authority("cases", "--json"))
    authority("accept", str(case["case"]), "--number", "2026-7")
    hotel("filing", "send")
    assert (hotel.state()["state"], hotel.state()["number"]) == ("filed", "2026-7")


def _inspect(authority: Authority, hotel: Hotel) -> None:
    """The authority looks at the operator's log from outside, and finds in it what was stated."""
    (party,) = json.loads(authority("parties", "--json"))
    time.sleep(2)  # what was recorded a moment ago is put into the log behind the commit
    assert "WRONG" not in authority("inspect", party["party"], "--order", "2026-I-1")
    hotel("filing", "send")
    assert any(each["kind"] == "inspected" for each in hotel.messages())


def _stop(authority: Authority, hotel: Hotel) -> None:
    """Use stops: a deregistration is due, and filed with what was destroyed."""
    hotel("deactivate", PURPOSE)
    assert hotel.state()["demands"] == "deregistration"
    hotel("filing", "send", "--pack", "two")
    assert hotel.state()["demands"] is None
    acts = [each["act"] for each in json.loads(authority("cases", "--json"))]
    assert "deregistration" in acts
