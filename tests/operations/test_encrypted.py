"""A purpose whose matching is encrypted, from enrolment to erasure; what is kept and held opens for nobody here."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import text

from countenance.errors import IntegrityError, UnavailableError
from countenance.operations import held, memory
from countenance.operations.enrol import enrol
from countenance.operations.fill import fill
from countenance.operations.follow import Follower
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Enrolled, Identified, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.store import references, subjects
from countenance.vault.encrypted import EncryptedProjection, Kept
from countenance.vault.keyholder_socket import AtSocket
from countenance.vault.keys import FileKeys
from countenance.vault.projection import Numbers, Projection
from countenance.vault.shares import is_share, split, whole
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel, enrolment
from tests.faces import astronaut_jpeg, grace_hopper_jpeg
from tests.keyholder import in_its_own_process, served


def declared(hotel: Hotel, comparison: str = "encrypted") -> None:
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE purpose SET comparison = :m"), {"m": comparison})


def another(hotel: Hotel, holder: AtSocket | None) -> Hotel:
    """Return the hotel as another server on the same database opens it."""
    engine = hotel.house.engine
    return hotel.with_house(
        projection=Projection(engine.model_id, engine.extractor.dimension),
        encrypted=EncryptedProjection(holder, engine.extractor.dimension),
    )


@pytest.fixture
def encrypted(hotel: Hotel, tmp_path: Path) -> Iterator[Hotel]:
    """Yield the hotel with a key holder and a guest enrolled for the encrypted purpose."""
    declared(hotel)
    house = hotel.house
    scores = {"verify": house.threshold.score, "identify": house.identify_threshold.score}
    with served(tmp_path / "h", scores) as (asked, _):
        made = another(hotel, asked)
        made.consent("guest")
        made.enrol("guest", grace_hopper_jpeg())
        yield made


def matches(hotel: Hotel, picture: bytes, ref: str = "guest") -> bool:
    claim = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    answer = verify(hotel.house, DEVICE, claim, picture)
    assert isinstance(answer, Verified)
    return answer.match


def named(hotel: Hotel, picture: bytes, consent: str) -> str | None:
    unnamed = Unnamed(consent_id=UUID(consent), purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    answer = identify(hotel.house, DEVICE, unnamed, picture)
    assert isinstance(answer, Identified)
    return answer.subject_ref


def rows(hotel: Hotel) -> list[references.ReferenceRow]:
    with hotel.house.database.transaction() as tx:
        found = subjects.find(tx, OPERATOR, "guest")
        assert found is not None
        return references.of_subject(tx, OPERATOR, found.subject_id, PURPOSE)


def template(hotel: Hotel, row: references.ReferenceRow) -> bytes:
    return bytes(hotel.house.vault(OPERATOR).open_template(row.sealed, row.wrapped, held._place(row)))


def test_who_enrolled_is_verified_and_identified_and_a_stranger_is_not(encrypted: Hotel) -> None:
    assert matches(encrypted, grace_hopper_jpeg())
    assert not matches(encrypted, astronaut_jpeg())
    consent = encrypted.consent(None)
    assert named(encrypted, grace_hopper_jpeg(), consent) == "guest"
    assert named(encrypted, astronaut_jpeg(), encrypted.consent(None)) is None


def test_what_is_kept_is_a_share_and_memory_holds_no_features(encrypted: Hotel) -> None:
    (row,) = rows(encrypted)
    assert is_share(template(encrypted, row))
    assert isinstance(held.opened(encrypted.house, OPERATOR, row), Kept)
    assert len(encrypted.house.projection) == 0
    assert memory.count(encrypted.house, OPERATOR, PURPOSE) == 1


def test_a_double_is_found_under_encryption_too(encrypted: Hotel) -> None:
    encrypted.consent("second")
    answer = enrol(encrypted.house, DEVICE, enrolment("second"), grace_hopper_jpeg())
    assert isinstance(answer, Refused)
    done = enrol(encrypted.house, OFFICER, enrolment("second", double_confirmed=True), grace_hopper_jpeg())
    assert isinstance(done, Enrolled)


def test_who_withdraws_is_gone_from_memory_and_from_the_database(encrypted: Hotel) -> None:
    assert matches(encrypted, grace_hopper_jpeg())
    withdraw(encrypted.house, DEVICE, "guest", PURPOSE)
    assert len(encrypted.house.encrypted) == 0
    (part,) = encrypted.house.encrypted._partitions.values()
    assert part.blocks == []
    assert rows(encrypted) == []
    assert named(encrypted, grace_hopper_jpeg(), encrypted.consent(None)) is None


def test_another_server_follows_and_what_it_has_not_heard_of_is_matched_all_the_same(encrypted: Hotel) -> None:
    other = another(encrypted, encrypted.house.encrypted._holder)  # type: ignore[arg-type]
    assert matches(other, grace_hopper_jpeg()), "the database says who is enrolled"
    third = another(encrypted, encrypted.house.encrypted._holder)  # type: ignore[arg-type]
    Follower(third.house).look()
    assert len(third.house.encrypted) == 1
    withdraw(encrypted.house, DEVICE, "guest", PURPOSE)
    follower = Follower(third.house)
    follower.look()
    follower.look()
    assert len(third.house.encrypted) == 0


def test_a_start_parts_what_was_kept_open_before(encrypted: Hotel) -> None:
    declared(encrypted, "plain")
    encrypted.consent("early")
    encrypted.enrol("early", astronaut_jpeg())
    assert len(encrypted.house.projection) == 1
    declared(encrypted)
    house = another(encrypted, encrypted.house.encrypted._holder)  # type: ignore[arg-type]
    assert fill(house.house) == 2
    assert (len(house.house.projection), len(house.house.encrypted)) == (0, 2)
    assert matches(house, astronaut_jpeg(), "early")
    with house.house.database.transaction() as tx, references.all_of(tx, OPERATOR) as every:
        assert all(is_share(template(house, row)) for row in every)


def test_without_the_key_holder_the_purpose_rests_and_others_go_on(encrypted: Hotel, tmp_path: Path) -> None:
    silent = another(encrypted, AtSocket(tmp_path / "nobody.socket"))
    assert fill(silent.house) == 1, "the server starts"
    for hotel in (silent, another(encrypted, None)):
        fill(hotel.house)
        with pytest.raises(UnavailableError):
            matches(hotel, grace_hopper_jpeg())
        with pytest.raises(UnavailableError):
            named(hotel, grace_hopper_jpeg(), hotel.consent(None))
        hotel.consent("another")
        with pytest.raises(UnavailableError):
            enrol(hotel.house, DEVICE, enrolment("another"), astronaut_jpeg())
    withdraw(silent.house, DEVICE, "guest", PURPOSE)
    assert rows(encrypted) == [], "to leave needs no key holder"
    declared(silent, "plain")
    silent.consent("open")
    silent.enrol("open", grace_hopper_jpeg())
    assert matches(silent, grace_hopper_jpeg(), "open")


def test_a_share_moved_to_another_row_opens_nothing(encrypted: Hotel) -> None:
    encrypted.consent("other")
    encrypted.enrol("other", astronaut_jpeg())
    with encrypted.house.database.transaction() as tx:
        tx.execute(
            text("UPDATE reference a SET sealed = b.sealed FROM reference b WHERE a.reference_id <> b.reference_id")
        )
    with pytest.raises(IntegrityError):
        matches(another(encrypted, encrypted.house.encrypted._holder), grace_hopper_jpeg())  # type: ignore[arg-type]


SCANNED = """
import os, sys, uuid
from pathlib import Path
import numpy as np
from countenance.vault.encrypted import EncryptedProjection, Kept
from countenance.vault.keyholder_socket import AtSocket
from countenance.vault.projection import Candidate
from countenance.vault.shares import Share
projection = EncryptedProjection(AtSocket(Path(sys.argv[1])), 128)
owner = Candidate(uuid.uuid4(), uuid.uuid4())
projection.add("hotel", "p", owner, Kept(Share.from_bytes(Path(sys.argv[2]).read_bytes()), b"place"))
probe = np.frombuffer(Path(sys.argv[3]).read_bytes(), np.float32)
print(projection.candidates("hotel", "p", probe, "identify", 8) == [owner], flush=True)
input()
"""


def memory_of(process: int) -> Iterator[bytes]:
    """Yield what can be read of a process's memory, piece by piece."""
    with Path(f"/proc/{process}/maps").open() as maps, Path(f"/proc/{process}/mem").open("rb", buffering=0) as held_in:
        for line in maps:
            where, may = line.split()[:2]
            start, end = (int(each, 16) for each in where.split("-"))
            if may[0] == "r" and "[v" not in line:
                try:
                    held_in.seek(start)
                    yield held_in.read(end - start)
                except OSError:
                    continue


def holds(process: int, patterns: list[bytes]) -> list[bool]:
    found = [False] * len(patterns)
    for piece in memory_of(process):
        found = [had or pattern in piece for had, pattern in zip(found, patterns, strict=True)]
    return found


@pytest.mark.skipif(os.getuid() != 0, reason="reads other processes' memory, which root may")
def test_the_key_is_in_the_key_holders_memory_and_neither_key_nor_template_in_the_searching_ones(
    tmp_path: Path,
) -> None:
    nobody = 65534
    folder = tmp_path
    for each in (folder, *folder.parents):
        if each.stat().st_uid == 0 and each != Path("/tmp") and str(each).startswith("/tmp/"):
            each.chmod(each.stat().st_mode | 0o011)
    home = folder / "home"
    home.mkdir()
    os.chown(home, nobody, nobody)
    with in_its_own_process(home, user=nobody) as (path, holder):
        draw = np.random.default_rng(3)
        drawn = draw.standard_normal(128)
        face: Numbers = (drawn / np.linalg.norm(drawn)).astype(np.float32)
        asked = AtSocket(path)
        share = split(face, asked.public_key(), b"place")
        asked.close()
        (folder / "share").write_bytes(share.to_bytes())
        probe = (face + draw.standard_normal(128).astype(np.float32) * 0.01).astype(np.float32)
        (folder / "probe").write_bytes(probe.tobytes())
        command = [sys.executable, "-c", SCANNED, str(path), str(folder / "share"), str(folder / "probe")]
        searching = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert searching.stdout is not None
            assert searching.stdout.readline() == b"True\n", "it searched, and found"
            secret = bytes(FileKeys(home / "own").open("keyholder"))
            patterns = [secret, face.tobytes()[:64], whole(face).tobytes()[:64], share.values.tobytes()[:64]]
            assert holds(searching.pid, patterns) == [False, False, False, True], "its share is there: the scan works"
            assert holds(holder.pid, patterns)[0], "the key is where it belongs"
            assert not any(holds(holder.pid, patterns)[1:]), "and nothing of the face"
        finally:
            searching.kill()
            searching.communicate(timeout=10)


def test_a_key_holder_killed_in_the_middle_is_an_error_and_its_successor_goes_on(hotel: Hotel, tmp_path: Path) -> None:
    declared(hotel)
    with in_its_own_process(tmp_path) as (path, process):
        made = another(hotel, AtSocket(path))
        made.consent("guest")
        made.enrol("guest", grace_hopper_jpeg())
        assert matches(made, grace_hopper_jpeg())
        process.kill()
        process.wait(timeout=10)
        with pytest.raises(UnavailableError):
            matches(made, grace_hopper_jpeg())
        path.unlink()
    with in_its_own_process(tmp_path) as (path, _):
        assert matches(made, grace_hopper_jpeg())
        made.house.encrypted._holder.close()  # type: ignore[union-attr]
