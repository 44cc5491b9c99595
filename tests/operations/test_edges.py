"""The edges of the main line: sessions that end, two names of one guest, a no that comes in between."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from countenance.compare import Features, extract
from countenance.detect import Face, Measured, measure
from countenance.errors import NotFoundError, UnavailableError
from countenance.operations.consent import consent
from countenance.operations.identify import Unnamed, identify
from countenance.operations.parts import Identified, NotAcquired, Refused, Verified
from countenance.operations.verify import Claim, verify
from countenance.store import records, subjects
from countenance.subjects.consents import Said
from countenance.vocabulary import AgeClass, ConsentForm, Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel


def claim(ref: str, **changes: object) -> Claim:
    made = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    return replace(made, **changes)  # type: ignore[arg-type]


def search(consent: str) -> Unnamed:
    return Unnamed(consent_id=UUID(consent), purpose=PURPOSE, device_id=KIOSK, session=SESSION)


def articles(answer: object) -> set[tuple[str | None, str | None]]:
    assert isinstance(answer, Refused)
    return {(finding.pack, finding.article) for finding in answer.findings}


def bodies(hotel: Hotel) -> list[dict[str, object]]:
    with hotel.house.database.transaction() as tx:
        return [json.loads(row.body) for row in records.listed(tx, OPERATOR, most=100)]


def test_a_session_consent_serves_one_identification_at_its_device(hotel: Hotel) -> None:
    consent = hotel.consent(None, Scope.IDENTIFY)
    elsewhere = replace(search(consent), device_id="room-camera")

    with pytest.raises(NotFoundError):
        identify(hotel.house, DEVICE, elsewhere, pictures.admiral())
    assert isinstance(identify(hotel.house, DEVICE, search(consent), pictures.nobody()), NotAcquired)
    assert isinstance(identify(hotel.house, DEVICE, search(consent), pictures.admiral()), Identified)
    assert isinstance(identify(hotel.house, DEVICE, search(consent), pictures.admiral()), Refused)


def test_a_guest_under_two_names_is_found_by_the_one_that_may_be_named(hotel: Hotel) -> None:
    hotel.consent("old")
    hotel.enrol("old", pictures.admiral())
    hotel.consent("new")
    hotel.enrol("new", pictures.admiral_again(), double=True)
    with hotel.house.database.transaction() as tx:
        tx.execute(
            text(
                "UPDATE consent_event SET expires_at = now() - interval '1 day' WHERE subject_id ="
                " (SELECT subject_id FROM subject WHERE ref = 'old')"
            )
        )

    found = identify(hotel.house, DEVICE, search(hotel.consent(None, Scope.IDENTIFY)), pictures.admiral())

    assert isinstance(found, Identified)
    assert found.subject_ref == "new"


def test_a_no_that_came_first_counts_for_a_verification_under_way(
    hotel: Hotel, monkeypatch: pytest.MonkeyPatch
) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    said: list[str] = []

    def refusing(faces: Sequence[Face]) -> Measured:
        said.append(hotel.consent("guest", decision="refused"))
        return measure(faces)

    monkeypatch.setattr("countenance.detect.several.measure", refusing)

    assert isinstance(verify(hotel.house, DEVICE, claim("guest"), pictures.admiral()), Refused)
    assert said


def test_a_no_waits_for_a_verification_that_was_permitted(hotel: Hotel, monkeypatch: pytest.MonkeyPatch) -> None:
    hotel.consent("guest")
    hotel.enrol("guest", pictures.admiral())
    order: list[str] = []

    def refuse() -> None:
        hotel.consent("guest", decision="refused")
        order.append("no")

    refusing = threading.Thread(target=refuse)

    def extracting(*arguments: Any) -> Features:
        refusing.start()
        time.sleep(0.5)
        order.append("extracted")
        return extract(*arguments)

    monkeypatch.setattr("countenance.operations.verify.extract", extracting)
    answer = verify(hotel.house, DEVICE, claim("guest"), pictures.admiral())
    refusing.join()

    assert isinstance(answer, Verified)
    assert answer.match
    assert order == ["extracted", "no"]


def test_a_changed_template_stops_all_processing_until_a_restart(hotel: Hotel) -> None:
    hotel.consent("guest")
    hotel.house.alarm.set()

    with pytest.raises(UnavailableError):
        verify(hotel.house, DEVICE, claim("guest"), pictures.admiral())


def test_an_officer_corrects_an_age_class(hotel: Hotel) -> None:
    hotel.consent("child", age=AgeClass.UNDER_14)
    said = Said(
        purpose=PURPOSE,
        decision="given",
        served_id=hotel.serve(OFFICER),
        subject_ref="child",
        age_class=AgeClass.FROM_14_TO_17,
        form=ConsentForm.SEPARATE,
        scopes=(Scope.VERIFY,),
    )
    consent(hotel.house, OFFICER, said)
    with hotel.house.database.transaction() as tx:
        held = subjects.find(tx, OPERATOR, "child")

    assert held is not None
    assert held.age_class == "14_to_17"


def test_who_is_on_file_already_is_not_new(hotel: Hotel) -> None:
    row = subjects.SubjectRow(OPERATOR, uuid4(), "guest", None, b"sealed", hotel.clock(), None)
    with hotel.house.database.transaction() as tx:
        assert subjects.add(tx, row)
        assert not subjects.add(tx, replace(row, subject_id=uuid4()))
