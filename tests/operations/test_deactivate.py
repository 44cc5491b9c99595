"""Ending what was permitted: never refused, on record, binding at the next decision; and what the lists say of it."""

from typing import Any

import pytest

from countenance.detect import detect
from countenance.errors import NotFoundError
from countenance.operations.activate import activate, register
from countenance.operations.deactivate import deactivate, unregister
from countenance.operations.enrol import enrol
from countenance.operations.parts import Permitted, Refused, Verified
from countenance.operations.verify import verify
from countenance.store import activations
from countenance.store.gathering import Question, gather
from countenance.vocabulary import Action
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, Hotel, enrolment
from tests.operations.governed import bodies, with_article
from tests.operations.test_activate import DESK, TEXT, claim, declare, house_says, second_purpose


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel with the admiral enrolled as `guest`."""
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    return hotel


def asked(hotel: Hotel) -> object:
    return verify(hotel.house, DEVICE, claim(), pictures.admiral_again())


def test_a_purpose_serves_for_nothing_from_the_next_decision_on_until_it_is_activated_anew(hotel: Hotel) -> None:
    assert isinstance(asked(hotel), Verified)

    recorded = deactivate(hotel.house, OFFICER, PURPOSE)

    assert house_says(asked(hotel)) == {"purpose.code"}
    body = bodies(hotel)[1]
    assert (body["id"], body["kind"], body["outcome"]) == (
        str(recorded.record_id),
        "deactivate_purpose",
        "deactivated",
    )
    assert (body["by"], body["details"]) == ("officer:officeroffic", {"purpose": PURPOSE, "was_active": True})
    assert ("deactivate_purpose", "deactivated") in hotel.counted.seen
    assert isinstance(activate(hotel.house, OFFICER, PURPOSE), Permitted)
    assert isinstance(asked(hotel), Verified)


def test_nothing_is_done_at_a_device_from_the_next_decision_on_until_it_is_registered_anew(hotel: Hotel) -> None:
    recorded = unregister(hotel.house, OFFICER, KIOSK)

    assert house_says(asked(hotel)) == {"device.registered"}
    body = bodies(hotel)[1]
    assert (body["id"], body["kind"], body["outcome"]) == (
        str(recorded.record_id),
        "unregister_device",
        "unregistered",
    )
    assert body["details"] == {"device": KIOSK, "was_registered": True}
    assert isinstance(register(hotel.house, OFFICER, KIOSK, PURPOSE), Permitted)
    assert isinstance(asked(hotel), Verified)


@pytest.mark.parametrize("end", [lambda hotel: deactivate(hotel.house, OFFICER, PURPOSE),
                                 lambda hotel: unregister(hotel.house, OFFICER, KIOSK)])  # fmt: skip
def test_an_end_between_the_gates_refuses_at_gate_two(hotel: Hotel, end: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def looked(*said: Any) -> Any:
        end(hotel)
        return detect(*said)

    monkeypatch.setattr("countenance.detect.several.detect", looked)

    answer = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())

    assert isinstance(answer, Refused)
    assert bodies(hotel)[0]["law"][0]["gate"] == 2


def test_a_repeat_is_answered_like_the_first_and_says_that_nothing_was_left_to_end(hotel: Hotel) -> None:
    for _ in range(2):
        deactivate(hotel.house, OFFICER, PURPOSE)
        unregister(hotel.house, OFFICER, KIOSK)

    assert [body["details"] for body in bodies(hotel)[:4]] == [
        {"device": KIOSK, "was_registered": False},
        {"purpose": PURPOSE, "was_active": False},
        {"device": KIOSK, "was_registered": True},
        {"purpose": PURPOSE, "was_active": True},
    ]
    assert [body["outcome"] for body in bodies(hotel)[:4]] == ["unregistered", "deactivated"] * 2


def test_ending_is_never_refused(hotel: Hotel) -> None:
    strict = with_article(hotel, "1", "forbid (principal, action, resource);")
    strict.house.alarm.set()  # something stored was changed
    hotel.clock.forward(days=-2)  # and the clock stands wrong

    deactivate(strict.house, OFFICER, PURPOSE)
    unregister(strict.house, OFFICER, KIOSK)

    with hotel.house.database.transaction() as tx:
        assert activations.active(tx, OPERATOR) == {}
        assert activations.registered(tx, OPERATOR) == {}


def test_what_is_retired_can_be_ended_and_does_not_come_back_permitted(hotel: Hotel) -> None:
    purpose = second_purpose(hotel)
    assert isinstance(activate(hotel.house, OFFICER, purpose), Permitted)
    declare(hotel)
    deactivate(hotel.house, OFFICER, purpose)
    second_purpose(hotel)

    assert house_says(verify(hotel.house, DEVICE, claim(purpose), pictures.admiral())) == {"purpose.code"}


def test_what_was_never_on_file_is_not_there_and_nothing_is_recorded(hotel: Hotel) -> None:
    before = len(bodies(hotel))
    for name in ("advertising", "", "check-in\n", "' OR 1=1"):
        with pytest.raises(NotFoundError):
            deactivate(hotel.house, OFFICER, name)
        with pytest.raises(NotFoundError):
            unregister(hotel.house, OFFICER, name)
    assert len(bodies(hotel)) == before


MOVED = ("front-desk:", "side-desk:")
SUSPENDED = (
    "name: The kiosk beside the desk",
    "name: The kiosk beside the desk\n            suspended: true",
)
NO_KIOSK = (TEXT[TEXT.index("          kiosk-1:\n") : TEXT.index("      room-floor:")], "")


@pytest.mark.parametrize(
    ("changes", "stands"),
    [
        ((), True),
        ((MOVED,), False),
        ((("kind: counter", "kind: lobby"),), False),
        (((DESK, DESK.replace("public: false", "public: true")),), False),
        ((("    kind: hotel\n", "    kind: office\n"),), False),
        ((SUSPENDED,), False),
        (((NO_KIOSK[0], "          kiosk-2: {name: Another}\n"),), False),
    ],
    ids=["as it was", "moved", "kind", "public", "venue", "suspended", "retired"],
)
def test_a_list_says_of_a_device_what_a_decision_finds(
    hotel: Hotel, changes: tuple[tuple[str, str], ...], stands: bool
) -> None:
    if changes:
        declare(hotel, *changes)

    with hotel.house.database.transaction() as tx:
        listed = activations.registered(tx, OPERATOR)
        found = {
            device for device in (KIOSK, ROOM_CAMERA, "kiosk-2") if gather(tx, question(hotel, device)).device_working
        }

    assert set(listed) == found == ({KIOSK} if stands else set())
    assert all(at == hotel.clock() or at < hotel.clock() for at in listed.values())


def question(hotel: Hotel, device_id: str | None, purpose: str = PURPOSE) -> Question:
    return Question(operator_id=OPERATOR, action=Action.CAPTURE, at=hotel.clock(), purpose=purpose, device_id=device_id)


def test_a_list_says_of_a_purpose_what_a_decision_finds(hotel: Hotel) -> None:
    def both(name: str) -> tuple[bool, bool]:
        with hotel.house.database.transaction() as tx:
            return name in activations.active(tx, OPERATOR), gather(tx, question(hotel, None, name)).purpose_active

    purpose = second_purpose(hotel)
    assert (both(PURPOSE), both(purpose)) == ((True, True), (False, False))
    assert isinstance(activate(hotel.house, OFFICER, purpose), Permitted)
    assert both(purpose) == (True, True)
    declare(hotel)
    assert both(purpose) == (False, False), "retired"
    deactivate(hotel.house, OFFICER, PURPOSE)
    assert both(PURPOSE) == (False, False)
