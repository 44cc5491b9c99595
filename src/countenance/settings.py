"""Every setting, with a default that is safe and a sentence.

Read once, by `app`, from the environment (`COUNTENANCE_` and the name in capitals); unknown names are refused.
A secret is never a value here but the path of a file that holds it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from countenance.errors import MalformedError
from countenance.vocabulary import AttackChecking, KeysFrom

PREFIX = "COUNTENANCE_"
#: Names with the prefix that belong to the command-line client, not to the server.
CLIENT_NAMES = frozenset({"URL", "TOKEN", "TOKEN_FILE"})
#: Names with this prefix belong to an authority's server, which may stand in the same environment.
AUTHORITY_PREFIX = f"{PREFIX}AUTHORITY_"
#: Addresses that faces reach without crossing a network.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: Whole numbers are 1 or more, and these within their bounds: a margin or a number beyond them would find nothing.
RANGES = {
    "port": (1, 65_535),
    "parity_margin_percent": (0, 100),
    "parity_margin_steps": (0, 5),
    "parity_measurements_min": (1, 1000),
    "request_days": (1, 30),
    "request_keep_days": (1, 36_500),
    "link_minutes": (1, 1440),
    "receipt_days": (1, 36_500),
    "backup_days": (1, 3650),
    "budget_device": (1, 1_000_000),
    "budget_claim": (1, 10_000),
    "audit_months": (1, 24),
}
#: More pictures than this are no single act, whatever the operator says.
FRAMES_MAX = 32
#: A challenge that can be answered for longer gives time to make a film that fits it.
CHALLENGE_SECONDS_MAX = 300
#: A challenge has so many steps, and each needs a picture.
FRAMES_OF_A_CHALLENGE = 7
LOG_LEVELS = frozenset({"debug", "info", "warning", "error"})
#: A log is named like an address without its scheme (C2SP tlog-checkpoint).
_LOG_NAME = re.compile(r"[a-z0-9]([a-z0-9.:/-]{0,98}[a-z0-9])?")
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off"}


def _says(sentence: str) -> dict[str, str]:
    return {"says": sentence}


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator can set; a caller of the API can set none of it."""

    data_dir: Path = field(
        default=Path("data"),
        metadata=_says(
            "Where the embedded database, the keys and the converted networks live; created with mode 0700."
        ),
    )
    keys_from: KeysFrom = field(
        default=KeysFrom.FILE,
        metadata=_says(
            "Where the operators' keys come from: file (made here), mounted (put into keys_dir by somebody else) or "
            "hardware (files that a PKCS#11 module has wrapped; needs the extra `pkcs11`)."
        ),
    )
    keys_dir: Path | None = field(
        default=None, metadata=_says("Folder with the operators' keys; none: `keys` in the data directory.")
    )
    hardware_library: Path | None = field(
        default=None, metadata=_says("Library by which the hardware module is spoken to, as its maker ships it.")
    )
    hardware_token: str | None = field(default=None, metadata=_says("Label of the token in the hardware module."))
    hardware_pin_file: Path | None = field(default=None, metadata=_says("File with the PIN of the token."))
    hardware_key: str = field(
        default="countenance", metadata=_says("Label of the wrapping key in the token; it never leaves it.")
    )
    keyholder_socket: Path | None = field(
        default=None,
        metadata=_says("Socket of the key holder, for purposes whose matching is encrypted; none: there are none."),
    )
    keyholder_dir: Path = field(
        default=Path("keyholder"),
        metadata=_says("Folder with the key holder's own key; read by the key holder alone, under its own user."),
    )
    keyholder_peer: str | None = field(
        default=None, metadata=_says("User whose server may ask the key holder, beside the key holder's own.")
    )
    database_url_file: Path | None = field(
        default=None,
        metadata=_says("File with the address of a PostgreSQL server (postgresql://…); none: the embedded one."),
    )
    database_url: str | None = field(
        default=None,
        metadata=_says("Address of a PostgreSQL server without a password in it; none: the embedded one."),
    )
    database_tls_elsewhere: bool = field(
        default=False,
        metadata=_says(
            "The way to a database on another machine is private by other means; without this or `sslmode=verify-full` "
            "in its address the start stops."
        ),
    )
    database_connections: int = field(default=12, metadata=_says("Most connections to the database held at once."))
    host: str = field(default="127.0.0.1", metadata=_says("Address the server listens on."))
    port: int = field(default=8000, metadata=_says("Port the server listens on."))
    public_url: str = field(
        default="http://127.0.0.1:8000",
        metadata=_says("Address at which people reach the server; links and receipts begin with it."),
    )
    tls_certificate_file: Path | None = field(default=None, metadata=_says("Certificate chain to serve HTTPS with."))
    tls_key_file: Path | None = field(default=None, metadata=_says("Private key of the certificate."))
    tls_elsewhere: bool = field(
        default=False,
        metadata=_says("TLS ends at a proxy on the way here; without this or a certificate only loopback is served."),
    )
    law_packs: tuple[str, ...] = field(
        default=("cn-2025", "cn-2023-draft"),
        metadata=_says("The packs of law that judge, by id or by folder, separated by commas; the strictest wins."),
    )
    law_publishers: Path | None = field(
        default=None,
        metadata=_says(
            "Folder with the public keys (<publisher>.pem, Ed25519) whose packs `law add` takes; none: no pack at all."
        ),
    )
    engine_runtime: str = field(
        default="auto", metadata=_says("What computes: auto, openvino or onnxruntime; auto takes OpenVINO on x86-64.")
    )
    engine_threads: int = field(default=1, metadata=_says("Processor threads for one picture."))
    engine_workers: int = field(default=2, metadata=_says("Pictures computed at the same time."))
    engine_cuda: bool = field(default=False, metadata=_says("Use an NVIDIA GPU; needs the extra `cuda`."))
    detector_card: Path | None = field(
        default=None, metadata=_says("Model card of another detector; none: the one that comes with the package.")
    )
    extractor_card: Path | None = field(
        default=None, metadata=_says("Model card of another extractor; none: the one that comes with the package.")
    )
    attack_card: Path | None = field(
        default=None,
        metadata=_says(
            "Model card of a passive model against presentation attacks; none: no picture is judged by one."
        ),
    )
    attack_check: AttackChecking = field(
        default=AttackChecking.WHEN_OFFERED,
        metadata=_says(
            "The check by head turns: off, when_offered (where a caller answers a challenge) or required (every act)."
        ),
    )
    challenge_seconds: int = field(default=30, metadata=_says("How long a challenge can be answered."))
    frames_max: int = field(
        default=12, metadata=_says("Most pictures of one request; the limits of a picture hold for all together.")
    )
    budget_device: int = field(
        default=20_000,
        metadata=_says(
            "Pictures that one device may show in 24 hours to enrol, verify and identify; more is guessing."
        ),
    )
    budget_claim: int = field(
        default=240,
        metadata=_says("Pictures that may be shown in 24 hours as one claimed person, those of a match not counted."),
    )
    threshold_fmr: float = field(
        default=1e-4,
        metadata=_says("Target false match rate of verification; the threshold follows from the card's calibration."),
    )
    identify_fmr: float = field(
        default=1e-5,
        metadata=_says("Target false match rate of one comparison in identification; stricter, as there are many."),
    )
    sample_bytes_max: int = field(default=16 * 2**20, metadata=_says("Largest picture accepted, in bytes."))
    sample_pixels_max: int = field(default=25_000_000, metadata=_says("Largest picture accepted, in pixels."))
    body_bytes_max: int = field(
        default=24 * 2**20, metadata=_says("Largest request body; a longer one is refused while it is being read.")
    )
    requests_at_once_max: int = field(
        default=64, metadata=_says("Requests worked on or waiting; one more is told to come back later.")
    )
    references_max: int = field(default=8, metadata=_says("Most references of one subject for one purpose."))
    session_consent_seconds: int = field(
        default=900, metadata=_says("How long a consent given at a device by a person without an account stands.")
    )
    notice_served_minutes_max: int = field(
        default=60, metadata=_says("How long after a notice was served a decision may rest on it.")
    )
    receipt_minutes: int = field(
        default=10, metadata=_says("How long after a use its receipt can be taken where it was made, in minutes.")
    )
    receipt_days: int = field(
        default=1095, metadata=_says("How long the receipt of a use, and a certificate of erasure, can be fetched.")
    )
    backup_days: int = field(
        default=35,
        metadata=_says(
            "Days for which backups are kept at most: certificates name the day, and an older one is not restored."
        ),
    )
    journal_file: Path | None = field(
        default=None,
        metadata=_says(
            "File that remembers erasures for whoever restores a backup; none: erasures.jsonl in the data directory."
        ),
    )
    log_dir: Path | None = field(
        default=None,
        metadata=_says(
            "Where the logs lie, for this server and any web server to show; none: log in the data directory."
        ),
    )
    log_keys_dir: Path | None = field(
        default=None,
        metadata=_says("Where the keys lie that sign the logs; none: log-keys in the data directory."),
    )
    log_name: str | None = field(
        default=None,
        metadata=_says(
            "What a new log's name begins with, like faces.hotel.example; none: the host of the public URL."
        ),
    )
    log_writes: bool = field(
        default=True,
        metadata=_says("Write the logs; on one machine alone, where servers on several share a database."),
    )
    filing_keys_dir: Path | None = field(
        default=None,
        metadata=_says("Where the keys lie that sign filings and statements; none: filing-keys in the data directory."),
    )
    witness_policy_file: Path | None = field(
        default=None,
        metadata=_says("Which witnesses cosign the logs, and how many have to (C2SP tlog-policy); none: nobody does."),
    )
    receipt_requests_per_minute: int = field(
        default=120, metadata=_says("Requests with a receipt taken from one address in a minute; more wait.")
    )
    clock_backward_seconds_max: int = field(
        default=5, metadata=_says("How far the clock may stand behind the last record before all processing stops.")
    )
    request_days: int = field(
        default=15, metadata=_says("Days within which a subject's request is to be answered, counted where the law is.")
    )
    request_keep_days: int = field(
        default=1096,
        metadata=_says("Days for which a request is kept after it was closed; then it goes, texts and all."),
    )
    link_minutes: int = field(
        default=30, metadata=_says("How long a one-time link to a subject's own page can be used.")
    )
    parity_margin_percent: int = field(
        default=25,
        metadata=_says(
            "How much longer the other way may take than the face, in per cent of its median, before that is a finding."
        ),
    )
    parity_margin_steps: int = field(
        default=1, metadata=_says("How many steps more the other way may have at the median before that is a finding.")
    )
    parity_measurements_min: int = field(
        default=20, metadata=_says("Measurements of each figure below which the ways are neither equal nor unequal.")
    )
    mail_server: str | None = field(
        default=None,
        metadata=_says(
            "Where reminders are handed in for mail: smtp://user@host:587 (STARTTLS), smtps://user@host:465 (TLS), or "
            "smtp+plain://localhost:25 on this machine; none: no mail."
        ),
    )
    mail_password_file: Path | None = field(default=None, metadata=_says("File with the mail user's password."))
    mail_from: str | None = field(default=None, metadata=_says("Mailbox that reminders come from."))
    mail_to: tuple[str, ...] = field(default=(), metadata=_says("Mailboxes that reminders go to, between commas."))
    webhook_url: str | None = field(default=None, metadata=_says("https:// address that reminders are posted to."))
    webhook_secret_file: Path | None = field(
        default=None, metadata=_says("File with the secret by which what is posted is signed, of 24 bytes or more.")
    )
    webhook_private: bool = field(
        default=False, metadata=_says("The webhook may lie in a private network, or on this machine.")
    )
    audit_months: int = field(
        default=12, metadata=_says("Months between compliance audits, below the number of persons that the law names.")
    )
    log_level: str = field(default="info", metadata=_says("Engineers' log: debug, info, warning or error."))


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of `environment`; raises MalformedError for an unknown name or an unreadable value."""
    known = {f"{PREFIX}{each.name.upper()}": each for each in fields(Settings)}
    client = {f"{PREFIX}{name}" for name in CLIENT_NAMES}
    given: dict[str, Any] = {}
    for name, text in environment.items():
        if not name.startswith(PREFIX) or name in client or name.startswith(AUTHORITY_PREFIX):
            continue
        if name not in known:
            message = f"{name} is not a setting. See docs/reference/settings.md for the list."
            raise MalformedError(message, f"{name} 不是有效的设置项。请查看 docs/reference/settings.md。")
        setting = known[name]
        try:
            given[setting.name] = _read(setting.type, text.strip())
        except ValueError as error:
            message = f"{name} cannot be read: it should be {_kind(setting.type)}."
            raise MalformedError(message, f"{name} 无法读取，请检查取值类型。") from error
    settings = Settings(**given)
    _check(settings)
    return settings


def _read(kind: Any, text: str) -> Any:
    if kind is bool:
        if text.lower() in _TRUE | _FALSE:
            return text.lower() in _TRUE
        raise ValueError
    if kind == tuple[str, ...]:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind in (Path, Path | None):
        return Path(text).expanduser() if text else None
    if kind in (int, float):
        return kind(text)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(text)
    return text or None


def _kind(kind: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(kind, "text")


def _missing(file: Path | None) -> bool:
    return file is not None and not file.is_file()


def _reachable(url: str | None) -> bool:
    """Return whether an address can stand before a path, and carries what follows it encrypted beyond this machine."""
    if url is None:
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username) and url.isascii() and url.isprintable()
    return bool(host) and plain and (parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK))


def _check(settings: Settings) -> None:
    """Refuse values that would switch a protection off."""
    wrong = []
    for each in fields(Settings):
        least, most = RANGES.get(each.name, (1, None))
        value = getattr(settings, each.name)
        if each.type is int and (value < least or (most is not None and value > most)):
            wrong.append(each.name)
    if settings.log_level.lower() not in LOG_LEVELS:
        wrong.append("log_level")
    wrong += [name for name in ("tls_certificate_file", "tls_key_file") if _missing(getattr(settings, name))]
    if settings.keys_from is KeysFrom.MOUNTED and settings.keys_dir is None:
        wrong.append("keys_dir")
    if settings.keys_from is KeysFrom.HARDWARE:
        needed = ("hardware_library", "hardware_token", "hardware_pin_file")
        wrong += [name for name in needed if getattr(settings, name) is None]
    if not 0 < settings.threshold_fmr <= 0.01:  # noqa: PLR2004 — a looser target is no verification
        wrong.append("threshold_fmr")
    if not 0 < settings.identify_fmr <= 0.01:  # noqa: PLR2004
        wrong.append("identify_fmr")
    if not _reachable(settings.public_url):
        wrong.append("public_url")
    off = settings.attack_check is AttackChecking.OFF
    if not (1 if off else FRAMES_OF_A_CHALLENGE) <= settings.frames_max <= FRAMES_MAX:
        wrong.append("frames_max")
    if settings.challenge_seconds > CHALLENGE_SECONDS_MAX:
        wrong.append("challenge_seconds")
    if settings.log_name is not None and not _LOG_NAME.fullmatch(settings.log_name):
        wrong.append("log_name")
    if not settings.law_packs:
        wrong.append("law_packs")
    if settings.host not in LOOPBACK and not settings.tls_elsewhere and settings.tls_certificate_file is None:
        wrong.append("tls_certificate_file")
    if (settings.tls_certificate_file is None) != (settings.tls_key_file is None):
        wrong.append("tls_key_file")
    if wrong:
        listed = ", ".join(wrong)
        raise MalformedError(
            f"These settings are out of range: {listed}. See docs/reference/settings.md.",
            f"以下设置超出范围：{listed}。请查看 docs/reference/settings.md。",
        )
