"""`decide` against the readings written a second time, on thousands of random facts."""

import json
import random
from collections import Counter

import pytest

from countenance.answer import Permit, Refusal
from countenance.decide import decide
from countenance.facts import parse_one
from countenance.law import Packs
from tests.law import reference
from tests.law.stories import AT, flat_facts, nested

#: Twenty thousand stories in all.
ROUNDS = 2500
INSTANTS = (
    "2023-08-07T23:59:59+08:00", "2023-08-07T16:00:00Z", "2024-02-29T00:00:00-05:00", "2025-05-31T23:59:59+08:00",
    "2025-05-31T16:00:00Z", "2100-01-01T00:00:00+08:00",
)  # fmt: skip


def asked(packs: Packs, flat: dict, at: str = AT) -> Permit | Refusal:
    return decide(parse_one(json.dumps(nested(flat) | {"at": at}), packs.names), packs)


def found(answer: Permit | Refusal) -> dict:
    findings = answer.findings if isinstance(answer, Refusal) else ()
    return {
        (one.pack, one.article): (one.outcome.value, frozenset(one.facts) if one.outcome == "missing" else frozenset())
        for one in findings
    }


@pytest.mark.parametrize("seed", range(8))
def test_every_finding_and_duty_is_the_one_the_readings_give(packs, seed):
    chance = random.Random(seed)
    seen: Counter[object] = Counter()
    for _ in range(ROUNDS):
        flat = flat_facts(chance)
        at = chance.choice(INSTANTS) if chance.random() < 0.2 else AT
        answer = asked(packs, flat, at)
        bind = reference.binding(at)
        expected: dict = reference.findings(flat, bind) if bind else {(None, None): ("forbids", frozenset())}
        assert found(answer) == expected, (at, flat)
        assert isinstance(answer, Permit) == (not expected)
        if isinstance(answer, Permit):
            assert {(one.pack, one.article, one.duty) for one in answer.duties} == reference.duties(flat, bind)
            assert len(answer.duties) == len(set(answer.duties))
            seen.update(one.duty for one in answer.duties)
        seen.update((*key, outcome) for key, (outcome, _) in expected.items())
        seen["permit"] += not expected
    articles = [(*key, outcome) for key in reference.READINGS for outcome in ("forbids", "missing")]
    assert min(seen[kind] for kind in ("permit", "discard-original", "renew-assessment")) > 3
    assert len([kind for kind in articles if not seen[kind]]) <= 2  # the rarest need three facts at once


def test_the_facts_named_by_a_forbidding_article_suffice(packs):
    chance = random.Random(99)
    seen = 0
    for _ in range(500):
        flat = flat_facts(chance)
        answer = asked(packs, flat)
        for finding in answer.findings if isinstance(answer, Refusal) else ():
            if finding.outcome == "forbids":
                left = {name: flat[name] for name in ("action", *finding.facts)}
                assert finding.facts or "authorisation" not in nested(flat)  # none on file is told by its absence
                assert found(asked(packs, left))[finding.pack, finding.article][0] == "forbids"
                seen += 1
    assert seen > 100


def test_the_reference_reaches_every_article_of_the_packs(packs):
    enforced = {(pack.name, article.number) for pack in packs for article in pack.articles if article.rules}
    assert enforced == set(reference.READINGS)
    assert [len(pack.articles) for pack in packs] == [25, 20]
