"""Signing in: invited, accepted, let in; what is wrong is answered alike, kept and on record; one of two at once."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from countenance.errors import CountenanceError, MalformedError, NotAllowedError, NotFoundError
from countenance.operations.credentials import SESSION_FOR, Issued, issue
from countenance.operations.expire import SIGNED_OUT, expire
from countenance.operations.parts import Caller
from countenance.operations.sign_in import accept, sign_in, sign_out, welcome
from countenance.operations.staff import retire_staff
from countenance.store import credentials, sign_ins
from countenance.store.sign_ins import SignInRow
from countenance.vault import passwords
from countenance.vocabulary import Role
from tests.database import OPERATOR, Hotel
from tests.operations.asking import everything
from tests.operations.governed import bodies, colleague
from tests.operations.signing import PASSWORD, Member, member, who

ALIKE = "Name, password and code do not go together."
INVITATION = "This invitation does not stand"


def row(person: Member) -> SignInRow:
    """Return what is on file of how somebody signs in."""
    with person.hotel.house.database.transaction() as tx:
        found = sign_ins.find(tx, OPERATOR, person.staff_id)
    assert found is not None
    return found


def signed(hotel: Hotel) -> list[tuple[str, str, Any]]:
    """Return what is on record of signing in, newest first: the outcome, by whom, and whose."""
    found = [body for body in bodies(hotel) if body["kind"] == "sign_in"]
    return [(body["outcome"], body["by"], body["details"]["staff"]) for body in found]


def refused(act: Callable[[], object]) -> NotAllowedError:
    """Return the error with which somebody was not let in."""
    with pytest.raises(NotAllowedError) as raised:
        act()
    return raised.value


def session(person: Member, *, issued: Issued | None = None) -> Caller:
    """Return the caller that a fresh session makes, or the one given."""
    found = who(person.hotel, issued or person.signs_in())
    assert found is not None
    return found


def retired(hotel: Hotel, staff_id: str) -> None:
    with hotel.house.database.transaction() as tx:
        issue(tx, OPERATOR, Role.OFFICER, label="x", at=hotel.clock())
        retire_staff(tx, OPERATOR, "console", staff_id, hotel.clock())


# --- the way in ------------------------------------------------------------------------------------------------------


def test_invited_accepted_and_signed_in(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    token = person.invited()

    first = person.accepts(token)

    assert session(person, issued=first) == Caller(
        OPERATOR, first.credential_id, Role.OFFICER, staff_id=person.staff_id
    )
    hotel.clock.forward(minutes=1)
    second = person.signs_in()
    assert second.credential_id != first.credential_id
    assert session(person, issued=second).staff_id == person.staff_id
    by = f"staff:{person.staff_id}"
    assert signed(hotel) == [
        ("signed_in", by, person.staff_id), ("password_chosen", by, person.staff_id),
        ("invited", "officer:x", person.staff_id),
    ]  # fmt: skip
    assert hotel.counted.seen == [("sign_in", "signed_in")]


def test_a_session_is_a_credential_that_ends_by_itself_and_names_its_member(hotel: Hotel) -> None:
    person = member(hotel)
    made = person.signs_in()

    with hotel.house.database.transaction() as tx:
        (listed,) = [each for each in credentials.listed(tx, OPERATOR) if each["credential_id"] == made.credential_id]
    assert (listed["label"], listed["staff_id"], listed["session"]) == (
        f"session of {person.staff_id}", person.staff_id, True,
    )  # fmt: skip
    assert listed["expires_at"] == hotel.clock() + SESSION_FOR
    hotel.clock.forward(seconds=SESSION_FOR.total_seconds() - 1)
    assert person.works(made)
    hotel.clock.forward(seconds=1)
    assert not person.works(made)
    newest = next(body for body in bodies(hotel) if body["kind"] == "credential")
    assert newest["details"] == {"credential": made.credential_id, "role": "officer", "staff": person.staff_id}


def test_whom_an_invitation_is_for_can_be_seen_often_and_used_once(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    token = person.invited()
    shown = [welcome(hotel.house, token) for _ in range(3)]
    assert {each.staff_id for each in shown} == {person.staff_id}
    assert len({each.code_address for each in shown}) == 1
    person.accepts(token)

    assert refused(lambda: welcome(hotel.house, token)).en.startswith(INVITATION)
    assert refused(lambda: accept(hotel.house, token, PASSWORD, person.code())).en.startswith(INVITATION)


@pytest.mark.parametrize(
    "wrong", ["used", "expired", "forged", "cut", "longer", "credential", "blank", "retired", "sql"]
)
def test_an_invitation_that_does_not_stand_is_answered_alike(hotel: Hotel, wrong: str) -> None:
    person, other = Member(hotel, colleague(hotel)), Member(hotel, colleague(hotel))
    token, used = person.invited(), other.invited()
    session_token = other.accepts(used).token
    person.scan(token)
    secret = "A" * 43
    told = {
        "used": used, "expired": token, "retired": token, "cut": token[:-1], "longer": token + "A", "blank": "",
        "forged": f"{token[:16]}{secret}", "credential": "ci_" + session_token[3:], "sql": "ci_' OR 1=1 --",
    }[wrong]  # fmt: skip
    if wrong == "expired":
        hotel.clock.forward(hours=24)
    if wrong == "retired":
        retired(hotel, person.staff_id)
    before = len(bodies(hotel))

    for act in (lambda: welcome(hotel.house, told), lambda: accept(hotel.house, told, PASSWORD, person.code())):
        error = refused(act)
        assert (error.en.startswith(INVITATION), error.known) == (True, False)
    assert len(bodies(hotel)) == before
    assert row(person).password is None


def test_an_invitation_stands_to_the_second(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    token = person.invited()
    hotel.clock.forward(hours=24, seconds=-1)
    assert person.works(person.accepts(token))


@pytest.mark.parametrize(
    ("password", "stands"), [("x" * 11, False), ("x" * 12, True), ("x" * 256, True), ("x" * 257, False)]
)
def test_a_password_has_its_lengths(hotel: Hotel, password: str, stands: bool) -> None:
    person = Member(hotel, colleague(hotel), password)
    token = person.invited()
    if stands:
        assert person.accepts(token)
        return
    with pytest.raises(MalformedError):
        person.accepts(token)
    assert row(person).invitation is not None, "the invitation still stands"


def test_a_first_code_that_is_wrong_leaves_the_invitation(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    token = person.invited()
    person.scan(token)
    with pytest.raises(MalformedError):
        accept(hotel.house, token, PASSWORD, person.wrong())
    assert person.works(accept(hotel.house, token, PASSWORD, person.code()))


def test_the_first_code_does_not_sign_in_a_second_time(hotel: Hotel) -> None:
    person = Member(hotel, colleague(hotel))
    person.accepts(person.invited())
    refused(person.signs_in)
    hotel.clock.forward(seconds=30)
    assert person.signs_in()


def test_nobody_is_hashed_for_without_an_invitation(hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "hashed", lambda _: pytest.fail("a hash was computed for nobody"))
    refused(lambda: accept(hotel.house, "ci_aaaaaaaaaaaa_" + "A" * 43, PASSWORD, "000000"))


def test_only_somebody_on_the_list_is_invited(hotel: Hotel) -> None:
    with pytest.raises(NotFoundError):
        Member(hotel, "nobody").invited()
    person = Member(hotel, colleague(hotel))
    retired(hotel, person.staff_id)
    with pytest.raises(NotFoundError):
        person.invited()


# --- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        "password",
        "code",
        "used",
        "two before",
        "two after",
        "both",
        "unknown",
        "operator",
        "retired",
        "invited",
        "blank",
    ],
)
def test_whatever_is_wrong_is_answered_alike_and_on_record(hotel: Hotel, wrong: str) -> None:
    person = member(hotel)
    operator, staff_id, password, code = OPERATOR, person.staff_id, PASSWORD, person.code()
    match wrong:
        case "password":
            password = "another five words here"
        case "both":
            password, code = "another five words here", person.wrong()
        case "used":
            person.signs_in()
        case "two before":
            code = person.code(seconds=-60)
        case "two after":
            code = person.code(seconds=60)
        case "unknown":
            staff_id = "nobody"
        case "operator":
            operator = "another-hotel"
        case "retired":
            retired(hotel, staff_id)
        case "invited":
            staff_id = Member(hotel, colleague(hotel)).staff_id
        case "blank":
            password = code = ""
        case _:
            code = person.wrong()

    error = refused(lambda: sign_in(hotel.house, operator, staff_id, password, code))

    assert error.en.startswith(ALIKE)
    assert error.known is False
    assert hotel.counted.seen[-1] == ("sign_in", "failed")
    if wrong != "operator":
        assert signed(hotel)[0] == ("failed", "unknown", None if wrong == "unknown" else staff_id)


def test_the_code_of_the_step_before_and_of_the_one_after_opens(hotel: Hotel) -> None:
    person = member(hotel)
    assert person.signs_in(code=person.code(seconds=-30))
    assert person.signs_in(code=person.code(seconds=30))
    # With the next one used, the present one is an old one.
    refused(lambda: person.signs_in(code=person.code()))
    hotel.clock.forward(seconds=60)
    assert person.signs_in()


def test_a_code_may_be_typed_as_apps_show_it(hotel: Hotel) -> None:
    person = member(hotel)
    code = person.code()
    assert person.signs_in(code=f"{code[:3]} {code[3:]}")


def test_somebody_elses_code_or_password_opens_nothing(hotel: Hotel) -> None:
    one, other = member(hotel), member(hotel)
    refused(lambda: one.signs_in(code=other.code()))
    other.password = "quite another password"
    other.accepts(other.invited())
    refused(lambda: other.signs_in(password=PASSWORD))


# --- waiting ---------------------------------------------------------------------------------------------------------


def waits(person: Member) -> timedelta | None:
    found = row(person).waits_until
    return None if found is None else found - person.hotel.clock()


def test_wrong_codes_make_the_next_wait_twice_as_long_up_to_a_quarter_of_an_hour(hotel: Hotel) -> None:
    person = member(hotel)
    for _ in range(4):
        refused(lambda: person.signs_in(code=person.wrong()))
        assert waits(person) is None
    seen = []
    for _ in range(8):
        refused(lambda: person.signs_in(code=person.wrong()))
        wait = waits(person)
        assert wait is not None
        seen.append(wait.total_seconds())
        hotel.clock.forward(seconds=wait.total_seconds())
    assert seen == [30, 60, 120, 240, 480, 900, 900, 900]


def test_in_the_wait_what_is_right_is_refused_alike_and_after_it_opens(hotel: Hotel) -> None:
    person = member(hotel)
    for _ in range(5):
        refused(lambda: person.signs_in(code=person.wrong()))

    error = refused(person.signs_in)

    assert error.en.startswith(ALIKE)
    assert signed(hotel)[0] == ("failed", "unknown", person.staff_id)
    assert waits(person) == timedelta(seconds=30), "who waits is not made to wait longer by trying"
    hotel.clock.forward(seconds=29)
    refused(person.signs_in)
    hotel.clock.forward(seconds=1)
    assert person.signs_in()
    assert (row(person).failures, row(person).waits_until) == (0, None)


def test_nobody_without_the_password_locks_a_person_out(hotel: Hotel) -> None:
    person = member(hotel)
    for _ in range(30):
        refused(lambda: person.signs_in(password="guessed by a stranger"))
    assert (row(person).failures, waits(person)) == (0, None)
    assert person.signs_in()


def test_a_number_of_failures_beyond_all_measure_waits_no_longer(hotel: Hotel) -> None:
    person = member(hotel)
    with hotel.house.database.transaction() as tx:
        sign_ins.write(tx, replace(row(person), failures=2_000_000))
    refused(lambda: person.signs_in(code=person.wrong()))
    assert waits(person) == timedelta(minutes=15)


def test_an_unknown_name_costs_a_hash_and_a_record_like_a_known_one(hotel: Hotel, monkeypatch) -> None:
    person, other = member(hotel), Member(hotel, colleague(hotel))
    fits, asked = passwords.fits, []

    def watched(password: str, kept: str | None) -> bool:
        asked.append(kept is None)
        return fits(password, kept)

    monkeypatch.setattr(passwords, "fits", watched)
    before = len(signed(hotel))

    for staff_id in ("nobody", other.staff_id, person.staff_id):
        refused(partial(sign_in, hotel.house, OPERATOR, staff_id, "wrong all the same", "000000"))

    assert asked == [True, True, False]
    assert len(signed(hotel)) == before + 3


def test_no_connection_is_held_while_a_password_is_compared(hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    person, fits = member(hotel), passwords.fits

    def watched(*told: Any) -> bool:
        assert hotel.house.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
        return fits(*told)

    monkeypatch.setattr(passwords, "fits", watched)
    assert person.signs_in()


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
