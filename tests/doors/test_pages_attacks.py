"""Attacks on the pages: markup in names, hosts and addresses that lie, and hidden fields of somebody else."""

import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from uuid import uuid4

import pytest

from countenance.facts import SessionFacts
from countenance.operations.parts import Caller, Refused
from countenance.operations.staff import add_staff
from countenance.operations.verify import Claim, verify
from countenance.pages import pages
from countenance.pages.door import Session
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.vocabulary import RequestKind, Role
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OPERATOR, PURPOSE, Hotel
from tests.doors.fronts import Front, Visitor, carried
from tests.operations.asking import asked
from tests.operations.governed import bodies

MARKUP = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}${7*7}</script>"


class Elements(HTMLParser):
    """What a browser would make of a page: every element with its attributes."""

    def __init__(self, text: str) -> None:
        """Read a page."""
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember an element."""
        self.found.append((tag, dict(attrs)))


def inert(text: str) -> None:
    """Assert that nothing in a page runs but its own files, whatever somebody typed."""
    elements = Elements(text).found
    assert len(elements) > 10
    for tag, attributes in elements:
        assert not [name for name in attributes if name.startswith("on") or name in {"style", "srcdoc"}]
        assert tag not in {"style", "base", "iframe", "object", "embed"}
        assert tag != "script" or attributes.get("src") or attributes.get("type") == "application/json"
        for name in ("src", "href", "action", "formaction"):
            target = attributes.get(name) or "/"
            assert re.match(r"/|#|data:image/svg\+xml;base64,|http://127\.0\.0\.1:8000/", target), (tag, target)


# --- markup ----------------------------------------------------------------------------------------------------------


def test_markup_in_a_name_a_label_or_a_word_is_shown_as_text(front: Front) -> None:
    hotel = front.hotel
    hotel.consent(MARKUP)
    with hotel.house.database.transaction() as tx:
        add_staff(tx, OPERATOR, "console", "marked", MARKUP, hotel.clock())
    front.credential(Role.OFFICER, label=MARKUP)
    asked(hotel, MARKUP, kind=RequestKind.COMPLAIN, text=MARKUP)
    visitor = front.officer()

    staff = visitor.get("/console/staff").text
    person = visitor.post("/console/consents/person", {"subject": MARKUP}).text
    requests = visitor.get("/console/requests").text
    one = re.search(r"/console/requests/([0-9a-f-]{36})", requests)
    assert one is not None
    request = visitor.get(one[0]).text
    mine = front.subject(MARKUP).get("/me/mine").text
    for page in (staff, person, requests, request, mine):
        inert(page)
    for page in (staff, person, requests, request):
        assert "&lt;script&gt;alert(1)" in page


def test_markup_in_the_site_file_is_shown_as_text(front: Front) -> None:
    hotel = front.hotel
    quoted = MARKUP.replace("'", "''")
    site = HOTEL.read_text(encoding="utf-8")
    for plain in (
        "Harbour Hotel (demonstration)", "Check-in without waiting at the desk", "The kiosk beside the desk",
        "To check you in, and nothing else.", "Key card at the desk",
    ):  # fmt: skip
        assert plain in site
        site = site.replace(f"en: {plain}", f"en: '{quoted}'").replace(f": {plain}\n", f": '{quoted}'\n")
    with hotel.house.database.transaction() as tx:
        apply(tx, read_site(site.encode()), hotel.clock())
    kiosk, officer = front.kiosk(), front.officer()
    seen = [
        front.visitor().get("/").text, front.visitor().get("/console/sign-in").text, kiosk.get(f"/kiosk/{KIOSK}").text,
        *(officer.get(f"/console/{page}").text for page in ("purposes", "devices", "consents", "refusals", "parity")),
        officer.get("/console").text, officer.get("/console/staff").text,
    ]  # fmt: skip
    for page in seen:
        inert(page)
    assert sum("&lt;script&gt;alert(1)" in page for page in seen) >= 6


def test_markup_in_a_booking_number_is_carried_as_text(front: Front) -> None:
    kiosk = front.kiosk()
    first = kiosk.post(f"/kiosk/{KIOSK}/start", {"purpose": PURPOSE})
    page = kiosk.post(f"/kiosk/{KIOSK}/ask", carried(first) | {"subject": MARKUP})
    assert page.status_code == 200
    inert(page.text)
    assert html.unescape(carried(page)["subject"]) == MARKUP


def test_no_page_has_a_script_or_a_style_of_its_own(front: Front) -> None:
    """The policy forbids them; a template that needs one would be broken for everybody."""
    front.hotel.consent("guest")
    officer, kiosk = front.officer(), front.kiosk()
    seen = [
        officer.get(each.path).text
        for each in pages()
        if each.method == "GET" and each.who is Session.STAFF and "{" not in each.path
    ]
    seen += [kiosk.get(f"/kiosk/{KIOSK}").text, front.visitor().get("/").text, front.subject().get("/me/mine").text]
    first = kiosk.post(f"/kiosk/{KIOSK}/start", {"purpose": PURPOSE})
    camera = kiosk.post(f"/kiosk/{KIOSK}/ask", carried(first) | {"subject": "guest"}).text
    (words,) = [told["data-words"] for _, told in Elements(camera).found if "data-words" in told]
    assert len(json.loads(words or "")) > 5, "the words of the camera are data"
    assert len(seen) > 10
    for page in (*seen, camera):
        inert(page)


# --- addresses that lie ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example/x?", "[", "a@b", "evil.example:99999999", "", "\xff"])
def test_a_host_that_lies_is_in_no_page_and_breaks_none(front: Front, host: str) -> None:
    visitor = front.officer()
    for path in ("/", "/console/sign-in", "/console", "/console/staff", "/console/nothing-there"):
        answer = visitor.client.get(path, headers=[(b"Host", host.encode("latin-1"))])
        assert answer.status_code in {200, 400, 404}, answer.text
        assert "evil.example" not in answer.text + str(answer.headers)
        assert answer.status_code != 200 or f'href="{path}?lang=zh"' in answer.text
    answer = front.visitor().client.get("/console", headers=[(b"Host", host.encode("latin-1"))])
    assert answer.status_code in {303, 400}
    assert answer.headers.get("location", "/console/sign-in") == "/console/sign-in"


def test_links_that_are_given_out_begin_with_the_public_address_and_no_other(front: Front) -> None:
    front.hotel.consent("guest")
    visitor = front.officer()
    visitor.client.headers["Host"] = "evil.example"
    visitor.client.headers["X-Forwarded-Host"] = "evil.example"
    found = [
        visitor.post("/console/staff/add", {"staff": "new", "name": "x"}).text,
        visitor.post("/console/staff/pair", {"device": KIOSK}).text,
        visitor.post("/console/consents/link", {"subject": "guest"}).text,
    ]
    for page, begins in zip(found, ("/console/welcome#ci_", f"/kiosk/{KIOSK}/pair#cn_", "/me#cl_"), strict=True):
        assert f"http://127.0.0.1:8000{begins}" in page
        assert "evil.example" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/kiosk/evil.example", "/kiosk/%2F%2Fevil.example", "/kiosk/%5C%5Cevil.example", "/kiosk/..%2f..%2fevil",
        "//evil.example/console", "/kiosk//evil.example", "/console//evil.example", "/kiosk/x%0d%0aSet-Cookie:%20a=b",
        "/kiosk/x%3Flang=zh%23", "/kiosk/javascript:alert(1)",
    ],
)  # fmt: skip
def test_nobody_is_sent_on_to_another_site(front: Front, path: str) -> None:
    answer = front.visitor().client.get(path)
    location = answer.headers.get("location", "/kiosk/")
    assert answer.status_code in {303, 404}
    assert re.match(r"/(kiosk|console)/[^/\\]", location + "x")
    assert "\r" not in location
    assert "\n" not in location
    assert "set-cookie" not in answer.headers


def test_a_device_of_a_strange_name_is_shown_as_text(front: Front) -> None:
    page = front.visitor().get("/kiosk/%22%3E%3Cscript%3Ealert(1)/pair").text
    inert(page)
    assert "&lt;script&gt;alert(1)" in page


# --- hidden fields ---------------------------------------------------------------------------------------------------


def begun(kiosk: Visitor, ref: str) -> dict[str, str]:
    """Return the hidden fields with which a guest nobody knows is asked the first question."""
    first = kiosk.post(f"/kiosk/{KIOSK}/start", {"purpose": PURPOSE})
    page = kiosk.post(f"/kiosk/{KIOSK}/ask", carried(first) | {"subject": ref, "age": "adult"})
    found = carried(page)
    assert "served" in found, page.text
    return found


def decided(hotel: Hotel) -> list[str]:
    return [body["outcome"] for body in bodies(hotel) if body["kind"] == "consent"]


def test_a_guest_cannot_answer_a_notice_that_somebody_else_answered(front: Front) -> None:
    kiosk = front.kiosk()
    one = begun(kiosk, "one") | {"question": "1", "answer": "yes"}
    assert kiosk.post(f"/kiosk/{KIOSK}/answer", one).status_code == 200
    answer = kiosk.post(f"/kiosk/{KIOSK}/answer", one | {"subject": "other"})
    assert carried(answer)["served"] != one["served"], "the other is asked by a notice of their own"
    assert decided(front.hotel) == ["given"]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"served": str(uuid4())}, 200), ({"served": "x"}, 400), ({"purpose": "none"}, 404),
        ({"pressed": "99999"}, 400), ({"pressed": "-1"}, 400), ({"question": "2"}, 400), ({"question": "-1"}, 400),
        ({"answer": "maybe"}, 400),
        ({"scopes": "keep_original"}, 400), ({"form": "written"}, 400), ({"operator": "another"}, 400),
        ({"age": "old"}, 400), ({"age": "under_14"}, 400), ({"begun": "now"}, 400),
        ({"begun": "2026-01-01T00:00:00"}, 400),
        ({"subject": "\u202eguest"}, 400), ({"subject": "x" * 129}, 400),
    ],
)  # fmt: skip
def test_a_hidden_field_takes_what_its_page_could_have_said(front: Front, changes: dict[str, str], status: int) -> None:
    kiosk = front.kiosk()
    told = begun(kiosk, "guest") | {"question": "1", "answer": "yes"}
    answer = kiosk.post(f"/kiosk/{KIOSK}/answer", told | changes)
    assert answer.status_code == status
    assert decided(front.hotel) == []


@pytest.mark.parametrize("instant", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-01T00:00Z"])
def test_an_instant_that_lies_keeps_nobody_from_the_other_way(front: Front, instant: str) -> None:
    kiosk = front.kiosk()
    kiosk.post(f"/kiosk/{KIOSK}/start", {"purpose": PURPOSE})
    answer = kiosk.post(f"/kiosk/{KIOSK}/other", {"purpose": PURPOSE, "begun": instant})
    assert answer.status_code == 200


def test_a_receipt_is_made_once_and_soon_for_a_use_of_this_kiosk_alone(front: Front) -> None:
    hotel = front.hotel
    hotel.consent("guest")
    kiosk = front.kiosk()
    own = replace(DEVICE, credential_id=kiosk.cookie("countenance-kiosk").split("_")[1])
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SessionFacts())

    def used(caller: Caller) -> str:
        done = verify(hotel.house, caller, claim, pictures.nobody())
        assert isinstance(done, Refused)
        return str(done.recorded.record_id)

    mine, late = used(own), used(own)
    consented = next(body["id"] for body in bodies(hotel) if body["kind"] == "consent")

    def take(record: str) -> int:
        return kiosk.post(f"/kiosk/{KIOSK}/receipt", {"record": record}).status_code

    told = [take(each) for each in (consented, used(DEVICE), str(uuid4()), "x", mine, mine)]
    assert told == [404, 404, 404, 400, 200, 409]
    hotel.clock.forward(minutes=11)
    assert take(late) == 404, "too late to be the same guest"


def test_a_subject_withdraws_and_asks_for_themselves_alone(front: Front) -> None:
    front.hotel.consent("guest")
    front.hotel.consent("other")
    visitor = front.subject()
    for path, fields in (
        ("/me/withdraw", {"purpose": PURPOSE, "subject": "other"}), ("/me/wish", {"kind": "erase", "subject": "other"}),
    ):  # fmt: skip
        assert visitor.post(path, fields).status_code == 400
    assert decided(front.hotel) == ["given", "given"]
