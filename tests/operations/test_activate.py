"""Activating purposes and registering devices: the law is asked before the first use, and after every move."""

import json

import pytest

from countenance.answer import Outcome
from countenance.errors import NotFoundError
from countenance.operations.activate import activate, register
from countenance.operations.enrol import enrol
from countenance.operations.parts import Enrolled, Permitted, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import records
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, SESSION, Hotel, enrolment
from tests.operations.governed import articles, bodies, with_article

TEXT = HOTEL.read_text(encoding="utf-8")
#: What the site file says of the place at which the kiosk stands.
DESK = TEXT[TEXT.index("        kind: counter\n") : TEXT.index("          kiosk-1:\n")]


def declare(hotel: Hotel, *changes: tuple[str, str]) -> None:
    """Apply the hotel's site file with some of its text exchanged."""
    text = TEXT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(text.encode()), hotel.clock())


def second_purpose(hotel: Hotel) -> str:
    """Declare a second purpose like the first, which nobody has activated."""
    start, end = TEXT.index("  check-in:\n"), TEXT.index("venues:\n")
    declare(hotel, ("venues:\n", TEXT[start:end].replace("check-in:", "breakfast:", 1) + "venues:\n"))
    return "breakfast"


def claim(purpose: str = PURPOSE) -> Claim:
    return Claim(subject_ref="guest", purpose=purpose, device_id=KIOSK, session=SESSION)


def house_says(answer: object) -> set[str]:
    """Return the facts the server itself refused on."""
    assert isinstance(answer, Refused)
    return {fact for finding in answer.findings if finding.pack is None for fact in finding.facts}


def test_a_purpose_serves_for_nothing_before_it_is_activated(hotel: Hotel) -> None:
    purpose = second_purpose(hotel)

    assert house_says(verify(hotel.house, DEVICE, claim(purpose), pictures.admiral())) == {"purpose.code"}
    done = activate(hotel.house, OFFICER, purpose)
    assert isinstance(done, Permitted)
    after = verify(hotel.house, DEVICE, claim(purpose), pictures.admiral())

    assert house_says(after) == set()
    assert ("cn-2023-draft", "5") in articles(after), "active now, but nobody consented"
    said = [body for body in bodies(hotel) if body["kind"] == "activate_purpose"]
    assert {body["outcome"] for body in said} == {"activated"}
    assert {device for body in said for device in body["details"]["devices"]} == {KIOSK, ROOM_CAMERA}


def test_every_device_of_the_venues_is_asked_about_and_every_finding_told(hotel: Hotel) -> None:
    purpose = second_purpose(hotel)
    strict = with_article(
        hotel,
        "14",
        'forbid (principal, action == Action::"activate_purpose", resource) when { context.device.sole_entry };\n'
        'forbid (principal, action == Action::"activate_purpose", resource) unless { context.device.area_set };',
    )

    answer = activate(strict.house, OFFICER, purpose)

    assert ("trial", "14") in articles(answer), "the room camera has no area"
    assert house_says(verify(hotel.house, DEVICE, claim(purpose), pictures.admiral())) == {"purpose.code"}
    said = [body for body in bodies(hotel) if body["kind"] == "activate_purpose"]
    assert {(body["outcome"], *body["details"]["devices"]) for body in said} == {
        ("refused", ROOM_CAMERA),
        ("permitted", KIOSK),
    }


def test_an_unknown_purpose_or_device_is_not_there(hotel: Hotel) -> None:
    before = len(bodies(hotel))
    with pytest.raises(NotFoundError):
        activate(hotel.house, OFFICER, "advertising")
    with pytest.raises(NotFoundError):
        register(hotel.house, OFFICER, "no-such-device", PURPOSE)
    assert len(bodies(hotel)) == before


def test_a_banned_purpose_is_never_active(hotel: Hotel) -> None:
    declare(hotel, ("venues:\n", "  stalking: {title: {en: e, zh: z}}\n\nvenues:\n"))

    answer = activate(hotel.house, OFFICER, "stalking")

    assert {("cn-2023-draft", "3"), ("cn-2025", "3")} <= articles(answer)


def test_a_camera_in_a_hotel_room_is_not_registered(hotel: Hotel) -> None:
    answer = register(hotel.house, OFFICER, ROOM_CAMERA, PURPOSE)

    assert {("cn-2023-draft", "6"), ("cn-2025", "13")} <= articles(answer)
    assert bodies(hotel)[0]["outcome"] == "refused"


def test_a_device_for_a_purpose_nobody_declared_is_not_registered(hotel: Hotel) -> None:
    assert "purpose.code" in house_says(register(hotel.house, OFFICER, KIOSK, "advertising"))


@pytest.mark.parametrize(
    "change",
    [
        ("kind: counter", "kind: lobby"),
        (DESK, DESK.replace("public: false", "public: true")),
        (DESK, DESK.replace("internal: false", "internal: true")),
        ("    kind: hotel\n", "    kind: office\n"),
    ],
    ids=["kind", "public", "internal", "venue"],
)
def test_a_device_whose_place_changes_is_registered_no_longer(hotel: Hotel, change: tuple[str, str]) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    declare(hotel, change)

    moved = verify(hotel.house, DEVICE, claim(), pictures.admiral())
    again = register(hotel.house, OFFICER, KIOSK, PURPOSE)

    assert "device.registered" in house_says(moved)
    facts = bodies(hotel)[1]["facts"]
    assert facts["device"]["registered"] is False
    if isinstance(again, Permitted):
        known = verify(hotel.house, DEVICE, claim(), pictures.admiral())
        assert "device.registered" not in (house_says(known) if isinstance(known, Refused) else set())


def test_a_device_that_moves_to_another_place_and_back(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    declare(hotel, ("front-desk:", "side-desk:"))
    moved = verify(hotel.house, DEVICE, claim(), pictures.admiral())
    declare(hotel)
    back = verify(hotel.house, DEVICE, claim(), pictures.admiral())

    assert house_says(moved) == {"device.registered"}
    assert isinstance(back, Verified)


def test_a_suspended_device_stays_refused_and_comes_back(hotel: Hotel) -> None:
    hotel.consent("guest")
    declare(hotel, ("name: The kiosk beside the desk", "name: The kiosk beside the desk\n            suspended: true"))
    assert house_says(enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())) == {"device.registered"}
    declare(hotel)
    assert isinstance(enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral()), Enrolled)


def test_a_missing_fact_is_named(hotel: Hotel) -> None:
    declare(hotel, (DESK, DESK.replace("        private: false\n", "")))

    answer = register(hotel.house, OFFICER, KIOSK, PURPOSE)

    assert isinstance(answer, Refused)
    missing = [finding for finding in answer.findings if finding.outcome is Outcome.MISSING]
    assert {finding.article for finding in missing} >= {"6", "13"}
    assert any("place.private" in finding.facts for finding in missing)


def test_a_registration_is_recorded_with_its_facts(hotel: Hotel) -> None:
    done = register(hotel.house, OFFICER, KIOSK, PURPOSE)

    assert isinstance(done, Permitted)
    with hotel.house.database.transaction() as tx:
        row = records.find(tx, OPERATOR, done.recorded.record_id)
    assert row is not None
    body = json.loads(row.body)
    assert (body["kind"], body["outcome"], body["by"]) == ("register_device", "registered", "officer:officeroffic")
    assert body["facts"]["place"]["kind"] == "counter"
    assert body["details"]["device"] == KIOSK
