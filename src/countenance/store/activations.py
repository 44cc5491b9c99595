"""Which purposes are active and which devices are registered: what the law permitted, beside what the site declares."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store import declared
from countenance.store.database import Transaction
from countenance.store.on_file import ACTIVE, STANDING
from countenance.store.permitted_tables import active_purpose, registered_device
from countenance.store.tables import alternative, device, place


def activate(tx: Transaction, operator_id: str, purpose: str, by: str, at: datetime) -> None:
    """Make a purpose active; one that is active already is activated anew."""
    said = {"activated_at": at, "activated_by": by}
    row = {"operator_id": operator_id, "purpose": purpose, **said}
    tx.execute(insert(active_purpose).values(row).on_conflict_do_update(index_elements=_key("purpose"), set_=said))


def register(
    tx: Transaction, operator_id: str, device_id: str, standing: Mapping[str, Any], by: str, at: datetime
) -> None:
    """Register a device where it stands now; it stays registered for as long as it stands so."""
    said = {"standing": dict(standing), "registered_at": at, "registered_by": by}
    row = {"operator_id": operator_id, "device_id": device_id, **said}
    tx.execute(insert(registered_device).values(row).on_conflict_do_update(index_elements=_key("device_id"), set_=said))


def _key(name: str) -> list[str]:
    return ["operator_id", name]


def deactivate(tx: Transaction, operator_id: str, purpose: str) -> bool:
    """Let a purpose be active no longer, and return whether it was."""
    mine = active_purpose.c.operator_id == operator_id, active_purpose.c.purpose == purpose
    return tx.execute(active_purpose.delete().where(*mine)).rowcount == 1


def unregister(tx: Transaction, operator_id: str, device_id: str) -> bool:
    """Let a device be registered no longer, wherever it stands, and return whether it was anywhere."""
    mine = registered_device.c.operator_id == operator_id, registered_device.c.device_id == device_id
    return tx.execute(registered_device.delete().where(*mine)).rowcount == 1


def active(tx: Transaction, operator_id: str) -> dict[str, datetime]:
    """Return the purposes that a decision finds active now, each with when it was activated."""
    return {row.code: row.activated_at for row in tx.execute(ACTIVE, {"operator_id": operator_id})}


def registered(tx: Transaction, operator_id: str) -> dict[str, datetime]:
    """Return the devices that a decision finds registered where they stand now, each with when it was registered."""
    rows = tx.execute(STANDING, {"operator_id": operator_id})
    return {row.device_id: row.registered_at for row in rows if declared.registered(row)}


def devices_for(tx: Transaction, operator_id: str, purpose: str) -> list[str]:
    """Return the devices of the venues where a purpose has another way, or of all venues where it has none anywhere."""
    ways = select(alternative.c.venue_id).where(
        alternative.c.operator_id == operator_id, alternative.c.purpose == purpose, alternative.c.retired.is_(False)
    )
    query = (
        select(device.c.device_id)
        .join(place, (place.c.operator_id == device.c.operator_id) & (place.c.place_id == device.c.place_id))
        .where(
            device.c.operator_id == operator_id,
            device.c.retired.is_(False),
            or_(~exists(ways), place.c.venue_id.in_(ways)),
        )
        .order_by(device.c.device_id)
    )
    return list(tx.execute(query).scalars())
