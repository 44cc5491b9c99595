"""The desk: what a person or a guardian decides with staff, on the spot or on paper; a yes taken back there."""

import re
from typing import Any

import httpx
import pytest

from countenance.store import subjects
from countenance.store.subjects import ConsentEvent
from tests.database import OPERATOR, PURPOSE, Hotel
from tests.doors.fronts import Front, Visitor
from tests.faces import grace_hopper_jpeg
from tests.operations.governed import bodies
from tests.operations.saying import entries, facts, republish

DIGEST = "ab" * 32
ABOUT = {
    "subject": "guest", "purpose": PURPOSE, "age": "adult", "scopes": ["enrol", "verify", "off_device_storage"],
    "way": "here", "language": "en",
}  # fmt: skip
YES = {"enrol": "yes", "verify": "yes", "off_device_storage": "yes"}
PARENT = {
    "guardian": "parent-of-child", "relation": "parent", "evidence": "household_register", "checked_by": "desk-3",
}  # fmt: skip
CHILD = ABOUT | {"subject": "child", "age": "under_14"}


def served(answer: httpx.Response) -> str:
    """Return the id of the notice that a page shows."""
    found = re.search(r'name="served" value="([0-9a-f-]{36})"', answer.text)
    assert found is not None
    return found[1]


def scopes(event: ConsentEvent) -> set[str]:
    """Return what a decision reaches."""
    return set(event.scopes or ())


def at_desk(visitor: Visitor, about: dict[str, Any], said: dict[str, Any]) -> httpx.Response:
    """Go through the desk's pages, and say something."""
    shown = visitor.post("/console/desk/ask", about)
    assert shown.status_code == 200, shown.text
    rests = {"served": served(shown)} if about["way"] == "here" else {}
    return visitor.post("/console/desk/decide", about | rests | said)


def decisions(hotel: Hotel, ref: str) -> list[ConsentEvent]:
    """Return what is on file of somebody's decisions, the newest last."""
    with hotel.house.database.transaction() as tx:
        found = subjects.find(tx, OPERATOR, ref)
        return [] if found is None else subjects.events(tx, OPERATOR, found.subject_id)


# --- here ------------------------------------------------------------------------------------------------------------


def test_a_yes_at_the_desk_rests_on_what_was_shown_there_and_has_a_receipt(front: Front) -> None:
    desk = front.officer()
    answer = at_desk(desk, ABOUT, YES)

    assert answer.status_code == 200
    assert "/r#cr_" in answer.text
    (event,) = decisions(front.hotel, "guest")
    assert (event.kind, event.form, event.device_id) == ("given", "separate", None)
    assert scopes(event) == {"enrol", "verify", "off_device_storage"}
    (shown,) = entries(front.hotel, "notice")
    assert (shown["details"]["served"], shown["details"]["language"]) == (str(event.served_id), "en")
    assert facts(front.hotel).state.value == "given"
    front.hotel.enrol("guest", grace_hopper_jpeg())  # and that is enough for the kiosk


def test_each_question_has_its_own_answer_and_none_is_given_beforehand(front: Front) -> None:
    desk = front.officer()
    shown = desk.post("/console/desk/ask", ABOUT)
    assert len(re.findall(r'type="radio" name="(?:enrol|verify|off_device_storage)"', shown.text)) == 6
    assert "checked" not in shown.text

    at_desk(desk, ABOUT, YES | {"off_device_storage": "no"})

    (event,) = decisions(front.hotel, "guest")
    assert (event.kind, scopes(event)) == ("given", {"enrol", "verify"})


def test_a_question_without_an_answer_writes_nothing_down_and_keeps_what_was_said(front: Front) -> None:
    answer = at_desk(front.officer(), ABOUT, {"enrol": "yes", "verify": "no"})
    assert answer.status_code == 400
    assert "A question has no answer yet" in answer.text
    assert re.search(r'name="enrol" value="yes" required checked', answer.text)
    assert re.search(r'name="verify" value="no" required checked', answer.text)
    assert answer.text.count(" checked") == 2
    assert decisions(front.hotel, "guest") == []


def test_all_no_is_a_no_and_destroys_what_an_earlier_yes_left(front: Front) -> None:
    desk = front.officer()
    at_desk(desk, ABOUT, YES)
    front.hotel.enrol("guest", grace_hopper_jpeg())
    front.hotel.clock.forward(seconds=60)

    answer = at_desk(desk, ABOUT, dict.fromkeys(YES, "no"))

    assert answer.status_code == 200
    assert "No. It has no disadvantage" in answer.text
    assert "/r#cr_" not in answer.text
    assert facts(front.hotel).state.value == "refused"
    assert entries(front.hotel, "consent")[0]["details"]["destroyed"]["keys"] == 1


def test_a_person_who_said_no_is_asked_again_only_where_staff_are_told_so(front: Front) -> None:
    desk = front.officer()
    at_desk(desk, ABOUT, dict.fromkeys(YES, "no"))
    front.hotel.clock.forward(days=4)
    desk = front.officer()
    assert "said no 4 days ago and may not be asked again yet" in desk.post("/console/desk/ask", ABOUT).text
    front.hotel.clock.forward(days=27)
    desk = front.officer()
    assert "may not be asked again yet" not in desk.post("/console/desk/ask", ABOUT).text


def test_the_age_class_is_asked_for_where_none_is_on_file(front: Front) -> None:
    desk, unknown = front.officer(), {name: value for name, value in ABOUT.items() if name != "age"}
    answer = desk.post("/console/desk/ask", unknown)
    assert answer.status_code == 400
    assert "No age class is on file" in answer.text
    assert re.search(r'name="subject"[^>]*value="guest"', answer.text)
    assert entries(front.hotel, "notice") == [], "nothing was shown to anybody"

    at_desk(desk, ABOUT, YES)
    assert at_desk(desk, unknown, YES).status_code == 200


def test_a_notice_that_changed_meanwhile_is_shown_again(front: Front) -> None:
    desk = front.officer()
    before = served(desk.post("/console/desk/ask", ABOUT))
    republish(front.hotel)
    desk.post("/console/desk/decide", ABOUT | YES | {"served": before})
    (event,) = decisions(front.hotel, "guest")
    assert event.notice_version == 1
    assert facts(front.hotel).notice_current is False

    front.hotel.clock.forward(seconds=3600)
    late = front.officer().post("/console/desk/decide", ABOUT | YES | {"served": before})
    assert late.status_code == 400
    assert served(late) != before
    assert len(decisions(front.hotel, "guest")) == 1


@pytest.mark.parametrize("rests", [{}, {"served": "00000000-0000-0000-0000-000000000000"}])
def test_a_decision_that_rests_on_nothing_is_asked_for_again(front: Front, rests: dict[str, str]) -> None:
    answer = front.officer().post("/console/desk/decide", ABOUT | YES | rests)
    assert answer.status_code == 400
    assert served(answer)
    assert decisions(front.hotel, "guest") == []


def test_the_notice_is_in_the_persons_language_and_the_page_in_that_of_staff(front: Front) -> None:
    shown = front.officer().post("/console/desk/ask", ABOUT | {"language": "zh"}, headers={"Accept-Language": "en"})
    assert "谁在征询" in shown.text
    assert "What does the person say?" in shown.text
    (entry,) = entries(front.hotel, "notice")
    assert entry["details"]["language"] == "zh"


# --- a child ---------------------------------------------------------------------------------------------------------


def test_a_guardian_decides_for_a_child_with_what_showed_the_relation(front: Front) -> None:
    answer = at_desk(front.officer(), CHILD, YES | PARENT | {"guardian_sha256": DIGEST})
    assert answer.status_code == 200
    (event,) = decisions(front.hotel, "child")
    assert (event.guardian, event.guardian_relation) == ("parent-of-child", "parent")
    assert event.guardian_evidence_digest == bytes.fromhex(DIGEST)
    assert facts(front.hotel, "child").guardian is True
    assert not any("parent-of-child" in str(body) for body in bodies(front.hotel))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"guardian": "child"}, "A child is not its own guardian"),
        ({"evidence": "appointment"}, "does not show this relation"),
        ({"relation": ""}, "Say of the guardian who it is"),
        ({"checked_by": ""}, "Say of the guardian who it is"),
        ({"guardian": "", "relation": "", "evidence": ""}, "For a child under 14 a parent or guardian consents"),
    ],
)
def test_a_guardian_who_is_none_is_said_so_and_nothing_is_lost(
    front: Front, changes: dict[str, str], says: str
) -> None:
    answer = at_desk(front.officer(), CHILD, YES | PARENT | changes)
    assert answer.status_code == 400
    assert says in answer.text
    assert answer.text.count(" checked") == len(YES), "what was answered stands in the form"
    assert decisions(front.hotel, "child") == []


def test_a_child_says_no_by_itself(front: Front) -> None:
    assert at_desk(front.officer(), CHILD, dict.fromkeys(YES, "no")).status_code == 200
    assert facts(front.hotel, "child").state.value == "refused"


# --- paper -----------------------------------------------------------------------------------------------------------


def test_a_sheet_that_was_signed_is_entered_with_its_version_and_scan(front: Front) -> None:
    sheet = {"notice_version": "1", "evidence_sha256": DIGEST}
    answer = at_desk(front.officer(), ABOUT | {"way": "paper"}, YES | sheet)
    assert answer.status_code == 200
    (event,) = decisions(front.hotel, "guest")
    assert (event.form, event.notice_version, event.served_id) == ("written", 1, None)
    assert event.evidence_digest == bytes.fromhex(DIGEST)
    assert entries(front.hotel, "notice") == []


@pytest.mark.parametrize(
    "sheet",
    [{}, {"notice_version": "1"}, {"evidence_sha256": DIGEST}, {"notice_version": "7", "evidence_sha256": DIGEST}],
)
def test_a_sheet_of_which_something_is_missing_is_asked_for_again(front: Front, sheet: dict[str, str]) -> None:
    answer = at_desk(front.officer(), ABOUT | {"way": "paper"}, YES | sheet)
    assert answer.status_code == 400
    assert all(value in answer.text for value in sheet.values())
    assert decisions(front.hotel, "guest") == []


@pytest.mark.parametrize(("language", "word"), [("en", "Which data"), ("zh", "数据种类")])
def test_the_sheet_is_the_notice_in_force_in_the_language_of_its_reader(front: Front, language: str, word: str) -> None:
    republish(front.hotel)
    answer = front.officer().get(f"/console/desk/sheet?purpose={PURPOSE}&language={language}")
    assert answer.status_code == 200
    assert word in answer.text
    assert "<strong>2</strong>" in answer.text
    assert answer.text.count("☐") == 6
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-language"].startswith(language)


@pytest.mark.parametrize("query", ["", f"?purpose={PURPOSE}", "?purpose=nothing&language=en", "?purpose=x&language=de"])
def test_a_sheet_of_nothing_is_not_there(front: Front, query: str) -> None:
    assert front.officer().get(f"/console/desk/sheet{query}").status_code == 404


# --- taken back ------------------------------------------------------------------------------------------------------


def test_a_yes_is_taken_back_at_the_desk(front: Front) -> None:
    hotel, desk = front.hotel, front.officer()
    at_desk(desk, ABOUT, YES)
    hotel.enrol("guest", grace_hopper_jpeg())
    assert "The person takes the yes back" in desk.post("/console/consents/person", {"subject": "guest"}).text

    answer = desk.post("/console/consents/withdraw", {"subject": "guest", "purpose": PURPOSE})

    assert answer.status_code == 200
    assert "It is destroyed" in answer.text
    assert facts(hotel).state.value == "withdrawn"
    assert "The person takes the yes back" not in desk.post("/console/consents/person", {"subject": "guest"}).text
    assert desk.post("/console/consents/withdraw", {"subject": "nobody", "purpose": PURPOSE}).status_code == 404
