"""The officer's counts: what each person said last about each purpose; the erased and the nameless are left out."""

from dataclasses import replace
from datetime import timedelta

from countenance.operations.consent import consent
from countenance.operations.erase import erase
from countenance.operations.withdraw import withdraw
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import overview
from countenance.subjects.consents import GIVEN, REFUSED, Said
from countenance.vocabulary import AgeClass, ConsentForm, Scope
from tests import pictures
from tests.database import DEVICE, HOTEL, OFFICER, OPERATOR, PURPOSE, Hotel


def counted(hotel: Hotel, operator: str = OPERATOR) -> dict[tuple[str, str], int]:
    with hotel.house.database.transaction() as tx:
        rows = overview.consents(tx, operator, hotel.clock())
    assert len({(row.purpose, row.state) for row in rows}) == len(rows)
    return {(row.purpose, row.state): row.persons for row in rows}


def said(hotel: Hotel, ref: str | None, **changes: object) -> None:
    made = Said(
        purpose=PURPOSE, decision=GIVEN, served_id=hotel.serve(), subject_ref=ref, age_class=AgeClass.ADULT,
        form=ConsentForm.SEPARATE, scopes=(Scope.IDENTIFY,),
    )  # fmt: skip
    consent(hotel.house, DEVICE, replace(made, **changes))  # type: ignore[arg-type]


def test_each_person_counts_once_as_they_stand_now(hotel: Hotel) -> None:
    for ref in ("a", "b", "c", "d"):
        hotel.consent(ref)
    hotel.consent("a")
    hotel.consent("b", decision=REFUSED)
    withdraw(hotel.house, OFFICER, "c", PURPOSE)
    assert counted(hotel) == {(PURPOSE, "given"): 2, (PURPOSE, "refused"): 1, (PURPOSE, "withdrawn"): 1}
    hotel.consent("b")
    assert counted(hotel) == {(PURPOSE, "given"): 3, (PURPOSE, "withdrawn"): 1}


def test_a_consent_has_expired_from_its_instant_on(hotel: Hotel) -> None:
    said(hotel, "guest", expires_at=hotel.clock() + timedelta(hours=1))
    hotel.clock.forward(hours=1, seconds=-1)
    assert counted(hotel) == {(PURPOSE, "given"): 1}
    hotel.clock.forward(seconds=1)
    assert counted(hotel) == {(PURPOSE, "expired"): 1}


def test_what_was_taken_back_does_not_expire(hotel: Hotel) -> None:
    said(hotel, "guest", expires_at=hotel.clock() + timedelta(hours=1))
    withdraw(hotel.house, OFFICER, "guest", PURPOSE)
    hotel.clock.forward(hours=2)
    assert counted(hotel) == {(PURPOSE, "withdrawn"): 1}


def test_the_erased_and_guests_of_one_session_are_left_out(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("gone")
    said(hotel, None)
    erase(hotel.house, OFFICER, "gone")
    assert counted(hotel) == {(PURPOSE, "given"): 1}


def test_purposes_and_operators_are_counted_apart(hotel: Hotel) -> None:
    site = HOTEL.read_text(encoding="utf-8")
    purpose, _, venues = site.partition("purposes:\n")[2].partition("\nvenues:")
    both = site.replace(purpose, purpose + purpose.replace("  check-in:", "  breakfast:", 1))
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(both.encode()), hotel.clock())
    hotel.consent("guest")
    said(hotel, "guest", purpose="breakfast", served_id=hotel.serve(purpose="breakfast"), decision=REFUSED)
    assert venues
    assert counted(hotel) == {(PURPOSE, "given"): 1, ("breakfast", "refused"): 1}
    assert counted(hotel, "another-hotel") == {}


def test_references_are_counted(hotel: Hotel) -> None:
    def kept() -> int:
        with hotel.house.database.transaction() as tx:
            assert overview.references(tx, "another-hotel") == 0
            return overview.references(tx, OPERATOR)

    assert kept() == 0
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    assert kept() == 1
    erase(hotel.house, OFFICER, "guest")
    assert kept() == 0
