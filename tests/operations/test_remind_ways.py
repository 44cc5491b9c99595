"""The ways of reminders over real connections: the right one alone is told, whatever the other side does."""

import base64
import hashlib
import hmac
import json
import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from countenance.app.ways import ways as ways_of
from countenance.errors import MalformedError
from countenance.operations.line import Trouble, TroubleError, addresses_of, public
from countenance.operations.remind import remind, send_trial
from countenance.operations.ways import Letter, Mail, MailTls, Ways, Webhook, post
from countenance.settings import Settings
from tests.database import OPERATOR, Hotel
from tests.operations.governed import bodies
from tests.operations.receivers import PASSWORD, USER, certified, mail_server, receiver, status
from tests.operations.reminding import KEY, SECRET, by_mail, has_to_file, held, hook, mail, recorded

LETTER = Letter("one", "subject", "text", b"{}")
AT = datetime(2026, 11, 16, 2, tzinfo=UTC)


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    return has_to_file(hotel)


@pytest.fixture
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return what a server called localhost serves with; whoever asks trusts who signed for it."""
    context, authority = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    return context


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    return file


@pytest.mark.parametrize(
    ("tls", "server_says", "trouble"),
    [
        (MailTls.STARTTLS, {"starttls": False}, "unsealed"),
        (MailTls.STARTTLS, {}, "certificate"),
        (MailTls.TLS, {"tls": True}, "certificate"),
        (MailTls.STARTTLS, {"dripping": True}, "slow"),
        (MailTls.TLS, {"silent": True}, "slow"),
        (MailTls.NONE, {"refuses": {"officer@hotel.example"}}, "refused"),
    ],
)
def test_without_the_right_seal_nothing_is_told_not_even_the_password(
    hotel: Hotel, tmp_path: Path, password: Path, tls: MailTls, server_says: dict[str, Any], trouble: str
) -> None:
    context, _ = certified(tmp_path)  # whom nobody here trusts
    given = {} if tls is MailTls.NONE else {"login": USER, "password_file": password}
    with mail_server(context, **server_says) as server:
        ways = Ways(mail=mail(server, tls=tls, **given), seconds_max=0.6)
        remind(hotel.house, OPERATOR, ways)
    assert [each.trouble for each in held(hotel)] == [trouble]
    assert server.taken == []
    assert not any(line.startswith(("AUTH", "DATA")) for line in server.heard)


def test_a_certificate_for_another_name_is_not_taken(
    hotel: Hotel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certified(tmp_path, "mail.other.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    with mail_server(context, tls=True) as server:
        remind(hotel.house, OPERATOR, by_mail(server, tls=MailTls.TLS))
    assert [each.trouble for each in held(hotel)] == ["certificate"]


def test_a_wrong_password_is_said_and_stands_nowhere(hotel: Hotel, sealed: ssl.SSLContext, password: Path) -> None:
    password.write_text("something else")
    with mail_server(sealed, tls=True) as server:
        ways = by_mail(server, tls=MailTls.TLS, login=USER, password_file=password)
        remind(hotel.house, OPERATOR, ways)
        assert server.taken == []
        password.write_text(PASSWORD)
        hotel.clock.forward(hours=1)
        remind(hotel.house, OPERATOR, ways)
        assert [each.sealed for each in server.taken] == [True]
    said = json.dumps(bodies(hotel))
    assert ('"secret"' in said, "something else" in said, PASSWORD in repr(ways)) == (True, False, False)


def test_one_mailbox_that_is_gone_keeps_the_others_from_nothing(hotel: Hotel) -> None:
    with mail_server(refuses={"gone@hotel.example"}) as server:
        ways = Ways(
            mail=Mail("localhost", server.port, MailTls.NONE, "a@b.example", ("gone@hotel.example", "c@d.example"))
        )
        remind(hotel.house, OPERATOR, ways)
        hotel.clock.forward(hours=3)
        remind(hotel.house, OPERATOR, ways)
    assert [each.to for each in server.taken] == [["c@d.example"]]


# --- webhooks --------------------------------------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    return file


def test_a_webhook_is_signed_so_that_whoever_has_the_secret_knows_who_sent_it(
    hotel: Hotel, sealed: ssl.SSLContext, secret: Path
) -> None:
    with receiver(sealed) as there:
        remind(hotel.house, OPERATOR, hook(there.port, secret))

    ((path, headers, body),) = there.posted
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mark = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert (path, headers["webhook-signature"]) == ("/in?to=1", f"v1,{mark}")
    assert int(headers["webhook-timestamp"]) == int(hotel.clock().timestamp())
    assert headers["content-type"] == "application/json"
    said = json.loads(body)
    assert (said["id"], said["operator"], said["test"]) == (headers["webhook-id"], OPERATOR, False)
    (told,) = said["reminders"]
    assert (told["kind"], told["about"], told["last_day"]) == ("filing", "cn-2023-draft", "2026-12-14")
    assert (told["working_days_left"], told["step"], told["state"]) == (20, 20, "running")
    assert told["id"] == str(held(hotel, "webhook")[0].reminder_id)
    assert recorded(hotel, "webhook") == ["sent"]


def test_no_redirect_is_followed(hotel: Hotel, secret: Path) -> None:
    with receiver() as target, receiver() as there:
        there.answer = lambda handler: status(handler, 307, Location=f"http://localhost:{target.port}/elsewhere")
        remind(hotel.house, OPERATOR, hook(there.port, secret, scheme="http"))
        assert (len(there.posted), target.posted) == (1, [])
    assert [each.trouble for each in held(hotel, "webhook")] == ["redirected"]


def drips(handler: Any) -> None:
    while True:
        handler.wfile.write(b"H")
        handler.wfile.flush()
        if handler.server.kept.stopping.wait(0.05):
            return


def says_no_end(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        handler.wfile.write(bytes(1 << 16))


def heads_without_end(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")


@pytest.mark.parametrize(
    ("answer", "troubles"),
    [
        (says_no_end, {None}),
        (heads_without_end, {"refused"}),
        (drips, {"slow"}),
        (lambda handler: status(handler, 500), {"refused"}),
        (lambda handler: status(handler, 410), {"refused"}),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), {"refused"}),
        (lambda handler: handler.connection.close(), {"unreachable"}),
    ],
)
def test_whatever_is_answered_takes_bounded_time_and_memory(
    hotel: Hotel, secret: Path, answer: Any, troubles: set[str | None]
) -> None:
    with receiver(answer=answer) as there:
        remind(hotel.house, OPERATOR, hook(there.port, secret, scheme="http"))
    assert {each.trouble for each in held(hotel, "webhook")} == troubles


def test_a_webhook_with_a_certificate_of_nobody_known_is_told_nothing(
    hotel: Hotel, tmp_path: Path, secret: Path
) -> None:
    context, _ = certified(tmp_path)
    with receiver(context) as there:
        remind(hotel.house, OPERATOR, hook(there.port, secret))
        assert there.posted == []
    assert [each.trouble for each in held(hotel, "webhook")] == ["certificate"]


@pytest.mark.parametrize("content", [None, "", "too short", "whsec_nobase64!", "whsec_c2hvcnQ="])
def test_without_a_good_secret_nothing_is_posted(hotel: Hotel, secret: Path, content: str | None) -> None:
    secret.unlink() if content is None else secret.write_text(content)
    with receiver() as there:
        remind(hotel.house, OPERATOR, hook(there.port, secret, scheme="http"))
        assert there.posted == []
    assert [each.trouble for each in held(hotel, "webhook")] == ["secret"]


# --- where a webhook may lie -----------------------------------------------------------------------------------------

INWARD = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001:0:7f00:1::",
]  # fmt: skip


@pytest.mark.parametrize("address", INWARD)
def test_an_address_behind_the_operators_own_walls_is_not_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "203.119.25.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert public(address)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_nothing_is_posted_to_this_machine_unless_that_is_said(secret: Path, host: str) -> None:
    with receiver() as there:
        assert post(Webhook(f"http://{host}:{there.port}/", secret), LETTER, AT, 1) is Trouble.PRIVATE
        assert there.posted == []


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1"])
def test_other_ways_to_write_this_machine_do_not_help(secret: Path, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    meant = socket.inet_ntoa(socket.inet_aton(host))  # as the system's resolver reads it
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [(0, 0, 0, "", (meant, 443))])
    assert post(Webhook(f"https://{host}/", secret), LETTER, AT, 1) is Trouble.PRIVATE


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [(0, 0, 0, "", ("1.1.1.1", 443)), (0, 0, 0, "", ("10.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    with pytest.raises(TroubleError) as raised:
        addresses_of("hook.example", 443, private=False)
    assert raised.value.trouble is Trouble.PRIVATE
    assert addresses_of("hook.example", 443, private=True) == ["1.1.1.1", "10.0.0.1"]


def test_a_name_is_looked_up_once_and_what_was_looked_at_is_connected_to(
    tmp_path: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, authority = certified(tmp_path, "hook.example")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    looked: list[str] = []
    real = socket.getaddrinfo

    def once(host: Any, *more: Any, **named: Any) -> Any:
        looked.append(str(host))
        return real("127.0.0.1" if host == "hook.example" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", once)
    with receiver(context) as there:
        assert post(Webhook(f"https://hook.example:{there.port}/", secret, private=True), LETTER, AT, 5) is None
        assert there.posted[0][1]["host"] == f"hook.example:{there.port}"
    assert looked.count("hook.example") == 1
    assert set(looked) == {"hook.example", "127.0.0.1"}, "the name itself is never connected to"


# --- settings --------------------------------------------------------------------------------------------------------


def given(folder: Path, **changes: object) -> Settings:
    """Return settings by which everything is set."""
    for name in ("password", "secret"):
        (folder / name).write_text(SECRET)
    said: dict[str, Any] = {
        "mail_server": "smtp://countenance@mail.hotel.example",
        "mail_password_file": folder / "password",
        "mail_from": "countenance@hotel.example",
        "mail_to": ("officer@hotel.example", "desk@hotel.example"),
        "webhook_url": "https://hook.hotel.example/in?x=1",
        "webhook_secret_file": folder / "secret",
        "public_url": "https://faces.hotel.example/",
        "audit_months": 6,
    }
    return Settings(**(said | changes))


def test_the_ways_follow_from_the_settings(tmp_path: Path) -> None:
    assert ways_of(Settings()) == Ways(console_url="http://127.0.0.1:8000/console/filing")
    found = ways_of(given(tmp_path))
    assert found.mail == Mail(
        host="mail.hotel.example",
        port=587,
        tls=MailTls.STARTTLS,
        sender="countenance@hotel.example",
        to=("officer@hotel.example", "desk@hotel.example"),
        login="countenance",
        password_file=tmp_path / "password",
    )
    assert found.webhook == Webhook("https://hook.hotel.example/in?x=1", tmp_path / "secret", private=False)
    assert (found.console_url, found.terms.audit_months) == ("https://faces.hotel.example/console/filing", 6)
    sealed = ways_of(given(tmp_path, mail_server="smtps://a%40b@mail.hotel.example")).mail
    assert sealed is not None
    assert (sealed.port, sealed.tls, sealed.login) == (465, MailTls.TLS, "a@b")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail_server", "mail.hotel.example"),
        ("mail_server", "http://mail.hotel.example"),
        ("mail_server", "smtp://x:y@mail.hotel.example"),
        ("mail_server", "smtp+plain://x@mail.hotel.example"),
        ("mail_server", "smtp://x@mail.hotel.example:0"),
        ("mail_server", "smtp://x@mail.hotel.example/?to=me"),
        ("mail_server", "smtp://x@ mail.hotel.example"),
        ("mail_from", None),
        ("mail_from", "Hotel <a@b.example>"),
        ("mail_from", "a@b.example\r\nBcc: c@d.example"),
        ("mail_to", ()),
        ("mail_to", ("a@b.example", "c")),
        ("mail_password_file", None),
        ("mail_password_file", Path("/nowhere")),
        ("webhook_url", "http://hook.hotel.example/"),
        ("webhook_url", "http://127.0.0.1/"),
        ("webhook_url", "https://me@hook.hotel.example/"),
        ("webhook_url", "https://hook.hotel.example/#x"),
        ("webhook_url", "file:///etc/passwd"),
        ("webhook_url", "gopher://hook.hotel.example/"),
        ("webhook_secret_file", None),
        ("webhook_secret_file", Path("/nowhere")),
    ],
)
def test_a_setting_by_which_nothing_could_be_sent_safely_is_refused_by_name(
    tmp_path: Path, name: str, value: object
) -> None:
    with pytest.raises(MalformedError, match=f"COUNTENANCE_{name.upper()} "):
        ways_of(given(tmp_path, **{name: value}))


# --- a test of the ways ----------------------------------------------------------------------------------------------


def test_a_trial_goes_by_each_way_reminds_of_nothing_and_is_on_record(hotel: Hotel, secret: Path) -> None:
    with mail_server() as server, receiver() as there:
        ways = Ways(mail=mail(server), webhook=hook(there.port, secret, scheme="http").webhook)
        done = send_trial(hotel.house.database, OPERATOR, ways, "console", hotel.clock())
        assert (done, len(server.taken)) == ({"mail": None, "webhook": None}, 1)
        assert json.loads(there.posted[0][2])["test"] is True
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    failed = Ways(mail=Mail("localhost", port, MailTls.NONE, "a@b.example", ("c@d.example",)))
    assert send_trial(hotel.house.database, OPERATOR, failed, "console", hotel.clock()) == {"mail": "unreachable"}
    said = [body["details"] for body in bodies(hotel) if body["outcome"] == "tested"]
    assert said == [{"mail": "unreachable"}, {"mail": "sent", "webhook": "sent"}]
    assert held(hotel) == []
    assert "Last day" not in server.taken[0].text
