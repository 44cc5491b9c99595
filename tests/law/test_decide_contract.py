"""Single sentences of the contract, each with the answer it demands of the two packs."""

import json
from typing import Any

import pytest

from countenance.answer import Permit, Refusal, as_json
from countenance.decide import decide
from countenance.facts import parse_one
from countenance.law import Packs, load_packs

PACKS = load_packs()
DRAFT, MEASURES = "cn-2023-draft", "cn-2025"
GUEST: dict[str, Any] = {
    "action": "verify",
    "at": "2026-11-23T10:00:00+08:00",
    "purpose": {"code": "check-in", "banned": False},
    "venue": {"kind": "hotel", "business": True},
    "place": {"kind": "counter", "private": False},
    "consent": {
        "state": "given", "form": "separate", "purpose": "check-in", "scopes": ["enrol", "verify"],
        "notice_current": True, "withdrawal_as_easy": True,
    },
    "session": {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True},
    "alternative": {"available": True},
}  # fmt: skip


def ask(packs: Packs = PACKS, **changes) -> dict:
    told = {**GUEST, **changes}
    return as_json(decide(parse_one(json.dumps(told), packs.names), packs))


def outcomes(answer: dict) -> dict:
    return {(one["pack"], one["article"]): (one["outcome"], *one["facts"]) for one in answer["findings"]}


def test_a_guest_who_agreed_is_permitted_with_the_duty_once():
    answer = ask()
    assert answer["allowed"]
    assert answer["findings"] == []
    assert answer["duties"] == [{"pack": DRAFT, "article": "17", "duty": "discard-original"}]
    assert {name: pack["binds"] for name, pack in answer["packs"].items()} == {DRAFT: True, MEASURES: True}


def test_the_permit_knows_whether_anything_was_measured():
    facts = parse_one(json.dumps(GUEST))
    first = decide(facts, PACKS)
    second = decide(parse_one(json.dumps({**GUEST, "measured": {"faces": 1}})), PACKS)
    assert isinstance(first, Permit)
    assert isinstance(second, Permit)
    assert (first.measured, second.measured) == (False, True)
    assert first.purpose == "check-in"


@pytest.mark.parametrize("action", ["capture", "enrol", "verify", "identify", "identify_remote"])
def test_the_duty_to_discard_comes_with_five_actions(action):
    consent = {**GUEST["consent"], "scopes": ["enrol", "verify", "identify"]}
    answer = ask(action=action, consent=consent)
    assert [one["duty"] for one in answer["duties"]] == ["discard-original"]


@pytest.mark.parametrize("action", ["activate_purpose", "register_device", "reuse", "disclose", "finalise"])
def test_no_duty_comes_with_the_others(action):
    answer = ask(action=action)
    assert answer["allowed"]
    assert answer["duties"] == []


@pytest.mark.parametrize("action", ["activate_purpose", "reuse", "keep_original", "disclose", "finalise"])
def test_a_private_place_stops_only_actions_at_a_device(action):
    answer = ask(action=action, place={"kind": "toilet"}, statutory_basis="a/1", statutory_basis_lifts=["original"])
    assert answer["allowed"]


def test_nothing_overrides_a_private_place():
    everything = ["consent", "guardian", "venue", "original", "storage", "disclosure"]
    answer = ask(
        place={"kind": "hotel_room", "private": False},
        statutory_basis="a/1",
        statutory_basis_lifts=everything,
        authorisation={"ground": "emergency", "in_scope": True, "approvers": 9, "requested_by_subject": True},
    )
    assert outcomes(answer) == {
        (DRAFT, "6"): ("forbids", "place.kind"),
        (MEASURES, "13"): ("forbids", "place.kind"),
    }


def test_before_the_draft_no_law_binds_and_nothing_is_permitted():
    answer = ask(at="2023-08-07T23:59:59+08:00")
    assert not answer["allowed"]
    assert outcomes(answer) == {(None, None): ("forbids",)}
    assert {pack["binds"] for pack in answer["packs"].values()} == {False}


def test_between_draft_and_measures_the_draft_alone_finds():
    answer = ask(at="2025-05-31T23:59:59+08:00", alternative={"available": False})
    assert outcomes(answer) == {(DRAFT, "9"): ("forbids", "alternative.available", "venue.business", "venue.kind")}
    assert answer["packs"][MEASURES]["binds"] is False


def test_no_packs_at_all_permit_nothing():
    assert outcomes(ask(Packs([]))) == {(None, None): ("forbids",)}


def test_a_basis_lifts_what_it_names_and_nothing_else():
    answer = ask(consent={"state": "none"}, statutory_basis="a/1", statutory_basis_lifts=["venue"])
    named = ("forbids", "consent.state", "statutory_basis_lifts")
    assert outcomes(answer) == {(DRAFT, "5"): named, (MEASURES, "6"): named}


def test_a_basis_whose_effect_is_unknown_is_missing():
    answer = ask(consent={"state": "none"}, statutory_basis="a/1")
    assert outcomes(answer) == {
        (DRAFT, "5"): ("missing", "statutory_basis_lifts"),
        (MEASURES, "6"): ("missing", "statutory_basis_lifts"),
    }


def test_lifts_without_a_basis_lift_nothing():
    answer = ask(consent={"state": "none"}, statutory_basis_lifts=["consent"])
    assert outcomes(answer) == {
        (DRAFT, "5"): ("forbids", "consent.state"),
        (MEASURES, "6"): ("forbids", "consent.state"),
    }


def test_a_missing_finding_names_every_fact_it_needs_and_no_other():
    answer = ask(consent={"form": "separate", "notice_current": True})
    named = ("missing", "consent.purpose", "consent.scopes", "consent.state")
    assert outcomes(answer) == {(DRAFT, "5"): named, (MEASURES, "6"): named}


def test_a_consent_that_fails_anyway_is_forbidden_whatever_is_unknown():
    answer = ask(consent={"form": "bundled"})
    assert outcomes(answer) == {(DRAFT, "5"): ("forbids", "consent.form"), (MEASURES, "6"): ("forbids", "consent.form")}


def test_enrolling_under_a_basis_does_not_rest_on_consent():
    consent = {**GUEST["consent"], "withdrawal_as_easy": False}
    refused = ask(action="enrol", consent=consent)
    assert outcomes(refused) == {(MEASURES, "6"): ("forbids", "consent.withdrawal_as_easy")}
    assert ask(action="enrol", consent=consent, statutory_basis="a/1", statutory_basis_lifts=["consent"])["allowed"]


@pytest.mark.parametrize(
    "analysis, expected",
    [
        ({"attribute": "race", "sensitive": False}, ("forbids", "analysis.attribute", "consent.state")),
        ({"attribute": "pose", "sensitive": True}, ("forbids", "analysis.sensitive", "consent.state")),
        ({"attribute": "pose", "sensitive": False}, None),
        ({"attribute": "gait", "sensitive": False}, ("missing", "analysis.sensitive")),
        ({"attribute": "gait", "sensitive": True}, ("missing", "analysis.sensitive")),
        ({"sensitive": True}, ("forbids", "analysis.sensitive", "consent.state")),
        ({"sensitive": False}, ("missing", "analysis.attribute")),
        ({}, ("missing", "analysis.attribute", "analysis.sensitive")),
    ],
)
def test_an_analysis_is_sensitive_by_the_table_or_as_given(analysis, expected):
    found = outcomes(ask(action="analyse", analysis=analysis, consent={"state": "none"}))
    assert found == ({} if expected is None else {(DRAFT, "11"): expected})


@pytest.mark.parametrize(
    "authorisation, expected",
    [
        (None, "forbids"),
        ({}, "missing"),
        ({"in_scope": True, "approvers": 2}, None),
        ({"in_scope": True, "approvers": 1}, "forbids"),
        ({"in_scope": False}, "forbids"),
        ({"approvers": 2, "ground": "emergency"}, "missing"),
    ],
)
def test_an_absent_authorisation_is_an_answer_and_an_empty_one_is_unknown(authorisation, expected):
    found = outcomes(
        ask(action="analyse", analysis={"attribute": "race"}, consent={"state": "none"}, authorisation=authorisation)
    )
    assert [outcome[0] for outcome in found.values()] == ([expected] if expected else [])


@pytest.mark.parametrize(
    "measured, expected",
    [
        (None, None),
        ({}, ("missing", "measured.faces", "measured.target_isolated")),
        ({"faces": 0}, None),
        ({"faces": 1}, None),
        ({"faces": 2}, ("missing", "measured.target_isolated")),
        ({"faces": 2, "target_isolated": False}, ("forbids", "measured.faces", "measured.target_isolated")),
        ({"faces": 2, "target_isolated": True}, None),
        ({"target_isolated": True}, None),
        ({"target_isolated": False}, ("missing", "measured.faces")),
    ],
)
def test_gate_one_measures_nothing_and_gate_two_leaves_nothing_unknown(measured, expected):
    found = outcomes(ask(measured=measured))
    assert found == ({} if expected is None else {(DRAFT, "18"): expected})


def test_findings_come_in_order_of_pack_and_number():
    answer = ask(purpose={"code": "x"}, place={}, consent={}, session={}, alternative={}, measured={})
    assert [(one["pack"], one["article"]) for one in answer["findings"]] == [
        (DRAFT, "3"), (DRAFT, "5"), (DRAFT, "6"), (DRAFT, "9"), (DRAFT, "18"),
        (MEASURES, "3"), (MEASURES, "6"), (MEASURES, "10"), (MEASURES, "13"),
    ]  # fmt: skip


def test_every_finding_speaks_both_languages():
    answer = ask(purpose={"code": "x"}, place={}, consent={}, session={}, alternative={}, measured={})
    assert len(answer["findings"]) == 9
    for one in answer["findings"]:
        assert all(one[part][language] for part in ("reason", "remedy") for language in ("en", "zh"))


def test_refusals_of_one_article_are_one_finding_with_all_its_reasons():
    refused = ask(session={"started_by": "passive", "purpose_prompted": False, "alternative_offered": True})
    (finding,) = refused["findings"]
    assert finding["facts"] == ["session.purpose_prompted", "session.started_by", "venue.business", "venue.kind"]
    assert finding["reason"]["en"].count("At a business venue") == 2


def test_a_refusal_is_a_value_with_the_action_and_the_instant():
    answer = decide(parse_one(json.dumps({"action": "verify", "at": GUEST["at"]})), PACKS)
    assert isinstance(answer, Refusal)
    assert (answer.action, answer.at.isoformat(), answer.purpose) == ("verify", GUEST["at"], None)
