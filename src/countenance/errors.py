"""What can go wrong, in one file: each kind says in English and Chinese what to do next.

Results (a permit, a refusal, a non-match, a failure to acquire) are values and are recorded; the errors here
are exceptions and roll everything back. The kinds know nothing of HTTP: `api/problems.py` holds that table.
No message may contain a name, a score, a key or any biometric data.
"""

from typing import Literal


class CountenanceError(Exception):
    """Something that a caller can understand and act on."""

    def __init__(self, en: str, zh: str) -> None:
        """Say what happened and what to do next, in English (`en`) and in Chinese (`zh`)."""
        super().__init__(en)
        self.en = en
        self.zh = zh


class MalformedError(CountenanceError):
    """The input cannot be read; sending it again unchanged will not help."""


class NotAllowedError(CountenanceError):
    """The caller is not known (`known` is false) or not in a role that may do this."""

    def __init__(self, en: str, zh: str, *, known: bool = True) -> None:
        """Keep whether the caller was recognised at all."""
        super().__init__(en, zh)
        self.known = known


class NotFoundError(CountenanceError):
    """What was asked for is absent, or not the caller's to know."""


class ConflictError(CountenanceError):
    """The present state does not permit this now."""


class LimitError(CountenanceError):
    """Too large, too many or too often; `limit` says whether size or rate was exceeded, `seconds` how long to wait."""

    def __init__(
        self, en: str, zh: str, *, limit: Literal["size", "rate"] = "size", seconds: int | None = None
    ) -> None:
        """Keep which limit was exceeded, and after how many seconds it no longer is."""
        super().__init__(en, zh)
        self.limit = limit
        self.seconds = seconds


class UnavailableError(CountenanceError):
    """A part is down; the same request may succeed later."""


class IntegrityError(CountenanceError):
    """Something that must never differ differs: stop serving and call the officer."""
