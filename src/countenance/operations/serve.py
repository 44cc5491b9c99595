"""Serve: a notice is shown or read to somebody, before any choice, and that is on record by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from countenance.operations.parts import Caller, House
from countenance.record import Entry, Recorded, append
from countenance.store.served import ServedRow
from countenance.subjects.notices import Desk, Showing
from countenance.subjects.notices import serve as write_down
from countenance.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Served:
    """The notice that was served with its text, until when a decision may rest on it, and where that is on record."""

    served: ServedRow
    text: Mapping[str, str] = field(repr=False)
    until: datetime
    recorded: Recorded


def serve(house: House, caller: Caller, showing: Showing) -> Served:
    """Serve the notice in force and write that down; it names nobody. Raises what `subjects.notices.serve` raises."""
    at = house.clock()
    with house.database.transaction() as tx:
        served, text = write_down(tx, desk_of(caller), showing, at)
        recorded = append(
            tx,
            Entry(
                operator_id=caller.operator_id,
                at=at,
                kind="notice",
                outcome="served",
                by=caller.named,
                details={
                    "served": str(served.served_id),
                    "purpose": served.purpose,
                    "version": served.version,
                    "language": served.language,
                    "variant": served.variant,
                    "device": served.device_id,
                },
            ),
        )
    house.count("notice", "served")
    return Served(served, text, at + timedelta(minutes=house.notice_served_minutes_max), recorded)


def desk_of(caller: Caller) -> Desk:
    """Return the desk that a caller stands at."""
    return Desk(
        operator_id=caller.operator_id,
        credential_id=caller.credential_id,
        device_id=caller.device_id,
        officer=caller.role is Role.OFFICER,
    )
