"""Purposes no law allows (draft article 3, measures article 3), whatever an operator calls necessary.

A code here can never be served: the fact `purpose.banned` is true for it and every action is refused. The list is
part of the program, so that changing it takes a review and a release.
"""

from typing import Final

BANNED_PURPOSES: Final = frozenset(
    {
        "ethnic-profiling",
        "race-profiling",
        "religious-profiling",
        "political-profiling",
        "social-scoring",
        "price-discrimination",
        "emotion-surveillance",
        "covert-tracking",
        "stalking",
        "blackmail",
        "identity-fraud",
        "sale-of-faces",
    }
)
