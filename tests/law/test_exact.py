"""Natural Cedar, in any order and nesting: the outcome over unknown facts is that of brute force over their values."""

import json
import random
from collections import Counter
from itertools import product

import pytest

from countenance.answer import Refusal
from countenance.decide import decide
from countenance.facts import parse_one
from countenance.law import Packs
from tests.law.stories import nested

AT = "2026-01-01T00:00:00Z"
SCOPES = ("enrol", "verify", "identify")
#: What a fact of these tests may be; enough values to tell every atom below apart.
VALUES = {
    "place.private": (False, True),
    "place.public": (False, True),
    "minor_rules": (False, True),
    "place.kind": ("lobby", "hotel_room", "toilet", "counter", "other"),
    "device.assessed_days": (0, 29, 30, 31, 364, 365, 366, 2**31 - 1),
    "measured.faces": (0, 1, 2, 3),
    "session.last_refusal_days": (0, 29, 30, 31),
    "consent.scopes": ((), ("enrol",), ("verify",), ("enrol", "verify"), ("identify",), SCOPES),
    "consent.purpose": ("a", "b", "c"),
    "purpose.code": ("a", "b", "c"),
    "origin_purpose.code": ("a", "b", "c"),
}
ATOMS = [
    ("context.place.private", lambda f: f["place.private"]),
    ("context.place.public == true", lambda f: f["place.public"]),
    ("context.minor_rules", lambda f: f["minor_rules"]),
    ('context.place.kind == "toilet"', lambda f: f["place.kind"] == "toilet"),
    ('"hotel_room" != context.place.kind', lambda f: f["place.kind"] != "hotel_room"),
    ('["lobby", "toilet"].contains(context.place.kind)', lambda f: f["place.kind"] in ("lobby", "toilet")),
    ("context.device.assessed_days > 365", lambda f: f["device.assessed_days"] > 365),
    ("30 <= context.device.assessed_days", lambda f: f["device.assessed_days"] >= 30),
    ('context.consent.scopes.contains("enrol")', lambda f: "enrol" in f["consent.scopes"]),
    (
        'context.consent.scopes.containsAny(["enrol", "verify"])',
        lambda f: {"enrol", "verify"} & set(f["consent.scopes"]),
    ),
    (
        'context.consent.scopes.containsAll(["enrol", "verify"])',
        lambda f: {"enrol", "verify"} <= set(f["consent.scopes"]),
    ),
    ("context.consent.scopes.isEmpty()", lambda f: not f["consent.scopes"]),
    ("context.consent.purpose == context.purpose.code", lambda f: f["consent.purpose"] == f["purpose.code"]),
    ("context.purpose.code != context.origin_purpose.code", lambda f: f["purpose.code"] != f["origin_purpose.code"]),
    ('context.purpose.code == "a"', lambda f: f["purpose.code"] == "a"),
    (
        "(context has measured && context.measured.faces > 1)",
        lambda f: f["measured.faces"] is not None and f["measured.faces"] > 1,
    ),
    (
        "(context.session has last_refusal_days && context.session.last_refusal_days < 30)",
        lambda f: f["session.last_refusal_days"] is not None and f["session.last_refusal_days"] < 30,
    ),
]


def expression(chance: random.Random, depth: int):
    """Return a random expression as Cedar text and as a function of facts."""
    kind = chance.choice(("atom", "and", "or", "not", "if", "and", "or")) if depth else "atom"
    if kind == "atom":
        return chance.choice(ATOMS)
    one, two, three = (expression(chance, depth - 1) for _ in range(3))
    if kind == "not":
        return f"!({one[0]})", lambda f: not one[1](f)
    if kind == "if":
        text = f"(if {one[0]} then {two[0]} else {three[0]})"
        return text, lambda f: two[1](f) if one[1](f) else three[1](f)
    if kind == "and":
        return f"(({one[0]}) && ({two[0]}))", lambda f: one[1](f) and two[1](f)
    return f"(({one[0]}) || ({two[0]}))", lambda f: one[1](f) or two[1](f)


def brute(refuses, facts: dict) -> tuple[str, set[str]] | None:
    """Return the outcome over every value of the unknown facts, and the facts of which one alone turns it over."""
    unknown = [name for name in VALUES if name not in facts]
    unknown = [name for name in unknown if name != "session.last_refusal_days"]
    if "measured present" not in facts:
        unknown.remove("measured.faces")
    absent = {"session.last_refusal_days": None, "measured.faces": None}
    needed = {name for name in unknown if _reads(refuses, absent | facts, name)}
    unknown = [name for name in unknown if name in needed]
    answers = {
        values: bool(refuses({**absent, **facts, **dict(zip(unknown, values, strict=True))}))
        for values in product(*(VALUES[name] for name in unknown))
    }
    if len(set(answers.values())) == 1:
        return ("forbids", set()) if next(iter(answers.values())) else None
    turning = set()
    for place, name in enumerate(unknown):
        seen: dict = {}
        for values, answer in answers.items():
            seen.setdefault((*values[:place], *values[place + 1 :]), set()).add(answer)
        if any(len(some) > 1 for some in seen.values()):
            turning.add(name)
    return "missing", turning


def _reads(refuses, facts: dict, name: str) -> bool:
    """Whether the function looks at that fact at all, to keep the product small."""
    return name in refuses.reads


class Rule:
    """Two random policies of one article."""

    def __init__(self, chance: random.Random) -> None:
        self.when, self.unless = expression(chance, 3), expression(chance, 1)
        self.second = expression(chance, 2)
        self.cedar = (
            f"forbid (principal, action, resource) when {{ {self.when[0]} }} unless {{ {self.unless[0]} }};\n"
            f'forbid (principal, action == Action::"verify", resource) when {{ {self.second[0]} }};'
        )
        self.reads = {name for name in VALUES if f"context.{name}" in self.cedar}

    def __call__(self, facts: dict) -> bool:
        return (self.when[1](facts) and not self.unless[1](facts)) or (
            facts["action"] == "verify" and self.second[1](facts)
        )


@pytest.mark.parametrize("seed", range(6))
def test_the_outcome_is_exact_for_any_natural_rule(trial, seed):
    chance = random.Random(seed)
    rules: dict[str, Rule] = {}
    while len(rules) < 40:
        rule = Rule(chance)
        if len(rule.reads) <= 5:
            rules[str(len(rules) + 1)] = rule
    pack = trial({number: rule.cedar for number, rule in rules.items()})
    seen: Counter[str] = Counter()
    for _ in range(15):
        facts = {name: chance.choice(values) for name, values in VALUES.items() if chance.random() < 0.4}
        facts["action"] = chance.choice(("verify", "enrol"))
        if chance.random() < 0.5:
            facts["measured present"] = True
        else:
            facts.pop("measured.faces", None)
        answer = decide(parse_one(json.dumps(nested(facts) | {"at": AT})), Packs([pack]))
        got = {one.article: one for one in (answer.findings if isinstance(answer, Refusal) else ())}
        for number, rule in rules.items():
            expected = brute(rule, facts)
            one = got.get(number)
            found = None if one is None else (one.outcome.value, set(one.facts) if one.outcome == "missing" else set())
            assert found == expected, (rule.cedar, facts)
            seen[expected[0] if expected else "nothing"] += 1
    assert min(seen[kind] for kind in ("nothing", "forbids", "missing")) > 10
