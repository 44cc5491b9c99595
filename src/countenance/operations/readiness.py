"""Readiness: a dry look at what the law would still find, before a purpose is activated or a device registered.

Nothing is done and nothing recorded; whoever then activates asks the law again.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from countenance.answer import Finding, Refusal
from countenance.operations.activate import ask_at_devices, ask_to_register
from countenance.operations.parts import House
from countenance.operations.steps import Asked


@dataclass(frozen=True, slots=True)
class Outstanding:
    """One article that would refuse, and the devices at which it would; none where no device is on file."""

    finding: Finding
    devices: tuple[str, ...]


def readiness(house: House, operator_id: str, purpose: str) -> tuple[Outstanding, ...]:
    """Return what stands between a purpose and its activation now; nothing where the law would permit it.

    Raises NotFoundError for a purpose that is not on file, UnavailableError where nothing is processed at all.
    """
    with house.database.transaction() as tx:
        return _outstanding(ask_at_devices(tx, house, operator_id, purpose))


def device_readiness(house: House, operator_id: str, device_id: str, purpose: str) -> tuple[Outstanding, ...]:
    """Return what stands between a device and its registration where it stands now, for a purpose.

    Raises NotFoundError for a device that is not on file, UnavailableError where nothing is processed at all.
    """
    with house.database.transaction() as tx:
        return _outstanding([ask_to_register(tx, house, operator_id, device_id, purpose)])


def _outstanding(asked: Iterable[Asked]) -> tuple[Outstanding, ...]:
    found: dict[Finding, list[str]] = {}
    for each in asked:
        if isinstance(each.answer, Refusal):
            for finding in each.answer.findings:
                at = found.setdefault(finding, [])
                if each.question.device_id is not None:
                    at.append(each.question.device_id)
    return tuple(Outstanding(finding, tuple(devices)) for finding, devices in found.items())
