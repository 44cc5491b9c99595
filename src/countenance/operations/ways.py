"""The ways by which reminders go out, by mail and by a webhook; each returns what kept it from being sent, if anything.

A secret is read from its file when it is used, and kept nowhere.
"""

import base64
import binascii
import hashlib
import hmac
import smtplib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.header import Header
from email.mime.text import MIMEText
from email.utils import format_datetime
from enum import StrEnum
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from socket import socket
from typing import Final
from urllib.parse import urlsplit

from countenance.filing.clocks import Terms
from countenance.operations.line import Line, Trouble, TroubleError, addresses_of, line

#: No way takes longer, with everything: connecting, TLS and the answer.
SECONDS_MAX: Final = 20.0
#: A shorter secret could be guessed from what it has signed (Standard Webhooks).
SECRET_BYTES_MIN: Final = 24
_SECRET_PREFIX: Final = "whsec_"  # noqa: S105 — how a secret in base64 begins
_READY, _SUCCESS, _REDIRECTS = 220, range(200, 300), range(300, 400)


class MailTls(StrEnum):
    """How the way to a mail server is sealed: asked for first, from the start, or not at all, on this machine."""

    STARTTLS = "smtp"
    TLS = "smtps"
    NONE = "smtp+plain"


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail server, how to reach it, and between whom mail goes."""

    host: str
    port: int
    tls: MailTls
    sender: str
    to: tuple[str, ...] = field(repr=False)
    login: str | None = field(default=None, repr=False)
    password_file: Path | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where reminders are posted, by which secret they are signed, and whether that may be a private network."""

    url: str = field(repr=False)
    secret_file: Path = field(repr=False)
    private: bool = False


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways that are set, where the console is, and what clocks go by; without ways, the console alone reminds."""

    mail: Mail | None = None
    webhook: Webhook | None = None
    console_url: str = ""
    terms: Terms = field(default_factory=Terms)
    seconds_max: float = SECONDS_MAX


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent, whatever the way: `letter_id` stays the same when it is sent again."""

    letter_id: str
    subject: str
    text: str
    body: bytes = field(repr=False)


def send_mail(mail: Mail, letter: Letter, at: datetime, seconds_max: float = SECONDS_MAX) -> Trouble | None:
    """Hand a letter to the mail server, and return what kept it from being taken.

    It counts as sent when the server takes it for one mailbox at least: trying again would send it to that one twice.
    """
    message = MIMEText(letter.text, "plain", "utf-8")
    message["From"], message["To"] = mail.sender, ", ".join(mail.to)
    # All of it encoded: folding one that is partly plain would move spaces between the languages. Typed too narrowly.
    message["Subject"] = Header(letter.subject, "utf-8")  # type: ignore[assignment]
    message["Date"] = format_datetime(at)
    message["Message-ID"] = f"<{letter.letter_id}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    try:
        password = None if mail.password_file is None else secret(mail.password_file).decode()
        client = smtplib.SMTP(local_hostname=mail.sender.rpartition("@")[2], timeout=seconds_max)
        with line(seconds_max) as way, closing(client), _translated():
            _greet(client, way, mail)
            if mail.login is not None and password is not None:
                client.login(mail.login, password)
            client.send_message(message, mail.sender, list(mail.to))
            with suppress(smtplib.SMTPException, OSError):
                client.quit()
    except UnicodeError:
        return Trouble.SECRET
    except TroubleError as error:
        return error.trouble
    return None


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what the mail library raises, all of it kinds of OSError, into what it means."""
    try:
        yield
    except smtplib.SMTPNotSupportedError as error:
        raise TroubleError(Trouble.UNSEALED) from error
    except smtplib.SMTPAuthenticationError as error:
        raise TroubleError(Trouble.SECRET) from error
    except smtplib.SMTPServerDisconnected as error:
        raise ConnectionError from error  # or cut off; whoever holds the line knows
    except smtplib.SMTPException as error:
        raise TroubleError(Trouble.REFUSED) from error


def _greet(client: smtplib.SMTP, way: Line, mail: Mail) -> None:
    """Connect to the mail server and put TLS on; raises SMTPNotSupportedError where it is asked for and not offered."""
    client.sock = way.open(addresses_of(mail.host, mail.port, private=True), mail.port)
    if mail.tls is MailTls.TLS:
        client.sock = way.seal(client.sock, mail.host)
    code, _ = client.getreply()
    if code != _READY:
        raise TroubleError(Trouble.REFUSED)
    client.ehlo_or_helo_if_needed()
    if mail.tls is not MailTls.STARTTLS:
        return
    if not client.has_extn("starttls") or client.docmd("STARTTLS")[0] != _READY:
        raise smtplib.SMTPNotSupportedError
    client.sock = way.seal(client.sock, mail.host)
    # What was said before the seal counts for nothing: whoever was in between could have said it (RFC 3207).
    client.file = None
    client.ehlo_resp = client.helo_resp = None
    client.esmtp_features, client.does_esmtp = {}, False
    client.ehlo_or_helo_if_needed()


def post(webhook: Webhook, letter: Letter, at: datetime, seconds_max: float = SECONDS_MAX) -> Trouble | None:
    """Post a letter's body, signed, and return what kept it from being taken.

    Any status of 200 to 299 is taken; no redirect is followed, and nothing of the answer's body is read.
    """
    parts = urlsplit(webhook.url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if secure else 80)
    path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    try:
        headers = signature(_signing_key(webhook.secret_file), letter.letter_id, int(at.timestamp()), letter.body)
        headers |= {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": "countenance"}
        with line(seconds_max) as way:
            plain = way.open(addresses_of(host, port, private=webhook.private), port)
            sealed = way.seal(plain, host) if secure else plain
            status = _status(HTTPConnection(host, port), sealed, path, letter.body, headers)
    except TroubleError as error:
        return error.trouble
    if status in _REDIRECTS:
        return Trouble.REDIRECTED
    return None if status in _SUCCESS else Trouble.REFUSED


def _status(connection: HTTPConnection, way: socket, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post over a connection that is open, and return the status of the answer; raises TroubleError for no answer."""
    connection.sock = way
    with closing(connection):
        try:
            connection.request("POST", path, body, {**headers, "Connection": "close"})
            with closing(connection.getresponse()) as response:
                return response.status
        except (HTTPException, ValueError) as error:
            if isinstance(error, OSError):
                raise
            raise TroubleError(Trouble.REFUSED) from error


def signature(key: bytes, letter_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver knows who sent a body, and when (Standard Webhooks, version 1)."""
    signed = b".".join((letter_id.encode(), str(seconds).encode(), body))
    mark = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {"webhook-id": letter_id, "webhook-timestamp": str(seconds), "webhook-signature": f"v1,{mark}"}


def secret(file: Path) -> bytes:
    """Return a secret without the line's end; raises TroubleError for a file that is not there, or is empty."""
    try:
        found = file.read_bytes().rstrip(b"\r\n")
    except OSError as error:
        raise TroubleError(Trouble.SECRET) from error
    if not found:
        raise TroubleError(Trouble.SECRET)
    return found


def _signing_key(file: Path) -> bytes:
    """Return the key that a secret stands for: base64 behind `whsec_`, or the bytes as they are."""
    found = secret(file)
    if found.startswith(_SECRET_PREFIX.encode()):
        try:
            found = base64.b64decode(found[len(_SECRET_PREFIX) :], validate=True)
        except binascii.Error as error:
            raise TroubleError(Trouble.SECRET) from error
    if len(found) < SECRET_BYTES_MIN:
        raise TroubleError(Trouble.SECRET)
    return found


def deliver(ways: Ways, way: str, letter: Letter, at: datetime) -> Trouble | None:
    """Send a letter by a way that is set, and return what kept it from being sent; the console shows it by itself."""
    if way == "mail" and ways.mail is not None:
        return send_mail(ways.mail, letter, at, ways.seconds_max)
    if way == "webhook" and ways.webhook is not None:
        return post(ways.webhook, letter, at, ways.seconds_max)
    return None


def named(ways: Ways) -> Sequence[str]:
    """Return the names of the ways that are set; the console always is."""
    sent = [("mail", ways.mail), ("webhook", ways.webhook)]
    return ["console", *(name for name, way in sent if way is not None)]
