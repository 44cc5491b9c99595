"""Challenges answered by real pictures: a head that turns passes, a print and a still do not, and each serves once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from countenance.detect.several import Frames
from countenance.errors import ConflictError, LimitError, MalformedError, NotFoundError
from countenance.operations.challenge import Challenge, challenge
from countenance.operations.enrol import enrol
from countenance.operations.expire import expire
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import AttackSuspected, Enrolled, Identified, NotAcquired, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.store import challenges
from countenance.vocabulary import Action, AttackChecking, Turn
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel, enrolment
from tests.heads import held_up, turning
from tests.operations.governed import bodies

Shown = Callable[[bytes, Any, Sequence[Turn]], tuple[bytes, ...]]


def ask(hotel: Hotel, action: Action = Action.VERIFY, **changes: Any) -> Challenge:
    return challenge(hotel.house, replace(DEVICE, **changes), PURPOSE, action)


def claim(asked: Challenge | UUID | None = None, ref: str = "guest", **changes: Any) -> Claim:
    answered = asked.challenge_id if isinstance(asked, Challenge) else asked
    made = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION, challenge=answered)
    return replace(made, **changes)


def answer(shown: Sequence[bytes]) -> Frames:
    return Frames(tuple(shown), tuple(range(len(shown))))


@pytest.fixture
def guest(hotel: Hotel) -> Hotel:
    """The admiral is enrolled as `guest`."""
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    return hotel


def still(photograph: bytes, engine: Any, turns: Sequence[Turn]) -> tuple[bytes, ...]:
    """Return the same file for every step."""
    return (photograph,) * len(turns)


def moved(photograph: bytes, engine: Any, turns: Sequence[Turn]) -> tuple[bytes, ...]:
    """Return a print that is shifted about, tilted and brought nearer, but not turned."""
    return held_up(photograph, engine, turns, turn=0.0)


def swung(photograph: bytes, engine: Any, turns: Sequence[Turn]) -> tuple[bytes, ...]:
    """Return a flat print turned about its upright axis."""
    return held_up(photograph, engine, turns, turn=45.0)


def near(photograph: bytes, engine: Any, turns: Sequence[Turn]) -> tuple[bytes, ...]:
    """Return the same near the lens, where perspective is strong."""
    return held_up(photograph, engine, turns, turn=45.0, away=2.5)


def bent(photograph: bytes, engine: Any, turns: Sequence[Turn]) -> tuple[bytes, ...]:
    """Return a print bent like a face and turned."""
    return held_up(photograph, engine, turns, turn=35.0, bend=0.8)


def test_a_person_who_turns_as_asked_is_enrolled_verified_and_identified(hotel: Hotel) -> None:
    hotel.consent("guest")
    house, engine = hotel.house, hotel.house.engine

    asked = ask(hotel, Action.ENROL)
    shown = answer(turning(pictures.admiral(), engine, asked.turns))
    enrolled = enrol(house, DEVICE, enrolment("guest", challenge=asked.challenge_id), shown)
    asked = ask(hotel)
    verified = verify(house, DEVICE, claim(asked), answer(turning(pictures.admiral(), engine, asked.turns, seed=5)))
    asked = ask(hotel, Action.IDENTIFY)
    unnamed = Unnamed(
        consent_id=UUID(hotel.consent(None)),
        purpose=PURPOSE,
        device_id=KIOSK,
        session=SESSION,
        challenge=asked.challenge_id,
    )
    found = identify(house, DEVICE, unnamed, answer(turning(pictures.admiral(), engine, asked.turns, seed=6)))

    assert isinstance(enrolled, Enrolled)
    assert isinstance(verified, Verified)
    assert verified.match
    assert isinstance(found, Identified)
    assert found.subject_ref == "guest"
    for done in (enrolled, verified, found):
        assert done.check.as_json() == {"check": "head_turns", "version": 1}
    for body in [each for each in bodies(hotel) if each["kind"] in {"enrol", "verify", "identify"}]:
        assert body["details"]["attack_check"] == {"check": "head_turns", "version": 1}
        assert body["details"]["frames"] == 7
        assert body["facts"]["measured"]["attack_suspected"] is False


@pytest.mark.parametrize("show", [still, moved, swung, near, bent])
def test_a_print_and_a_still_are_suspected(guest: Hotel, show: Shown) -> None:
    asked = ask(guest)

    done = verify(guest.house, DEVICE, claim(asked), answer(show(pictures.admiral(), guest.house.engine, asked.turns)))

    assert isinstance(done, AttackSuspected)
    body = bodies(guest)[0]
    assert (body["kind"], body["outcome"]) == ("verify", "attack_suspected")
    assert body["facts"]["measured"]["attack_suspected"] is True
    assert body["details"]["attack_check"] == {"check": "head_turns", "version": 1}
    assert not {"not_turned", "flat", "still", "not_facing", "jumped"} & set(str(body).replace("'", " ").split())
    assert ("verify", "attack_suspected") in guest.counted.seen


def test_one_identity_throughout(guest: Hotel) -> None:
    """The guest's face for the centre and another person's for the turns: each alone is a head that turns."""
    asked = ask(guest)
    engine = guest.house.engine
    own, other = (turning(each, engine, asked.turns) for each in (pictures.admiral(), pictures.astronaut()))
    mixed = [own[step] if turn is Turn.CENTRE else other[step] for step, turn in enumerate(asked.turns)]

    done = verify(guest.house, DEVICE, claim(asked), answer(mixed))

    assert isinstance(done, AttackSuspected)
    body = bodies(guest)[0]
    assert (body["outcome"], body["facts"]["measured"]["attack_suspected"]) == ("attack_suspected", True)


def test_one_other_face_among_seven_is_enough(guest: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the judge of turns is fooled, the comparison of the samples among themselves is not."""
    from countenance.detect import turns as judging

    monkeypatch.setattr(judging, "_doubt", lambda *_: None)
    for odd in range(7):
        asked = ask(guest)
        shown = [pictures.admiral()] * 7
        shown[odd] = pictures.astronaut()
        assert isinstance(verify(guest.house, DEVICE, claim(asked), answer(shown)), AttackSuspected)
    asked = ask(guest)
    same = verify(guest.house, DEVICE, claim(asked), answer([pictures.admiral(), pictures.admiral_again()] * 3 + [pictures.admiral()]))  # fmt: skip  # noqa: E501
    assert isinstance(same, Verified)


def test_a_suspected_enrolment_leaves_no_reference(hotel: Hotel) -> None:
    hotel.consent("guest")
    asked = ask(hotel, Action.ENROL)

    done = enrol(
        hotel.house,
        DEVICE,
        enrolment("guest", challenge=asked.challenge_id),
        answer(still(pictures.admiral(), None, asked.turns)),
    )

    assert isinstance(done, AttackSuspected)
    assert hotel.house.projection.count(OPERATOR, PURPOSE) == 0


def test_a_challenge_serves_once_whatever_came_of_it(guest: Hotel) -> None:
    house, engine = guest.house, guest.house.engine
    asked = ask(guest)
    shown = answer(turning(pictures.admiral(), engine, asked.turns))
    assert isinstance(verify(house, DEVICE, claim(asked), shown), Verified)
    with pytest.raises(ConflictError):
        verify(house, DEVICE, claim(asked), shown)

    asked = ask(guest)
    assert isinstance(verify(house, DEVICE, claim(asked), answer([pictures.admiral()] * 7)), AttackSuspected)
    with pytest.raises(ConflictError):
        verify(house, DEVICE, claim(asked), shown)

    asked = ask(guest)
    assert isinstance(verify(house, DEVICE, claim(asked), answer([pictures.nobody()] * 7)), NotAcquired)
    with pytest.raises(ConflictError):
        verify(house, DEVICE, claim(asked), shown)

    asked = ask(guest)
    assert isinstance(verify(house, DEVICE, claim(asked, "stranger"), shown), Refused)
    assert isinstance(verify(house, DEVICE, claim(asked, "stranger"), shown), Refused), "a refusal is recorded again"
    with pytest.raises(ConflictError):
        verify(house, DEVICE, claim(asked), shown)
    outcomes = [body["outcome"] for body in bodies(guest) if body["kind"] == "verify"]
    assert outcomes == ["refused", "refused", "failure_to_acquire", "attack_suspected", "match"]


def test_what_leaves_nothing_behind_uses_no_challenge(guest: Hotel) -> None:
    asked = ask(guest)
    shown = list(turning(pictures.admiral(), guest.house.engine, asked.turns))
    with pytest.raises(MalformedError):
        verify(guest.house, DEVICE, claim(asked), answer([*shown[:-1], b"no picture"]))
    with pytest.raises(MalformedError):
        verify(guest.house, DEVICE, claim(asked), Frames(tuple(shown), (0, 1, 2, 3, 4, 5, 5)))
    assert isinstance(verify(guest.house, DEVICE, claim(asked), answer(shown)), Verified)


def test_a_challenge_is_over_after_its_time(guest: Hotel) -> None:
    asked = ask(guest)
    assert asked.expires_at == guest.clock.now + timedelta(seconds=30)
    shown = answer(turning(pictures.admiral(), guest.house.engine, asked.turns))
    guest.clock.forward(seconds=30)
    with pytest.raises(ConflictError):
        verify(guest.house, DEVICE, claim(asked), shown)


def test_a_challenge_of_another_act_is_none(guest: Hotel) -> None:
    shown = answer([pictures.admiral()] * 7)
    said = set()
    for asked in (ask(guest, Action.ENROL), ask(guest, device_id="room-camera"), uuid4()):
        with pytest.raises(ConflictError) as error:
            verify(guest.house, DEVICE, claim(asked), shown)
        said.add(error.value.en)
    assert len(said) == 1, "nobody learns what else there is"
    assert [body for body in bodies(guest) if body["kind"] == "verify"] == []


def test_of_two_answers_at_once_one_is_given(guest: Hotel) -> None:
    asked = ask(guest)
    shown = answer(turning(pictures.admiral(), guest.house.engine, asked.turns))
    done: list[object] = []
    together = threading.Barrier(2)

    def act() -> None:
        together.wait()
        try:
            done.append(verify(guest.house, DEVICE, claim(asked), shown))
        except ConflictError as error:
            done.append(error)

    threads = [threading.Thread(target=act) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(each).__name__ for each in done) == ["ConflictError", "Verified"]
    assert len([body for body in bodies(guest) if body["kind"] == "verify"]) == 1


def test_several_pictures_without_a_challenge_are_one_act_and_counted(guest: Hotel) -> None:
    shown = Frames((pictures.blurred(), pictures.admiral_again(), pictures.nobody()))

    done = verify(guest.house, DEVICE, claim(), shown)

    assert isinstance(done, Verified)
    assert done.match
    body = bodies(guest)[0]
    assert (body["details"]["frames"], body["details"]["attack_check"]) == (3, {"check": "none"})
    assert "attack_suspected" not in body["facts"]["measured"], "nobody looked, so it is unknown"


def test_two_people_in_one_of_several_pictures_are_refused_at_gate_two(guest: Hotel) -> None:
    done = verify(guest.house, DEVICE, claim(), Frames((pictures.admiral(), pictures.two_faces())))

    assert isinstance(done, Refused)
    assert {finding.article for finding in done.findings} == {"18"}


def test_more_pictures_than_are_looked_at_are_refused_before_one_is(guest: Hotel) -> None:
    with pytest.raises(LimitError):
        verify(guest.house, DEVICE, claim(), Frames((b"never decoded",) * 13))


@pytest.mark.parametrize("sent", [pictures.admiral, lambda: Frames((pictures.admiral(),) * 3)])
def test_where_the_check_is_required_an_act_without_it_is_refused(guest: Hotel, sent: Callable[[], Any]) -> None:
    strict = guest.with_house(attack_check=AttackChecking.REQUIRED)

    done = verify(strict.house, DEVICE, claim(), sent())

    assert isinstance(done, Refused)
    (finding,) = done.findings
    assert (finding.pack, finding.facts) == (None, ("measured.attack_suspected",))
    assert "POST /v1/challenges" in finding.remedy.en
    assert bodies(strict)[0]["outcome"] == "refused"
    asked = ask(strict)
    shown = answer(turning(pictures.admiral(), strict.house.engine, asked.turns))
    assert isinstance(verify(strict.house, DEVICE, claim(asked), shown), Verified)


def test_where_the_check_is_off_nothing_pretends_to_it(guest: Hotel) -> None:
    asked = ask(guest)
    off = guest.with_house(attack_check=AttackChecking.OFF)
    with pytest.raises(ConflictError):
        ask(off)
    with pytest.raises(ConflictError):
        verify(off.house, DEVICE, claim(asked), answer([pictures.admiral()] * 7))
    assert isinstance(verify(off.house, DEVICE, claim(), pictures.admiral()), Verified)


def test_who_may_ask_and_for_what(hotel: Hotel) -> None:
    with pytest.raises(MalformedError):
        challenge(hotel.house, OFFICER, PURPOSE, Action.VERIFY)
    with pytest.raises(MalformedError):
        challenge(hotel.house, DEVICE, PURPOSE, Action.IDENTIFY_REMOTE)
    with pytest.raises(NotFoundError):
        challenge(hotel.house, DEVICE, "advertising", Action.VERIFY)


def test_challenges_that_are_over_go(hotel: Hotel) -> None:
    asked = ask(hotel)
    hotel.clock.forward(seconds=31)
    expire(hotel.house, OPERATOR)
    with hotel.house.database.transaction() as tx:
        assert challenges.find(tx, OPERATOR, asked.challenge_id) is None


def test_several_processes_share_challenges(guest: Hotel) -> None:
    """What one process asks, another may hear the answer to: the database has it, and nothing else."""
    asked = ask(guest)
    other = guest.with_house()
    shown = answer(turning(pictures.admiral(), guest.house.engine, asked.turns))
    assert isinstance(verify(other.house, DEVICE, claim(asked), shown), Verified)
    with pytest.raises(ConflictError):
        verify(guest.house, DEVICE, claim(asked), shown)
