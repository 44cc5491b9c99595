"""What anybody may send to an authority: slowly, often, from an address that is made to mislead."""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from countenance.pages import authority as pages
from countenance.pages.authority import COMPLAINTS_PER_DAY, FORMS_AT_ONCE_MAX, complaints, door
from countenance.pages.taking import MINUTES_A_DAY
from tests.doors.authority_front import CLERK, AuthorityFront, authority_front
from tests.operations import exchanging
from tests.operations.exchanging import Operator, filed, paired, register_database

COMPLAINT = {"about": "A shop", "text": "It films the street."}
TYPED = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def make_front(postgres: str, tmp_path: Path) -> Iterator[Callable[[], AuthorityFront]]:
    """Return a maker of an authority."""
    with ExitStack() as stack:
        yield lambda: authority_front(stack.enter_context(register_database(postgres)), tmp_path, stack)


@pytest.fixture
def front(make_front: Callable[[], AuthorityFront]) -> AuthorityFront:
    return make_front()


def connected(front: AuthorityFront) -> socket.socket:
    url = urlsplit(front.url)
    return socket.create_connection((url.hostname or "", url.port or 0), timeout=60)


def slow(front: AuthorityFront, path: str) -> socket.socket:
    """Return the connection of somebody who has begun to send a form, and does not go on."""
    made = connected(front)
    heads = "".join(f"{name}: {value}\r\n" for name, value in (TYPED | {"Content-Length": "99"}).items())
    made.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\n{heads}\r\nabout=".encode())
    return made


def until(status: int, send: Callable[[], httpx.Response]) -> httpx.Response:
    """Return the answer once it is of a status, of some hundred tries: places are taken and left beside this."""
    answers = (send() for _ in range(500))
    return next(answer for answer in answers if answer.status_code == status)


def test_slow_strangers_stop_nobody_else(front: AuthorityFront):
    clerk, visitor = front.clerk(), front.visitor()
    with ExitStack() as stack:
        for number in range(FORMS_AT_ONCE_MAX):
            stack.enter_context(slow(front, ("/complain", "/desk/sign-in")[number % 2]))
        busy = until(429, lambda: visitor.client.post("/complain", content=b"x"))  # no form: it is not paced
        assert "Many forms are in hand" in busy.text
        assert int(busy.headers["retry-after"]) > 0
        assert visitor.get("/register").status_code == 200
        assert clerk.post("/desk/pair").status_code == 200
    until(415, lambda: visitor.client.post("/complain", content=b"x"))
    assert visitor.post("/complain", COMPLAINT).status_code == 200


def test_a_form_that_does_not_come_is_given_up(front: AuthorityFront, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(door, "FORM_SECONDS_MAX", 0.2)
    with slow(front, "/complain") as late:
        assert late.recv(12) == b"HTTP/1.1 408"


def test_an_address_makes_so_many_complaints_a_day(
    make_front: Callable[[], AuthorityFront], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pages, "COMPLAINTS_PER_MINUTE", 1000)
    front = make_front()
    visitor = front.visitor()
    assert visitor.post("/complain", {"about": "A shop"}).status_code == 400  # what is none is not counted
    answers = [visitor.post("/complain", COMPLAINT) for _ in range(COMPLAINTS_PER_DAY + 1)]
    assert [each.status_code for each in answers] == [200] * COMPLAINTS_PER_DAY + [429]
    assert "Come again tomorrow" in answers[-1].text
    assert 0 < int(answers[-1].headers["retry-after"]) <= 86_400 // COMPLAINTS_PER_DAY + MINUTES_A_DAY
    assert len(front.desk.complaints()) == COMPLAINTS_PER_DAY


def test_complaints_are_listed_a_page_at_a_time(front: AuthorityFront, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(complaints, "LISTED_MAX", 2)
    for number in range(3):
        front.desk.complain(f"Shop {number}", "x")
    clerk = front.clerk()
    first, second = (clerk.get(f"/desk/complaints{query}").text for query in ("", "?page=2"))
    assert ["Altogether: 3" in first, "?page=2" in first] == [True, True]
    assert [f"Shop {number}" in first for number in range(3)] == [False, True, True]
    assert [f"Shop {number}" in second for number in range(3)] == [True, False, False]
    assert "?page=3" not in second
    assert clerk.get("/desk/complaints?page=0").status_code == 404


def test_what_is_overdue_is_shown_before_a_working_day_has_passed(
    front: AuthorityFront, monkeypatch: pytest.MonkeyPatch
):
    """The last day is a Friday; on the Saturday after it no working day has passed."""
    monkeypatch.setattr(exchanging, "RAISED", date(2025, 6, 6))
    hotel = Operator(clock=front.clock)
    paired(front.desk, hotel)
    case = filed(front.desk, hotel)
    front.desk.give_back(case.case_id, CLERK, "Sign it.")
    assert case.deadline is not None
    assert case.deadline.day == date(2025, 7, 18)
    for day, overdue in ((18, False), (19, True)):
        front.clock.now = datetime(2025, 7, day, 3, tzinfo=UTC)
        clerk = front.clerk()
        for path in ("/desk/cases", f"/desk/cases/{case.case_id}", "/desk/deadlines"):
            shown = clerk.get(path).text
            assert ('<span class="tag bad">overdue</span>' in shown) == overdue, (path, day)
            assert "overdue by 0" not in shown


def test_the_name_of_a_document_does_not_turn_its_text(front: AuthorityFront, monkeypatch: pytest.MonkeyPatch):
    sha256 = "0" * 64
    monkeypatch.setattr(type(front.desk), "attachment", lambda *_: ("a\u202excod.exe", "text/html", b"x"))
    answer = front.clerk().get(f"/desk/cases/1/documents/{sha256}")
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''axcod.exe"


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example", "/%5Cevil.example", "//%09/evil.example"])
def test_the_other_language_is_on_the_same_site(front: AuthorityFront, path: str):
    with connected(front) as made:
        made.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        shown = b"".join(iter(lambda: made.recv(65536), b"")).decode()
    (link,) = re.findall(r'href="([^"]*)\?lang=zh"', shown)
    assert " 404 " in shown.splitlines()[0]
    assert re.fullmatch(r"/[^/\\\s].*", link)
