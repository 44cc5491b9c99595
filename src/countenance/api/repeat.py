"""How a request is repeated safely: the caller's key for it, and the first answer given again."""

import json
import re
from collections.abc import Mapping
from typing import Final, TypeVar

from fastapi import Response

from countenance.api.door import Call
from countenance.api.wire import Pictured, Shown
from countenance.errors import MalformedError
from countenance.operations.once import Once, Repeated
from countenance.reception.body import Form

Answer = TypeVar("Answer", bound=Shown)

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")
#: What the description says of the header.
IDEMPOTENCY_KEY: Final[Mapping[str, str]] = {
    "Idempotency-Key": "With the same key and the same content, a repeat within a day gets the first answer.",
}


def once(call: Call, form: Form) -> Once | None:
    """Return the caller's key with what identifies this request: its fields and pictures, however they were sent."""
    keys = call.request.headers.getlist("idempotency-key")
    if not keys:
        return None
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        raise MalformedError(
            "An Idempotency-Key is 1 to 200 visible ASCII characters, once.",
            "Idempotency-Key 应为 1 至 200 个可见 ASCII 字符，且只出现一次。",
        )
    fields = form.model_dump(mode="json", exclude={"sample", "frames"})
    sent = form.pictures().pictures if isinstance(form, Pictured) else ()
    pictures = b"".join(len(each).to_bytes(8, "big") + each for each in sent)
    return Once(keys[0], json.dumps(fields, sort_keys=True).encode() + b"\0" + pictures)


def replay(response: Response, before: Repeated, answer: type[Answer]) -> Answer:
    """Return the first answer again, marked as such."""
    response.headers["Idempotent-Replay"] = "true"
    return answer.model_validate(before.answer)
