"""What a rule may say beyond the two packs: facts required by name, guards, numbers with dates, and limits."""

import json

import pytest

from countenance.answer import Outcome, Permit, Refusal
from countenance.decide import decide
from countenance.facts import parse_one
from countenance.law import Packs
from countenance.law.examples import cases, check
from tests.law.conftest import NOTES

AGES = (
    '@requires("subject.age_class")\n'
    'forbid (principal, action == Action::"enrol", resource)\n'
    'when { context.subject.age_class == "under_14" } unless { context.consent.guardian };\n'
    'forbid (principal, action in [Action::"verify", Action::"identify"], resource)\n'
    'when { context.subject has age_class && context.subject.age_class == "under_14" }\n'
    "unless { context.consent.guardian };"
)


def ask(pack, **facts):
    told = {"action": "verify", "at": "2026-01-01T00:00:00Z", **facts}
    answer = decide(parse_one(json.dumps(told), (pack.name,)), Packs([pack]))
    return None if isinstance(answer, Permit) else [(one.outcome.value, *one.facts) for one in answer.findings]


@pytest.mark.parametrize(
    "facts, expected",
    [
        ({"action": "enrol", "consent": {"guardian": True}}, [("missing", "subject.age_class")]),
        ({"action": "enrol", "consent": {"guardian": False}}, [("missing", "subject.age_class")]),
        ({"action": "enrol"}, [("missing", "consent.guardian", "subject.age_class")]),
        ({"action": "enrol", "subject": {"age_class": "adult"}}, None),
        (
            {"action": "enrol", "subject": {"age_class": "under_14"}, "consent": {"guardian": False}},
            [("forbids", "consent.guardian", "subject.age_class")],
        ),
        ({"action": "verify"}, None),
        ({"action": "verify", "subject": {"age_class": "under_14"}}, [("missing", "consent.guardian")]),
    ],
)
def test_a_required_fact_is_missing_whatever_else_is_on_file(trial, facts, expected):
    assert ask(trial({"13": AGES}), **facts) == expected


def test_a_required_fact_that_is_known_costs_no_second_question(trial, monkeypatch):
    def asked_again(*_):
        raise AssertionError

    pack = trial({"13": AGES})
    monkeypatch.setattr(pack.compiled, "states", asked_again)
    assert ask(pack, action="enrol", subject={"age_class": "adult"}) is None
    assert ask(pack, action="enrol") == [("failed",)]


def test_two_atoms_of_one_fact_are_judged_together(trial):
    forbid = "forbid (principal, action, resource) when"
    pack = trial({"1": f'{forbid} {{ context.place.kind == "gate" && context.place.kind == "hall" }};'})
    assert ask(pack) is None
    pack = trial({"1": f'{forbid} {{ context.place.kind == "gate" || context.place.kind != "gate" }};'})
    assert ask(pack) == [("forbids",)]


def test_atoms_joined_only_through_others_are_judged_together(trial):
    chain = (
        "context.purpose.code == context.origin_purpose.code && context.consent.purpose == context.purpose.code && "
        'context.origin_purpose.code == "a" && context.purpose.code == '
    )
    assert ask(trial({"1": f'forbid (principal, action, resource) when {{ {chain}"b" }};'})) is None
    assert ask(trial({"1": f'forbid (principal, action, resource) when {{ {chain}"a" }};'})) == [
        ("missing", "consent.purpose", "origin_purpose.code", "purpose.code")
    ]


def test_a_known_fact_of_no_group_is_compared_with_an_unknown_one(trial):
    pack = trial({"1": "forbid (principal, action, resource) when { context.minor_rules == context.place.private };"})
    assert ask(pack, minor_rules=True) == [("missing", "place.private")]
    assert ask(pack, minor_rules=True, place={"private": False}) is None


def test_a_rule_without_conditions_forbids_without_naming_facts(trial):
    assert ask(trial({"1": "forbid (principal, action, resource);"})) == [("forbids",)]


def test_the_state_of_filing_is_read_by_the_pack_that_judges(trial):
    pack = trial({"16": 'forbid (principal, action, resource) when { context.operator.filing == "overdue" };'})
    assert ask(pack, operator={"filing": "overdue"}) == [("forbids", "operator.filing")]
    assert ask(pack, operator={"filing": {"trial": "overdue"}}) == [("forbids", "operator.filing")]
    assert ask(pack, operator={"filing": {"trial": "due"}}) is None
    assert ask(pack, operator={"filing": {"trial": None}}) == [("missing", "operator.filing")]
    assert ask(pack, operator={"filing": {}}) == [("missing", "operator.filing")]


def test_more_cases_than_the_shelf_tries_name_every_unknown_fact(trial):
    names = ["officer_named"]
    conditions = ["context.operator.officer_named"]
    for group, flags in {
        "purpose": ["banned", "stated", "necessity", "alternatives_assessed", "major_interest", "public_security"],
        "device": ["registered", "sign_current", "security_necessity", "area_set", "sole_entry"],
        "place": ["private", "public", "internal"],
    }.items():
        names += flags
        conditions += [f"context.{group}.{flag}" for flag in flags]
    pack = trial({"1": f"forbid (principal, action, resource) when {{ {' || '.join(conditions)} }};"})
    (finding,) = ask(pack)
    assert finding[0] == "missing"
    assert {name.partition(".")[2] for name in finding[1:]} == set(names)
    assert len(finding) == len(names) + 1


FRONT = 'parameters:\n  days_max:\n    values: {"2024-01-01": 10, "2025-01-01": 30}\n    reference: trial\n'
DATED = """examples:
  - story: {en: One, zh: 一}
    at: "2024-06-01T00:00:00+08:00"
    facts: {action: verify, device: {assessed_days: 10}}
    outcome: permit
  - story: {en: Two, zh: 二}
    at: "2024-06-01T00:00:00+08:00"
    facts: {action: verify, device: {assessed_days: 11}}
    outcome: refuse
  - story: {en: Three, zh: 三}
    at: "2025-06-01T00:00:00+08:00"
    facts: {action: verify}
    outcome: missing
    named: [device.assessed_days]
"""


def test_a_number_of_the_law_changes_on_its_local_day(trial):
    rule = "forbid (principal, action, resource) when { context.device.assessed_days > context.law.days_max };"
    pack = trial({"1": rule}, front=FRONT, examples=DATED)
    device = {"assessed_days": 20}
    assert ask(pack, at="2024-12-31T15:59:59Z", device=device) == [("forbids", "device.assessed_days")]
    assert ask(pack, at="2024-12-31T16:00:00Z", device=device) is None
    assert ask(pack, at="2025-01-01T00:00:00Z") == [("missing", "device.assessed_days")]
    told = list(cases(pack))
    assert {case.when for case in told} >= {"told", "day before days_max", "first day of days_max"}
    assert [check(case, decide(case.facts, Packs([pack]))) for case in told] == [None] * len(told)


def test_a_conditional_duty_is_carried_unless_its_condition_is_known_to_be_false(trial):
    duty = (
        '@duty("renew-assessment") @reason_en("Renew.") @reason_zh("更新。")\n'
        'permit (principal, action, resource) when { context.purpose.assessment == "stale" };\n'
        f"{NOTES}forbid (principal, action, resource) when {{ context.place.private }};"
    )
    pack = trial({"15": duty})

    def duties(**facts):
        told = {"action": "verify", "at": "2026-01-01T00:00:00Z", "place": {"private": False}, **facts}
        answer = decide(parse_one(json.dumps(told)), Packs([pack]))
        assert isinstance(answer, Permit)
        return [one.duty for one in answer.duties]

    assert duties(purpose={"assessment": "stale"}) == ["renew-assessment"]
    assert duties(purpose={"assessment": "current"}) == []
    assert duties() == ["renew-assessment"]


def test_a_duty_under_a_condition_that_is_never_true_is_not_carried(trial):
    duty = (
        '@duty("renew-assessment") @reason_en("Renew.") @reason_zh("更新。")\n'
        "permit (principal, action, resource) when { false };\n"
        f"{NOTES}forbid (principal, action, resource) when {{ context.place.private }};"
    )
    told = {"action": "verify", "at": "2026-01-01T00:00:00Z", "place": {"private": False}}
    answer = decide(parse_one(json.dumps(told)), Packs([trial({"15": duty})]))
    assert isinstance(answer, Permit)
    assert answer.duties == ()


def test_a_pack_that_has_ended_binds_no_more(tmp_path):
    from countenance.law import load_pack
    from tests.law.conftest import ABOUT, write_pack

    about = ABOUT.replace("draft", "repealed").replace("in_force_from: null", "in_force_from: 2024-02-01")
    about = about.replace("in_force_until: null", "in_force_until: 2024-12-31")
    pack = load_pack(write_pack(tmp_path / "old", {"1": "forbid (principal, action, resource);"}, about=about))
    answers = {}
    for at in ("2024-01-31T23:59:59", "2024-02-01T00:00:00", "2024-12-31T23:59:59", "2025-01-01T00:00:00"):
        answer = decide(parse_one(json.dumps({"action": "reuse", "at": at + "+08:00"})), Packs([pack]))
        assert isinstance(answer, Refusal)
        answers[at] = (answer.findings[0].article, answer.findings[0].outcome)
    assert list(answers.values()) == [
        (None, Outcome.FORBIDS),
        ("1", Outcome.FORBIDS),
        ("1", Outcome.FORBIDS),
        (None, Outcome.FORBIDS),
    ]
    assert {case.when for case in cases(pack)} >= {"last day of the pack", "day after the pack"}
