"""A package states what is missing instead of inventing it: each part of the dossier is taken away in turn."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from types import NoneType
from typing import Any, get_args, get_type_hints

import pytest

from countenance.answer import Text
from countenance.filing.documents import dossier as parts
from countenance.filing.documents import scenario, words
from countenance.filing.documents.answers import Answer
from countenance.filing.documents.dossier import Dossier
from countenance.filing.documents.on_file import BY_HAND, ON_FILE
from countenance.filing.documents.package import documents, single
from countenance.filing.documents.prefill import PREFILLED
from countenance.filing.documents.questions import BY_ID, HEADS, QUESTIONS
from countenance.filing.documents.tree import said
from countenance.vocabulary import FilingKind, Language, NoticeItem
from tests.dossier import TODAY, dossier

#: How a key names the class of a dossier's part.
NAMES = {
    "handler": parts.HandlerPart, "purpose": scenario.PurposePart, "report": scenario.ReportPart,
    "way": scenario.WayPart,
    "venue": parts.VenuePart, "place": parts.PlacePart, "device": parts.DevicePart, "model": parts.ModelPart,
    "filed": parts.FiledPart,
}  # fmt: skip
#: What may be absent without anything being missing, and why.
ABSENT_BY_RIGHT = {
    "handler.group": "not everybody belongs to a group",
    "purpose.active_since": "a purpose may rest",
    "purpose.basis": "without one it rests on consent",
    "way.hours": "without hours it is always open",
}
#: Where nothing needs to be on file, because the part is a result and not a declaration.
RESULTS = (
    parts.DutyPart, parts.LinePart, parts.ParityPart, parts.DestructionPart, parts.NumbersPart,
)  # fmt: skip
#: Keys that are of the whole dossier, and how they come about.
WHOLE: dict[str, Callable[[Dossier], Dossier]] = {
    "purposes": lambda all_: replace(all_, purposes=()),
    "venues": lambda all_: replace(all_, venues=()),
    "models": lambda all_: replace(all_, models=()),
    "operating": lambda all_: replace(all_, operating=()),
    "log": lambda all_: replace(all_, log=None),
    "filed": lambda all_: replace(all_, filed=None),
    "disposal.left": lambda all_: replace(all_, disposal=replace(all_.disposal, references_left=1)),
    "disposal.records": lambda all_: replace(all_, disposal=replace(all_.disposal, listed=(), records=0)),
}
OF_A_PART = sorted(set(ON_FILE) - set(WHOLE))


def lacking(made: Dossier) -> set[str]:
    """Return what is missing on file in any document, and in every rendering it is the same list."""
    found: set[str] = set()
    for act in FilingKind:
        cover, *others = documents(made, act)
        of_all = {mark.key for each in others for mark in each.missing()}
        assert {mark.key for mark in cover.missing()} == of_all, "the cover lists all of it"
        found |= {mark.key.partition(":")[0] for each in others for mark in each.missing() if not mark.by_hand}
    return found


def without(whole: Any, kind: type, name: str) -> Any:
    """Return the same with a field of every part of one kind emptied."""
    if is_dataclass(whole) and not isinstance(whole, type):
        changed = {each.name: without(getattr(whole, each.name), kind, name) for each in fields(whole)}
        if isinstance(whole, kind):
            changed[name] = () if isinstance(changed[name], tuple) and name != "area" else None
        return replace(whole, **changed)
    return tuple(without(each, kind, name) for each in whole) if isinstance(whole, tuple) else whole


def test_of_a_full_dossier_only_disposal_is_missing():
    """It stores persons, so it cannot be deregistered; everything else is there."""
    assert lacking(dossier()) == {"disposal.left", "disposal.active"}


@pytest.mark.parametrize("key", OF_A_PART)
def test_each_part_that_is_taken_away_is_missed(key):
    noun, name = key.split(".")
    bare = without(dossier(), NAMES[noun], name)
    follows = {each for each in lacking(bare) if each.startswith("question.")} | {"report.signatures"}
    assert lacking(bare) - lacking(dossier()) - (follows if key == "purpose.report" else set()) == {key}


@pytest.mark.parametrize("key", WHOLE)
def test_each_whole_that_is_taken_away_is_missed(key):
    assert key in lacking(WHOLE[key](dossier()))


def optional() -> Iterator[str]:
    """Yield every field of a dossier's parts that may be None, by the key it would have."""
    for noun, kind in NAMES.items():
        for name, hint in get_type_hints(kind).items():
            if NoneType in get_args(hint):
                yield f"{noun}.{name}"


def test_whatever_may_be_absent_is_missed_or_absent_by_right():
    """A field that is added to the dossier and may be None needs words here, or a reason."""
    found = set(optional())
    assert len(found) > 30
    assert found - set(ON_FILE) - set(ABSENT_BY_RIGHT) == set()
    known = {Answer, *NAMES.values(), *RESULTS}
    others: set[Any] = {
        kind for kind in [*vars(parts).values(), *vars(scenario).values()] if is_dataclass(kind) and kind not in known
    }
    absent = {
        f"{kind.__name__}.{name}"
        for kind in others
        for name, hint in get_type_hints(kind).items()
        if NoneType in get_args(hint)
    }
    assert absent == {"Dossier.log", "Dossier.filed", "Dossier.group"}


@pytest.mark.parametrize("key", ABSENT_BY_RIGHT)
def test_what_is_absent_by_right_is_not_missed(key):
    noun, name = key.split(".")
    assert lacking(without(dossier(), NAMES[noun], name)) <= lacking(dossier())


@pytest.mark.parametrize("item", NoticeItem)
@pytest.mark.parametrize("language", Language)
def test_each_item_of_a_notice_is_missed_in_either_language(item, language):
    made = dossier()
    (purpose,) = made.purposes
    assert purpose.notice is not None
    said_by = {each: dict(items) for each, items in purpose.notice.items.items()}
    del said_by[language][item]
    bare = replace(made, purposes=(replace(purpose, notice=replace(purpose.notice, items=said_by)),))
    assert f"notice.{item.value}" in lacking(bare)


@pytest.mark.parametrize("question", [each.id for each in QUESTIONS])
def test_each_question_that_nobody_answered_is_missed_unless_the_configuration_answers_it(question):
    made = dossier()
    (purpose,) = made.purposes
    assert purpose.report is not None
    given = {key: each for key, each in purpose.report.answers.items() if key != question}
    bare = replace(made, purposes=(replace(purpose, report=replace(purpose.report, answers=given)),))
    missed = f"question.{question}" in lacking(bare)
    assert missed is (question not in PREFILLED)
    emptied = {**given, question: Answer("  ", (" ",))}
    again = replace(made, purposes=(replace(purpose, report=replace(purpose.report, answers=emptied)),))
    assert lacking(again) == lacking(bare), "blanks answer nothing"


@pytest.mark.parametrize("key", ["necessity_expires_on", "assessment_expires_on"])
def test_what_has_expired_is_as_good_as_missing(key):
    made = dossier()

    def until(day: date) -> Dossier:
        changes: dict[str, Any] = {key: day}
        return replace(made, purposes=(replace(made.purposes[0], **changes),))

    assert f"purpose.{key}" in lacking(until(TODAY - timedelta(days=1)))
    assert lacking(until(TODAY)) == lacking(made), "the last day is in"


def test_what_is_done_by_hand_is_in_no_part_of_the_dossier_and_is_always_asked_for():
    keys = {
        mark.key.partition(":")[0]
        for document in (
            *(each for act in FilingKind for each in documents(dossier(), act)),
            single(dossier(), "threshold-statement"),
        )
        for mark in document.missing()
        if mark.by_hand
    }
    assert keys == set(BY_HAND)


def test_a_device_that_is_not_in_a_public_place_needs_no_dossier_and_an_undeclared_one_does():
    made = dossier()
    (venue,) = made.venues
    (place,) = venue.places

    def names(public: bool | None) -> str:
        there = replace(made, venues=(replace(venue, places=(replace(place, public=public),)),))
        return str(single(there, "public-places").sections)

    assert "The gate of the concourse" not in names(public=False)
    assert "The gate of the concourse" in names(public=True)
    assert "The gate of the concourse" in names(public=None)


def test_a_statement_below_the_line_says_so_and_above_it_says_that_it_is_none():
    made = dossier()
    low = replace(made, duties=(), numbers=replace(made.numbers, upper=9_900, lower=9_900, public_devices=0))
    assert "no line of filing was reached" in str(single(low, "threshold-statement").sections[0])
    for above in (
        replace(low, numbers=replace(low.numbers, upper=10_001)),
        replace(low, numbers=replace(low.numbers, public_devices=1)),
        replace(low, duties=made.duties),
    ):
        assert "this is no statement below the line" in str(single(above, "threshold-statement").sections[0])


def test_a_statement_shows_the_group_and_the_signals_with_their_numbers_and_as_no_verdict():
    shown = str(single(dossier(), "threshold-statement").sections)
    for expected in ("19400 – 19800, 2 members", "A backup was restored.", "persons: 12", "Signals are no verdicts"):
        assert expected in shown
    alone = replace(dossier(), signals=(), group=None, handler=replace(dossier().handler, group=None))
    shown = str(single(alone, "threshold-statement").sections)
    assert "There are none." in shown
    assert "No group is declared." in shown


def test_a_deregistration_with_nothing_left_says_so_and_names_the_entries():
    made = dossier()
    empty = replace(made.numbers, lower=0, upper=0, elsewhere=(), in_backups=0)
    resting = tuple(replace(each, active_since=None) for each in made.purposes)
    gone = replace(made, numbers=empty, purposes=resting)
    found = single(gone, "deregistration")
    assert [mark.key for mark in found.missing() if not mark.by_hand] == []
    assert "4711" in str(found.sections)
    assert "Nothing is stored any more" in str(found.sections)
    one_left = replace(gone, disposal=replace(gone.disposal, originals_left=1))
    assert "disposal.left" in {mark.key for mark in single(one_left, "deregistration").missing()}


def test_the_change_variant_says_what_was_filed_and_what_stands_now():
    text = str(single(dossier(), "change").sections)
    for expected in ("retention/check-in", "60", "30", "沪网信备 2026-0071"):
        assert expected.split("/")[-1] in text


def test_every_value_of_every_closed_list_has_its_words():
    checked = 0
    for kind in {type(value) for value in (key[1] for key in words._WORDS)}:
        for value in kind:
            text = words.word(value)
            assert text.en
            assert re.search(r"[\u4e00-\u9fff]", text.zh)
            checked += 1
    assert checked > 70


def test_every_head_of_both_acts_is_answered_and_every_question_answers_one():
    assert {key for each in QUESTIONS for key in each.heads} == set(HEADS)
    assert [sum(head.pack == pack for head in HEADS.values()) for pack in ("cn-2025", "cn-2023-draft")] == [4, 6]
    assert all(each.heads for each in QUESTIONS)
    assert len(BY_ID) == len(QUESTIONS)
    assert set(PREFILLED) <= set(BY_ID)


def test_a_configured_answer_says_where_it_comes_from():
    made = dossier()
    (purpose,) = made.purposes
    bare = replace(made, purposes=(replace(purpose, report=None),))
    sections = str(single(bare, "assessment-check-in").sections)
    assert "(From the configuration.)" in sections
    assert "(From the configuration.)" not in str(single(made, "assessment-check-in").sections)
    assert "Answer to conclusion" in str(single(made, "assessment-check-in").sections)


def test_what_is_missing_is_said_in_both_languages():
    for what, remedy in [*ON_FILE.values(), *BY_HAND.values()]:
        for text in (what, remedy):
            assert said(text, Language.EN)
            assert re.search(r"[\u4e00-\u9fff]", said(text, Language.ZH))


def test_a_dossier_needs_no_day_but_its_own():
    assert dossier().today == date(2026, 11, 26)
    assert isinstance(dossier().pack.title, Text)
