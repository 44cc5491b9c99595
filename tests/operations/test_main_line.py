"""The main line on real photographs: enrol, verify, identify, withdraw, erase, with the law asked twice."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from countenance.answer import Outcome
from countenance.detect import Reason
from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.facts import SessionFacts
from countenance.operations.enrol import enrol
from countenance.operations.erase import erase
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Enrolled, Identified, NotAcquired, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.store import records
from countenance.vocabulary import AgeClass, Scope, StartedBy
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel, enrolment


def claim(ref: str, **changes: object) -> Claim:
    made = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    return replace(made, **changes)  # type: ignore[arg-type]


def search(consent: str) -> Unnamed:
    return Unnamed(consent_id=UUID(consent), purpose=PURPOSE, device_id=KIOSK, session=SESSION)


def articles(answer: object) -> set[tuple[str | None, str | None]]:
    assert isinstance(answer, Refused)
    return {(finding.pack, finding.article) for finding in answer.findings}


def bodies(hotel: Hotel) -> list[dict[str, object]]:
    with hotel.house.database.transaction() as tx:
        return [json.loads(row.body) for row in records.listed(tx, OPERATOR, most=100)]


def test_a_guest_is_enrolled_and_known_again_and_a_stranger_is_not(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())

    same = verify(hotel.house, DEVICE, claim("guest"), pictures.admiral_again())
    other = verify(hotel.house, DEVICE, claim("guest"), pictures.astronaut())

    assert isinstance(same, Verified)
    assert same.match
    assert isinstance(other, Verified)
    assert not other.match
    assert [body["outcome"] for body in bodies(hotel)] == ["non_match", "match", "enrolled", "given", "served"]


def test_nobody_is_verified_before_saying_yes(hotel: Hotel) -> None:
    answer = verify(hotel.house, DEVICE, claim("guest"), pictures.admiral())

    assert ("cn-2023-draft", "5") in articles(answer)
    assert ("cn-2025", "6") in articles(answer)
    assert bodies(hotel)[0]["outcome"] == "refused"


def test_a_no_is_a_no(hotel: Hotel) -> None:
    hotel.consent("guest", decision="refused")

    assert ("cn-2023-draft", "5") in articles(enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral()))


def test_a_scope_that_was_not_given_refuses(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.ENROL, Scope.OFF_DEVICE_STORAGE)
    hotel.enrol("guest", pictures.admiral())

    assert ("cn-2023-draft", "5") in articles(verify(hotel.house, DEVICE, claim("guest"), pictures.admiral()))


def test_passing_by_is_not_asking(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    passing = SessionFacts(started_by=StartedBy.PASSIVE, purpose_prompted=False, alternative_offered=False)

    answer = verify(hotel.house, DEVICE, claim("guest", session=passing), pictures.admiral())

    assert articles(answer) == {("cn-2023-draft", "9")}


def test_what_nobody_said_is_named_as_missing(hotel: Hotel) -> None:
    hotel.consent("guest")

    answer = verify(hotel.house, DEVICE, claim("guest", session=SessionFacts()), pictures.admiral())

    assert isinstance(answer, Refused)
    (finding,) = answer.findings
    assert (finding.article, finding.outcome) == ("9", Outcome.MISSING)
    assert set(finding.facts) == {"session.started_by", "session.purpose_prompted", "session.alternative_offered"}


def test_a_camera_in_a_hotel_room_is_refused_whatever_else_is_in_order(hotel: Hotel) -> None:
    hotel.consent("guest")

    answer = verify(hotel.house, DEVICE, claim("guest", device_id="room-camera"), pictures.admiral())

    assert articles(answer) == {(None, None), ("cn-2023-draft", "6"), ("cn-2025", "13")}, "nor was it ever registered"


@pytest.mark.parametrize("device", [None, "no-such-device"])
def test_an_unknown_device_is_refused_by_the_house_and_by_the_law(hotel: Hotel, device: str | None) -> None:
    hotel.consent("guest")

    answer = verify(hotel.house, DEVICE, claim("guest", device_id=device), pictures.admiral())

    assert (None, None) in articles(answer)
    assert ("cn-2023-draft", "6") in articles(answer)


def test_an_unknown_purpose_is_refused_and_on_record(hotel: Hotel) -> None:
    hotel.consent("guest")

    answer = verify(hotel.house, DEVICE, claim("guest", purpose="advertising"), pictures.admiral())

    assert (None, None) in articles(answer)
    assert bodies(hotel)[0]["outcome"] == "refused"


def test_two_people_equally_near_are_refused_at_gate_two(hotel: Hotel) -> None:
    hotel.consent("guest")

    answer = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.two_faces())

    assert articles(answer) == {("cn-2023-draft", "18")}


def test_a_bystander_is_dropped_and_the_guest_enrolled(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.with_bystander())

    answer = verify(hotel.house, DEVICE, claim("guest"), pictures.admiral())
    bystander = verify(hotel.house, DEVICE, claim("guest"), pictures.astronaut())

    assert isinstance(answer, Verified)
    assert answer.match
    assert isinstance(bystander, Verified)
    assert not bystander.match


@pytest.mark.parametrize(
    ("picture", "reason"),
    [
        (pictures.nobody, Reason.NO_FACE),
        (pictures.tiny, Reason.TOO_SMALL),
        (pictures.blurred, Reason.BLURRED),
    ],
)
def test_a_picture_that_gives_nothing_is_a_result_on_record(hotel: Hotel, picture: object, reason: Reason) -> None:
    hotel.consent("guest")

    answer = enrol(hotel.house, DEVICE, enrolment("guest"), picture())  # type: ignore[operator]

    assert isinstance(answer, NotAcquired)
    assert answer.failure.reason is reason
    assert bodies(hotel)[0]["outcome"] == "failure_to_acquire"


def test_a_truncated_picture_is_malformed_and_leaves_nothing(hotel: Hotel) -> None:
    hotel.consent("guest")
    before = len(bodies(hotel))

    with pytest.raises(MalformedError):
        enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral()[:9000])

    assert len(bodies(hotel)) == before
    assert len(hotel.house.projection) == 0


def test_several_references_and_their_limit(hotel: Hotel) -> None:
    small = hotel.with_house(references_max=2)
    small.consent("guest")
    assert small.enrol("guest", pictures.admiral()).references == 1
    assert small.enrol("guest", pictures.admiral_again()).references == 2

    with pytest.raises(ConflictError):
        enrol(small.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert len(small.house.projection) == 2


def test_identify_names_the_guest_and_no_stranger(hotel: Hotel) -> None:
    for ref, picture in (("admiral", pictures.admiral()), ("astronaut", pictures.astronaut())):
        hotel.consent(ref)
        hotel.enrol(ref, picture)

    first, second = (
        identify(hotel.house, DEVICE, search(hotel.consent(None, Scope.IDENTIFY)), picture)
        for picture in (pictures.admiral_again(), pictures.astronaut_again())
    )

    assert isinstance(first, Identified)
    assert first.subject_ref == "admiral"
    assert isinstance(second, Identified)
    assert second.subject_ref == "astronaut"


def test_identify_without_a_consent_for_it_is_refused(hotel: Hotel) -> None:
    consent = hotel.consent(None, Scope.VERIFY)

    assert ("cn-2023-draft", "5") in articles(identify(hotel.house, DEVICE, search(consent), pictures.admiral()))
    with pytest.raises(NotFoundError):
        identify(hotel.house, DEVICE, search("00000000-0000-4000-8000-000000000000"), pictures.admiral())


def test_whoever_did_not_agree_to_be_identified_is_not_named(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE)
    hotel.enrol("guest", pictures.admiral())
    consent = hotel.consent(None, Scope.IDENTIFY)

    answer = identify(hotel.house, DEVICE, search(consent), pictures.admiral())

    assert isinstance(answer, Identified)
    assert answer.subject_ref is None
    law = bodies(hotel)[0]["law"]
    assert isinstance(law, list)
    assert [said["allowed"] for said in law] == [True, False]


def test_a_session_consent_ends_by_itself(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    consent = hotel.consent(None, Scope.IDENTIFY)
    hotel.clock.forward(seconds=901)

    assert ("cn-2023-draft", "5") in articles(identify(hotel.house, DEVICE, search(consent), pictures.admiral()))


def test_a_withdrawal_binds_at_the_next_decision_and_destroys(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    consent = hotel.consent(None, Scope.IDENTIFY)

    receipt = withdraw(hotel.house, DEVICE, "guest", PURPOSE)

    assert (receipt.destroyed.keys, receipt.destroyed.references) == (1, 1)
    assert ("cn-2025", "6") in articles(verify(hotel.house, DEVICE, claim("guest"), pictures.admiral()))
    found = identify(hotel.house, DEVICE, search(consent), pictures.admiral())
    assert isinstance(found, Identified)
    assert found.subject_ref is None
    assert len(hotel.house.projection) == 0
    again = withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    assert (again.destroyed.keys, again.destroyed.references) == (0, 0)


def test_a_stale_memory_names_nobody(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    consent = hotel.consent(None, Scope.IDENTIFY)
    stale = hotel.with_house(projection=hotel.house.projection)
    held = hotel.house.projection
    hotel = hotel.with_house(projection=type(held)(held.model_id, 128))

    withdraw(hotel.house, DEVICE, "guest", PURPOSE)  # clears another worker's memory, not the stale one

    assert len(stale.house.projection) == 1
    found = identify(stale.house, DEVICE, search(consent), pictures.admiral())
    assert isinstance(found, Identified)
    assert found.subject_ref is None


def test_erasure_leaves_nothing_that_names_the_person(hotel: Hotel) -> None:
    hotel.consent("the-guest-in-412")
    hotel.enrol("the-guest-in-412", pictures.admiral())

    receipt = erase(hotel.house, OFFICER, "the-guest-in-412")

    assert (receipt.destroyed.keys, receipt.destroyed.references) == (1, 1)
    with pytest.raises(NotFoundError):
        erase(hotel.house, OFFICER, "the-guest-in-412")
    assert ("cn-2023-draft", "5") in articles(
        verify(hotel.house, DEVICE, claim("the-guest-in-412"), pictures.admiral())
    )
    assert "the-guest" not in json.dumps(bodies(hotel))


def test_a_child_declares_its_age_once(hotel: Hotel) -> None:
    hotel.consent("child", age=AgeClass.UNDER_14)

    with pytest.raises(ConflictError):
        hotel.consent("child", age=AgeClass.ADULT)


def test_the_permit_carries_the_duty_and_the_record_says_it_was_discharged(hotel: Hotel) -> None:
    hotel.consent("guest")
    done = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert isinstance(done, Enrolled)
    details = bodies(hotel)[0]["details"]
    assert isinstance(details, dict)
    assert {"pack": "cn-2023-draft", "article": "17", "duty": "discard-original"} in details["duties"]
