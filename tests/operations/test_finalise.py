"""A decision is made final once: a second review, a race and a repeat; what was final before the rule stays final."""

import json
import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from alembic import command
from sqlalchemy import text

from countenance.errors import ConflictError, UnavailableError
from countenance.operations.finalise import Review, finalise
from countenance.operations.once import Once, Repeated
from countenance.operations.parts import Permitted
from countenance.record import Entry, append
from countenance.store import reviews
from countenance.store.database import Database, _alembic
from tests.database import OFFICER, OPERATOR, Clock, Hotel, _to
from tests.operations.governed import articles, bodies, colleague, officer
from tests.operations.test_governed import decided


def upheld(record_id: UUID, decision: str = "upheld") -> Review:
    return Review(record_id=record_id, human=True, decision=decision)


def finals(hotel: Hotel) -> list[str]:
    """Return what reviews decided, newest first."""
    return [
        body["details"]["decision"]
        for body in bodies(hotel)
        if (body["kind"], body["outcome"]) == ("finalise", "finalised")
    ]


def test_a_decision_is_made_final_once_whoever_comes_second(hotel: Hotel) -> None:
    record_id, reviewer, other = decided(hotel), officer(hotel), officer(hotel)
    assert isinstance(finalise(hotel.house, reviewer, upheld(record_id)), Permitted)

    for caller, decision in ((reviewer, "upheld"), (reviewer, "overturned"), (other, "overturned")):
        with pytest.raises(ConflictError, match="final already"):
            finalise(hotel.house, caller, upheld(record_id, decision))

    assert finals(hotel) == ["upheld"]


def test_a_refused_review_makes_nothing_final(hotel: Hotel) -> None:
    record_id = decided(hotel, OFFICER)
    assert (None, None) in articles(finalise(hotel.house, OFFICER, upheld(record_id)))

    assert isinstance(finalise(hotel.house, officer(hotel), upheld(record_id, "overturned")), Permitted)
    assert finals(hotel) == ["overturned"]


def test_another_decision_is_another_matter(hotel: Hotel) -> None:
    first = decided(hotel)
    second = decided(hotel)
    reviewer = officer(hotel)

    assert isinstance(finalise(hotel.house, reviewer, upheld(first)), Permitted)
    assert isinstance(finalise(hotel.house, reviewer, upheld(second)), Permitted)


def test_a_repeat_with_its_key_gets_the_first_answer(hotel: Hotel) -> None:
    record_id, reviewer = decided(hotel), officer(hotel)
    once = Once("a-key", b"this request")

    first = finalise(hotel.house, reviewer, upheld(record_id), once)
    again = finalise(hotel.house, reviewer, upheld(record_id), once)

    assert isinstance(first, Permitted)
    assert isinstance(again, Repeated)
    assert again.answer == first.as_json("finalised")
    assert finals(hotel) == ["upheld"]
    with pytest.raises(ConflictError, match="Idempotency-Key"):
        finalise(hotel.house, reviewer, upheld(record_id), Once("a-key", b"another request"))
    with pytest.raises(ConflictError, match="final already"):
        finalise(hotel.house, reviewer, upheld(record_id), Once("another-key", b"this request"))
    hotel.clock.forward(seconds=1)
    with pytest.raises(ConflictError, match="final already"):
        finalise(hotel.house, officer(hotel), upheld(record_id), once)


def test_of_several_reviews_at_once_one_stands(hotel: Hotel) -> None:
    record_id, reviewers = decided(hotel), [officer(hotel) for _ in range(4)]
    with hotel.house.database.transaction() as tx:  # the first one dawdles before it commits, so that all overlap
        tx.execute(
            text(
                "CREATE FUNCTION slow() RETURNS trigger AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN NEW; END $$"
                " LANGUAGE plpgsql"
            )
        )
        tx.execute(text("CREATE TRIGGER slow AFTER INSERT ON final_review FOR EACH ROW EXECUTE FUNCTION slow()"))
    start = threading.Barrier(4)
    answers: list[object] = []

    def act(number: int) -> None:
        start.wait()
        try:
            decision = "upheld" if number % 2 else "overturned"
            answers.append(finalise(hotel.house, reviewers[number], upheld(record_id, decision)))
        except ConflictError as error:
            answers.append(error)

    threads = [threading.Thread(target=act, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(isinstance(answer, Permitted) for answer in answers) == 1
    assert sum(isinstance(answer, ConflictError) and "final already" in answer.en for answer in answers) == 3
    assert len(finals(hotel)) == 1


def test_one_that_fails_leaves_the_decision_open(hotel: Hotel) -> None:
    record_id, reviewer = decided(hotel), officer(hotel)
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$ LANGUAGE plpgsql"
            )
        )
        tx.execute(text("CREATE TRIGGER full_disk AFTER INSERT ON final_review EXECUTE FUNCTION full_disk()"))
    with pytest.raises(UnavailableError):
        finalise(hotel.house, reviewer, upheld(record_id))
    assert finals(hotel) == []

    with hotel.house.database.transaction() as tx:
        tx.execute(text("DROP TRIGGER full_disk ON final_review"))
    assert isinstance(finalise(hotel.house, reviewer, upheld(record_id)), Permitted)
    assert finals(hotel) == ["upheld"]


def test_the_person_who_ran_the_device_reviews_nothing_with_another_credential_either(hotel: Hotel) -> None:
    person = colleague(hotel)
    record_id = decided(hotel, officer(hotel, person))

    answer = finalise(hotel.house, officer(hotel, person), upheld(record_id))

    assert (None, None) in articles(answer)
    assert bodies(hotel)[0]["facts"]["review"]["by_operator"] is True
    assert isinstance(finalise(hotel.house, officer(hotel), upheld(record_id)), Permitted)


def test_what_was_final_before_the_rule_is_final_after_an_upgrade(postgres: str) -> None:
    database = Database(_to(postgres, f"before{uuid4().hex[:12]}", create=True))
    upgrade(database, "0003")
    clock, decisions = Clock(), []
    with database.transaction() as tx:
        tx.execute(text("INSERT INTO operator (operator_id, name, contact) VALUES (:o, 'x', 'y')"), {"o": OPERATOR})
        tx.execute(text("CREATE TABLE log_pending (operator_id text, number bigint)"))  # of today's way to record
        for _ in range(2):
            entry = Entry(operator_id=OPERATOR, at=clock(), kind="verify", outcome="match", by="device:x")
            decisions.append(append(tx, entry).record_id)
        for minutes, decision in ((1, "upheld"), (2, "overturned")):
            details = {"reviewed": str(decisions[0]), "decision": decision}
            at = clock() + timedelta(minutes=minutes)
            append(
                tx,
                Entry(
                    operator_id=OPERATOR, at=at, kind="finalise", outcome="finalised", by="officer:x", details=details
                ),
            )

    with database.transaction() as tx:
        tx.execute(text("DROP TABLE log_pending"))
    upgrade(database, "head")

    with database.transaction() as tx:
        (row,) = tx.execute(text("SELECT record_id, review_id FROM final_review"))
        body = tx.execute(text("SELECT body FROM record WHERE record_id = :id"), {"id": row.review_id}).scalar_one()
        assert (row.record_id, json.loads(body)["details"]["decision"]) == (decisions[0], "upheld")
        assert not reviews.close(tx, OPERATOR, decisions[0], row.review_id)
        assert reviews.close(tx, OPERATOR, decisions[1], row.review_id)
    database.close()


def upgrade(database: Database, to: str) -> None:
    """Bring a schema to one version."""
    with database.transaction() as tx:
        config = _alembic()
        config.attributes["connection"] = tx
        command.upgrade(config, to)
