"""How the operators' logs stand as this authority knows them: cosigned, mirrored, and with alarms."""

from dataclasses import dataclass
from datetime import datetime

from countenance.authority.alarms import Alarm
from countenance.authority.desk import Desk
from countenance.authority.seen import Party
from countenance.authority.witness import cosigned_in, mirrored_of
from countenance.log.notes import Verifier


@dataclass(frozen=True, slots=True)
class WatchedLog:
    """A log as an authority knows it: the size it cosigned last and when, the size it mirrored, every alarm."""

    origin: str
    cosigned: int | None
    cosigned_at: datetime | None
    mirrored: int | None
    alarms: tuple[Alarm, ...]


def log_of(desk: Desk, party: Party) -> WatchedLog | None:
    """Return how a party's log stands, None where it named none; raises IntegrityError for damaged files."""
    if party.log_vkey is None:
        return None
    witness, origin = desk.office.witness, Verifier.of_vkey(party.log_vkey).name
    cosigned = next((each for each in cosigned_in(witness.directory) if each.checkpoint.origin == origin), None)
    mirrored = mirrored_of(witness.directory, origin).checkpoint
    return WatchedLog(
        origin=origin,
        cosigned=None if cosigned is None else cosigned.checkpoint.size,
        cosigned_at=None if cosigned is None else cosigned.at,
        mirrored=None if mirrored is None else mirrored.size,
        alarms=tuple(witness.alarms.listed(origin)),
    )


def alarms(desk: Desk) -> list[Alarm]:
    """Return the alarms of every log; raises IntegrityError for a damaged one."""
    return desk.office.witness.alarms.listed()
