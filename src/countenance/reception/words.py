"""The texts that a caller may send, whichever door they come in by: short words, prose, codes, digests."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from countenance.subjects.requests import PROSE_CHARS_MAX

TEXT_CHARS_MAX: Final = 128
_IN_PROSE: Final = dict.fromkeys(map(ord, "\n\t\u00a0\u3000\u200c\u200d"), " ")


def _printable(text: str) -> str:
    """Refuse control characters, NUL and lone surrogates: no database, log or screen may have to deal with them."""
    if not text.isprintable() or not text.strip():
        raise ValueError
    return text


def _prose(text: str) -> str:
    """Refuse what `_printable` refuses, but take lines, wide spaces, and the joiners that some scripts need."""
    lines = text.replace("\r\n", "\n")
    _printable(lines.translate(_IN_PROSE))
    return lines


#: A short text of the caller's: printable, not blank.
Words = Annotated[str, Field(min_length=1, max_length=TEXT_CHARS_MAX), AfterValidator(_printable)]
#: The same as a person types it, with blanks before and after that mean nothing.
Typed = Annotated[Words, AfterValidator(str.strip)]
#: What a person writes, and is answered.
Prose = Annotated[str, Field(min_length=1, max_length=PROSE_CHARS_MAX), AfterValidator(_prose)]
#: What a site file declares is named so.
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
#: The SHA-256 of something kept elsewhere.
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
