"""Receipts: the holder of one, without an account, sees what it is about and every use of the consent."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from countenance.errors import ConflictError, NotAllowedError, NotFoundError
from countenance.operations import receipts
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Caller, Identified, Refused, Verified
from countenance.store import records
from countenance.vocabulary import ReceiptKind, Role, Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel
from tests.operations.receipt import claimed, counted, held, receipt_for, refusing, said_yes, shown, token_of


def test_a_receipt_says_what_why_under_which_article_until_when_and_where_on_record(hotel: Hotel) -> None:
    done = said_yes(hotel, "guest", expires_at=hotel.clock() + timedelta(days=9))

    seen = receipts.show(hotel.house, held(hotel, token_of(done)))

    assert (seen.kind, seen.state, seen.certificate) == (ReceiptKind.CONSENT, "given", None)
    assert seen.operator["contact"]
    about = seen.about
    assert about is not None
    assert (about.use.action, about.use.outcome) == ("consent", "given")
    assert set(about.scopes) == {scope.value for scope in Scope}
    assert about.purpose is not None
    assert about.purpose["title"]["zh"]
    assert about.notice_version == 1
    assert {("cn-2023-draft", "5"), ("cn-2025", "6")} <= refusing(about.use)
    assert {each["outcome"] for each in about.use.articles} == {"asks"}
    assert about.use.packs["cn-2025"]["edition"].startswith("sha256:")
    assert about.ends_at == (hotel.clock() + timedelta(days=9)).isoformat()
    assert about.retention_days == 30
    assert about.use.record == done.recorded.as_json()
    assert about.use.device is not None
    assert about.use.device.device_id == KIOSK
    assert (about.number > 0, about.intact) == (True, True)


def test_every_use_is_shown_refusals_too_and_the_newest_first(hotel: Hotel) -> None:
    claimed(hotel, "guest", pictures.admiral())  # before the consent, so not a use of it
    holder = receipt_for(hotel, "guest", scopes=(Scope.ENROL, Scope.OFF_DEVICE_STORAGE, Scope.VERIFY))
    hotel.consent("other")
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("other", pictures.astronaut())
    claimed(hotel, "guest", pictures.admiral_again())
    claimed(hotel, "guest", pictures.astronaut())
    claimed(hotel, "other", pictures.astronaut())
    claimed(hotel, "guest", pictures.nobody())
    claimed(hotel, "guest", pictures.admiral(), device_id="room-camera")
    claimed(hotel, "guest", pictures.admiral(), purpose="advertising")

    found = receipts.uses(hotel.house, holder)

    assert shown(found) == [
        ("verify", "refused"),
        ("verify", "failure_to_acquire"),
        ("verify", "non_match"),
        ("verify", "match"),
        ("enrol", "enrolled"),
    ]
    assert {("cn-2023-draft", "6"), ("cn-2025", "13")} <= refusing(found.uses[0])
    assert [use.articles for use in found.uses[1:]] == [(), (), (), ()]
    assert found.uses[3].device is not None
    assert (found.uses[3].device.device_id, found.uses[3].device.venue) == (KIOSK, "Harbour Hotel")
    assert found.following is None
    with hotel.house.database.transaction() as tx:
        for use in found.uses:
            row = records.find(tx, OPERATOR, UUID(use.record["id"]))
            assert row is not None
            assert use.record["digest"] == f"sha256:{row.digest.hex()}"


def test_uses_come_in_pages_that_lose_and_repeat_nothing(hotel: Hotel) -> None:
    holder = receipt_for(hotel, "guest")
    for _ in range(5):
        claimed(hotel, "guest", pictures.nobody())

    pages, before = [], None
    while True:
        page = receipts.uses(hotel.house, holder, before=before, most=2)
        pages.append([use.record["id"] for use in page.uses])
        claimed(hotel, "guest", pictures.nobody())  # what comes while somebody reads moves no page
        before = page.following
        if before is None:
            break

    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({each for page in pages for each in page}) == 5
    with pytest.raises(NotFoundError):
        receipts.uses(hotel.house, holder, before=UUID(int=7))


def test_a_receipt_shows_the_uses_of_its_own_consent_and_not_of_a_later_one(hotel: Hotel) -> None:
    first = receipt_for(hotel, "guest")
    hotel.enrol("guest", pictures.admiral())
    second = receipt_for(hotel, "guest")
    claimed(hotel, "guest", pictures.admiral())

    assert shown(receipts.uses(hotel.house, first)) == [("enrol", "enrolled")]
    assert shown(receipts.uses(hotel.house, second)) == [("verify", "match")]
    assert receipts.show(hotel.house, first).state == "replaced"
    assert receipts.show(hotel.house, second).state == "given"


def test_a_guest_without_an_account_sees_the_identification_though_it_stands_under_the_residents_mark(
    hotel: Hotel,
) -> None:
    resident = receipt_for(hotel, "resident")
    hotel.enrol("resident", pictures.admiral())
    done = said_yes(hotel, None)
    passer_by = receipt_for(hotel, None)
    search = Unnamed(consent_id=done.consent_id, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    assert isinstance(identify(hotel.house, DEVICE, search, pictures.admiral_again()), Identified)

    assert shown(receipts.uses(hotel.house, held(hotel, token_of(done)))) == [("identify", "match")]
    assert shown(receipts.uses(hotel.house, resident)) == [("identify", "match"), ("enrol", "enrolled")]
    assert shown(receipts.uses(hotel.house, passer_by)) == []
    assert receipts.show(hotel.house, held(hotel, token_of(done))).state == "withdrawn"  # it has served


def test_the_receipt_of_a_use_shows_that_use_and_can_do_nothing_else(hotel: Hotel) -> None:
    receipt_for(hotel, "guest", expires_at=hotel.clock() + timedelta(days=9))
    hotel.enrol("guest", pictures.admiral())
    stranger = claimed(hotel, "guest", pictures.astronaut())
    assert isinstance(stranger, Verified)

    holder = held(hotel, receipts.take(hotel.house, DEVICE, stranger.recorded.record_id).token)

    seen = receipts.show(hotel.house, holder)
    assert (seen.kind, seen.state) == (ReceiptKind.USE, None)
    assert seen.about is not None
    assert (seen.about.use.action, seen.about.use.outcome) == ("verify", "non_match")
    assert seen.about.ends_at is None, "a stranger learns until when the subject consented"
    assert seen.about.purpose is not None
    assert seen.about.use.record["id"] == str(stranger.recorded.record_id)
    for ask in (receipts.uses, receipts.withdraw, receipts.certificate):
        with pytest.raises(NotAllowedError) as raised:
            ask(hotel.house, holder)
        assert raised.value.known
    assert counted(hotel, "subject_key") == 1


def test_the_receipt_of_a_refusal_names_the_articles(hotel: Hotel) -> None:
    refused = claimed(hotel, "nobody-we-know", pictures.admiral())
    assert isinstance(refused, Refused)

    taken = receipts.take(hotel.house, DEVICE, refused.recorded.record_id)

    seen = receipts.show(hotel.house, held(hotel, taken.token))
    assert seen.about is not None
    assert {("cn-2023-draft", "5"), ("cn-2025", "6")} <= refusing(seen.about.use)
    assert taken.expires_at == seen.expires_at == hotel.clock() + timedelta(days=1095)


def test_the_receipt_of_a_use_is_taken_once_soon_and_by_who_made_the_record(hotel: Hotel) -> None:
    said = said_yes(hotel, "guest")
    done = [claimed(hotel, "guest", pictures.nobody()).recorded.record_id for _ in range(3)]
    other = Caller(OPERATOR, "otherkiosk22", Role.DEVICE, device_id=KIOSK)

    for caller, record_id in (
        (other, done[0]),  # another device's
        (OFFICER, done[0]),  # another role's
        (replace(DEVICE, operator_id="another-hotel"), done[0]),
        (DEVICE, said.recorded.record_id),  # not a use
        (DEVICE, UUID(int=1)),
    ):
        with pytest.raises(NotFoundError):
            receipts.take(hotel.house, caller, record_id)
    hotel.clock.forward(minutes=10)
    receipts.take(hotel.house, DEVICE, done[1])
    with pytest.raises(ConflictError):
        receipts.take(hotel.house, DEVICE, done[1])
    hotel.clock.forward(seconds=1)
    with pytest.raises(NotFoundError):
        receipts.take(hotel.house, DEVICE, done[2])
    assert counted(hotel, "receipt") == 2
