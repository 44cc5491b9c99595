"""Devices and their places: what each is to the law, which checks are due, and whether it is registered as it stands."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from countenance.answer import Text
from countenance.store.gathering import SIGN_CURRENT

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
