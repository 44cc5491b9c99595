"""Doubt refuses: whatever goes wrong while the law is asked becomes a finding of its own kind, and an alarm."""

import dataclasses
import json
import logging
from typing import Any

import pytest

from countenance.answer import MINT, Outcome, Permit, Refusal
from countenance.decide import decide
from countenance.errors import IntegrityError
from countenance.facts import parse_one
from countenance.law import Pack, Packs, load_packs
from countenance.law.compiled import BASE, Native
from countenance.law.tree import State

PACKS = load_packs()
ALLOWED = {
    "action": "verify",
    "at": "2026-11-23T10:00:00+08:00",
    "purpose": {"code": "p", "banned": False, "stated": True, "assessment": "current"},
    "venue": {"kind": "office", "business": False},
    "place": {"kind": "counter", "private": False},
    "device": {"sole_entry": False},
    "session": {"started_by": "subject"},
    "consent": {"state": "given", "form": "written", "purpose": "p", "scopes": ["verify"], "notice_current": True},
    "alternative": {"available": True},
}
FACTS = parse_one(json.dumps(ALLOWED))
PRIVATE = parse_one(json.dumps({**ALLOWED, "place": {"kind": "toilet", "private": True}}))
HOTEL = {"kind": "hotel", "business": True}
#: Two rules of article 9 refuse: nobody may begin for the guest, and the purpose was not said.
PUSHED = parse_one(json.dumps({**ALLOWED, "venue": HOTEL, "session": {
    "started_by": "passive", "purpose_prompted": False, "alternative_offered": True}}))  # fmt: skip
#: Two rules of article 9 might refuse: whether the purpose was said, and another way offered, nobody knows.
UNSURE = parse_one(json.dumps({**ALLOWED, "venue": HOTEL, "session": {"started_by": "subject"}}))
DRAFT = next(iter(PACKS))
PLACES = next(rule.policy for article in DRAFT.articles if article.number == "6" for rule in article.rules)
BUSINESS = {rule.policy for article in DRAFT.articles if article.number == "9" for rule in article.rules}
#: A policy of the draft that has nothing to say about verifying.
ELSEWHERE = next(one.policy for each in DRAFT.articles for one in each.rules if "verify" not in one.actions)


@pytest.fixture(autouse=True)
def nothing_remembered():
    """Let no test answer for another: what a pack found is remembered by the facts that were asked."""
    for pack in PACKS:
        pack.compiled.found.clear()


class Broken:
    """Cedar handles that answer what a test wants; everything else is asked of the real ones."""

    def __init__(self, real, **replaced) -> None:
        self._real, self._replaced = real, replaced

    def __getattr__(self, name):
        return self._replaced.get(name) or getattr(self._real, name)


def with_cedar(**replaced) -> Packs:
    """Return both packs, the draft's handles replaced in part."""
    broken = changed(DRAFT, compiled=Broken(DRAFT.compiled, **replaced))
    return Packs([broken, *[pack for pack in PACKS if pack.name != DRAFT.name]])


def changed(pack: Pack, **parts: Any) -> Pack:
    """Return a pack in which something is as no loader would leave it."""
    return dataclasses.replace(pack, **parts)


def native(allowed: bool, deciding=(), failing=()):
    return lambda action, context: Native(allowed, frozenset(deciding), frozenset(failing))


def its_own(change):
    """Return Cedar's own answer, once a test has changed it."""
    return lambda action, context: change(DRAFT.compiled.ask(action, context))


def failing(answer) -> list[tuple[str | None, str | None]]:
    assert isinstance(answer, Refusal)
    return [(one.pack, one.article) for one in answer.findings if one.outcome is Outcome.FAILED]


def raising(*_args, **_kwargs):
    raise RuntimeError("secret of a subject")


def test_these_facts_are_permitted_when_nothing_is_wrong():
    assert isinstance(decide(FACTS, PACKS), Permit)


@pytest.mark.parametrize(
    "answer",
    [
        native(True),
        native(True, ["policy3"]),
        native(True, ["policy0", "policy3"]),
        native(True, ["policy0"], ["policy0"]),
        native(False),
        native(False, ["policy0"]),
        native(False, ["policy77"]),
        native(True, ["policy0"], ["policy77"]),
        native(True, ["policy0"], [ELSEWHERE]),
        raising,
    ],
    ids=[
        "allowed-by-nothing", "allowed-by-a-prohibition", "allowed-by-two", "base-failing", "denied-by-nothing",
        "denied-by-the-base", "denied-by-a-stranger", "a-stranger-failing", "a-policy-of-another-action-failing",
        "an-exception",
    ],
)  # fmt: skip
def test_an_answer_of_cedar_that_cannot_be_is_a_refusal(answer, caplog):
    with caplog.at_level(logging.CRITICAL):
        assert failing(decide(FACTS, with_cedar(ask=answer))) == [(DRAFT.name, None)]
    assert caplog.records
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    "facts, answer",
    [
        (PRIVATE, native(True, [BASE, PLACES])),
        (PRIVATE, native(False, [BASE, PLACES])),
        (PRIVATE, native(False, [PLACES, "policy77"], ["policy77"])),
        (PRIVATE, native(False, [PLACES], ["policy77"])),
        (PRIVATE, native(False, [PLACES], [BASE])),
        (PRIVATE, native(False, [PLACES], [PLACES])),
        (UNSURE, its_own(lambda real: dataclasses.replace(real, allowed=False, deciding=frozenset()))),
    ],
    ids=[
        "allowed-in-spite-of-it", "denied-by-the-base-too", "denied-by-a-stranger-too", "a-stranger-failing-too",
        "base-failing-too", "both-deciding-and-failing", "denied-by-nobody",
    ],
)  # fmt: skip
def test_a_true_prohibition_does_not_make_an_impossible_answer_believed(facts, answer):
    assert failing(decide(facts, with_cedar(ask=answer))) == [(DRAFT.name, None)]


@pytest.mark.parametrize("facts, part", [(PUSHED, "deciding"), (UNSURE, "failing")])
def test_cedar_silent_about_one_of_two_rules_is_noticed(facts, part):
    hushed = []
    for policy in BUSINESS:

        def without(real, policy=policy):
            if policy in getattr(real, part):
                hushed.append(policy)
            return dataclasses.replace(real, **{part: getattr(real, part) - {policy}})

        answer = decide(facts, with_cedar(ask=its_own(without)))
        assert failing(answer) == ([(DRAFT.name, "9")] if policy in hushed else [])
    assert len(hushed) == 2


def test_cedar_skipping_a_prohibition_it_should_have_found_is_noticed():
    quiet = native(True, ["policy0"], ["policy1"])
    assert failing(decide(FACTS, with_cedar(ask=quiet))) == [(DRAFT.name, "3")]


def test_cedar_denying_without_the_explanation_agreeing_is_noticed():
    places = next(rule for article in DRAFT.articles if article.number == "6" for rule in article.rules)
    assert failing(decide(FACTS, with_cedar(ask=native(False, [places.policy])))) == [(DRAFT.name, "6")]


def test_an_explanation_that_contradicts_cedar_is_noticed():
    def all_false(_action, atoms, *_):
        return dict.fromkeys(atoms, State.FALSE)

    assert (DRAFT.name, "6") in failing(decide(PRIVATE, with_cedar(states=all_false)))


def test_an_exception_while_explaining_refuses():
    assert failing(decide(PRIVATE, with_cedar(states=raising))) == [(DRAFT.name, None)]


def test_an_exception_while_trying_values_refuses():
    facts = parse_one(json.dumps({**ALLOWED, "place": {"private": False}}))
    DRAFT.compiled.memo.clear()
    assert failing(decide(facts, with_cedar(tried=raising))) == [(DRAFT.name, None)]


def test_a_fault_passes_and_is_not_remembered():
    def all_false(_action, atoms, *_):
        return dict.fromkeys(atoms, State.FALSE)

    assert (DRAFT.name, "6") in failing(decide(PRIVATE, with_cedar(states=all_false)))
    assert failing(decide(PRIVATE, PACKS)) == []


def test_what_an_article_found_is_remembered_and_not_asked_again():
    def nothing_new(_action, atoms, *_):
        assert not atoms
        return {}

    for facts in (PRIVATE, UNSURE):
        first = decide(facts, PACKS)
        assert isinstance(first, Refusal)
        assert decide(facts, with_cedar(states=nothing_new)) == first


def test_a_fault_in_the_duties_turns_the_permit_into_a_refusal():
    assert isinstance(decide(FACTS, Packs([DRAFT])), Permit)
    without: Any = {"duties": None}
    broken = changed(DRAFT, articles=tuple(dataclasses.replace(each, **without) for each in DRAFT.articles))
    assert failing(decide(FACTS, Packs([broken]))) == [(DRAFT.name, None)]


def test_a_pack_that_cannot_tell_its_day_refuses():
    broken = changed(DRAFT, zone=None, published=None)
    assert failing(decide(FACTS, Packs([broken]))) == [(DRAFT.name, None)]


def test_the_other_pack_still_says_what_it_finds():
    answer = decide(PRIVATE, with_cedar(ask=raising))
    assert isinstance(answer, Refusal)
    assert [(one.pack, one.outcome.value) for one in answer.findings] == [
        (DRAFT.name, "failed"),
        ("cn-2025", "forbids"),
    ]


def test_nobody_else_can_make_a_permit():
    permit = decide(FACTS, PACKS)
    assert isinstance(permit, Permit)
    assert permit.mint is MINT
    with pytest.raises(IntegrityError):
        Permit(permit.action, permit.at, permit.purpose, permit.packs, (), measured=True)
    with pytest.raises(IntegrityError):
        dataclasses.replace(permit, mint=object())
