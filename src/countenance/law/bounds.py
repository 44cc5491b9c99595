"""Limits on a block of rules before Cedar sees it: its parser's stack is native, and overflowing it ends the process.

Its JSON form may nest 128 deep, two levels for each operator; so forty in one policy are always safe.
"""

import re
from typing import Final

NESTING_MAX: Final = 24
OPERATORS_MAX: Final = 40
STEPS_MAX: Final = 400

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|&&|\|\||!=?|\bif\b|[()\[\]{};.+*-]', re.DOTALL)
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_OPERATORS = frozenset(("&&", "||", "!", "if", "+", "*", "-"))


def beyond_bounds(text: str) -> int | None:
    """Return the offset at which a block nests too deep or a policy grows too long, None where it does neither."""
    depth = operators = steps = 0
    for found in _TOKEN.finditer(text):
        sign = found.group()
        if sign in _OPENING:
            depth += 1
        elif sign in _CLOSING:
            depth = max(0, depth - 1)
        elif sign == ";":
            operators = steps = 0
        elif sign in _OPERATORS:
            operators += 1
        elif sign == ".":
            steps += 1
        if depth > NESTING_MAX or operators > OPERATORS_MAX or steps > STEPS_MAX:
            return found.start()
    return None
