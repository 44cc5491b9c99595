"""Once: a request repeated with the same key gets the first answer and has no second effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from countenance.errors import ConflictError
from countenance.operations.parts import Caller, House
from countenance.store import answered
from countenance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Once:
    """The caller's key for a request, and the request itself, of which only a keyed digest is kept."""

    key: str
    request: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The answer that the first request with this key got; it holds nothing personal."""

    answer: Mapping[str, Any] = field(repr=False)


def repeated(tx: Transaction, house: House, caller: Caller, once: Once | None) -> Repeated | None:
    """Return the answer that was kept under the key, or None when this is the first request with it.

    One that is under way with the same key is waited for, until its transaction ends. Raises ConflictError when the key
    came with another request before.
    """
    if once is None:
        return None
    found = answered.find(tx, caller.operator_id, caller.credential_id, once.key)
    if found is None:
        return None
    mark, answer = found
    if not house.vault(caller.operator_id).is_marked(mark, once.request):
        raise ConflictError(
            "This Idempotency-Key came with another request before. Use a fresh key for a new request.",
            "该 Idempotency-Key 已用于另一请求。新请求请使用新的键。",
        )
    return Repeated(answer)


def keep(
    tx: Transaction, house: House, caller: Caller, once: Once | None, answer: dict[str, Any], at: datetime
) -> None:
    """Keep `answer` under the key, in the transaction of the effect."""
    if once is not None:
        mark = house.vault(caller.operator_id).request_mark(once.request)
        answered.keep(tx, caller.operator_id, caller.credential_id, once.key, mark, answer, at)
