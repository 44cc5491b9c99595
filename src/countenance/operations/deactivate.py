"""Deactivate a purpose, unregister a device: an officer ends what was permitted. Never refused; binds at once.

The law is not asked: it restricts processing and not the end of it.
"""

from typing import Any

from countenance.errors import NotFoundError
from countenance.filing.changes import note_changes
from countenance.operations.parts import Caller, House
from countenance.record import Entry, Recorded, append
from countenance.store import activations, sites
from countenance.store.database import Transaction


def deactivate(house: House, caller: Caller, purpose: str) -> Recorded:
    """Let a purpose serve for nothing from the next decision on, until it is activated anew.

    A repeat is answered like the first. Raises NotFoundError for a purpose that was never on file.
    """
    with house.database.transaction() as tx:
        sites.lock(tx, caller.operator_id)  # an activation under way comes before this or after it
        if purpose not in {row["code"] for row in sites.read(tx, caller.operator_id, "purpose")}:  # retired ones count
            raise NotFoundError(
                "There is no such purpose. See GET /v1/purposes.", "没有该目的。请查看 GET /v1/purposes。"
            )
        was = activations.deactivate(tx, caller.operator_id, purpose)
        details = {"purpose": purpose, "was_active": was}
        recorded = _record(tx, house, caller, "deactivate_purpose", "deactivated", details)
        note_changes(tx, house.packs, caller.operator_id, house.clock())  # use may have stopped with it
    house.count("deactivate_purpose", "deactivated")
    return recorded


def unregister(house: House, caller: Caller, device_id: str) -> Recorded:
    """Let nothing be done at a device from the next decision on, until it is registered anew.

    A repeat is answered like the first. Raises NotFoundError for a device that was never on file.
    """
    with house.database.transaction() as tx:
        sites.lock(tx, caller.operator_id)
        if device_id not in {row["device_id"] for row in sites.read(tx, caller.operator_id, "device")}:
            raise NotFoundError("There is no such device. See GET /v1/devices.", "没有该设备。请查看 GET /v1/devices。")
        was = activations.unregister(tx, caller.operator_id, device_id)
        details = {"device": device_id, "was_registered": was}
        recorded = _record(tx, house, caller, "unregister_device", "unregistered", details)
    house.count("unregister_device", "unregistered")
    return recorded


def _record(
    tx: Transaction, house: House, caller: Caller, kind: str, outcome: str, details: dict[str, Any]
) -> Recorded:
    by = caller.named
    entry = Entry(operator_id=caller.operator_id, at=house.clock(), kind=kind, outcome=outcome, by=by, details=details)
    return append(tx, entry)
