"""Facts as random as the contract allows, for the properties and the comparison with the reference."""

import random
from typing import Any

from countenance.facts import FACT_NAMES, OPTIONAL_GROUPS
from tests.law.reference import LISTS, VALUES

AT = "2026-11-23T10:00:00+08:00"
ACTIONS = tuple(str(value) for value in (FACT_NAMES["action"].values or ()))
#: Facts under which both packs permit nearly every action.
GOOD: dict[str, Any] = {
    "operator.filing": "not_due",
    "purpose.code": "check-in",
    "purpose.banned": False,
    "purpose.stated": True,
    "purpose.necessity": True,
    "purpose.alternatives_assessed": True,
    "purpose.assessment": "current",
    "purpose.major_interest": False,
    "purpose.public_security": False,
    "origin_purpose.code": "check-in",
    "origin_purpose.public_security": False,
    "venue.kind": "hotel",
    "venue.business": True,
    "place.kind": "lobby",
    "place.private": False,
    "place.public": False,
    "place.internal": False,
    "device.assessed_days": 365,
    "device.sole_entry": False,
    "subject.age_class": "adult",
    "consent.state": "given",
    "consent.form": "separate",
    "consent.purpose": "check-in",
    "consent.scopes": list(LISTS["consent.scopes"]),
    "consent.notice_current": True,
    "consent.withdrawal_as_easy": True,
    "session.started_by": "subject",
    "session.purpose_prompted": True,
    "session.alternative_offered": True,
    "alternative.available": True,
    "analysis.attribute": "pose",
    "analysis.sensitive": False,
    "storage.where": "device",
    "storage.destination": "local",
    "retention.bounded": True,
}
NAMES = tuple(name for name in FACT_NAMES if name not in ("action", "at"))


def value_of(name: str, chance: random.Random) -> Any:
    """Return a value of a fact, often one that the readings care about."""
    fact = FACT_NAMES[name]
    if name in LISTS:
        return [part for part in LISTS[name] if chance.random() < 0.5]
    if name in VALUES and chance.random() < 0.7:
        return chance.choice(VALUES[name])
    if fact.kind == "bool":
        return chance.random() < 0.5
    if fact.kind == "int":
        return chance.choice((0, 1, 2, 29, 30, 31, 365, 366, 2**31 - 1))
    if fact.kind == "basis":
        return "act/1"
    if fact.kind == "text":
        return chance.choice(("check-in", "race", "", "别的"))
    return chance.choice([value.value for value in fact.values or ()])


def flat_facts(chance: random.Random) -> dict[str, Any]:
    """Return facts by dotted name, some left out; a group that is there is marked `<group> present`."""
    flat: dict[str, Any] = {"action": chance.choice(ACTIONS)}
    known = chance.choice((0.2, 0.5, 0.8, 0.95))
    for group in OPTIONAL_GROUPS:
        if chance.random() < 0.5:
            flat[f"{group} present"] = True
    for name in NAMES:
        group = name.partition(".")[0]
        if group in OPTIONAL_GROUPS and f"{group} present" not in flat:
            continue
        if chance.random() < known:
            flat[name] = value_of(name, chance)
    if chance.random() < 0.6:
        flat.pop("statutory_basis", None)
    if chance.random() < 0.5:
        agreeable(flat, chance)
    return flat


def agreeable(flat: dict[str, Any], chance: random.Random) -> None:
    """Make most of the facts such that permits occur, since chance alone seldom finds one."""
    good = dict(GOOD)
    if chance.random() < 0.3:
        good["purpose.assessment"] = "stale"
    flat.update({name: value for name, value in good.items() if chance.random() < 0.97})
    if "measured present" in flat:
        flat.update({"measured.faces": 1})
    if "authorisation present" in flat:
        flat.update({"authorisation.in_scope": True, "authorisation.requested_by_subject": True})
        flat.update({"authorisation.approvers": chance.choice((2, 3))})


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object of facts by dotted name."""
    made: dict[str, Any] = {"at": AT}
    for name, value in flat.items():
        if name.endswith(" present"):
            made.setdefault(name.removesuffix(" present"), {})
        elif "." in name:
            group, _, attribute = name.partition(".")
            made.setdefault(group, {})[attribute] = value
        else:
            made[name] = value
    return made
