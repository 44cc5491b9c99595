"""One-time links: one use, an end, the same answer to every wrong one, and nothing on file that opens anything."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from countenance.access import SESSION, Issued, authenticate, exchange, issue_link
from countenance.errors import NotAllowedError, NotFoundError
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.vocabulary import Role
from tests.database import OFFICER, OPERATOR, Hotel
from tests.operations.asking import everything, subject
from tests.operations.governed import bodies


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel with a guest on file."""
    hotel.consent("guest")
    return hotel


def links(hotel: Hotel) -> int:
    """Return how many links are on file."""
    with hotel.house.database.transaction() as tx:
        return int(tx.execute(text("SELECT count(*) FROM link")).scalar_one())


def test_a_link_becomes_a_credential_of_the_person_for_a_while(hotel: Hotel) -> None:
    made = issue_link(hotel.house, OFFICER, "guest")
    assert made.expires_at == hotel.clock() + timedelta(minutes=30)

    issued = exchange(hotel.house, made.token)

    with hotel.house.database.transaction() as tx:
        caller = authenticate(tx, issued.token, hotel.clock())
        assert (caller.role, caller.subject_id) == (Role.SUBJECT, subject(hotel).subject_id)
        authenticate(tx, issued.token, hotel.clock() + SESSION - timedelta(seconds=1))
        with pytest.raises(NotAllowedError):
            authenticate(tx, issued.token, hotel.clock() + SESSION)


def test_issue_and_use_are_on_record_for_the_person(hotel: Hotel) -> None:
    issued = exchange(hotel.house, issue_link(hotel.house, OFFICER, "guest").token)

    used, made, consent, _ = bodies(hotel)
    assert (made["kind"], made["outcome"], made["by"]) == ("link", "issued", "officer:officeroffic")
    assert (used["kind"], used["outcome"], used["by"]) == ("credential", "issued", "link")
    assert used["details"] == {"credential": issued.credential_id, "role": "subject"}
    assert used["subject"] == made["subject"] == consent["subject"]


@pytest.mark.parametrize("wrong", ["used", "ended", "another", "cut", "longer", "blank", "credential", "sql"])
def test_every_wrong_link_is_refused_in_the_same_words(hotel: Hotel, wrong: str) -> None:
    token = issue_link(hotel.house, OFFICER, "guest").token
    used = issue_link(hotel.house, OFFICER, "guest").token
    credential = exchange(hotel.house, used).token
    if wrong == "ended":
        hotel.clock.forward(minutes=30)
    before = len(bodies(hotel))
    told = {
        "used": used,
        "ended": token,
        "another": "cl_" + "A" * 43,
        "cut": token[:-1],
        "longer": f"{token}A",
        "blank": "",
        "credential": credential,
        "sql": "cl_' OR 1=1 --",
    }[wrong]

    with pytest.raises(NotAllowedError) as raised:
        exchange(hotel.house, told)

    assert raised.value.en == "This link was used, has ended, or never was. Ask the desk for a new one."
    assert raised.value.known is False
    assert len(bodies(hotel)) == before


def test_a_link_works_until_its_last_second(hotel: Hotel) -> None:
    token = issue_link(hotel.with_house(link_minutes=5).house, OFFICER, "guest").token
    hotel.clock.forward(minutes=5, seconds=-1)

    assert exchange(hotel.house, token).token


def test_of_many_who_come_at_once_one_gets_in(hotel: Hotel) -> None:
    token = issue_link(hotel.house, OFFICER, "guest").token
    met: list[object] = []
    together = threading.Barrier(6)

    def come() -> None:
        together.wait(timeout=30)
        try:
            met.append(exchange(hotel.house, token))
        except NotAllowedError:
            met.append(None)

    threads = [threading.Thread(target=come) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(met) == 6
    assert len([each for each in met if isinstance(each, Issued)]) == 1


def test_a_link_is_nowhere_on_file(hotel: Hotel) -> None:
    made = issue_link(hotel.house, OFFICER, "guest")
    secret = made.token.removeprefix("cl_")
    rows = everything(hotel)

    assert len(rows) > 10
    assert [row for row in rows if secret in row or secret.encode().hex() in row] == []
    assert secret not in repr(made)


def test_erasure_takes_the_links_along(hotel: Hotel) -> None:
    token = issue_link(hotel.house, OFFICER, "guest").token
    used = exchange(hotel.house, issue_link(hotel.house, OFFICER, "guest").token)

    erase(hotel.house, OFFICER, "guest")

    assert links(hotel) == 0
    with pytest.raises(NotAllowedError):
        exchange(hotel.house, token)
    with hotel.house.database.transaction() as tx, pytest.raises(NotAllowedError):
        authenticate(tx, used.token, hotel.clock())
    with pytest.raises(NotFoundError):
        issue_link(hotel.house, OFFICER, "guest")


def test_links_that_nobody_used_go(hotel: Hotel) -> None:
    issue_link(hotel.house, OFFICER, "guest")
    hotel.clock.forward(minutes=29)
    fresh = issue_link(hotel.house, OFFICER, "guest").token
    hotel.clock.forward(minutes=1)

    expire(hotel.house, OPERATOR)

    assert links(hotel) == 1
    assert exchange(hotel.house, fresh).token
