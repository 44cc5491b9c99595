"""The real parts that tests share: PostgreSQL started once per process, the real engine, and a house built of them."""

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from sqlalchemy import create_engine, text

from countenance.capture import Limits
from countenance.compare import Threshold
from countenance.engines import Engine, load_engine
from countenance.facts import SessionFacts
from countenance.law.shelf import load_packs
from countenance.operations.activate import activate, register
from countenance.operations.consent import consent
from countenance.operations.enrol import Enrolment, enrol
from countenance.operations.logs import Logs
from countenance.operations.parts import Caller, Enrolled, House, Margins, Permitted, Refused
from countenance.operations.serve import serve
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import embedded
from countenance.store.database import Database
from countenance.subjects.consents import GIVEN, Said
from countenance.subjects.guardians import Guardian
from countenance.subjects.notices import Showing
from countenance.vault.encrypted import EncryptedProjection
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Projection
from countenance.vault.vaults import Vaults
from countenance.vocabulary import (
    AgeClass,
    ConsentForm,
    Language,
    Relation,
    RelationEvidence,
    Role,
    Scope,
    StartedBy,
)

HOTEL = Path(__file__).resolve().parent.parent / "examples" / "hotel.yaml"
OPERATOR = "harbour-hotel"
PURPOSE = "check-in"
KIOSK = "kiosk-1"
ROOM_CAMERA = "room-camera"
#: Everything a guest says at the kiosk by pressing start.
SESSION = SessionFacts(started_by=StartedBy.SUBJECT, purpose_prompted=True, alternative_offered=True)
DEVICE = Caller(OPERATOR, "kioskkiosk22", Role.DEVICE, device_id=KIOSK)
OFFICER = Caller(OPERATOR, "officeroffic", Role.OFFICER)
#: A child's parent, whose relation somebody at the desk has seen.
PARENT = Guardian(
    ref="parent-of-child",
    relation=Relation.PARENT,
    evidence=RelationEvidence.HOUSEHOLD_REGISTER,
    checked_by="desk-3",
)


class Clock:
    """A clock that tests set; it starts at the real time and stands still."""

    def __init__(self) -> None:
        """Start now."""
        self.now = datetime.now(UTC)

    def __call__(self) -> datetime:
        """Return the instant it shows."""
        return self.now

    def forward(self, **by: float) -> None:
        """Move on, or back."""
        self.now += timedelta(**by)


class Counted:
    """Counts outcomes as the metrics do."""

    def __init__(self) -> None:
        """Begin with nothing counted."""
        self.seen: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def __call__(self, action: str, outcome: str) -> None:
        """Count one."""
        with self._lock:
            self.seen.append((action, outcome))


@dataclass(frozen=True)
class Address:
    """A fresh, migrated database with the demo hotel applied, and how to reach it."""

    url: str
    name: str


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Yield the address of an embedded PostgreSQL that ends with the tests."""
    folder = Path(tempfile.mkdtemp(prefix="cn-"))
    address = embedded.start(folder / "pg")
    yield address
    embedded.stop(folder / "pg")
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def _template(postgres: str, engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the name of a database that others are copied from: the hotel has opened, and nothing is on record yet."""
    database = Database(_to(postgres, "template_hotel", create=True))
    database.migrate()
    with database.transaction() as tx:
        apply(tx, read_site(HOTEL.read_bytes()), datetime.now(UTC))
    opened = make_hotel(database, engine, Clock(), tmp_path_factory.mktemp("opening"))
    assert isinstance(activate(opened.house, OFFICER, PURPOSE), Permitted)
    assert isinstance(register(opened.house, OFFICER, KIOSK, PURPOSE), Permitted)
    assert isinstance(register(opened.house, OFFICER, ROOM_CAMERA, PURPOSE), Refused)
    with database.transaction() as tx:
        tx.execute(text("DELETE FROM record"))
        tx.execute(text("DELETE FROM log_pending"))
        tx.execute(text("DELETE FROM refusal_tally"))
    database.close()
    return "template_hotel"


@pytest.fixture
def address(postgres: str, _template: str) -> Iterator[Address]:
    """Yield a database of the test's own, with the demo hotel applied."""
    name = f"t{uuid4().hex[:16]}"
    url = _to(postgres, name, create=True, template=_template)
    yield Address(url, name)
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    admin.dispose()


@pytest.fixture
def database(address: Address) -> Iterator[Database]:
    """Yield a pool of connections to the test's own database."""
    pool = Database(address.url)
    yield pool
    pool.close()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Yield the real engine, loaded once."""
    shared = tmp_path_factory.getbasetemp().parent / "engine"
    made = load_engine(shared, threads=1, workers=2)
    yield made
    made.close()


@pytest.fixture
def clock() -> Clock:
    """Return a clock the test may set."""
    return Clock()


@dataclass
class Hotel:
    """The demo hotel with everything it needs, and the words to use it."""

    house: House
    clock: Clock
    counted: Counted
    keys: FileKeys = field(repr=False)

    def serve(self, caller: Caller = DEVICE, **changes: object) -> UUID:
        """Serve the notice and return what a decision about it names."""
        showing = replace(Showing(purpose=PURPOSE, language=Language.EN), **changes)  # type: ignore[arg-type]
        return serve(self.house, caller, showing).served.served_id

    def consent(self, ref: str | None, *scopes: Scope, decision: str = GIVEN, age: AgeClass = AgeClass.ADULT) -> str:
        """Serve the notice and let a subject decide, a child with its parent; return the id of the consent."""
        said = Said(
            purpose=PURPOSE,
            decision=decision,
            served_id=self.serve(),
            subject_ref=ref,
            age_class=age,
            form=ConsentForm.SEPARATE,
            scopes=scopes or tuple(Scope),
            guardian=PARENT if age is AgeClass.UNDER_14 else None,
        )
        return str(consent(self.house, DEVICE, said).consent_id)

    def enrol(self, ref: str, picture: bytes, *, double: bool = False) -> Enrolled:
        """Enrol a subject who has consented, by an officer's word a double; anything else is a failure of the test."""
        done = enrol(self.house, OFFICER if double else DEVICE, enrolment(ref, double_confirmed=double), picture)
        assert isinstance(done, Enrolled)
        return done

    def with_house(self, **changes: object) -> "Hotel":
        """Return the same hotel with parts of its house exchanged."""
        return replace(self, house=replace(self.house, **changes))  # type: ignore[arg-type]


def enrolment(ref: str, **changes: object) -> Enrolment:
    """Return an enrolment at the kiosk."""
    made = Enrolment(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    return replace(made, **changes)  # type: ignore[arg-type]


@pytest.fixture
def hotel(database: Database, engine: Engine, clock: Clock, tmp_path: Path) -> Hotel:
    """Return the demo hotel, open, with nobody enrolled."""
    return make_hotel(database, engine, clock, tmp_path)


def make_hotel(database: Database, engine: Engine, clock: Callable[[], datetime], folder: Path) -> Hotel:
    """Build the hotel over a database."""
    keys, counted = FileKeys(folder / "keys"), Counted()
    keys.create(OPERATOR)
    house = House(
        database=database,
        packs=load_packs(["cn-2025", "cn-2023-draft"]),
        engine=engine,
        threshold=Threshold.of(engine, 1e-4),
        identify_threshold=Threshold.of(engine, 1e-5),
        vaults=Vaults(keys),
        projection=Projection(engine.model_id, engine.extractor.dimension),
        encrypted=EncryptedProjection(None, engine.extractor.dimension),
        limits=Limits(),
        logs=Logs(folder / "log", "countenance.example", FileKeys(folder / "log-keys")),
        clock=clock,
        count=counted,
        alarm=threading.Event(),
        references_max=8,
        session_consent_seconds=900,
        notice_served_minutes_max=60,
        receipt_minutes=10,
        receipt_days=1095,
        clock_backward_seconds_max=5,
        request_days=15,
        request_keep_days=1096,
        link_minutes=30,
        margins=Margins(percent=25, steps=1, measurements_min=20),
    )
    return Hotel(house, clock if isinstance(clock, Clock) else Clock(), counted, keys)


def _to(address: str, name: str, *, create: bool = False, template: str = "template1") -> str:
    """Return the address of another database on the same server, made if asked."""
    if create:
        admin = create_engine(address, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        admin.dispose()
    base, _, query = address.partition("?")
    head, _, _ = base.rpartition("/")
    return f"{head}/{name}?{query}"
