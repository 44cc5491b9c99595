"""The documents of a filing and the guided assessment in the console: listed, fetched as files, answered and signed."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from datetime import date

import pytest

from countenance.filing.documents.package import BUILDERS
from countenance.filing.documents.questions import QUESTIONS
from countenance.store import assessments
from tests.database import OPERATOR, PURPOSE, Hotel
from tests.doors.fronts import Front
from tests.doors.test_pages_filing import CANARY, DRAFT, words
from tests.operations.signing import Member, member
from tests.operations.test_filing import START


@pytest.fixture
def front(make_front: Callable[..., Front], hotel: Hotel) -> Front:
    """Return the hotel's pages on a Monday."""
    hotel.clock.now = START
    return make_front()


def test_what_is_missing_stands_before_the_documents(front: Front) -> None:
    page = front.officer().get("/console/filing/documents").text
    assert page.index("Missing on file") < page.index("The whole package") < page.index("Each document")
    assert "Unified social credit code" in page
    links = re.findall(r'href="/console/filing/document\?([^"]+)"', page)
    assert len(links) == (len(BUILDERS) + 1) * 6 + 1


def test_each_document_is_fetched_in_each_form(front: Front) -> None:
    officer = front.officer()
    page = officer.get("/console/filing/documents").text
    links = [each.replace("&amp;", "&") for each in re.findall(r'href="(/console/filing/document\?[^"]+)"', page)]
    some = [each for each in links if "name=numbers&" in each or "name=assessment-" in each]
    assert len(some) == 13
    for link in some:
        answer = officer.client.get(link)
        assert answer.status_code == 200, link
        assert answer.headers["cache-control"] == "no-store"
        said = re.fullmatch(
            r'attachment; filename="([a-z0-9-]+)\.(docx|html|json)"', answer.headers["content-disposition"]
        )
        assert said is not None
        if said[2] == "docx":
            assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        elif said[2] == "html":
            assert answer.content.startswith(b"<!doctype html>")
            assert answer.headers["content-type"] == "application/octet-stream", "nothing of it runs at this address"
        else:
            assert json.loads(answer.content)


def test_the_package_of_each_act_is_fetched_whole(front: Front) -> None:
    officer = front.officer()
    for act, first in (("first", "form-1-handler"), ("change", "change"), ("deregistration", "deregistration")):
        answer = officer.get(f"/console/filing/package?pack={DRAFT}&act={act}")
        assert answer.status_code == 200
        assert f'filename="{OPERATOR}-{DRAFT}-{act}.zip"' in answer.headers["content-disposition"]
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert {"manifest.json", f"zh/{first}.docx", f"en/{first}.html"} <= set(names)


ON_NO_LIST = (
    f"document?pack={DRAFT}&name=nothing", f"document?pack={DRAFT}&name=..%2Fkeys", "document?pack=no&name=numbers",
    f"document?pack={DRAFT}&name=numbers&form=exe", f"document?pack={DRAFT}&name=numbers&form=pia",
    f"document?pack={DRAFT}&name=assessment-none&form=pia", f"document?pack={DRAFT}", "package?pack=no&act=first",
    f"package?pack={DRAFT}&act=all", "documents?pack=no", "documents?other=1", "assessment/none",
)  # fmt: skip


def test_what_is_on_no_list_is_not_there(front: Front) -> None:
    officer = front.officer()
    for path in ON_NO_LIST:
        assert officer.get(f"/console/filing/{path}").status_code == 404, path


def test_an_assessment_is_answered_and_signed_in_the_console(front: Front) -> None:
    person = member(front.hotel)
    officer, path = front.officer(person), f"/console/filing/assessment/{PURPOSE}"
    page = officer.get(path).text
    assert page.count("from the configuration") > 5
    early = officer.post(f"{path}/sign")
    assert early.status_code == 409
    for each in QUESTIONS:
        gauge = {"gauge": "2"} if each.asks == "step" else {}
        answer = officer.post(path, {"question": each.id, "text": f"One{CANARY}\nTwo"} | gauge)
        assert answer.status_code == 303, each.id
    page = officer.get(path).text
    assert "Every question has an answer" in page
    assert "<script>canary" not in page
    assert officer.post(f"{path}/sign").status_code == 303
    assert person.staff_id in words(officer.get(path))
    assert officer.post(f"{path}/sign").status_code == 409, "nobody signs twice"
    _signed_as(front, person)
    assert "Signed, valid until" in officer.get("/console/filing/documents").text


def _signed_as(front: Front, person: Member) -> None:
    with front.hotel.house.database.reading() as tx:
        (row,) = assessments.listed(tx, OPERATOR, PURPOSE)
        (signature,) = assessments.signatures(tx, OPERATOR)
    assert (signature.staff_id, row.signed_on) == (person.staff_id, date(2026, 11, 2))
    kept = row.answers
    assert kept["access.impacts"]["items"] == [f"One{CANARY}", "Two"]
    assert (kept["access.severity"]["gauge"], kept["effect"]["gauge"]) == (2, None)


NO_ANSWER: tuple[tuple[dict[str, str], int], ...] = (
    ({"text": "x"}, 400), ({"question": "none_such", "text": "x"}, 404), ({"question": "effect", "gauge": "5"}, 400),
    ({"question": "effect", "text": "x" * 6001}, 400), ({"question": "effect", "other": "x"}, 400),
)  # fmt: skip


def test_an_answer_that_cannot_be_taken_changes_nothing(front: Front) -> None:
    officer, path = front.officer(), f"/console/filing/assessment/{PURPOSE}"
    officer.get(path)
    for fields, status in NO_ANSWER:
        assert officer.post(path, fields).status_code == status, fields
    with front.hotel.house.database.reading() as tx:
        assert assessments.listed(tx, OPERATOR) == []
