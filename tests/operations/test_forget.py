"""Forgetting: retention ends by the day at the place of the law, erasure reaches everything, records unlink."""

import json
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from countenance.errors import NotFoundError
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Identified
from countenance.operations.withdraw import withdraw
from countenance.store import records, subjects
from countenance.vocabulary import Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel

SHANGHAI = ZoneInfo("Asia/Shanghai")


def test_a_reference_lives_through_its_last_day_and_not_beyond(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2027, 3, 1, 23, 30, tzinfo=SHANGHAI)
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())

    hotel.clock.now = datetime(2027, 3, 31, 23, 59, tzinfo=SHANGHAI)  # day 30
    assert expire(hotel.house, OPERATOR) == []
    hotel.clock.now = datetime(2027, 4, 1, 0, 1, tzinfo=SHANGHAI)  # day 31
    (gone,) = expire(hotel.house, OPERATOR)

    assert (gone.keys, gone.references) == (1, 1)
    assert len(hotel.house.projection) == 0
    assert expire(hotel.house, OPERATOR) == []


def test_each_reference_lives_as_long_as_its_own_days(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2027, 3, 1, 12, tzinfo=SHANGHAI)
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    hotel.clock.forward(days=20)
    hotel.enrol("guest", pictures.admiral_again())
    hotel.clock.forward(days=20)

    (gone,) = expire(hotel.house, OPERATOR)

    assert (gone.keys, gone.references) == (0, 1)
    assert len(hotel.house.projection) == 1


def test_a_later_no_destroys_what_an_earlier_yes_kept(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())

    hotel.consent("guest", decision="refused")

    assert len(hotel.house.projection) == 0
    receipt = withdraw(hotel.house, DEVICE, "guest", PURPOSE)
    assert (receipt.destroyed.keys, receipt.destroyed.references) == (0, 0)


def test_what_rests_on_an_expired_consent_goes_with_it(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.consent("other")
    hotel.enrol("guest", pictures.admiral())
    hotel.enrol("other", pictures.astronaut())
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "UPDATE consent_event SET expires_at = now() - interval '1 minute' WHERE subject_id ="
                " (SELECT subject_id FROM subject WHERE ref = 'guest')"
            )
        )

    (gone,) = expire(hotel.house, OPERATOR)

    assert (gone.keys, gone.references) == (1, 1)
    assert len(hotel.house.projection) == 1


@pytest.mark.parametrize("forget", ["withdraw", "erase"])
def test_no_table_holds_what_was_destroyed(hotel: Hotel, forget: str) -> None:
    hotel.consent("the-guest-in-412")
    hotel.enrol("the-guest-in-412", pictures.admiral())
    with hotel.house.database.transaction() as tx:
        sealed, wrapped = tx.execute(
            text("SELECT sealed, wrapped FROM reference JOIN subject_key USING (operator_id, subject_id, purpose)")
        ).one()

    if forget == "withdraw":
        withdraw(hotel.house, DEVICE, "the-guest-in-412", PURPOSE)
    else:
        erase(hotel.house, OFFICER, "the-guest-in-412")

    rows = _everything(hotel)
    assert len(rows) > 10
    for piece in (bytes(sealed).hex(), bytes(wrapped).hex()):
        assert not any(piece[:64] in row for row in rows)
    assert any("the-guest-in-412" in row for row in rows) == (forget == "withdraw")


def test_records_of_an_erased_subject_stay_and_can_no_longer_be_tied_to_it(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    with hotel.house.database.transaction() as tx:
        subject = subjects.find(tx, OPERATOR, "guest")
        assert subject is not None
        assert subject.linking_key is not None
        mark = hotel.house.vault(OPERATOR).mark(subject.linking_key, subject.subject_id)
        before = len(records.listed(tx, OPERATOR, most=100, subject_mark=mark))
    assert before == 2

    erase(hotel.house, OFFICER, "guest")

    with hotel.house.database.transaction() as tx:
        assert len(records.listed(tx, OPERATOR, most=100)) == 4, "with the notice that was served, to nobody by name"
        gone = subjects.find_id(tx, OPERATOR, subject.subject_id)
        assert gone is not None
        assert (gone.ref, gone.linking_key, gone.age_class) == (None, None, None)


@pytest.mark.parametrize("wholly", [True, False])
@pytest.mark.parametrize("gone", ["admiral", "astronaut"])
def test_who_was_forgotten_is_found_by_no_operation(hotel: Hotel, gone: str, wholly: bool) -> None:
    shots = {"admiral": pictures.admiral(), "astronaut": pictures.astronaut()}
    for ref, shot in shots.items():
        hotel.consent(ref)
        hotel.enrol(ref, shot)
    if wholly:
        erase(hotel.house, OFFICER, gone)
    else:
        withdraw(hotel.house, DEVICE, gone, PURPOSE)

    found = {}
    for ref, shot in shots.items():
        consent = UUID(hotel.consent(None))
        search = Unnamed(consent_id=consent, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
        answer = identify(hotel.house, DEVICE, search, shot)
        assert isinstance(answer, Identified)
        found[ref] = answer.subject_ref

    assert found == {ref: None if ref == gone else ref for ref in shots}


def test_a_session_without_an_account_is_unlinked_after_a_day(hotel: Hotel) -> None:
    hotel.consent("guest")
    session = UUID(hotel.consent(None, Scope.IDENTIFY))
    hotel.clock.forward(hours=25)

    expire(hotel.house, OPERATOR)

    with hotel.house.database.transaction() as tx:
        event = subjects.find_event(tx, OPERATOR, session)
        assert event is not None
        unlinked = subjects.find_id(tx, OPERATOR, event.subject_id)
        guest = subjects.find(tx, OPERATOR, "guest")
    assert unlinked is not None
    assert unlinked.linking_key is None
    assert guest is not None
    assert guest.linking_key is not None


def test_a_purpose_nobody_declared_cannot_be_withdrawn_from(hotel: Hotel) -> None:
    hotel.consent("guest")

    with pytest.raises(NotFoundError):
        withdraw(hotel.house, DEVICE, "guest", "advertising")


def test_records_hold_no_picture_name_or_score(hotel: Hotel) -> None:
    hotel.consent("the-guest-in-412")
    hotel.enrol("the-guest-in-412", pictures.admiral())
    with hotel.house.database.transaction() as tx:
        bodies = [json.loads(row.body) for row in records.listed(tx, OPERATOR, most=10)]

    assert [body["kind"] for body in bodies] == ["enrol", "consent", "notice"]
    for body in bodies:
        assert "the-guest" not in json.dumps(body)
        for words in _keys(body):
            assert not {"score", "distance", "similarity", "template", "features"} & set(words.split("_"))


def _keys(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in _keys(inner))]
    return [key for inner in value for key in _keys(inner)] if isinstance(value, list) else []


def _everything(hotel: Hotel) -> list[str]:
    """Return every row of every table as text, bytes in hexadecimal."""
    with hotel.house.database.transaction() as tx:
        names = tx.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        return [row for name in names for row in tx.execute(text(f'SELECT t::text FROM "{name}" t')).scalars()]
