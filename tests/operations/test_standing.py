"""Where a consent stands: a fold over what was said, and the law sees the same."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from countenance.operations.consent import consent
from countenance.operations.parts import Verified
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.store import sites, subjects
from countenance.store.subjects import ConsentEvent
from countenance.subjects.standing import standings
from countenance.vocabulary import (
    ConsentState,
    Language,
    Scope,
    Variant,
)
from tests import pictures
from tests.database import (
    DEVICE,
    KIOSK,
    OPERATOR,
    PURPOSE,
    SESSION,
    Hotel,
    make_hotel,
)
from tests.operations.saying import facts, said

# The fold.


def test_a_new_yes_replaces_the_earlier_one_with_all_its_scopes(hotel: Hotel) -> None:
    hotel.consent("guest", Scope.VERIFY, Scope.ENROL)
    hotel.consent("guest", Scope.IDENTIFY)

    assert facts(hotel).scopes == (Scope.IDENTIFY,)


ACTS = st.sampled_from(["given", "given for a while", "refused", "withdrawn", "time passes", "new notice"])


@settings(max_examples=25)
@given(acts=st.lists(ACTS, min_size=1, max_size=6))
def test_the_fold_and_the_law_see_the_same(shared_hotel: Hotel, acts: list[str]) -> None:
    hotel, ref = shared_hotel, f"guest-{uuid4()}"
    consent(hotel.house, DEVICE, said(hotel.serve(), ref, decision="refused"))
    for act in acts:
        if act == "time passes":
            hotel.clock.forward(minutes=30)
        elif act == "withdrawn":
            withdraw(hotel.house, DEVICE, ref, PURPOSE)
        elif act == "new notice":
            with hotel.house.database.transaction() as tx:
                body = sites.notices(tx, OPERATOR, PURPOSE)[0]["text"]
                sites.publish_notice(tx, OPERATOR, PURPOSE, body, uuid4().bytes, hotel.clock())
        else:
            ends = hotel.clock() + timedelta(minutes=20) if act == "given for a while" else None
            decision = "refused" if act == "refused" else "given"
            consent(hotel.house, DEVICE, said(hotel.serve(), ref, decision=decision, expires_at=ends))

    with hotel.house.database.transaction() as tx:
        held = subjects.find(tx, OPERATOR, ref)
        assert held is not None
        events = subjects.events(tx, OPERATOR, held.subject_id)
        newest = {row["purpose"]: row["version"] for row in sites.notices(tx, OPERATOR)}
    (folded,) = standings(events, newest, hotel.clock())
    seen = facts(hotel, ref)
    assert folded.state is seen.state
    if seen.state is ConsentState.GIVEN:
        assert folded.notice_current is seen.notice_current
        assert tuple(Scope(scope) for scope in folded.event.scopes or []) == seen.scopes
    assert len(events) == 1 + sum(act not in {"time passes", "new notice"} for act in acts)


@pytest.fixture(scope="module")
def shared_hotel(postgres: str, engine: Any, _template: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return one hotel for many examples, each with a guest of its own."""
    from countenance.store.database import Database
    from tests.database import Clock, _to

    database = Database(_to(postgres, f"t{uuid4().hex[:16]}", create=True, template=_template))
    yield make_hotel(database, engine, Clock(), tmp_path_factory.mktemp("fold"))
    database.close()


def test_purposes_stand_each_by_itself() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    who = uuid4()

    def one(purpose: str, kind: str, minutes: int, **more: Any) -> ConsentEvent:
        made: dict[str, Any] = {
            "operator_id": OPERATOR,
            "event_id": uuid4(),
            "subject_id": who,
            "purpose": purpose,
            "kind": kind,
        }
        return ConsentEvent(at=at + timedelta(minutes=minutes), notice_version=1, **made, **more)

    events = [
        one("check-in", "given", 0),
        one("spa", "given", 1, expires_at=at + timedelta(minutes=10)),
        one("gate", "refused", 2),
        one("check-in", "withdrawn", 3),
    ]
    newest = {"check-in": 1, "spa": 2, "gate": 1}

    def states(minutes: int) -> dict[str, str]:
        return {each.purpose: each.state.value for each in standings(events, newest, at + timedelta(minutes=minutes))}

    assert states(4) == {"check-in": "withdrawn", "spa": "given", "gate": "refused"}
    assert states(10) == {"check-in": "withdrawn", "spa": "expired", "gate": "refused"}
    assert standings([], newest, at) == []
    assert {each.purpose: each.notice_current for each in standings(events, newest, at)}["spa"] is False


def test_a_guest_is_verified_after_a_notice_in_plain_language(hotel: Hotel) -> None:
    served = hotel.serve(variant=Variant.PLAIN_LANGUAGE, language=Language.ZH)
    consent(hotel.house, DEVICE, said(served))
    hotel.enrol("guest", pictures.admiral())
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)

    answer = verify(hotel.house, DEVICE, claim, pictures.admiral_again())

    assert isinstance(answer, Verified)
    assert answer.match
