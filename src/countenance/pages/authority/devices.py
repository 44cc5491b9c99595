"""The map of devices in public places as they were filed, with a table by division beside it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from countenance.answer import Text
from countenance.authority.seen import MapDevice
from countenance.filing.documents.words import word
from countenance.pages.authority.door import Clerks, Page, Visit
from countenance.pages.authority.mapped import mapped
from countenance.vocabulary import VenueKind


@dataclass(frozen=True, slots=True)
class Division:
    """What stands in a division: devices, venues, operators, and how many of the devices have no coordinates."""

    name: str | None
    devices: int
    venues: int
    operators: int
    unplaced: int


def by_division(devices: list[MapDevice]) -> list[Division]:
    """Return the divisions, that with the most devices first; devices that name none stand together, last."""
    found = []
    for name, number in Counter(each.filed.division for each in devices).items():
        here = [each for each in devices if each.filed.division == name]
        found.append(
            Division(
                name=name,
                devices=number,
                venues=len({(each.party_id, each.filed.venue) for each in here}),
                operators=len({each.party_id for each in here}),
                unplaced=sum(each.filed.latitude is None or each.filed.longitude is None for each in here),
            )
        )
    return sorted(found, key=lambda each: (each.name is None, -each.devices, each.name or ""))


def venue_kind(written: str) -> Text:
    """Return the words for a kind of venue, or what an operator wrote where that is no kind that is known here."""
    return word(VenueKind(written)) if written in set(VenueKind) else Text(written, written)


async def devices(visit: Visit) -> Response:
    """Show the map."""

    def act() -> dict[str, Any]:
        found = visit.desk.devices()
        return {"devices": found, "divisions": by_division(found), "map": mapped(found)}

    return visit.show("devices.html", venue_kind=venue_kind, **await visit.work(act))


PAGES = (Page(method="GET", path="/desk/map", endpoint=devices, who=Clerks()),)
