"""Every page in every state and both languages: lawful headers, axe by light and dark, a telephone, a canary."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from countenance import access
from countenance.operations.choose import Choice, choose
from countenance.operations.report import report
from countenance.operations.requests import open_request
from countenance.operations.sequence import Sequencer
from countenance.operations.sign_in import address
from countenance.pages import pages
from countenance.subjects.requests import NewRequest
from countenance.vocabulary import RequestKind, Way
from tests.browser.conftest import Site
from tests.browser.filing import filing
from tests.browser.guest import START, look, open_by_link, press, say_who, to_questions
from tests.browser.walk import CANARY, WIDE, Walk
from tests.database import DEVICE, KIOSK, OFFICER, PURPOSE
from tests.faces import astronaut, grace_hopper, grace_hopper_jpeg
from tests.operations.governed import authorised, colleague
from tests.operations.receipt import claimed
from tests.operations.signing import PASSWORD, Member

LISTS = ("desk", "purposes", "devices", "consents", "refusals", "parity", "requests", "authorisations", "staff")
_CREDENTIAL = re.compile(r"c[nr]_[a-z2-7]{12}_[A-Za-z0-9_-]{43}")
COOKIES = {f"countenance-{kind}": _CREDENTIAL for kind in ("staff", "kiosk", "subject", "receipt")} | {
    "countenance-language": re.compile("en|zh")
}


def kiosk(walk: Walk) -> dict[str, str]:
    """Walk the guest's ways, and return the addresses of the receipts that were given."""
    site = walk.site
    page = site.page(site.camera(grace_hopper()), locale=walk.locale, viewport=WIDE)
    page.goto(f"/?lang={walk.language}")
    walk.see(page, "home")
    page.goto(f"{START}/pair")
    walk.see(page, "pair")
    page.fill("#token", CANARY)
    press(page, "main button")
    walk.see(page, "pair-wrong")
    page = site.paired(page.context.browser, locale=walk.locale, viewport=WIDE)
    walk.see(page, "kiosk")
    receipts = _yes(walk, page)
    _no(walk, page)
    _closed(walk, page)
    return receipts


def _yes(walk: Walk, page: Page) -> dict[str, str]:
    press(page, "form[action$='/start'] button")
    walk.see(page, "who")
    page.fill("#subject", CANARY)
    press(page, "button[form=who]")
    walk.see(page, "age")
    press(page, "button[value=adult]")
    walk.see(page, "ask")
    press(page, "button[value=large_type]")
    walk.see(page, "ask-large")
    press(page, "button[value=plain_language]")
    walk.see(page, "ask-plain")
    press(page, "button[value=yes]")
    walk.see(page, "ask-storage")
    press(page, "button[value=yes]")
    walk.see(page, "camera")
    receipts = {"consent": page.get_attribute(".qr ~ p a", "href") or ""}
    assert look(page) == "enrolled"
    walk.see(page, "enrolled")
    press(page, "form[action$='/camera'] button")
    walk.see(page, "camera-again")
    asked = page.evaluate(
        "async (form) => (await fetch(form.action.replace('/look', '/challenge'), {method: 'POST', body: "
        "new URLSearchParams({purpose: form.purpose.value, act: 'verify', csrf: form.csrf.value})})).status",
        page.query_selector("#look"),
    )
    assert asked == 200
    assert look(page) == "match"
    walk.see(page, "match")
    press(page, "form[action$='/receipt'] button")
    walk.see(page, "taken")
    receipts["use"] = page.get_attribute(".qr ~ p a", "href") or ""
    walk.site.before(astronaut())
    press(page, "a.button")
    say_who(page, CANARY)
    assert look(page) == "non_match"
    walk.see(page, "non-match")
    return receipts


def _no(walk: Walk, page: Page) -> None:
    page.goto(START)
    press(page, "form[action$='/other'] button")
    walk.see(page, "other")
    page.goto(START)
    to_questions(page, "booking-no")
    press(page, "button[value=no]")
    walk.see(page, "other-refused")
    page.goto(START)
    say_who(page, "booking-no")
    walk.see(page, "other-rest")
    page.goto(START)
    say_who(page, "booking-child")
    press(page, "button[value=under_14]")
    walk.see(page, "other-guardian")


def _closed(walk: Walk, page: Page) -> None:
    house = walk.site.hotel.house
    page.goto(START)
    to_questions(page, "booking-late")
    for _ in range(2):
        press(page, "button[value=yes]")
    assert look(page) == "enrolled"
    press(page, "form[action$='/camera'] button")
    report(house, DEVICE, "desk", working=False)
    assert look(page) == "refused"
    walk.see(page, "refused")
    press(page, "[data-outcome] form[action$='/other'] button")
    walk.see(page, "other-closed")
    page.goto(START)
    walk.see(page, "kiosk-closed")
    report(house, DEVICE, "desk", working=True)


def receipts(walk: Walk, given: dict[str, str]) -> None:
    """Walk what the holder of a receipt sees, to the certificate."""
    site = walk.site
    page = site.page(locale=walk.locale, viewport=WIDE)
    page.goto("/r")
    walk.see(page, "receipt")
    page.fill("#token", CANARY)
    press(page, "main button")
    walk.see(page, "receipt-wrong")
    open_by_link(page, site.url + given["use"].partition("8000")[2], "/r/mine")
    walk.see(page, "receipt-of-use")
    press(page, "form[action$='/leave'] button")
    open_by_link(page, site.url + given["consent"].partition("8000")[2], "/r/mine")
    _checked_in_the_log(walk, page)
    walk.see(page, "receipt-of-consent")
    press(page, "form[action$='/withdraw'] button")
    walk.see(page, "certificate")
    press(page, "main a.button")
    walk.see(page, "receipt-withdrawn")


def _checked_in_the_log(walk: Walk, page: Page) -> None:
    """Check the consent's record in the log by the browser: before it is in, after, and a changed one."""
    house = walk.site.hotel.house
    part = page.locator("[data-proof]").first
    part.locator("button").click()
    expect(part.locator("[data-when=waits]")).to_be_visible()
    Sequencer(house.database, house.logs, house.clock).step_all()
    part.locator("button").click()
    expect(part.locator("li.good")).to_have_count(3)
    expect(part.locator("[data-when=wrong]")).to_be_hidden()
    expect(part.locator("[data-say=signature]")).to_contain_text("+")
    other = page.locator("[data-proof]").nth(1)
    # A record that was changed is wrong; a proof that does not come says nothing of the log.
    for name, value, shown in (("data-digest", "x", "wrong"), ("data-proof", "/r/proof?record=x", "unfetched")):
        other.evaluate("(part, [name, value]) => part.setAttribute(name, value)", [name, value])
        other.locator("button").click()
        for when in ("wrong", "unfetched"):
            expect(other.locator(f"[data-when={when}]")).to_be_visible(visible=when == shown)
        expect(other.locator("li.good")).to_have_count(0)


def person(walk: Walk) -> None:
    """Walk what a person sees by a one-time link."""
    site, house = walk.site, walk.site.hotel.house
    site.hotel.consent("guest-7")
    site.hotel.enrol("guest-7", grace_hopper_jpeg())
    for days in (0, 40):
        open_request(house, OFFICER, NewRequest(kind=RequestKind.COMPLAIN, text=CANARY), "guest-7")
        walk.site.hotel.clock.forward(days=days)
    page = site.page(locale=walk.locale, viewport=WIDE)
    page.goto("/me")
    walk.see(page, "me")
    page.fill("#token", CANARY)
    press(page, "main button")
    walk.see(page, "me-wrong")
    for erased in (False, True):
        link = access.issue_link(house, OFFICER, "guest-7").token
        open_by_link(page, f"/me#{link}", "/me/mine")
        if erased:
            press(page, "form:has(input[value=erase]) button")
            walk.see(page, "erased")
            continue
        walk.see(page, "mine")
        page.check("input[value=correct]")
        page.fill("#text", CANARY)
        press(page, "form:has(#text) button")
        walk.see(page, "wished")
        press(page, "main a.button")
        press(page, "form[action$='/me/withdraw'] button")
        walk.see(page, "taken-back")
        page.goto("/me/mine")
        press(page, "form[action$='/leave'] button")


def console(walk: Walk) -> None:
    """Walk what staff see, from the invitation to signing out."""
    site, hotel = walk.site, walk.site.hotel
    _busy(walk)
    clerk = Member(hotel, colleague(hotel))
    page = site.page(locale=walk.locale, viewport=WIDE)
    page.goto("/console/sign-in")
    walk.see(page, "sign-in")
    page.goto("/console/welcome")
    walk.see(page, "welcome")
    token = clerk.invited()
    clerk.scan(token)
    open_by_link(page, address(site.url, token), "/console/welcome")
    page.wait_for_selector("#password")
    walk.see(page, "welcome-open")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.fill("#code", clerk.code())
    press(page, "main button")
    walk.see(page, "console")
    _lists(walk, page)
    _desk(walk, page)
    _staff(walk, page)
    press(page, "form[action$='/sign-out'] button")
    page.fill("#staff", clerk.staff_id)
    page.fill("#password", CANARY)
    page.fill("#code", "000 000")
    press(page, "main button")
    walk.see(page, "sign-in-wrong")
    hotel.clock.forward(seconds=60)
    page.goto("/console/sign-in")
    page.fill("#staff", clerk.staff_id)
    page.fill("#password", PASSWORD)
    page.fill("#code", clerk.code())
    press(page, "main button")
    expect(page).to_have_url(f"{site.url}/console")


def _busy(walk: Walk) -> None:
    """Let the hotel have had some days: two ways gone, requests that wait, an authorisation in each state."""
    hotel = walk.site.hotel
    hotel.consent("guest-8")
    for way, seconds in ((Way.FACE, 12), (Way.ALTERNATIVE, 40), (Way.REFUSED, 9), (Way.ABANDONED, 30)):
        for _ in range(3):
            choose(hotel.house, DEVICE, Choice(purpose=PURPOSE, way=way, seconds=seconds, steps=4))
    for passed in (3, 1, 4, 2, 5):  # people who were never asked
        for _ in range(passed):
            claimed(hotel, "guest-9", grace_hopper_jpeg())
        hotel.clock.forward(days=2)
    open_request(hotel.house, OFFICER, NewRequest(kind=RequestKind.CORRECT, text=CANARY), "guest-8")
    open_request(hotel.house, OFFICER, NewRequest(kind=RequestKind.HUMAN_REVIEW), "guest-8")
    authorised(hotel, 2, subjects=("guest-8",), requester=CANARY, issuer=CANARY)
    authorised(hotel, 0, subjects=("guest-8",))


def _lists(walk: Walk, page: Page) -> None:
    for name in LISTS:
        page.goto(f"/console/{name}")
        walk.see(page, f"console-{name}")
    page.goto("/console/purposes")
    press(page, "button[value=deactivate]")
    walk.see(page, "console-purposes-inactive")
    press(page, "button[value=activate]")
    page.goto("/console/devices")
    press(page, f"form[action$='/{KIOSK}'] button[value=unregister]")
    press(page, f"form[action$='/{KIOSK}'] button[value=register]")
    press(page, "form[action$='/room-camera'] button[value=look]")
    walk.see(page, "console-device-missing")
    page.goto("/console/consents")
    page.fill("#subject", "guest-8")
    press(page, "main form button")
    walk.see(page, "console-person")
    press(page, "form[action$='/link'] button")
    walk.see(page, "console-link")
    page.goto("/console/consents")
    page.fill("#subject", "guest-8")
    press(page, "main form button")
    press(page, "form[action$='/withdraw'] button")
    walk.see(page, "console-taken-back")
    page.goto("/console/requests")
    press(page, "tbody a")
    walk.see(page, "console-request")
    page.check("input[value=partly]")
    page.fill("#text", CANARY)
    press(page, "main form button")
    _authorise(walk, page)


def _authorise(walk: Walk, page: Page) -> None:
    page.goto("/console/authorisations")
    press(page, "button[value=approve]")
    press(page, "button[value=revoke]")
    page.click("details summary")
    walk.see(page, "console-authorisations-ask")
    page.select_option("#ground", "public_security")
    for name in ("issuer", "reference", "requester"):
        page.fill(f"#{name}", CANARY)
    page.check("input[name=requested_by_subject][value=no]")
    page.check(f"input[name=devices][value={KIOSK}]")
    page.fill("#ends_at", "2020-01-01T10:00")
    press(page, "details form button")
    walk.see(page, "console-authorisations-wrong")
    page.fill("#ends_at", f"{walk.site.hotel.clock() + timedelta(days=2):%Y-%m-%dT%H:%M}")
    press(page, "details form button")
    expect(page).to_have_url(f"{walk.site.url}/console/authorisations")


def _desk(walk: Walk, page: Page) -> None:
    _to_desk(page, CANARY, "adult", "here")
    walk.see(page, "console-desk-ask")
    press(page, "button[value=large_type]")
    _answer(page, "yes")
    walk.see(page, "console-desk-done")
    _to_desk(page, "child", "under_14", "paper")
    page.fill("#notice_version", "1")
    page.set_input_files("[data-digest=evidence_sha256] input", {
        "name": "scan.png", "mimeType": "image/png", "buffer": b"abc",
    })  # fmt: skip
    expect(page.locator("#evidence_sha256")).to_have_value(hashlib.sha256(b"abc").hexdigest())
    _answer(page, "yes")
    walk.see(page, "console-desk-guardian")
    page.fill("#guardian", CANARY)
    page.select_option("#relation", "parent")
    page.select_option("#evidence", "birth_certificate")
    press(page, "form[action$='/decide'] button")
    _to_desk(page, "booking-no", "adult", "here")
    walk.see(page, "console-desk-rest")
    _answer(page, "no")
    walk.see(page, "console-desk-no")
    page.goto("/console/desk")
    press(page, f"a[href*='sheet'][lang^={walk.language}]")
    walk.see(page, "console-sheet")


def _to_desk(page: Page, who: str, age: str, way: str) -> None:
    page.goto("/console/desk")
    page.fill("#subject", who)
    page.select_option("#age", age)
    page.check(f"input[name=way][value={way}]")
    press(page, "form[action$='/ask'] button")


def _answer(page: Page, answer: str) -> None:
    for scope in ("enrol", "verify", "off_device_storage"):
        page.check(f"input[name={scope}][value={answer}]")
    press(page, "form[action$='/decide'] button")


def _staff(walk: Walk, page: Page) -> None:
    page.goto("/console/staff")
    page.fill("#staff", "night-desk")
    page.fill("#name", CANARY)
    press(page, "form[action$='/add'] button")
    walk.see(page, "console-invited")
    press(page, "main a.button")
    press(page, "form[action$='/invite']:has([value=night-desk]) button")
    press(page, "main a.button")
    press(page, "form[action$='/pair'] button")
    walk.see(page, "console-paired")
    press(page, "main a.button")
    press(page, "form[action$='/retire']:has([value=night-desk]) button")
    press(page, "form[action$='/revoke'] button")
    walk.see(page, "console-staff-after")


def nothing_kept(page: Page) -> None:
    """Fail for anything that the browser keeps after the walk but a session's secret and the language."""
    kept = page.evaluate(
        "async () => [localStorage.length, sessionStorage.length, (await indexedDB.databases()).length, "
        "(await caches.keys()).length, (await navigator.serviceWorker.getRegistrations()).length]"
    )
    assert kept == [0, 0, 0, 0, 0]
    for cookie in page.context.cookies():
        assert cookie["name"] in COOKIES
        assert COOKIES[cookie["name"]].fullmatch(cookie["value"]), "nothing of anybody"
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == ("Lax" if cookie["name"].endswith("language") else "Strict")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.timeout(480)
def test_every_page(make_site: Callable[..., Site], postgres: str, tmp_path: Path, language: str) -> None:
    site = make_site(filing_keys_dir=tmp_path / "filing-keys")
    walk = Walk(site, language)
    receipts(walk, kiosk(walk))
    person(walk)
    console(walk)
    filing(walk, postgres, tmp_path / "authority")
    assert walk.wrong == []
    for page in site.opened:
        nothing_kept(page)
    assert site.watch.shown == {f"{page.method} {page.path}" for page in pages()}
    assert (len(site.opened), len(site.watch.shown)) == (6, 72)
    assert len(walk.seen) == len(set(walk.seen)) == 86
