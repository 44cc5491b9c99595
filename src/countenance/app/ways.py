"""The ways by which reminders go out, from the settings, checked before anything is served."""

import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from countenance.errors import MalformedError
from countenance.filing.clocks import Terms
from countenance.operations.line import TroubleError
from countenance.operations.ways import Mail, MailTls, Ways, Webhook, secret
from countenance.settings import LOOPBACK, PREFIX, Settings

#: A mailbox without a name before it: what goes into a header holds nothing else.
_MAILBOX: Final = re.compile(r"[\w.+-]{1,64}@[a-z0-9.-]{1,255}", re.ASCII | re.IGNORECASE)
_PORTS: Final = {MailTls.STARTTLS: 587, MailTls.TLS: 465, MailTls.NONE: 25}
#: Where staff find what they are reminded of.
_CONSOLE: Final = "/console/filing"


def ways(settings: Settings) -> Ways:
    """Return the ways that are set; raises MalformedError naming the setting by which nothing could be sent safely."""
    return Ways(
        mail=_mail(settings),
        webhook=_webhook(settings),
        console_url=settings.public_url.rstrip("/") + _CONSOLE,
        terms=Terms(settings.backup_days, settings.audit_months),
    )


def _mail(settings: Settings) -> Mail | None:
    if settings.mail_server is None:
        return None
    parts = _split(settings.mail_server, "mail_server")
    tls = {each.value: each for each in MailTls}.get(parts.scheme)
    if tls is None or parts.password is not None or parts.path.strip("/") or parts.query or parts.fragment:
        raise _wrong("mail_server")
    if tls is MailTls.NONE and parts.hostname not in LOOPBACK:
        raise _wrong("mail_server")
    if settings.mail_from is None or not _MAILBOX.fullmatch(settings.mail_from):
        raise _wrong("mail_from")
    if not settings.mail_to or not all(map(_MAILBOX.fullmatch, settings.mail_to)):
        raise _wrong("mail_to")
    if (parts.username is None) != (settings.mail_password_file is None):
        raise _wrong("mail_password_file")
    if settings.mail_password_file is not None:
        _readable(settings, "mail_password_file")
    return Mail(
        host=parts.hostname or "",
        port=parts.port or _PORTS[tls],
        tls=tls,
        sender=settings.mail_from,
        to=settings.mail_to,
        login=None if parts.username is None else unquote(parts.username),
        password_file=settings.mail_password_file,
    )


def _webhook(settings: Settings) -> Webhook | None:
    if settings.webhook_url is None:
        return None
    parts = _split(settings.webhook_url, "webhook_url")
    here = parts.scheme == "http" and parts.hostname in LOOPBACK and settings.webhook_private
    if parts.username is not None or parts.fragment or not (parts.scheme == "https" or here):
        raise _wrong("webhook_url")
    if settings.webhook_secret_file is None:
        raise _wrong("webhook_secret_file")
    _readable(settings, "webhook_secret_file")
    return Webhook(settings.webhook_url, settings.webhook_secret_file, private=settings.webhook_private)


def _split(url: str, name: str) -> SplitResult:
    """Return an address with a host, taken apart; raises MalformedError for what is none."""
    plain = url.isascii() and url.isprintable() and " " not in url
    try:
        parts = urlsplit(url if plain else "")
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise _wrong(name) from None
    if not usable:
        raise _wrong(name)
    return parts


def _readable(settings: Settings, name: str) -> None:
    try:
        secret(getattr(settings, name))
    except TroubleError as error:
        raise _wrong(name) from error


def _wrong(name: str) -> MalformedError:
    named = f"{PREFIX}{name.upper()}"
    return MalformedError(
        f"Nothing could be sent, or not safely, with {named} as it is. See docs/guide/reminders.md.",
        f"按目前的 {named} 无法安全发送。请查看 docs/guide/reminders.md。",
    )
