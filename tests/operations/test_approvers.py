"""Who counts as an approver: people on the list of staff, each once, with however many credentials; never the asker."""

import threading
from base64 import b32decode
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import text

from countenance import access
from countenance.errors import ConflictError, NotAllowedError
from countenance.operations.authorise import approve, ask_for
from countenance.operations.parts import Caller, Identified
from countenance.operations.remote import Passing, identify_remote
from countenance.operations.sign_in import accept, invite, welcome
from countenance.operations.staff import retire_staff
from countenance.store import authorisations as store
from countenance.vocabulary import Role
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, Hotel
from tests.operations.governed import articles, authorised, bodies, colleague, officer, wanted


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel with the admiral enrolled as `guest`."""
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    return hotel


def look(hotel: Hotel) -> object:
    return identify_remote(hotel.house, DEVICE, Passing(purpose=PURPOSE, device_id=KIOSK), pictures.admiral_again())


def unheld(hotel: Hotel) -> Caller:
    """Return an officer whose credential no member of staff holds."""
    with hotel.house.database.transaction() as tx:
        issued = access.issue(tx, OPERATOR, Role.OFFICER, label="x", at=hotel.clock())
    return Caller(OPERATOR, issued.credential_id, Role.OFFICER)


def asked(hotel: Hotel, asker: Caller) -> UUID:
    return ask_for(hotel.house, asker, wanted(hotel))[0].authorisation_id


def counted(hotel: Hotel) -> int:
    """Return how many approvers the law was told of at the last look."""
    return int(bodies(hotel)[0]["facts"]["authorisation"]["approvers"])


def test_one_person_with_two_credentials_counts_once(hotel: Hotel) -> None:
    person = colleague(hotel)
    first, second = officer(hotel, person), officer(hotel, person)
    other, under = officer(hotel), asked(hotel, officer(hotel))

    assert approve(hotel.house, first, under)[1] == 1
    with pytest.raises(ConflictError, match="This person has approved"):
        approve(hotel.house, second, under)

    assert ("cn-2023-draft", "10") in articles(look(hotel))
    assert counted(hotel) == 1
    assert approve(hotel.house, other, under)[1] == 2
    assert isinstance(look(hotel), Identified)


def test_the_database_holds_it_too(hotel: Hotel) -> None:
    person, under, at = colleague(hotel), asked(hotel, officer(hotel)), hotel.clock()

    with hotel.house.database.transaction() as tx:
        assert store.approve(tx, OPERATOR, under, store.ApprovalRow("one", person, at))
        assert not store.approve(tx, OPERATOR, under, store.ApprovalRow("two", person, at))
        assert store.approvers(tx, OPERATOR, under) == 1
    with pytest.raises(ConflictError), hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "INSERT INTO approval (operator_id, authorisation_id, credential_id, staff_id, at)"
                " VALUES (:operator, :under, 'three', :person, :at)"
            ),
            {"operator": OPERATOR, "under": under, "person": person, "at": at},
        )


def test_whoever_asked_approves_with_none_of_their_credentials(hotel: Hotel) -> None:
    asker = colleague(hotel)
    credentials = [officer(hotel, asker) for _ in range(3)]
    under = asked(hotel, credentials[0])

    for each in credentials:
        with pytest.raises(NotAllowedError, match="other people than the one who asked"):
            approve(hotel.house, each, under)

    assert ("cn-2023-draft", "10") in articles(look(hotel))
    assert counted(hotel) == 0


def test_a_credential_that_nobody_holds_neither_asks_nor_approves(hotel: Hotel) -> None:
    machine, before = unheld(hotel), len(bodies(hotel))
    for caller in (machine, OFFICER):
        with pytest.raises(NotAllowedError, match="member of staff"):
            asked(hotel, caller)
    assert len(bodies(hotel)) == before
    under = asked(hotel, officer(hotel))
    for caller in (machine, OFFICER):
        with pytest.raises(NotAllowedError, match="member of staff"):
            approve(hotel.house, caller, under)


def test_who_came_after_the_request_does_not_count(hotel: Hotel) -> None:
    before = colleague(hotel)
    under = asked(hotel, officer(hotel))
    hotel.clock.forward(seconds=1)

    for late in (officer(hotel, before), officer(hotel)):  # a new credential of an old colleague; a new colleague
        with pytest.raises(NotAllowedError, match="came after the request"):
            approve(hotel.house, late, under)


def test_who_was_put_on_the_list_after_the_request_does_not_count_with_an_older_credential(hotel: Hotel) -> None:
    person = officer(hotel)
    under = asked(hotel, officer(hotel))
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text("UPDATE staff SET created_at = created_at + interval '1 second' WHERE staff_id = :person"),
            {"person": person.staff_id},
        )

    with pytest.raises(NotAllowedError, match="came after the request"):
        approve(hotel.house, person, under)


def test_whoever_is_retired_approves_nothing_though_the_request_is_under_way(hotel: Hotel) -> None:
    person, under = officer(hotel), asked(hotel, officer(hotel))
    assert person.staff_id is not None
    with hotel.house.database.transaction() as tx:
        retire_staff(tx, OPERATOR, "console", person.staff_id, hotel.clock())

    with pytest.raises(NotAllowedError):
        approve(hotel.house, person, under)


def test_two_credentials_of_one_person_at_once_are_one_approval(hotel: Hotel) -> None:
    person = colleague(hotel)
    both = [officer(hotel, person) for _ in range(2)]
    under, start = asked(hotel, officer(hotel)), threading.Barrier(2)
    answers: list[object] = []

    def act(caller: Caller) -> None:
        start.wait()
        try:
            answers.append(approve(hotel.house, caller, under)[1])
        except ConflictError as error:
            answers.append(error)

    threads = [threading.Thread(target=act, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(answer == 1 for answer in answers) == 1
    assert sum(isinstance(answer, ConflictError) for answer in answers) == 1


def test_approvals_from_before_there_was_a_list_count_for_nothing(hotel: Hotel) -> None:
    under = authorised(hotel)
    assert isinstance(look(hotel), Identified)
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE approval SET staff_id = NULL"))

    assert ("cn-2023-draft", "10") in articles(look(hotel))
    assert counted(hotel) == 0
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE authorisation SET asked_by_staff = NULL"))
    with pytest.raises(NotAllowedError):
        approve(hotel.house, officer(hotel), under)
    late = asked(hotel, officer(hotel))
    assert approve(hotel.house, officer(hotel), late)[1] == 1


def test_the_record_says_which_person_asked_and_approved_by_code(hotel: Hotel) -> None:
    asker, first = officer(hotel), officer(hotel)
    under = asked(hotel, asker)
    approve(hotel.house, first, under)

    approved, request = [body for body in bodies(hotel) if body["kind"] == "authorisation"]
    assert (request["by"], request["details"]["staff"]) == (f"officer:{asker.credential_id}", asker.staff_id)
    assert (approved["by"], approved["details"]["staff"]) == (f"officer:{first.credential_id}", first.staff_id)
    assert "colleague" not in str(approved) + str(request)


def session(hotel: Hotel, person: str) -> Caller:
    """Sign a member of staff in anew, and return the session."""
    with hotel.house.database.transaction() as tx:
        issued = access.issue(tx, OPERATOR, Role.OFFICER, label="x", at=hotel.clock(), staff_id=person, session=True)
    return Caller(OPERATOR, issued.credential_id, Role.OFFICER, staff_id=person)


def choose_password(hotel: Hotel, person: str) -> None:
    """Let somebody be invited, and choose a password now."""
    house, at = hotel.house, hotel.clock()
    with house.database.transaction() as tx:
        made = invite(tx, house.vault(OPERATOR), OPERATOR, "console", person, at)
    secret = parse_qs(urlsplit(welcome(house, made.token).code_address).query)["secret"][0]
    code = TOTP(b32decode(secret), 6, SHA1(), 30).generate(int(at.timestamp())).decode()
    accept(house, made.token, "four words that rhyme", code)


def test_signing_in_after_the_request_makes_nobody_a_newcomer(hotel: Hotel) -> None:
    person, never = colleague(hotel), colleague(hotel)
    choose_password(hotel, person)
    hotel.clock.forward(minutes=1)
    under = asked(hotel, officer(hotel))
    hotel.clock.forward(minutes=1)

    assert approve(hotel.house, session(hotel, person), under)[1] == 1
    with pytest.raises(NotAllowedError, match="came after the request"):
        approve(hotel.house, session(hotel, never), under)


def test_whoever_was_invited_after_the_request_may_be_anybody(hotel: Hotel) -> None:
    person = colleague(hotel)
    choose_password(hotel, person)
    hotel.clock.forward(minutes=1)
    under = asked(hotel, officer(hotel))
    hotel.clock.forward(minutes=1)
    choose_password(hotel, person)

    with pytest.raises(NotAllowedError, match="came after the request"):
        approve(hotel.house, session(hotel, person), under)
