"""What tests of reminders share: a mail server and a receiver of webhooks, over real TLS, that can misbehave."""

import base64
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, cast

from tests.operations.test_database_tls import Authority

USER, PASSWORD = "reminders", "a mail password"


@dataclass
class Taken:
    """A message that the server took: for whom, whether the way was sealed, and what it says."""

    to: list[str]
    sealed: bool
    message: EmailMessage

    @property
    def text(self) -> str:
        """Return the text of the message."""
        return str(self.message.get_content())


@dataclass
class MailServer:
    """A mail server, what it took and what was said to it."""

    port: int = 0
    taken: list[Taken] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    starttls: bool = True
    tls: bool = False
    refuses: set[str] = field(default_factory=set)
    dripping: bool = False
    silent: bool = False
    thinks_seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    context: ssl.SSLContext | None = None


class _Mail(socketserver.BaseRequestHandler):
    """One conversation with a mail server (RFC 5321, 3207, 4954)."""

    file: Any

    def handle(self) -> None:
        self.kept = cast("Any", self.server).kept
        self.sealed, self.known, self.file = False, False, BytesIO()
        with suppress(OSError, ValueError):
            if self.kept.silent:
                self.kept.over.wait(20)
                return
            if self.kept.tls:
                self._seal()
            self.file = self.request.makefile("rwb")
            self._converse()

    def finish(self) -> None:
        with suppress(OSError, ValueError):
            self.file.close()
        self.request.close()

    def _seal(self) -> None:
        self.request = self.kept.context.wrap_socket(self.request, server_side=True)
        self.file, self.sealed = self.request.makefile("rwb"), True

    def _say(self, *lines: str) -> None:
        for number, each in enumerate(lines, 1):
            code, said = each[:3], each[4:]
            self.file.write(f"{code}{' ' if number == len(lines) else '-'}{said}\r\n".encode())
        self.file.flush()

    def _converse(self) -> None:
        while self.kept.dripping:
            self.request.sendall(b"2")
            time.sleep(0.05)
        self._say("220 mail.example")
        to: list[str] = []
        while line := self.file.readline():
            said = line.decode().strip()
            self.kept.heard.append(said)
            word = said[:4].upper()
            if word == "EHLO":
                offered = ["250 STARTTLS"] if self.kept.starttls and not self.sealed else []
                self._say("250 mail.example", *offered, *(["250 AUTH PLAIN"] if self.sealed else []), "250 8BITMIME")
            elif word == "STAR":
                self._say("220 go on")
                self._seal()
            elif word == "AUTH":
                given = base64.b64decode(said.split()[2]).split(b"\0")[1:]
                self.known = given == [USER.encode(), PASSWORD.encode()]
                self._say("235 in" if self.known else "535 who are you")
            elif word == "RCPT":
                box = said[said.index("<") + 1 : said.index(">")]
                self._say("550 nobody" if box in self.kept.refuses else "250 known")
                to += [] if box in self.kept.refuses else [box]
            elif word == "DATA":
                self._say("354 go on")
                self._take(to)
            else:
                self._say("221 bye" if word == "QUIT" else "250 fine")

    def _take(self, to: list[str]) -> None:
        body = b""
        while (line := self.file.readline()) != b".\r\n":
            body += line.removeprefix(b".")
        message = message_from_bytes(body, policy=policy.default)
        self.kept.taken.append(Taken(list(to), self.sealed, message))
        self.kept.over.wait(self.kept.thinks_seconds)
        self._say("250 taken")


class _Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address, daemon_threads, block_on_close = True, True, False


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def mail_server(context: ssl.SSLContext | None = None, port: int = 0, **changes: Any) -> Iterator[MailServer]:
    """Serve mail on this machine, at a port of its own or at the one it had before."""
    kept = MailServer(context=context, **changes)
    server = _Threads(("127.0.0.1", port), _Mail)
    cast("Any", server).kept = kept
    kept.port = server.server_address[1]
    with _serving(server):
        yield kept
        kept.over.set()


@dataclass
class Receiver:
    """A receiver of webhooks, and what was posted to it: the path, the headers and the body."""

    port: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    posted: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: status(handler, 204)


def status(handler: BaseHTTPRequestHandler, code: int, **headers: str) -> None:
    """Answer with a status, and nothing else."""
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", "0")
    handler.end_headers()


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        kept = cast("Any", self.server).kept
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept.posted.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        with suppress(OSError):
            kept.answer(self)

    def do_GET(self) -> None:
        cast("Any", self.server).kept.posted.append((self.path, {}, b""))
        status(self, 204)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _HttpServer(ThreadingHTTPServer):
    daemon_threads, block_on_close = True, False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of who hung up."""


@contextmanager
def receiver(context: ssl.SSLContext | None = None, **changes: Any) -> Iterator[Receiver]:
    """Receive webhooks on this machine, over TLS where a certificate is given."""
    kept = Receiver(**changes)
    server = _HttpServer(("127.0.0.1", 0), _Hook)
    cast("Any", server).kept = kept
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    kept.port = server.server_address[1]
    with _serving(server):
        yield kept
        kept.stopping.set()


def certified(folder: Path, name: str = "localhost") -> tuple[ssl.SSLContext, Path]:
    """Return what a server of that name serves with, and the file of the authority that signed for it."""
    authority = Authority()
    certificate, key = authority.certify(name)
    for file, content in (("server.pem", certificate), ("server.key", key), ("authority.pem", authority.certificate)):
        (folder / file).write_bytes(content)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    return context, folder / "authority.pem"
