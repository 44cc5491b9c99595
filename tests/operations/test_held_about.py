"""What is held about a person: whole, in the words that were agreed to, and never a template or another's."""

import json
from dataclasses import asdict
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from countenance.errors import MalformedError, NotFoundError
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.held_about import held_about
from countenance.operations.keep_original import keep_original
from countenance.operations.parts import Kept
from countenance.operations.remote import Passing, identify_remote
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.vocabulary import RequestKind
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, SESSION, Hotel
from tests.operations.asking import asked, subject
from tests.operations.governed import authorised, bodies, keeping

SHANGHAI = ZoneInfo("Asia/Shanghai")


def claim(ref: str, device: str = KIOSK) -> Claim:
    return Claim(subject_ref=ref, purpose=PURPOSE, device_id=device, session=SESSION)


def test_the_copy_says_what_is_held_and_why(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2027, 3, 1, 23, 30, tzinfo=SHANGHAI)
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    kept = keep_original(hotel.house, DEVICE, keeping(hotel), pictures.admiral())
    assert isinstance(kept, Kept)
    hotel.clock.forward(days=1)
    hotel.enrol("guest", pictures.admiral_again())
    verify(hotel.house, DEVICE, claim("guest", ROOM_CAMERA), pictures.admiral_again())
    request = asked(hotel, kind=RequestKind.ACCESS, text="A copy, please.")

    held = held_about(hotel.house, subject(hotel))

    (purpose,) = held.purposes
    assert (purpose.purpose, purpose.title["zh"], purpose.basis) == (PURPOSE, "免排队自助入住", None)
    assert (purpose.references, purpose.until) == (2, date(2027, 4, 1))
    assert purpose.since == datetime(2027, 3, 1, 23, 30, tzinfo=SHANGHAI)
    assert [(each.original, each.expires_at) for each in purpose.originals] == [(kept.original_id, kept.expires_at)]
    (consent,) = held.consents
    assert (consent.decision, consent.notice_version, consent.device) == ("given", 1, KIOSK)
    assert "enrol" in consent.scopes
    (notice,) = held.notices
    assert notice.text["en"]["who"] == "Harbour Hotel"
    assert notice.text["zh"]["retention"].startswith("保存 30 天")
    assert (held.subject, held.age_class) == ("guest", "adult")
    assert [(each.kind, each.outcome) for each in held.records] == [
        ("request", "opened"), ("verify", "refused"), ("enrol", "enrolled"), ("keep_original", "kept"),
        ("enrol", "enrolled"), ("consent", "given"),
    ]  # fmt: skip
    refused = held.records[1]
    assert (refused.device, refused.venue) == (ROOM_CAMERA, "hotel")
    assert ("cn-2023-draft", "6") in {(each.pack, each.article) for each in refused.articles}
    assert (None, None) in {(each.pack, each.article) for each in refused.articles}, "the server itself refuses too"
    assert [(each.request, each.text) for each in held.requests] == [(request.request, "A copy, please.")]
    assert held.earlier is None


def test_reading_it_is_on_record_and_the_next_reader_sees_that(hotel: Hotel) -> None:
    hotel.consent("guest")
    first = held_about(hotel.house, OFFICER, "guest")

    record = bodies(hotel)[0]
    assert (record["kind"], record["outcome"], record["by"]) == ("access", "shown", "officer:officeroffic")
    assert record["id"] == str(first.recorded.record_id)
    assert record["subject"] == bodies(hotel)[1]["subject"]
    seen = held_about(hotel.house, subject(hotel)).records[0]
    assert (seen.record, seen.kind) == (first.recorded.record_id, "access")


def test_no_template_key_or_mark_is_in_it(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())

    copy = asdict(held_about(hotel.house, OFFICER, "guest"))
    del copy["recorded"]
    told = json.dumps(copy, default=str)

    assert len(told) > 1000
    for never in (
        "score",
        "template",
        "sealed",
        "wrapped",
        "linking",
        "model",
        "threshold",
        bodies(hotel)[0]["subject"],
    ):
        assert never not in told
    assert "bytes" not in {type(value).__name__ for value in _values(copy)}


def _values(value: object) -> list[object]:
    if isinstance(value, dict):
        return [each for inner in value.values() for each in _values(inner)]
    if isinstance(value, (list, tuple)):
        return [each for inner in value for each in _values(inner)]
    return [value]


def test_the_notice_agreed_to_is_told_and_not_the_newest(hotel: Hotel) -> None:
    hotel.consent("guest")
    newer = HOTEL.read_bytes().replace(b"who: Harbour Hotel", b"who: The Newer Hotel")
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(newer), hotel.clock())
    held = held_about(hotel.house, subject(hotel))

    assert [(each.version, each.text["en"]["who"]) for each in held.notices] == [(1, "Harbour Hotel")]


def test_a_withdrawal_stays_in_the_copy_and_what_it_destroyed_does_not(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    withdraw(hotel.house, DEVICE, "guest", PURPOSE)

    held = held_about(hotel.house, subject(hotel))

    assert [each.decision for each in held.consents] == ["given", "withdrawn"]
    (purpose,) = held.purposes
    assert (purpose.references, purpose.since, purpose.until, purpose.originals) == (0, None, None, ())


def test_the_list_of_records_goes_on_where_it_stopped(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    for _ in range(4):
        verify(hotel.house, DEVICE, claim("guest"), pictures.nobody())
        verify(hotel.house, DEVICE, claim("other"), pictures.nobody())
    caller = subject(hotel)
    whole = [each.record for each in held_about(hotel.house, caller).records]
    assert len(whole) == 5

    seen: list[object] = []
    before: UUID | None = whole[0]
    while before is not None:
        page = held_about(hotel.house, caller, most=2, before=before)
        seen += [each.record for each in page.records]
        before = page.earlier

    assert seen == whole[1:]
    others = held_about(hotel.house, OFFICER, "other").records[0].record
    assert held_about(hotel.house, caller, before=others).records == ()
    assert held_about(hotel.house, caller, before=uuid4()).records == ()


def test_an_authorisation_is_told_when_it_is_closed(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("other", pictures.astronaut())
    under = authorised(hotel)
    identify_remote(hotel.house, DEVICE, Passing(purpose=PURPOSE, device_id=KIOSK), pictures.admiral_again())
    marked = [body for body in bodies(hotel) if body["kind"] == "identify_remote" and "subject" in body]
    if not marked:
        pytest.fail("nothing of the guest is on record under the authorisation")
    assert held_about(hotel.house, OFFICER, "guest").authorisations == ()

    hotel.clock.forward(hours=2)
    expire(hotel.house, OPERATOR)

    (told,) = held_about(hotel.house, OFFICER, "guest").authorisations
    assert (told.authorisation, told.ground, told.issuer) == (under, "emergency", "City police")
    assert held_about(hotel.house, OFFICER, "other").authorisations == ()


def test_nobody_reads_what_is_another_s(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    guest = subject(hotel)

    with pytest.raises(NotFoundError):
        held_about(hotel.house, guest, "other")
    with pytest.raises(NotFoundError):
        held_about(hotel.house, OFFICER, "nobody")
    with pytest.raises(MalformedError):
        held_about(hotel.house, OFFICER)
    erase(hotel.house, OFFICER, "guest")
    with pytest.raises(NotFoundError):
        held_about(hotel.house, guest)
    assert "access" not in {body["kind"] for body in bodies(hotel)}


def test_a_consent_that_ends_sooner_ends_what_rests_on_it(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2027, 3, 1, 12, tzinfo=SHANGHAI)
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    from sqlalchemy import update

    from countenance.store.tables import consent_event

    with hotel.house.database.transaction() as tx:
        tx.execute(update(consent_event).values(expires_at=hotel.clock() + timedelta(days=3)))

    (purpose,) = held_about(hotel.house, OFFICER, "guest").purposes

    assert purpose.until == date(2027, 3, 4)
