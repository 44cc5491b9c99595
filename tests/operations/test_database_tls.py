"""A database elsewhere, over real TLS: Debian's PostgreSQL, as the one out of the wheel knows no TLS.

It listens on loopback, under a name that is another machine's: `hostaddr` says where that machine is, and what is
asked of the way there, and what the certificate has to say, goes by the name.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sqlalchemy import text

from countenance import app
from countenance.client import Client, Problem
from countenance.errors import ConflictError, UnavailableError
from countenance.settings import Settings
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store.database import Database, kept_private
from tests.database import HOTEL

#: Where Debian and its kin keep the programs of each version.
PROGRAMS = Path("/usr/lib/postgresql")
#: The machine the database is on, as its certificate says, and one that it is not on.
NAME, OTHER_NAME = "db.hotel.example", "db.inn.example"
#: Told to nobody; what is said about an error must not hold it.
PASSWORD: Final = f"p{uuid4().hex}"
#: Nothing but TLS, and nothing without a password: not for the superuser either.
ONLY_TLS = "hostssl all all 127.0.0.1/32 scram-sha-256\n"
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
ssl = on
ssl_cert_file = 'server.pem'
ssl_key_file = 'server.key'
fsync = off
shared_buffers = '16MB'
"""
#: What a client says first that wants TLS: a length of eight bytes, and the number that means it.
WANTS_TLS = bytes.fromhex("0000000804d2162f")
#: Returns the address of a test's own database, with what is said about the way there.
Place = Callable[..., str]


# --- certificates and the server -------------------------------------------------------------------------------------


class Authority:
    """Signs certificates, as a hotel's own authority does."""

    def __init__(self) -> None:
        """Make a key and a certificate of its own."""
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Authority {uuid4()}")])
        self.certificate = self._sign(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))

    def certify(self, name: str) -> tuple[bytes, bytes]:
        """Return a certificate for a machine, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        signed = self._sign(subject, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(name)]))
        return signed, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, says: x509.ExtensionType) -> bytes:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(says, critical=isinstance(says, x509.BasicConstraints))
        )
        return made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that is reached over TLS alone."""

    folder: Path
    port: int

    @property
    def authority(self) -> str:
        """Return the file with the certificate of who signed the server's."""
        return str(self.folder / "authority.pem")

    def administer(self, *statements: str) -> list[Any]:
        """Say something as the superuser, and return what the last statement answers."""
        sure = f"hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert={self.authority}"
        address = f"postgresql://postgres:{PASSWORD}@{NAME}:{self.port}/postgres?{sure}"
        with psycopg.connect(address, autocommit=True) as connection:
            last = [connection.execute(statement.encode()) for statement in statements][-1]
            return last.fetchall() if last.description else []


def programs() -> Path:
    """Return the folder with the programs of Debian's newest PostgreSQL; where there is none the tests cannot run."""
    found = [path.parent for path in PROGRAMS.glob("*/bin/initdb")]
    if not found:
        reason = "no PostgreSQL with TLS: install it (apt-get install postgresql); `.ci/run` does"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return max(found, key=lambda path: float(path.parent.name))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Yield a server that ends with these tests."""
    where = programs()
    # Pytest's folders are closed to the user whom PostgreSQL runs under.
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    data, own = folder / "data", dict[str, Any]()
    (folder / "password").write_text(PASSWORD, encoding="ascii")
    if os.geteuid() == 0:  # PostgreSQL refuses to be root's
        owner = pwd.getpwnam("postgres")
        own = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        for path in (folder, folder / "password"):
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def run(program: str, *words: str) -> None:
        command = [str(where / program), "-D", str(data), *words]
        # Into a file: at the end of a pipe one would wait for as long as the server has it open.
        with (folder / "said").open("ab") as said:
            done = subprocess.run(command, stdout=said, stderr=said, check=False, cwd=folder, timeout=60, **own)
        assert done.returncode == 0, (folder / "said").read_text("utf-8", "replace")

    port = free()
    try:
        run("initdb", "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "scram-sha-256", "--no-sync",
            f"--pwfile={folder / 'password'}")  # fmt: skip
        equip(folder)
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", f"-p {port}", "start")
        yield Server(folder, port)
    finally:
        if (data / "postmaster.pid").exists():
            run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def free() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def equip(folder: Path) -> None:
    """Give the server a certificate, and the rule that nobody comes without TLS."""
    data, authority = folder / "data", Authority()
    certificate, key = authority.certify(NAME)
    (data / "server.pem").write_bytes(certificate)
    (data / "server.key").write_bytes(key)
    (data / "server.key").chmod(0o600)
    os.chown(data / "server.key", data.stat().st_uid, data.stat().st_gid)
    (data / "pg_hba.conf").write_text(ONLY_TLS, encoding="ascii")
    with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write(CONFIGURATION)
    (folder / "authority.pem").write_bytes(authority.certificate)
    (folder / "stranger.pem").write_bytes(Authority().certificate)


@pytest.fixture
def place(server: Server) -> Iterator[Place]:
    """Yield what returns the address of an empty database, made as the operator's guide says."""
    name = f"c{uuid4().hex[:12]}"
    server.administer(
        f"CREATE ROLE {name} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '{PASSWORD}'",
        f"CREATE DATABASE {name} OWNER {name}",
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC",
    )

    def address(host: str = NAME, password: str = PASSWORD, **query: str) -> str:
        rest = "".join(f"&{word}={value}" for word, value in query.items())
        return f"postgresql://{name}:{password}@{host}:{server.port}/{name}?hostaddr=127.0.0.1{rest}"

    yield address
    server.administer(f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}")


def settings(folder: Path, address: str, **more: Any) -> Settings:
    """Return settings that name a database in a file, as an address with a password in it is named."""
    (folder / "address").write_text(f"{address}\n", encoding="utf-8")
    return Settings(data_dir=folder / "data", database_url_file=folder / "address", **more)


# --- over TLS --------------------------------------------------------------------------------------------------------


def test_a_database_elsewhere_is_migrated_and_used_over_tls(server: Server, place: Place, tmp_path: Path) -> None:
    address = place(sslmode="verify-full", sslrootcert=server.authority)
    assert not kept_private(place(), {}), "the name is this machine's: the test would show nothing"
    how = text("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    with app.open_database(settings(tmp_path, address)) as database:
        assert database.current()
        assert database.answers()
        with database.transaction() as tx:
            assert tuple(tx.execute(how).one()) == (True, "TLSv1.3")
            assert tx.execute(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")).scalar_one() is False
            apply(tx, read_site(HOTEL.read_bytes()), datetime.now(UTC))
        with database.reading() as tx:
            assert tx.execute(how).scalar_one() is True
            assert tx.execute(text("SELECT count(*) FROM purpose")).scalar_one() > 0
        with pytest.raises(ConflictError):
            write_and_fail(database)
        assert database.current(), "what was not committed is there"


def write_and_fail(database: Database) -> None:
    """Change something, and break a rule of the database in the same transaction."""
    with database.transaction() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        tx.execute(text("INSERT INTO operator SELECT * FROM operator"))


@pytest.mark.parametrize("asked", ["disable", "require"])
def test_who_says_that_the_way_is_private_gets_what_the_address_asks_for(
    server: Server, place: Place, tmp_path: Path, asked: str
) -> None:
    chosen = settings(tmp_path, place(sslmode=asked), database_tls_elsewhere=True)
    if asked == "disable":  # and this server takes nobody who speaks in the clear
        assert "no encryption" in refused(chosen, "let this server in")
        return
    with app.open_database(chosen) as database, database.reading() as tx:
        assert tx.execute(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar_one() is True


def refused(chosen: Settings, says: str = "does not answer") -> str:
    """See a start end with the house's own error, and return all that is known of it; it never holds the password."""
    with pytest.raises(UnavailableError, match=says) as seen, app.open_database(chosen):
        pass
    everything = "".join(traceback.format_exception(seen.value))
    assert PASSWORD not in everything
    assert "数据库" in seen.value.zh
    return everything


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"sslrootcert": "stranger.pem"}, "certificate verify failed"),
        ({"sslrootcert": "none.pem"}, "does not exist"),
        ({"host": OTHER_NAME}, f'certificate for "{NAME}" does not match host name "{OTHER_NAME}"'),
        ({"password": f"{PASSWORD}x"}, "password authentication failed"),
    ],
    ids=["stranger", "no-authority", "other-name", "wrong-password"],
)
def test_who_is_not_sure_of_the_other_does_not_start_and_the_password_is_not_repeated(
    server: Server, place: Place, tmp_path: Path, said: dict[str, str], reason: str
) -> None:
    said = {"sslmode": "verify-full", "sslrootcert": "authority.pem"} | said
    said["sslrootcert"] = str(server.folder / said["sslrootcert"])
    says = "let this server in" if "password" in said else "not the one to trust"
    assert reason in refused(settings(tmp_path, place(**said)), says)


# --- what is not even tried ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "&sslmode=prefer", "&sslmode=require", "&sslmode=verify-ca"])
def test_an_address_that_asks_for_less_is_refused_before_anything_is_said(tmp_path: Path, query: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"postgresql://u:{PASSWORD}@{NAME}:{listener.getsockname()[1]}/name?hostaddr=127.0.0.1{query}"
        chosen = settings(tmp_path, address)
        with pytest.raises(UnavailableError, match="does not ask for TLS") as seen, app.open_database(chosen):
            pass
        assert PASSWORD not in "".join(traceback.format_exception(seen.value))
        with pytest.raises(BlockingIOError):
            listener.accept()


def heard(folder: Path, asked: str, **more: Any) -> bytes:
    """Return all that a machine hears which answers that it has no TLS, as one in between would."""
    words, authority = list[bytes](), folder / "authority.pem"
    authority.write_bytes(Authority().certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def decline() -> None:
            listener.settimeout(20)
            with listener.accept()[0] as client:
                client.settimeout(20)
                words.append(client.recv(8, socket.MSG_WAITALL))
                client.sendall(b"N")
                words.append(client.recv(4096))

        thread = threading.Thread(target=decline)
        thread.start()
        port, rest = listener.getsockname()[1], f"hostaddr=127.0.0.1&sslmode={asked}&sslrootcert={authority}"
        refused(settings(folder, f"postgresql://guest-book:{PASSWORD}@{NAME}:{port}/name?{rest}", **more))
        thread.join()
    return b"".join(words)


def test_a_machine_that_declines_tls_is_told_nothing_more(tmp_path: Path) -> None:
    assert heard(tmp_path, "verify-full") == WANTS_TLS
    careless = heard(tmp_path, "prefer", database_tls_elsewhere=True)
    assert b"guest-book" in careless, "this is no machine in between: the test would show nothing"


# --- processes -------------------------------------------------------------------------------------------------------


def environment(folder: Path, address: str) -> dict[str, str]:
    """Return what an operator sets; nothing in it names a database but a file."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("COUNTENANCE_", "PG"))}
    (folder / "address").write_text(address, encoding="utf-8")
    named = {"DATA_DIR": folder / "data", "DATABASE_URL_FILE": folder / "address"}
    return clean | {f"COUNTENANCE_{word}": str(path) for word, path in named.items()}


def ended(folder: Path, address: str, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run one command on a database, as a process of its own."""
    command, told = [sys.executable, "-m", "countenance", *words], environment(folder, address)
    return subprocess.run(command, env=told, capture_output=True, text=True, check=False, timeout=100)


def test_commands_work_on_a_database_elsewhere_and_say_in_one_line_where_they_do_not(
    server: Server, place: Place, tmp_path: Path
) -> None:
    sure = {"sslmode": "verify-full", "sslrootcert": server.authority}

    applied = ended(tmp_path, place(**sure), "site", "apply", str(HOTEL))
    issued = ended(tmp_path, place(**sure), "credential", "issue", "officer")

    assert (applied.returncode, issued.returncode) == (0, 0), applied.stderr + issued.stderr
    for wrong in (
        sure | {"sslrootcert": str(server.folder / "stranger.pem")},
        sure | {"host": OTHER_NAME},
        sure | {"sslmode": "require"},
    ):
        done = ended(tmp_path, place(**wrong), "credential", "issue", "regulator")
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
        assert done.stderr.startswith("countenance: The database")
        assert PASSWORD not in done.stderr
    listed = ended(tmp_path, place(**sure), "credential", "list").stdout
    assert ("officer" in listed, "regulator" in listed) == (True, False)


def ready(port: int, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
    """Wait until a server answers that it is ready, and return what it says."""
    for _ in range(400):
        with suppress(Problem), Client(f"http://127.0.0.1:{port}") as client:
            return client.ready()
        assert process.poll() is None, "it ended"
        time.sleep(0.2)
    raise AssertionError(port)


def test_a_server_is_ready_over_tls_and_with_every_connection_it_holds(
    server: Server, place: Place, tmp_path: Path
) -> None:
    address, port = place(sslmode="verify-full", sslrootcert=server.authority), free()
    told = environment(tmp_path, address) | {"COUNTENANCE_PORT": str(port)}
    command = [sys.executable, "-m", "countenance", "serve"]
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, env=told, stderr=log) as process:
        try:
            parts = ready(port, process)["parts"]
            held = connections(server, str(urlsplit(address).username), "LISTEN")
        finally:
            process.terminate()
            process.wait(timeout=60)
    assert parts["database"] is parts["schema"] is True
    assert {ssl for ssl, _ in held} == {True}
    assert process.returncode == 0
    assert PASSWORD not in (tmp_path / "log").read_text("utf-8")


def connections(server: Server, role: str, word: str) -> list[Any]:
    """Return whether each of a role's connections is over TLS, and what it said last; one has said `word`."""
    asked = f"SELECT ssl, query FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = '{role}'"
    for _ in range(100):
        held = server.administer(asked)
        if any(query.startswith(word) for _, query in held):
            return held
        time.sleep(0.1)
    raise AssertionError(held)
