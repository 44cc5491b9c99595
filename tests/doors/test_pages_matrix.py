"""Every form of every page, sent by everybody who may not: not let in, and not a row of the database is another."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from countenance import access
from countenance.filing.documents.answers import read_answer
from countenance.filing.documents.questions import QUESTIONS
from countenance.operations.assess import Asking, answer
from countenance.operations.correspond import exchange
from countenance.operations.requests import open_request
from countenance.operations.verify import Claim, verify
from countenance.pages import pages
from countenance.pages.door import Page, Session
from countenance.pages.marks import mark_of
from countenance.settings import Settings
from countenance.store import credentials, exchanges, filings
from countenance.subjects.requests import NewRequest
from countenance.vocabulary import FilingCause, RequestKind, Role
from tests.database import KIOSK, OFFICER, OPERATOR, PURPOSE, ROOM_CAMERA, SESSION, Hotel
from tests.doors.authority_front import CLERK
from tests.doors.fronts import Front
from tests.doors.paired import authority_beside, correspondence, pair
from tests.faces import grace_hopper_jpeg
from tests.operations.asking import everything, subject
from tests.operations.governed import authorised, colleague
from tests.operations.receipt import said_yes, token_of

GOING = {"purpose": PURPOSE, "begun": "2026-11-20T10:00:00Z", "pressed": "1"}
GUEST = GOING | {"subject": "guest", "age": "adult"}
DESK = {
    "subject": "walk-in", "purpose": PURPOSE, "age": "adult", "scopes": "enrol", "way": "here", "language": "en",
}  # fmt: skip
#: What each form sends when it is sent well; it does something, so that nothing done is something refused.
FORMS = {
    "/kiosk/{device}/start": {"purpose": PURPOSE},
    "/kiosk/{device}/ask": GOING | {"subject": "nobody", "age": "adult"},
    "/kiosk/{device}/answer": GUEST | {"subject": "nobody", "question": "0", "answer": "no"},
    "/kiosk/{device}/camera": GUEST,
    "/kiosk/{device}/challenge": {"purpose": PURPOSE, "act": "verify"},
    "/kiosk/{device}/look": GUEST | {"act": "verify"},
    "/kiosk/{device}/other": GOING,
    "/kiosk/{device}/receipt": {},
    "/r/leave": {},
    "/r/withdraw": {},
    "/me/wish": {"kind": "access"},
    "/me/withdraw": {"purpose": PURPOSE},
    "/me/leave": {},
    "/console/purposes/{code}": {"act": "deactivate"},
    "/console/devices/{name}": {"act": "unregister"},
    "/console/consents/person": {"subject": "guest"},
    "/console/consents/link": {"subject": "guest"},
    "/console/consents/withdraw": {"subject": "neighbour", "purpose": PURPOSE},
    "/console/desk/ask": DESK,
    "/console/desk/decide": {},
    "/console/authorisations": {},
    "/console/requests/{request_id}": {"outcome": "granted"},
    "/console/authorisations/{authorisation_id}": {"act": "revoke"},
    "/console/filing/assessment/{code}": {"question": "effect", "text": "None that lasts."},
    "/console/filing/assessment/{code}/sign": {},
    "/console/filing/authority": {},
    "/console/filing/authority/answer": {"text": "Because guests come."},
    "/console/filing/authority/file": {"pack": "cn-2023-draft", "act": "first"},
    "/console/filing/authority/pair": {},
    "/console/filing/authority/share": {"group": "Harbour"},
    "/console/filing/authority/statement": {},
    "/console/filing/count": {},
    "/console/staff/add": {"staff": "somebody", "name": "Somebody"},
    "/console/staff/invite": {},
    "/console/staff/retire": {},
    "/console/staff/pair": {"device": KIOSK},
    "/console/staff/revoke": {},
    "/console/sign-out": {},
}
#: Forms that look and do nothing.
QUIET = {"/kiosk/{device}/start", "/kiosk/{device}/camera", "/r/leave", "/console/filing/count"}
#: Sent last: after each of these its session opens nothing any more.
ENDS = ("/r/withdraw", "/r/leave", "/me/withdraw", "/me/leave", "/console/sign-out")


@dataclass
class Scene:
    """A front with somebody of each kind in session, and the things that forms name."""

    front: Front
    tokens: dict[Session, str]
    ids: dict[str, str]
    forms: dict[str, dict[str, str]]

    def path(self, page: Page) -> str:
        """Return the address of a page."""
        path = page.path
        for name, value in self.ids.items():
            path = path.replace("{" + name + "}", value)
        assert "{" not in path
        return path

    def send(self, page: Page, token: str | None, csrf: str | None = None, **headers: str) -> httpx.Response:
        """Send a page's form, or fetch the page, with a cookie and a mark; without one with what the cookie makes."""
        assert isinstance(page.who, Session)
        if token is not None:
            headers["Cookie"] = f"{page.who.cookie}={token}"
        url = f"{self.front.url}{self.path(page)}"
        if page.method == "GET":
            return httpx.get(url, headers=headers, trust_env=False)
        mark = mark_of(token or "") if csrf is None else csrf
        fields = self.forms[page.path]
        if page.picture:
            files = {"frames": ("frame.jpg", grace_hopper_jpeg())}
            headers["X-Csrf"] = mark
            return httpx.post(url, data=fields, files=files, headers=headers, timeout=60, trust_env=False)
        return httpx.post(url, data=fields | {"csrf": mark}, headers=headers, timeout=60, trust_env=False)


def issued(hotel: Hotel, role: Role, **more: Any) -> access.Issued:
    """Make a credential of a role, with whom or what such a one belongs to."""
    house = hotel.house
    own: dict[str, Any] = {"label": "x", "at": house.clock()}
    if role is Role.DEVICE:
        own["device_id"] = KIOSK
    if role is Role.SUBJECT:
        own["subject_id"] = subject(hotel).subject_id
    if role is Role.OFFICER:
        own["staff_id"] = colleague(hotel)
    with house.database.transaction() as tx:
        return access.issue(tx, OPERATOR, role, **(own | more))


@pytest.fixture
def filing(make_front: Callable[..., Front], postgres: str, tmp_path: Path) -> Iterator[tuple[Front, dict[str, Any]]]:
    """Yield a front whose hotel has to file and was asked something, and what its forms about filing send."""
    keys = tmp_path / "filing-keys"
    front, settings = make_front(filing_keys_dir=keys), Settings(filing_keys_dir=keys)
    hotel = front.hotel
    with hotel.house.database.transaction() as tx:
        filings.add_duty(tx, OPERATOR, "cn-2023-draft", hotel.clock(), FilingCause.PERSONS, 10_001)
    co = correspondence(hotel, settings)
    given = {each.id: read_answer({"text": "x", "gauge": 1 if each.asks == "step" else None}) for each in QUESTIONS}
    answer(co.sources, Asking(OPERATOR, PURPOSE, "console", hotel.clock()), given)
    with authority_beside(hotel, postgres, tmp_path / "authority") as authority:
        party = pair(hotel, settings, authority)
        authority.desk.remind(party, CLERK, "What do you need them for?")
        authority.desk.assign(party, "Harbour")
        authority.desk.issue_group_key("Harbour", CLERK)
        assert exchange(co, OPERATOR) == (0, 2)
        authority.desk.remind(party, CLERK, "This has not come yet.")
        with hotel.house.database.reading() as tx:
            asked = next(each for each in exchanges.said(tx, OPERATOR) if each.kind == "reminder")
        yield (
            front,
            {
                "/console/filing/authority/answer": {"to": asked.message_id.hex(), "text": "Because guests come."},
                "/console/filing/authority/pair": {
                    "url": authority.url,
                    "code": authority.desk.code(CLERK, party).code,
                },
            },
        )


@pytest.fixture
def scene(filing: tuple[Front, dict[str, Any]]) -> Scene:
    """Return a hotel in which there is something to be done by every form."""
    front, about_filing = filing
    hotel = front.hotel
    receipt = token_of(said_yes(hotel, "guest"))
    hotel.enrol("guest", grace_hopper_jpeg())
    hotel.consent("neighbour")
    request, _ = open_request(hotel.house, OFFICER, NewRequest(kind=RequestKind.ACCESS), "guest")
    tokens = {session: issued(hotel, session.roles[0]).token for session in Session if session.roles}
    tokens[Session.RECEIPT] = receipt
    with hotel.house.database.transaction() as tx:
        kiosk = access.authenticate(tx, tokens[Session.KIOSK], hotel.clock())
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)
    used = verify(hotel.house, kiosk, claim, grace_hopper_jpeg())
    ids = {
        "device": KIOSK, "code": PURPOSE, "name": KIOSK, "request_id": str(request.request),
        "authorisation_id": str(authorised(hotel, 0)),
    }  # fmt: skip
    with hotel.house.database.transaction() as tx:
        desk = access.authenticate(tx, tokens[Session.STAFF], hotel.clock())
    named = {
        "/console/authorisations": {
            "purpose": PURPOSE, "ground": "public_security", "requester": "x", "requested_by_subject": "no",
            "issuer": "x", "reference": "x", "devices": KIOSK,
            "ends_at": f"{hotel.clock() + timedelta(days=2):%FT%H:%M}",
        },
        "/console/desk/decide": DESK | {"enrol": "yes", "served": str(hotel.serve(desk))},
        "/kiosk/{device}/answer": FORMS["/kiosk/{device}/answer"] | {"served": str(hotel.serve(kiosk))},
        "/kiosk/{device}/receipt": {"record": str(used.recorded.record_id)},
        "/console/staff/invite": {"staff": colleague(hotel)},
        "/console/staff/retire": {"staff": colleague(hotel)},
        "/console/staff/revoke": {"credential": issued(hotel, Role.OFFICER).credential_id},
    }  # fmt: skip
    return Scene(front, tokens, ids, FORMS | named | about_filing)


def wrong(scene: Scene, session: Session) -> dict[str, str | None]:
    """Return everything that is no session of this kind, by what is wrong with it."""
    hotel, right = scene.front.hotel, scene.tokens[session]
    found: dict[str, str | None] = {
        f"of {each.name}": token for each, token in scene.tokens.items() if each is not session
    }
    found |= {
        "none": None,
        "nonsense": "x",
        "cut": right[:-1],
        "forged": right[:-1] + ("A" if right[-1] != "A" else "B"),
    }
    if session.roles:
        revoked = issued(hotel, session.roles[0])
        with hotel.house.database.transaction() as tx:
            credentials.revoke(tx, OPERATOR, revoked.credential_id, hotel.clock())
        found["revoked"] = revoked.token
        found["expired"] = issued(hotel, session.roles[0], expires_at=hotel.clock()).token
    if session is Session.KIOSK:
        found["of another device"] = issued(hotel, Role.DEVICE, device_id=ROOM_CAMERA).token
    return found


def needed() -> list[Page]:
    """Return every page that needs a session: first the guest's, before staff end the purpose; last what ends one."""
    found = [page for page in pages() if isinstance(page.who, Session)]
    ends = {path: number for number, path in enumerate(ENDS, 1)}
    return sorted(found, key=lambda page: (ends.get(page.path, 0), page.who is not Session.KIOSK))


def test_forms_are_all_the_forms() -> None:
    assert {page.path for page in needed() if page.method == "POST"} == set(FORMS)
    assert len(FORMS) == 38


def test_whoever_may_not_is_not_let_in_and_nothing_is_done(scene: Scene) -> None:
    strangers = {session: wrong(scene, session) for session in Session}
    before, asked = sorted(everything(scene.front.hotel)), 0
    for page in needed():
        assert isinstance(page.who, Session)
        for what, token in strangers[page.who].items():
            answer, asked = scene.send(page, token), asked + 1
            if page.method == "GET":
                entrance = page.who.entrance(KIOSK if "{device}" in page.path else None)
                assert (answer.status_code, answer.headers["location"]) == (303, entrance), (page.label, what)
            else:
                assert answer.status_code == 401, (page.label, what)
                assert "Nothing was done" in answer.text
    assert asked > 300
    assert sorted(everything(scene.front.hotel)) == before


def test_a_form_of_another_site_or_without_its_mark_does_nothing(scene: Scene) -> None:
    before, asked = sorted(everything(scene.front.hotel)), 0
    for page in needed():
        if page.method == "GET":
            continue
        assert isinstance(page.who, Session)
        token = scene.tokens[page.who]
        for sent in (
            scene.send(page, token, ""), scene.send(page, token, "0" * 32), scene.send(page, token, mark_of("another")),
            scene.send(page, token, Origin="https://elsewhere.example"), scene.send(page, token, Origin="null"),
            scene.send(page, token, **{"Sec-Fetch-Site": "cross-site"}),
            scene.send(page, token, **{"Sec-Fetch-Site": "same-site"}),
        ):  # fmt: skip
            asked += 1
            assert sent.status_code == 403, page.label
            assert "did not come from this page" in sent.text, page.label
    assert asked == 7 * len(FORMS)
    assert sorted(everything(scene.front.hotel)) == before


def test_each_form_does_something_when_its_own_page_sends_it(scene: Scene) -> None:
    """The other tests would hold for forms that never do anything."""
    for page in needed():
        if page.method == "GET":
            continue
        assert isinstance(page.who, Session)
        before = sorted(everything(scene.front.hotel))
        answer = scene.send(page, scene.tokens[page.who])
        assert answer.status_code in {200, 303}, (page.label, re.findall("<p>[^<]*", answer.text))
        assert (sorted(everything(scene.front.hotel)) == before) is (page.path in QUIET), page.label
