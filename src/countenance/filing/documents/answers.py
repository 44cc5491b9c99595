"""What a person answers to a guided question: words, a list, or a step from 1 to 4, and how that is read back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from countenance.errors import MalformedError

TEXT_MAX: Final = 20_000
ITEMS_MAX: Final = 100
GAUGE_MAX: Final = 4
_NAMES: Final = frozenset({"text", "items", "gauge", "zh", "configured"})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; `gauge` is a step from 1 (negligible) to 4 (maximal), for questions that ask for one.

    What the configuration answered when an assessment was signed is `configured`, with its Chinese words beside it.
    """

    text: str = ""
    items: tuple[str, ...] = ()
    gauge: int | None = None
    zh: str = ""
    configured: bool = False

    @property
    def empty(self) -> bool:
        """Whether nothing was answered."""
        return not self.text.strip() and not any(each.strip() for each in self.items) and self.gauge is None

    def as_json(self) -> dict[str, Any]:
        """Return the answer as it is kept."""
        kept: dict[str, Any] = {"text": self.text, "items": list(self.items), "gauge": self.gauge}
        return kept | {"zh": self.zh, "configured": True} if self.configured else kept


def read_answer(raw: object) -> Answer:
    """Return a kept or submitted answer; raises MalformedError for what is none, or too long."""
    if not isinstance(raw, Mapping) or set(raw) - _NAMES:
        raise _no_answer()
    text, items, gauge = raw.get("text") or "", raw.get("items") or [], raw.get("gauge")
    words = isinstance(text, str) and isinstance(items, list) and all(isinstance(each, str) for each in items)
    zh, configured = raw.get("zh") or "", raw.get("configured") or False
    words = words and isinstance(zh, str) and isinstance(configured, bool)
    step = gauge is None or (type(gauge) is int and 1 <= gauge <= GAUGE_MAX)
    if not words or not step:
        raise _no_answer()
    if max(len(text), len(zh)) > TEXT_MAX or len(items) > ITEMS_MAX or any(len(each) > TEXT_MAX for each in items):
        raise _no_answer()
    listed = tuple(clean for each in items if (clean := _clean(each)))
    return Answer(_clean(text), listed, gauge, _clean(zh), configured)


def read_answers(raw: object) -> dict[str, Answer]:
    """Return kept answers by question; raises MalformedError for what are none."""
    if not isinstance(raw, Mapping) or not all(isinstance(key, str) for key in raw):
        raise _no_answer()
    return {key: read_answer(value) for key, value in raw.items()}


def _clean(text: str) -> str:
    """Return a text without what PostgreSQL cannot keep, and without blanks around it."""
    return text.replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip()


def _no_answer() -> MalformedError:
    return MalformedError(
        f"An answer is words (at most {TEXT_MAX}), a list of at most {ITEMS_MAX}, or a step from 1 to {GAUGE_MAX}. "
        "Correct it and send it again.",
        f"答复须为不超过 {TEXT_MAX} 字的文字、不超过 {ITEMS_MAX} 项的列表，或 1 至 {GAUGE_MAX} 级。请更正后重试。",
    )
