"""Rotation: everything wrapped moves to a new key while the hotel goes on, is gone on with, and the old key goes."""

import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import LargeBinary, func, select, text

from countenance.errors import ConflictError, IntegrityError, UnavailableError
from countenance.operations import rotate as rotation
from countenance.operations.enrol import enrol
from countenance.operations.keep_original import keep_original
from countenance.operations.once import Once, Repeated
from countenance.operations.parts import Enrolled, House, Kept, Verified
from countenance.operations.requests import open_request, show_request
from countenance.operations.rotate import retire, rotate
from countenance.operations.verify import Claim, verify
from countenance.store import exchanges, wrapped
from countenance.store.tables import metadata
from countenance.subjects.requests import NewRequest
from countenance.vault.keyring import LOOK_SECONDS, Keyring
from countenance.vault.keys import MountedKeys
from countenance.vault.sealing import Vault
from countenance.vault.vaults import Vaults
from countenance.vocabulary import RequestKind, Scope
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel, enrolment
from tests.faces import grace_hopper_jpeg
from tests.operations.governed import bodies, keeping
from tests.operations.signing import member

#: Columns of bytes that no key of an operator has wrapped: digests, values under a key of their own, records.
NOT_WRAPPED = {
    "purpose.configuration", "purpose.assessed_configuration", "notice.digest", "consent_event.evidence_digest",
    "consent_event.guardian_evidence_digest", "reference.sealed", "record.subject_mark", "record.body", "record.digest",
    "credential.secret_digest", "answered.request_mark", "original.sealed", "receipt.secret_digest",
    "request.sealed_text", "request.sealed_answer", "link.digest", "sign_in.invitation_digest",
    "budget.key", "log.root", "filing_act.message_id", "assessment.configuration", "exchanged.message_id",
    "exchanged.note", "exchanged.about", "enclosed.message_id", "enclosed.content",
}  # fmt: skip


@pytest.fixture
def full(hotel: Hotel) -> Hotel:
    """Return the hotel with something in every place where wrapped values lie."""
    hotel.consent("guest", *Scope)
    hotel.enrol("guest", grace_hopper_jpeg())
    assert isinstance(keep_original(hotel.house, DEVICE, keeping(hotel), grace_hopper_jpeg()), Kept)
    open_request(hotel.house, OFFICER, NewRequest(kind=RequestKind.COMPLAIN, text="Words of the guest"), "guest")
    member(hotel)
    with hotel.house.database.transaction() as tx:
        sealed = hotel.house.vault(OPERATOR).seal_secret("group harbour", bytes(32))
        exchanges.keep_group_key(tx, OPERATOR, "harbour", "0" * 16, sealed, hotel.clock())
    return hotel


def turned(hotel: Hotel, progress: rotation.Progress = lambda *_: None) -> rotation.Rotated:
    """Rotate the hotel's key as the command line does."""
    return rotate(hotel.house.database, hotel.keys, OPERATOR, hotel.clock, progress)


def lies(hotel: Hotel) -> dict[int, int]:
    """Return how many values lie under which generation."""
    with hotel.house.database.reading() as tx:
        return wrapped.by_generation(tx, OPERATOR)


def afresh(hotel: Hotel) -> House:
    """Return the house as another process opens it."""
    return hotel.with_house(vaults=Vaults(hotel.keys)).house


def claimed(house: House) -> bool:
    """Return whether the guest is verified."""
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    done = verify(house, DEVICE, claim, grace_hopper_jpeg())
    assert isinstance(done, Verified)
    return done.match


def test_every_wrapped_column_is_known_to_a_rotation() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    moved = {f"{place.table.name}.{place.column.name}" for place in wrapped.PLACES}
    assert columns - NOT_WRAPPED == moved
    assert not moved & NOT_WRAPPED


def test_a_rotation_moves_everything_and_everything_still_opens(full: Hotel) -> None:
    before = lies(full)
    assert set(before) == {1}
    with full.house.database.reading() as tx:
        for place in wrapped.PLACES:
            values = select(func.count(place.column)).where(place.table.c.operator_id == OPERATOR)
            assert tx.execute(values).scalar_one() > 0, place.kind
    told: list[tuple[int, int]] = []

    done = turned(full, lambda now, total: told.append((now, total)))

    assert done == rotation.Rotated(2, before[1])
    assert lies(full) == {2: before[1]}
    assert told[-1] == (before[1], before[1])
    assert full.keys.generations(OPERATOR) == [1, 2]
    for house in (full.house, afresh(full)):
        assert claimed(house)
    (body,) = [body for body in bodies(full) if body["kind"] == "key"]
    assert (body["outcome"], body["details"]) == ("rotated", {"generation": 2, "values": before[1]})


def test_texts_and_codes_open_after_the_old_key_is_gone(full: Hotel) -> None:
    request, _ = open_request(full.house, OFFICER, NewRequest(kind=RequestKind.COMPLAIN, text="More words"), "guest")
    turned(full)
    full.clock.forward(seconds=60)

    assert retire(full.house.database, full.keys, OPERATOR, full.clock()).generations == [1]

    assert full.keys.generations(OPERATOR) == [2]
    house = afresh(full)
    assert claimed(house)
    assert show_request(house, OFFICER, request.request).text == "More words"
    assert house.vault(OPERATOR).generation == 2
    assert [body["outcome"] for body in bodies(full) if body["kind"] == "key"] == ["retired", "retiring", "rotated"]


def test_what_a_process_sealed_before_it_looked_is_taken_along_by_the_next_run(full: Hotel) -> None:
    now, person = [0.0], member(full)
    stale = Vault(OPERATOR, Keyring(full.keys, OPERATOR, clock=lambda: now[0]))
    turned(full)
    assert stale.generation == 1
    secret = stale.seal_secret(f"codes {person.staff_id}", b"another secret of codes")
    with full.house.database.transaction() as tx:
        tx.execute(text("UPDATE sign_in SET code_secret = :s WHERE staff_id = :p"), {"s": secret, "p": person.staff_id})
    assert lies(full)[1] == 1

    assert turned(full) == rotation.Rotated(2, 1)

    assert set(lies(full)) == {2}
    now[0] = LOOK_SECONDS
    assert stale.generation == 2


def test_a_rotation_that_was_cut_off_is_gone_on_with(full: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    everything = lies(full)[1]

    def cut(done: int, _: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        turned(full, cut)
    assert lies(full) == {1: everything - 2, 2: 2}
    assert claimed(afresh(full))

    assert turned(full) == rotation.Rotated(2, everything - 2)
    assert lies(full) == {2: everything}
    assert turned(full).generation == 3


def test_a_rotation_that_was_cut_off_before_anything_moved_makes_no_third_key(full: Hotel) -> None:
    full.keys.create(OPERATOR, 2)
    assert turned(full).generation == 2
    assert full.keys.generations(OPERATOR) == [1, 2]


def test_two_rotations_at_once_end_in_one_key(full: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    meet, ended = threading.Barrier(2), []

    def turn() -> None:
        meet.wait(timeout=30)
        ended.append(turned(full).generation)

    both = [threading.Thread(target=turn) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join(timeout=60)
    assert len(ended) == 2
    newest = max(ended)
    assert set(lies(full)) == {newest}
    assert claimed(afresh(full))


def test_codes_of_staff_still_open_after_a_rotation(full: Hotel) -> None:
    person = member(full)
    turned(full)
    person.hotel = full.with_house(vaults=Vaults(full.keys))
    full.clock.forward(seconds=60)
    assert person.signs_in()


def test_the_hotel_goes_on_while_its_key_turns(full: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 1)
    results: list[Any] = []

    def meanwhile(done: int, _: int) -> None:
        full.consent(f"late-{done}", Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE)
        results.append(enrol(afresh(full), DEVICE, enrolment(f"late-{done}"), grace_hopper_jpeg()))
        results.append(claimed(full.house))

    turned(full, meanwhile)
    assert len(results) >= 2
    assert all(isinstance(each, Enrolled) or each is True for each in results)
    assert set(lies(full)) == {2}


@pytest.mark.parametrize("act", ["no rotation finished", "too soon", "something rests on it"])
def test_an_old_key_stays_while_anything_could_rest_on_it(full: Hotel, act: str) -> None:
    old = Vault(OPERATOR, Keyring(full.keys, OPERATOR)).seal_secret("codes x", b"x")
    if act == "no rotation finished":
        full.keys.create(OPERATOR, 2)
    else:
        turned(full)
        full.clock.forward(seconds=59 if act == "too soon" else 3600)
    if act == "something rests on it":
        with full.house.database.transaction() as tx:
            tx.execute(text("UPDATE sign_in SET code_secret = :s"), {"s": old})
    with pytest.raises(ConflictError):
        retire(full.house.database, full.keys, OPERATOR, full.clock())
    assert full.keys.generations(OPERATOR) == [1, 2]
    assert not [body for body in bodies(full) if body["outcome"] == "retired"]


def test_without_an_old_key_there_is_nothing_to_retire(full: Hotel) -> None:
    assert retire(full.house.database, full.keys, OPERATOR, full.clock()).generations == []


def test_a_repeat_of_before_the_rotation_is_known_until_the_old_key_goes(hotel: Hotel) -> None:
    hotel.consent("guest")
    once = Once("key-1", b"the request")
    first = enrol(hotel.house, DEVICE, enrolment("guest"), grace_hopper_jpeg(), once)
    assert isinstance(first, Enrolled)
    turned(hotel)
    house = afresh(hotel)
    assert isinstance(enrol(house, DEVICE, enrolment("guest"), grace_hopper_jpeg(), once), Repeated)
    hotel.clock.forward(seconds=60)
    retire(hotel.house.database, hotel.keys, OPERATOR, hotel.clock())
    with pytest.raises(ConflictError):  # rather refused than done twice
        enrol(afresh(hotel), DEVICE, enrolment("guest"), grace_hopper_jpeg(), once)


def test_a_value_moved_to_another_row_stops_a_rotation(full: Hotel) -> None:
    full.consent("other")
    full.enrol("other", grace_hopper_jpeg(), double=True)
    with full.house.database.transaction() as tx:
        tx.execute(text("UPDATE subject_key SET wrapped = (SELECT wrapped FROM subject_key LIMIT 1)"))
    with pytest.raises(IntegrityError):
        turned(full)
    assert full.keys.generations(OPERATOR) == [1, 2]


def test_a_key_that_values_lie_under_and_that_is_gone_stops_the_start(full: Hotel) -> None:
    turned(full)
    full.keys.destroy(OPERATOR, 2)
    with pytest.raises(UnavailableError), full.house.database.reading() as tx:
        afresh(full).vault(OPERATOR).check(wrapped.by_generation(tx, OPERATOR))


def test_a_key_that_stays_where_it_is_mounted_is_not_on_record_as_destroyed(full: Hotel, tmp_path: Path) -> None:
    for generation in (1, 2):
        if generation == 2:
            full.keys.create(OPERATOR, 2)
        name = f"{OPERATOR}.key" if generation == 1 else f"{OPERATOR}.2.key"
        (tmp_path / name).write_bytes(full.keys.open(OPERATOR, generation))
    mounted = MountedKeys(tmp_path)
    assert rotate(full.house.database, mounted, OPERATOR, full.clock, lambda *_: None).generation == 2
    full.clock.forward(seconds=60)

    with pytest.raises(UnavailableError, match="take it away where it is mounted"):
        retire(full.house.database, mounted, OPERATOR, full.clock())

    assert [body["outcome"] for body in bodies(full) if body["kind"] == "key"] == ["retiring", "rotated"]
    (tmp_path / f"{OPERATOR}.key").unlink()
    assert retire(full.house.database, mounted, OPERATOR, full.clock()).generations == []
