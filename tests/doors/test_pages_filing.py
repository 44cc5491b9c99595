"""The console's pages about filing: the count against its lines, the conversation with the authority, the history."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from countenance.filing.exchange import message_of
from countenance.filing.snapshot import taken
from countenance.settings import Settings
from countenance.store import exchanges, filings, persons
from countenance.store.exchanges import ExchangedRow
from countenance.store.gathering import PLACE
from countenance.vocabulary import FilingKind
from tests.database import OPERATOR, PURPOSE, Hotel
from tests.doors.authority_front import CLERK, AuthorityFront
from tests.doors.fronts import Front, Visitor
from tests.doors.paired import authority_beside, grown, pair
from tests.operations.people import known
from tests.operations.test_filing import START

AT = "/console/filing/authority"
DRAFT = "cn-2023-draft"
CANARY = '"><script>canary()</script>'


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(filing_keys_dir=tmp_path / "filing-keys")


@pytest.fixture
def front(make_front: Callable[..., Front], hotel: Hotel, settings: Settings) -> Front:
    """Return the hotel's pages on a Monday, far from the end of a year whose holidays are known."""
    hotel.clock.now = START
    return make_front(filing_keys_dir=settings.filing_keys_dir)


@dataclass
class Beside:
    """A hotel beside an authority: who is signed in at the one, and the other."""

    front: Front
    officer: Visitor
    authority: AuthorityFront
    party: str

    def said(self) -> list[ExchangedRow]:
        with self.front.hotel.house.database.reading() as tx:
            return exchanges.said(tx, OPERATOR)


@pytest.fixture
def beside(front: Front, settings: Settings, postgres: str, tmp_path: Path) -> Iterator[Beside]:
    """Yield a hotel that has to file, and is paired."""
    grown(front.hotel, 10_004)
    officer = front.officer()
    with authority_beside(front.hotel, postgres, tmp_path / "authority") as authority:
        yield Beside(front, officer, authority, pair(front.hotel, settings, authority))


def words(answer: httpx.Response) -> str:
    """Return the text of a page, its blanks as one."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


# --- the count, its chart and the forecast ---------------------------------------------------------------------------


def test_the_count_stands_against_its_lines_with_a_forecast(front: Front) -> None:
    grown(front.hotel, 9_412, in_backups=118)
    page = front.officer().get("/console/filing")
    weekly = 9 + 11 + 12 + 14 + 22 + 31 + 21
    crossed = START.date() + timedelta(days=-(-(10_001 - 9_530) * 7 // weekly))
    said = words(page)
    assert f"Forecast, and no more: if persons go on coming as in the last 30 days, about {weekly / 7:.1f} more" in said
    assert f"is reached on {crossed}" in said
    assert "at this growth the line lies more than ten years ahead" in said
    for label, number in (
        ("Stored here", "9,412"),
        ("In backups only", "118"),
        ("At most", "9,530"),
        ("At least", "9,412"),
    ):
        assert re.search(rf"<dt>{label}</dt><dd>{number}<", page.text)
    chart = page.text[page.text.index('<svg class="chart"') : page.text.index("</svg>")]
    assert f"{DRAFT}: 10,001" in chart
    assert "100,000" not in chart, "a line far above would press the curve to the ground; it is told beside"
    assert chart.count('class="cross"') == 1
    assert page.text.count('<th scope="row" class="day">') == 90, "the table has every day of the chart"


def test_without_growth_there_is_no_forecast(front: Front) -> None:
    hotel = front.hotel
    today = START.astimezone(PLACE).date()
    with hotel.house.database.transaction() as tx:
        persons.hold(tx, OPERATOR)
        persons.change(tx, OPERATOR, persons=9_000)
        for back in range(40):
            persons.mark_day(tx, OPERATOR, today - timedelta(days=back), persons.figures(tx, OPERATOR))
    page = front.officer().get("/console/filing")
    assert words(page).count("the number does not grow, or there are too few days yet") == 2
    assert 'polyline class="curve ahead"' not in page.text


def test_before_the_first_day_there_is_no_chart(front: Front) -> None:
    page = front.officer().get("/console/filing")
    assert "No day was counted yet" in page.text
    assert 'class="stored"' not in page.text


def test_counting_now_says_whether_the_count_agrees(front: Front) -> None:
    known(front.hotel, 40)
    officer = front.officer()
    officer.get("/console/filing")
    agrees = officer.post("/console/filing/count")
    assert (agrees.status_code, "40. The kept count agrees" in words(agrees)) == (200, True)
    with front.hotel.house.database.transaction() as tx:
        persons.hold(tx, OPERATOR)
        persons.change(tx, OPERATOR, persons=45)
    differs = words(officer.post("/console/filing/count"))
    assert "45 were counted, and 40 are stored. The count was corrected" in differs
    assert "never a verdict" in differs
    assert "The kept count differed from what is stored and was corrected." in differs
    assert "40. The kept count agrees" in words(officer.post("/console/filing/count"))


# --- the duty, and the authority -------------------------------------------------------------------------------------


def test_who_is_not_paired_is_told_how(front: Front) -> None:
    grown(front.hotel, 10_004)
    officer = front.officer()
    page = officer.get("/console/filing")
    assert 'href="#f-cn-2023-draft"' in page.text
    assert "Ask the authority for a pairing code, then pair" in page.text
    assert f'action="{AT}/file"' not in page.text
    refused = officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first"})
    assert (refused.status_code, "paired with no authority" in refused.text) == (409, True)
    assert 'name="code"' in officer.get(AT).text


def test_what_is_due_is_prepared_and_sent_and_asked_about_and_numbered(beside: Beside) -> None:
    officer, desk = beside.officer, beside.authority.desk
    assert f'action="{AT}/file"' in officer.get("/console/filing").text
    sent = officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first"})
    assert (sent.status_code, "the authority has signed that it came" in sent.text) == (200, True)
    (case,) = desk.cases()
    assert "filed" in words(officer.get("/console/filing"))

    desk.ask(case.case_id, CLERK, f"How many are guests? {CANARY}")
    page = officer.post(AT)
    assert "0 delivered, 1 collected" in page.text
    assert "1 question waits for your answer" in words(page)
    assert "<script>canary" not in page.text
    (asked,) = [each for each in beside.said() if each.kind == "question"]
    done = officer.post(f"{AT}/answer", {"to": asked.message_id.hex(), "text": "All of them.\nWe asked."})
    assert "waits for your answer" not in words(done)
    assert ">answered<" in done.text
    assert any(each.text == "All of them.\nWe asked." for each in desk.case(case.case_id).said)

    number = desk.accept(case.case_id, CLERK).number
    assert number is not None
    officer.post(AT)
    for path in ("/console/filing", "/console/filing/history", AT):
        assert number in officer.get(path).text, path


def test_what_was_returned_is_sent_again_as_an_amendment(beside: Beside) -> None:
    officer, desk = beside.officer, beside.authority.desk
    officer.get("/console/filing")
    officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first"})
    (case,) = desk.cases()
    desk.give_back(case.case_id, CLERK, "Form 1 names no officer.")
    assert "Form 1 names no officer." in officer.post(AT).text
    assert "The authority returned what was filed" in officer.get("/console/filing").text
    hidden = re.search(r'name="amends" value="([0-9a-f]{64})"', officer.get(AT).text)
    assert hidden is not None
    assert hidden[1] == case.message_id
    again = officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first", "amends": hidden[1]})
    assert "the authority has signed that it came" in again.text
    assert 'name="amends"' not in again.text
    newest = message_of(next(each.note for each in beside.said() if each.kind == "filing"))
    assert newest.says().amends == case.message_id


def test_only_what_is_due_is_filed_and_only_once(beside: Beside) -> None:
    officer = beside.officer
    officer.get("/console/filing")
    for pack, act in ((DRAFT, "change"), (DRAFT, "deregistration"), ("cn-2025", "first"), ("nowhere", "first")):
        answer = officer.post(f"{AT}/file", {"pack": pack, "act": act})
        assert (answer.status_code, "This is not due" in answer.text) == (409, True), (pack, act)
    assert officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first"}).status_code == 200
    assert officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first"}).status_code == 409
    assert len(beside.authority.desk.cases()) == 1


def test_an_authority_that_does_not_answer_is_a_line_that_waits(
    front: Front, settings: Settings, postgres: str, tmp_path: Path
) -> None:
    grown(front.hotel, 10_004)
    officer = front.officer()
    with authority_beside(front.hotel, postgres, tmp_path / "authority") as authority:
        pair(front.hotel, settings, authority)
    officer.get("/console/filing")
    for path, form in ((f"{AT}/file", {"pack": DRAFT, "act": "first"}), (f"{AT}/statement", {}), (AT, {})):
        answer = officer.post(path, form)
        assert answer.status_code == 200
        assert "is tried again by itself" in answer.text
    assert words(officer.get(AT)).count("waits to be sent") == 2
    assert "It is prepared and signed, and waits to be sent." in officer.get("/console/filing").text
    twice = officer.post(f"{AT}/file", {"pack": DRAFT, "act": "first"})
    assert (twice.status_code, "prepared already" in twice.text) == (409, True)


def test_pairing_in_the_console(front: Front, postgres: str, tmp_path: Path) -> None:
    officer = front.officer()
    with authority_beside(front.hotel, postgres, tmp_path / "authority") as authority:
        code = authority.desk.code(CLERK).code
        officer.get(AT)
        wrong = [
            ({"url": authority.url, "code": "nonsense"}, "This is no pairing code"),
            (
                {"url": authority.url, "code": code[:-1] + ("0" if code[-1] != "0" else "1")},
                "not the one that the code",
            ),
            ({"url": f"{authority.url}/elsewhere", "code": code}, "The authority"),
            ({"url": "http://127.0.0.1:1", "code": code}, "cannot be reached"),
            ({"url": "http://127.0.0.2:1", "code": code}, ""),
        ]
        for form, says in wrong:
            answer = officer.post(f"{AT}/pair", form)
            assert (answer.status_code, says in answer.text) == (400, True), form
            assert f'value="{form["url"]}"' in answer.text
            assert code not in answer.text, "a code is a secret until it is used"
        assert not front.hotel.house.alarm.is_set(), "a wrong address is nobody's tampering here"
        assert "Paired with" not in officer.get(AT).text
        done = officer.post(f"{AT}/pair", {"url": authority.url, "code": code})
        assert (done.status_code, "Paired with authority.example." in done.text) == (200, True)
        assert authority.desk.parties()[0].party_id in done.text
    for form in ({"url": "ftp://x", "code": "x"}, {"url": "https://a b", "code": "x"}, {"url": "https://x"}):
        assert officer.post(f"{AT}/pair", form).status_code == 400


def test_statement_and_sketch_go_out_from_the_console(beside: Beside) -> None:
    officer, desk, hotel = beside.officer, beside.authority.desk, beside.front.hotel
    known(hotel, 30)
    officer.get(AT)
    assert "the authority has signed that it came" in officer.post(f"{AT}/statement").text
    missing = officer.post(f"{AT}/share", {"group": "Harbour"})
    assert (missing.status_code, "no key for this group" in missing.text) == (409, True)
    desk.assign(beside.party, "Harbour")
    desk.issue_group_key("Harbour", CLERK)
    assert "Share the sketch for the group Harbour" in words(officer.post(AT))
    assert "the authority has signed that it came" in officer.post(f"{AT}/share", {"group": "Harbour"}).text
    with hotel.house.database.reading() as tx:
        held = exchanges.find_group_key(tx, OPERATOR, "Harbour")
    assert held is not None
    assert held[1].hex() not in officer.get(AT).text


@pytest.mark.parametrize("fields", [{}, {"to": "0" * 64}, {"to": "x", "text": "y"}, {"to": "0" * 64, "text": "a\x00b"}])
def test_an_answer_that_is_none_is_not_sent(beside: Beside, fields: dict[str, str]) -> None:
    beside.officer.get(AT)
    assert beside.officer.post(f"{AT}/answer", fields).status_code == 400
    assert beside.said() == []


def test_an_answer_to_nothing_is_not_sent(beside: Beside) -> None:
    beside.officer.get(AT)
    answer = beside.officer.post(f"{AT}/answer", {"to": "0" * 64, "text": "Yes."})
    assert (answer.status_code, "asked nothing of this id" in answer.text) == (409, True)
    assert beside.said() == []


# --- what has changed, and the history -------------------------------------------------------------------------------


def test_what_has_changed_since_the_filing_is_named(front: Front) -> None:
    hotel = front.hotel
    grown(hotel, 10_004)
    with hotel.house.database.transaction() as tx:
        row = filings.Act(
            act_id=hotel.serve(), pack=DRAFT, kind=FilingKind.FIRST, filed_at=START, filed_on=START.date(),
            number="CAC-7", persons=10_004, snapshot=taken(tx, OPERATOR), message_id=b"x" * 32, returned_at=None,
        )  # fmt: skip
        filings.add_act(tx, OPERATOR, row)
        filings.add_change(tx, OPERATOR, DRAFT, FilingKind.CHANGE, hotel.clock(), ["retention", "purposes"])
    officer = front.officer()
    page = words(officer.get("/console/filing"))
    assert "what has changed since the filing: Days kept, Purpose" in page
    history = words(officer.get("/console/filing/history"))
    assert "First filing" in history
    assert "CAC-7" in history
    assert "Filing of a substantive change: Days kept, Purpose" in history
    assert "open" in history


def test_the_history_shows_lines_warnings_and_reminders(front: Front) -> None:
    grown(front.hotel, 9_412)
    history = words(front.officer().get("/console/filing/history"))
    assert [f"{share} %" in history for share in (50, 80, 90, 95)] == [True, True, True, False]
    assert "Nothing was filed yet." in history
    grown(front.hotel, 10_004)
    assert "so many persons are stored" in words(front.officer().get("/console/filing/history"))


def test_every_page_says_it_in_chinese_too(front: Front) -> None:
    grown(front.hotel, 9_412)
    officer = front.officer()
    for path, says in (
        ("", "仅为预测"), ("/authority", "配对码"), ("/documents", "登记缺项"), ("/history", "备案历史"),
        (f"/assessment/{PURPOSE}", "影响评估"),
    ):  # fmt: skip
        page = officer.get(f"/console/filing{path}?lang=zh")
        assert (page.status_code, says in page.text) == (200, True), path
