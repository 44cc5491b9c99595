"""The authority as a process: one command starts it, a filing goes its whole way, and it is killed in the middle."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from countenance.app import now
from countenance.app.authority import open_desk, read_authority_settings
from countenance.authority import pairing
from countenance.cli import app
from countenance.errors import CountenanceError, IntegrityError, LimitError, MalformedError
from countenance.filing.exchange import Kind, Reply, attachment
from countenance.log.notes import Verifier
from countenance.store import embedded
from tests.operations.exchanging import DOCX, DRAFT, Operator, register_database

FORM = b"form " * 1000


@dataclass
class Authority:
    """An authority's data directory, and the commands that are typed on its machine."""

    folder: Path
    port: int
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = {"DATA_DIR": self.folder, "PORT": self.port, "PUBLIC_URL": self.url, "KEY_NAME": "authority.example"}
        named = {f"COUNTENANCE_AUTHORITY_{name}": str(value) for name, value in settings.items()}
        self.environment = {**os.environ, **named}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __call__(self, *words: str, code: int = 0) -> str:
        """Type a command, and return what it prints, or what it says is wrong."""
        done = CliRunner().invoke(app, ["authority", *words], env=self.environment)
        if isinstance(done.exception, CountenanceError):
            assert code == (2 if isinstance(done.exception, MalformedError | LimitError) else 1), done.exception.en
            return f"{done.exception.en} {done.exception.zh}"
        assert done.exit_code == code, done.output
        return done.stdout

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[str]]:
        """Serve in a process of its own, which is stopped at the end, if it was not before."""
        child = subprocess.Popen(
            [sys.executable, "-m", "countenance", "authority", "serve"],
            env=self.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stderr is not None
        try:
            said = ""
            while "Serving the authority on" not in said:
                said = child.stderr.readline()
                assert said, "it ended"
            yield child
        finally:
            if child.poll() is None:
                child.terminate()
            child.communicate(timeout=60)


@pytest.fixture
def authority(postgres: str, tmp_path: Path) -> Iterator[Authority]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = int(held.getsockname()[1])
    made = Authority(tmp_path / "authority", port)
    with register_database(postgres) as database:
        address = database.engine.url.render_as_string(hide_password=False)
        made.environment["COUNTENANCE_AUTHORITY_DATABASE_URL"] = address
        yield made


def test_without_an_address_it_brings_its_own_database():
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    settings = read_authority_settings({"COUNTENANCE_AUTHORITY_DATA_DIR": str(folder / "a")})
    try:
        with open_desk(settings) as desk:
            vkey = desk.office.signer.verifier.as_vkey()
            code = desk.code("console").code
            assert vkey == (folder / "a" / "vkey").read_text().strip()
            assert desk.office.database.current()
            pairing.pair(desk.office, Operator(clock=now).pairs(code, desk.office.signer.verifier))
        with open_desk(settings) as desk:
            assert desk.office.signer.verifier.as_vkey() == vkey
            assert len(desk.parties()) == 1
        key = next(each for each in (folder / "a" / "keys").iterdir() if b"exchange".hex() in each.name)
        key.write_bytes(bytes(32))
        with pytest.raises(IntegrityError), open_desk(settings):
            pass
    finally:
        embedded.stop(folder / "a" / "postgres")
        shutil.rmtree(folder, ignore_errors=True)


def posted(client: httpx.Client, path: str, note: bytes) -> bytes:
    answer = client.post(f"/exchange/{path}", content=note)
    assert answer.status_code == 200, answer.text
    return answer.content


def asked(client: httpx.Client, operator: Operator) -> list:
    found = json.loads(posted(client, "collect", operator.collects()))["messages"]
    return [operator.opens(each["note"].encode()) for each in found]


def case_of(authority: Authority) -> tuple[str, str]:
    found = json.loads(authority("cases", "--json"))
    return str(found[0]["case"]), found[0]["state"]


@pytest.mark.timeout(240)
def test_a_filing_goes_its_whole_way_though_the_server_is_killed(authority: Authority, tmp_path: Path):
    hotel = Operator(clock=now)
    with authority.serving() as child, httpx.Client(base_url=authority.url, timeout=30) as client:
        key = Verifier.of_vkey(client.get("/exchange/key").text)
        assert key.name == "authority.example"
        pair = hotel.pairs(authority("code").strip(), key)
        paired = posted(client, "pair", pair)
        note = hotel.files(FORM)
        posted(client, "messages", note)
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=30)
    with authority.serving(), httpx.Client(base_url=authority.url, timeout=30) as client:
        assert posted(client, "pair", pair) == paired
        (missing,) = hotel.receipt(posted(client, "messages", note)).missing
        assert missing == attachment("x", DOCX, FORM).sha256
        assert client.put(f"/exchange/attachments/{missing}", content=FORM).status_code == 204
        receipt = posted(client, "messages", note)
        assert hotel.receipt(receipt).missing == ()
        case, state = case_of(authority)
        assert (case, state) == ("1", "received")
        assert f"asked  The Hotel  {DRAFT} first" in authority("ask", case, "Which floor?")
        (question,) = asked(client, hotel)
        posted(client, "messages", hotel.note(Kind.ANSWER, Reply(to=question.id, text="The second.")))
        assert case_of(authority) == ("1", "received")
        authority("return", case, "Please say so in the form.")
        amended = hotel.files(b"better", amends=hotel.receipt(receipt).of)
        posted(client, "messages", amended)
        client.put(f"/exchange/attachments/{attachment('x', DOCX, b'better').sha256}", content=b"better")
        assert "accepted" in authority("accept", case, "--number", "7/2025")
        assert posted(client, "messages", note) == receipt
        assert [each.kind for each in asked(client, hotel)] == [Kind.QUESTION, Kind.RETURNED, Kind.NUMBER]
        assert authority("accept", case, code=1)
        (party,) = json.loads(authority("parties", "--json"))
        assert "named no log" in authority("inspect", party["party"], "--order", "7", code=1)
        assert client.get("/register.csv").text.splitlines()[1].startswith("7/2025,The Hotel,")
    authority("export", str(tmp_path / "out"))
    assert "7/2025" in (tmp_path / "out" / "register.csv").read_text()
    assert len(json.loads((tmp_path / "out" / "register.json").read_text())["filings"]) == 1
    authority("export", str(tmp_path / "out"), code=1)


@pytest.mark.timeout(240)
def test_commands_say_what_is_wrong_and_show_no_secret(authority: Authority, tmp_path: Path):
    word = authority("clerk", "add", "Li").strip()
    assert len(word) >= 16
    kept = tmp_path / "password"
    kept.write_text("a long enough password\n")
    assert authority("clerk", "add", "Wu", "--password-file", str(kept)) == ""
    kept.write_text("short")
    assert "characters" in authority("clerk", "add", "Xu", "--password-file", str(kept), code=2)
    listed = authority("clerk", "list")
    assert listed == "Li  (has to choose a password)\nWu\n"
    assert authority("clerk", "remove", "Wu") == ""
    assert authority("clerk", "list") == "Li  (has to choose a password)\n"
    assert "no such clerk" in authority("clerk", "remove", "Wu", code=1)
    assert "state is received" in authority("cases", "--state", "lost", code=2)
    assert authority("cases") == authority("parties") == ""
    assert "no such party" in authority("code", "--party", "nobody", code=1)
    shown = authority("settings")
    assert f"COUNTENANCE_AUTHORITY_PORT={authority.port}" in shown
    authority.environment["COUNTENANCE_AUTHORITY_KEY_NAME"] = "another.example"
    assert "another name" in authority("parties", code=2)
    authority.environment["COUNTENANCE_AUTHORITY_HOST"] = "0.0.0.0"
    assert "COUNTENANCE_AUTHORITY_TLS_CERTIFICATE_FILE" in authority("serve", code=2)
    files = list((authority.folder / "keys").iterdir())
    assert len(files) == 2
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in files)
