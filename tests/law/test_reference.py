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
from tests.law.stories import flat_facts, nested

ROUNDS = 500


def asked(packs: Packs, flat: dict) -> Permit | Refusal:
    return decide(parse_one(json.dumps(nested(flat)), packs.names), packs)


def found(answer: Permit | Refusal) -> dict:
    findings = answer.findings if isinstance(answer, Refusal) else ()
    return {
        (one.pack, one.article): (one.outcome.value, frozenset(one.facts) if one.outcome == "missing" else frozenset())
        for one in findings
    }


@pytest.mark.parametrize("seed", range(8))
def test_every_finding_is_the_one_the_readings_give(packs, seed):
    chance = random.Random(seed)
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        flat = flat_facts(chance)
        answer = asked(packs, flat)
        expected = reference.findings(flat)
        assert found(answer) == expected, flat
        assert isinstance(answer, Permit) == (not expected)
        seen.update(outcome for outcome, _ in expected.values())
        seen["permit"] += not expected
    assert min(seen[kind] for kind in ("permit", "forbids", "missing")) > 10


def test_the_facts_named_by_a_forbidding_article_suffice(packs):
    chance = random.Random(99)
    seen = 0
    for _ in range(ROUNDS):
        flat = flat_facts(chance)
        answer = asked(packs, flat)
        for finding in answer.findings if isinstance(answer, Refusal) else ():
            if finding.outcome == "forbids":
                left = {name: flat[name] for name in ("action", *finding.facts)}
                assert finding.facts
                assert found(asked(packs, left))[finding.pack, finding.article][0] == "forbids"
                seen += 1
    assert seen > 100


def test_the_reference_reaches_every_article_of_the_packs(packs):
    assert {(pack.name, article.number) for pack in packs for article in pack.articles} == set(reference.READINGS)
