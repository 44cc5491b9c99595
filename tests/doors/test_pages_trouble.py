"""Kiosk, links and receipts in trouble: a guest is told in words they understand, nothing is lost and nothing leaks."""

import re
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from countenance.access import SESSION
from countenance.operations.deactivate import deactivate
from countenance.operations.report import report
from countenance.pages import kiosk as kiosk_pages
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.vocabulary import AgeClass, Role
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, PURPOSE, Address, Hotel
from tests.doors.fronts import Front, Visitor, carried
from tests.faces import grace_hopper_jpeg
from tests.operations.governed import bodies
from tests.operations.receipt import said_yes, token_of

START = f"/kiosk/{KIOSK}"
#: What no guest has to know of.
TECHNICAL = re.compile(
    r"openapi|json|endpoint|\bhttps?\b|\bapi\b|/v1|\b(GET|POST)\b|token|csrf|bearer|authoriz|header|countenance_|"
    r"exception|traceback|null|undefined|\bNone\b|database|数据库|接口|令牌|请求体|`",
    re.IGNORECASE,
)
CHINESE = re.compile("[一-鿿]")


def told(answer: httpx.Response, language: str) -> str:
    """Return what a page says in its main part; fail for a word that only a technician knows, or another language."""
    main = answer.text[answer.text.index("<main") : answer.text.index("</main>")]
    said = re.sub(
        r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<code>.*?</code>|<button[^>]* lang=.*?</button>", "", main))
    ).strip()
    found = TECHNICAL.search(said)
    assert found is None, f"{found} in: {said}"
    assert bool(CHINESE.search(said)) is (language == "zh"), said
    assert f'lang="{language}' in answer.text
    return said


def guest(front: Front, language: str = "en") -> Visitor:
    """Return the kiosk as a guest of this language finds it."""
    kiosk = front.kiosk()
    kiosk.client.headers["Accept-Language"] = language
    return kiosk


def begun(kiosk: Visitor, ref: str = "guest") -> dict[str, str]:
    """Return what the guest's way carries once they have said who they are and how old."""
    first = kiosk.post(f"{START}/start", {"purpose": PURPOSE})
    page = kiosk.post(f"{START}/ask", carried(first) | {"subject": ref, "age": "adult"})
    return carried(page)


def answered(kiosk: Visitor, told: dict[str, str], answer: str, question: int = 1) -> httpx.Response:
    """Answer a question."""
    fields = {name: value for name, value in told.items() if name not in {"question", "csrf"}}
    return kiosk.post(f"{START}/answer", fields | {"question": str(question), "answer": answer})


def looked(kiosk: Visitor, told: dict[str, str], act: str = "verify", **files: Any) -> httpx.Response:
    """Send frames to the camera's form."""
    kept = {"purpose", "begun", "pressed", "subject", "age", "served"}
    fields = {name: value for name, value in told.items() if name in kept} | {"act": act}
    sent = {"frames": ("frame.jpg", grace_hopper_jpeg())} | files
    return kiosk.client.post(f"{START}/look", data=fields, files=sent, headers={"X-Csrf": kiosk.csrf})


def decided(hotel: Hotel) -> list[str]:
    """Return the decisions on record, newest first."""
    return [body["outcome"] for body in bodies(hotel) if body["kind"] == "consent"]


LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
CLOSED = {"en": "The way with a face is closed, because the way without one is not open", "zh": "因此人脸通道已关闭"}


@LANGUAGES
def test_the_other_way_closes_while_the_guest_is_under_way(front: Front, language: str) -> None:
    hotel, kiosk = front.hotel, guest(front, language)
    on_the_way = begun(kiosk)
    known = begun(kiosk, "known")
    report(hotel.house, DEVICE, "desk", working=False)

    closed = told(kiosk.get(START), language)
    assert CLOSED[language] in closed
    for sent in (
        kiosk.post(f"{START}/ask", {name: on_the_way[name] for name in ("purpose", "begun", "subject", "age")}),
        answered(kiosk, on_the_way, "yes"),
        kiosk.post(f"{START}/camera", {name: on_the_way[name] for name in ("purpose", "begun", "subject", "age")}),
    ):
        assert (sent.status_code, sent.headers["location"]) == (303, START)
    assert decided(hotel) == []
    hotel.consent("known")
    refused = looked(kiosk, known)
    assert refused.status_code == 403
    assert CLOSED[language] in told(refused, language) if "<main" in refused.text else CLOSED[language] in refused.text
    no = told(answered(kiosk, on_the_way, "no"), language)
    assert {"en": "not open at the moment", "zh": "暂未开放"}[language] in no
    assert decided(hotel) == ["refused", "given"], "a no is kept, whatever is closed"

    report(hotel.house, DEVICE, "desk", working=True)
    assert CLOSED[language] not in told(kiosk.get(START), language)
    assert kiosk.post(f"{START}/start", {"purpose": PURPOSE}).status_code == 200


@LANGUAGES
def test_the_purpose_is_ended_while_the_guest_is_under_way(front: Front, language: str) -> None:
    kiosk = guest(front, language)
    on_the_way = begun(kiosk)
    deactivate(front.hotel.house, OFFICER, PURPOSE)
    assert answered(kiosk, on_the_way, "yes").headers["location"] == START
    assert {"en": "is not open here", "zh": "未开放人脸通道"}[language] in told(kiosk.get(START), language)
    refused = looked(kiosk, on_the_way)
    assert refused.status_code == 403
    assert TECHNICAL.search(re.sub(r"<[^>]+>", "", refused.text)) is None
    assert decided(front.hotel) == []


@LANGUAGES
def test_the_notice_changes_between_showing_and_answering(front: Front, language: str) -> None:
    hotel, kiosk = front.hotel, guest(front, language)
    on_the_way = begun(kiosk)
    with hotel.house.database.transaction() as tx:
        changed = HOTEL.read_text("utf-8").replace("For 30 days, or until", "For thirty days, or until")
        apply(tx, read_site(changed.encode()), hotel.clock())
    for question in (0, 1):
        again = answered(kiosk, on_the_way, "yes", question)
        assert {"en": "has changed since", "zh": "已有变更"}[language] in told(again, language)
        assert decided(hotel) == [], "nobody agrees to what they did not read"
    fresh = carried(again)
    assert fresh["served"] != on_the_way["served"]
    assert 'id="look"' in answered(kiosk, fresh, "yes").text
    assert decided(hotel) == ["given"]


@LANGUAGES
def test_an_answer_comes_long_after_the_question(front: Front, language: str) -> None:
    hotel, kiosk = front.hotel, guest(front, language)
    early, late = begun(kiosk, "early"), begun(kiosk, "late")
    hotel.clock.forward(minutes=hotel.house.notice_served_minutes_max + 1)
    told(answered(kiosk, early, "yes"), language)
    assert decided(hotel) == []
    no = answered(kiosk, late, "no")
    assert 'name="answer"' not in no.text, "a no is never asked for again"
    assert {"en": "Key card at the desk", "zh": "前台办理房卡"}[language] in told(no, language)


@LANGUAGES
def test_a_child_and_its_guardian_are_led_to_the_staff(front: Front, language: str) -> None:
    kiosk = guest(front, language)
    first = kiosk.post(f"{START}/start", {"purpose": PURPOSE})
    page = kiosk.post(f"{START}/ask", carried(first) | {"subject": "child", "age": "under_14"})
    assert {"en": "parent or guardian decides", "zh": "父母或其他监护人"}[language] in told(page, language)
    assert decided(front.hotel) == []
    front.hotel.consent("child", age=AgeClass.UNDER_14)  # the staff, with the parent
    first = kiosk.post(f"{START}/start", {"purpose": PURPOSE})
    assert 'id="look"' in kiosk.post(f"{START}/ask", carried(first) | {"subject": "child"}).text


@LANGUAGES
def test_a_link_opens_once_and_soon(front: Front, language: str) -> None:
    front.hotel.consent("guest")
    used, ended = front.link(), front.link()
    assert front.visitor().post("/me", {"token": used}).status_code == 303
    front.hotel.clock.forward(minutes=front.hotel.house.link_minutes, seconds=1)
    for wrong in (used, ended, used[:-1], "nonsense", "https://elsewhere.example/me#x"):
        answer = front.visitor(**{"Accept-Language": language}).post("/me", {"token": wrong})
        assert answer.status_code == 401
        assert {"en": "Ask the desk for a new one", "zh": "请向前台索取新链接"}[language] in told(answer, language)


@LANGUAGES
def test_a_receipt_that_is_none(front: Front, language: str) -> None:
    receipt = token_of(said_yes(front.hotel, "guest"))
    link = front.link()
    for wrong in (
        receipt[:-1],
        receipt[:-1] + ("A" if receipt[-1] != "A" else "B"),
        "cr_" + "a" * 12 + "_" + "b" * 43,
        link,
    ):
        answer = front.visitor(**{"Accept-Language": language}).post("/r", {"token": wrong})
        assert answer.status_code == 401
        assert {"en": "This is no receipt that stands here", "zh": "这不是在此有效的回执"}[language] in told(
            answer, language
        )
        assert not answer.headers.get("set-cookie", "").startswith("countenance-receipt")
    assert front.visitor().post("/r", {"token": f"{front.url}/r#{receipt}"}).status_code == 303


@LANGUAGES
def test_a_receipt_shows_its_operators_uses_and_nobody_elses(front: Front, language: str) -> None:
    one, other = token_of(said_yes(front.hotel, "guest")), token_of(said_yes(front.hotel, "neighbour"))
    front.hotel.enrol("neighbour", grace_hopper_jpeg())
    pages = []
    for token in (one, other):
        visitor = front.visitor(**{"Accept-Language": language})
        visitor.post("/r", {"token": token})
        pages.append(visitor.get("/r/mine").text)
    uses = {"en": "enrolment: done", "zh": "录入: 已录入"}[language]
    assert (uses in pages[0], uses in pages[1]) == (False, True)
    assert all("guest" not in page and "neighbour" not in page for page in pages)


@LANGUAGES
def test_a_session_ends_while_the_page_is_open(front: Front, language: str) -> None:
    front.hotel.consent("guest")
    visitor = front.subject()
    visitor.client.headers["Accept-Language"] = language
    front.hotel.clock.forward(seconds=SESSION.total_seconds() + 1)
    answer = visitor.post("/me/withdraw", {"purpose": PURPOSE})
    assert answer.status_code == 401
    assert {"en": "The session has ended. Nothing was done", "zh": "会话已结束"}[language] in told(answer, language)
    assert 'href="/me/mine"' in answer.text
    assert decided(front.hotel) == ["given"]


@LANGUAGES
def test_a_picture_that_is_too_large(make_front: Callable[..., Front], language: str) -> None:
    front = make_front(body_bytes_max=64 * 1024)
    front.hotel.consent("guest")
    kiosk = guest(front, language)
    first = kiosk.post(f"{START}/start", {"purpose": PURPOSE})
    told_ = carried(kiosk.post(f"{START}/ask", carried(first) | {"subject": "guest"}))
    answer = looked(kiosk, told_, frames=("frame.jpg", b"\xff\xd8" + bytes(200 * 1024)))
    assert answer.status_code == 413
    assert {"en": "smaller picture", "zh": "较小的图片"}[language] in told(answer, language)
    assert f'href="{START}"' in answer.text


@LANGUAGES
def test_the_server_is_in_part_down_and_comes_back(
    front: Front, postgres: str, address: Address, language: str
) -> None:
    kiosk = guest(front, language)
    on_the_way = begun(kiosk)
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f'ALTER DATABASE "{address.name}" ALLOW_CONNECTIONS false'))
        connection.execute(
            text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name"), {"name": address.name}
        )
        try:
            sent = [
                kiosk.get(START),
                answered(kiosk, on_the_way, "yes"),
                front.visitor().get("/r"),
                looked(kiosk, on_the_way),
            ]
        finally:
            connection.execute(text(f'ALTER DATABASE "{address.name}" ALLOW_CONNECTIONS true'))
    admin.dispose()
    assert [answer.status_code for answer in sent] == [503, 503, 200, 503]
    for answer in (sent[0], sent[1], sent[3]):
        assert {"en": "nothing was done", "zh": "未执行任何操作"}[language] in told(answer, language)
    assert 'id="look"' in answered(kiosk, on_the_way, "yes").text, "the guest goes on where they were"
    assert decided(front.hotel) == ["given"]


@LANGUAGES
def test_a_page_that_is_not_there(front: Front, language: str) -> None:
    visitor = front.visitor(**{"Accept-Language": language})
    for method, path, status in (
        ("GET", "/nothing", 404), ("GET", "/me/nothing", 404), ("GET", f"{START}/answer", 405), ("POST", "/", 405),
        ("PUT", "/me", 405), ("GET", f"{START}/nothing", 404), ("GET", "/kiosk", 404), ("GET", "/pages/x.js", 404),
    ):  # fmt: skip
        answer = visitor.client.request(method, path)
        assert (answer.status_code, path) == (status, path)
        told(answer, language)
    answer = visitor.get("/v1/nothing")
    assert answer.headers["content-type"] == "application/problem+json"


@LANGUAGES
def test_a_receipt_of_a_use_is_given_once(front: Front, language: str) -> None:
    front.hotel.consent("guest")
    front.hotel.enrol("guest", grace_hopper_jpeg())
    kiosk = guest(front, language)
    first = kiosk.post(f"{START}/start", {"purpose": PURPOSE})
    camera = kiosk.post(f"{START}/ask", carried(first) | {"subject": "guest"})
    match = looked(kiosk, carried(camera))
    assert 'data-outcome="match"' in match.text
    record = carried(match)["record"]
    told(kiosk.post(f"{START}/receipt", {"record": record}), language)
    again = kiosk.post(f"{START}/receipt", {"record": record})
    assert again.status_code == 409
    told(again, language)


def test_the_first_pages_are_light(front: Front) -> None:
    for visitor, path in ((front.visitor(), "/"), (front.kiosk(), START)):
        page = visitor.get(path)
        files = re.findall(r'(?:href|src)="(/pages/[^"]+)"', page.text)
        assert len(files) >= 3
        weight = len(page.content) + sum(len(visitor.client.get(each).content) for each in files)
        assert 2_000 < weight < 100_000


def test_a_guest_takes_the_language_they_chose_with_them(front: Front) -> None:
    kiosk = guest(front, "en")
    assert "With my face" in kiosk.get(START).text
    assert "使用人脸</button>" in kiosk.get(f"{START}?lang=zh").text
    assert "预订号" in kiosk.post(f"{START}/start", {"purpose": PURPOSE}).text

    back = kiosk.get(START)

    assert (back.status_code, back.headers["location"]) == (303, START)
    assert "With my face" in kiosk.get(START).text
    assert "Booking number" in kiosk.post(f"{START}/start", {"purpose": PURPOSE}).text


def test_a_busy_server_says_so_on_a_page(make_front: Callable[..., Front], monkeypatch: pytest.MonkeyPatch) -> None:
    front = make_front(requests_at_once_max=1)
    inside, go_on = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        inside.set()
        go_on.wait(timeout=60)

    monkeypatch.setattr(kiosk_pages, "offers", slow)
    kiosk = front.visitor()
    kiosk.with_cookie("countenance-kiosk", front.credential(Role.DEVICE))
    waits = threading.Thread(target=kiosk.get, args=(START,))
    waits.start()
    try:
        assert inside.wait(timeout=60)
        busy = front.visitor(**{"Accept-Language": "zh"}).get("/")
        assert (busy.status_code, busy.headers["retry-after"]) == (429, "1")
        assert "服务器繁忙" in busy.text
    finally:
        go_on.set()
        waits.join()
