"""Pacing: whoever asks too often at a door that anybody may knock at waits, and nobody else does."""

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from math import ceil
from typing import Final

from countenance.errors import LimitError

#: So many addresses are remembered; the one that has been quiet longest is forgotten first.
ADDRESSES_MAX: Final = 10_000


class Pace:
    """Lets each address through so often a minute, a minute's worth at once, and keeps nobody else waiting for it."""

    def __init__(
        self,
        per_minute: int,
        *,
        addresses_max: int = ADDRESSES_MAX,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with nobody seen; `elapsed` gives seconds that only grow."""
        self._most = float(per_minute)
        self._per_second = per_minute / 60
        self._addresses_max = addresses_max
        self._elapsed = elapsed
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many addresses are remembered."""
        return len(self._seen)

    def step(self, address: str | None) -> None:
        """Count one request of an address; raises LimitError for one too many, which says when to come back."""
        name = network(address)
        with self._lock:
            now = self._elapsed()
            left, since = self._seen.pop(name, (self._most, now))
            left = min(self._most, left + (now - since) * self._per_second)
            through = left >= 1
            self._seen[name] = (left - 1 if through else left, now)
            if len(self._seen) > self._addresses_max:
                self._seen.popitem(last=False)
        if not through:
            raise LimitError(
                "This address asks too often. Wait as long as Retry-After says, then ask again.",
                "该地址请求过于频繁。请按 Retry-After 等待后再试。",
                limit="rate",
                seconds=ceil((1 - left) / self._per_second),
            )


def network(address: str | None) -> str:
    """Return whom an address is counted as: one of IPv6 as its /64, of which a single machine has every address."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)
