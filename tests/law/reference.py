"""The binding readings written a second time, straight from the contract, in plain Python and by brute force.

It shares no code with the product but the JSON it is given: facts are a flat dictionary by dotted name, unknown ones
absent, and an article is judged by trying values for every unknown fact it could look at.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple

Flat = Mapping[str, Any]

PRIVATE = {"hotel_room", "public_bath", "bathroom", "toilet", "changing_room", "fitting_room"}
NINE = {"hotel", "bank", "station", "airport", "sports_venue", "exhibition_hall", "museum", "gallery", "library"}
FIVE = {"race", "ethnicity", "religion", "health", "social_class"}
DEVICE = {"register_device", "capture", "enrol", "verify", "identify", "identify_remote", "analyse"}
TABLE = FIVE | {"emotion", "age", "sex", "pose", "quality", "attack"}
ACTIONS = DEVICE | {"activate_purpose", "reuse", "keep_original", "disclose", "finalise"}

#: Values that stand for all values of a fact, as far as the readings tell values apart.
VALUES: dict[str, tuple[Any, ...]] = {
    "purpose.code": ("check-in", "p2", "p3"),
    "origin_purpose.code": ("check-in", "p2", "p3"),
    "consent.purpose": ("check-in", "p2", "p3"),
    "consent.state": ("given", "none"),
    "consent.form": ("separate", "written", "bundled"),
    "purpose.assessment": ("current", "stale", "none"),
    "operator.filing": ("not_due", "due", "overdue"),
    "venue.kind": ("hotel", "library", "shop", "residential"),
    "place.kind": ("toilet", "fitting_room", "lobby", "gate", "entrance"),
    "subject.age_class": ("under_14", "14_to_17", "adult"),
    "session.started_by": ("subject", "staff", "passive"),
    "session.last_refusal_days": (0, 29, 30, 31),
    "analysis.attribute": ("race", "social_class", "pose", "gait"),
    "authorisation.approvers": (0, 1, 2, 3),
    "device.assessed_days": (0, 365, 366),
    "storage.where": ("device", "server"),
    "storage.destination": ("local", "private_network", "internet"),
    "measured.faces": (0, 1, 2, 3),
}
SCOPES = ("enrol", "verify", "identify", "off_device_storage", "keep_original", "analyse", "disclose", "reuse")
LIFTS = ("consent", "guardian", "venue", "original", "storage", "disclosure")
LISTS = {"consent.scopes": SCOPES, "statutory_basis_lifts": LIFTS}
#: No article asks two members of a list for one action, so a list that has all and one that has none stand for all.
BOTH = {name: ((), members) for name, members in LISTS.items()}
CODES = ("purpose.code", "origin_purpose.code", "consent.purpose")
CONSENT = (
    "consent.state",
    "consent.form",
    "consent.purpose",
    "purpose.code",
    "consent.notice_current",
    "consent.scopes",
)
BASIS = ("statutory_basis", "statutory_basis_lifts")
AUTHORISED = ("authorisation present", "authorisation.in_scope", "authorisation.approvers")


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


def business(facts: Flat) -> bool:
    return facts["venue.business"] or facts["venue.kind"] in NINE


def coerces(facts: Flat) -> bool:
    free = (
        facts["session.started_by"] == "subject"
        and facts["session.purpose_prompted"]
        and facts["session.alternative_offered"]
        and facts["alternative.available"]
    )
    return business(facts) and not free and not lifts(facts, "venue")


def nags(facts: Flat) -> bool:
    days = facts.get("session.last_refusal_days")
    return facts["session.started_by"] == "staff" and days is not None and days < 30


def authorised(facts: Flat) -> bool:
    return facts["authorisation present"] and facts["authorisation.in_scope"] and facts["authorisation.approvers"] >= 2


def reads_the_sensitive(facts: Flat) -> bool:
    sensitive = facts["analysis.attribute"] in FIVE or facts["analysis.sensitive"]
    return sensitive and not consents(facts, "analyse") and not authorised(facts)


def child_alone(facts: Flat) -> bool:
    guarded = facts["consent.guardian"] and consents(facts, facts["action"])
    return facts.get("subject.age_class") == "under_14" and not guarded and not lifts(facts, "guardian")


def keeps_crowd(facts: Flat) -> bool:
    return facts["measured present"] and facts["measured.faces"] > 1 and not facts["measured.target_isolated"]


class Clause(NamedTuple):
    """The actions it reaches, the facts it may look at, and when it refuses."""

    actions: set[str]
    looks_at: tuple[str, ...]
    refuses: Callable[[Flat], Any]


def no_consent(scope: str | None = None, lift: str = "consent") -> Callable[[Flat], bool]:
    return lambda f: not consents(f, scope or f["action"]) and not lifts(f, lift)


def absent(name: str) -> Callable[[Flat], bool]:
    return lambda f: not f[name]


def public_without(name: str) -> Callable[[Flat], bool]:
    return lambda f: f["place.public"] and not f[name]


DRAFT, MEASURES = "cn-2023-draft", "cn-2025"
COOPERATIVE = {"enrol", "verify", "identify"}
MATCHING = {"verify", "identify"}
SETTING = {"register_device", "capture"}
SESSION = ("session.started_by", "session.purpose_prompted", "session.alternative_offered", "alternative.available")
NAG = ("session.started_by", "session.last_refusal_days")
BUSINESS = ("venue.business", "venue.kind")
BANNED = [Clause(ACTIONS, ("purpose.banned",), lambda f: f["purpose.banned"])]
PLACES = [
    Clause(DEVICE, ("place.kind", "place.private"), lambda f: f["place.kind"] in PRIVATE or f["place.private"]),
]
CONSENTED = [Clause(COOPERATIVE, (*CONSENT, *BASIS), no_consent())]
PURPOSE = [
    Clause(ACTIONS, ("purpose.stated",), absent("purpose.stated")),
    Clause({"activate_purpose"}, ("purpose.necessity",), absent("purpose.necessity")),
    Clause({"activate_purpose"}, ("purpose.alternatives_assessed",), absent("purpose.alternatives_assessed")),
    Clause(
        {"reuse"},
        ("origin_purpose.code", *CONSENT, *BASIS),
        lambda f: f["purpose.code"] != f["origin_purpose.code"] and no_consent("reuse")(f),
    ),
]
PUBLIC = [
    Clause(SETTING, ("place.public", name), public_without(name))
    for name in ("device.security_necessity", "device.sign_current")
]
MINORS = [Clause(COOPERATIVE, ("subject.age_class", "consent.guardian", *CONSENT, *BASIS), child_alone)]
ASSESSED = [
    Clause({"activate_purpose", "enrol"}, ("purpose.assessment",), lambda f: f["purpose.assessment"] != "current"),
    Clause(MATCHING, ("purpose.assessment",), lambda f: f["purpose.assessment"] == "none"),
]
FILED = [Clause({"enrol"}, ("operator.filing",), lambda f: f["operator.filing"] == "overdue")]
#: By pack and article the clauses, any of which refuses.
READINGS: dict[tuple[str, str], list[Clause]] = {
    (DRAFT, "3"): BANNED,
    (MEASURES, "3"): BANNED,
    (DRAFT, "4"): PURPOSE,
    (MEASURES, "4"): PURPOSE,
    (DRAFT, "5"): CONSENTED,
    (MEASURES, "6"): [
        *CONSENTED,
        Clause(
            {"enrol"},
            ("consent.withdrawal_as_easy", *BASIS),
            lambda f: not f["consent.withdrawal_as_easy"] and not lifts(f, "consent"),
        ),
    ],
    (DRAFT, "6"): PLACES,
    (MEASURES, "13"): [
        *PLACES,
        *PUBLIC,
        Clause(SETTING, ("place.public", "device.area_set"), lambda f: f["place.public"] and not f["device.area_set"]),
    ],
    (DRAFT, "7"): [
        *PUBLIC,
        Clause(
            {"reuse"},
            ("origin_purpose.public_security", "purpose.public_security", *CONSENT),
            lambda f: (
                f["origin_purpose.public_security"] and not f["purpose.public_security"] and not consents(f, "reuse")
            ),
        ),
    ],
    (DRAFT, "8"): [
        Clause(
            SETTING, ("place.internal", "device.area_set"), lambda f: f["place.internal"] and not f["device.area_set"]
        )
    ],
    (DRAFT, "9"): [
        Clause(MATCHING, (*BUSINESS, *SESSION, *BASIS), coerces),
        Clause(COOPERATIVE, (*BUSINESS, *NAG), lambda f: business(f) and nags(f)),
    ],
    (MEASURES, "12"): [Clause(COOPERATIVE, NAG, nags)],
    (DRAFT, "10"): [
        Clause(
            {"identify_remote"},
            (*AUTHORISED, "authorisation.requested_by_subject"),
            lambda f: not (authorised(f) and f["authorisation.requested_by_subject"]),
        )
    ],
    (MEASURES, "10"): [
        Clause(
            MATCHING,
            ("alternative.available", *BASIS),
            lambda f: not f["alternative.available"] and not lifts(f, "venue"),
        ),
        Clause(
            {"register_device", *MATCHING},
            ("device.sole_entry", *BASIS),
            lambda f: f["device.sole_entry"] and not lifts(f, "venue"),
        ),
    ],
    (DRAFT, "11"): [
        Clause({"analyse"}, ("analysis.attribute", "analysis.sensitive", *AUTHORISED, *CONSENT), reads_the_sensitive)
    ],
    (DRAFT, "12"): [
        Clause(
            {"finalise"},
            ("purpose.major_interest", "review.human", "review.by_operator"),
            lambda f: f["purpose.major_interest"] and not (f["review.human"] and not f["review.by_operator"]),
        )
    ],
    (DRAFT, "13"): MINORS,
    (MEASURES, "7"): [
        *MINORS,
        Clause(
            COOPERATIVE,
            ("subject.age_class", "minor_rules"),
            lambda f: f.get("subject.age_class") == "under_14" and not f["minor_rules"],
        ),
    ],
    (DRAFT, "14"): [
        Clause(
            {"activate_purpose", "register_device", *MATCHING},
            ("venue.kind", "place.kind", "device.sole_entry"),
            lambda f: (
                f["venue.kind"] == "residential" and f["place.kind"] in ("gate", "entrance") and f["device.sole_entry"]
            ),
        )
    ],
    (DRAFT, "15"): ASSESSED,
    (MEASURES, "9"): ASSESSED,
    (DRAFT, "16"): FILED,
    (MEASURES, "15"): FILED,
    (DRAFT, "17"): [Clause({"keep_original"}, (*CONSENT, *BASIS), no_consent("keep_original", "original"))],
    (DRAFT, "18"): [
        Clause(
            {*COOPERATIVE, "analyse"}, ("measured present", "measured.faces", "measured.target_isolated"), keeps_crowd
        )
    ],
    (DRAFT, "19"): [Clause({"enrol"}, ("device.assessed_days",), lambda f: f["device.assessed_days"] > 365)],
    (MEASURES, "8"): [
        Clause(
            {"enrol"},
            ("storage.where", *CONSENT, *BASIS),
            lambda f: f["storage.where"] == "server" and no_consent("off_device_storage", "storage")(f),
        ),
        Clause({"enrol"}, ("retention.bounded",), absent("retention.bounded")),
        Clause(
            {"disclose"},
            ("storage.destination", *CONSENT, *BASIS),
            lambda f: f["storage.destination"] == "internet" and no_consent("disclose", "disclosure")(f),
        ),
    ],
}
#: Reading 6: articles that do not permit an enrolment while the age is unknown, whatever else is on file.
AGE_AT_ENROL = {(DRAFT, "13"), (MEASURES, "7")}
OPTIONAL = ("authorisation", "measured")
FIRST = {DRAFT: "2023-08-08", MEASURES: "2025-06-01"}


def binding(at: str) -> set[str]:
    """Return the packs that bind at an instant: their first day is a day of Shanghai, eight hours ahead of UTC."""
    instant = datetime.fromisoformat(at)
    local = instant.replace(tzinfo=None) - (instant.utcoffset() or timedelta()) + timedelta(hours=8)
    return {pack for pack, first in FIRST.items() if local.date().isoformat() >= first}


def answers_when_absent(name: str, facts: Flat) -> bool:
    """Whether the contract takes the absence of a fact as an answer."""
    if name in ("statutory_basis", "session.last_refusal_days"):
        return True
    if name == "subject.age_class":
        return facts["action"] in MATCHING
    group = name.partition(".")[0].removesuffix(" present")
    return group in OPTIONAL and (name.endswith(" present") or f"{group} present" not in facts)


def domain(name: str, known: Flat) -> tuple[Any, ...]:
    """Return values to try for an unknown fact."""
    if name in BOTH:
        return BOTH[name]
    if name in CODES:
        return tuple(dict.fromkeys([*(known[part] for part in CODES if part in known), *VALUES[name]]))
    return VALUES.get(name, (False, True))


def outcome(key: tuple[str, str], facts: Flat) -> tuple[str, frozenset[str]] | None:
    """Return the outcome of an article and the unknown facts it needs, None where it adds no finding."""
    action = facts["action"]
    looks_at = dict.fromkeys(name for clause in READINGS[key] if action in clause.actions for name in clause.looks_at)
    if not looks_at:
        return None
    known = {name: facts[name] for name in looks_at if name in facts}
    if known.get("analysis.attribute", "race") not in TABLE:
        known.pop("analysis.sensitive", None)
    for group in OPTIONAL:
        if f"{group} present" in looks_at:
            known[f"{group} present"] = f"{group} present" in facts
    unknown = tuple(name for name in looks_at if name not in known and not answers_when_absent(name, facts))
    frozen = tuple((name, tuple(value) if isinstance(value, list) else value) for name, value in known.items())
    found = brute_force(key, action, frozen, unknown)
    if key in AGE_AT_ENROL and action == "enrol" and "subject.age_class" not in facts:
        named = found[1] if found else frozenset()
        return found if found and found[0] == "forbids" else ("missing", named | {"subject.age_class"})
    return found


@lru_cache(maxsize=200_000)
def brute_force(
    key: tuple[str, str], action: str, known: tuple[tuple[str, Any], ...], unknown: tuple[str, ...]
) -> tuple[str, frozenset[str]] | None:
    clauses = [clause.refuses for clause in READINGS[key] if action in clause.actions]
    facts = {**dict(known), "action": action}
    refused = {}
    for values in product(*(domain(name, facts) for name in unknown)):
        whole = {**facts, **dict(zip(unknown, values, strict=True))}
        refused[values] = any(refuses(whole) for refuses in clauses)
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


def findings(facts: Flat, packs: set[str] | None = None) -> dict[tuple[str, str], tuple[str, frozenset[str]]]:
    """Return the finding of every article that has one, of these packs."""
    asked = [key for key in READINGS if packs is None or key[0] in packs]
    found = {key: outcome(key, facts) for key in asked}
    return {key: value for key, value in found.items() if value is not None}


def duties(facts: Flat, packs: set[str]) -> set[tuple[str, str, str]]:
    """Return the duties of a permit: by pack, article and name."""
    made = set()
    if DRAFT in packs and facts["action"] in {"capture", "identify_remote", *COOPERATIVE}:
        made.add((DRAFT, "17", "discard-original"))
    if facts["action"] in MATCHING and facts["purpose.assessment"] == "stale":
        made |= {(pack, {DRAFT: "15", MEASURES: "9"}[pack], "renew-assessment") for pack in packs}
    return made
