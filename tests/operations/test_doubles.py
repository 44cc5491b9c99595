"""Doubles: one face under two words is noticed where the law lets that be looked for; an officer has the last word."""

from typing import Any

import pytest

from countenance.errors import NotAllowedError
from countenance.operations.enrol import enrol
from countenance.operations.parts import Enrolled, Refused
from countenance.operations.withdraw import withdraw
from countenance.vocabulary import Scope
from tests.database import DEVICE, KIOSK, OFFICER, PURPOSE, Hotel, enrolment
from tests.faces import astronaut_jpeg, grace_hopper_jpeg
from tests.operations.governed import bodies

STORED = (Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE)


def enrolled(hotel: Hotel, ref: str, picture: bytes, *, confirmed: bool = False) -> Any:
    """Enrol somebody, at the kiosk or (confirmed) by an officer."""
    caller = OFFICER if confirmed else DEVICE
    wanted = enrolment(ref, device_id=KIOSK, double_confirmed=confirmed)
    return enrol(hotel.house, caller, wanted, picture)


def doubles(hotel: Hotel) -> Any:
    """Return what the newest record says of doubles."""
    return bodies(hotel)[0]["details"].get("doubles")


def test_a_face_under_another_word_is_refused_with_its_record_and_nothing_kept(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    assert isinstance(enrolled(hotel, "guest", grace_hopper_jpeg()), Enrolled)
    assert doubles(hotel) == 0

    answer = enrolled(hotel, "other", grace_hopper_jpeg(light=1.1))

    assert isinstance(answer, Refused)
    (finding,) = answer.findings
    assert (finding.pack, "under another word" in finding.reason.en) == (None, True)
    assert "guest" not in str(answer) + finding.reason.en + finding.remedy.en
    body = bodies(hotel)[0]
    assert (body["kind"], body["outcome"]) == ("enrol", "refused")
    assert len(hotel.house.projection) == 1


def test_an_officer_who_has_looked_enrols_a_twin(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("twin")
    enrolled(hotel, "guest", grace_hopper_jpeg())
    assert isinstance(enrolled(hotel, "twin", grace_hopper_jpeg(), confirmed=True), Enrolled)
    assert doubles(hotel) == 1
    with pytest.raises(NotAllowedError, match="Only an officer"):
        enrol(hotel.house, DEVICE, enrolment("twin", double_confirmed=True), grace_hopper_jpeg())


def test_more_of_the_same_person_and_other_people_are_no_doubles(hotel: Hotel) -> None:
    for ref in ("guest", "other"):
        hotel.consent(ref)
    for ref, picture in (("guest", grace_hopper_jpeg()), ("guest", grace_hopper_jpeg()), ("other", astronaut_jpeg())):
        assert isinstance(enrolled(hotel, ref, picture), Enrolled)
        assert doubles(hotel) == 0


def test_without_a_yes_to_be_looked_for_nothing_is_looked_for_and_the_record_says_so(hotel: Hotel) -> None:
    hotel.consent("guest", *STORED)
    hotel.consent("other", *STORED)
    enrolled(hotel, "guest", grace_hopper_jpeg())
    assert isinstance(enrolled(hotel, "other", grace_hopper_jpeg()), Enrolled)
    assert doubles(hotel) == "not looked for"


def test_somebody_without_a_yes_to_be_found_is_not_found(hotel: Hotel) -> None:
    hotel.consent("guest", *STORED)
    hotel.consent("other")
    enrolled(hotel, "guest", grace_hopper_jpeg())
    assert isinstance(enrolled(hotel, "other", grace_hopper_jpeg()), Enrolled)
    assert doubles(hotel) == 0


def test_whoever_took_their_yes_back_is_nobodys_double(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    enrolled(hotel, "guest", grace_hopper_jpeg())
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    assert isinstance(enrolled(hotel, "other", grace_hopper_jpeg()), Enrolled)


def test_a_face_that_passes_for_several_is_refused_whoever_confirms(hotel: Hotel) -> None:
    for number in range(6):
        hotel.consent(f"guest-{number}")
    for number in range(5):
        assert isinstance(enrolled(hotel, f"guest-{number}", grace_hopper_jpeg(), confirmed=True), Enrolled)
    answer = enrolled(hotel, "guest-5", grace_hopper_jpeg(), confirmed=True)
    assert isinstance(answer, Refused)
    assert "several persons" in answer.findings[0].reason.en


def test_what_was_asked_about_the_other_is_on_record_and_names_nobody(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    enrolled(hotel, "guest", grace_hopper_jpeg())
    enrolled(hotel, "other", grace_hopper_jpeg())
    body = bodies(hotel)[0]
    assert [each["action"] for each in body["law"]] == ["enrol", "identify", "identify"]
    assert "guest" not in str(body)
