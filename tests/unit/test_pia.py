"""The file of the French PIA tool: our answers come back as they went, a real one is read, a hostile one is refused."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import CountenanceError, LimitError, MalformedError
from countenance.filing.documents.answers import Answer, read_answer, read_answers
from countenance.filing.documents.pia import PIA_BYTES_MAX, Imported, export_pia, read_pia
from countenance.filing.documents.questions import QUESTIONS, Asks
from countenance.filing.documents.rich_text import plain, rich
from tests.dossier import answers

AT = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
#: The numbers under which the tool asks (its pia_architecture.json).
ASKED = {
    *(111, 112, 113, 121, 122, 123, 211, 212, 213, 214, 215, 221, 222, 223, 224, 225, 226, 227),
    *(base + each for base in (320, 330, 340) for each in range(1, 7)),
}


def exported(given: dict[str, Answer]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(export_pia("Check-in (check-in)", "Harbour Hotel 海港酒店", given, AT))
    return found


def file(**changes: Any) -> bytes:
    """Return a file as the tool writes one, with parts exchanged."""
    span = "<span style=\"font-family: 'Open Sans';\">"
    made: dict[str, Any] = {
        "pia": {
            "status": 0, "is_example": 0, "is_archive": 0, "created_at": "2021-01-07T09:22:30.542Z",
            "name": "(IMPORT) Nom du PIA", "category": "Test", "author_name": "A", "evaluator_name": "E",
            "validator_name": "V", "updated_at": "2021-02-15T14:30:23.108Z", "id": 1, "progress": 67.5,
            "structure_id": "", "dpo_status": 1, "dpo_opinion": "May begin, on the conditions named.",
        },
        "answers": [
            row(121, f"{span}Données :<br />\n<ul>\n<li><b>le visage</b></li>\n<li>le nom&nbsp;</li>\n</ul></span>"),
            row(215, "Jusqu'à la demande."),
            row(321, None, items=["Usurpation", "Perte de contrôle"]),
            row(324, None, items=["Chiffrement"]),
            row(325, "<p>Grave.</p>", gauge=3),
            row(326, "", gauge=0),
        ],
        "measures": [
            {"title": "Chiffrement", "pia_id": 1, "content": f"{span}AES&nbsp;256</span>",
             "placeholder": "knowledge_base.slugs.PIA_TEC_CHIF.placeholder", "created_at": None, "id": 1},
            {"title": "Archivage", "pia_id": 1, "content": "", "id": 2},
        ],
        "evaluations": [
            {"status": 3, "global_status": 2, "pia_id": 1, "reference_to": "1.1", "evaluation_comment": "<b>ok</b>",
             "gauges": {"x": 0, "y": 0}, "created_at": "2021-02-15T14:30:17.721Z", "id": 1},
        ],
        "comments": [],
    }  # fmt: skip
    return json.dumps({**made, **changes}).encode()


def row(number: object, text: object, gauge: object = None, items: object = ()) -> dict[str, Any]:
    data = {"text": text, "gauge": gauge, "list": list(items) if isinstance(items, tuple | list) else items}
    return {"pia_id": 1, "reference_to": number, "data": data, "created_at": "2021-02-15T14:30:17.617Z", "id": 7}


def test_our_answers_come_back_as_they_went():
    given = answers()
    assert set(given) == {each.id for each in QUESTIONS}
    back = read_pia(export_pia("Check-in", "Harbour Hotel", given, AT))
    assert back.left_out == ()
    assert dict(back.answers) == given
    assert read_pia(export_pia("Check-in", "Harbour Hotel", dict(back.answers), AT)) == back, "and again"


def test_what_was_not_answered_is_not_in_the_file():
    made = exported({"data": Answer("Faces."), "access.severity": Answer(gauge=3), "effect": Answer(" ")})
    assert [each["reference_to"] for each in made["answers"]] == [121, 325]
    assert made["measures"] == []
    assert made["pia"]["dpo_opinion"] == ""


def test_an_export_has_the_shape_of_the_tools_own():
    made, own = exported(answers()), json.loads(file())
    assert set(made) == set(own)
    assert {each["reference_to"] for each in made["answers"]} == ASKED
    assert set(own["answers"][0]) | {"updated_at"} == set(made["answers"][0])
    for each in made["answers"]:
        assert set(each["data"]) == {"text", "gauge", "list"}
        assert type(each["data"]["list"]) is list
        step = each["reference_to"] % 10 in {5, 6} and each["reference_to"] > 320
        assert (each["data"]["gauge"] is not None) is step
    missing = set(own["pia"]) - set(made["pia"])
    assert missing == {"dpo_status"}, "the officer decides that in the tool"
    assert [each["id"] for each in made["answers"]] == list(range(1, len(made["answers"]) + 1))
    assert made["pia"]["created_at"] == "2026-11-26T01:30:00.000Z"


def test_the_measures_of_a_risk_are_measures_of_the_tool_by_title():
    made = exported(answers())
    titles = {each["title"] for each in made["measures"]}
    for each in made["answers"]:
        if each["reference_to"] in {324, 334, 344}:
            assert set(each["data"]["list"]) <= titles


def test_a_real_file_fills_our_questions():
    found = read_pia(file())
    assert found.answers["data"] == Answer("Données :\nle visage\nle nom")
    assert found.answers["retention"] == Answer("Jusqu'à la demande.")
    assert found.answers["access.impacts"] == Answer(items=("Usurpation", "Perte de contrôle"))
    assert found.answers["access.measures"] == Answer(items=("Chiffrement: AES 256",))
    assert found.answers["access.severity"] == Answer("Grave.", gauge=3)
    assert "access.likelihood" not in found.answers, "a step of 0 is none"
    assert found.answers["conclusion"] == Answer("May begin, on the conditions named.")
    assert set(found.left_out) == {"evaluations", "measure “Archivage”"}


def test_what_finds_no_place_is_named():
    found = read_pia(
        file(answers=[row(999, "x")], comments=[{"description": "why?"}], attachments=[{"file": "data:;base64,AA"}])
    )
    assert {"answer 999", "evaluations", "comments", "attachments"} <= set(found.left_out)


def test_numbers_as_text_and_a_byte_order_mark_are_read():
    assert read_pia(b"\xef\xbb\xbf" + file(answers=[row("215", "x")])).answers["retention"].text == "x"


DEEP = b'{"pia": {}, "answers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\xff\xfe", b"[]", b"null", b"{}", b'{"pia": 1, "answers": []}', b'{"pia": {}}', DEEP,
        b'{"pia": {"progress": NaN}, "answers": []}',
        b'{"pia": {}, "answers": [{"reference_to": ' + b"9" * 5000 + b"}]}",
        file(answers=5), file(answers=["x"]), file(answers={"a": 1}), file(measures=[1]), file(comments="x"),
        file(answers=[row(None, "x")]), file(answers=[row(True, "x")]), file(answers=[row(1.5, "x")]),
        file(answers=[row("１１１", "x")]), file(answers=[row(-1, "x")]),
        file(answers=[{"reference_to": 121}]), file(answers=[{"reference_to": 121, "data": "x"}]),
        file(answers=[row(121, 5)]), file(answers=[row(121, ["x"])]), file(answers=[row(121, "x", items="ab")]),
        file(answers=[row(121, "x", items=[1])]), file(answers=[row(325, "x", gauge=5)]),
        file(answers=[row(325, "x", gauge="3")]), file(answers=[row(325, "x", gauge=True)]),
        file(answers=[row(321, "", items=["x"] * 101)]), file(answers=[row(121, "x")] * 2001),
        file(measures=[{"title": 1}]), file(measures=[{"title": "x", "content": 5}]),
            file(pia={"dpo_opinion": 1}),
    ],
)  # fmt: skip
def test_what_is_no_file_of_the_tool_is_refused_whole(content):
    with pytest.raises(MalformedError, match="no export of the PIA tool"):
        read_pia(content)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>", "<p>a</p><SCRIPT src=//x>", "<img src=x onerror=alert(1)>", "<svg/onload=x>",
        '<a href="javascript:alert(1)">x</a>', '<a href=" java\nscript:x">x</a>', "<iframe src=x>", "<object data=x>",
        '<a href="data:text/html,x">x</a>', "<math><mi>", "<meta http-equiv=refresh>", "<base href=x>", "<p ONCLICK=x>",
    ],
)  # fmt: skip
def test_what_could_run_is_refused_and_said_where(text):
    with pytest.raises(MalformedError, match="answer 121 holds a script"):
        read_pia(file(answers=[row(121, f"before {text} after")]))


@pytest.mark.parametrize(
    "changes",
    [
        {"answers": [row(321, None, items=["<script>x</script>"])]},
        {"measures": [{"title": "< script >x", "content": ""}]},
        {"measures": [{"title": "x", "content": "<script>x</script>"}]},
        {"pia": {"dpo_opinion": "<iframe src=x></iframe>"}},
    ],
)
def test_what_could_run_is_refused_wherever_it_stands(changes):
    with pytest.raises(MalformedError, match="holds a script"):
        read_pia(file(**changes))


@pytest.mark.parametrize(
    "content",
    [
        b" " * (PIA_BYTES_MAX + 1),
        file(answers=[row(121, "x" * 100_001)]),
        file(answers=[row(121, "x" * 20_001)]),
        file(answers=[row(321, "", items=["x" * 20_001])]),
        file(pia={"dpo_opinion": "x" * 20_001}),
    ],
)
def test_what_is_too_large_is_refused(content):
    with pytest.raises(LimitError):
        read_pia(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from(["pia", "answers", "measures", "evaluations", "comments"]))
def test_whatever_stands_in_the_file_is_read_or_refused_in_two_languages(value, name):
    found: object = None
    try:
        found = read_pia(file(**{name: value}))
    except CountenanceError as error:
        found = (error.en, error.zh)
    assert isinstance(found, Imported) or all(found), "read, or refused in both languages"


PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=60)


@given(PLAIN)
def test_a_text_survives_being_made_rich(text):
    kept = "\n".join(line.strip() for line in text.replace("\xa0", " ").split("\n")).strip()
    assert plain(rich(text), "here") == kept


@given(st.dictionaries(st.sampled_from([each.id for each in QUESTIONS]), PLAIN, max_size=6))
def test_whatever_was_answered_comes_back(given_texts):
    asks = {each.id: each.asks for each in QUESTIONS}
    given = {}
    for key, text in given_texts.items():
        step = 1 if asks[key] is Asks.STEP else None
        answer = read_answer({"items": [text]} if asks[key] is Asks.LIST else {"text": text, "gauge": step})
        if not answer.empty:
            given[key] = answer
    back = read_pia(export_pia("x", "y", given, AT)).answers
    assert {key: words(each) for key, each in back.items()} == {key: words(each) for key, each in given.items()}


def words(answer: Answer) -> list[str]:
    """Return the words of an answer, however they are spaced."""
    return " ".join((answer.text, *answer.items)).split()


@pytest.mark.parametrize(
    "raw",
    [None, "x", [], {"text": 1}, {"items": "ab"}, {"items": [1]}, {"gauge": 0}, {"gauge": 5}, {"gauge": True},
     {"gauge": "2"}, {"more": 1}, {"text": "x" * 20_001}, {"items": ["x"] * 101}, {"items": ["x" * 20_001]},
     {"zh": 1}, {"configured": "yes"}, {"zh": "x" * 20_001}],
)  # fmt: skip
def test_what_is_no_answer_is_refused(raw):
    with pytest.raises(MalformedError):
        read_answer(raw)
    with pytest.raises(MalformedError):
        read_answers({"data": raw})


def test_an_answer_is_cleaned_and_kept():
    assert read_answer({"text": " a\r\nb\x00 ", "items": [" ", "c "], "gauge": 4}) == Answer("a\nb", ("c",), 4)
    kept = Answer("en", zh="中", configured=True)
    assert read_answer(kept.as_json()) == kept
    assert Answer().empty
    assert not Answer(gauge=1).empty
    with pytest.raises(MalformedError):
        read_answers([])
