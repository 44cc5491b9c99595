"""What differs between what was filed and what stands on file now, leaf by leaf."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from countenance.answer import Text
from countenance.filing.documents.dossier import ChangePart

#: The parts of a snapshot, in words; what follows in a path is the operator's own code.
PARTS: Final[Mapping[str, Text]] = {
    "handler": Text("Handler", "处理者"),
    "purposes": Text("Purpose", "处理目的"),
    "method": Text("Method", "处理方式"),
    "retention": Text("Days kept", "保存天数"),
    "places": Text("Kinds of place", "位置类型"),
    "storage": Text("Where it is stored", "存储位置"),
    "statutory_bases": Text("Basis in law", "法律依据"),
    "persons": Text("Persons stored", "存储人数"),
}


def change_parts(
    parts: Iterator[str] | list[str], filed: Mapping[str, Any], now: Mapping[str, Any]
) -> tuple[ChangePart, ...]:
    """Return what differs in these parts of two snapshots."""
    found: list[ChangePart] = []
    for part in parts:
        found += [
            ChangePart(path, _word(before), _word(after))
            for path, before, after in _leaves(part, filed.get(part), now.get(part))
        ]
    return tuple(found)


def _leaves(path: str, before: Any, after: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted({*before, *after}):
            yield from _leaves(f"{path}/{key}", before.get(key), after.get(key))
    elif _word(before) != _word(after):
        yield path, before, after


def _word(value: Any) -> str:
    """Return a value as people read it: words and numbers as they are, what has parts as JSON."""
    if value is None:
        return "–"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def part_words(path: str) -> Text:
    """Return a path in words."""
    part, _, rest = path.partition("/")
    name = PARTS.get(part, Text(part, part))
    return Text(f"{name.en}: {rest}", f"{name.zh}：{rest}") if rest else name
