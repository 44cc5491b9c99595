"""Authorisations: two other people, a window that ends, devices, persons; identification at a distance under one."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from countenance.errors import ConflictError, MalformedError, NotAllowedError, NotFoundError
from countenance.operations.activate import register
from countenance.operations.authorise import approve, ask_for, revoke
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.parts import Identified, NotAcquired, Permitted, Refused
from countenance.operations.remote import Passing, identify_remote
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store import authorisations as store
from countenance.vocabulary import Ground
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, OPERATOR, PURPOSE, Hotel
from tests.operations.governed import articles, authorised, bodies, officer, wanted, with_article

#: Draft article 10, as the readings have it, judged beside whatever packs are selected.
DISTANCE = """forbid (principal, action == Action::"identify_remote", resource)
unless {
  context has authorisation && context.authorisation.in_scope && context.authorisation.requested_by_subject &&
  context.authorisation.approvers >= 2
};"""


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel judged by article 10 too; the admiral is enrolled as `guest`, the astronaut as `other`."""
    for ref, picture in (("guest", pictures.admiral()), ("other", pictures.astronaut())):
        hotel.consent(ref)
        hotel.enrol(ref, picture)
    return with_article(hotel, "10", DISTANCE)


def look(hotel: Hotel, picture: bytes | None = None, device: str | None = KIOSK) -> object:
    passing = Passing(purpose=PURPOSE, device_id=device)
    return identify_remote(hotel.house, DEVICE, passing, picture or pictures.admiral_again())


def on_file(hotel: Hotel, authorisation_id: UUID) -> store.AuthorisationRow:
    with hotel.house.database.transaction() as tx:
        row = store.find(tx, OPERATOR, authorisation_id)
    assert row is not None
    return row


def uses(hotel: Hotel, authorisation_id: UUID) -> list[str]:
    with hotel.house.database.transaction() as tx:
        return [use["outcome"] for use in store.uses(tx, OPERATOR, authorisation_id, 100)]


def test_without_an_authorisation_nobody_is_looked_for(hotel: Hotel) -> None:
    answer = look(hotel)

    assert {(None, None), ("trial", "10")} <= articles(answer)
    assert "authorisation" not in bodies(hotel)[0]["facts"]


def test_whoever_is_named_is_found_and_nobody_else(hotel: Hotel) -> None:
    under = authorised(hotel)

    found, other = look(hotel), look(hotel, pictures.astronaut_again())

    assert isinstance(found, Identified)
    assert found.subject_ref == "guest"
    assert isinstance(other, Identified)
    assert other.subject_ref is None
    first, second = bodies(hotel)[1], bodies(hotel)[0]
    assert first["details"]["authorisation"] == second["details"]["authorisation"] == str(under)
    assert first["facts"]["authorisation"] == {
        "approvers": 2, "ground": "emergency", "in_scope": True, "requested_by_subject": True
    }  # fmt: skip
    assert second["details"]["references"] == 1, "only the person named is compared"
    assert "subject" in first
    assert "subject" not in second
    assert uses(hotel, under) == ["non_match", "match"]


def test_the_duty_to_discard_is_discharged(hotel: Hotel) -> None:
    authorised(hotel)
    look(hotel)

    assert {"pack": "cn-2023-draft", "article": "17", "duty": "discard-original"} in bodies(hotel)[0]["details"][
        "duties"
    ]


@pytest.mark.parametrize("approvers", [0, 1])
def test_two_officers_approve_or_nobody_is_looked_for(hotel: Hotel, approvers: int) -> None:
    under = authorised(hotel, approvers)

    assert {(None, None), ("trial", "10")} <= articles(look(hotel))
    assert uses(hotel, under) == ["refused"], "an attempt is listed for review"


def test_one_officer_approves_once_and_not_their_own(hotel: Hotel) -> None:
    asker, first, second = officer(hotel), officer(hotel), officer(hotel)
    row, _ = ask_for(hotel.house, asker, wanted(hotel))

    with pytest.raises(NotAllowedError):
        approve(hotel.house, asker, row.authorisation_id)
    assert approve(hotel.house, first, row.authorisation_id)[1] == 1
    with pytest.raises(ConflictError):
        approve(hotel.house, first, row.authorisation_id)
    assert (None, None) in articles(look(hotel))
    assert approve(hotel.house, second, row.authorisation_id)[1] == 2
    assert isinstance(look(hotel), Identified)


def test_a_credential_made_for_the_occasion_approves_nothing(hotel: Hotel) -> None:
    row, _ = ask_for(hotel.house, officer(hotel), wanted(hotel))
    hotel.clock.forward(seconds=1)

    with pytest.raises(NotAllowedError):
        approve(hotel.house, officer(hotel), row.authorisation_id)
    with pytest.raises(NotAllowedError):
        approve(hotel.house, OFFICER, row.authorisation_id)  # a credential nobody issued


def test_nothing_is_approved_after_the_end_or_a_revocation(hotel: Hotel) -> None:
    late = officer(hotel)
    revoked = authorised(hotel, 1)
    revoke(hotel.house, late, revoked)
    ended = authorised(hotel, 1)
    with pytest.raises(ConflictError):
        approve(hotel.house, late, revoked)
    with pytest.raises(ConflictError):
        revoke(hotel.house, late, revoked)
    hotel.clock.forward(hours=1)
    with pytest.raises(ConflictError):
        approve(hotel.house, late, ended)
    with pytest.raises(NotFoundError):
        approve(hotel.house, late, uuid4())


def test_it_ends_to_the_second(hotel: Hotel) -> None:
    authorised(hotel)
    hotel.clock.forward(minutes=59, seconds=59)
    assert isinstance(look(hotel), Identified)
    hotel.clock.forward(seconds=1)
    assert ("trial", "10") in articles(look(hotel))
    assert "authorisation" not in bodies(hotel)[0]["facts"], "an expired one is as none on file"


def test_it_does_not_begin_early(hotel: Hotel) -> None:
    authorised(hotel, starts_at=hotel.clock() + timedelta(minutes=30))
    assert ("trial", "10") in articles(look(hotel))
    assert bodies(hotel)[0]["facts"]["authorisation"]["in_scope"] is False
    hotel.clock.forward(minutes=30)
    assert isinstance(look(hotel), Identified)


def test_a_revocation_binds_at_the_next_decision(hotel: Hotel) -> None:
    under = authorised(hotel)
    assert isinstance(look(hotel), Identified)

    revoke(hotel.house, officer(hotel), under)

    assert ("trial", "10") in articles(look(hotel))
    assert on_file(hotel, under).subjects == []
    assert bodies(hotel)[1]["outcome"] == "revoked"


def second_camera(hotel: Hotel) -> str:
    """Put up and register a second device beside the first."""
    text = HOTEL.read_text("utf-8").replace(
        "          kiosk-1:\n",
        "          kiosk-2:\n            name: Another\n            sole_entry: false\n          kiosk-1:\n",
    )
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(text.encode()), hotel.clock())
    assert isinstance(register(hotel.house, OFFICER, "kiosk-2", PURPOSE), Permitted)
    return "kiosk-2"


def test_a_device_that_is_not_on_it_is_out_of_scope(hotel: Hotel) -> None:
    other = second_camera(hotel)
    authorised(hotel)

    assert ("trial", "10") in articles(look(hotel, device=other))
    assert isinstance(look(hotel), Identified)
    authorised(hotel, devices=(other,))
    assert isinstance(look(hotel, device=other), Identified), "of two, the one that fits is taken"


def test_an_authorisation_that_names_nobody_finds_nobody(hotel: Hotel) -> None:
    authorised(hotel, subjects=())

    assert {(None, None), ("trial", "10")} <= articles(look(hotel))


def test_one_for_another_purpose_is_none(hotel: Hotel) -> None:
    text = HOTEL.read_text("utf-8").replace("venues:\n", "  breakfast: {title: {en: e, zh: z}}\n\nvenues:\n")
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(text.encode()), hotel.clock())
    authorised(hotel, purpose="breakfast")

    assert ("trial", "10") in articles(look(hotel))


def test_at_nobodys_request_it_is_refused_by_the_law(hotel: Hotel) -> None:
    authorised(hotel, requested_by_subject=False)

    answer = articles(look(hotel))
    assert ("trial", "10") in answer
    assert (None, None) not in answer


def test_whoever_was_erased_is_found_no_more_and_the_others_are_not_compared(hotel: Hotel) -> None:
    under = authorised(hotel)

    erase(hotel.house, OFFICER, "guest")

    assert on_file(hotel, under).subjects == []
    assert on_file(hotel, under).subjects_named == 1
    assert ("trial", "10") in articles(look(hotel))


def test_a_moved_camera_is_refused_whatever_is_authorised(hotel: Hotel) -> None:
    authorised(hotel)
    text = HOTEL.read_text("utf-8").replace("front-desk:", "side-desk:")
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(text.encode()), hotel.clock())

    answer = look(hotel)

    assert isinstance(answer, Refused)
    assert {fact for finding in answer.findings for fact in finding.facts} == {"device.registered"}


def test_a_private_place_is_overridden_by_nothing(hotel: Hotel) -> None:
    authorised(hotel, devices=(KIOSK, "room-camera"))

    assert {("cn-2023-draft", "6"), ("cn-2025", "13")} <= articles(look(hotel, device="room-camera"))


def test_a_picture_without_a_face_is_a_failure_to_acquire(hotel: Hotel) -> None:
    under = authorised(hotel)

    assert isinstance(look(hotel, pictures.nobody()), NotAcquired)
    assert uses(hotel, under) == ["failure_to_acquire"]


def test_at_the_end_the_list_of_persons_is_destroyed_and_that_is_on_record(hotel: Hotel) -> None:
    under = authorised(hotel)
    hotel.clock.forward(minutes=59)
    expire(hotel.house, OPERATOR)
    assert on_file(hotel, under).subjects
    hotel.clock.forward(minutes=1)

    expire(hotel.house, OPERATOR)
    expire(hotel.house, OPERATOR)

    assert on_file(hotel, under).subjects == []
    ended = [body for body in bodies(hotel) if body["outcome"] == "expired" and body["kind"] == "authorisation"]
    assert [body["details"] for body in ended] == [{"authorisation": str(under), "subjects": 1}]


@pytest.mark.parametrize(
    "changes",
    [
        {"ends_at": timedelta(0)},
        {"ends_at": timedelta(hours=-1)},
        {"ends_at": timedelta(hours=24, seconds=1)},
        {"ends_at": timedelta(days=367), "ground": Ground.PUBLIC_SECURITY},
        {"starts_at": timedelta(hours=2), "ends_at": timedelta(hours=2)},
        {"starts_at": timedelta(hours=-23), "ends_at": timedelta(hours=2)},
    ],
)
def test_a_window_that_is_past_too_long_or_upside_down_is_malformed(hotel: Hotel, changes: dict[str, object]) -> None:
    made = {name: hotel.clock() + each if isinstance(each, timedelta) else each for name, each in changes.items()}

    with pytest.raises(MalformedError):
        ask_for(hotel.house, officer(hotel), wanted(hotel, **made))


def test_24_hours_is_an_emergency_and_a_year_is_an_order(hotel: Hotel) -> None:
    ask_for(hotel.house, officer(hotel), wanted(hotel, ends_at=hotel.clock() + timedelta(hours=24)))
    year = hotel.clock() + timedelta(days=366)
    ask_for(hotel.house, officer(hotel), wanted(hotel, ends_at=year, ground=Ground.NATIONAL_SECURITY))


@pytest.mark.parametrize(
    "changes", [{"purpose": "advertising"}, {"devices": ("nowhere",)}, {"devices": ()}, {"subjects": ("nobody",)}]
)
def test_what_is_not_on_file_cannot_be_named(hotel: Hotel, changes: dict[str, object]) -> None:
    with pytest.raises(NotFoundError):
        ask_for(hotel.house, officer(hotel), wanted(hotel, **changes))


def test_records_of_an_authorisation_name_no_person(hotel: Hotel) -> None:
    authorised(hotel)

    steps = [body for body in bodies(hotel) if body["kind"] == "authorisation"]
    assert [body["outcome"] for body in steps] == ["approved", "approved", "asked"]
    assert "parents" not in str(steps)
    assert "guest" not in str(steps)
