"""Entries of the log: canonical JSON (RFC 8785) that says when something was recorded, of what kind, and its digest.

An entry holds nobody's data: what was recorded, its body, lies beside the log under the digest. The identifier in a
body is random and not in the entry, so nobody finds a body by trying what it could say.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from countenance.errors import MalformedError

FORMAT: Final = 1
#: An entry's length stands before it in two bytes (C2SP tlog-tiles).
ENTRY_BYTES_MAX: Final = 65535
_KIND: Final = re.compile(r"[a-z_]{1,40}")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_INSTANT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One entry: when, what kind of act, and the SHA-256 of its body."""

    at: datetime
    kind: str
    digest: bytes

    def encoded(self) -> bytes:
        """Return the entry as it stands in the log; RFC 8785 needs no more than sorted names here."""
        at = self.at.astimezone(UTC).strftime(_INSTANT)
        return f'{{"at":"{at}","body":"sha256:{self.digest.hex()}","format":{FORMAT},"kind":"{self.kind}"}}'.encode()

    @classmethod
    def parse(cls, encoded: bytes) -> "LogEntry":
        """Read an entry; raises MalformedError for one that is not exactly as it would be written."""
        try:
            said = json.loads(encoded)
            at = datetime.fromisoformat(said["at"])
            fits = _DIGEST.fullmatch(said["body"]) is not None and _KIND.fullmatch(said["kind"]) is not None
            entry = cls(at, said["kind"], bytes.fromhex(said["body"][7:]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _no_entry() from error
        if not fits or entry.encoded() != encoded:
            raise _no_entry()
        return entry


def bundled(entries: Iterable[bytes]) -> bytes:
    """Return entries as a bundle: each behind its length; raises MalformedError for one that is too long."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise _no_entry()
        parts += (len(entry).to_bytes(2), entry)
    return b"".join(parts)


def unbundled(bundle: bytes) -> Iterator[bytes]:
    """Yield the entries of a bundle; raises MalformedError where it ends within one."""
    place = 0
    while place < len(bundle):
        start = place + 2
        place = start + int.from_bytes(bundle[start - 2 : start])
        if start > len(bundle) or place > len(bundle):
            raise MalformedError("A bundle of the log's entries is cut off.", "日志条目包不完整。")
        yield bundle[start:place]


def _no_entry() -> MalformedError:
    return MalformedError("This is no entry of the log.", "这不是日志条目。")
