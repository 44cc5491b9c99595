"""What the pages say and keep to themselves: who guesses waits, headers, errors in words, and no secret in a log."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from countenance.pages.door import GUESSES_PER_MINUTE
from countenance.subjects.consents import REFUSED
from countenance.vault import passwords
from countenance.vocabulary import Role
from tests import pictures
from tests.database import KIOSK, PURPOSE
from tests.doors.fronts import FORM, Front
from tests.operations.signing import PASSWORD, Member, member
from tests.operations.test_tallies import refuse

INTERNAL = ("Traceback", "countenance/", ".py", "sqlalchemy", "psycopg", "pydantic", 'File "', "SELECT ", "0x7")


# --- guessing --------------------------------------------------------------------------------------------------------


def test_whoever_tries_many_passwords_waits_and_nobody_else_does(front: Front) -> None:
    person = member(front.hotel)
    stranger, neighbour = {"X-Forwarded-For": "203.0.113.9"}, {"X-Forwarded-For": "203.0.113.10"}
    seen = [front.sign_in(person, front.visitor(**stranger), password="x" * 12) for _ in range(GUESSES_PER_MINUTE)]
    assert {answer.status_code for answer in seen} == {401}

    late = front.sign_in(person, front.visitor(**stranger))

    assert (late.status_code, "set-cookie" in late.headers) == (429, False)
    assert 1 <= int(late.headers["retry-after"]) <= 60 // GUESSES_PER_MINUTE
    assert front.visitor(**stranger).post("/console/welcome", {"token": "x"}).status_code == 429
    assert front.visitor(**stranger).get("/console/sign-in").status_code == 200
    assert front.sign_in(person, front.visitor(**neighbour)).status_code == 303


def test_whoever_tries_many_codes_waits(make_front: Callable[..., Front]) -> None:
    front = make_front(receipt_requests_per_minute=3)
    for path in (f"/kiosk/{KIOSK}/pair", "/me", "/r"):
        visitor = front.visitor(**{"X-Forwarded-For": f"203.0.113.{len(path)}"})
        seen = [visitor.post(path, {"token": f"cl_{'A' * 43}"}).status_code for _ in range(4)]
        assert (path, seen) == (path, [401, 401, 401, 429])


def test_many_failures_of_a_stranger_leave_the_person_in(front: Front) -> None:
    person = member(front.hotel)
    for number in range(30):
        stranger = front.visitor(**{"X-Forwarded-For": f"203.0.113.{number}"})
        assert front.sign_in(person, stranger, password="guessed by a stranger").status_code == 401
    assert front.sign_in(person).status_code == 303


def test_passwords_that_are_tried_keep_nothing_else_waiting(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    person, go_on, begun, fits = member(front.hotel), threading.Event(), threading.Semaphore(0), passwords.fits

    def slow(*told: Any) -> bool:
        begun.release()
        go_on.wait(timeout=60)
        return fits(*told)

    monkeypatch.setattr(passwords, "fits", slow)
    visitors = [front.visitor(**{"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(12)]
    trying = [threading.Thread(target=front.sign_in, args=(person, each)) for each in visitors]
    try:
        for thread in trying:
            thread.start()
        assert begun.acquire(timeout=60)
        assert front.visitor().client.get("/", timeout=20).status_code == 200
        assert not begun.acquire(timeout=0.2), "one is compared at a time"
    finally:
        go_on.set()
        for thread in trying:
            thread.join()


# --- what is said and kept -------------------------------------------------------------------------------------------


def test_every_answer_keeps_caches_frames_and_other_sites_out(front: Front) -> None:
    officer = front.officer()
    answers = {
        "page": officer.get("/console"), "open": front.visitor().get("/"), "redirect": front.visitor().get("/console"),
        "refused": front.visitor().post("/console/sign-out"), "nothing": front.visitor().get("/console/nothing"),
        "signed in": front.sign_in(member(front.hotel)),
    }  # fmt: skip
    for name, answer in answers.items():
        told = answer.headers
        assert (name, told["cache-control"]) == (name, "no-store")
        assert "frame-ancestors 'none'" in told["content-security-policy"]
        assert "default-src 'none'" in told["content-security-policy"]
        assert "unsafe" not in told["content-security-policy"]
        assert told["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in told
    assert "camera=()" in answers["page"].headers["permissions-policy"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{}", "application/json", 415), (b"x=1", "text/plain", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
        (b"%%%", FORM, 400), (b"\xff\xfe=1", FORM, 400), (b"a=1&a=2", FORM, 400), (b"x" * 70_000, FORM, 413),
        (b"&".join(b"a%d=1" % number for number in range(70)), FORM, 400), (b"", FORM, 400),
    ],
)  # fmt: skip
def test_a_body_that_is_no_form_is_answered_in_words(front: Front, body: bytes, kind: str, status: int) -> None:
    for path in ("/console/sign-in", "/console/welcome", "/me", "/r", f"/kiosk/{KIOSK}/pair"):
        answer = front.visitor().client.post(path, content=body, headers={"Content-Type": kind})
        assert (path, answer.status_code) == (path, status)
        assert answer.headers["content-type"].startswith("text/html")
        assert not [word for word in INTERNAL if word in answer.text]


def test_an_error_nobody_expected_shows_a_number_and_nothing_more(
    front: Front, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        message = "canary-of-an-error"
        raise RuntimeError(message)

    monkeypatch.setattr("countenance.operations.sign_in.sign_ins.find", broken)
    with caplog.at_level(logging.DEBUG):
        answer = front.sign_in(Member(front.hotel, "nobody", secret=b"x" * 20))
    assert answer.status_code == 500
    assert not [word for word in (*INTERNAL, "canary", "RuntimeError") if word in answer.text]
    assert answer.headers["x-request-id"] in answer.text
    assert "canary" not in "".join(str(vars(record)) for record in caplog.records)


def test_no_log_line_holds_a_token_a_password_or_an_address_with_one(
    front: Front, caplog: pytest.LogCaptureFixture
) -> None:
    front.hotel.consent("guest")
    person = Member(front.hotel, member(front.hotel).staff_id, "canary-of-a-password")
    with caplog.at_level(logging.DEBUG):
        token, link, device = person.invited(), front.link(), front.credential(Role.DEVICE)
        person.scan(token)
        visitor = front.visitor()
        visitor.post("/console/welcome", {"token": token})
        chosen = {"token": token, "password": person.password, "again": person.password, "code": person.code()}
        assert visitor.post("/console/welcome", chosen).status_code == 303
        assert front.visitor().post("/me", {"token": link}).status_code == 303
        assert front.visitor().post(f"/kiosk/{KIOSK}/pair", {"token": device}).status_code == 303
        # Somebody might paste one where it does not belong.
        for path in (f"/me/{link}", f"/console/welcome?token={token}", f"/kiosk/{device}", f"/{PASSWORD}"):
            front.visitor().get(path)
    lines = "".join(str(vars(record)) for record in caplog.records if record.name.startswith("countenance"))
    assert "POST /console/welcome" in lines
    session = visitor.cookie("countenance-staff")
    assert [each for each in (token, link, device, session, person.password, PASSWORD) if each[4:] in lines] == []


def test_what_a_guest_refused_does_not_break_the_officers_page(front: Front) -> None:
    """A guest's own no is on record as refused and names no article."""
    front.hotel.consent("guest", decision=REFUSED)
    refuse(front.hotel, "somebody")
    assert front.officer().get("/console/refusals").status_code == 200


def test_pictures_are_read_where_one_is_expected_and_nowhere_else(front: Front) -> None:
    kiosk = front.kiosk()
    files = {"sample": ("x.jpg", pictures.nobody())}
    assert kiosk.client.post(f"/kiosk/{KIOSK}/other", data={"csrf": kiosk.csrf}, files=files).status_code == 415
    unmarked = kiosk.client.post(f"/kiosk/{KIOSK}/look", data={"purpose": PURPOSE}, files=files)
    assert unmarked.status_code == 403, "a form of pictures carries its mark in a header"
