"""The authority's server: its settings, its database and keys, the application, and the process that serves it."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import uvicorn
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.types import ASGIApp

from countenance.api.exchange import Pages, make_exchange
from countenance.app import Server, ending_in_order, now
from countenance.authority.attachments import Files
from countenance.authority.complaining import forget
from countenance.authority.desk import Desk
from countenance.authority.office import TROUBLE, Office, codes_key, signer
from countenance.authority.watching import follow_parties, mirror_parties, open_witness
from countenance.errors import IntegrityError, MalformedError, UnavailableError
from countenance.law.shelf import load_packs
from countenance.log.notes import Signer, Verifier
from countenance.log.tiles import LogFiles
from countenance.pages.authority import make_authority_pages
from countenance.pages.authority.door import Front
from countenance.reception.threads import Threads
from countenance.settings import LOG_LEVELS, LOOPBACK, Settings
from countenance.store import embedded
from countenance.store.database import Database, kept_private
from countenance.store.register.tables import REGISTER
from countenance.vault.keys import FileKeys

_log = logging.getLogger("countenance.app")

PREFIX: Final = "COUNTENANCE_AUTHORITY_"
_VKEY: Final = "vkey"
_FORGET_SECONDS: Final = 3600.0
_SCHEMES: Final = frozenset({"postgresql", "postgres", "postgresql+psycopg"})


def _listed(written: object) -> object:
    """Return what stands between commas."""
    return tuple(each.strip() for each in written.split(",") if each.strip()) if isinstance(written, str) else written


class AuthoritySettings(BaseModel):
    """What an authority can set, from the environment: `COUNTENANCE_AUTHORITY_` and the name in capitals."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    data_dir: Annotated[Path, Field(description="Where keys, files and the embedded database lie.")] = Path("authority")
    database_url_file: Annotated[Path | None, Field(description="File with a PostgreSQL address; none: embedded.")] = (
        None
    )
    database_url: Annotated[str | None, Field(description="A PostgreSQL address without a password in it.")] = None
    database_tls_elsewhere: Annotated[
        bool, Field(description="The way to that database is private by other means.")
    ] = False
    database_connections: Annotated[int, Field(ge=2, description="Most connections to it held at once.")] = 12
    host: Annotated[str, Field(description="Address the server listens on.")] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535, description="Port the server listens on.")] = 8020
    public_url: Annotated[str, Field(description="Address at which operators and people reach it.")] = (
        "http://127.0.0.1:8020"
    )
    name: Annotated[str, Field(min_length=1, max_length=128, description="What the authority is called.")] = "Authority"
    key_name: Annotated[str | None, Field(description="Name of its signing key, chosen once; none: its host.")] = None
    tls_certificate_file: Annotated[Path | None, Field(description="Certificate chain to serve HTTPS with.")] = None
    tls_key_file: Annotated[Path | None, Field(description="Private key of the certificate.")] = None
    tls_elsewhere: Annotated[bool, Field(description="TLS ends at a proxy on the way here.")] = False
    law_packs: Annotated[
        tuple[str, ...], BeforeValidator(_listed), Field(min_length=1, description="Packs whose lines are known here.")
    ] = ("cn-2025", "cn-2023-draft")
    mirror_minutes: Annotated[int, Field(ge=0, description="Minutes between mirrorings of the logs; 0: never.")] = 60
    private_logs: Annotated[bool, Field(description="Operators' logs may lie in a private network.")] = False
    log_level: Annotated[str, Field(description="Engineers' log: debug, info, warning or error.")] = "info"

    @property
    def strict(self) -> bool:
        """Return whether this server itself speaks HTTPS."""
        return self.tls_certificate_file is not None


def read_authority_settings(environment: Mapping[str, str]) -> AuthoritySettings:
    """Return the settings of an environment.

    Raises MalformedError for an unknown name, a value that cannot be read, or one that would switch a protection off.
    """
    given = {
        name.removeprefix(PREFIX).lower(): text.strip()
        for name, text in environment.items()
        if name.startswith(PREFIX) and text.strip()
    }
    try:
        settings = AuthoritySettings.model_validate(given)
    except ValidationError as error:
        names = ", ".join(sorted({f"{PREFIX}{str(each['loc'][0]).upper()}" for each in error.errors()}))
        raise _wrong(names) from error
    url = urlsplit(settings.public_url)
    wrong = [
        name
        for name, bad in {
            "TLS_CERTIFICATE_FILE": settings.host not in LOOPBACK and not (settings.strict or settings.tls_elsewhere),
            "TLS_KEY_FILE": settings.strict != (settings.tls_key_file is not None),
            "PUBLIC_URL": not url.hostname
            or not (url.scheme == "https" or (url.scheme == "http" and url.hostname in LOOPBACK)),
            "LOG_LEVEL": settings.log_level.lower() not in LOG_LEVELS,
        }.items()
        if bad
    ]
    wrong += [
        name.upper()
        for name in ("tls_certificate_file", "tls_key_file", "database_url_file")
        if (path := getattr(settings, name)) is not None and not path.is_file()
    ]
    if wrong:
        raise _wrong(", ".join(f"{PREFIX}{name}" for name in dict.fromkeys(wrong)))
    return settings


@contextmanager
def open_register(settings: AuthoritySettings) -> Iterator[Database]:
    """Yield the authority's database with the newest schema; the embedded one is started, or joined."""
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            f"The data directory cannot be made or used. Set {PREFIX}DATA_DIR to a folder you may write to.",
            f"无法创建或使用数据目录。请将 {PREFIX}DATA_DIR 设为可写文件夹。",
        ) from error
    with ExitStack() as stack:
        address, missed = _address(settings), _nothing
        if address is None:
            directory = settings.data_dir / "postgres"
            address = embedded.start(directory)
            missed = stack.enter_context(embedded.kept_up(directory))
        database = Database(address, connections=settings.database_connections, missed=missed, schema=REGISTER)
        stack.callback(database.close)
        database.migrate()
        yield database


@contextmanager
def open_desk(settings: AuthoritySettings, clock: Callable[[], Any] = now) -> Iterator[Desk]:
    """Yield the desk of an authority, open: its database migrated, its keys there, its parties' logs known."""
    with open_register(settings) as database:
        signing = _signer(settings)
        name = signing.verifier.name
        office = Office(
            database=database,
            signer=signing,
            codes_key=codes_key(_keys(settings)),
            group_keys=FileKeys(settings.data_dir / "group-keys"),
            files=Files(settings.data_dir / "attachments"),
            witness=open_witness(settings.data_dir / "witness", f"{name}/witness", clock),
            packs=load_packs(settings.law_packs),
            clock=clock,
            private_logs=settings.private_logs or urlsplit(settings.public_url).hostname in LOOPBACK,
        )
        follow_parties(database, office.witness)
        yield Desk(office)


def authority_threads(settings: AuthoritySettings) -> Threads:
    """Return the limiters of the threads that work for an authority's requests."""
    return Threads(Settings(engine_workers=4, database_connections=settings.database_connections))


def pages_of(desk: Desk, settings: AuthoritySettings, threads: Threads) -> Pages:
    """Return the pages of an authority's server."""
    front = Front(
        settings.name, settings.public_url, urlsplit(settings.public_url).scheme == "https", desk.office.packs
    )
    return make_authority_pages(desk, front, threads)


def make_authority_application(
    desk: Desk, settings: AuthoritySettings, threads: Threads, pages: Pages | None = None
) -> ASGIApp:
    """Return what an authority serves: the exchange, the open data, the witness, and the pages that are handed in."""
    return make_exchange(desk, threads, strict=settings.strict, pages=pages)


def serve_authority(desk: Desk, settings: AuthoritySettings, started: Callable[[], None]) -> None:
    """Serve until a signal comes; requests under way are finished first, and logs are mirrored beside it."""
    threads = authority_threads(settings)
    desk.office.files.sweep()
    config = uvicorn.Config(
        make_authority_application(desk, settings, threads, pages_of(desk, settings, threads)),
        host=settings.host,
        port=settings.port,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=20,
        h11_max_incomplete_event_size=64 * 1024,
        ssl_certfile=str(settings.tls_certificate_file) if settings.tls_certificate_file else None,
        ssl_keyfile=str(settings.tls_key_file) if settings.tls_key_file else None,
    )
    server = Server(config, started)
    with _tending(desk.office, settings.mirror_minutes), ending_in_order():
        server.run()
    if not server.started:
        raise UnavailableError(
            f"The port is taken or may not be used. Set {PREFIX}PORT to a free one.",
            f"端口被占用或无权使用。请将 {PREFIX}PORT 设为可用端口。",
        )


@contextmanager
def _tending(office: Office, mirror_minutes: int) -> Iterator[None]:
    """Mirror the parties' logs, and forget what is over, every so often beside what is done inside."""
    closing = threading.Event()

    def repeat(act: Callable[[Office], object], seconds: float) -> None:
        while not closing.wait(seconds):
            try:
                act(office)
            except TROUBLE as error:  # the database is away; the next time it may not be
                _log.error("not_tended", extra={"kind": type(error).__name__})

    forget(office)
    every = [(forget, _FORGET_SECONDS), *([(mirror_parties, 60.0 * mirror_minutes)] if mirror_minutes else [])]
    for act, seconds in every:
        threading.Thread(target=repeat, args=(act, seconds), name=act.__name__, daemon=True).start()
    try:
        yield
    finally:
        closing.set()


def _keys(settings: AuthoritySettings) -> FileKeys:
    return FileKeys(settings.data_dir / "keys")


def _signer(settings: AuthoritySettings) -> Signer:
    """Return the authority's key under the name it was made with: operators have pinned it.

    Raises IntegrityError where the key is not the one that was made, MalformedError where another name is set.
    """
    files = LogFiles(settings.data_dir)
    written = files.read(_VKEY)
    made = None if written is None else Verifier.of_vkey(written.decode("utf-8", "replace"))
    wanted = settings.key_name or (made.name if made else urlsplit(settings.public_url).netloc)
    if made is not None and made.name != wanted:
        raise MalformedError(
            f"The authority's key has another name. Leave {PREFIX}KEY_NAME out: operators know it by that name.",
            f"主管部门密钥已有其他名称。请勿设置 {PREFIX}KEY_NAME：运营者以原名称识别该密钥。",
        )
    signing = signer(_keys(settings), wanted)
    if made is None:
        files.write(_VKEY, f"{signing.verifier.as_vkey()}\n".encode())
        files.settle()
    elif made != signing.verifier:
        raise IntegrityError(
            "The authority's key is not the one that operators know. Put the right key file back.",
            "主管部门密钥与运营者所知不符。请恢复正确的密钥文件。",
        )
    return signing


def _nothing() -> None:
    """Do nothing about a database that somebody else runs."""


def _address(settings: AuthoritySettings) -> str | None:
    """Return the address of the authority's own database, None where none is named."""
    address = settings.database_url
    if settings.database_url_file is not None:
        try:
            address = settings.database_url_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise _wrong(f"{PREFIX}DATABASE_URL_FILE") from error
    if address is None:
        return None
    scheme, _, rest = address.partition("://")
    if scheme not in _SCHEMES:
        raise _wrong(f"{PREFIX}DATABASE_URL")
    address = f"postgresql+psycopg://{rest}"
    if not settings.database_tls_elsewhere and not kept_private(address, os.environ):
        raise UnavailableError(
            "The database is on another machine, and its address does not ask for TLS. Add ?sslmode=verify-full, or "
            f"say by {PREFIX}DATABASE_TLS_ELSEWHERE that the way there is private.",
            f"数据库位于其他机器，但地址未要求 TLS。请添加 ?sslmode=verify-full，或用 {PREFIX}DATABASE_TLS_ELSEWHERE "
            "说明链路已受保护。",
        )
    return address


def _wrong(names: str) -> MalformedError:
    return MalformedError(
        f"These settings of the authority are unknown or out of range: {names}. See: countenance authority settings",
        f"主管部门的以下设置未知或超出范围：{names}。请运行：countenance authority settings",
    )
