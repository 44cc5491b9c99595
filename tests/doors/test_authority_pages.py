"""An authority's pages: who may see which, forms sent by who may not or written wrongly, and how sessions end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from countenance.authority.clerks import HOURS
from countenance.pages.authority import COMPLAINTS_PER_MINUTE, authority_pages
from countenance.pages.authority.door import COOKIE, GATE, Clerks, Page
from countenance.pages.authority.door import PASSWORD as CHOOSE
from countenance.pages.door import GUESSES_PER_MINUTE
from countenance.pages.marks import mark_of
from tests.doors.authority_front import AUTHORITY, CLERK, PASSWORD, AuthorityFront, authority_front
from tests.operations.exchanging import MEASURES, Operator, device, filed, paired, persons, register_database

CANARY = '"><script>canary()</script>'
OPEN = {
    "GET /", "GET /register", "GET /complain", "POST /complain", "GET /complain/answer", "POST /complain/answer",
    "GET /desk/sign-in", "POST /desk/sign-in",
}  # fmt: skip
NEW = "five loud herons left"
#: What each form sends when it is sent well, those that end the session last; a word in braces is looked up.
FORMS: dict[str, dict[str, str]] = {
    "/desk/cases/{case}/accept": {},
    "/desk/cases/{case}/ask": {"text": "Why so many?"},
    "/desk/cases/{case}/return": {"text": "The dossier is missing."},
    "/desk/operators/{party}/remind": {"text": "It is due.", "pack": "cn-2025"},
    "/desk/operators/{party}/group": {"group": "Harbour"},
    "/desk/groups/key": {"name": "Hill"},
    "/desk/pair": {},
    "/desk/complaints/{complaint}": {"text": "They were told to stop."},
    "/desk/inspections": {"party": "{party}", "order": "2025-7"},
    "/desk/sign-out": {},
    "/desk/password": {"old": PASSWORD, "new": NEW, "again": NEW},
}
#: Each is wrong in one way; the status says in which.
LONG = "x" * 5000
BAD: list[tuple[str, dict[str, str], int]] = [
    ("/desk/cases/{case}/accept", {"number": "x" * 65}, 400),
    ("/desk/cases/{case}/accept", {"number": CANARY}, 400),
    ("/desk/cases/{case}/accept", {"other": "x"}, 400),
    ("/desk/cases/{case}/accept", {"seen": "{case}"}, 400),
    ("/desk/cases/{case}/accept", {"seen": "0" * 64}, 409),
    ("/desk/cases/{case}/ask", {"text": "x", "seen": "0" * 64}, 409),
    ("/desk/cases/{case}/return", {"text": "x", "seen": "0" * 64}, 409),
    ("/desk/cases/{case}/ask", {}, 400),
    ("/desk/cases/{case}/ask", {"text": " \n "}, 400),
    ("/desk/cases/{case}/ask", {"text": LONG}, 400),
    ("/desk/cases/{case}/return", {"text": "a\x00b"}, 400),
    ("/desk/operators/{party}/remind", {"text": ""}, 400),
    ("/desk/operators/{party}/remind", {"text": "x", "pack": "x" * 65}, 400),
    ("/desk/operators/{party}/group", {"group": "x" * 129}, 400),
    ("/desk/operators/{party}/group", {"group": "a\x07b"}, 400),
    ("/desk/operators/{party}/group", {"group": ".."}, 400),
    ("/desk/operators/{party}/group", {"group": "a/./b"}, 400),
    ("/desk/operators/{party}/remind", {"text": "x", "pack": "a\x00b"}, 400),
    ("/desk/operators/%00/remind", {"text": "x"}, 400),
    ("/desk/groups/key", {"name": "a\x00b"}, 400),
    ("/desk/pair", {"party": "a\x00b"}, 400),
    ("/desk/inspections", {"party": "a\x00b", "order": "2025-7"}, 400),
    ("/desk/operators/nobody/group", {"group": "Hill"}, 404),
    ("/desk/operators/nobody/remind", {"text": "x"}, 404),
    ("/desk/groups/key", {}, 400),
    ("/desk/groups/key", {"name": "none of this name"}, 404),
    ("/desk/pair", {"party": "nobody"}, 404),
    ("/desk/complaints/{complaint}", {"text": LONG}, 400),
    ("/desk/complaints/0", {"text": "x"}, 404),
    ("/desk/complaints/99999999999999999999", {"text": "x"}, 404),
    ("/desk/complaints/-1", {"text": "x"}, 404),
    ("/desk/cases/x/ask", {"text": "x"}, 404),
    ("/desk/cases/999999999999999/accept", {}, 404),
    ("/desk/inspections", {"party": "{party}"}, 400),
    ("/desk/inspections", {"party": "{party}", "order": "x" * 129}, 400),
    ("/desk/inspections", {"party": "nobody", "order": "2025-7"}, 404),
    ("/desk/password", {"old": PASSWORD, "new": NEW, "again": "another"}, 400),
    ("/desk/password", {"old": "wrong", "new": NEW, "again": NEW}, 403),
    ("/desk/password", {"old": PASSWORD, "new": "short", "again": "short"}, 400),
    ("/complain", {"about": "A shop"}, 400),
    ("/complain", {"about": "x" * 201, "text": "x"}, 400),
    ("/complain", {"about": "A shop", "text": "x", "party": "nobody"}, 404),
    ("/complain", {"about": "A shop", "text": LONG}, 400),
    ("/complain", {"about": "A\x00shop", "text": "x"}, 400),
    ("/complain", {"about": "A \u202eshop", "text": "x"}, 400),
    ("/complain", {"about": "A shop", "text": "x", "party": "a\x00b"}, 400),
    ("/complain", {"about": "A shop", "text": "x", "contact": "a\x00b"}, 400),
    ("/complain/answer", {"number": CANARY}, 404),
    ("/complain/answer", {"number": "x" * 201}, 400),
    ("/desk/sign-in", {"name": CLERK}, 400),
    ("/desk/sign-in", {"name": CLERK, "password": "wrong"}, 401),
    ("/desk/sign-in", {"name": CANARY, "password": PASSWORD}, 401),
    ("/desk/sign-in", {"name": "a\x00b", "password": PASSWORD}, 400),
]


@dataclass
class Scene:
    """An authority where there is something to be done by every form, and a clerk's session."""

    front: AuthorityFront
    token: str
    ids: dict[str, str]
    cases: dict[str, str]
    seen: dict[str, str]

    def path(self, path: str) -> str:
        """Return an address; each act on a filing has a filing of its own."""
        filled = path.replace("{case}", self.cases.get(path.rpartition("/")[2], self.cases["ask"]))
        for name, value in self.ids.items():
            filled = filled.replace("{" + name + "}", value)
        return filled

    def send(self, page: Page, token: str | None, csrf: str | None = None, **headers: str) -> httpx.Response:
        """Send a page's form, or fetch the page, with a cookie and a mark; without one with what the cookie makes."""
        if token is not None:
            headers["Cookie"] = f"{COOKIE}={token}"
        url = f"{self.front.url}{self.path(page.path.replace(':path', ''))}"
        if page.method == "GET":
            return httpx.get(url, headers=headers, trust_env=False)
        return self.form(page.path, FORMS[page.path], token, csrf, **headers)

    def form(
        self, path: str, fields: dict[str, str], token: str | None, csrf: str | None = None, **headers: str
    ) -> httpx.Response:
        """Send a form."""
        sent = {name: self.path(value) for name, value in fields.items()}
        sent["csrf"] = mark_of(token or "") if csrf is None else csrf
        if path.startswith("/desk/cases/"):
            sent.setdefault("seen", self.seen.get(self.path(path).split("/")[3], "0" * 64))
        if token is not None:
            headers["Cookie"] = f"{COOKIE}={token}"
        return httpx.post(f"{self.front.url}{self.path(path)}", data=sent, headers=headers, timeout=60, trust_env=False)


@pytest.fixture
def make_authority(postgres: str, tmp_path: Path) -> Iterator[Callable[..., AuthorityFront]]:
    """Return a maker of authorities, each with settings of its own."""
    with ExitStack() as stack:
        yield lambda **settings: authority_front(
            stack.enter_context(register_database(postgres)), tmp_path, stack, **settings
        )


@pytest.fixture
def scene(make_authority: Callable[..., AuthorityFront]) -> Scene:
    """Return an authority with an operator, filings and a complaint."""
    front = make_authority()
    desk = front.desk
    hotel = Operator(clock=front.clock, group="Hill")
    other = Operator("shop.example", 2, group="Hill", clock=front.clock)
    party = paired(desk, hotel)
    paired(desk, other)
    cases = {
        "accept": filed(desk, hotel, b"a dossier", devices=(device(),)),
        "ask": filed(desk, hotel, b"another", pack=MEASURES),
        "return": filed(desk, other, b"a third", persons=persons(12_000)),
    }
    desk.complain("A shop", "It films the street.", None, party)
    ids = {
        "party": party, "name": "Hill", "complaint": str(desk.complaints()[0].complaint_id),
        "inspection": str(desk.inspect(party, CLERK, "2025-6").inspection_id),
        "sha256": desk.case(cases["ask"].case_id).said[0].attached[0].sha256,
    }  # fmt: skip
    token = desk.sign_in(CLERK, PASSWORD).token
    seen = {str(each.case_id): each.message_id for each in cases.values()}
    return Scene(front, token, ids, {act: str(each.case_id) for act, each in cases.items()}, seen)


def needed() -> list[Page]:
    """Return every page that needs a clerk, the forms in their order."""
    found = [page for page in authority_pages() if isinstance(page.who, Clerks)]
    order = {path: number for number, path in enumerate(FORMS, 1)}
    return sorted(found, key=lambda page: order.get(page.path, 0) if page.method == "POST" else 0)


def wrong(scene: Scene) -> dict[str, str | None]:
    """Return everything that is no clerk's session, by what is wrong with it."""
    desk, right = scene.front.desk, scene.token
    over = desk.sign_in(CLERK, PASSWORD).token
    desk.sign_out(over)
    complaint = desk.complain("A shop", "x", None, None)
    return {
        "none": None, "empty": "", "nonsense": "x", "cut": right[:-1], "of a complaint": complaint, "over": over,
        "forged": right[:-1] + ("A" if right[-1] != "A" else "B"),
    }  # fmt: skip


def test_what_is_open_is_said():
    pages = authority_pages()
    assert {page.label for page in pages if not isinstance(page.who, Clerks)} == OPEN
    assert {page.path for page in needed() if page.method == "POST"} == set(FORMS)
    assert len(pages) == 36


def test_whoever_may_not_is_not_let_in_and_nothing_is_done(scene: Scene):
    strangers = wrong(scene)
    before, asked = scene.front.everything(), 0
    for page in needed():
        for what, token in strangers.items():
            answer, asked = scene.send(page, token), asked + 1
            if page.method == "GET":
                assert (answer.status_code, answer.headers["location"]) == (303, GATE), (page.label, what)
            else:
                assert answer.status_code == 401, (page.label, what)
                assert "Nothing was done" in answer.text
    assert asked == 7 * 28
    assert scene.front.everything() == before


def test_a_password_of_somebody_else_opens_nothing_but_the_choice_of_another(scene: Scene):
    desk = scene.front.desk
    made = desk.add_clerk("New")
    assert made is not None
    token = desk.sign_in("New", made).token
    before = scene.front.everything()
    for page in needed():
        assert isinstance(page.who, Clerks)
        if page.who.before_choosing:
            continue
        answer = scene.send(page, token)
        if page.method == "GET":
            assert (answer.status_code, answer.headers["location"]) == (303, CHOOSE), page.label
        else:
            assert (answer.status_code, "password of your own" in answer.text) == (403, True), page.label
    assert scene.front.everything() == before
    chosen = scene.form("/desk/password", {"old": made, "new": NEW, "again": NEW}, token)
    assert (chosen.status_code, chosen.headers["location"]) == (303, GATE)
    assert scene.front.clerk("New", NEW).get("/desk/cases").status_code == 200


def test_a_form_of_another_site_or_without_its_mark_does_nothing(scene: Scene):
    before, asked = scene.front.everything(), 0
    for page in needed():
        if page.method == "GET":
            continue
        for sent in (
            scene.send(page, scene.token, ""), scene.send(page, scene.token, "0" * 32),
            scene.send(page, scene.token, mark_of("another")),
            scene.send(page, scene.token, Origin="https://elsewhere.example"),
            scene.send(page, scene.token, Origin="null"),
            scene.send(page, scene.token, **{"Sec-Fetch-Site": "cross-site"}),
            scene.send(page, scene.token, **{"Sec-Fetch-Site": "same-site"}),
        ):  # fmt: skip
            asked += 1
            assert sent.status_code == 403, page.label
            assert "did not come from this page" in sent.text, page.label
    assert asked == 7 * len(FORMS)
    for path in ("/complain", "/complain/answer", "/desk/sign-in"):
        sent = httpx.post(f"{scene.front.url}{path}", data={}, headers={"Origin": "null"}, trust_env=False)
        assert sent.status_code == 403, path
    assert scene.front.everything() == before


def test_each_form_does_something_when_its_own_page_sends_it(scene: Scene):
    """The other tests would hold for forms that never do anything."""
    for page in needed():
        if page.method == "GET":
            assert scene.send(page, scene.token).status_code == 200, page.label
            continue
        token = scene.front.desk.sign_in(CLERK, PASSWORD).token if page.path in list(FORMS)[-2:] else scene.token
        before = scene.front.everything()
        answer = scene.send(page, token)
        assert answer.status_code in {200, 303}, (page.label, answer.text)
        assert scene.front.everything() != before, page.label


def test_what_is_written_wrongly_does_nothing_and_is_not_shown(scene: Scene):
    for path, fields, status in BAD:
        before = scene.front.everything()
        answer = scene.form(path, fields, scene.token)
        assert answer.status_code == status, (path, fields, answer.text)
        assert 'role="alert"' in answer.text
        assert "canary" not in answer.text
        assert "Number of this request" in answer.text
        after = scene.front.everything()
        if path == "/desk/sign-in":  # a wrong password is counted, in the clerk's own row
            before, after = ([row for row in each if not row.startswith("clerk (")] for each in (before, after))
        assert after == before, (path, fields)


def test_every_form_is_sent_wrongly():
    assert {path.replace("nobody", "{party}").replace("/x/", "/{case}/") for path, _, _ in BAD} >= {
        *(path for path in FORMS if path != "/desk/sign-out"),
        "/complain",
        "/complain/answer",
        "/desk/sign-in",
    }


def test_what_was_decided_is_not_decided_twice(scene: Scene):
    assert scene.form("/desk/cases/{case}/accept", {}, scene.token).status_code == 303
    again = scene.form("/desk/cases/{case}/accept", {}, scene.token)
    assert (again.status_code, "in the register already" in again.text) == (409, True)


@pytest.mark.parametrize("path", ["/desk/groups/a%00b", "/desk/operators/%00", "/desk/cases/1/documents/%00"])
def test_an_address_that_names_nothing_is_refused(scene: Scene, path: str):
    assert scene.front.clerk().get(path).status_code == 400


def test_a_session_ends_by_leaving_by_time_and_by_a_new_password(scene: Scene):
    front = scene.front
    leaving, other = front.clerk(), front.clerk()
    token = leaving.cookie(COOKIE)
    gone = leaving.post("/desk/sign-out")
    assert (gone.status_code, gone.headers["location"]) == (303, GATE)
    assert gone.headers["clear-site-data"] == '"cache"'
    assert leaving.get("/desk").headers["location"] == GATE
    assert front.visitor().with_cookie(COOKIE, token, "/desk").get("/desk").status_code == 303
    assert other.get("/desk").status_code == 200
    chosen = front.clerk()
    assert chosen.post("/desk/password", {"old": PASSWORD, "new": NEW, "again": NEW}).status_code == 303
    assert other.get("/desk").headers["location"] == GATE
    later = front.clerk(CLERK, NEW)
    front.clock.forward(hours=HOURS)
    assert later.get("/desk").headers["location"] == GATE


@pytest.mark.parametrize("public_url, secure", [("http://127.0.0.1:8020", False), ("https://a.example", True)])
def test_a_cookie_goes_to_the_desk_alone(make_authority: Callable[..., AuthorityFront], public_url: str, secure: bool):
    visitor = make_authority(public_url=public_url).visitor()
    answer = visitor.post("/desk/sign-in", {"name": CLERK, "password": PASSWORD})
    parts = {each.strip().lower() for each in answer.headers["set-cookie"].split(";")[1:]}
    assert parts == {"httponly", "path=/desk", "samesite=strict"} | ({"secure"} if secure else set())


def test_passwords_and_complaints_are_paced(make_authority: Callable[..., AuthorityFront]):
    visitor = make_authority().visitor()
    for path, fields, most in (
        ("/desk/sign-in", {"name": "nobody", "password": "x"}, GUESSES_PER_MINUTE),
        ("/complain", {"about": "A shop", "text": "x"}, COMPLAINTS_PER_MINUTE),
    ):
        answers = [visitor.post(path, fields) for _ in range(most + 3)]
        assert [each.status_code == 429 for each in answers[:most]] == [False] * most
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) > 0


def test_a_document_is_kept_and_never_shown_here(scene: Scene):
    path = scene.path("/desk/cases/{case}/documents/{sha256}")
    clerk = scene.front.clerk()
    found = clerk.get(path)
    assert (found.status_code, found.content) == (200, b"another")
    assert found.headers["content-disposition"].startswith("attachment")
    assert found.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in found.headers["content-security-policy"]
    assert clerk.get(path.replace(scene.cases["ask"], scene.cases["accept"])).status_code == 404
    assert clerk.get(f"{path[:-1]}x").status_code == 404


def test_nobody_is_named_to_everybody(scene: Scene):
    scene.form("/desk/cases/{case}/accept", {}, scene.token)
    visitor = scene.front.visitor()
    for path in ("/", "/register", "/register.json", "/register.csv", "/complain"):
        text = visitor.get(path).text.lower()
        assert "wang" not in text, path
        assert "desk@hotel" not in text, path
    assert "The Hotel" in visitor.get("/register").text


def test_what_no_page_answers_is_a_page(scene: Scene):
    visitor = scene.front.visitor(**{"Accept-Language": "zh-CN"})
    for method, path, status in (("GET", "/nothing", 404), ("POST", "/register", 405), ("GET", "/desk/nothing", 404)):
        answer = visitor.client.request(method, path)
        assert answer.status_code == status
        assert AUTHORITY in answer.text
        assert 'lang="zh-Hans"' in answer.text


def test_a_damaged_log_stops_what_rests_on_it(scene: Scene):
    """An alarm that cannot be read may have been changed, so the page that counts alarms says so and counts none."""
    folder = scene.front.desk.office.witness.directory / "alarms" / "x"
    folder.mkdir(parents=True)
    (folder / "alarm.json").write_text("{}")
    answer = scene.front.visitor().with_cookie(COOKIE, scene.token, "/desk").get("/desk")
    assert (answer.status_code, "Something that is stored was changed" in answer.text) == (503, True)
