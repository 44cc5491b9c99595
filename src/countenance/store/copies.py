"""A copy of everything in the database, table by table, as PostgreSQL itself writes rows (COPY), and back."""

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import IO, Any, Final

import psycopg
from sqlalchemy import Connection, Table, func, inspect, select, text

from countenance.errors import ConflictError, MalformedError, UnavailableError
from countenance.store import (  # noqa: F401 — every table has to be known before the tables are asked for
    activations,
    assessments,
    authorisations,
    budgets,
    challenges,
    choices,
    clocks,
    count_tables,
    erasures,
    exchange_tables,
    filings,
    links,
    log_tables,
    originals,
    receipts,
    reminders,
    requests,
    reviews,
    served_table,
    sign_ins,
    spaces,
    staff,
    tallies,
)
from countenance.store.database import Transaction, hold_schema, upgrade
from countenance.store.tables import metadata

FORMAT: Final = 1
#: Counts of pictures are nobody's loss: they fall by themselves in a day.
LEFT_OUT: Final = frozenset({"budget"})
_PORTION: Final = 1 << 20
_MANIFEST: Final = "manifest.json"

Progress = Callable[[int, int], None]


def save(tx: Transaction, to: IO[bytes], at: datetime, progress: Progress) -> dict[str, Any]:
    """Write everything as a snapshot sees it, and return what stands in the copy's manifest."""
    revision = tx.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    tables = [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]
    listed: list[dict[str, Any]] = []
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for done, table in enumerate(tables):
            progress(done, len(tables))
            digest = hashlib.sha256()
            columns = [column.name for column in table.columns]
            with archive.open(table.name, "w", force_zip64=True) as file, _cursor(tx) as cursor:
                with cursor.copy(f"COPY {_named(table.name, columns)} TO STDOUT") as rows:
                    for portion in rows:
                        digest.update(portion)
                        file.write(portion)
                count = cursor.rowcount
            listed.append({"name": table.name, "columns": columns, "rows": count, "sha256": digest.hexdigest()})
        manifest = {"format": FORMAT, "revision": revision, "at": at.isoformat(), "tables": listed}
        archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))
    progress(len(tables), len(tables))
    return manifest


def manifest_of(source: IO[bytes]) -> dict[str, Any]:
    """Return what a copy says of itself; raises MalformedError for what is no copy of ours."""
    try:
        with zipfile.ZipFile(source) as archive:
            manifest = json.loads(archive.read(_MANIFEST))
        known = {table.name for table in metadata.sorted_tables}
        fits = manifest["format"] == FORMAT and {each["name"] for each in manifest["tables"]} <= known
        at = datetime.fromisoformat(manifest["at"])
        fits = fits and at.tzinfo is not None and str(manifest["revision"]).isalnum()
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError, NotImplementedError) as error:
        raise _no_copy() from error
    if not fits:
        raise _no_copy()
    return {**manifest, "at": at}


def put_back(tx: Transaction, source: IO[bytes], manifest: dict[str, Any], progress: Progress) -> None:
    """Replace everything in the database by a copy, and bring it to the newest schema; all or nothing, by `tx`.

    Raises ConflictError while anybody else is connected, MalformedError for a copy that is damaged or of a schema that
    this build does not know.
    """
    hold_schema(tx)
    others = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
        "AND backend_type = 'client backend'"
    )
    if tx.execute(others).scalar_one():
        raise ConflictError(
            "Somebody is connected to the database. Stop every server first.", "数据库仍有连接。请先停止所有服务。"
        )
    tx.execute(text("SET LOCAL statement_timeout = 0"))
    if there := inspect(tx).get_table_names():
        listed = ", ".join(f'"{name}"' for name in there)
        tx.execute(text(f"DROP TABLE {listed} CASCADE"))
    upgrade(tx, str(manifest["revision"]))
    columns = {name: {each["name"] for each in inspect(tx).get_columns(name)} for name in inspect(tx).get_table_names()}
    with zipfile.ZipFile(source) as archive:
        for done, each in enumerate(manifest["tables"]):
            progress(done, len(manifest["tables"]))
            fits = set(each["columns"]) <= columns.get(each["name"], set())
            if not fits or each["name"] not in archive.namelist():
                raise _no_copy()
            with archive.open(each["name"]) as file:
                _read_in(tx, each, file)
    for table in metadata.sorted_tables:
        _count_on(tx, table, columns.get(table.name, set()))
    upgrade(tx, "head")
    progress(1, 1)


def _read_in(tx: Transaction, table: dict[str, Any], file: IO[bytes]) -> None:
    digest = hashlib.sha256()
    try:
        with _cursor(tx) as cursor:
            with cursor.copy(f"COPY {_named(table['name'], table['columns'])} FROM STDIN") as rows:
                for portion in _portions(file):
                    digest.update(portion)
                    rows.write(portion)
            count = cursor.rowcount
    except (zipfile.BadZipFile, EOFError, psycopg.DataError, psycopg.IntegrityError) as error:
        raise _no_copy() from error
    except psycopg.OperationalError as error:
        raise UnavailableError("The database does not answer.", "数据库没有响应。") from error
    if digest.hexdigest() != table["sha256"] or count != table["rows"]:
        raise _no_copy()


def _portions(file: IO[bytes]) -> Iterator[bytes]:
    while portion := file.read(_PORTION):
        yield portion


def _count_on(tx: Transaction, table: Table, there: set[str]) -> None:
    """Let a numbered column go on behind the highest number that was put back."""
    for column in table.columns:
        if column.identity is not None and column.name in there:
            highest = tx.execute(select(func.max(column))).scalar_one()
            if highest is not None:
                sequence = func.pg_get_serial_sequence(table.name, column.name)
                tx.execute(select(func.setval(sequence, highest)))


def _cursor(tx: Connection) -> Any:
    connection: Any = tx.connection.driver_connection
    return connection.cursor()


def _named(table: str, columns: list[str]) -> Any:
    """Return a table and its columns, quoted; both are names that the schema has."""
    listed = ", ".join(f'"{name}"' for name in columns)
    return f'"{table}" ({listed})'


def _no_copy() -> MalformedError:
    return MalformedError(
        "This is no backup that can be restored here: damaged, of another program, or of a newer version.",
        "该文件无法在此恢复：已损坏、并非本系统备份，或来自更新的版本。",
    )
