"""The house opens only when everything is as it must be, and says which part is not."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance import app
from countenance.errors import CountenanceError, IntegrityError, MalformedError, NotFoundError, UnavailableError
from countenance.operations import upkeep
from countenance.operations.choose import Choice, Chosen, choose
from countenance.operations.sequence import Sequencer
from countenance.operations.turn import continue_log, freeze
from countenance.record import Entry, append
from countenance.settings import Settings
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store.database import Database
from countenance.vocabulary import Way
from tests import pictures
from tests.database import DEVICE, HOTEL, OPERATOR, PURPOSE, Address, Hotel
from tests.operations.governed import bodies

READY = {"database": True, "schema": True, "engine": True, "vault": True, "integrity": True, "clock": True, "log": True}


@pytest.fixture
def settings(address: Address, tmp_path: Path, hotel: Hotel) -> Settings:
    """Return settings for the test's database, in which one guest is enrolled."""
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    return Settings(data_dir=tmp_path, database_url=address.url.replace("+psycopg", ""), database_connections=3)


@contextmanager
def opened(settings: Settings) -> Iterator[app.Opened]:
    """Open the house with the real clock."""
    with app.open_house(settings, clock=lambda: datetime.now(UTC)) as house:
        yield house


def test_an_open_house_is_ready_and_holds_every_reference(settings: Settings) -> None:
    with opened(settings) as house:
        assert house.ready() == READY
        assert len(house.house.projection) == 1


def test_progress_is_told_while_references_are_read(settings: Settings) -> None:
    told: list[tuple[str, int, int]] = []
    with app.open_house(settings, lambda *said: told.append(said)):
        pass

    assert told == [("references", 1, 1)]


def test_a_lost_key_stops_the_start_and_is_not_replaced(settings: Settings) -> None:
    (key,) = (settings.data_dir / "keys").iterdir()
    key.unlink()

    with pytest.raises(UnavailableError), opened(settings):
        pass

    assert list((settings.data_dir / "keys").iterdir()) == []


def test_a_template_moved_to_another_subject_stops_the_start(settings: Settings, database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(text("ALTER TABLE reference DROP CONSTRAINT fk_reference_operator_id_subject_id_purpose"))
        tx.execute(text("UPDATE subject_key SET subject_id = (SELECT subject_id FROM subject LIMIT 1)"))
        tx.execute(text("UPDATE reference SET purpose = 'breakfast'"))
        tx.execute(
            text("UPDATE subject_key SET purpose = 'breakfast'"),
        )

    with pytest.raises(IntegrityError), opened(settings):
        pass


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"law_packs": ("no-such-pack",)}, NotFoundError),
        ({"engine_runtime": "abacus"}, UnavailableError),
        ({"threshold_fmr": 1e-9}, UnavailableError),
        ({"database_url": "mysql://somewhere"}, UnavailableError),
        ({"database_url": "postgresql://nobody@127.0.0.1:1/nowhere"}, UnavailableError),
        ({"database_url_file": Path("/no/such/file")}, UnavailableError),
        ({"detector_card": Path("/no/such/card.yaml")}, (MalformedError, UnavailableError, NotFoundError)),
    ],
)
def test_what_is_not_as_it_must_be_stops_the_start_in_words(
    settings: Settings, change: dict[str, object], error: type[CountenanceError]
) -> None:
    with pytest.raises(error) as raised, opened(replace(settings, **change)):  # type: ignore[arg-type]
        pass

    assert str(raised.value)
    assert raised.value.zh
    assert OPERATOR not in str(raised.value)


def test_a_line_of_filing_reached_before_an_upgrade_is_raised_when_the_house_opens(
    settings: Settings, database: Database
) -> None:
    with database.transaction() as tx:
        tx.execute(
            text(
                "WITH made AS (INSERT INTO subject (operator_id, subject_id, created_at)"
                " SELECT :o, gen_random_uuid(), now() FROM generate_series(1, 10000) RETURNING subject_id)"
                " INSERT INTO subject_key SELECT :o, subject_id, 'check-in', '\\x00', now() FROM made"
            ),
            {"o": OPERATOR},
        )
    with opened(settings) as house:
        for _ in range(200):
            with house.house.database.transaction() as tx:
                raised = tx.execute(text("SELECT pack, persons FROM filing_duty")).all()
            if raised:
                break
            time.sleep(0.05)

    assert [tuple(row) for row in raised] == [("cn-2023-draft", 10_001)]


def test_what_outlived_its_retention_goes_when_the_house_opens(settings: Settings, database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(text("UPDATE reference SET created_at = created_at - interval '40 days'"))
    with opened(settings) as house:
        for _ in range(200):
            with house.house.database.transaction() as tx:
                left = tx.execute(text("SELECT count(*) FROM reference")).scalar_one()
            if not left:
                break
            time.sleep(0.05)

    assert left == 0


def test_the_face_is_found_easier_when_the_house_opens(settings: Settings, hotel: Hotel) -> None:
    for way, seconds in (("face", 40), ("alternative", 51)):
        made = Choice(purpose=PURPOSE, way=Way(way), seconds=seconds, steps=3)
        assert isinstance(choose(hotel.house, DEVICE, made), Chosen)
    with opened(replace(settings, parity_measurements_min=1)) as house:
        counted = 'countenance_decisions_total{action="parity",outcome="face_easier"} 1.0'
        for _ in range(200):
            if counted in house.metrics.text().decode():
                break
            time.sleep(0.05)

    assert [body["outcome"] for body in bodies(hotel) if body["kind"] == "parity"] == ["face_easier"]


def test_what_fails_for_one_operator_does_not_keep_the_next_from_being_swept(
    hotel: Hotel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first = read_site(HOTEL.read_bytes().replace(b"id: harbour-hotel", b"id: a-first"))
    hotel.keys.create("a-first")
    with hotel.house.database.transaction() as tx:
        apply(tx, first, hotel.clock())
    swept: list[str] = []

    def expire(_: object, operator_id: str) -> None:
        swept.append(operator_id)
        if operator_id == "a-first":
            raise UnavailableError("down", "down")

    monkeypatch.setattr(upkeep, "expire", expire)
    upkeep.sweep(hotel.house)
    assert swept == ["a-first", OPERATOR]
    (said,) = [record for record in caplog.records if record.message == "sweep_failed"]
    assert (said.__dict__["kind"], said.__dict__["operator"]) == ("UnavailableError", "a-first")


def test_readiness_is_false_when_the_database_is_gone(settings: Settings) -> None:
    with opened(settings) as house:
        gone = Database("postgresql+psycopg://nobody@127.0.0.1:1/nowhere", connections=1)
        lost = replace(house, house=replace(house.house, database=gone))
        assert lost.ready() == {
            "database": False,
            "schema": False,
            "engine": True,
            "vault": False,
            "integrity": True,
            "clock": False,
            "log": False,
        }
        gone.close()


def soon(true: Callable[[], bool]) -> None:
    """Fail unless something becomes true in a while."""
    until = time.monotonic() + 20
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_readiness_is_false_while_the_log_takes_nothing(settings: Settings, hotel: Hotel) -> None:
    with opened(settings) as house:
        sequencer = Sequencer(house.house.database, house.house.logs, house.house.clock)
        soon(lambda: sequencer.step_all() == 0)
        freeze(sequencer, OPERATOR)
        assert house.ready() == READY | {"log": False}
        continue_log(sequencer, OPERATOR)
        assert house.ready() == READY
    with hotel.house.database.transaction() as tx:  # nobody writes the log now
        at = datetime.now(UTC) - timedelta(minutes=3)
        append(tx, Entry(operator_id=OPERATOR, at=at, kind="verify", outcome="done", by="test"))
    assert replace(house, house=hotel.house).ready()["log"] is False


def test_the_metrics_say_how_the_log_stands(settings: Settings) -> None:
    with opened(settings) as house:
        upkeep.measure_logs(house.house)
        soon(lambda: b'countenance_log_records{state="waiting"} 0.0' in house.metrics.text())
        upkeep.measure_logs(house.house)
        text = house.metrics.text().decode()
    assert re.search(r'countenance_log_records\{state="signed"\} [1-9]', text)
    assert 'countenance_log_records{state="cosigned"} 0.0' in text


def test_two_processes_may_migrate_at_once(postgres: str, address: Address) -> None:
    first, second = Database(address.url), Database(address.url)
    first.migrate()
    second.migrate()
    assert first.current()
    assert second.current()
    first.close()
    second.close()


def test_the_tables_are_what_the_migrations_make(database: Database) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from countenance.store.tables import metadata

    with database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).scalar_one() > 10
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []
