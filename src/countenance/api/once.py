"""The Idempotency-Key of a request, read in one place for every route that takes one."""

import re
from typing import Final

from countenance.api.door import Call
from countenance.errors import MalformedError
from countenance.operations.once import Once

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
#: What a route says of the header, and of the answer to a repeat.
HEADERS: Final = {
    "Idempotency-Key": "With the same key and the same content, a repeat within a day gets the first answer."
}
REPLAY: Final = "Idempotent-Replay"


def once(call: Call, said: bytes) -> Once | None:
    """Return the caller's key with what identifies this request, or None without a key; raises MalformedError."""
    keys = call.request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise MalformedError(
            "An Idempotency-Key is 1 to 200 visible ASCII characters, once.",
            "Idempotency-Key 应为 1 至 200 个可见 ASCII 字符，且只出现一次。",
        )
    return Once(keys[0], said)
