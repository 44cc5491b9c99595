"""The golden decision table: of each article, how often it permits, forbids or is missing over a grid of facts.

`python -m tests.law.golden` writes it again; whoever does so looks at the difference and says in CHANGELOG, under Law,
which decisions come out differently.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from countenance.answer import Refusal
from countenance.decide import decide
from countenance.facts import FACT_NAMES, parse_one
from countenance.law import Packs, load_packs
from tests.law.stories import ACTIONS, GOOD, NAMES, nested

TABLE = Path(__file__).parent.parent / "golden" / "decisions.json"
#: Under the draft alone, from its first second to its last by itself; under both.
INSTANTS = (
    "2023-08-08T00:00:00+08:00",
    "2025-05-31T23:59:59+08:00",
    "2025-06-01T00:00:00+08:00",
)
AUTHORISED = {"authorisation.in_scope": True, "authorisation.requested_by_subject": True, "authorisation.approvers": 2}
#: Nearly everything that an article could mind.
ADVERSE: dict[str, Any] = {
    "purpose.major_interest": True,
    "origin_purpose.public_security": True,
    "venue.kind": "residential",
    "place.kind": "gate",
    "place.public": True,
    "place.internal": True,
    "device.sign_current": False,
    "device.security_necessity": False,
    "device.area_set": False,
    "device.sole_entry": True,
    "consent.state": "none",
    "statutory_basis": "act/1",
    "statutory_basis_lifts": ["consent"],
    "session.started_by": "staff",
    "storage.where": "server",
    "storage.destination": "internet",
    "review.human": False,
    "review.by_operator": False,
    "measured.faces": 2,
    "measured.target_isolated": False,
}
ODD: dict[str, tuple[Any, ...]] = {
    "operator.filing": ("not_due", "due", "overdue", "filed", {"cn-2025": "overdue"}, {"cn-2023-draft": "overdue"}),
    "purpose.code": ("check-in", "gym"),
    "origin_purpose.code": ("check-in", "gym"),
    "consent.purpose": ("check-in", "gym"),
    "consent.scopes": ([], ["enrol"], ["verify", "identify"], ["reuse", "disclose"]),
    "statutory_basis": ("act/1",),
    "statutory_basis_lifts": ([], ["consent"], ["guardian", "venue"], ["original", "storage", "disclosure"]),
    "session.last_refusal_days": (0, 29, 30),
    "device.assessed_days": (0, 365, 366),
    "authorisation.approvers": (0, 1, 2),
    "analysis.attribute": ("race", "pose", "gait"),
    "measured.faces": (0, 1, 2),
}


def values(name: str) -> tuple[Any, ...]:
    fact = FACT_NAMES[name]
    closed = tuple(value.value for value in fact.values or ())
    return (None, *(ODD.get(name) or closed or (True, False)))


def grid() -> Iterator[dict[str, Any]]:
    """Yield for each action good facts, and hardly any, each with one or two facts changed."""
    child = {"subject.age_class": "under_14", "consent.guardian": True, "minor_rules": True}
    for action in ACTIONS:
        for base in ({**GOOD, **AUTHORISED}, {**GOOD, **ADVERSE}, {**GOOD, **child}, {"purpose.banned": False}):
            yield {"action": action, **base}
            for name in NAMES:
                for value in values(name):
                    yield {"action": action, **base, name: value}


def decided(packs: Packs) -> dict[str, Any]:
    """Return the table."""
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    stories = [json.dumps(nested(flat)) for flat in grid()]
    for at in INSTANTS:
        for story in stories:
            answer = decide(
                parse_one(story, packs.names).at_instant(parse_one(json.dumps({"action": "reuse", "at": at})).at), packs
            )
            found = {(one.pack, one.article): one for one in (answer.findings if isinstance(answer, Refusal) else ())}
            for pack in packs:
                if answer.packs[pack.name].binds:
                    for article in pack.articles:
                        if article.rules:
                            one = found.get((pack.name, article.number))
                            key = (at, pack.name, article.number)
                            counts.setdefault(key, Counter())[one.outcome.value if one else "permit"] += 1
    table: dict[str, Any] = {"stories": len(stories)}
    for (at, name, number), counter in counts.items():
        table.setdefault(at, {}).setdefault(name, {})[number] = dict(sorted(counter.items()))
    return table


def text(table: dict[str, Any]) -> str:
    return json.dumps(table, indent=1) + "\n"


if __name__ == "__main__":
    TABLE.write_text(text(decided(load_packs())), encoding="utf-8")
