"""The venues of a dossier: places, and the devices that stand there."""

from collections.abc import Mapping
from datetime import date, tzinfo
from typing import Any

from countenance.filing.documents.dossier import DevicePart, PlacePart, VenuePart
from countenance.store import activations, sites
from countenance.store.database import Transaction
from countenance.vocabulary import PlaceKind, VenueKind

Row = Mapping[str, Any]


def venues(tx: Transaction, operator_id: str, zone: tzinfo) -> tuple[VenuePart, ...]:
    """Return what is in use of an operator's venues, each with its places and devices; days are those of the zone."""
    registered = {device: at.astimezone(zone).date() for device, at in activations.registered(tx, operator_id).items()}
    devices = _by(sites.read(tx, operator_id, "device"), "place_id")
    places = _by(sites.read(tx, operator_id, "place"), "venue_id")
    return tuple(
        _venue(
            row,
            tuple(
                _place(place, tuple(_device(each, registered) for each in devices.get(place["place_id"], ())))
                for place in places.get(row["venue_id"], ())
            ),
        )
        for row in sites.read(tx, operator_id, "venue")
        if not row["retired"]
    )


def _by(rows: list[dict[str, Any]], column: str) -> dict[str, list[Row]]:
    """Return what is in use by where it belongs."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        if not row["retired"]:
            found.setdefault(row[column], []).append(row)
    return found


def _venue(row: Row, places: tuple[PlacePart, ...]) -> VenuePart:
    location: Row = row["location"] or {}
    return VenuePart(
        id=row["venue_id"],
        name=row["name"],
        kind=VenueKind(row["kind"]),
        business=row["business"],
        address=location.get("address"),
        division=location.get("division"),
        latitude=location.get("latitude"),
        longitude=location.get("longitude"),
        places=places,
    )


def _place(row: Row, devices: tuple[DevicePart, ...]) -> PlacePart:
    return PlacePart(
        id=row["place_id"],
        name=row["name"],
        kind=PlaceKind(row["kind"]),
        private=row["private"],
        public=row["public"],
        internal=row["internal"],
        declared_by=row["declared_by"],
        declared_on=row["declared_on"],
        devices=devices,
    )


def _device(row: Row, registered: Mapping[str, date]) -> DevicePart:
    return DevicePart(
        id=row["device_id"],
        name=row["name"],
        sign_checked_on=row["sign_checked_on"],
        sign_evidence=row["sign_evidence_digest"],
        security_necessity=row["security_necessity"],
        security_necessity_expires_on=row["security_necessity_expires_on"],
        area=tuple((across, down) for across, down in row["area"]) if row["area"] else None,
        assessed_on=row["assessed_on"],
        sole_entry=row["sole_entry"],
        suspended=row["suspended"],
        registered_on=registered.get(row["device_id"]),
    )
