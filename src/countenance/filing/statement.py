"""The statement: the count with its bounds, its peak and its days, the lines, the duties and the signals, as JSON.

It exists below every line as above it: whoever keeps 9,900 faces states that. Once a day it goes on record, and so into
the log; what is sent or handed over is the same object, signed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from countenance.filing.duty import FilingReport, reports
from countenance.filing.signals import group_bounds, signals
from countenance.law.pack import Pack
from countenance.store import persons, sites
from countenance.store.database import Transaction
from countenance.store.gathering import PLACE
from countenance.store.persons import Figures

FORMAT: Final = 1
#: A statement that is handed over holds the days of a quarter.
QUARTER_DAYS: Final = 92
_METHOD: Final = {
    "en": "Distinct persons of whom a template or an original is stored, by identifier and never by comparing faces. "
    "Upper: the plain sum of this server, of whom a backup still holds, and of what is declared elsewhere. Lower: the "
    "largest of these alone.",
    "zh": "按标识统计存有模板或原始图像的不同个人，绝不比对人脸。上限：本系统、备份中仍存及另行申报人数之和；"
    "下限：其中最大者。",
}  # fmt: skip


def lower(tx: Transaction, operator_id: str, now: Figures) -> int:
    """Return of how many persons at least something is stored: no place holds more than all of them together."""
    operators = sites.read(tx, operator_id, "operator")
    declared = [int(each["persons"]) for row in operators for each in row["elsewhere"] or []]
    return max([now.persons, *declared])


def statement(
    tx: Transaction, packs: Sequence[Pack], operator_id: str, at: datetime, *, days: int = QUARTER_DAYS
) -> dict[str, Any]:
    """Return what an operator states of its count at an instant, with the series of so many days."""
    now, today = persons.figures(tx, operator_id), at.astimezone(PLACE).date()
    (operator,) = sites.read(tx, operator_id, "operator")
    group = group_bounds(tx, operator_id)
    return {
        "format": FORMAT,
        "operator": operator_id,
        "at": at.isoformat(),
        "day": today.isoformat(),
        "persons": {
            "lower": lower(tx, operator_id, now),
            "upper": now.upper,
            "stored": now.persons,
            "in_backups": now.in_backups,
            "highest": now.highest,
            "highest_ever": now.highest_ever,
            "cumulative": now.cumulative,
        },
        "elsewhere": [
            {name: each[name] for name in ("name", "kind", "persons")} for each in operator["elsewhere"] or []
        ],
        "group": None if group is None else {"members": group.members, "lower": group.lower, "upper": group.upper},
        "duties": [_duty(each) for each in reports(tx, packs, operator_id, at)],
        "signals": [each.as_json() for each in signals(tx, packs, operator_id, at, group)],
        "days": [
            [each.day.isoformat(), each.arrived, each.departed, each.lowest, each.highest, each.last, each.upper]
            for each in persons.days(tx, operator_id, today - timedelta(days=days))
        ],
        "method": _METHOD,
    }


def _duty(report: FilingReport) -> dict[str, Any]:
    ends = report.deadline
    return {
        "pack": report.pack,
        "line": report.line.persons_from,
        "percent": report.percent,
        "public_devices": report.public_devices,
        "state": None if report.state is None else report.state.value,
        "demands": None if report.demands is None else report.demands.value,
        "raised_on": None if report.raised_on is None else report.raised_on.isoformat(),
        "deadline": None if ends is None else ends.day.isoformat(),
        "provisional": None if ends is None else ends.provisional,
        "number": report.number,
        "filed_on": None if report.filed_on is None else report.filed_on.isoformat(),
    }
