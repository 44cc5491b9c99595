"""The log, the records and what the records did are compared with each other, and whatever differs is found."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import inspect, text

from countenance import access
from countenance.errors import IntegrityError
from countenance.log.check import Flaw, Report
from countenance.log.notes import Checkpoint, Signer, signed
from countenance.operations.credentials import record_credential
from countenance.operations.erase import erase
from countenance.operations.examine import Scope, examine
from countenance.operations.expire import expire
from countenance.operations.sequence import Sequencer
from countenance.operations.withdraw import withdraw
from countenance.store import logged
from countenance.vocabulary import Role
from tests.database import DEVICE, OFFICER, OPERATOR, PURPOSE, Hotel
from tests.faces import astronaut_jpeg, grace_hopper_jpeg
from tests.operations.governed import authorised

NOTHING: dict[str, int | None] = {}


@pytest.fixture
def lived_in(hotel: Hotel) -> Hotel:
    """Return a hotel where people came and went, with everything in its log."""
    for guest, face in (("stays", astronaut_jpeg()), ("withdraws", grace_hopper_jpeg())):
        hotel.consent(guest)
        hotel.enrol(guest, face)
    withdraw(hotel.house, DEVICE, "withdraws", PURPOSE)
    hotel.consent("erased")
    hotel.enrol("erased", grace_hopper_jpeg())
    erase(hotel.house, OFFICER, "erased")
    Sequencer(hotel.house.database, hotel.house.logs, hotel.clock).step_all()
    return hotel


def report(hotel: Hotel) -> Report:
    (one,) = examine(hotel.house.database, hotel.house.logs, OPERATOR, lambda done, total: None)
    return one.report


def found(hotel: Hotel) -> dict[str, int | None]:
    return {flaw.value: first for flaw, (first, _) in report(hotel).found.items()}


def change(hotel: Hotel, statement: str) -> None:
    with hotel.house.database.transaction() as tx:
        assert tx.execute(text(statement)).rowcount > 0


def index_of(hotel: Hotel, kind: str) -> int:
    with hotel.house.database.reading() as tx:
        query = "SELECT log_index FROM log_entry JOIN record USING (number) WHERE kind = :kind ORDER BY 1 LIMIT 1"
        return int(tx.execute(text(query), {"kind": kind}).scalar_one())


def test_a_house_that_was_lived_in_has_no_flaw(lived_in: Hotel) -> None:
    assert (found(lived_in), report(lived_in).size) == (NOTHING, report(lived_in).checked)
    assert report(lived_in).size > 5
    lived_in.clock.forward(days=400)
    assert expire(lived_in.house, OPERATOR)
    (one,) = examine(lived_in.house.database, lived_in.house.logs, OPERATOR, lambda done, total: None)
    assert one.waiting > 0
    assert one.report.found == {}, "what waits was done and is on record"
    Sequencer(lived_in.house.database, lived_in.house.logs, lived_in.clock).step_all()
    assert found(lived_in) == NOTHING


def test_an_effect_taken_away_with_its_entry_kept_is_found(lived_in: Hotel) -> None:
    change(lived_in, "DELETE FROM reference")
    assert found(lived_in) == {"state": index_of(lived_in, "enrol")}


def test_of_several_effects_taken_away_the_first_is_told(lived_in: Hotel) -> None:
    change(lived_in, "DELETE FROM receipt")
    change(lived_in, "DELETE FROM consent_event")
    columns = "operator_id, subject_id, purpose, model_id, sealed, created_at"
    change(
        lived_in, f"INSERT INTO reference (reference_id, {columns}) SELECT gen_random_uuid(), {columns} FROM reference"
    )
    first, often = report(lived_in).found[Flaw.STATE]
    assert (first, often) == (index_of(lived_in, "consent"), 4)


def test_a_decision_taken_away_with_its_entry_kept_is_found(lived_in: Hotel) -> None:
    change(lived_in, "DELETE FROM receipt")
    change(lived_in, "DELETE FROM consent_event WHERE number = (SELECT min(number) FROM consent_event)")
    assert found(lived_in) == {"state": index_of(lived_in, "consent")}


def test_an_effect_without_its_entry_is_found(lived_in: Hotel) -> None:
    columns = "operator_id, subject_id, purpose, model_id, sealed, created_at"
    change(
        lived_in, f"INSERT INTO reference (reference_id, {columns}) SELECT gen_random_uuid(), {columns} FROM reference"
    )
    assert found(lived_in) == {"state": None}


def test_a_record_taken_away_is_found(lived_in: Hotel) -> None:
    index = index_of(lived_in, "withdraw")
    change(lived_in, "DELETE FROM record WHERE kind = 'withdraw'")
    lost = found(lived_in)
    assert lost["lost"] == index
    assert lost["state"] is not None, "and the reference that it destroyed is gone without a word"


def test_a_record_taken_out_of_the_log_is_found(lived_in: Hotel) -> None:
    index = index_of(lived_in, "withdraw")
    change(lived_in, f"DELETE FROM log_entry WHERE log_index = {index}")
    assert found(lived_in)["lost"] == index
    assert report(lived_in).found is not None
    assert "state" in found(lived_in)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE record SET body = overlay(body placing '\\x58' from 30) WHERE kind = 'withdraw'",
        "UPDATE record SET digest = sha256(digest) WHERE kind = 'withdraw'",
        "UPDATE record SET at = at - interval '1 day' WHERE kind = 'withdraw'",
        "UPDATE record SET kind = 'verify' WHERE kind = 'withdraw'",
    ],
)
def test_a_record_changed_in_any_part_is_found(lived_in: Hotel, statement: str) -> None:
    index = index_of(lived_in, "withdraw")
    change(lived_in, statement)
    assert found(lived_in)["body"] == index


def test_records_that_changed_places_are_found(lived_in: Hotel) -> None:
    change(lived_in, "UPDATE log_entry SET number = -log_index WHERE log_index = 1")
    assert found(lived_in)["lost"] == 1


def test_a_record_kept_out_of_the_log_is_found(lived_in: Hotel) -> None:
    lived_in.consent("later")
    change(lived_in, "DELETE FROM log_pending")
    assert found(lived_in)["state"] is None


def test_a_database_put_back_past_its_log_is_found(lived_in: Hotel) -> None:
    change(lived_in, "UPDATE log SET size = size - 1")
    assert found(lived_in) == {"rollback": report(lived_in).size - 1}


def test_another_root_than_the_signed_one_is_found(lived_in: Hotel) -> None:
    change(lived_in, "UPDATE log SET root = sha256(root)")
    assert found(lived_in) == {"fork": None}


def test_a_checkpoint_kept_elsewhere_is_held_against_the_log(lived_in: Hotel) -> None:
    logs, progress = lived_in.house.logs, lambda done, total: None
    with lived_in.house.database.reading() as tx:
        row = logged.newest(tx, OPERATOR)
    assert row is not None
    kept = Checkpoint(row.origin, row.size, row.root)

    def flaws(checkpoint: Checkpoint, signer: Signer) -> set[str]:
        scope = Scope(known=[signed(checkpoint, signer)])
        (one,) = examine(lived_in.house.database, logs, OPERATOR, progress, scope)
        return {flaw.value for flaw in one.report.found}

    key = logs.signer(row)
    assert flaws(replace(kept, size=row.size + 1), key) == {"rollback"}
    assert flaws(replace(kept, root=bytes(32)), key) == {"fork"}
    assert flaws(kept, key) == set()
    for other in (Signer(row.origin, bytes(32)), Signer("another.example/log", bytes(32))):
        with pytest.raises(IntegrityError):  # what is held against nothing must not pass for agreement
            flaws(replace(kept, origin=other.verifier.name), other)


def test_what_was_dated_back_is_found(lived_in: Hotel) -> None:
    size = report(lived_in).size
    lived_in.clock.now -= timedelta(minutes=11)
    withdraw(lived_in.house, OFFICER, "stays", PURPOSE)
    Sequencer(lived_in.house.database, lived_in.house.logs, lived_in.clock).step_all()
    assert found(lived_in) == {"order": size}


def test_of_a_period_only_its_records_are_looked_at(lived_in: Hotel) -> None:
    index = index_of(lived_in, "withdraw")
    change(lived_in, "UPDATE record SET digest = sha256(digest) WHERE kind = 'withdraw'")
    now = lived_in.clock()

    def flaws(scope: Scope) -> dict[str, int | None]:
        (one,) = examine(lived_in.house.database, lived_in.house.logs, OPERATOR, lambda done, total: None, scope)
        return {flaw.value: first for flaw, (first, _) in one.report.found.items()}

    assert flaws(Scope(since=now - timedelta(days=1), before=now + timedelta(days=1))) == {"body": index}
    assert flaws(Scope(since=now + timedelta(seconds=1))) == {}
    assert flaws(Scope(before=now - timedelta(seconds=1))) == {}


def test_a_credential_that_nobody_recorded_is_found(lived_in: Hotel) -> None:
    with lived_in.house.database.transaction() as tx:
        made = access.issue(tx, OPERATOR, Role.OFFICER, label="planted", at=lived_in.clock())
    assert found(lived_in) == {"state": None}
    with lived_in.house.database.transaction() as tx:
        record_credential(tx, OPERATOR, "console", "issued", made.credential_id, Role.OFFICER.value, lived_in.clock())
    Sequencer(lived_in.house.database, lived_in.house.logs, lived_in.clock).step_all()
    assert found(lived_in) == NOTHING


def test_an_authorisation_that_nobody_recorded_is_found(lived_in: Hotel) -> None:
    lived_in.consent("guest")
    authorised(lived_in, approvers=0)  # by an officer whom the test made without a record
    Sequencer(lived_in.house.database, lived_in.house.logs, lived_in.clock).step_all()
    assert report(lived_in).found[Flaw.STATE] == (None, 1)
    with lived_in.house.database.reading() as tx:
        columns = [name for name in inspect(tx).get_columns("authorisation") if name["name"] != "authorisation_id"]
    listed = ", ".join(f'"{each["name"]}"' for each in columns)
    change(
        lived_in,
        f"INSERT INTO authorisation (authorisation_id, {listed}) SELECT gen_random_uuid(), {listed} FROM authorisation",
    )
    assert report(lived_in).found[Flaw.STATE] == (None, 2)
