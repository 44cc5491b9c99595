"""How being signed in ends: invited anew, retired, signed out, over; two at once; and nothing of it is seen."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from countenance.errors import CountenanceError
from countenance.operations.credentials import SESSION_FOR, issue
from countenance.operations.expire import SIGNED_OUT, expire
from countenance.operations.sign_in import accept, sign_out, welcome
from countenance.operations.staff import retire_staff
from countenance.store import credentials, sign_ins
from countenance.vault import passwords
from countenance.vocabulary import Role
from tests.database import OPERATOR, Hotel
from tests.operations.asking import everything
from tests.operations.governed import bodies, colleague
from tests.operations.signing import PASSWORD, Member, member, refused, retired, row, session

# --- invited anew, retired, signed out -------------------------------------------------------------------------------


def test_whoever_is_invited_anew_begins_anew(hotel: Hotel) -> None:
    person, other = member(hotel), member(hotel)
    before, neighbour = person.signs_in(), other.signs_in()
    with hotel.house.database.transaction() as tx:
        held = issue(tx, OPERATOR, Role.OFFICER, label="x", at=hotel.clock(), staff_id=person.staff_id)
    hotel.clock.forward(seconds=30)

    token = person.invited()

    assert not person.works(before), "sessions of before end"
    assert person.works(held), "what was issued otherwise stays until somebody revokes it"
    assert other.works(neighbour)
    assert bodies(hotel)[0]["details"] == {"staff": person.staff_id, "sessions": 2}
    refused(person.signs_in)
    old = person.secret
    person.password = "a quite different one"
    assert person.works(person.accepts(token))
    assert person.secret != old
    hotel.clock.forward(seconds=30)
    refused(lambda: person.signs_in(password=PASSWORD))
    assert person.signs_in()


def test_a_second_invitation_ends_the_first(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    first, second = person.invited(), person.invited()
    refused(lambda: welcome(hotel.house, first))
    assert person.works(person.accepts(second))


def test_whoever_waits_is_let_in_again_by_a_new_invitation(hotel: Hotel) -> None:
    person = member(hotel)
    for _ in range(6):
        refused(lambda: person.signs_in(code=person.wrong()))
    person.accepts(person.invited())
    hotel.clock.forward(seconds=30)
    assert person.signs_in()


def test_whoever_is_retired_is_out_at_once(hotel: Hotel) -> None:
    person = member(hotel)
    made = person.signs_in()
    retired(hotel, person.staff_id)
    assert not person.works(made)
    hotel.clock.forward(seconds=30)
    refused(person.signs_in)


def test_sessions_long_over_do_not_keep_the_last_officer_from_being_retired(hotel: Hotel) -> None:
    person = member(hotel)
    person.signs_in()
    hotel.clock.forward(hours=9)
    with hotel.house.database.transaction() as tx:
        assert retire_staff(tx, OPERATOR, "console", person.staff_id, hotel.clock()).credentials == 0


def test_signing_out_ends_this_session_and_is_on_record(hotel: Hotel) -> None:
    person = member(hotel)
    one = person.signs_in()
    hotel.clock.forward(seconds=30)
    other = person.signs_in()

    sign_out(hotel.house, session(person, issued=one))

    assert (person.works(one), person.works(other)) == (False, True)
    said = bodies(hotel)[0]
    assert (said["kind"], said["outcome"], said["by"]) == ("credential", "revoked", f"officer:{one.credential_id}")
    assert said["details"] == {"credential": one.credential_id, "role": "officer", "staff": person.staff_id}


def test_signing_out_twice_is_on_record_once(hotel: Hotel) -> None:
    person = member(hotel)
    caller = session(person)
    sign_out(hotel.house, caller)
    before = len(bodies(hotel))
    sign_out(hotel.house, caller)
    assert len(bodies(hotel)) == before


def test_the_credentials_of_sessions_go_when_they_are_long_over(hotel: Hotel) -> None:
    person = member(hotel)
    made = person.signs_in()
    with hotel.house.database.transaction() as tx:
        kept = issue(
            tx, OPERATOR, Role.OFFICER, label="x", at=hotel.clock(), expires_at=hotel.clock() + timedelta(hours=1)
        )

    def there() -> set[str]:
        expire(hotel.house, OPERATOR)
        with hotel.house.database.transaction() as tx:
            return {row["credential_id"] for row in credentials.listed(tx, OPERATOR)}

    hotel.clock.forward(seconds=(SESSION_FOR + SIGNED_OUT).total_seconds() - 1)
    assert {made.credential_id, kept.credential_id} <= there()
    hotel.clock.forward(seconds=1)
    assert there() == {kept.credential_id}, "what an officer issued stays on the list"
    assert made.credential_id in str(bodies(hotel)), "the records remember"


# --- two at once -----------------------------------------------------------------------------------------------------


def at_once(*acts: Callable[[], object]) -> list[object]:
    """Let all begin together; return what each answers or raises."""
    barrier, answers = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            answers.append(act())
        except CountenanceError as error:
            answers.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_two_who_come_with_one_code_one_is_let_in(hotel: Hotel) -> None:
    person = member(hotel)
    for _ in range(3):
        code = person.code()
        answers = at_once(*[partial(person.signs_in, code=code)] * 4)
        assert sorted(type(each).__name__ for each in answers) == ["Issued", *["NotAllowedError"] * 3]
        hotel.clock.forward(minutes=5)


def test_of_two_who_come_with_one_invitation_one_chooses_the_password(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    token = person.invited()
    person.scan(token)
    code = person.code()
    choices = ("the password of the first", "the password of the other")

    answers = at_once(*[partial(accept, hotel.house, token, told, code) for told in choices])

    assert sorted(type(each).__name__ for each in answers) == ["Issued", "NotAllowedError"]
    hotel.clock.forward(seconds=30)
    let_in = [answer for each in choices for answer in at_once(partial(person.signs_in, each))]
    assert sorted(type(each).__name__ for each in let_in) == ["Issued", "NotAllowedError"]


def test_nobody_is_let_in_by_a_password_that_ends_at_that_moment(hotel: Hotel, monkeypatch) -> None:
    monkeypatch.setattr(passwords, "new_code_secret", lambda: b"the same once again!")
    person, fits = member(hotel), passwords.fits

    def meanwhile(*told: Any) -> bool:
        right = fits(*told)
        person.password = "chosen at that very moment"
        person.accepts(person.invited())
        return right

    code = person.code(seconds=30)
    monkeypatch.setattr(passwords, "fits", meanwhile)
    refused(lambda: person.signs_in(PASSWORD, code))
    monkeypatch.setattr(passwords, "fits", fits)
    assert person.signs_in(code=code), "nothing but the password was wrong"


# --- nothing of it is seen -------------------------------------------------------------------------------------------


def test_password_code_and_secret_are_seen_nowhere(hotel: Hotel, caplog: pytest.LogCaptureFixture) -> None:
    person = Member(hotel, colleague(hotel), "canary-of-a-password")
    with caplog.at_level(logging.DEBUG):
        token = person.invited()
        shown = welcome(hotel.house, token)
        issued = person.accepts(token)
        hotel.clock.forward(seconds=30)
        refused(lambda: person.signs_in(password="canary-of-a-guess"))
        refused(lambda: person.signs_in(code=person.wrong()))
        last = person.signs_in()

    secrets = {
        "password": person.password,
        "guess": "canary-of-a-guess",
        "invitation": token[16:],
        "session": issued.token[16:],
        "secret": person.secret.hex(),
        "base32": shown.code_address.partition("secret=")[2].partition("&")[0],
    }
    seen = {
        "database": "\n".join(everything(hotel)), "logs": caplog.text, "records": str(bodies(hotel)),
        "reprs": repr([row(person), shown, issued, last, hotel.house, session(person, issued=issued)]),
    }  # fmt: skip
    assert all(len(text) > 20 for name, text in seen.items() if name != "logs")
    found = [
        (what, where)
        for what, secret in secrets.items()
        for where, text in seen.items()
        if secret in text or secret.encode().hex() in text
    ]
    assert found == []
    assert person.staff_id in seen["records"], "the search would find something"


def test_a_secret_of_codes_opens_for_its_own_member_alone(hotel: Hotel) -> None:
    one, other = member(hotel), member(hotel)
    with hotel.house.database.transaction() as tx:
        sign_ins.write(tx, replace(row(other), code_secret=row(one).code_secret))
    with pytest.raises(CountenanceError):
        other.signs_in(code=one.code())
