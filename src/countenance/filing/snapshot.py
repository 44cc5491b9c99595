"""What a filing says of an operator, so far as a later change of it is substantive and has to be filed too.

The list is the house's reading of "substantive change" (docs/divergences.md): the handler, purposes, method, kinds of
place, how long and how data are kept, safeguards, recipients; and the count of persons by more than 20 per cent.
"""

from collections.abc import Mapping
from typing import Any, Final

from countenance.store import activations, sites
from countenance.store.database import Transaction

#: A count that differs by more than this share of the filed one, and by more than so many, is a substantive change.
PERSONS_PERCENT: Final = 20
PERSONS_MIN: Final = 1000
#: Whether any purpose was active: that use stops is no change, but a duty of its own.
IN_USE: Final = "in_use"


def taken(tx: Transaction, operator_id: str) -> dict[str, Any]:
    """Return what stands on file now, as JSON; two that are equal say the same to an authority."""
    (operator,) = sites.read(tx, operator_id, "operator")
    in_use = {noun: [row for row in sites.read(tx, operator_id, noun) if not row["retired"]] for noun in _NOUNS}
    kinds = {row["venue_id"]: row["kind"] for row in in_use["venue"]}
    places = {row["place_id"]: row for row in in_use["place"]}
    return {
        "handler": {name: operator[name] for name in ("name", "credit_code")},
        "purposes": {
            row["code"]: {
                "title": row["title"],
                "public_security": row["public_security"],
                "major_interest": row["major_interest"],
            }
            for row in in_use["purpose"]
        },
        "method": {row["code"]: row["comparison"] for row in in_use["purpose"]},
        "retention": {row["code"]: row["retention_days"] for row in in_use["purpose"]},
        "places": sorted(
            {
                (kinds.get(place["venue_id"], ""), place["kind"], _said(place["public"]), _said(place["internal"]))
                for row in in_use["device"]
                if (place := places.get(row["place_id"])) is not None
            }
        ),
        IN_USE: bool(activations.active(tx, operator_id)),
        "storage": sorted({"server", *(each["kind"] for each in operator["elsewhere"] or [])}),
        "statutory_bases": sorted(
            f"{row['purpose']}: {row['citation']}" for row in sites.read(tx, operator_id, "statutory_basis")
        ),
    }


_NOUNS: Final = ("purpose", "venue", "place", "device")


def _said(value: bool | None) -> str:  # noqa: FBT001 — what a place says of itself
    return {True: "yes", False: "no", None: "not said"}[value]


def differences(filed: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the parts in which two snapshots differ; what the older one did not have yet is no difference."""
    plain = {name: _plain(value) for name, value in now.items()}
    return sorted(name for name in filed if name in plain and name != IN_USE and _plain(filed[name]) != plain[name])


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back: pairs are lists."""
    return [list(each) if isinstance(each, tuple) else each for each in value] if isinstance(value, list) else value


def outgrown(filed: int, now: int) -> bool:
    """Return whether a count differs by more than a fifth from the filed one; a few persons more are no change."""
    difference = abs(now - filed)
    return difference > PERSONS_MIN and difference * 100 > filed * PERSONS_PERCENT
