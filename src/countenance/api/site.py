"""GET /v1/operator, purposes, venues, places, devices, alternatives and notices: what the operator declares."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from countenance.api.door import Call, Calling, Route
from countenance.api.wire import Bilingual, Shown
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import activations, sites
from countenance.store.database import Transaction
from countenance.vocabulary import Comparing, PlaceKind, Role, VenueKind

#: Asks since when each row of a noun is permitted what it is for; what is not there is not permitted now.
Permitted = Callable[[Transaction, str], dict[str, datetime]]

_READERS = (Role.DEVICE, Role.OFFICER, Role.REGULATOR)


class OperatorShown(Shown):
    """Who decides why and how faces are processed, and who answers for it."""

    operator_id: str
    name: str
    contact: str
    officer: str | None
    officer_contact: str | None
    minor_rules: str | None
    credit_code: str | None
    group_name: Annotated[str | None, Field(description="The legal group whose members count together.")]
    elsewhere: Annotated[
        list[dict[str, Any]] | None, Field(description="Where else faces are stored, of how many persons, who says so.")
    ]


class PurposeShown(Shown):
    """One purpose: why it needs faces, when that was assessed, and how long references are kept."""

    code: str
    title: Bilingual
    banned: bool
    necessity: str | None
    necessity_signed_by: str | None
    necessity_expires_on: date | None
    alternatives_assessed: str | None
    assessed_on: date | None
    assessment_expires_on: date | None
    assessment_signed_by: str | None
    assessment_covers: Annotated[
        bool, Field(description="Whether what was assessed is what is on file now; where not, the assessment is stale.")
    ]
    major_interest: bool | None
    public_security: bool | None
    retention_days: int | None
    comparison: Comparing
    steps_to_consent: int | None
    steps_to_withdraw: int | None
    retired: bool
    active: Annotated[bool, Field(description="Whether faces may be processed for it now, as far as that goes.")]
    activated_at: datetime | None


class VenueShown(Shown):
    """One venue."""

    venue_id: str
    name: str
    kind: VenueKind
    business: bool | None
    location: Annotated[dict[str, Any] | None, Field(description="Address, division and coordinates.")]
    retired: bool


class PlaceShown(Shown):
    """One place of a venue, and what kind of place it is to the law."""

    place_id: str
    venue_id: str
    name: str
    kind: PlaceKind
    private: bool | None
    public: bool | None
    internal: bool | None
    declared_by: str | None
    declared_on: date | None
    retired: bool


class DeviceShown(Shown):
    """One device and the place it looks at."""

    device_id: str
    place_id: str
    name: str
    sign_checked_on: date | None
    sign_evidence_digest: str | None
    security_necessity: str | None
    security_necessity_expires_on: date | None
    area: list[list[float]] | None
    assessed_on: date | None
    sole_entry: bool | None
    suspended: bool
    retired: bool
    registered: Annotated[bool, Field(description="Whether it stands now where and as what it was registered.")]
    registered_at: datetime | None


class AlternativeShown(Shown):
    """Another way to the same purpose, which needs no face."""

    alternative_id: str
    venue_id: str
    purpose: str
    title: Bilingual
    working: bool | None
    hours: dict[str, list[str]] | None
    heartbeat_minutes: int | None
    reported_working: bool | None
    reported_at: datetime | None
    retired: bool


class NoticeShown(Shown):
    """The newest notice of a purpose, by language and item; `plain` holds the items in plain language.

    What a notice lacks is absent: `plain` may be, and in a notice of an earlier format some items are.
    """

    purpose: str
    version: int
    text: dict[str, dict[str, str | dict[str, str]]]
    digest: str
    published_at: datetime


class Purposes(Shown):
    """All purposes."""

    purposes: list[PurposeShown]


class Venues(Shown):
    """All venues."""

    venues: list[VenueShown]


class Places(Shown):
    """All places."""

    places: list[PlaceShown]


class Devices(Shown):
    """All devices."""

    devices: list[DeviceShown]


class Alternatives(Shown):
    """All alternatives."""

    alternatives: list[AlternativeShown]


class Notices(Shown):
    """The newest notice of each purpose."""

    notices: list[NoticeShown]


class NoticesQuery(Form):
    """Of which purpose."""

    purpose: Annotated[Code | None, Field(description="Only the notice of this purpose.")] = None


async def _rows(call: Call, noun: str, permitted: Permitted | None = None) -> list[dict[str, Any]]:
    """Return the rows of a noun; with `permitted`, each with the instant since when that holds, under `since`."""

    def act() -> list[dict[str, Any]]:
        operator_id = call.caller.operator_id
        with call.house.database.transaction() as tx:
            rows = sites.read(tx, operator_id, noun)
            since = {} if permitted is None else permitted(tx, operator_id)
        (key,) = sites.key_columns(noun)
        return rows if permitted is None else [{**row, "since": since.get(row[key])} for row in rows]

    return [{name: value for name, value in row.items() if name != "operator_id"} for row in await call.work(act)]


async def operator(call: Calling) -> OperatorShown:
    """Say who the operator is and who answers for the protection of the data."""
    (row,) = await _rows(call, "operator")
    return OperatorShown(operator_id=call.caller.operator_id, **row)


async def purposes(call: Calling) -> Purposes:
    """List the purposes."""
    rows = await _rows(call, "purpose", activations.active)
    for row in rows:
        row["activated_at"] = row.pop("since")
        row["active"] = row["activated_at"] is not None
        covers = row.pop("assessed_configuration"), row.pop("configuration")
        row["assessment_covers"] = covers[0] is not None and covers[0] == covers[1]
    return Purposes.model_validate({"purposes": rows})


async def venues(call: Calling) -> Venues:
    """List the venues."""
    return Venues.model_validate({"venues": await _rows(call, "venue")})


async def places(call: Calling) -> Places:
    """List the places."""
    return Places.model_validate({"places": await _rows(call, "place")})


async def devices(call: Calling) -> Devices:
    """List the devices."""
    rows = await _rows(call, "device", activations.registered)
    for row in rows:
        row["registered_at"] = row.pop("since")
        row["registered"] = row["registered_at"] is not None
    return Devices.model_validate({"devices": rows})


async def alternatives(call: Calling) -> Alternatives:
    """List the ways that need no face."""
    return Alternatives.model_validate({"alternatives": await _rows(call, "alternative")})


async def notices(call: Calling) -> Notices:
    """List the newest notice of each purpose: read it, show it, then ask."""
    query = call.asked(NoticesQuery)

    def act() -> Notices:
        with call.house.database.transaction() as tx:
            rows = sites.notices(tx, call.caller.operator_id, query.purpose)
        return Notices(
            notices=[
                NoticeShown(
                    purpose=row["purpose"],
                    version=row["version"],
                    text=row["text"],
                    digest=f"sha256:{bytes(row['digest']).hex()}",
                    published_at=row["published_at"],
                )
                for row in rows
            ]
        )

    return await call.work(act)


def _route(name: str, endpoint: Any, answer: type[Shown], example: dict[str, Any], query: Any = None) -> Route:
    return Route(
        method="GET",
        path=f"/v1/{name}",
        endpoint=endpoint,
        roles=_READERS,
        tag="site",
        answer=answer,
        example=example,
        query=query,
    )


_OPERATOR = {
    "operator_id": "harbour-hotel",
    "name": "Harbour Hotel",
    "contact": "privacy@harbour-hotel.example",
    "officer": "The protection officer",
    "officer_contact": "officer@harbour-hotel.example",
    "minor_rules": None,
    "credit_code": None,
    "group_name": None,
    "elsewhere": None,
}
_PURPOSE = {
    "code": "check-in",
    "title": {"en": "Check-in without waiting at the desk", "zh": "免排队自助入住"},
    "banned": False,
    "necessity": "Guests who choose it open their room without waiting; the desk stays open for all.",
    "necessity_signed_by": "The general manager",
    "necessity_expires_on": "2027-12-31",
    "alternatives_assessed": "Key card at the desk.",
    "assessed_on": "2026-10-01",
    "assessment_expires_on": "2027-09-30",
    "assessment_signed_by": "The protection officer",
    "assessment_covers": True,
    "major_interest": False,
    "public_security": False,
    "retention_days": 30,
    "comparison": "plain",
    "steps_to_consent": 2,
    "steps_to_withdraw": 1,
    "retired": False,
    "active": True,
    "activated_at": "2026-11-01T02:00:00Z",
}
_VENUE = {
    "venue_id": "harbour",
    "name": "Harbour Hotel",
    "kind": "hotel",
    "business": True,
    "location": {"division": "310101", "latitude": 31.23, "longitude": 121.49},
    "retired": False,
}
_PLACE = {
    "place_id": "front-desk",
    "venue_id": "harbour",
    "name": "The counter in the lobby",
    "kind": "counter",
    "private": False,
    "public": False,
    "internal": False,
    "declared_by": "The general manager",
    "declared_on": "2026-10-01",
    "retired": False,
}
_DEVICE = {
    "device_id": "kiosk-1",
    "place_id": "front-desk",
    "name": "The kiosk beside the desk",
    "sign_checked_on": "2026-11-01",
    "sign_evidence_digest": "6b1f0c7e0d5a5f3d9a4c8f1e2b7d6a90c3e8f5174b2a6d09e1c7f3b58a4d2e60",
    "security_necessity": None,
    "security_necessity_expires_on": None,
    "area": [[0, 0], [1, 0], [1, 1], [0, 1]],
    "assessed_on": "2026-10-01",
    "sole_entry": False,
    "suspended": False,
    "retired": False,
    "registered": True,
    "registered_at": "2026-11-01T02:00:00Z",
}
_ALTERNATIVE = {
    "alternative_id": "desk",
    "venue_id": "harbour",
    "purpose": "check-in",
    "title": {"en": "Key card at the desk", "zh": "前台办理房卡"},
    "working": True,
    "hours": None,
    "heartbeat_minutes": None,
    "reported_working": None,
    "reported_at": None,
    "retired": False,
}
_NOTICE = {
    "purpose": "check-in",
    "version": 1,
    "text": {"en": {"who": "Harbour Hotel"}, "zh": {"who": "海港酒店"}},
    "digest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "published_at": "2026-11-01T00:00:00Z",
}

ROUTES = (
    _route("operator", operator, OperatorShown, _OPERATOR),
    _route("purposes", purposes, Purposes, {"purposes": [_PURPOSE]}),
    _route("venues", venues, Venues, {"venues": [_VENUE]}),
    _route("places", places, Places, {"places": [_PLACE]}),
    _route("devices", devices, Devices, {"devices": [_DEVICE]}),
    _route("alternatives", alternatives, Alternatives, {"alternatives": [_ALTERNATIVE]}),
    _route("notices", notices, Notices, {"notices": [_NOTICE]}, NoticesQuery),
)
