"""Readiness: what is missing before a purpose is activated or a device registered, without asking on record."""

import pytest

from countenance.answer import Outcome
from countenance.errors import NotFoundError, UnavailableError
from countenance.operations.activate import activate, register
from countenance.operations.deactivate import deactivate
from countenance.operations.parts import Refused
from countenance.operations.readiness import Outstanding, device_readiness, readiness
from countenance.store import activations
from tests.database import KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, Hotel
from tests.operations.governed import bodies, with_article
from tests.operations.test_activate import DESK, TEXT, declare

ALTERNATIVES = next(line for line in TEXT.splitlines(keepends=True) if "alternatives_assessed:" in line)


def named(found: tuple[Outstanding, ...]) -> set[tuple[str | None, str | None]]:
    return {(each.finding.pack, each.finding.article) for each in found}


def test_nothing_is_missing_where_the_law_would_permit_it_and_nothing_is_done(hotel: Hotel) -> None:
    deactivate(hotel.house, OFFICER, PURPOSE)
    before, counted = bodies(hotel), list(hotel.counted.seen)

    assert readiness(hotel.house, OPERATOR, PURPOSE) == ()
    assert device_readiness(hotel.house, OPERATOR, KIOSK, PURPOSE) == ()

    assert bodies(hotel) == before
    assert hotel.counted.seen == counted
    with hotel.house.database.transaction() as tx:
        assert activations.active(tx, OPERATOR) == {}


@pytest.mark.parametrize(
    ("change", "fact", "articles"),
    [
        ((ALTERNATIVES, ""), "purpose.alternatives_assessed", {("cn-2023-draft", "4"), ("cn-2025", "4")}),
        (("expires_on: 2027-12-31", "expires_on: 2020-12-31"), "purpose.necessity",
         {("cn-2023-draft", "4"), ("cn-2025", "4")}),
        (("major_interest: false", "major_interest: true"), "purpose.assessment",
         {("cn-2023-draft", "15"), ("cn-2025", "9")}),
    ],
    ids=["alternatives", "necessity", "assessment"],
)  # fmt: skip
def test_what_is_missing_is_what_activating_would_be_refused_for(
    hotel: Hotel, change: tuple[str, str], fact: str, articles: set[tuple[str, str]]
) -> None:
    declare(hotel, change)
    before = len(bodies(hotel))

    found = readiness(hotel.house, OPERATOR, PURPOSE)

    assert len(bodies(hotel)) == before
    assert articles <= named(found)
    assert fact in {name for each in found for name in each.finding.facts}
    assert all(each.finding.reason.en and each.finding.reason.zh and each.finding.remedy.zh for each in found)
    assert {each.devices for each in found} == {(KIOSK, ROOM_CAMERA)}
    refused = activate(hotel.house, OFFICER, PURPOSE)
    assert isinstance(refused, Refused)
    assert tuple(each.finding for each in found) == refused.findings


def test_it_says_at_which_devices(hotel: Hotel) -> None:
    rule = 'forbid (principal, action == Action::"activate_purpose", resource) unless { context.device.area_set };'
    strict = with_article(hotel, "14", rule)

    (only,) = readiness(strict.house, OPERATOR, PURPOSE)

    assert (only.finding.article, only.devices) == ("14", (ROOM_CAMERA,))


def test_a_camera_in_a_hotel_room_is_not_ready_and_an_unknown_fact_is_named(hotel: Hotel) -> None:
    camera = device_readiness(hotel.house, OPERATOR, ROOM_CAMERA, PURPOSE)
    declare(hotel, (DESK, DESK.replace("        private: false\n", "")))
    kiosk = device_readiness(hotel.house, OPERATOR, KIOSK, PURPOSE)

    assert {("cn-2023-draft", "6"), ("cn-2025", "13")} <= named(camera)
    assert {each.finding.outcome for each in kiosk} == {Outcome.MISSING}
    assert all("place.private" in each.finding.facts for each in kiosk)
    refused = register(hotel.house, OFFICER, KIOSK, PURPOSE)
    assert isinstance(refused, Refused)
    assert tuple(each.finding for each in kiosk) == refused.findings


def test_a_purpose_that_is_not_on_file_is_a_finding_for_a_device_and_absent_by_itself(hotel: Hotel) -> None:
    found = device_readiness(hotel.house, OPERATOR, KIOSK, "advertising")

    assert ("purpose.code",) in {each.finding.facts for each in found if each.finding.pack is None}
    with pytest.raises(NotFoundError):
        readiness(hotel.house, OPERATOR, "advertising")
    with pytest.raises(NotFoundError):
        device_readiness(hotel.house, OPERATOR, "no-such-device", PURPOSE)
    with pytest.raises(NotFoundError):
        readiness(hotel.house, "another-hotel", PURPOSE)


def test_where_nothing_is_processed_nothing_is_called_ready(hotel: Hotel) -> None:
    hotel.house.alarm.set()

    with pytest.raises(UnavailableError):
        readiness(hotel.house, OPERATOR, PURPOSE)
