"""Facts are read exactly as the contract says; what is malformed gets one clear line and no echo."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import MalformedError
from countenance.facts import (
    FACT_NAMES,
    GROUPS,
    AnalysisFacts,
    ConsentFacts,
    Facts,
    MeasuredFacts,
    OperatorFacts,
    PlaceFacts,
    as_context,
    as_json,
    parse_facts,
    parse_instant,
    parse_one,
)
from countenance.vocabulary import Action, FilingState, PlaceKind, Scope

AT = "2026-11-23T10:00:00+08:00"
PACKS = ("cn-2023-draft", "cn-2025")


def told(**parts) -> str:
    return json.dumps({"action": "verify", "at": AT, **parts})


def line(text, packs=PACKS) -> str:
    """Return the one line that says what is wrong with an input."""
    with pytest.raises(MalformedError) as caught:
        parse_facts(text, packs)
    assert "\n" not in caught.value.en + caught.value.zh
    assert caught.value.zh
    (caught.value.en + caught.value.zh).encode("utf-8")
    return caught.value.en


def test_the_contract_has_every_fact():
    assert len(FACT_NAMES) == 57
    assert {fact.by for fact in FACT_NAMES.values()} == {"D", "F", "M"}
    assert set(GROUPS) == {name.partition(".")[0] for name in FACT_NAMES if "." in name}


MALFORMED = {
    "nothing": ("", "input"),
    "not JSON": ("{", "input"),
    "two values": (told() + told(), "input"),
    "a comment": ("// no\n" + told(), "input"),
    "a trailing comma": ('{"action": "verify",}', "input"),
    "single quotes": ("{'action': 'verify'}", "input"),
    "a byte order mark": ("\ufeff" + told(), "input"),
    "not UTF-8": (b"\xff\xfe{}", "input"),
    "a number": ("7", "input"),
    "a string": ('"verify"', "input"),
    "null": ("null", "input"),
    "NaN": (told().replace("}", ', "measured": {"faces": NaN}}'), "input"),
    "Infinity": (told().replace("}", ', "measured": {"faces": -Infinity}}'), "input"),
    "too deep": ("[" * 17 + "]" * 17, "input is nested"),
    "far too deep": ("[" * 100_000, "input is nested"),
    "too long": (b" " * (16 * 1024 * 1024) + told().encode(), "16 MiB"),
    "a doubled key": (told().replace('"at"', '"action": "verify", "at"'), "action has a key that comes twice"),
    "a doubled key in a group": (
        told().replace("}", ', "place": {"kind": "hall", "kind": "hall"}}'),
        "place.kind has a key",
    ),
    "a doubled group": (told().replace("}", ', "place": {}, "place": {}}'), "place has a key"),
    "an unknown key": (told(colour="red"), "colour has an unknown key"),
    "an unknown key in a group": (told(place={"colour": "red"}), "place.colour has an unknown key"),
    "an unknown key with null": (told(place={"colour": None}), "place.colour"),
    "a key with a dot": (told(**{"place.kind": "hall"}), "unknown key"),
    "a key that is a name": (told(张三=1), "input has an unknown key"),
    "a key that is half a character": ('{"\\ud800": 1}', "input has an unknown key"),
    "no action": (json.dumps({"at": AT}), "action is required"),
    "a null action": (told(action=None), "action is required"),
    "an unknown action": (told(action="scan"), "action must be one"),
    "an action in capitals": (told(action="VERIFY"), "action must be one"),
    "no time": ('{"action": "verify"}', "at is required"),
    "a null time": (told(at=None), "at is required"),
    "a time that is a number": (told(at=1), "at must be"),
    "a group that is a list": (told(place=[]), "place must be an object"),
    "a group that is a string": (told(place="hall"), "place must be an object"),
    "a group that is false": (told(measured=False), "measured must be an object"),
    "a kind off the list": (told(place={"kind": "cellar"}), "place.kind must be one"),
    "a kind that is a number": (told(venue={"kind": 3}), "venue.kind must be one"),
    "a kind that is an object": (told(venue={"kind": {}}), "venue.kind must be one"),
    "a flag that is a string": (told(place={"private": "false"}), "place.private must be true or false"),
    "a flag that is a number": (told(place={"private": 0}), "place.private must be true or false"),
    "a number that is a flag": (told(measured={"faces": True}), "measured.faces must be a whole"),
    "a number with a point": (told(measured={"faces": 1.0}), "measured.faces must be a whole"),
    "a number with an exponent": (told().replace("}", ', "measured": {"faces": 1e2}}'), "measured.faces"),
    "a number beyond floats": (told().replace("}", ', "measured": {"faces": 1e999}}'), "measured.faces"),
    "a negative number": (told(measured={"faces": -1}), "measured.faces must be a whole"),
    "a number too large": (told(measured={"faces": 2**31}), "measured.faces must be a whole"),
    "a number of 5,000 digits": (told().replace("}", ', "measured": {"faces": ' + "9" * 5000 + "}}"), "measured.faces"),
    "a number of 5,000 digits below nought": (
        told().replace("}", ', "measured": {"faces": -' + "9" * 5000 + "}}"),
        "measured.faces",
    ),
    "a text too long": (told(purpose={"code": "x" * 4097}), "purpose.code must be text"),
    "a text that is a number": (told(purpose={"code": 1}), "purpose.code must be text"),
    "half a character": (told().replace("}", ', "purpose": {"code": "\\ud83d"}}'), "purpose.code must be text"),
    "scopes that are a string": (told(consent={"scopes": "verify"}), "consent.scopes must be a list"),
    "a scope off the list": (told(consent={"scopes": ["verify", "sell"]}), "consent.scopes must be a list"),
    "a scope that is null": (told(consent={"scopes": [None]}), "consent.scopes must be a list"),
    "scopes in scopes": (told(consent={"scopes": [["verify"]]}), "consent.scopes must be a list"),
    "a lift off the list": (told(statutory_basis_lifts=["everything"]), "statutory_basis_lifts must be a list"),
    "a basis in words": (told(statutory_basis="because the law says so"), "statutory_basis must be act/article"),
    "a basis without an article": (told(statutory_basis="act/"), "statutory_basis must be"),
    "a basis without an act": (told(statutory_basis="/1"), "statutory_basis must be"),
    "a basis with two slashes": (told(statutory_basis="act/1/2"), "statutory_basis must be"),
    "a basis with a wide space": (told(statutory_basis="act\u3000/1"), "statutory_basis must be"),
    "an empty basis": (told(statutory_basis=""), "statutory_basis must be"),
    "a filing off the list": (told(operator={"filing": "late"}), "operator.filing must be"),
    "a filing that is a list": (told(operator={"filing": ["due"]}), "operator.filing must be"),
    "a filing of an unknown pack": (told(operator={"filing": {"eu": "due"}}), "operator.filing.eu has an unknown key"),
    "a filing of a pack off the list": (told(operator={"filing": {"cn-2025": "late"}}), "operator.filing must be"),
    "an item that is no object": ("[" + told() + ", 3]", "[1] must be an object"),
    "an item that is malformed": ("[" + told() + "," + told(place={"kind": 1}) + "]", "[1].place.kind must be"),
    "a list in a list": ("[[" + told() + "]]", "[0] must be an object"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_input_gets_one_line_that_names_the_field(case):
    text, said = MALFORMED[case]
    assert said in line(text)


def test_no_value_is_repeated():
    assert "secret" not in line(told(purpose={"code": "secret" * 1000}))
    assert "secret" not in line(told(place={"kind": "secret"}))
    assert "Secret Name" not in line(told(**{"Secret Name": 1}))


@pytest.mark.parametrize(
    "text, instant",
    [
        ("2026-11-23T10:00:00+08:00", datetime(2026, 11, 23, 2, tzinfo=UTC)),
        ("2026-11-23T10:00:00Z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23t10:00:00z", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00-00:00", datetime(2026, 11, 23, 10, tzinfo=UTC)),
        ("2026-11-23T10:00:00.5Z", datetime(2026, 11, 23, 10, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-11-23T10:00:00.1234567899Z", datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)),
        ("2026-11-23T10:00:00+23:59", datetime(2026, 11, 22, 10, 1, tzinfo=UTC)),
        ("2024-02-29T00:00:00-05:30", datetime(2024, 2, 29, 5, 30, tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_rfc_3339(text, instant):
    assert parse_instant(text) == instant
    assert parse_one(told(at=text)).at == instant


@pytest.mark.parametrize(
    "text",
    [
        "", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23T10:00Z", "2026-11-23 10:00:00Z", "2026-11-23T10:00:00.Z",
        "2026-11-23T10:00:00+08", "2026-11-23T10:00:00+0800", "2026-11-23T10:00:00,5Z", "2026-02-29T10:00:00Z",
        "2026-13-01T10:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:00:61Z",
        "2026-11-23T10:00:00+24:00", "2026-11-23T10:00:00+08:60", "2026-11-23T10:00:00Z ", " 2026-11-23T10:00:00Z",
        "2026-11-23T10:00:00Z\n", "20261123T100000Z", "2026-W47-1T10:00:00Z", "０２０２６-11-23T10:00:00Z",
        "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "now",
        "2026-11-23T10:00:00." + "1" * 99,
    ],
)  # fmt: skip
def test_what_is_not_rfc_3339_is_refused(text):
    assert line(told(at=text)).startswith("at must be")


def test_a_leap_second_has_words_of_its_own():
    assert "leap second" in line(told(at="2016-12-31T23:59:60Z"))


def test_null_is_unknown_and_a_null_group_is_absent_while_an_empty_one_is_there():
    facts = parse_one(told(place=None, venue={"kind": None}, measured=None, authorisation={}))
    assert facts.place is None
    assert facts.measured is None
    assert facts.venue is not None
    assert facts.authorisation is not None
    assert "measured" not in as_context(facts)
    assert as_context(facts)["authorisation"] == as_context(facts)["place"] == as_context(facts)["venue"] == {}


@pytest.mark.parametrize(
    "name, parts, unknown",
    [
        ("place.kind", {}, True),
        ("place.kind", {"place": {"kind": "hall"}}, False),
        ("statutory_basis", {}, False),
        ("statutory_basis_lifts", {}, True),
        ("session.last_refusal_days", {}, False),
        ("subject.age_class", {}, False),
        ("subject.age_class", {"action": "identify"}, False),
        ("subject.age_class", {"action": "enrol"}, True),
        ("authorisation.approvers", {}, False),
        ("authorisation.approvers", {"authorisation": {}}, True),
        ("measured.faces", {}, False),
        ("measured.faces", {"measured": {"quality_ok": True}}, True),
        ("minor_rules", {}, True),
    ],
)
def test_absence_is_an_answer_only_where_the_contract_says_so(name, parts, unknown):
    assert parse_one(told(**parts)).unknown(name) is unknown


@pytest.mark.parametrize(
    "attribute, kept", [("race", True), ("pose", True), ("gait", None), ("", None), ("Race", None)]
)
def test_sensitivity_counts_only_for_an_attribute_of_the_table(attribute, kept):
    assert parse_one(told(analysis={"attribute": attribute, "sensitive": True})).value("analysis.sensitive") is kept
    assert AnalysisFacts(sensitive=True).sensitive is True


def test_filing_is_one_value_or_a_value_by_pack():
    one = parse_one(told(operator={"filing": "due"}), PACKS)
    many = parse_one(told(operator={"filing": {"cn-2025": "overdue", "cn-2023-draft": None}}), PACKS)
    assert [one.value("operator.filing", pack) for pack in PACKS] == ["due", "due"]
    assert [many.value("operator.filing", pack) for pack in PACKS] == [None, "overdue"]
    assert as_context(many, "cn-2025")["operator"] == {"filing": "overdue"}
    assert as_context(many, "cn-2023-draft")["operator"] == {}
    assert as_json(many)["operator"] == {"filing": {"cn-2025": "overdue"}}


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "record, parts",
    [
        (PlaceFacts, {"kind": "hotel_room"}),
        (PlaceFacts, {"private": 1}),
        (ConsentFacts, {"scopes": [Scope.VERIFY]}),
        (ConsentFacts, {"scopes": ("verify",)}),
        (MeasuredFacts, {"faces": -1}),
        (MeasuredFacts, {"faces": True}),
        (OperatorFacts, {"filing": {"cn-2025": "due"}}),
        (Facts, {"action": "verify", "at": NOW}),
        (Facts, {"action": Action.VERIFY, "at": NOW.replace(tzinfo=None)}),
        (Facts, {"action": Action.VERIFY, "at": None}),
        (Facts, {"at": NOW}),
        (Facts, {"action": Action.VERIFY, "at": NOW, "place": MeasuredFacts()}),
    ],
)
def test_a_record_refuses_what_does_not_fit_whoever_makes_it(record, parts):
    with pytest.raises(MalformedError):
        record(**parts)


def test_facts_grow_between_the_gates_and_never_change():
    facts = Facts(action=Action.VERIFY, at=datetime(2026, 1, 1, tzinfo=UTC), place=PlaceFacts(kind=PlaceKind.HALL))
    grown = facts.with_measured(MeasuredFacts(faces=1))
    assert facts.measured is None
    assert grown.value("measured.faces") == 1
    assert grown.place is facts.place
    with pytest.raises(AttributeError):
        setattr(facts, "measured", None)  # noqa: B010 — the type checker would not let it be tried otherwise
    moved = facts.at_instant(datetime(2027, 1, 1, tzinfo=timezone(timedelta(hours=8))))
    assert (moved.at.year, moved.place) == (2027, facts.place)


def test_facts_print_no_fact():
    facts = parse_one(told(purpose={"code": "secret"}, subject={"age_class": "under_14"}))
    assert repr(facts) == "Facts(action=verify)"
    assert "secret" not in repr(facts.purpose)
    assert "under_14" not in repr(facts.subject)


def test_every_fact_survives_being_written_and_read():
    values = {"bool": True, "int": 7, "text": "文", "basis": "act/1", "filing": "due"}
    parts: dict = {}
    for name, fact in FACT_NAMES.items():
        if name in ("action", "at"):
            continue
        first = [value.value for value in fact.values or ()][:1]
        value = first if fact.kind == "list" else values.get(fact.kind) or first[0]
        group, _, attribute = name.rpartition(".")
        (parts.setdefault(group, {}) if group else parts)[attribute] = value
    parts["analysis"]["attribute"] = "pose"
    whole = {"action": "verify", "at": AT, **parts}
    facts = parse_one(json.dumps(whole))
    assert as_json(facts) == whole
    assert json.loads(json.dumps(as_json(facts))) == whole
    assert not [name for name in FACT_NAMES if facts.value(name) is None]
    assert facts.value("operator.filing") is FilingState.DUE


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.text(), part),
)


@given(
    st.dictionaries(st.sampled_from([*GROUPS, "minor_rules", "statutory_basis", "statutory_basis_lifts"]), json_values)
)
def test_anything_else_is_malformed_or_facts_and_never_another_error(parts):
    try:
        facts = parse_one(json.dumps({"action": "verify", "at": AT, **parts}))
    except MalformedError as error:
        error.en.encode("utf-8")
    else:
        assert isinstance(facts, Facts)


@given(st.text() | st.binary())
def test_any_text_is_malformed_or_facts_and_never_another_error(text):
    if text.strip() not in ("[]", b"[]"):
        line(text)
