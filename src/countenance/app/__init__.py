"""The one place that knows every room: takes parts off the shelves, wires them, opens the house and closes it."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, Request, Response

from countenance.api import by_problem, make_api
from countenance.app.beside import kept_up
from countenance.app.holding import key_holder
from countenance.capture import Limits
from countenance.compare import Threshold
from countenance.engines import Engine, load_engine
from countenance.errors import CountenanceError, MalformedError, UnavailableError
from countenance.law.pack import Packs
from countenance.law.shelf import load_packs
from countenance.log.policy import Policy
from countenance.operations.fill import Progress, fill
from countenance.operations.journal import Journal
from countenance.operations.logs import Logs
from countenance.operations.opening import note_opening
from countenance.operations.parts import House, Margins
from countenance.pages import make_pages
from countenance.reception.metrics import Metrics
from countenance.reception.threads import Threads
from countenance.settings import Settings
from countenance.store import embedded, logged, records, sites
from countenance.store.database import Database, kept_private
from countenance.vault.encrypted import EncryptedProjection
from countenance.vault.hardware import HardwareKeys, Module
from countenance.vault.keys import FileKeys, KeyProvider, MountedKeys
from countenance.vault.projection import Projection
from countenance.vault.vaults import Vaults
from countenance.vocabulary import KeysFrom

_log = logging.getLogger("countenance.app")

#: Where the interface is; everything else is for people.
INTERFACE = "/v1/"
#: A record that waits for its log for longer is a log that is stuck.
LOG_LATE = timedelta(minutes=2)


def now() -> datetime:
    """Return the present instant; the only clock in the house."""
    return datetime.now(UTC)


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Yield the database with the newest schema; the embedded one is started, or joined if it runs already.

    The embedded one is started again when it is gone while this process goes on; another's is whoever's it is.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(
            "The data directory cannot be made or used. Set COUNTENANCE_DATA_DIR to a folder you may write to.",
            "无法创建或使用数据目录。请将 COUNTENANCE_DATA_DIR 设为可写文件夹。",
        ) from error
    with ExitStack() as stack:
        address, missed = _address(settings), _nothing
        if address is None:
            directory = settings.data_dir / "postgres"
            address = embedded.start(directory)
            missed = stack.enter_context(embedded.kept_up(directory))
        database = Database(address, connections=settings.database_connections, missed=missed)
        stack.callback(database.close)
        database.migrate()
        yield database


def _nothing() -> None:
    """Do nothing about a database that somebody else runs."""


def _address(settings: Settings) -> str | None:
    """Return the address of the operator's own database, None where none is named."""
    address = settings.database_url
    if settings.database_url_file is not None:
        try:
            address = settings.database_url_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise UnavailableError(
                "The file with the database address cannot be read. Check COUNTENANCE_DATABASE_URL_FILE.",
                "无法读取数据库地址文件。请检查 COUNTENANCE_DATABASE_URL_FILE。",
            ) from error
    if address is None:
        return None
    scheme, _, rest = address.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise UnavailableError(
            "The database address is not one of PostgreSQL: it begins with postgresql://",
            "数据库地址必须以 postgresql:// 开头。",
        )
    address = f"postgresql+psycopg://{rest}"
    if not settings.database_tls_elsewhere and not kept_private(address, os.environ):
        raise UnavailableError(
            "The database is on another machine, and its address does not ask for TLS. Add ?sslmode=verify-full, or "
            "say by COUNTENANCE_DATABASE_TLS_ELSEWHERE that the way there is private.",
            "数据库位于其他机器，但地址未要求 TLS。请添加 ?sslmode=verify-full，或用 "
            "COUNTENANCE_DATABASE_TLS_ELSEWHERE 说明链路已受保护。",
        )
    return address


def keys(settings: Settings) -> KeyProvider:
    """Return the provider of the operators' keys."""
    folder = settings.keys_dir or settings.data_dir / "keys"
    if settings.keys_from is KeysFrom.MOUNTED:
        return MountedKeys(folder)
    if settings.keys_from is KeysFrom.HARDWARE:
        return hardware_keys(settings)
    return FileKeys(folder)


def hardware_keys(settings: Settings) -> HardwareKeys:
    """Return the provider whose keys a hardware module wraps; raises MalformedError where none is named."""
    library, token, pin_file = settings.hardware_library, settings.hardware_token, settings.hardware_pin_file
    if library is None or token is None or pin_file is None:
        raise MalformedError(
            "No hardware module is named. Set COUNTENANCE_HARDWARE_LIBRARY, _TOKEN and _PIN_FILE.",
            "未指定硬件模块。请设置 COUNTENANCE_HARDWARE_LIBRARY、_TOKEN 与 _PIN_FILE。",
        )
    module = Module(library, token, pin_file, settings.hardware_key)
    return HardwareKeys(settings.keys_dir or settings.data_dir / "keys", module)


def journal(settings: Settings) -> Journal:
    """Return the file that remembers erasures; raises MalformedError where what is there is none."""
    kept = Journal(settings.journal_file or settings.data_dir / "erasures.jsonl")
    kept.read()
    return kept


def logs(settings: Settings) -> Logs:
    """Return where the logs lie and by which keys they are signed."""
    return Logs(
        settings.log_dir or settings.data_dir / "log",
        settings.log_name or urlsplit(settings.public_url).netloc,
        FileKeys(settings.log_keys_dir or settings.data_dir / "log-keys"),
        writes=settings.log_writes,
        policy=_policy(settings.witness_policy_file),
    )


def _policy(path: Path | None) -> Policy | None:
    """Return which witnesses cosign the logs; raises MalformedError for a file that does not say it."""
    if path is None:
        return None
    try:
        return Policy.parse(path.read_bytes())
    except OSError as error:
        raise MalformedError(
            "The policy of witnesses cannot be read. Check COUNTENANCE_WITNESS_POLICY_FILE.",
            "无法读取见证策略文件。请检查 COUNTENANCE_WITNESS_POLICY_FILE。",
        ) from error


def packs(settings: Settings) -> Packs:
    """Return the packs of law that judge here."""
    return load_packs(settings.law_packs, installed=settings.data_dir / "packs")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open house and what belongs to its door."""

    house: House
    metrics: Metrics
    settings: Settings

    def ready(self) -> dict[str, bool]:
        """Return which parts stand ready now."""
        reachable = self.house.database.answers()
        return {
            "database": reachable,
            "schema": reachable and self._schema_current(),
            "engine": True,
            "vault": self._vaults_open(reachable=reachable),
            "integrity": not self.house.alarm.is_set(),
            "clock": reachable and self._clock_right(),
            "log": reachable and self._log_follows(),
        }

    def _log_follows(self) -> bool:
        """Return whether every operator's log takes what is recorded, and has done so lately."""
        try:
            with self.house.database.reading() as tx:
                waiting = [(logged.newest(tx, each), logged.waiting_since(tx, each)) for each in sites.operators(tx)]
        except CountenanceError:
            return False
        late = self.house.clock() - LOG_LATE
        return all((row is None or row.ended_at is None) and (since is None or since > late) for row, since in waiting)

    def _clock_right(self) -> bool:
        """Return whether the clock stands where the last record of each operator lets it."""
        slack = timedelta(seconds=self.settings.clock_backward_seconds_max)
        try:
            with self.house.database.reading() as tx:
                newest = [records.newest_at(tx, operator_id) for operator_id in sites.operators(tx)]
        except CountenanceError:
            return False
        return all(at is None or at - self.house.clock() <= slack for at in newest)

    def _schema_current(self) -> bool:
        try:
            return self.house.database.current()
        except CountenanceError:
            return False

    def _vaults_open(self, *, reachable: bool) -> bool:
        if not reachable:
            return False
        try:
            with self.house.database.transaction() as tx:
                for operator_id in sites.operators(tx):
                    self.house.vault(operator_id)
        except CountenanceError:
            return False
        return True


def _engine(settings: Settings) -> Engine:
    """Return the networks, tested."""
    return load_engine(
        settings.data_dir,
        runtime=settings.engine_runtime,
        threads=settings.engine_threads,
        workers=settings.engine_workers,
        cuda=settings.engine_cuda,
        detector_card=settings.detector_card,
        extractor_card=settings.extractor_card,
        attack_card=settings.attack_card,
    )


@contextmanager
def open_house(
    settings: Settings, progress: Progress | None = None, clock: Callable[[], datetime] = now
) -> Iterator[Opened]:
    """Yield the house, open: database migrated, law loaded, engine tested, every reference readable.

    Raises a CountenanceError for anything that is not as it must be; nothing is served on doubt.
    """
    law = packs(settings)
    engine = _engine(settings)
    metrics = Metrics()
    with ExitStack() as stack:
        stack.callback(engine.close)
        database = stack.enter_context(open_database(settings))
        holder = stack.enter_context(key_holder(settings))
        house = House(
            database=database,
            packs=law,
            engine=engine,
            threshold=Threshold.of(engine, settings.threshold_fmr),
            identify_threshold=Threshold.of(engine, settings.identify_fmr),
            vaults=Vaults(keys(settings)),
            projection=Projection(engine.model_id, engine.extractor.dimension),
            encrypted=EncryptedProjection(holder, engine.extractor.dimension),
            limits=Limits(sample_bytes_max=settings.sample_bytes_max, sample_pixels_max=settings.sample_pixels_max),
            logs=logs(settings),
            clock=clock,
            count=metrics.count,
            measure=metrics.measure,
            alarm=threading.Event(),
            references_max=settings.references_max,
            session_consent_seconds=settings.session_consent_seconds,
            notice_served_minutes_max=settings.notice_served_minutes_max,
            receipt_minutes=settings.receipt_minutes,
            receipt_days=settings.receipt_days,
            clock_backward_seconds_max=settings.clock_backward_seconds_max,
            request_days=settings.request_days,
            request_keep_days=settings.request_keep_days,
            link_minutes=settings.link_minutes,
            margins=Margins(
                percent=settings.parity_margin_percent,
                steps=settings.parity_margin_steps,
                measurements_min=settings.parity_measurements_min,
            ),
            frames_max=settings.frames_max,
            challenge_seconds=settings.challenge_seconds,
            attack_check=settings.attack_check,
            budget_device=settings.budget_device,
            budget_claim=settings.budget_claim,
            backup_days=settings.backup_days,
        )
        fill(house, progress)
        note_opening(house)
        stack.enter_context(kept_up(house, settings, journal(settings)))
        yield Opened(house, metrics, settings)


def make_application(
    house: House, settings: Settings, ready: Callable[[], Mapping[str, bool]], metrics: Metrics
) -> FastAPI:
    """Return what is served: the interface under /v1, and the pages; each shows problems in its own way."""
    threads = Threads(settings)
    routes, problem_page = make_pages(house, settings, threads)

    def answer(request: Request, name: str) -> Response:
        return (by_problem if request.url.path.startswith(INTERFACE) else problem_page)(request, name)

    application = make_api(house, settings, ready=ready, metrics=metrics, threads=threads, answer=answer)
    application.router.routes.extend(routes)
    return application


def serve(opened: Opened, started: Callable[[], None] | None = None) -> None:
    """Serve until a signal comes; requests under way are finished first."""
    settings = opened.settings
    config = uvicorn.Config(
        make_application(opened.house, settings, opened.ready, opened.metrics),
        host=settings.host,
        port=settings.port,
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
    with ending_in_order():
        server.run()
    if not server.started:
        raise UnavailableError(
            "The port is taken or may not be used. Set COUNTENANCE_PORT to a free one.",
            "端口被占用或无权使用。请将 COUNTENANCE_PORT 设为可用端口。",
        )


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let a signal end the server like a return, so that the house is closed behind it.

    When the server has stopped, uvicorn raises the signal again; its default would end the process on the spot and
    leave the embedded database running.
    """

    class Ended(BaseException):
        """The signal came again."""

    def end(*_: object) -> None:
        raise Ended

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        with suppress(Ended):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Server(uvicorn.Server):
    """Says when it listens, so that nothing is promised before."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        """Listen, and say so."""
        try:
            await super().startup(sockets)  # type: ignore[arg-type]
        except SystemExit:  # uvicorn's way to say that it cannot bind; its message names the address
            self.should_exit = True
            return
        if self.started and self._listening is not None:
            self._listening()


def private_file(path: Path, content: str | bytes) -> None:
    """Write content whole to a file nobody else can read, or leave the file as it was."""
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content.encode() if isinstance(content, str) else content)
    draft.replace(path)
