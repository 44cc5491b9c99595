"""What a record holds of decisions is enough to make them again, and what is not is told apart."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from countenance.answer import Outcome
from countenance.record import decided

AT = datetime(2026, 11, 23, tzinfo=UTC).isoformat()
FACTS = {"action": "verify", "at": AT}
USED = {"cn-2025": {"edition": "sha256:00", "binds": True}}
FINDING = {"pack": "cn-2025", "article": "10", "outcome": "missing", "facts": ["alternative.available"]}
OWN = {"pack": None, "article": None, "outcome": "forbids", "facts": ["device.registered"]}
NO_LAW = {"pack": None, "article": None, "outcome": "forbids", "facts": []}


def answer(*findings: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"allowed": not findings, "packs": USED, "findings": list(findings), "duties": [], "gate": 1, **changes}


def body(*law: Any, **changes: Any) -> bytes:
    return json.dumps({"format": 1, "facts": FACTS, "law": list(law), **changes}).encode()


def test_a_record_without_a_decision_has_none():
    assert decided(b'{"kind": "withdraw"}') == []


def test_each_decision_is_read_with_its_own_facts():
    first, second = decided(body(answer(), answer(FINDING, facts={"action": "identify"})))

    assert first is not None
    assert (first.facts, first.editions, first.refusing, first.by_house) == (FACTS, {"cn-2025": "sha256:00"}, {}, False)
    assert second is not None
    assert second.facts == {"action": "identify"}
    assert second.refusing == {("cn-2025", "10"): Outcome.MISSING}


def test_what_the_house_refuses_is_no_law():
    (alone,) = decided(body(answer(OWN)))
    (beside,) = decided(body(answer(OWN, FINDING)))

    assert alone is not None
    assert (alone.refusing, alone.by_house) == ({}, True)
    assert beside is not None
    assert (len(beside.refusing), beside.by_house) == (1, True)


@pytest.mark.parametrize("house", [True, False])
def test_that_no_law_binds_is_law(house: bool):
    none_binds = {"cn-2025": {"edition": "sha256:00", "binds": False}}
    (read,) = decided(body(answer(*[OWN] * house, NO_LAW, packs=none_binds)))

    assert read is not None
    assert (read.refusing, read.by_house) == ({(None, None): Outcome.FORBIDS}, house)


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "permit",
        {},
        answer(allowed=False),
        answer(FINDING, allowed=True),
        answer(packs=None),
        answer(packs={"cn-2025": {"binds": True}}),
        answer(packs={"cn-2025": {"edition": 7, "binds": True}}),
        answer(packs={}),
        answer({**FINDING, "outcome": "perhaps"}),
        answer({**FINDING, "article": "\x1b[2J"}),
        answer({**FINDING, "pack": 7}),
        answer(findings=None),
    ],
)
def test_a_decision_that_is_not_as_it_was_written_is_told_apart_and_hides_no_other(wrong: Any):
    further = {**wrong, "facts": FACTS} if isinstance(wrong, dict) else wrong
    if isinstance(further, dict):
        good, bad = decided(body(answer(), further))
        assert good is not None
        assert bad is None
    assert decided(body(wrong)) == [None]


def test_a_further_decision_without_its_facts_cannot_be_made_again():
    first, second = decided(body(answer(), answer()))

    assert first is not None
    assert second is None
    assert decided(body(answer(), facts=None)) == [None]


@pytest.mark.parametrize("text", [b"", b"[]", b"7", b"\xff", b"[" * 100_000, body(law=7), b'{"law": 7}'])
def test_a_body_that_is_no_record_is_told_apart(text: bytes):
    assert decided(text) == [None]
