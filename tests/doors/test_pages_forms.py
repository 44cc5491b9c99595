"""A form is taken from its own page: with the mark of its session, and from no other site, whatever stands between."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from countenance.operations.receipts import PREFIX as RECEIPT
from countenance.pages import pages
from countenance.pages.door import Page, Session
from countenance.pages.marks import mark_of
from countenance.vocabulary import Role
from tests.database import KIOSK, OPERATOR, Hotel
from tests.doors.fronts import FORM, Front
from tests.operations.governed import bodies
from tests.operations.signing import member

STAFF = "countenance-staff"


def entrances() -> list[Page]:
    """Return the pages that need a session."""
    return [page for page in pages() if isinstance(page.who, Session)]


def address(page: Page) -> str:
    """Return an address that a page answers at."""
    return re.sub(r"{[a-z_]+}", "00000000-0000-0000-0000-000000000000", page.path.replace("{device}", KIOSK))


# --- a form of its own page ------------------------------------------------------------------------------------------


def added(hotel: Hotel) -> int:
    return sum(body["kind"] == "staff" for body in bodies(hotel))


@pytest.mark.parametrize("csrf", ["", "0" * 32, "é" * 32, "\U0001f4a5", "other", "upper", "longer"])
def test_a_form_without_the_mark_of_its_page_does_nothing(front: Front, csrf: str) -> None:
    visitor, other = front.officer(), front.officer()
    before = added(front.hotel)
    visitor.csrf = {
        "other": other.csrf, "upper": visitor.csrf.upper() + "X", "longer": visitor.csrf + "0",
    }.get(csrf, csrf)  # fmt: skip
    answer = visitor.post("/console/staff/add", {"staff": "new", "name": "x"})
    assert answer.status_code == 403
    assert added(front.hotel) == before


def test_the_mark_may_come_in_a_header_and_is_of_this_session(front: Front) -> None:
    visitor = front.officer()
    before = added(front.hotel)
    csrf, visitor.csrf = visitor.csrf, ""
    assert csrf == mark_of(visitor.cookie(STAFF))
    answer = visitor.post("/console/staff/add", {"staff": "new", "name": "x"}, headers={"X-Csrf": csrf})
    assert answer.status_code == 200
    assert added(front.hotel) == before + 1
    wrong = visitor.client.post(
        "/console/sign-out", content=b"", headers=[(b"X-Csrf", b"\xe9"), (b"Content-Type", FORM.encode())]
    )
    assert wrong.status_code == 403


def test_the_mark_tells_nothing_of_the_credential_it_is_made_from() -> None:
    one, other = mark_of("cn_aaaaaaaaaaaa_" + "A" * 43), mark_of("cn_aaaaaaaaaaaa_" + "A" * 42 + "B")
    assert re.fullmatch(r"[0-9a-f]{32}", one)
    assert sum(a == b for a, b in zip(one, other, strict=True)) < 16


OPEN_FORMS = ["/console/sign-in", "/console/welcome", f"/kiosk/{KIOSK}/pair", "/me", "/r"]
ELSEWHERE = [
    {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}, {"Origin": "http://["},
    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://127.0.0.1:8000.evil.example"}, {"Origin": "http://127.0.0.1"},
]  # fmt: skip


@pytest.mark.parametrize("path", OPEN_FORMS)
def test_another_sites_page_begins_no_session_in_somebodys_browser(front: Front, path: str) -> None:
    front.hotel.consent("guest")
    person, other = member(front.hotel), member(front.hotel)
    signing = {"operator": OPERATOR, "staff": person.staff_id, "password": person.password, "code": person.code()}
    right, status = {
        "/console/sign-in": (signing, 303),
        "/console/welcome": ({"token": other.invited()}, 200),
        f"/kiosk/{KIOSK}/pair": ({"token": front.credential(Role.DEVICE)}, 303),
        "/me": ({"token": front.link()}, 303),
        "/r": ({"token": f"{RECEIPT}_aaaaaaaaaaaa_{'A' * 43}"}, 401),
    }[path]
    for headers in ELSEWHERE:
        answer = front.visitor(**headers).post(path, right)
        assert (headers, answer.status_code, answer.headers.get("set-cookie")) == (headers, 403, None)
    own = front.visitor(Origin=front.url, **{"Sec-Fetch-Site": "same-origin"})
    assert own.post(path, right).status_code == status


@pytest.mark.parametrize("headers", ELSEWHERE)
def test_a_form_from_elsewhere_does_nothing_even_with_the_mark(front: Front, headers: dict[str, str]) -> None:
    visitor = front.officer()
    before = added(front.hotel)
    answer = visitor.post("/console/staff/add", {"staff": "new", "name": "x"}, headers=headers)
    assert answer.status_code == 403
    assert added(front.hotel) == before


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_a_browser_that_says_it_is_the_same_site_is_heard(front: Front, site: str) -> None:
    visitor = front.officer()
    headers = {"Sec-Fetch-Site": site, "Origin": front.url}
    assert visitor.post("/console/staff/add", {"staff": "new", "name": "x"}, headers=headers).status_code == 200


def test_behind_a_proxy_the_public_address_is_the_own_site(make_front: Callable[..., Front]) -> None:
    front = make_front(public_url="https://Faces.Hotel.example/", tls_elsewhere=True)
    person = member(front.hotel)
    for origin, status in (
        ("https://faces.hotel.example", 303), ("http://faces.hotel.example", 403), ("https://hotel.example", 403),
        ("https://faces.hotel.example.evil.example", 403), ("https://faces.hotel.example:8443", 403),
    ):  # fmt: skip
        visitor = front.visitor(Origin=origin, Host="upstream.internal")
        assert (origin, front.sign_in(person, visitor).status_code) == (origin, status)
        front.hotel.clock.forward(seconds=30)


def test_where_https_is_served_a_page_in_the_clear_of_the_same_name_is_another_site(
    make_front: Callable[..., Front],
) -> None:
    front = make_front(tls_elsewhere=True)
    person, host = member(front.hotel), urlsplit(front.url).netloc
    assert front.sign_in(person, front.visitor(Origin=f"http://{host}")).status_code == 403
    assert front.sign_in(person, front.visitor(Origin=f"https://{host}")).status_code == 303


def test_nothing_is_done_by_fetching_a_page(front: Front) -> None:
    visitor = front.officer()
    before = len(bodies(front.hotel))
    fetched = [page for page in entrances() if page.method == "GET" and page.who is Session.STAFF]
    for page in fetched:
        assert visitor.get(address(page)).status_code in {200, 404}
    assert len(fetched) >= 8
    assert len(bodies(front.hotel)) == before
    for page in entrances():
        if page.method == "POST" and page.path not in {each.path for each in fetched}:
            assert visitor.get(address(page)).status_code in {303, 405}
    assert len(bodies(front.hotel)) == before
