"""A backup holds everything and no key; restored, it brings nobody back who withdrew, was erased or was shut out."""

import json
import time
import zipfile
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import inspect, text

from countenance.errors import ConflictError, CountenanceError, MalformedError, NotAllowedError, UnavailableError
from countenance.operations.backup import Restored, backup, restore
from countenance.operations.credentials import issue, revoke
from countenance.operations.erase import erase
from countenance.operations.examine import examine
from countenance.operations.fill import fill
from countenance.operations.journal import Journal
from countenance.operations.parts import Refused, Verified
from countenance.operations.sequence import Sequencer
from countenance.operations.sign_in import invite
from countenance.operations.staff import add_staff
from countenance.operations.upkeep import journaling
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.store import copies, erasures, links, subjects
from countenance.store.tables import metadata
from countenance.vault.projection import Projection
from countenance.vocabulary import Role
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel
from tests.faces import astronaut_jpeg, grace_hopper_jpeg


def silent(done: int, total: int) -> None:
    """Show nothing."""


def saved(hotel: Hotel, folder: Path, name: str = "one.backup") -> Path:
    backup(hotel.house.database, folder / name, hotel.clock(), silent)
    return folder / name


def put_back(hotel: Hotel, file: Path, folder: Path, days: int = 35) -> Restored:
    house, journal = hotel.house, Journal(folder / "journal")
    return restore(house.database, file, journal, house.logs, hotel.clock(), progress=silent, backup_days=days)


def afresh(hotel: Hotel) -> Hotel:
    engine = hotel.house.engine
    made = hotel.with_house(projection=Projection(engine.model_id, engine.extractor.dimension))
    fill(made.house)
    return made


def answers(hotel: Hotel, ref: str, picture: bytes) -> bool | None:
    """Return whether a claim matches, None where it is refused."""
    claim = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    answer = verify(hotel.house, DEVICE, claim, picture)
    if isinstance(answer, Refused):
        return None
    assert isinstance(answer, Verified)
    return answer.match


def counted(hotel: Hotel) -> dict[str, int]:
    with hotel.house.database.transaction() as tx:
        names = sorted(set(inspect(tx).get_table_names()) - {"alembic_version", "budget"})
        return {name: tx.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one() for name in names}


@pytest.fixture
def lived_in(hotel: Hotel) -> Hotel:
    for ref, picture in (("guest", grace_hopper_jpeg()), ("other", astronaut_jpeg())):
        hotel.consent(ref)
        hotel.enrol(ref, picture)
    return hotel


def test_every_table_is_in_a_backup(lived_in: Hotel, tmp_path: Path) -> None:
    with lived_in.house.database.transaction() as tx:
        there = set(inspect(tx).get_table_names()) - {"alembic_version"}
    assert {table.name for table in metadata.sorted_tables} == there
    with zipfile.ZipFile(saved(lived_in, tmp_path)) as archive:
        assert set(archive.namelist()) == there - copies.LEFT_OUT | {"manifest.json"}


def test_the_log_goes_on_behind_what_was_signed_and_the_record_of_the_restore_says_what_was_lost(
    hotel: Hotel, tmp_path: Path
) -> None:
    sequencer = Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)
    hotel.consent("guest")
    sequencer.step_all()
    file = saved(hotel, tmp_path)
    hotel.consent("later")
    sequencer.step_all()
    put_back(hotel, file, tmp_path)
    sequencer.step_all()

    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, silent)
    assert one.report.found == {}
    assert one.report.restored == 2, "that the notice was served, and the consent; that a backup was made was in it"
    assert one.report.size == one.row.size


def test_everything_is_back_as_it_was(lived_in: Hotel, tmp_path: Path) -> None:
    file = saved(lived_in, tmp_path)
    before = counted(lived_in)
    assert file.stat().st_mode & 0o777 == 0o600
    with lived_in.house.database.transaction() as tx:
        tx.execute(text("DELETE FROM reference"))
        tx.execute(text("UPDATE purpose SET retention_days = 1"))
    done = put_back(lived_in, file, tmp_path)
    assert done.erasures == 0
    after = counted(lived_in)
    for table in ("record", "log_pending"):
        assert after.pop(table) == before.pop(table) + 1, "that it was restored is on record, and goes into the log"
    assert after == before
    house = afresh(lived_in)
    assert answers(house, "guest", grace_hopper_jpeg())
    assert answers(house, "other", grace_hopper_jpeg()) is False
    house.consent("new")  # numbers go on behind those put back
    with house.house.database.transaction() as tx:
        last = tx.execute(text("SELECT kind, outcome FROM record WHERE kind = 'backup' ORDER BY number")).all()
    assert [tuple(row) for row in last] == [("backup", "made"), ("backup", "restored")]


def test_who_withdrew_or_was_erased_after_the_backup_stays_so(lived_in: Hotel, tmp_path: Path) -> None:
    file = saved(lived_in, tmp_path)
    withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
    erase(lived_in.house, OFFICER, "other")
    with lived_in.house.database.transaction() as tx:
        token = issue(tx, OPERATOR, Role.OFFICER, label="x", at=lived_in.clock())
    assert put_back(lived_in, file, tmp_path).erasures == 2
    house = afresh(lived_in)
    assert len(house.house.projection) == 0
    assert answers(house, "guest", grace_hopper_jpeg()) is None, "the consent is withdrawn, not only the key gone"
    assert answers(house, "other", astronaut_jpeg()) is None
    with house.house.database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM subject_key")).scalar_one() == 0
        assert tx.execute(text("SELECT count(*) FROM subject WHERE ref = 'other'")).scalar_one() == 0
        kept = tx.execute(
            text("SELECT count(*) FROM credential WHERE credential_id = :id"), {"id": token.credential_id}
        )
        assert kept.scalar_one() == 0, "what was made since is not there, and opens nothing"


def test_the_journal_outlives_the_database(lived_in: Hotel, tmp_path: Path) -> None:
    file, journal = saved(lived_in, tmp_path), Journal(tmp_path / "journal")
    withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
    assert journal.follow(lived_in.house.database) == 1
    assert journal.follow(lived_in.house.database) == 0
    with lived_in.house.database.transaction() as tx:  # the machine is lost: an empty database is all there is
        names = ", ".join(f'"{name}"' for name in inspect(tx).get_table_names())
        tx.execute(text(f"DROP TABLE {names} CASCADE"))
    lived_in.house.database.migrate()
    assert put_back(lived_in, file, tmp_path).erasures == 1
    assert answers(afresh(lived_in), "guest", grace_hopper_jpeg()) is None
    assert put_back(lived_in, file, tmp_path).erasures == 1, "and again"


def test_who_came_back_before_the_backup_is_kept(lived_in: Hotel, tmp_path: Path) -> None:
    withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
    lived_in.consent("guest")
    lived_in.enrol("guest", grace_hopper_jpeg())
    file = saved(lived_in, tmp_path)
    assert put_back(lived_in, file, tmp_path).erasures == 0
    assert answers(afresh(lived_in), "guest", grace_hopper_jpeg())


def test_an_erasure_long_before_the_backup_is_not_made_again(lived_in: Hotel, tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
    journal.follow(lived_in.house.database)
    lived_in.clock.forward(days=40)
    with lived_in.house.database.transaction() as tx:  # what the hourly sweep does
        assert erasures.let_go(tx, OPERATOR, lived_in.clock() - timedelta(days=35)) == 1
    lived_in.consent("guest")
    lived_in.enrol("guest", grace_hopper_jpeg())
    file = saved(lived_in, tmp_path)
    assert put_back(lived_in, file, tmp_path).erasures == 0
    assert answers(afresh(lived_in), "guest", grace_hopper_jpeg()), "who came back since is kept"


def test_sessions_end_and_what_was_revoked_stays_revoked(lived_in: Hotel, tmp_path: Path) -> None:
    with lived_in.house.database.transaction() as tx:
        at = lived_in.clock()
        kept = issue(tx, OPERATOR, Role.DEVICE, label="k", at=at, device_id=KIOSK)
        gone = issue(tx, OPERATOR, Role.DEVICE, label="g", at=at, device_id=KIOSK)
        session = issue(tx, OPERATOR, Role.OFFICER, label="s", at=at, session=True, expires_at=at + timedelta(hours=8))
    file = saved(lived_in, tmp_path)
    with lived_in.house.database.transaction() as tx:
        revoke(tx, OPERATOR, "console", gone.credential_id, lived_in.clock())
    put_back(lived_in, file, tmp_path)
    with lived_in.house.database.transaction() as tx:
        rows = tx.execute(text("SELECT credential_id, revoked_at IS NULL AS works FROM credential")).all()
    works = {row.credential_id: row.works for row in rows}
    assert (works[kept.credential_id], works[gone.credential_id], works[session.credential_id]) == (True, False, False)


def test_what_opens_once_does_not_open_again_after_a_restore(lived_in: Hotel, tmp_path: Path) -> None:
    at = lived_in.clock()
    with lived_in.house.database.transaction() as tx:
        add_staff(tx, OPERATOR, "console", "staff-1", "Somebody", at)
        invite(tx, lived_in.house.vault(OPERATOR), OPERATOR, "console", "staff-1", at)
        guest = subjects.find(tx, OPERATOR, "guest")
        assert guest is not None
        links.add(tx, OPERATOR, b"digest", guest.subject_id, at, at + timedelta(minutes=30))
    put_back(lived_in, saved(lived_in, tmp_path), tmp_path)  # used since or not: nobody knows
    with lived_in.house.database.transaction() as tx:
        assert tx.execute(text("SELECT count(*) FROM link")).scalar_one() == 0
        assert tx.execute(text("SELECT count(*) FROM sign_in WHERE invitation IS NOT NULL")).scalar_one() == 0


def test_a_backup_that_is_too_old_is_not_restored(lived_in: Hotel, tmp_path: Path) -> None:
    file = saved(lived_in, tmp_path)
    lived_in.clock.forward(days=36)
    before = counted(lived_in)
    with pytest.raises(NotAllowedError):
        put_back(lived_in, file, tmp_path)
    assert counted(lived_in) == before


def test_nothing_is_restored_while_a_server_is_connected(lived_in: Hotel, tmp_path: Path) -> None:
    file = saved(lived_in, tmp_path)
    from countenance.store.database import Database

    url = lived_in.house.database.engine.url.render_as_string(hide_password=False)
    server = Database(url)
    assert server.answers()
    with pytest.raises(ConflictError):
        put_back(lived_in, file, tmp_path)
    server.close()
    assert answers(lived_in, "guest", grace_hopper_jpeg()), "nothing has changed"


def harmed(file: Path, how: str) -> Path:
    wrong = file.with_name(how)
    if how == "truncated":
        wrong.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        return wrong
    if how in {"empty", "text"}:
        wrong.write_bytes(b"" if how == "empty" else b"PK no backup")
        return wrong
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(wrong, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "manifest.json":
                said = json.loads(data)
                if how == "newer":
                    said["revision"] = "9999"
                elif how == "another table":
                    said["tables"][0]["name"] = "pg_authid"
                elif how == "another column":
                    said["tables"][0]["columns"][0] = 'x" FROM pg_authid --'
                elif how == "no time":
                    said["at"] = "yesterday"
                data = json.dumps(said).encode()
            elif how == "row changed" and name == "subject":
                data = data.replace(b"guest", b"gheist")
            elif how == "row gone" and name == "record":
                data = data.split(b"\n", 1)[1]
            if not (how == "table gone" and name == "reference"):
                new.writestr(name, data)
    return wrong


@pytest.mark.parametrize(
    "how",
    [
        "truncated",
        "empty",
        "text",
        "newer",
        "another table",
        "another column",
        "no time",
        "row changed",
        "row gone",
        "table gone",
    ],
)
def test_what_is_no_backup_changes_nothing(lived_in: Hotel, tmp_path: Path, how: str) -> None:
    file = saved(lived_in, tmp_path)
    before = counted(lived_in)
    with pytest.raises(MalformedError):
        put_back(lived_in, harmed(file, how), tmp_path)
    assert counted(lived_in) == before
    assert answers(lived_in, "guest", grace_hopper_jpeg())


def test_a_backup_is_never_written_over_another_file_and_leaves_nothing_half(lived_in: Hotel, tmp_path: Path) -> None:
    file = saved(lived_in, tmp_path)
    before = file.read_bytes()
    for path in (file, tmp_path / "nowhere" / "two.backup"):
        with pytest.raises(UnavailableError):
            backup(lived_in.house.database, path, lived_in.clock(), silent)
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_no_key_and_no_template_is_in_a_backup(lived_in: Hotel, tmp_path: Path) -> None:
    key = bytes(lived_in.keys.open(OPERATOR))
    (owner,) = lived_in.house.projection._partitions.values()
    template = owner.features[0].tobytes()
    with zipfile.ZipFile(saved(lived_in, tmp_path)) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist())
    for secret in (key, template, template[:32]):
        assert secret not in everything
        assert secret.hex().encode() not in everything


@pytest.mark.parametrize("last", ['{"operator":"h', "", "\n"])
def test_a_line_that_was_cut_off_is_written_again(lived_in: Hotel, tmp_path: Path, last: str) -> None:
    path = tmp_path / "journal"
    withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
    path.write_text(last, "utf-8")
    assert Journal(path).follow(lived_in.house.database) == 1
    assert [one.purpose for one in Journal(path).read()] == [PURPOSE]
    erase(lived_in.house, OFFICER, "other")
    assert Journal(path).follow(lived_in.house.database) == 1
    assert len(Journal(path).read()) == 2


@pytest.mark.parametrize("line", ['{"operator": "h"}', "[]", '{"operator":"h","id":"x","subject":null,"at":1}'])
def test_a_journal_that_is_none_stops_a_restore(lived_in: Hotel, tmp_path: Path, line: str) -> None:
    file = saved(lived_in, tmp_path)
    (tmp_path / "journal").write_text(line + "\n{}\n", "utf-8")
    before = counted(lived_in)
    with pytest.raises(CountenanceError):
        put_back(lived_in, file, tmp_path)
    assert counted(lived_in) == before


def test_the_journal_names_nobody(lived_in: Hotel, tmp_path: Path) -> None:
    erase(lived_in.house, OFFICER, "guest")
    journal = Journal(tmp_path / "journal")
    journal.follow(lived_in.house.database)
    text_of_it = (tmp_path / "journal").read_text("utf-8")
    assert "guest" not in text_of_it
    assert (tmp_path / "journal").stat().st_mode & 0o777 == 0o600
    (one,) = journal.read()
    assert isinstance(one.subject_id, UUID)


def test_erasures_are_forgotten_when_no_backup_reaches_back_to_them(lived_in: Hotel) -> None:
    withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
    with lived_in.house.database.transaction() as tx:
        assert len(erasures.since(tx, None)) == 1
        assert erasures.let_go(tx, OPERATOR, lived_in.clock() - timedelta(days=35)) == 0
        assert erasures.let_go(tx, OPERATOR, lived_in.clock() + timedelta(days=1)) == 1


def test_a_journal_that_cannot_be_written_is_counted_and_catches_up(lived_in: Hotel, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "journal"
    with journaling(lived_in.house, Journal(path)):
        withdraw(lived_in.house, DEVICE, "guest", PURPOSE)
        for _ in range(100):
            if ("journal", "behind") in lived_in.counted.seen:
                break
            time.sleep(0.1)
        assert ("journal", "behind") in lived_in.counted.seen
        path.parent.mkdir()
    assert [one.purpose for one in Journal(path).read()] == [PURPOSE], "written at the latest when the house closes"
