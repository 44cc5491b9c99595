"""What tests of notices and consents share: a decision to write down, a site to publish, and what came of it."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from countenance.law.strict_yaml import read_yaml
from countenance.operations.parts import Caller
from countenance.sites.apply import apply
from countenance.sites.declaration import Site
from countenance.store import records, subjects
from countenance.store.gathering import Question, gather
from countenance.store.subjects import ConsentEvent
from countenance.subjects.consents import Paper, Said
from countenance.vocabulary import (
    Action,
    AgeClass,
    ConsentForm,
    Role,
    Scope,
)
from tests.database import (
    HOTEL,
    KIOSK,
    OFFICER,
    OPERATOR,
    PURPOSE,
    ROOM_CAMERA,
    Hotel,
)

SHEET = Paper(1, bytes(32))
OTHERS = (
    Caller(OPERATOR, "camera222222", Role.DEVICE, device_id=ROOM_CAMERA),
    OFFICER,
)


def said(served: UUID | None, ref: str | None = "guest", **changes: object) -> Said:
    """Return a yes to being verified."""
    made = Said(
        purpose=PURPOSE,
        decision="given",
        served_id=served,
        subject_ref=ref,
        age_class=AgeClass.ADULT,
        form=ConsentForm.SEPARATE,
        scopes=(Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def declared(**changes: Any) -> Site:
    """Return the hotel with a second purpose, and its first one changed."""
    document = read_yaml(HOTEL.read_text("utf-8"), "the site file")
    document["purposes"]["spa"] = document["purposes"]["check-in"]
    document["purposes"]["check-in"] = document["purposes"]["check-in"] | changes
    return Site.model_validate(document)


def publish(hotel: Hotel, site: Site) -> None:
    with hotel.house.database.transaction() as tx:
        apply(tx, site, hotel.clock())


def republish(hotel: Hotel) -> None:
    """Publish version 2 of the notice of check-in: one sentence differs."""
    document = read_yaml(HOTEL.read_text("utf-8"), "the site file")
    document["purposes"]["check-in"]["notice"]["en"]["rights"] = "See what is held, have it corrected, and withdraw."
    publish(hotel, Site.model_validate(document))


def entries(hotel: Hotel, kind: str) -> list[dict[str, Any]]:
    with hotel.house.database.transaction() as tx:
        return [json.loads(row.body) for row in records.listed(tx, OPERATOR, most=100, kind=kind)]


def event(hotel: Hotel, consent_id: UUID) -> ConsentEvent:
    with hotel.house.database.transaction() as tx:
        found = subjects.find_event(tx, OPERATOR, consent_id)
    assert found is not None
    return found


def facts(hotel: Hotel, ref: str = "guest") -> Any:
    question = Question(
        operator_id=OPERATOR, action=Action.VERIFY, at=hotel.clock(), purpose=PURPOSE, subject_ref=ref, device_id=KIOSK
    )
    with hotel.house.database.transaction() as tx:
        return gather(tx, question).facts.consent
