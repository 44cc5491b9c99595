"""The connection to PostgreSQL: transactions that commit whole or not at all, and errors in the house's words."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psycopg
import sqlalchemy
from psycopg.conninfo import make_conninfo
from sqlalchemy import Connection, Engine, column, event, exc, select, table, text

from countenance.errors import ConflictError, MalformedError, UnavailableError

if TYPE_CHECKING:
    from alembic.config import Config

#: What a transaction is to the rooms above, which hand it on and never look inside.
Transaction = Connection


@dataclass(frozen=True, slots=True)
class Schema:
    """A set of tables: the folder with its numbered steps, and the table in which the database keeps its version."""

    steps: Path
    version_table: str = "alembic_version"


#: The tables of an operator's server.
OPERATORS: Final = Schema(Path(__file__).with_name("migrations"))
_MIGRATION_LOCK = 0x636F756E  # "coun": one migration at a time, whoever else starts


class Database:
    """A pool of connections to one PostgreSQL database."""

    def __init__(
        self,
        address: str,
        *,
        connections: int = 12,
        missed: Callable[[], None] = lambda: None,
        schema: Schema = OPERATORS,
    ) -> None:
        """Prepare the pool for `address` (postgresql+psycopg://…); nothing is opened yet.

        `missed` is called whenever the database did not answer; it must not keep the caller waiting.
        """
        self._missed = missed
        self._schema = schema
        self.engine: Engine = sqlalchemy.create_engine(
            _usable(address),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=5,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={
                "connect_timeout": 5,
                "prepare_threshold": 2,
                "options": "-c statement_timeout=20000 -c lock_timeout=10000 "
                "-c idle_in_transaction_session_timeout=60000 -c timezone=UTC",
            },
        )
        self._pids: dict[int, int] = {}
        event.listen(self.engine, "connect", lambda made, _: self._pids.update({id(made): made.info.backend_pid}))
        event.listen(self.engine, "close", lambda gone, _: self._pids.pop(id(gone), None))
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Yield a transaction that commits at the end and rolls back on any exception.

        Raises UnavailableError when the database cannot be reached or cannot write, and ConflictError when another
        transaction came first.
        """
        with self._translated(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Transaction]:
        """Yield a transaction that only reads, sees everything as it is at one instant, and may take its time."""
        with self.transaction() as tx:
            tx.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            tx.execute(text("SET LOCAL statement_timeout = 0"))
            yield tx

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what the driver raises into the house's errors."""
        try:
            yield
        except exc.IntegrityError as error:
            raise ConflictError(
                "Somebody else changed the same thing at the same moment. Read it again and repeat.",
                "同一数据刚被他人修改。请重新读取后再试。",
            ) from error
        except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, exc.InternalError) as error:
            self._missed()
            raise _away(str(error.orig) if isinstance(error, exc.DBAPIError) else "") from error
        except exc.DataError as error:
            raise MalformedError(
                "A value cannot be kept as it is: it is too large, or holds what is no text. Correct it.",
                "某项内容无法保存：数值过大或含非文本字符。请更正。",
            ) from error
        except exc.DBAPIError as error:
            if error.connection_invalidated:
                self._missed()
                raise UnavailableError(
                    "The database connection was lost, so nothing was done. Repeat the request later.",
                    "数据库连接中断，未执行任何操作。请稍后重试。",
                ) from error
            raise

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Yield a connection on which every statement stands alone, for questions that one statement answers.

        It saves the two round trips that beginning and ending a transaction take. Raises what `transaction` raises.
        """
        with self._translated(), self._reader.connect() as connection:
            yield connection

    @property
    def pids(self) -> frozenset[int]:
        """Return the numbers by which PostgreSQL knows this pool's connections."""
        return frozenset(self._pids.copy().values())

    def answers(self) -> bool:
        """Return whether a trivial question is answered now."""
        try:
            with self.transaction() as tx:
                return tx.execute(text("SELECT 1")).scalar() == 1
        except (UnavailableError, ConflictError):
            return False

    def migrate(self) -> None:
        """Bring the schema to the newest version; safe when several processes start at once."""
        with self.transaction() as tx:
            hold_schema(tx)
            upgrade(tx, "head", self._schema)

    def current(self) -> bool:
        """Return whether the schema is the newest this build knows, or newer: a newer version only adds to it.

        So a server goes on while its successor is started beside it, and migrates.
        """
        from alembic.script import ScriptDirectory  # noqa: PLC0415

        with self.transaction() as tx:
            found = tx.execute(select(column("version_num")).select_from(table(self._schema.version_table))).scalar()
        newest = ScriptDirectory.from_config(_alembic(self._schema)).get_current_head()
        return found is not None and newest is not None and str(found) >= newest  # four digits each

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def hold_schema(tx: Transaction) -> None:
    """Let nobody else change the schema until the commit: whoever starts waits."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})


def upgrade(tx: Transaction, revision: str, schema: Schema = OPERATORS) -> None:
    """Bring the schema to a version, within a transaction; raises MalformedError for one this build does not know."""
    from alembic import command, util  # noqa: PLC0415 — a third of a second that only a start has to spend

    config = _alembic(schema)
    config.attributes["connection"] = tx
    try:
        command.upgrade(config, revision)
    except util.CommandError as error:
        raise MalformedError(
            "The database is of a version that this build does not know. Use the one that wrote it, or a newer one.",
            "数据库版本不受当前程序支持。请使用写入它的版本或更新版本。",
        ) from error


def kept_private(address: str, environment: Mapping[str, str]) -> bool:
    """Return whether what goes to a database stays on this machine, or is encrypted to one whose name is checked.

    The environment counts where it names a host to the driver, and a service might name any.
    """
    url = _usable(address)
    named = [host for value in (url.host, *_listed(url.query.get("host"))) if value for host in value.split(",")]
    numbered = [host for value in _listed(url.query.get("hostaddr")) for host in value.split(",")]
    said = {name: environment.get(name) for name in ("PGHOST", "PGHOSTADDR", "PGSERVICE")}
    elsewhere = "service" in url.query or bool(said["PGSERVICE"] or said["PGHOSTADDR"])
    hosts = [*(named or [said["PGHOST"] or ""]), *numbered]
    if not elsewhere and all(map(_here, hosts)):
        return True
    return list(_listed(url.query.get("sslmode"))) == ["verify-full"]  # verify-ca takes any name of the authority's


def _here(host: str) -> bool:
    """Return whether a host is this machine: a socket, a loopback address, or no host at all; a port may follow."""
    if host.startswith("/") or not host:
        return True
    for name in (host, host.rpartition(":")[0]):
        try:
            return ipaddress.ip_address(name.strip("[]")).is_loopback
        except ValueError:
            continue
    return host.partition(":")[0] == "localhost"


def _listed(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value or ()


def _usable(address: str) -> sqlalchemy.URL:
    """Return an address taken apart; raises MalformedError for one that the driver could not use."""
    try:
        url = sqlalchemy.make_url(address)
        words, options = url.get_dialect()().create_connect_args(url)
        make_conninfo(*words, **options)
    except (exc.ArgumentError, psycopg.Error, ValueError, LookupError, TypeError):
        raise MalformedError(
            "The database address cannot be read. It is like postgresql://user@host:5432/name?sslmode=verify-full; an "
            "option may be misspelled.",
            "数据库地址无法读取。其形式如 postgresql://user@host:5432/name?sslmode=verify-full；请检查选项拼写。",
        ) from None
    return url


#: What the driver says, in its own words, when trying again does not help; whoever runs the server has to know why.
_NOT_TRUSTED: Final = ("certificate verify failed", "does not match host name", "root certificate file")
_NOT_LET_IN: Final = ("authentication failed", "no pg_hba.conf entry", "FATAL:  role", "FATAL:  database")


def _away(said: str) -> UnavailableError:
    """Return why the database cannot be used now, by what the driver said, of which nothing is repeated."""
    if any(each in said for each in _NOT_TRUSTED):
        return UnavailableError(
            "The database's certificate is not the one to trust, so nothing was said to it. Check sslrootcert and the "
            "host's name in the database address.",
            "数据库证书不可信，未向其发送任何内容。请检查数据库地址中的 sslrootcert 与主机名。",
        )
    if any(each in said for each in _NOT_LET_IN):
        return UnavailableError(
            "The database does not let this server in. Check role, password and name in the database address.",
            "数据库拒绝接入。请检查数据库地址中的用户、密码与库名。",
        )
    return UnavailableError(
        "The database does not answer, so nothing was done. Repeat the request later.",
        "数据库没有响应，未执行任何操作。请稍后重试。",
    )


def _alembic(schema: Schema = OPERATORS) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(schema.steps).replace("%", "%%"))
    return config
