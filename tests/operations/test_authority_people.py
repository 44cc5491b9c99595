"""Whoever comes to an authority without a signature: people who complain, and clerks who sign in."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countenance.authority import clerks, complaining
from countenance.authority.desk import Desk
from countenance.errors import LimitError, MalformedError, NotAllowedError, NotFoundError
from tests.operations.exchanging import CLERK, Clock, Operator, make_desk, paired, register_database

PASSWORD = "a long enough password"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(postgres: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with register_database(postgres) as database:
        yield make_desk(database, tmp_path, clock)


@pytest.fixture
def hotel(desk: Desk, clock: Clock) -> Operator:
    made = Operator(clock=clock)
    paired(desk, made)
    return made


def test_a_complaint_is_followed_by_its_token(desk: Desk, clock: Clock, hotel: Operator):
    token = desk.complain("The Hotel", "A camera in my room.", "me@example.org", desk.parties()[0].party_id)
    assert desk.complaint(token).answer is None
    (one,) = desk.complaints(open_only=True)
    assert "camera" not in repr(one) + repr(desk.complaint(token))
    assert desk.answer_complaint(one.complaint_id, CLERK, "We look into it.").answered_by == CLERK
    assert desk.complaint(token).answer == "We look into it."
    assert desk.complaints(open_only=True) == []
    assert len(desk.complaints()) == 1
    for wrong in (token[:-1] + ("a" if token[-1] != "a" else "b"), "cp_x", "", "as_aaaaaaaaaaaa_" + "x" * 43):
        with pytest.raises(NotFoundError):
            desk.complaint(wrong)
    for about, said in (("", "x"), ("x" * 201, "x"), ("x", " ")):
        with pytest.raises(MalformedError):
            desk.complain(about, said)
    with pytest.raises(NotFoundError):
        desk.complain("x", "x", party_id="nobody")
    with pytest.raises(NotFoundError):
        desk.answer_complaint(99, CLERK, "x")


def test_a_contact_is_forgotten_some_time_after_the_answer(desk: Desk, clock: Clock):
    for about in ("one", "two"):
        desk.complain(about, "x", "me@example.org")
    desk.answer_complaint(next(each.complaint_id for each in desk.complaints() if each.about == "one"), CLERK, "Yes.")
    clock.forward(days=complaining.CONTACT_DAYS)
    assert complaining.forget(desk.office) == 0
    clock.forward(seconds=1)
    assert complaining.forget(desk.office) == 1
    assert {each.about: each.contact for each in desk.complaints()} == {"one": None, "two": "me@example.org"}


def test_so_many_complaints_come_in_a_day(desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(complaining, "DAILY_MAX", 2)
    desk.complain("x", "x")
    desk.complain("x", "x")
    with pytest.raises(LimitError):
        desk.complain("x", "x")
    clock.forward(days=1)
    desk.complain("x", "x")


def test_a_clerk_signs_in_and_chooses_a_password(desk: Desk, clock: Clock):
    made = desk.add_clerk("李", None)
    assert made is not None
    session = desk.sign_in(" 李 ", made)
    assert session.clerk.must_choose
    assert session.token not in repr(session)
    for old, new, kind in (
        (made, "short", MalformedError),
        ("wrong", PASSWORD, NotAllowedError),
        (made, made, NotAllowedError),
    ):
        with pytest.raises(kind):
            desk.choose_password("李", old, new)
    desk.choose_password("李", made, PASSWORD)
    assert desk.clerk(session.token) is None
    session = desk.sign_in("李", PASSWORD)
    assert desk.clerk(session.token) == session.clerk
    assert not session.clerk.must_choose
    desk.sign_out(session.token[:-1] + "x")
    assert desk.clerk(session.token) is not None
    clock.now = session.ends_at
    assert desk.clerk(session.token) is None
    session = desk.sign_in("李", PASSWORD)
    desk.sign_out(session.token)
    assert desk.clerk(session.token) is None
    assert desk.clerk(None) is None
    assert desk.add_clerk("Wu", PASSWORD) is None
    assert [(each.name, each.must_choose) for each in desk.clerks()] == [("Wu", False), ("李", False)]
    with pytest.raises(NotFoundError):
        desk.choose_password("nobody", made, PASSWORD)
    for name in ("", "x" * 65, "a\nb"):
        with pytest.raises(MalformedError):
            desk.add_clerk(name, None)


def test_guesses_have_to_wait(desk: Desk, clock: Clock):
    desk.add_clerk(CLERK, PASSWORD)
    said = set()
    for name in (CLERK, CLERK, CLERK, CLERK, CLERK, "nobody"):
        with pytest.raises(NotAllowedError) as raised:
            desk.sign_in(name, "not the password")
        said.add(raised.value.en)
        assert not raised.value.known
    with pytest.raises(NotAllowedError) as raised:  # the right one has to wait as well
        desk.sign_in(CLERK, PASSWORD)
    assert said == {raised.value.en}
    clock.forward(seconds=31)
    assert desk.sign_in(CLERK, PASSWORD).clerk.name == CLERK
    for _ in range(14):
        clock.forward(hours=2)
        with pytest.raises(NotAllowedError):
            desk.sign_in(CLERK, "x" * 1000)
    clock.forward(minutes=59)
    with pytest.raises(NotAllowedError):
        desk.sign_in(CLERK, PASSWORD)
    clock.forward(minutes=2)
    desk.sign_in(CLERK, PASSWORD)
    assert clerks.HOURS <= 12
