"""Words, numbers and free JSON as messages of the exchange hold them: every reader reads and shows them alike."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, StringConstraints

#: No number is larger: JSON readers agree on whole numbers up to here.
NUMBER_MAX: Final = 2**53

# Delete, and marks that turn the direction of the text around them.
_TURNS: Final = r"\x7f\u202a-\u202e\u2066-\u2069"
#: What stands in no word, as a class of characters; a line or a tab may stand in prose and in free JSON.
ODD: Final = rf"\x00-\x1f{_TURNS}"
_ODD_IN_PROSE: Final = rf"\x00-\x08\x0b-\x1f{_TURNS}"
_ODD_IN_JSON: Final = re.compile(rf"[{_ODD_IN_PROSE}\ud800-\udfff]")

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=rf"^[^{ODD}]*$")]
Order = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=256, pattern=rf"^[^{_ODD_IN_PROSE}]*$")
]
Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8192, pattern=rf"^[^{_ODD_IN_PROSE}]*$")
]
Count = Annotated[int, Field(ge=0, le=NUMBER_MAX)]


def _plain(said: Any) -> Any:
    """Return free JSON as it is; raises ValueError where a text or a number in it is one that not everybody reads."""
    if isinstance(said, str):
        wrong = _ODD_IN_JSON.search(said) is not None
    elif isinstance(said, int | float):
        wrong = not -NUMBER_MAX <= said <= NUMBER_MAX  # neither is what is no number
    else:
        wrong = False
    if wrong:
        message = "a text with control characters, or a number that is too large"
        raise ValueError(message)
    if isinstance(said, Mapping):
        for name, value in said.items():
            _plain(name)
            _plain(value)
    elif isinstance(said, list | tuple):
        for each in said:
            _plain(each)
    return said


Free = Annotated[dict[str, Any], AfterValidator(_plain)]
