"""GET …/readiness of a purpose or a device: what the law would still find, before anybody asks it on record."""

from typing import Any

from countenance.answer import finding_json
from countenance.api.activate import code_of
from countenance.api.document import FindingShown
from countenance.api.door import Calling, Route
from countenance.api.wire import Shown
from countenance.operations import readiness as operation
from countenance.operations.readiness import Outstanding
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.vocabulary import Role

_WHO = (Role.OFFICER, Role.REGULATOR)


class OutstandingShown(FindingShown):
    """One article that would refuse, why, and at which devices."""

    devices: list[str]


class ReadinessAnswer(Shown):
    """Whether the law would permit it now, and every article that would refuse; nothing is done, nothing recorded."""

    ready: bool
    findings: list[OutstandingShown]


class ReadinessQuery(Form):
    """For which purpose the device is to be registered."""

    purpose: Code


async def readiness(call: Calling, code: str) -> ReadinessAnswer:
    """Say what is missing before a purpose can be activated, at which devices; nothing is done."""
    return await call.work(lambda: _answer(operation.readiness(call.house, call.caller.operator_id, code_of(code))))


async def device_readiness(call: Calling, device_id: str) -> ReadinessAnswer:
    """Say what is missing before a device can be registered where it stands now; nothing is done."""
    purpose = call.asked(ReadinessQuery).purpose
    return await call.work(
        lambda: _answer(operation.device_readiness(call.house, call.caller.operator_id, code_of(device_id), purpose))
    )


def _answer(found: tuple[Outstanding, ...]) -> ReadinessAnswer:
    shown = [{**finding_json(each.finding), "devices": list(each.devices)} for each in found]
    return ReadinessAnswer.model_validate({"ready": not shown, "findings": shown})


_EXAMPLE: dict[str, Any] = {
    "ready": False,
    "findings": [
        {
            "pack": "cn-2025",
            "article": "9",
            "outcome": "forbids",
            "facts": ["purpose.assessment"],
            "reason": {"en": "There is no current impact assessment.", "zh": "没有有效的影响评估。"},
            "remedy": {"en": "Assess, and have it signed.", "zh": "请开展评估并签署。"},
            "devices": ["kiosk-1"],
        }
    ],
}


def _route(path: str, endpoint: Any, query: type[Form] | None = None) -> Route:
    return Route(
        method="GET",
        path=path,
        endpoint=endpoint,
        roles=_WHO,
        tag="site",
        answer=ReadinessAnswer,
        example=_EXAMPLE,
        query=query,
        problems=("not_found",),
    )


ROUTES = (
    _route("/v1/purposes/{code}/readiness", readiness),
    _route("/v1/devices/{device_id}/readiness", device_readiness, ReadinessQuery),
)
