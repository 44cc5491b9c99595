"""What a person's file is shown with: the words for the purposes, items and devices that stand in it as codes."""

from typing import Any

from countenance.operations.held_about import HeldAbout
from countenance.pages.door import Visit
from countenance.pages.serving import HEADINGS
from countenance.store import sites


def held_shown(visit: Visit, held: HeldAbout) -> dict[str, Any]:
    """Return the values for `held.html`; a device that is retired keeps its name."""
    with visit.house.database.reading() as tx:
        devices = {row["device_id"]: row["name"] for row in sites.read(tx, visit.caller.operator_id, "device")}
    titles = {each.purpose: each.title for each in held.purposes}
    return {"held": held, "titles": titles, "headings": HEADINGS, "devices": devices}
