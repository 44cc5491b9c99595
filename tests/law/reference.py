"""The binding readings written a second time, straight from the contract, in plain Python and by brute force.

It shares no code with the product but the JSON it is given: facts are a flat dictionary by dotted name, unknown ones
absent, and an article is judged by trying values for every unknown fact it could look at.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import product
from typing import Any

Flat = Mapping[str, Any]

PRIVATE = {"hotel_room", "public_bath", "bathroom", "toilet", "changing_room", "fitting_room"}
NINE = {"hotel", "bank", "station", "airport", "sports_venue", "exhibition_hall", "museum", "gallery", "library"}
FIVE = {"race", "ethnicity", "religion", "health", "social_class"}
DEVICE = {"register_device", "capture", "enrol", "verify", "identify", "identify_remote", "analyse"}
TABLE = FIVE | {"emotion", "age", "sex", "pose", "quality", "attack"}

#: Values that stand for all values of a fact, as far as the readings tell values apart.
VALUES: dict[str, tuple[Any, ...]] = {
    "purpose.code": ("check-in", "p2", "p3"),
    "consent.purpose": ("check-in", "p2", "p3"),
    "consent.state": ("given", "refused", "withdrawn", "expired", "none"),
    "consent.form": ("separate", "written", "bundled"),
    "venue.kind": ("hotel", "library", "shop", "other"),
    "place.kind": ("toilet", "fitting_room", "lobby", "other"),
    "session.started_by": ("subject", "staff", "passive"),
    "analysis.attribute": ("race", "social_class", "pose", "gait"),
    "authorisation.approvers": (0, 1, 2, 3),
    "measured.faces": (0, 1, 2, 3),
}
LISTS = {
    "consent.scopes": ("enrol", "verify", "identify", "keep_original", "analyse", "reuse"),
    "statutory_basis_lifts": ("consent", "venue", "original", "storage"),
}
CONSENT = (
    "consent.state",
    "consent.form",
    "consent.purpose",
    "purpose.code",
    "consent.notice_current",
    "consent.scopes",
)
BASIS = ("statutory_basis", "statutory_basis_lifts")


def consents(facts: Flat, scope: str) -> bool:
    return (
        facts["consent.state"] == "given"
        and facts["consent.form"] in ("separate", "written")
        and facts["consent.purpose"] == facts["purpose.code"]
        and facts["consent.notice_current"]
        and scope in facts["consent.scopes"]
    )


def lifts(facts: Flat, what: str) -> bool:
    return facts.get("statutory_basis") is not None and what in facts["statutory_basis_lifts"]


def private(facts: Flat) -> bool:
    return facts["place.kind"] in PRIVATE or facts["place.private"]


def no_consent(facts: Flat) -> bool:
    return not consents(facts, facts["action"]) and not lifts(facts, "consent")


def no_consent_or_hard_withdrawal(facts: Flat) -> bool:
    hard = facts["action"] == "enrol" and not facts["consent.withdrawal_as_easy"]
    return no_consent(facts) or (hard and not lifts(facts, "consent"))


def coerces(facts: Flat) -> bool:
    business = facts["venue.business"] or facts["venue.kind"] in NINE
    free = (
        facts["session.started_by"] == "subject"
        and facts["session.purpose_prompted"]
        and facts["session.alternative_offered"]
        and facts["alternative.available"]
    )
    return business and not free and not lifts(facts, "venue")


def reads_the_sensitive(facts: Flat) -> bool:
    sensitive = facts["analysis.attribute"] in FIVE or facts["analysis.sensitive"]
    authorised = facts["authorisation present"] and (
        facts["authorisation.in_scope"] and facts["authorisation.approvers"] >= 2
    )
    return sensitive and not consents(facts, "analyse") and not authorised


Reading = tuple[set[str] | None, tuple[str, ...], Callable[[Flat], bool]]
DRAFT, MEASURES = "cn-2023-draft", "cn-2025"
COOPERATIVE = {"enrol", "verify", "identify"}
PLACE = ("place.kind", "place.private")
SESSION = ("session.started_by", "session.purpose_prompted", "session.alternative_offered", "alternative.available")
#: By pack and article: the actions it reaches (None: all), the facts it may look at, and when it refuses.
READINGS: dict[tuple[str, str], Reading] = {
    (DRAFT, "3"): (None, ("purpose.banned",), lambda f: f["purpose.banned"]),
    (MEASURES, "3"): (None, ("purpose.banned",), lambda f: f["purpose.banned"]),
    (DRAFT, "6"): (DEVICE, PLACE, private),
    (MEASURES, "13"): (DEVICE, PLACE, private),
    (DRAFT, "5"): (COOPERATIVE, (*CONSENT, *BASIS), no_consent),
    (MEASURES, "6"): (COOPERATIVE, (*CONSENT, *BASIS, "consent.withdrawal_as_easy"), no_consent_or_hard_withdrawal),
    (DRAFT, "9"): ({"verify", "identify"}, ("venue.business", "venue.kind", *SESSION, *BASIS), coerces),
    (MEASURES, "10"): (
        {"verify", "identify"},
        ("alternative.available", *BASIS),
        lambda f: not f["alternative.available"] and not lifts(f, "venue"),
    ),
    (DRAFT, "11"): (
        {"analyse"},
        (
            "analysis.attribute",
            "analysis.sensitive",
            "authorisation present",
            "authorisation.in_scope",
            "authorisation.approvers",
            *CONSENT,
        ),
        reads_the_sensitive,
    ),
    (DRAFT, "17"): (
        {"keep_original"},
        (*CONSENT, *BASIS),
        lambda f: not consents(f, "keep_original") and not lifts(f, "original"),
    ),
    (DRAFT, "18"): (
        {"enrol", "verify", "identify", "analyse"},
        ("measured present", "measured.faces", "measured.target_isolated"),
        lambda f: f["measured present"] and f["measured.faces"] > 1 and not f["measured.target_isolated"],
    ),
}


def domain(name: str, action: str, known: Flat) -> tuple[Any, ...]:
    """Return values to try for an unknown fact; of a list, whether it has the member that matters for this action."""
    if name == "consent.scopes":
        return ((), (action,), ("reuse",))
    if name == "statutory_basis_lifts":
        return ((), ("consent",), ("venue",), ("original",), ("consent", "venue", "original"))
    if name in ("purpose.code", "consent.purpose"):
        others = [known[part] for part in ("purpose.code", "consent.purpose") if part in known]
        return tuple(dict.fromkeys([*others, *VALUES[name]]))
    return VALUES.get(name, (False, True))


def outcome(key: tuple[str, str], facts: Flat) -> tuple[str, frozenset[str]] | None:
    """Return the outcome of an article and the unknown facts it needs, None where it adds no finding."""
    actions, looks_at, _ = READINGS[key]
    action = facts["action"]
    if actions is not None and action not in actions:
        return None
    known = {name: facts[name] for name in looks_at if name in facts}
    if known.get("analysis.attribute", "race") not in TABLE:
        known.pop("analysis.sensitive", None)
    for group in ("authorisation", "measured"):
        if f"{group} present" in looks_at:
            known[f"{group} present"] = f"{group} present" in facts
    answers = {"statutory_basis"}
    answers |= {name for name in looks_at if not facts.get(f"{name.partition('.')[0]} present", True)}
    answers |= {
        name
        for name in looks_at
        if name.partition(".")[0] in ("authorisation", "measured")
        and not known.get(f"{name.partition('.')[0]} present")
    }
    unknown = tuple(name for name in looks_at if name not in known and name not in answers)
    frozen = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in known.items())
    return brute_force(key, action, frozen, unknown)


@lru_cache(maxsize=200_000)
def brute_force(
    key: tuple[str, str], action: str, known: tuple[tuple[str, Any], ...], unknown: tuple[str, ...]
) -> tuple[str, frozenset[str]] | None:
    refuses = READINGS[key][2]
    facts = {**dict(known), "action": action}
    domains = [domain(name, action, facts) for name in unknown]
    refused = {
        values: bool(refuses({**facts, **dict(zip(unknown, values, strict=True))})) for values in product(*domains)
    }
    if all(refused.values()):
        return ("forbids", frozenset())
    needed = set()
    for place, name in enumerate(unknown):
        seen: dict[tuple[Any, ...], set[bool]] = {}
        for values, answer in refused.items():
            seen.setdefault((*values[:place], *values[place + 1 :]), set()).add(answer)
        if any(len(answers) > 1 for answers in seen.values()):
            needed.add(name)
    return ("missing", frozenset(needed)) if needed else None


def findings(facts: Flat) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    """Return the finding of every article that has one."""
    found = {key: outcome(key, facts) for key in READINGS}
    return {key: value for key, value in found.items() if value is not None}
