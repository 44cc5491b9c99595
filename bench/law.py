"""A decision of both complete packs, beside Cedar given the same policies as text and PyCasbin with comparable rules.

Every guest is another question: what was remembered of earlier ones helps no more than it would at a busy counter on
its first day. PyCasbin's rules are those of both packs for verifying, but two-valued: it knows no unknown fact, names
no article and gives no remedy.
"""

import json
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cedarpy import is_authorized

from countenance.decide import decide
from countenance.facts import Facts, as_context, parse_one
from countenance.law import load_packs

GUESTS, AT_ONCE = 3000, 400
TARGETS = {
    "permit_ms": ("≤", 0.5),
    "permit_p99_ms": ("≤", 1.5),
    "refusal_ms": ("≤", 0.5),
    "refusal_p99_ms": ("≤", 1.5),
}
GUEST: dict[str, Any] = {
    "action": "verify",
    "at": "2026-11-23T10:00:00+08:00",
    "operator": {"filing": "filed"},
    "purpose": {"code": "check-in", "banned": False, "stated": True, "assessment": "current"},
    "venue": {"kind": "hotel", "business": True},
    "place": {"kind": "counter", "private": False, "public": False, "internal": False},
    "device": {"registered": True, "sole_entry": False},
    "subject": {"age_class": "adult"},
    "consent": {
        "state": "given", "form": "separate", "purpose": "check-in", "scopes": ["enrol", "verify"],
        "notice_current": True, "guardian": False,
    },
    "session": {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True},
    "alternative": {"available": True},
    "measured": {"faces": 1, "target_isolated": True},
}  # fmt: skip
MODEL = """
[request_definition]
r = f, act
[policy_definition]
p = rule, act, eft
[policy_effect]
e = !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && eval(p.rule)
"""
_NINE = "('hotel','bank','station','airport','sports_venue','exhibition_hall','museum','gallery','library')"
_PRIVATE = "('hotel_room','public_bath','bathroom','toilet','changing_room','fitting_room')"
_BUSINESS = f"(r.f.venue.business or r.f.venue.kind in {_NINE})"
_VALID = (
    "(r.f.consent.state == 'given' and r.f.consent.form in ('separate','written') and r.f.consent.purpose == "
    "r.f.purpose.code and r.f.consent.notice_current and r.f.act in r.f.consent.scopes)"
)
_CHILD = "r.f.subject.age_class == 'under_14'"
_NAGS = "r.f.session.started_by == 'staff' and r.f.session.last_refusal_days < 30"
_ONE_PACK = (
    "r.f.purpose.banned",
    "not r.f.purpose.stated",
    f"not ('consent' in r.f.lifts or {_VALID})",
    f"r.f.place.private or r.f.place.kind in {_PRIVATE}",
    f"{_CHILD} and not ('guardian' in r.f.lifts or (r.f.consent.guardian and {_VALID}))",
    "r.f.purpose.assessment == 'none'",
)
RULES = (
    *_ONE_PACK,
    *_ONE_PACK,
    *(
        f"{_BUSINESS} and not ('venue' in r.f.lifts or {needed})"
        for needed in (
            "r.f.session.started_by == 'subject'",
            "r.f.session.purpose_prompted",
            "r.f.session.alternative_offered",
            "r.f.alternative.available",
        )
    ),
    f"{_BUSINESS} and {_NAGS}",
    "r.f.venue.kind == 'residential' and r.f.place.kind in ('gate','entrance') and r.f.device.sole_entry",
    "r.f.measured.faces > 1 and not r.f.measured.target_isolated",
    f"{_CHILD} and not r.f.minor_rules",
    "not ('venue' in r.f.lifts or r.f.alternative.available)",
    "r.f.device.sole_entry and not 'venue' in r.f.lifts",
    _NAGS,
)


def guests(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Return so many guests, each another question."""
    made = []
    for number in range(count):
        guest = {**GUEST, **changes}
        guest["session"] = {**GUEST["session"], "last_refusal_days": 31 + number}
        made.append(guest)
    return made


def milliseconds(work: Callable[[Any], object], over: Sequence[Any]) -> list[float]:
    """Return how long the work took on each, shortest first."""
    taken = []
    for each in over:
        start = time.perf_counter()
        work(each)
        taken.append((time.perf_counter() - start) * 1000)
    return sorted(taken)


def measure(faces: Path) -> dict[str, float]:  # noqa: ARG001 — every bench is handed the photographs
    """Return the figures, in milliseconds a decision."""
    packs = load_packs()
    figures = {}
    for name, changes in (("permit", {}), ("refusal", {"place": {**GUEST["place"], "kind": "toilet"}})):
        asked = [parse_one(json.dumps(guest)) for guest in guests(GUESTS, **changes)]
        decide(asked[0], packs)
        taken = milliseconds(lambda facts: decide(facts, packs), asked[1:])
        figures[f"{name}_ms"] = statistics.median(taken)
        figures[f"{name}_p99_ms"] = taken[len(taken) * 99 // 100]
    asked = [parse_one(json.dumps(guest)) for guest in guests(AT_ONCE)]
    again = milliseconds(lambda facts: decide(facts, packs), [asked[0]] * AT_ONCE)
    figures["same_question_ms"] = statistics.median(again)
    figures["cedar_text_ms"] = statistics.median(milliseconds(lambda facts: _cedar(facts, packs), asked))
    try:
        enforcer = _casbin()
    except ImportError:  # the group `bench` is not installed
        return figures
    figures["casbin_ms"] = statistics.median(milliseconds(enforcer, guests(AT_ONCE)))
    return figures


def _cedar(facts: Facts, packs: Any) -> bool:
    """Ask Cedar with the policies as text, parsed on each call; without `decide`, an error in a policy would permit."""
    allowed = True
    for pack in packs:
        law = {"law": pack.parameters(pack.day(facts.at))}
        request = {
            "principal": 'Operator::"operator"',
            "action": f'Action::"{facts.action}"',
            "resource": 'Face::"face"',
            "context": {**as_context(facts, pack.name), **law},
        }
        allowed = is_authorized(request, pack.compiled.text, []).allowed and allowed
    return allowed


def _casbin() -> Callable[[dict[str, Any]], bool]:
    """Return PyCasbin with the rules of both packs for verifying, held ready in memory."""
    import casbin

    model = casbin.Model()
    model.load_model_from_text(MODEL)
    enforcer = casbin.Enforcer(model)
    for number, rule in enumerate(RULES):
        enforcer.add_policy(f"({rule}) and {number} == {number}", "verify", "deny")

    def ask(guest: dict[str, Any]) -> bool:
        facts = SimpleNamespace(lifts=(), act="verify", minor_rules=False)
        for name, part in guest.items():
            setattr(facts, name, SimpleNamespace(**part) if isinstance(part, dict) else part)
        return bool(enforcer.enforce(facts, "verify"))

    if not ask(guests(1)[0]) or ask(guests(1, place={**GUEST["place"], "kind": "toilet"})[0]):
        raise AssertionError
    return ask
