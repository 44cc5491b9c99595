"""A database that somebody else runs: over TLS or not at all, under a role that may do little, under two versions."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text

from countenance import app
from countenance.engines import Engine
from countenance.errors import MalformedError, UnavailableError
from countenance.operations.activate import activate, register
from countenance.operations.backup import backup, restore
from countenance.operations.fill import fill
from countenance.operations.journal import Journal
from countenance.operations.logs import Logs
from countenance.operations.parts import Permitted
from countenance.operations.withdraw import withdraw
from countenance.settings import Settings
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store.database import Database, kept_private
from countenance.vault.keys import FileKeys
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, PURPOSE, Clock, Hotel, make_hotel

PREFIX = "postgresql+psycopg://"


@pytest.mark.parametrize(
    "rest",
    [
        "db.example/name",
        "db.example/name?sslmode=prefer",
        "db.example/name?sslmode=require",
        "db.example/name?sslmode=disable",
        "127.0.0.1,db.example/name",
        "/name?host=db.example",
        "127.0.0.1/name?host=db.example",
        "/name?host=/run/postgresql&host=db.example",
        "db.example/name?sslmode=verify-full&sslmode=disable",
        "[2001:db8::1]/name",
        "[::ffff:10.0.0.5]/name",
        "[::5]/name",
        "/name?hostaddr=10.0.0.5",
        "127.0.0.1/name?hostaddr=10.0.0.5",
        "/name?service=elsewhere",
    ],
)
def test_an_address_elsewhere_without_tls_stops_the_start(tmp_path: Path, rest: str) -> None:
    assert not kept_private(PREFIX + rest, {})
    settings = Settings(data_dir=tmp_path, database_url=f"postgresql://{rest}")
    with pytest.raises(UnavailableError, match="TLS"), app.open_database(settings):
        pass


@pytest.mark.parametrize(
    "rest",
    [
        "/name?host=/run/postgresql",
        "127.0.0.1:5432/name",
        "localhost/name",
        "[::1]:5432/name",
        "/name",
        "db.example/name?sslmode=verify-full",
        "db.example:6432/name?sslmode=verify-full&sslrootcert=/etc/ca.pem",
    ],
)
def test_an_address_here_or_with_tls_is_taken(rest: str) -> None:
    assert kept_private(PREFIX + rest, {})


@pytest.mark.parametrize("rest", ["db.example/name?sslmode=verify-full&sslrootcrt=/x", "db.example/name?port=abc"])
def test_an_address_that_the_driver_cannot_use_is_said(rest: str) -> None:
    with pytest.raises(MalformedError):
        kept_private(PREFIX + rest, {})
    with pytest.raises(MalformedError):
        Database(PREFIX + rest)


def test_an_address_without_a_host_is_elsewhere_where_the_environment_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    with pytest.raises(UnavailableError, match="TLS"):
        app._address(Settings(database_url="postgresql:///name"))


@pytest.fixture
def restricted(postgres: str) -> Iterator[str]:
    """Yield the address of a database under a role that may do nothing but own it."""
    name = f"r{uuid4().hex[:12]}"
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(
            text(f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD 'x'")
        )
        connection.execute(text(f"CREATE DATABASE {name} OWNER {name}"))
        connection.execute(text(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC"))
    _, _, query = postgres.partition("?")
    yield f"{PREFIX}{name}:x@/{name}?{query}"
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        connection.execute(text(f"DROP ROLE {name}"))
    admin.dispose()


def test_a_role_that_owns_its_database_and_nothing_else_is_enough(
    restricted: str, engine: Engine, clock: Clock, tmp_path: Path
) -> None:
    database = Database(restricted)
    database.migrate()
    with database.transaction() as tx:
        assert tx.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).scalar_one() is False
        apply(tx, read_site(HOTEL.read_bytes()), clock())
    hotel: Hotel = make_hotel(database, engine, clock, tmp_path)
    assert isinstance(activate(hotel.house, OFFICER, PURPOSE), Permitted)
    assert isinstance(register(hotel.house, OFFICER, KIOSK, PURPOSE), Permitted)
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    backup(database, tmp_path / "one", clock(), lambda _done, _total: None)
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    done = restore(
        database,
        tmp_path / "one",
        Journal(tmp_path / "j"),
        Logs(tmp_path / "log", "db.example", FileKeys(tmp_path / "log-keys")),
        clock(),
        progress=lambda _done, _total: None,
        backup_days=35,
    )
    assert done.erasures == 1
    assert fill(hotel.house) == 0
    with database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM reference")).scalar_one() == 0
    database.close()


def test_a_server_goes_on_when_its_successor_has_migrated(hotel: Hotel) -> None:
    database = hotel.house.database
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9000'"))
    assert database.current(), "newer: it only has more"
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    assert not database.current()
