"""The list of staff: a code means one person for ever; whoever is retired opens nothing from the next request on."""

import threading
import time
from collections.abc import Callable

import pytest

from countenance import access
from countenance.access import Issued
from countenance.errors import ConflictError, CountenanceError, MalformedError, NotAllowedError, NotFoundError
from countenance.operations.staff import RetiredStaff, add_staff, retire_staff
from countenance.store import credentials, staff
from countenance.store.database import Transaction
from countenance.vocabulary import Role
from tests.database import KIOSK, OPERATOR, Hotel
from tests.operations.governed import bodies, colleague

NAME = "Chen Anna 陈安娜"


def added(hotel: Hotel, code: str, name: str = NAME) -> None:
    with hotel.house.database.transaction() as tx:
        add_staff(tx, OPERATOR, "officer:x", code, name, hotel.clock())


def issued(hotel: Hotel, code: str | None, role: Role = Role.OFFICER, **more: str) -> Issued:
    with hotel.house.database.transaction() as tx:
        return access.issue(tx, OPERATOR, role, label="x", at=hotel.clock(), staff_id=code, **more)  # type: ignore[arg-type]


def retired(hotel: Hotel, code: str) -> RetiredStaff:
    with hotel.house.database.transaction() as tx:
        return retire_staff(tx, OPERATOR, "officer:x", code, hotel.clock())


def listed(hotel: Hotel) -> list[tuple[str, str, bool]]:
    with hotel.house.database.transaction() as tx:
        return [(row.staff_id, row.name, row.active) for row in staff.listed(tx, OPERATOR)]


def test_a_person_is_added_holds_credentials_and_is_retired_with_them(hotel: Hotel) -> None:
    added(hotel, "staff-1")
    hotel.clock.forward(seconds=1)
    added(hotel, "staff-0", "Somebody")
    first, second, other = issued(hotel, "staff-1"), issued(hotel, "staff-1"), issued(hotel, "staff-0")
    with hotel.house.database.transaction() as tx:
        caller = access.authenticate(tx, first.token, hotel.clock())
    assert (caller.staff_id, caller.role, caller.credential_id) == ("staff-1", Role.OFFICER, first.credential_id)

    assert retired(hotel, "staff-1").credentials == 2

    assert listed(hotel) == [("staff-1", NAME, False), ("staff-0", "Somebody", True)]
    with hotel.house.database.transaction() as tx:
        for each in (first, second):
            with pytest.raises(NotAllowedError):
                access.authenticate(tx, each.token, hotel.clock())
        assert access.authenticate(tx, other.token, hotel.clock()).staff_id == "staff-0"
    with pytest.raises(NotFoundError):
        retired(hotel, "staff-1")
    with pytest.raises(NotFoundError):
        issued(hotel, "staff-1")


def test_it_is_on_record_by_code_and_never_by_name(hotel: Hotel) -> None:
    added(hotel, "staff-1")
    retired(hotel, "staff-1")

    assert [(body["kind"], body["outcome"], body["by"], body["details"]) for body in bodies(hotel)] == [
        ("staff", "retired", "officer:x", {"staff": "staff-1", "credentials": 0}),
        ("staff", "added", "officer:x", {"staff": "staff-1"}),
    ]
    with hotel.house.database.transaction() as tx:
        (row,) = staff.listed(tx, OPERATOR)
    assert NAME not in str(bodies(hotel)) + repr(row)


def test_a_code_means_one_person_for_ever(hotel: Hotel) -> None:
    added(hotel, "staff-1")
    with pytest.raises(ConflictError):
        added(hotel, "staff-1", "Somebody else")
    retired(hotel, "staff-1")
    with pytest.raises(ConflictError):
        added(hotel, "staff-1")
    assert listed(hotel) == [("staff-1", NAME, False)]
    assert len(bodies(hotel)) == 2


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("", "x"), ("Staff", "x"), ("-a", "x"), ("a b", "x"), ("a" * 64, "x"), ("a\n", "x"), ("../a", "x"), ("名", "x"),
        ("a", ""), ("a", "  "), ("a", "x" * 129), ("a", "x\0"), ("a", "x\u202ey"), ("a", "x\ny"), ("a", "\ud800"),
    ],
)  # fmt: skip
def test_a_code_or_a_name_that_is_none_is_malformed(hotel: Hotel, code: str, name: str) -> None:
    with pytest.raises(MalformedError):
        added(hotel, code, name)
    assert listed(hotel) == []


def test_only_an_officers_credential_is_held_and_by_somebody_on_the_list(hotel: Hotel) -> None:
    added(hotel, "staff-1")
    with pytest.raises(NotFoundError):
        issued(hotel, "staff-2")
    with pytest.raises(NotFoundError):
        issued(hotel, "staff-1", Role.REGULATOR)
    with pytest.raises(NotFoundError):
        issued(hotel, "staff-1", Role.DEVICE, device_id=KIOSK)
    with hotel.house.database.transaction() as tx:
        assert credentials.listed(tx, OPERATOR) == []


def test_the_last_officer_is_not_retired(hotel: Hotel) -> None:
    added(hotel, "staff-1")
    token = issued(hotel, "staff-1").token

    with pytest.raises(ConflictError):
        retired(hotel, "staff-1")

    assert listed(hotel) == [("staff-1", NAME, True)]
    with hotel.house.database.transaction() as tx:
        assert access.authenticate(tx, token, hotel.clock())
    issued(hotel, None)
    assert retired(hotel, "staff-1").credentials == 1


def meeting(hotel: Hotel, first: Callable[[Transaction], object], second: Callable[[Transaction], object]) -> object:
    """Let `second` begin while `first` has not committed; return what it answers or raises after having waited."""
    answers: list[object] = []

    def late() -> None:
        try:
            with hotel.house.database.transaction() as tx:
                answers.append(second(tx))
        except CountenanceError as error:
            answers.append(error)

    thread = threading.Thread(target=late)
    with hotel.house.database.transaction() as tx:
        first(tx)
        thread.start()
        time.sleep(0.3)
        assert answers == [], "it did not wait"
    thread.join()
    return answers[0]


def test_nobody_is_issued_a_credential_while_they_are_retired(hotel: Hotel) -> None:
    code, at = colleague(hotel), hotel.clock()
    issued(hotel, None)

    def issue(tx: Transaction) -> object:
        return access.issue(tx, OPERATOR, Role.OFFICER, label="x", at=at, staff_id=code)

    def retire(tx: Transaction) -> object:
        return retire_staff(tx, OPERATOR, "console", code, at)

    after = meeting(hotel, issue, retire)
    assert isinstance(after, RetiredStaff)
    assert after.credentials == 1
    code = colleague(hotel)
    assert isinstance(meeting(hotel, retire, issue), NotFoundError)
    with hotel.house.database.transaction() as tx:
        assert credentials.officers(tx, OPERATOR, at) == 1
