"""Signing in: invited, accepted, let in; what is wrong is answered alike, kept and on record; one of two at once."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from countenance.errors import MalformedError, NotFoundError
from countenance.operations.credentials import SESSION_FOR
from countenance.operations.parts import Caller
from countenance.operations.sign_in import accept, sign_in, welcome
from countenance.store import credentials, sign_ins
from countenance.vault import passwords
from countenance.vocabulary import Role
from tests.database import OPERATOR, Hotel
from tests.operations.governed import bodies, colleague
from tests.operations.signing import PASSWORD, Member, member, refused, retired, row, session, signed, waits

ALIKE = "Name, password and code do not go together."
INVITATION = "This invitation does not stand"


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
    failed = [body for body in bodies(hotel) if (body["kind"], body["outcome"]) == ("sign_in", "failed")]
    assert [body["details"] for body in failed] == [{"staff": person.staff_id}]
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
