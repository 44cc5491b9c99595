"""Sessions of the pages: what a cookie opens, where it is sent, how it ends; and that a form came from its own page."""

import re
from collections.abc import Callable

import httpx
import pytest

from countenance import access
from countenance.errors import NotAllowedError
from countenance.operations.receipts import PREFIX as RECEIPT
from countenance.operations.staff import retire_staff
from countenance.pages import pages
from countenance.pages.door import Open, Page, Session
from countenance.store import credentials
from countenance.vocabulary import Role
from tests.database import KIOSK, OPERATOR, Hotel
from tests.doors.fronts import Front
from tests.operations.governed import authorised, bodies, colleague
from tests.operations.signing import member

STAFF = "countenance-staff"


def works(hotel: Hotel, token: str) -> bool:
    """Return whether a credential opens anything now."""
    with hotel.house.database.transaction() as tx:
        try:
            return access.authenticate(tx, token, hotel.clock()) is not None
        except NotAllowedError:
            return False


def cookie_of(answer: httpx.Response, name: str) -> tuple[str, set[str]]:
    """Return a cookie that an answer sets: its value, and its attributes in small letters."""
    (found,) = [each for each in answer.headers.get_list("set-cookie") if each.startswith(f"{name}=")]
    value, *attributes = [part.strip() for part in found.partition("=")[2].split(";")]
    return value, {each.lower() for each in attributes}


def entrances() -> list[Page]:
    """Return the pages that need a session."""
    return [page for page in pages() if isinstance(page.who, Session)]


def address(page: Page) -> str:
    """Return an address that a page answers at."""
    return re.sub(r"{[a-z_]+}", "00000000-0000-0000-0000-000000000000", page.path.replace("{device}", KIOSK))


# --- begun -----------------------------------------------------------------------------------------------------------


def test_signing_in_sets_a_cookie_that_scripts_and_other_sites_cannot_use(front: Front) -> None:
    person = member(front.hotel)
    answer = front.sign_in(person)

    token, attributes = cookie_of(answer, STAFF)
    assert answer.headers["location"] == "/console"
    assert attributes == {"httponly", "samesite=strict", "path=/console", "max-age=28800"}
    with front.hotel.house.database.transaction() as tx:
        assert access.authenticate(tx, token, front.hotel.clock()).staff_id == person.staff_id


def test_a_server_that_speaks_https_is_not_come_to_in_the_clear_again(make_front: Callable[..., Front]) -> None:
    own = make_front(tls_certificate_file="chain.pem", tls_key_file="key.pem").visitor().get("/")
    assert own.headers["strict-transport-security"] == "max-age=31536000"
    for settings in ({}, {"tls_elsewhere": True}):  # the proxy says it for itself
        assert "strict-transport-security" not in make_front(**settings).visitor().get("/").headers


@pytest.mark.parametrize("tls", [True, False])
def test_where_it_is_served_by_https_the_cookie_goes_nowhere_else(make_front: Callable[..., Front], tls: bool) -> None:
    front = make_front(tls_elsewhere=tls)
    _, attributes = cookie_of(front.sign_in(member(front.hotel)), STAFF)
    assert ("secure" in attributes) is tls


def test_each_session_is_sent_to_its_own_part_of_the_site(front: Front) -> None:
    front.hotel.consent("guest")
    officer, kiosk, subject = front.officer(), front.kiosk(), front.subject()
    paths = {each.name: each.path for visitor in (officer, kiosk, subject) for each in visitor.client.cookies.jar}
    assert paths == {STAFF: "/console", "countenance-kiosk": f"/kiosk/{KIOSK}", "countenance-subject": "/me"}


def test_a_session_that_somebody_planted_is_not_the_one_that_begins(front: Front) -> None:
    planted = front.credential(Role.OFFICER)
    visitor = front.visitor().with_cookie(STAFF, planted, "/console")
    front.sign_in(member(front.hotel), visitor)
    assert visitor.cookie(STAFF) not in {planted, ""}


def test_a_cookie_that_comes_twice_is_none(front: Front) -> None:
    """A neighbour on the same name can set one for a narrower path; which of two is whose cannot be told."""
    visitor = front.officer()
    token, other = visitor.cookie(STAFF), front.credential(Role.OFFICER)
    for both in (f"{STAFF}={token}; {STAFF}={other}", f"{STAFF}={other}; x=1; {STAFF}={token}"):
        answer = httpx.get(f"{front.url}/console", headers={"Cookie": both})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    single = httpx.get(f"{front.url}/console", headers={"Cookie": f"x=1; {STAFF}={token}; y={STAFF}"})
    assert single.status_code == 200


# --- needed ----------------------------------------------------------------------------------------------------------


def test_no_page_that_needs_a_session_answers_without_one(front: Front) -> None:
    asked = {"GET": 0, "POST": 0}
    before = len(bodies(front.hotel))
    for page in entrances():
        answer = front.visitor().client.request(page.method, address(page))
        asked[page.method] += 1
        assert isinstance(page.who, Session)
        if page.method == "GET":
            assert (page.label, answer.status_code) == (page.label, 303)
            assert answer.headers["location"] == page.who.entrance(KIOSK if "{device}" in page.path else None)
        else:
            assert (page.label, answer.status_code) == (page.label, 401)
    assert asked["GET"] >= 11
    assert asked["POST"] >= 20
    assert len(bodies(front.hotel)) == before


def test_what_is_open_says_why(front: Front) -> None:
    open_pages = [page for page in pages() if isinstance(page.who, Open)]
    assert {page.path for page in open_pages} == {
        "/", "/console/sign-in", "/console/welcome", "/kiosk/{device}/pair", "/me", "/r",
    }  # fmt: skip
    assert all(isinstance(page.who, Open) and len(page.who.why) > 20 for page in open_pages)


@pytest.mark.parametrize("role", list(Role))
def test_a_session_takes_its_own_kind_of_credential(front: Front, role: Role) -> None:
    front.hotel.consent("guest")
    token = front.credential(role, "guest" if role is Role.SUBJECT else None)
    opened = {
        session
        for session, path in (
            (Session.STAFF, "/console"), (Session.KIOSK, f"/kiosk/{KIOSK}"), (Session.SUBJECT, "/me/mine"),
            (Session.RECEIPT, "/r/mine"),
        )
        if front.visitor().with_cookie(session.cookie, token).get(path).status_code == 200
    }  # fmt: skip
    assert opened == {session for session in Session if role in session.roles}


def test_a_device_is_let_in_at_its_own_pages_alone(front: Front) -> None:
    token = front.credential(Role.DEVICE)
    visitor = front.visitor().with_cookie("countenance-kiosk", token)
    assert visitor.get(f"/kiosk/{KIOSK}").status_code == 200
    for other in ("room-camera", "kiosk-10", "nothing"):
        assert visitor.get(f"/kiosk/{other}").headers["location"] == f"/kiosk/{other}/pair"
        assert front.visitor().post(f"/kiosk/{other}/pair", {"token": token}).status_code == 401


def test_pairing_answers_alike_whatever_is_wrong(front: Front) -> None:
    front.hotel.consent("guest")
    wrong = [
        "", "x", front.credential(Role.OFFICER), front.credential(Role.SUBJECT, "guest"), "cn_aaaaaaaaaaaa_" + "A" * 43,
        f"{RECEIPT}_aaaaaaaaaaaa_" + "A" * 43,
    ]  # fmt: skip
    answers = [front.visitor().post(f"/kiosk/{KIOSK}/pair", {"token": token}) for token in wrong[1:]]
    assert {answer.status_code for answer in answers} == {401}
    assert len({without_number(answer) for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def without_number(answer: httpx.Response) -> str:
    """Return a page without the one thing that differs from request to request."""
    return answer.text.replace(answer.headers["x-request-id"], "")


@pytest.mark.parametrize("wrong", ["password", "code", "unknown", "operator", "invited", "retired"])
def test_whoever_is_not_let_in_is_told_the_same(front: Front, wrong: str) -> None:
    person = member(front.hotel)
    plain = front.sign_in(person, password="quite a wrong one")
    changes: dict[str, str] = {
        "password": {"password": "another wrong one"}, "code": {"code": person.wrong()}, "unknown": {"staff": "nobody"},
        "operator": {"operator": "another-hotel"}, "invited": {"staff": colleague(front.hotel)}, "retired": {},
    }[wrong]  # fmt: skip
    if wrong == "retired":
        front.credential(Role.OFFICER)
        with front.hotel.house.database.transaction() as tx:
            retire_staff(tx, OPERATOR, "console", person.staff_id, front.hotel.clock())

    answer = front.sign_in(person, None, **changes)

    assert (answer.status_code, "set-cookie" in answer.headers) == (401, False)
    assert without_number(answer) == without_number(plain)


# --- ended -----------------------------------------------------------------------------------------------------------


def test_signing_out_ends_the_session_for_whoever_has_the_cookie(front: Front) -> None:
    visitor = front.officer()
    token = visitor.cookie(STAFF)

    answer = visitor.post("/console/sign-out")

    assert (answer.status_code, answer.headers["location"]) == (303, "/console/sign-in")
    assert answer.headers["clear-site-data"] == '"cache"'
    _, attributes = cookie_of(answer, STAFF)
    assert {"max-age=0", "path=/console"} <= attributes
    assert not works(front.hotel, token)
    stolen = front.visitor().with_cookie(STAFF, token)
    assert stolen.get("/console").headers["location"] == "/console/sign-in"
    assert bodies(front.hotel)[0]["outcome"] == "revoked"


def test_leaving_ones_own_page_ends_what_the_link_opened(front: Front) -> None:
    front.hotel.consent("guest")
    visitor = front.subject()
    token = visitor.cookie("countenance-subject")
    assert works(front.hotel, token)

    answer = visitor.post("/me/leave")

    assert (answer.status_code, answer.headers["location"]) == (303, "/me")
    assert not works(front.hotel, token)
    newest, *_, consented = bodies(front.hotel)
    assert (newest["kind"], newest["outcome"]) == ("credential", "revoked")
    assert "subject" in newest or "subject" not in consented


def test_an_invitation_or_retirement_ends_what_somebody_is_signed_in_with(front: Front) -> None:
    one, other = member(front.hotel), member(front.hotel)
    visitor, neighbour = front.officer(one), front.officer(other)
    visitor.post("/console/staff/invite", {"staff": other.staff_id})
    assert neighbour.get("/console").status_code == 303
    assert visitor.get("/console").status_code == 200
    visitor.post("/console/staff/retire", {"staff": other.staff_id})
    answer = front.sign_in(other)
    assert answer.status_code == 401


def test_whoever_invites_themselves_sees_the_invitation_and_is_signed_out(front: Front) -> None:
    person = member(front.hotel)
    visitor = front.officer(person)
    answer = visitor.post("/console/staff/invite", {"staff": person.staff_id})
    found = re.search(r"/console/welcome#(ci_[a-z2-7]{12}_[A-Za-z0-9_-]{43})", answer.text)
    assert found is not None
    assert visitor.get("/console").status_code == 303
    assert person.works(person.accepts(found[1]))


def test_sessions_are_listed_and_one_is_revoked_from_another(front: Front) -> None:
    one, other = member(front.hotel), member(front.hotel)
    visitor, neighbour = front.officer(one), front.officer(other)
    page = visitor.get("/console/staff").text
    public = neighbour.cookie(STAFF).split("_")[1]
    assert public in page
    assert f"session of {other.staff_id}" in page
    assert neighbour.cookie(STAFF) not in page

    assert visitor.post("/console/staff/revoke", {"credential": public}).status_code == 303

    assert neighbour.get("/console").status_code == 303
    said = bodies(front.hotel)[0]
    assert (said["outcome"], said["details"]["staff"]) == ("revoked", other.staff_id)
    assert visitor.post("/console/staff/revoke", {"credential": public}).status_code == 404


def test_a_session_ends_at_its_time_although_the_browser_keeps_the_cookie(front: Front) -> None:
    visitor = front.officer()
    front.hotel.clock.forward(hours=8)
    assert visitor.get("/console").status_code == 303
    answer = visitor.post("/console/staff/add", {"staff": "new", "name": "x"})
    assert answer.status_code == 401
    assert "new" not in str(bodies(front.hotel)[0])


# --- what a session may do -------------------------------------------------------------------------------------------


def test_an_approval_needs_a_person_and_not_any_officer(front: Front) -> None:
    hotel = front.hotel
    person = member(hotel)
    hotel.clock.forward(minutes=1)
    hotel.consent("guest")
    which = authorised(hotel, approvers=0)
    path = f"/console/authorisations/{which}"
    plain = front.visitor().with_cookie(STAFF, front.credential(Role.OFFICER))
    assert plain.get("/console/authorisations").status_code == 200
    assert plain.post(path, {"act": "approve"}).status_code == 403
    assert front.officer(person).post(path, {"act": "approve"}).status_code == 303
    newest = bodies(hotel)[0]
    assert (newest["kind"], newest["details"]["staff"]) == ("authorisation", person.staff_id)


def test_the_last_credential_of_an_officer_is_not_revoked_by_itself(front: Front) -> None:
    plain = front.visitor().with_cookie(STAFF, front.credential(Role.OFFICER))
    plain.get("/console/staff")
    own = plain.cookie(STAFF).split("_")[1]
    assert plain.post("/console/staff/revoke", {"credential": own}).status_code == 409
    assert plain.get("/console").status_code == 200


def test_another_operators_credential_and_staff_are_not_to_be_found(front: Front) -> None:
    visitor = front.officer()
    with front.hotel.house.database.transaction() as tx:
        assert credentials.listed(tx, "another-hotel") == []
    for path, fields in (
        ("/console/staff/revoke", {"credential": "abcdefghijkl"}), ("/console/staff/invite", {"staff": "nobody"}),
        ("/console/staff/retire", {"staff": "nobody"}), ("/console/staff/pair", {"device": "kiosk-9"}),
    ):  # fmt: skip
        assert (path, visitor.post(path, fields).status_code) == (path, 404)
