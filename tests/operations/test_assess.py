"""The guided assessment on the real database, from the first answer to its deletion years later."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.filing.documents.answers import Answer
from countenance.filing.documents.pia import export_pia
from countenance.filing.documents.questions import QUESTIONS
from countenance.operations.assess import answer, delete, import_pia, keep_until, sign
from countenance.operations.dossier import gather
from countenance.store import assessments
from countenance.vocabulary import AssessmentState, Language
from tests.database import OPERATOR, PURPOSE, Hotel
from tests.operations.governed import colleague
from tests.operations.packaging import (
    DRAFT,
    LEAP,
    apply,
    asking,
    everything,
    filed,
    in_json,
    kept_shorter,
    on_record,
    rows,
    signed,
    sources,
)


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel on a day on which what its site file says stands."""
    hotel.clock.now = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
    return hotel


def test_an_assessment_is_answered_signed_and_in_the_package(hotel: Hotel) -> None:
    staff_id = colleague(hotel)
    row = signed(hotel, staff_id)
    today = hotel.clock().astimezone(ZoneInfo("Asia/Shanghai")).date()
    assert (row.signed_on, row.valid_until) == (today, today + timedelta(days=365))
    assert row.keep_until is not None
    assert row.keep_until >= today.replace(year=today.year + 3)
    assert [outcome for outcome, _ in on_record(hotel)] == ["signed", "answered"], "newest first"
    said = on_record(hotel)[0][1]
    assert (said["assessment"], said["staff"], said["purpose"]) == (str(row.assessment_id), staff_id, PURPOSE)
    assert "On conclusion." not in json.dumps(said), "what was answered stands in the assessment alone"
    made = filed(hotel)
    assert not [key for key in json.loads(made["manifest.json"])["missing"] if key.startswith(("question.", "report."))]
    assert "On conclusion." in in_json(made, "assessment-check-in")
    assert staff_id in in_json(made, "assessment-check-in")
    assert "On conclusion." in json.loads(made["pia/assessment-check-in.json"])["pia"]["dpo_opinion"]


def test_nothing_is_signed_while_a_question_has_no_answer(hotel: Hotel) -> None:
    staff_id = colleague(hotel)
    with pytest.raises(ConflictError, match="Nothing was answered"):
        sign(sources(hotel), asking(hotel), DRAFT, staff_id)
    given = everything()
    del given["conclusion"]
    answer(sources(hotel), asking(hotel), given)
    with pytest.raises(ConflictError, match="1 questions have no answer yet: conclusion"):
        sign(sources(hotel), asking(hotel), DRAFT, staff_id)
    assert rows(hotel)[0].signed_on is None
    answer(sources(hotel), asking(hotel), {"conclusion": Answer("May begin.")})
    answer(sources(hotel), asking(hotel), {"conclusion": Answer()})
    with pytest.raises(ConflictError, match="conclusion"):
        sign(sources(hotel), asking(hotel), DRAFT, staff_id)


def test_only_staff_signs_each_once_and_what_is_signed_stays(hotel: Hotel) -> None:
    first, second = colleague(hotel), colleague(hotel)
    with pytest.raises(NotFoundError):
        signed(hotel, "nobody")
    row = signed(hotel, first)
    with pytest.raises(ConflictError, match="signed it already"):
        sign(sources(hotel), asking(hotel), DRAFT, first)
    hotel.clock.forward(days=2)
    again = sign(sources(hotel), asking(hotel), DRAFT, second)
    assert (again.assessment_id, again.signed_on, again.answers) == (row.assessment_id, row.signed_on, row.answers)
    with hotel.house.database.reading() as tx:
        assert [each.staff_id for each in assessments.signatures(tx, OPERATOR)] == [first, second]
    with hotel.house.database.transaction() as tx:
        assessments.write(tx, OPERATOR, row.assessment_id, {})
    assert rows(hotel)[0].answers == row.answers, "no later writing reaches what is signed"


def test_what_the_configuration_said_is_kept_as_it_was_signed(hotel: Hotel) -> None:
    row = signed(hotel)
    assert "30 days" in row.answers["retention"]["text"]
    apply(hotel, kept_shorter)
    (kept,) = rows(hotel)
    assert kept.answers == row.answers
    part = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0]
    assert part.report is not None
    assert part.report.current is False, "it covers another configuration"
    assert part.assessment is AssessmentState.STALE, "as the law is told of the one in the site file"
    draft = answer(sources(hotel), asking(hotel), {"conclusion": Answer("Anew.")})
    assert draft.answers["mitigation"]["text"] == "On mitigation."
    assert "retention" not in draft.answers, "what the configuration said then is asked of it anew"
    assert [each.signed_on is None for each in rows(hotel)] == [True, False]
    renewed = sign(sources(hotel), asking(hotel), DRAFT, colleague(hotel))
    assert "20 days" in renewed.answers["retention"]["text"]
    report = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0].report
    assert report is not None
    assert report.current is True


def test_an_assessment_goes_stale_when_its_year_is_over(hotel: Hotel) -> None:
    signed(hotel)

    def current() -> bool:
        report = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0].report
        assert report is not None
        return report.current

    hotel.clock.forward(days=365)
    assert current()
    hotel.clock.forward(days=1)
    assert not current()


def test_what_was_signed_is_deleted_by_nobody_for_three_years(hotel: Hotel) -> None:
    row = signed(hotel)
    assert row.keep_until is not None
    with pytest.raises(ConflictError, match=row.keep_until.isoformat()):
        delete(sources(hotel), asking(hotel), row.assessment_id)
    noon = datetime(row.keep_until.year, row.keep_until.month, row.keep_until.day, 4, 0, tzinfo=UTC)
    hotel.clock.now = noon
    with pytest.raises(ConflictError):
        delete(sources(hotel), asking(hotel), row.assessment_id)
    assert rows(hotel) == [row], "the last day is in"
    hotel.clock.forward(days=1)
    delete(sources(hotel), asking(hotel), row.assessment_id)
    assert rows(hotel) == []
    assert on_record(hotel)[0][0] == "deleted"
    with pytest.raises(NotFoundError):
        delete(sources(hotel), asking(hotel), row.assessment_id)


def test_a_draft_can_be_deleted_and_nobody_elses(hotel: Hotel) -> None:
    row = answer(sources(hotel), asking(hotel), {"conclusion": Answer("x")})
    with pytest.raises(NotFoundError):
        delete(sources(hotel), asking(hotel, "elsewhere"), row.assessment_id)
    with pytest.raises(NotFoundError):
        delete(sources(hotel), asking(hotel), UUID(int=1))
    delete(sources(hotel), asking(hotel), row.assessment_id)
    assert rows(hotel) == []


def test_it_is_kept_as_long_as_the_strictest_law_wants_and_no_leap_day_shortens_that(hotel: Hotel) -> None:
    assert keep_until(hotel.house.packs, LEAP) == date(2031, 3, 1)
    assert keep_until(hotel.house.packs, datetime(2026, 11, 26, 20, 0, tzinfo=UTC)) == date(2029, 11, 27), "in China"


def test_two_who_answer_at_once_lose_nothing(hotel: Hotel) -> None:
    questions = [each.id for each in QUESTIONS[:12]]
    with ThreadPoolExecutor(4) as pool:
        done = pool.map(lambda key: answer(sources(hotel), asking(hotel), {key: Answer(f"On {key}.")}), questions)
        assert len({each.assessment_id for each in done}) == 1
    (row,) = rows(hotel)
    assert set(row.answers) == set(questions)


def test_what_is_no_question_or_no_purpose_is_refused(hotel: Hotel) -> None:
    with pytest.raises(MalformedError, match="no such question"):
        answer(sources(hotel), asking(hotel), {"colour": Answer("blue")})
    with pytest.raises(NotFoundError):
        answer(sources(hotel), asking(hotel, "elsewhere"), {"conclusion": Answer("x")})
    assert rows(hotel) == []


def test_a_file_of_the_pia_tool_fills_the_draft_and_leaves_the_rest(hotel: Hotel) -> None:
    answer(sources(hotel), asking(hotel), {"lawful": Answer("Kept."), "mitigation": Answer("Before.")})
    told = gather(sources(hotel), OPERATOR, DRAFT, hotel.clock()).purposes[0].notice
    assert told is not None
    repeated = told.items[Language.EN]
    data = next(text for item, text in repeated.items() if item.value == "data")
    given = {"data": Answer(data), "mitigation": Answer("After."), "access.severity": Answer("Grave.", gauge=3)}
    done = import_pia(sources(hotel), asking(hotel), DRAFT, export_pia("x", "y", given, hotel.clock()))
    assert set(done.answers) == {"mitigation", "access.severity"}, "what repeats the configuration is no answer"
    (row,) = rows(hotel)
    assert {key: each["text"] for key, each in row.answers.items()} == {
        "lawful": "Kept.", "mitigation": "After.", "access.severity": "Grave.",
    }  # fmt: skip
    hostile = json.dumps({"pia": {}, "answers": [{"reference_to": 113, "data": {"text": "<script>x</script>"}}]})
    with pytest.raises(MalformedError):
        import_pia(sources(hotel), asking(hotel), DRAFT, hostile.encode())
    assert rows(hotel) == [row]
    assert [outcome for outcome, _ in on_record(hotel)] == ["imported", "answered"]
