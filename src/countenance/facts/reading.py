"""Facts read from JSON: every rule of the contract for malformed input, one clear line each, no value repeated."""

import json
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any, Final

from countenance.errors import MalformedError
from countenance.facts.groups import EXPECTED, GROUPS, INT_MAX, ROWS, Fact, malformed
from countenance.facts.record import Facts
from countenance.vocabulary import FilingState

FACTS_BYTES_MAX: Final = 16 * 1024 * 1024
NESTING_MAX: Final = 16

_RFC_3339: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
#: Only a plain word is repeated in an error, since an unknown key is the caller's text.
_PLAIN_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
#: Instants kept a day and more away from the ends of Python's calendar have a local day everywhere.
_FIRST_YEAR, _LAST_YEAR = 2, 9998


class _Doubled:
    """An object of the input in which a key came twice; it is reported with its path when the walk meets it."""

    def __init__(self, key: str) -> None:
        self.key = key


def parse_instant(text: str, where: str = "at") -> datetime:
    """Return the instant of an RFC 3339 time with seconds and zone, else a `MalformedError` that names `where`.

    Digits beyond the microsecond are dropped. A leap second (`:60`) is well-formed but has no place in Python's
    calendar and is refused in words of its own.
    """
    found = _RFC_3339.fullmatch(text) if len(text) <= 100 else None  # noqa: PLR2004 — no honest time is longer
    if found is None:
        malformed(where, *EXPECTED["instant"])
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    if second == 60:  # noqa: PLR2004 — the leap second of RFC 3339
        malformed(where, "names a leap second; give the second before or after it", "为闰秒；请改用其前后一秒")
    sign, hours, minutes = found.group(8), int(found.group(9) or 0), int(found.group(10) or 0)
    if hours > 23 or minutes > 59:  # noqa: PLR2004 — limits of time-numoffset
        malformed(where, *EXPECTED["instant"])
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    fraction = int((found.group(7) or "")[:6].ljust(6, "0"))
    try:
        instant = datetime(year, month, day, hour, minute, second, fraction, timezone(offset) if offset else UTC)
        utc = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        malformed(where, *EXPECTED["instant"])
    if not _FIRST_YEAR <= utc.year <= _LAST_YEAR:
        malformed(where, "must be within the years 0002 to 9998", "年份须在 0002 至 9998 之间")
    return instant


def parse_facts(text: bytes | str, packs: Collection[str] = ()) -> Facts | list[Facts]:
    """Return the facts of a JSON object, or of each object of a JSON array, else raise `MalformedError`.

    `packs` are the ids of all packs known, the only keys `operator.filing` may have.
    """
    raw = _load(text)
    if isinstance(raw, list):
        return [_facts(item, packs, f"[{index}].") for index, item in enumerate(raw)]
    return _facts(raw, packs, "")


def parse_one(text: bytes | str, packs: Collection[str] = ()) -> Facts:
    """Return the facts of one JSON object, else raise `MalformedError`; an array is malformed here."""
    return _facts(_load(text), packs, "")


def _load(text: bytes | str) -> Any:
    """Return the JSON value of the input, doubled keys marked."""
    if len(text) > FACTS_BYTES_MAX:
        malformed("input", "is over 16 MiB; send fewer facts at a time", "超过 16 MiB；请分批提交")
    try:
        decoded = text if isinstance(text, str) else text.decode("utf-8")
        raw = json.loads(decoded, object_pairs_hook=_object, parse_int=_whole, parse_constant=_no_constant)
    except RecursionError:
        malformed("input", "is nested more than 16 deep", "嵌套超过 16 层")
    except ValueError:  # UnicodeDecodeError and JSONDecodeError are both of this kind
        malformed("input", "is not JSON in UTF-8", "不是 UTF-8 编码的 JSON")
    if _deeper_than(raw, NESTING_MAX):
        malformed("input", "is nested more than 16 deep", "嵌套超过 16 层")
    return raw


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Doubled:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    return _Doubled(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


def _whole(digits: str) -> int:
    """Return a whole number, or one that is out of range for any with more digits than the range has."""
    return int(digits) if len(digits) <= len(str(INT_MAX)) + 1 else INT_MAX + 1


def _no_constant(_: str) -> Any:
    raise ValueError  # NaN and Infinity are no JSON


def _deeper_than(raw: Any, limit: int) -> bool:
    """Whether arrays and objects lie more than `limit` deep in one another."""
    layer = [raw]
    for _ in range(limit):
        layer = [
            part
            for whole in layer
            if isinstance(whole, dict | list)
            for part in (whole.values() if isinstance(whole, dict) else whole)
            if isinstance(part, dict | list)
        ]
        if not layer:
            return False
    return True


def _named(key: str, prefix: str) -> str:
    return prefix + key if _PLAIN_KEY.fullmatch(key) else (prefix.rstrip(".") or "input")


def _keys(raw: Any, allowed: Collection[str], prefix: str) -> dict[str, Any]:
    """Return an object of the input whose keys are all known and come once."""
    if isinstance(raw, _Doubled):
        malformed(_named(raw.key, prefix), "has a key that comes twice", "有重复的键")
    if not isinstance(raw, dict):
        malformed(prefix.rstrip(".") or "input", "must be an object", "必须是对象")
    for key in raw:
        if key not in allowed:
            malformed(_named(key, prefix), "has an unknown key", "含有未知的键")
    return raw


def _facts(raw: Any, packs: Collection[str], prefix: str) -> Facts:
    """Return the facts of one object of the input; `prefix` says which item of an array it is."""
    made: dict[str, Any] = {}
    scalars = dict(ROWS[Facts])
    for name, value in _keys(raw, {*scalars, *GROUPS}, prefix).items():
        if value is None:
            continue
        if name in GROUPS:
            rows = dict(ROWS[GROUPS[name]])
            inner = _keys(value, rows, f"{prefix}{name}.")
            parts = {part: _typed(rows[part], inner[part], packs, prefix) for part in inner if inner[part] is not None}
            made[name] = _built(GROUPS[name], parts, prefix)
        else:
            made[name] = _typed(scalars[name], value, packs, prefix)
    for name in ("action", "at"):
        if name not in made:
            malformed(prefix + name, "is required", "必须提供")
    facts: Facts = _built(Facts, made, prefix)
    return facts


def _built(record: type[Any], parts: Mapping[str, Any], prefix: str) -> Any:
    """Make a record, whose own checks name the field; put the item of the array before it."""
    try:
        return record(**parts)
    except MalformedError as error:
        raise MalformedError(prefix + error.en, prefix + error.zh) from None


def _typed(fact: Fact, value: Any, packs: Collection[str], prefix: str) -> Any:
    """Return a JSON value in the fact's own type; what does not fit goes on as it is, for the record to refuse."""
    where = prefix + fact.name
    match fact.kind:
        case "instant":
            return parse_instant(value, where) if isinstance(value, str) else malformed(where, *EXPECTED["instant"])
        case "closed":
            return _closed(fact.values, value)
        case "list" if isinstance(value, list):
            return tuple(_closed(fact.values, part) for part in value)
        case "filing" if isinstance(value, dict | _Doubled):
            states = _keys(value, packs, f"{where}.")
            return {pack: _closed(FilingState, state) for pack, state in states.items()}
        case "filing":
            return _closed(FilingState, value)
        case _:
            return value


def _closed(values: type[StrEnum] | None, value: Any) -> Any:
    """Return the member of a closed list that a string names, else the value as it is."""
    if values is None or not isinstance(value, str):
        return value
    try:
        return values(value)
    except ValueError:
        return value
