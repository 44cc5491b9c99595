"""The register as open data: who filed what, and nobody's name, contact or device."""

import csv
import io
from collections.abc import Iterable
from datetime import date
from typing import Any, Final

from countenance.authority.seen import Registered

LICENCE: Final = "CC0-1.0"
_COLUMNS: Final = (
    "number", "name", "credit_code", "pack", "registered_on", "changed_on", "deregistered_on",
    "persons_lower", "persons_upper", "public_devices",
)  # fmt: skip
#: What a spreadsheet would take for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def as_json(register: Iterable[Registered], at: date) -> dict[str, Any]:
    """Return the register of a day."""
    return {
        "title": {"en": "Register of face recognition filings", "zh": "人脸识别备案登记簿"},
        "licence": LICENCE,
        "as_of": at.isoformat(),
        "filings": [_line(each) for each in register],
    }


def as_csv(register: Iterable[Registered]) -> str:
    """Return the register as comma-separated values (RFC 4180); no cell is a formula."""
    written = io.StringIO()
    rows = csv.DictWriter(written, _COLUMNS, lineterminator="\r\n")
    rows.writeheader()
    for each in register:
        rows.writerow({name: _cell(value) for name, value in _line(each).items()})
    return written.getvalue()


def _line(each: Registered) -> dict[str, Any]:
    return {
        "number": each.number,
        "name": each.name,
        "credit_code": each.credit_code,
        "pack": each.pack,
        "registered_on": each.registered_on.isoformat(),
        "changed_on": None if each.changed_on is None else each.changed_on.isoformat(),
        "deregistered_on": None if each.deregistered_on is None else each.deregistered_on.isoformat(),
        "persons_lower": each.counted.lower,
        "persons_upper": each.counted.upper,
        "public_devices": each.public_devices,
    }


def _cell(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
