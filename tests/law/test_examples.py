"""Every example of every article, as it is told and on every edge of a date."""

from datetime import date, timedelta

import pytest

from countenance.decide import decide
from countenance.facts import parse_one
from countenance.law import Packs, load_packs
from countenance.law.examples import cases, check

PACKS = load_packs()
CASES = [case for pack in PACKS for case in cases(pack)]


def label(case) -> str:
    return f"{case.example.where}-{case.when}".replace(" ", "-")


def test_there_are_cases_of_every_article():
    told = [case for case in CASES if case.when == "told"]
    assert len(told) >= 190
    assert {(case.pack.name, case.article.number) for case in told} == {
        (pack.name, article.number) for pack in PACKS for article in pack.articles if article.rules
    }
    assert {case.binds for case in CASES} == {True, False}


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_article_answers_as_the_example_says(case):
    assert check(case, decide(case.facts, Packs([case.pack]))) is None


@pytest.mark.parametrize("name, first", [("cn-2023-draft", date(2023, 8, 8)), ("cn-2025", date(2025, 6, 1))])
def test_a_pack_binds_from_its_first_local_day(name, first):
    packs = load_packs([name])
    for at, binds in (
        (f"{first - timedelta(days=1)}T15:59:59Z", False),
        (f"{first - timedelta(days=1)}T16:00:00Z", True),
        (f"{first}T00:00:00+08:00", True),
        (f"{first}T00:30:00+09:00", False),
        ("2100-01-01T00:00:00Z", True),
    ):
        answer = decide(
            parse_one(f'{{"action": "reuse", "at": "{at}", "purpose": {{"banned": false, "stated": true}}}}'), packs
        )
        assert answer.packs[name].binds is binds, at


def test_an_example_that_is_wrong_is_noticed():
    case = next(case for case in CASES if case.when == "told" and case.example.outcome == "refuse")
    permit = decide(parse_one('{"action": "reuse", "at": "2026-01-01T00:00:00Z", "purpose": {"banned": false}}'), PACKS)
    assert "expected refuse" in (check(case, permit) or "")
