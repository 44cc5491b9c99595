"""Originals: kept by permit, sealed, ended on time, destroyed with everything else of the subject."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, IntegrityError, MalformedError
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.keep_original import keep_original
from countenance.operations.parts import Kept
from countenance.operations.withdraw import withdraw
from countenance.store import originals
from countenance.vault.sealing import OriginalPlace
from countenance.vocabulary import Scope
from tests import pictures
from tests.database import DEVICE, OFFICER, OPERATOR, PURPOSE, Hotel
from tests.operations.governed import articles, bodies, keeping


def keep(hotel: Hotel, **changes: object) -> Kept:
    done = keep_original(hotel.house, DEVICE, keeping(hotel, **changes), pictures.admiral())
    assert isinstance(done, Kept), done
    return done


def kept(hotel: Hotel) -> list[UUID]:
    with hotel.house.database.transaction() as tx:
        return [row["original_id"] for row in originals.listed(tx, OPERATOR, 100)]


def test_an_original_is_kept_by_consent_and_sealed_for_exactly_its_row(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.KEEP_ORIGINAL)

    done = keep(hotel)

    with hotel.house.database.transaction() as tx:
        row = originals.find(tx, OPERATOR, done.original_id)
        everything = " ".join(tx.execute(text("SELECT o::text FROM original o")).scalars())
    assert row is not None
    vault, place = hotel.house.vault(OPERATOR), OriginalPlace(row.subject_id, PURPOSE, row.original_id)
    assert vault.open_original(row.sealed, row.wrapped, place) == pictures.admiral()
    assert pictures.admiral()[:32].hex() not in everything
    for moved in (
        OriginalPlace(uuid4(), PURPOSE, row.original_id),
        OriginalPlace(row.subject_id, "breakfast", row.original_id),
        OriginalPlace(row.subject_id, PURPOSE, uuid4()),
    ):
        with pytest.raises(IntegrityError):
            vault.open_original(row.sealed, row.wrapped, moved)
    body = bodies(hotel)[0]
    assert (body["kind"], body["outcome"]) == ("keep_original", "kept")
    assert body["details"]["original"] == str(done.original_id)
    assert "subject" in body


def test_without_that_consent_nothing_is_kept(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.ENROL, Scope.VERIFY)

    answer = keep_original(hotel.house, DEVICE, keeping(hotel), pictures.admiral())

    assert ("cn-2023-draft", "17") in articles(answer)
    assert kept(hotel) == []
    assert bodies(hotel)[0]["outcome"] == "refused"


@pytest.mark.parametrize("days", [-1, 0, 31])
def test_its_end_is_ahead_and_within_the_retention(hotel: Hotel, days: int) -> None:
    hotel.consent("guest", Scope.KEEP_ORIGINAL)

    with pytest.raises(MalformedError):
        keep(hotel, expires_at=hotel.clock() + timedelta(days=days))
    assert kept(hotel) == []


def test_what_is_no_picture_is_not_kept_and_neither_are_too_many(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.KEEP_ORIGINAL)
    with pytest.raises(MalformedError):
        keep_original(hotel.house, DEVICE, keeping(hotel), b"PK\x03\x04 not a picture")
    small = hotel.with_house(references_max=1)
    keep(small)
    with pytest.raises(ConflictError):
        keep(small)


def test_an_original_ends_at_its_instant_and_that_is_on_record(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.KEEP_ORIGINAL)
    done = keep(hotel)
    hotel.clock.forward(days=7, seconds=-1)
    assert expire(hotel.house, OPERATOR) == []
    hotel.clock.forward(seconds=1)

    (gone,) = expire(hotel.house, OPERATOR)

    assert (gone.originals, gone.keys, gone.references) == (1, 0, 0)
    assert done.original_id not in kept(hotel)
    assert bodies(hotel)[0]["details"]["destroyed"]["originals"] == 1


def test_the_end_of_an_original_leaves_the_references_where_they_are(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    keep(hotel)
    hotel.clock.forward(days=8)

    expire(hotel.house, OPERATOR)

    assert kept(hotel) == []
    assert len(hotel.house.projection) == 1


@pytest.mark.parametrize("forget", ["withdraw", "erase"])
def test_a_withdrawal_and_an_erasure_destroy_originals(hotel: Hotel, forget: str) -> None:
    for ref in ("guest", "other"):
        hotel.consent(ref, Scope.KEEP_ORIGINAL)
        keep(hotel, subject_ref=ref)

    if forget == "withdraw":
        gone = withdraw(hotel.house, DEVICE, "guest", PURPOSE).destroyed
    else:
        gone = erase(hotel.house, OFFICER, "guest").destroyed

    assert (gone.originals, gone.purposes) == (1, (PURPOSE,))
    assert len(kept(hotel)) == 1
    assert bodies(hotel)[0]["details"]["destroyed"]["originals"] == 1


@pytest.mark.parametrize("how", ["refused", "narrowed", "expired"])
def test_an_original_goes_with_the_consent_it_rests_on(hotel: Hotel, how: str) -> None:
    hotel.consent("guest", Scope.KEEP_ORIGINAL, Scope.VERIFY)
    keep(hotel)
    assert expire(hotel.house, OPERATOR) == []
    if how == "refused":
        hotel.consent("guest", decision="refused")
    elif how == "narrowed":
        hotel.consent("guest", Scope.VERIFY)
    else:
        with hotel.house.database.transaction() as tx:
            tx.execute(text("UPDATE consent_event SET expires_at = at"))

    gone = expire(hotel.house, OPERATOR)

    assert kept(hotel) == []
    assert sum(each.originals for each in gone) == (how != "refused"), "a refusal destroys at once"
