"""Devices and their places: what each is to the law, which checks are due, whether it is registered as it stands."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from starlette.responses import Response

from countenance.answer import Text
from countenance.operations.activate import register
from countenance.operations.deactivate import unregister
from countenance.operations.parts import Refused
from countenance.operations.readiness import device_readiness
from countenance.pages.door import Page, Session, Visit
from countenance.reception.body import Form
from countenance.reception.words import Code
from countenance.store import activations, sites
from countenance.store.gathering import PLACE, SIGN_CURRENT

#: A check that is due so soon is shown as due.
SOON: Final = timedelta(days=14)
_ASSESSED: Final = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Check:
    """A check of a device that somebody has to make: which, and by when; late where that day is past."""

    device: str
    what: Text
    due: date | None
    late: bool


class DeviceForm(Form):
    """What an officer does with a device, and for which purpose the law is asked."""

    act: Literal["register", "unregister", "look"]
    purpose: Code | None = None


def due_checks(devices: list[dict[str, Any]], today: date) -> list[Check]:
    """Return the checks that are late or due soon, the most urgent first; one never made is late."""
    made = []
    for row in devices:
        if row["retired"]:
            continue
        for what, done, every in (
            (Text("look at the sign, and photograph it", "检查并拍摄提示标识"), row["sign_checked_on"], SIGN_CURRENT),
            (Text("assess the device's security", "评估设备安全"), row["assessed_on"], _ASSESSED),
        ):
            due = None if done is None else done + every
            if due is None or due - today <= SOON:
                made.append(Check(row["device_id"], what, due, due is None or due < today))
    return sorted(made, key=lambda check: (check.due is not None, check.due or today, check.device))


async def devices(visit: Visit) -> Response:
    """List the devices with their places and checks."""
    return await _shown(visit)


async def device(visit: Visit) -> Response:
    """Register a device where it stands, end its registration, or look what the law would find."""
    form, name = visit.form(DeviceForm), visit.request.path_params["name"]
    if form.act == "unregister":
        await visit.work(lambda: unregister(visit.house, visit.caller, name))
        return visit.go("/console/devices")
    purpose = form.purpose or ""
    if form.act == "look":
        found = await visit.work(lambda: device_readiness(visit.house, visit.caller.operator_id, name, purpose))
        return await _shown(visit, about=name, findings=[each.finding for each in found])
    done = await visit.work(lambda: register(visit.house, visit.caller, name, purpose))
    if isinstance(done, Refused):
        return await _shown(visit, about=name, findings=list(done.findings), status=403)
    return visit.go("/console/devices")


async def _shown(visit: Visit, *, status: int = 200, **about: Any) -> Response:
    today = visit.house.clock().astimezone(PLACE).date()
    operator_id = visit.caller.operator_id

    def act() -> dict[str, Any]:
        with visit.house.database.transaction() as tx:
            rows = [row for row in sites.read(tx, operator_id, "device") if not row["retired"]]
            return {
                "devices": rows,
                "places": {row["place_id"]: row for row in sites.read(tx, operator_id, "place")},
                "venues": {row["venue_id"]: row for row in sites.read(tx, operator_id, "venue")},
                "standing": activations.registered(tx, operator_id),
                "purposes": [row for row in sites.read(tx, operator_id, "purpose") if not row["retired"]],
                "checks": due_checks(rows, today),
            }

    return visit.show(
        "devices.html", status=status, **({"about": None, "findings": None} | about), **await visit.work(act)
    )


PAGES = (
    Page(method="GET", path="/console/devices", endpoint=devices, who=Session.STAFF),
    Page(method="POST", path="/console/devices/{name}", endpoint=device, who=Session.STAFF),
)
