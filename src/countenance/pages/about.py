"""What a person's file is shown with: the words for the purposes, items and devices that stand in it as codes."""

from typing import Any

from countenance.operations.held_about import HeldAbout
from countenance.pages.door import Visit
from countenance.pages.serving import HEADINGS
from countenance.store import sites
from countenance.subjects.consents import GIVEN


def held_shown(visit: Visit, held: HeldAbout) -> dict[str, Any]:
    """Return the values for `held.html`, with the purposes for which a yes can be taken back.

    A device that is retired keeps its name.
    """
    with visit.house.database.reading() as tx:
        devices = {row["device_id"]: row["name"] for row in sites.read(tx, visit.caller.operator_id, "device")}
    titles = {each.purpose: each.title for each in held.purposes}
    newest = {each.purpose: each.decision for each in held.consents}
    standing = {each.purpose for each in held.purposes if each.references or newest.get(each.purpose) == GIVEN}
    return {"held": held, "titles": titles, "headings": HEADINGS, "devices": devices, "standing": standing}
