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
    "operator": {"filing": "not_due"},
    "purpose": {
        "code": "check-in", "banned": False, "stated": True, "necessity": True, "alternatives_assessed": True,
        "assessment": "current", "major_interest": False, "public_security": False,
    },
    "origin_purpose": {"code": "check-in", "public_security": False},
    "venue": {"kind": "hotel", "business": True},
    "place": {"kind": "counter", "private": False, "public": False, "internal": False},
    "device": {"assessed_days": 10, "sole_entry": False},
    "subject": {"age_class": "adult"},
    "consent": {
        "state": "given", "form": "separate", "purpose": "check-in", "scopes": ["enrol", "verify"],
        "notice_current": True, "withdrawal_as_easy": True,
    },
    "session": {"started_by": "subject", "purpose_prompted": True, "alternative_offered": True},
    "alternative": {"available": True},
    "storage": {"where": "device", "destination": "local"},
    "retention": {"bounded": True},
}  # fmt: skip


AUTHORISED = {"ground": "emergency", "in_scope": True, "approvers": 2, "requested_by_subject": True}
PURPOSE = GUEST["purpose"]


def ask(packs: Packs = PACKS, **changes: Any) -> dict:
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
    answer = ask(action=action, consent=consent, authorisation=AUTHORISED)
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
        place={**GUEST["place"], "kind": "hotel_room"},
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
        (DRAFT, "3"), (DRAFT, "4"), (DRAFT, "5"), (DRAFT, "6"), (DRAFT, "9"), (DRAFT, "15"), (DRAFT, "18"),
        (MEASURES, "3"), (MEASURES, "4"), (MEASURES, "6"), (MEASURES, "9"), (MEASURES, "10"), (MEASURES, "13"),
    ]  # fmt: skip


def test_every_finding_speaks_both_languages():
    answer = ask(purpose={"code": "x"}, place={}, consent={}, session={}, alternative={}, measured={})
    assert len(answer["findings"]) == 13
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


CHILD = {**GUEST["consent"], "scopes": ["enrol", "verify", "identify"]}
MINORS = {(DRAFT, "13"), (MEASURES, "7")}


def refused(**changes) -> dict:
    return outcomes(ask(**changes))


def test_no_reference_is_stored_while_the_age_is_unknown_whatever_else_is_on_file():
    everything: dict[str, Any] = {"statutory_basis": "a/1", "statutory_basis_lifts": ["consent", "guardian"]}
    for changes in ({}, {"consent": {**CHILD, "guardian": True}}, everything):
        found = refused(action="enrol", subject={}, **{"consent": CHILD, "minor_rules": True, **changes})
        assert set(found) == MINORS
        assert {(outcome, "subject.age_class" in facts) for outcome, *facts in found.values()} == {("missing", True)}


@pytest.mark.parametrize("action", ["verify", "identify"])
def test_without_an_age_a_verified_person_counts_as_fourteen(action):
    assert ask(action=action, consent=CHILD, subject={})["allowed"]
    assert (
        set(refused(action=action, consent={**CHILD, "guardian": False}, subject={"age_class": "under_14"})) == MINORS
    )


def test_a_basis_that_lifts_the_guardian_leaves_the_special_rules_standing():
    lifted: dict[str, Any] = {"statutory_basis": "a/1", "statutory_basis_lifts": ["guardian"], "consent": CHILD}
    child = {"age_class": "under_14"}
    assert ask(subject=child, minor_rules=True, **lifted)["allowed"]
    assert refused(subject=child, **lifted) == {(MEASURES, "7"): ("missing", "minor_rules")}


def test_a_basis_that_lifts_consent_does_not_lift_the_guardian():
    found = refused(
        subject={"age_class": "under_14"},
        minor_rules=True,
        consent={"state": "none", "guardian": True},
        statutory_basis="a/1",
        statutory_basis_lifts=["consent"],
    )
    assert set(found) == MINORS
    assert {outcome for outcome, *_ in found.values()} == {"forbids"}


def test_a_stale_assessment_brings_one_duty_for_each_pack_that_binds():
    stale: dict[str, Any] = {"purpose": {**PURPOSE, "assessment": "stale"}}
    renew = [one for one in ask(**stale)["duties"] if one["duty"] == "renew-assessment"]
    assert renew == [
        {"pack": DRAFT, "article": "15", "duty": "renew-assessment"},
        {"pack": MEASURES, "article": "9", "duty": "renew-assessment"},
    ]
    before = ask(at="2025-05-31T23:59:59+08:00", **stale)["duties"]
    assert [one["pack"] for one in before if one["duty"] == "renew-assessment"] == [DRAFT]
    assert set(refused(action="enrol", **stale)) == {(DRAFT, "15"), (MEASURES, "9")}


@pytest.mark.parametrize("state, expected", [("none", "forbids"), (None, "missing")])
def test_without_an_assessment_nobody_is_verified(state, expected):
    found = refused(purpose={**PURPOSE, "assessment": state})
    assert found == dict.fromkeys(((DRAFT, "15"), (MEASURES, "9")), (expected, "purpose.assessment"))


@pytest.mark.parametrize("venue, articles", [("hotel", {"9", "12"}), ("school", {"12"})])
def test_staff_may_not_ask_again_within_thirty_days(venue, articles):
    changes = {"action": "enrol", "venue": {"kind": venue, "business": False}}
    for days, expected in ((29, articles), (30, set()), (None, set())):
        found = refused(session={"started_by": "staff", "last_refusal_days": days}, **changes)
        assert {article for _, article in found} == expected
    assert not refused(session={"started_by": "subject", "last_refusal_days": 1}, **changes)


def test_no_basis_lets_staff_ask_again():
    changes: dict[str, Any] = {"statutory_basis": "a/1", "statutory_basis_lifts": ["consent", "venue"]}
    found = refused(action="enrol", session={"started_by": "staff", "last_refusal_days": 1}, **changes)
    assert set(found) == {(DRAFT, "9"), (MEASURES, "12")}


@pytest.mark.parametrize("filing", ["overdue", {DRAFT: "overdue", MEASURES: "due"}, {DRAFT: "filed"}])
def test_filing_is_read_as_each_pack_sees_it(filing):
    found = refused(action="enrol", operator={"filing": filing})
    expected = {
        "overdue": {(DRAFT, "16"): "forbids", (MEASURES, "15"): "forbids"},
        "object": {(DRAFT, "16"): "forbids"},
        "partial": {(MEASURES, "15"): "missing"},
    }["overdue" if filing == "overdue" else "object" if len(filing) == 2 else "partial"]
    assert {key: outcome for key, (outcome, *_) in found.items()} == expected
    assert not refused(action="verify", operator={"filing": filing})


def test_a_residential_gate_is_never_lifted_and_any_other_is():
    gate: dict[str, Any] = {"venue": {"kind": "residential", "business": False}, "device": {"sole_entry": True}}
    lifted: dict[str, Any] = {"statutory_basis": "a/1", "statutory_basis_lifts": ["venue"]}
    place = {**GUEST["place"], "kind": "gate"}
    assert set(refused(place=place, **gate)) == {(DRAFT, "14"), (MEASURES, "10")}
    assert set(refused(place=place, **gate, **lifted)) == {(DRAFT, "14")}
    assert set(refused(**gate)) == {(MEASURES, "10")}
    assert not refused(**gate, **lifted)
    assert set(refused(action="activate_purpose", place=place, **gate)) == {(DRAFT, "14")}


def test_remote_identification_needs_no_consent_and_none_replaces_the_authorisation():
    assert ask(action="identify_remote", consent={"state": "none"}, authorisation=AUTHORISED)["allowed"]
    assert refused(action="identify_remote") == {(DRAFT, "10"): ("forbids",)}
    for lost in ("in_scope", "requested_by_subject", "approvers"):
        less = {name: value for name, value in AUTHORISED.items() if name != lost}
        assert refused(action="identify_remote", authorisation=less) == {
            (DRAFT, "10"): ("missing", f"authorisation.{lost}")
        }


def test_data_of_public_security_serve_nothing_else_without_consent_and_no_basis_helps():
    reuse: dict[str, Any] = {
        "action": "reuse",
        "purpose": {**PURPOSE, "code": "marketing"},
        "origin_purpose": {"code": "security", "public_security": True},
        "statutory_basis": "a/1",
        "statutory_basis_lifts": ["consent"],
    }
    assert set(refused(**reuse)) == {(DRAFT, "7")}
    consent = {**GUEST["consent"], "purpose": "marketing", "scopes": ["reuse"]}
    assert ask(**{**reuse, "consent": consent})["allowed"]


@pytest.mark.parametrize(
    "article, changes",
    [
        ("4", {"purpose": {**PURPOSE, "stated": False}}),
        ("4", {"action": "activate_purpose", "purpose": {**PURPOSE, "necessity": False}}),
        ("7", {"action": "capture", "place": {**GUEST["place"], "public": True},
               "device": {"security_necessity": True, "sign_current": False, "area_set": True}}),
        ("8", {"action": "capture", "place": {**GUEST["place"], "internal": True}, "device": {"area_set": False}}),
        ("12", {"action": "finalise", "purpose": {**PURPOSE, "major_interest": True},
                "review": {"human": True, "by_operator": True}}),
        ("19", {"action": "enrol", "device": {"assessed_days": 366}}),
    ],
)  # fmt: skip
def test_an_article_of_the_draft_refuses_what_it_is_about(article, changes):
    assert (DRAFT, article) in refused(**changes)
    assert refused(**changes)[DRAFT, article][0] == "forbids"


@pytest.mark.parametrize(
    "article, changes",
    [
        ("8", {"action": "enrol", "storage": {"where": "server"}}),
        ("8", {"action": "enrol", "retention": {"bounded": False}}),
        ("8", {"action": "disclose", "storage": {"destination": "internet"}}),
        ("13", {"action": "capture", "place": {**GUEST["place"], "public": True},
                "device": {"security_necessity": True, "sign_current": True, "area_set": False}}),
    ],
)  # fmt: skip
def test_an_article_of_the_measures_refuses_what_it_is_about(article, changes):
    assert {key: outcome for key, (outcome, *_) in refused(**changes).items()} == {(MEASURES, article): "forbids"}
