"""What a kiosk offers and how a guest stands, read without a record: only what a decision would find as well."""

from dataclasses import replace
from datetime import timedelta

import pytest

from countenance.errors import NotFoundError
from countenance.law.pack import Article, Packs
from countenance.operations.consent import consent
from countenance.operations.deactivate import deactivate, unregister
from countenance.operations.erase import erase
from countenance.operations.offered import WANTED, Offer, Standing, offers, rest_days, standing
from countenance.operations.parts import Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.subjects.consents import GIVEN, REFUSED, Said
from countenance.vocabulary import AgeClass, ConsentForm, ConsentState, Scope
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, PURPOSE, ROOM_CAMERA, SESSION, Hotel
from tests.operations.governed import bodies
from tests.operations.measured import ANNEX

SITE = HOTEL.read_text(encoding="utf-8")
NOBODY = Standing(
    consent=ConsentState.NONE, agreed=False, refused_days=None, age_class=None, references=0, basis=None
)  # fmt: skip


def declare(hotel: Hotel, site: str) -> None:
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(site.encode()), hotel.clock())


def only(hotel: Hotel) -> Offer:
    """Return the one thing that the kiosk offers."""
    (found,) = offers(hotel.house, DEVICE)
    return found


def stands(hotel: Hotel, ref: str = "guest") -> Standing:
    return standing(hotel.house, DEVICE, PURPOSE, ref)


def said(hotel: Hotel, *scopes: Scope, **changes: object) -> None:
    """Let the guest agree to some scopes."""
    made = Said(
        purpose=PURPOSE, decision=GIVEN, served_id=hotel.serve(), subject_ref="guest", age_class=AgeClass.ADULT,
        form=ConsentForm.SEPARATE, scopes=scopes,
    )  # fmt: skip
    consent(hotel.house, DEVICE, replace(made, **changes))  # type: ignore[arg-type]


# --- offers ----------------------------------------------------------------------------------------------------------


def test_the_purpose_of_the_venue_is_offered_with_its_other_ways(hotel: Hotel) -> None:
    before = len(bodies(hotel))
    offer = only(hotel)
    assert (offer.purpose, offer.title["en"]) == (PURPOSE, "Check-in without waiting at the desk")
    assert [way["en"] for way in offer.ways] == ["Key card at the desk"]
    assert (offer.ready, offer.other_way_works, offer.open) == (True, True, True)
    assert len(bodies(hotel)) == before, "looking is no act"


def test_the_way_with_a_face_is_closed_where_the_law_was_not_asked(hotel: Hotel) -> None:
    deactivate(hotel.house, OFFICER, PURPOSE)
    assert (only(hotel).ready, only(hotel).open) == (False, False)


def test_it_is_closed_where_the_device_is_not_registered_as_it_stands(hotel: Hotel) -> None:
    unregister(hotel.house, OFFICER, KIOSK)
    assert (only(hotel).ready, only(hotel).other_way_works, only(hotel).open) == (False, True, False)


def test_it_is_closed_while_no_other_way_works(hotel: Hotel) -> None:
    declare(hotel, SITE.replace("working: true", "working: false"))
    assert (only(hotel).ready, only(hotel).other_way_works, only(hotel).open) == (True, False, False)


def test_it_closes_and_opens_with_the_hours_of_the_desk(hotel: Hotel) -> None:
    hours = "{mon: ['09:00-17:00']}"
    declare(hotel, SITE.replace("working: true", f"working: true\n        hours: {hours}"))
    monday = hotel.clock.now.replace(hour=2, minute=0, second=0, microsecond=0)
    monday += timedelta(days=7 - monday.weekday())
    hotel.clock.now = monday  # ten o'clock in the place of the law
    assert only(hotel).open
    hotel.clock.forward(hours=7)
    assert not only(hotel).open


def test_what_is_offered_is_what_a_decision_finds(hotel: Hotel) -> None:
    """The page must not say open where every guest would be refused for it, nor the other way round."""
    hotel.consent("guest")
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)

    def refused() -> bool:
        return isinstance(verify(hotel.house, DEVICE, claim, pictures.admiral()), Refused)

    assert (only(hotel).open, refused()) == (True, False)
    declare(hotel, SITE.replace("working: true", "working: false"))
    assert (only(hotel).open, refused()) == (False, True)
    declare(hotel, SITE)
    assert (only(hotel).open, refused()) == (True, False)
    deactivate(hotel.house, OFFICER, PURPOSE)
    assert (only(hotel).open, refused()) == (False, True)


def test_a_venue_offers_what_has_another_way_there_and_nothing_else(hotel: Hotel) -> None:
    declare(hotel, SITE.replace("venues:\n", f"venues:\n{ANNEX}"))
    assert offers(hotel.house, replace(DEVICE, device_id="kiosk-2")) == []
    assert only(hotel).purpose == PURPOSE


def test_an_other_way_that_was_taken_off_is_offered_no_longer(hotel: Hotel) -> None:
    before, _, _ = SITE.partition("    alternatives:\n      desk:")
    declare(hotel, before)
    assert offers(hotel.house, DEVICE) == []


@pytest.mark.parametrize("device", ["kiosk-9", None])
def test_a_device_that_is_not_there_offers_nothing(hotel: Hotel, device: str | None) -> None:
    with pytest.raises(NotFoundError):
        offers(hotel.house, replace(DEVICE, device_id=device))


def test_a_camera_in_a_room_offers_nothing_with_a_face(hotel: Hotel) -> None:
    (offer,) = offers(hotel.house, replace(DEVICE, device_id=ROOM_CAMERA))
    assert not offer.open


def test_another_operators_device_of_the_same_name_is_another(hotel: Hotel) -> None:
    with pytest.raises(NotFoundError):
        offers(hotel.house, replace(DEVICE, operator_id="another-hotel"))


# --- how a guest stands ----------------------------------------------------------------------------------------------


def test_whoever_was_never_asked_stands_like_somebody_nobody_knows(hotel: Hotel) -> None:
    before = len(bodies(hotel))
    assert stands(hotel, "nobody") == NOBODY
    assert len(bodies(hotel)) == before


def test_agreed_means_every_scope_that_the_kiosk_needs(hotel: Hotel) -> None:
    for left_out in sorted(WANTED):
        said(hotel, *(WANTED - {left_out}))
        assert (stands(hotel).consent, stands(hotel).agreed) == (ConsentState.GIVEN, False)
    said(hotel, *WANTED)
    assert stands(hotel) == replace(NOBODY, consent=ConsentState.GIVEN, agreed=True, age_class=AgeClass.ADULT)
    said(hotel, *WANTED, Scope.IDENTIFY)
    assert stands(hotel).agreed


def test_what_was_agreed_to_another_notice_is_asked_anew(hotel: Hotel) -> None:
    hotel.consent("guest")
    declare(hotel, SITE.replace("To check you in, and nothing else.", "To check you in."))
    assert (stands(hotel).consent, stands(hotel).agreed) == (ConsentState.GIVEN, False)


def test_a_consent_ends_at_the_instant(hotel: Hotel) -> None:
    said(hotel, *WANTED, expires_at=hotel.clock() + timedelta(hours=1))
    hotel.clock.forward(hours=1, seconds=-1)
    assert stands(hotel).agreed
    hotel.clock.forward(seconds=1)
    assert (stands(hotel).consent, stands(hotel).agreed) == (ConsentState.EXPIRED, False)


def test_a_no_counts_its_days(hotel: Hotel) -> None:
    hotel.consent("guest", decision=REFUSED)
    found = stands(hotel)
    assert (found.consent, found.agreed, found.refused_days) == (ConsentState.REFUSED, False, 0)
    hotel.clock.forward(days=29)
    assert stands(hotel).refused_days == 29


def test_a_no_is_left_alone_for_as_long_as_the_strictest_law_in_force_says(hotel: Hotel) -> None:
    assert rest_days(hotel.house) == 30
    stricter = [
        replace(pack, articles=tuple(_left_alone(article, 45) for article in pack.articles))
        if pack.name == "cn-2025"
        else pack
        for pack in hotel.house.packs
    ]
    assert rest_days(replace(hotel.house, packs=Packs(stricter))) == 45
    assert rest_days(replace(hotel.house, packs=Packs([]))) == 0


def _left_alone(article: Article, days: int) -> Article:
    numbers = (
        replace(each, values=((each.values[0][0], days),)) if each.name == "no_nag_days" else each
        for each in article.parameters
    )
    return replace(article, parameters=tuple(numbers))


def test_withdrawn_and_erased_is_not_agreed(hotel: Hotel) -> None:
    hotel.consent("guest")
    withdraw(hotel.house, OFFICER, "guest", PURPOSE)
    assert (stands(hotel).consent, stands(hotel).agreed) == (ConsentState.WITHDRAWN, False)
    erase(hotel.house, OFFICER, "guest")
    assert stands(hotel) == NOBODY


def test_references_are_counted_for_the_purpose_and_the_model_in_use(hotel: Hotel) -> None:
    hotel.consent("guest")
    assert stands(hotel).references == 0
    hotel.enrol("guest", pictures.admiral())
    assert stands(hotel).references == 1
    assert stands(hotel, "another").references == 0
    other = hotel.with_house(engine=_Renamed(hotel.house.engine))
    assert standing(other.house, DEVICE, PURPOSE, "guest").references == 0


class _Renamed:
    """The engine under the name of another model."""

    def __init__(self, engine: object) -> None:
        self._engine = engine
        self.model_id = "another-model"


def test_what_a_guest_agreed_to_is_not_told_to_another_operator(hotel: Hotel) -> None:
    hotel.consent("guest")
    elsewhere = replace(DEVICE, operator_id="another-hotel")
    assert standing(hotel.house, elsewhere, PURPOSE, "guest") == NOBODY


def test_who_is_said_to_have_agreed_is_verified(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    assert stands(hotel).agreed
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    assert isinstance(verify(hotel.house, DEVICE, claim, pictures.admiral()), Verified)
