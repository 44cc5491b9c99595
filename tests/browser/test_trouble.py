"""The kiosk in trouble, as only a browser shows it: the camera, the back button, a second press, a second tab."""

import io
import re

from PIL import Image
from playwright.sync_api import Page, Playwright, expect
from sqlalchemy import text

from tests.browser.conftest import QUIET, Site, browser_path
from tests.browser.guest import START, look, press, say_who, to_questions
from tests.browser.walk import WIDE
from tests.database import Hotel
from tests.doors.test_pages_trouble import TECHNICAL
from tests.faces import astronaut, grace_hopper, nobody_jpeg
from tests.operations.governed import bodies
from tests.pictures import two_faces

OTHER = "form[action$='/other'] button"


def picture(jpeg: bytes) -> Image.Image:
    """Return a picture from its file."""
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def guided(page: Page, words: str) -> None:
    """Start the camera and wait for what the guest is told beside it; both ways stay open, in plain words."""
    page.click("#look button")
    expect(page.locator("#guidance")).to_contain_text(words, timeout=20_000)
    assert TECHNICAL.search(page.locator("main").inner_text()) is None
    expect(page.locator("#ways " + OTHER)).to_be_enabled()


def middle(page: Page, selector: str) -> tuple[float, float]:
    """Bring a button into sight and return where a finger would meet it."""
    button = page.locator(selector).first
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def outcomes(hotel: Hotel) -> list[str]:
    """Return what is on record of a guest, newest first."""
    kinds = {"consent", "enrol", "verify", "receipt"}
    return [f"{body['kind']} {body['outcome']}" for body in bodies(hotel) if body["kind"] in kinds]


def test_what_the_camera_sees_is_no_good(site: Site) -> None:
    site.hotel.consent("guest")
    page = site.paired(site.camera(picture(nobody_jpeg())), viewport=WIDE)
    for seen, words in (
        (picture(nobody_jpeg()), "No face was found"),
        (Image.new("RGB", (640, 480)), "More light from the front"),
        (Image.new("RGB", (640, 480), "white"), "Too bright"),
    ):
        site.before(seen)
        page.goto(START)
        say_who(page, "guest")
        guided(page, words)
        press(page, "#ways " + OTHER)
        expect(page.get_by_role("heading", name="Without your face")).to_be_visible()
    assert set(outcomes(site.hotel)) == {"consent given", "enrol failure_to_acquire"}

    # Two are equally near: nobody is taken for the guest, and one step aside is all it needs.
    site.before(picture(two_faces()))
    page.goto(START)
    say_who(page, "guest")
    assert look(page) == "crowd", page.locator("main").inner_text()
    expect(page.get_by_role("heading", name="Several people are before the camera")).to_be_visible()
    expect(page.locator("[data-outcome] form[action$='/camera'] button")).to_be_visible()
    assert outcomes(site.hotel)[0] == "enrol refused"

    # The picture gets better while the guest stands there, and another person is nobody's fault.
    press(page, "[data-outcome] form[action$='/camera'] button")
    site.before(*[picture(nobody_jpeg())] * 6, *[grace_hopper()] * 90)
    assert look(page) == "enrolled"
    press(page, "form[action$='/camera'] button")
    site.before(astronaut())
    assert look(page) == "non_match"
    press(page, "[data-outcome] form[action$='/camera'] button")
    site.before(grace_hopper())
    page.context.set_offline(True)
    guided(page, "The server does not answer. Nothing was done.")
    page.context.set_offline(False)
    expect(page.locator("#look button")).to_have_text("Try again")
    assert look(page) == "match"


def test_the_camera_is_denied_or_absent(site: Site, playwright_driver: Playwright) -> None:
    site.hotel.consent("guest")
    asks = playwright_driver.chromium.launch(
        executable_path=browser_path(), headless=True, args=[*QUIET, "--use-fake-device-for-media-stream"]
    )
    site.contexts.callback(asks.close)
    for browser, words in (
        (asks, "无法使用摄像头。请在浏览器中允许"),
        (site.browser, "此处没有摄像头。请不使用人脸继续。"),
    ):
        page = site.paired(browser, viewport=WIDE, locale="zh-CN")
        say_who(page, "guest")
        guided(page, words)
        press(page, "#ways " + OTHER)
        expect(page.get_by_role("heading", name="不使用人脸")).to_be_visible()
    assert outcomes(site.hotel) == ["consent given"]


def test_every_button_is_pressed_twice(site: Site) -> None:
    page = site.paired(site.camera(grace_hopper()), viewport=WIDE)

    def twice(selector: str) -> None:
        """Press twice: at once, so that the second press falls on whatever page is there by then."""
        at = middle(page, selector)
        with page.expect_navigation():
            page.mouse.click(*at)
        page.mouse.down(click_count=2)
        page.mouse.up(click_count=2)
        page.wait_for_load_state()

    twice("form[action$='/start'] button")
    page.fill("#subject", "guest")
    twice("button[form=who]")
    twice("button[value=adult]")
    twice("button[value=yes]")
    twice("button[value=yes]")
    for outcome in ("enrolled", "match"):
        page.dblclick("#look button")
        found = page.wait_for_selector("[data-outcome]")
        assert found is not None
        assert found.get_attribute("data-outcome") == outcome
        if outcome == "enrolled":
            twice("form[action$='/camera'] button")
    twice("form[action$='/receipt'] button")
    expect(page.get_by_role("heading", name="Your receipt of this use")).to_be_visible()
    assert outcomes(site.hotel) == ["receipt issued", "verify match", "enrol enrolled", "consent given"]
    page.goto(START)
    page.locator(OTHER).dblclick()
    expect(page.get_by_role("heading", name="Without your face")).to_be_visible()
    with site.hotel.house.database.transaction() as tx:
        ways = tx.execute(text("SELECT way, count(*) FROM choice GROUP BY way ORDER BY way")).all()
    assert [tuple(row) for row in ways] == [("alternative", 1), ("face", 1)]


def test_an_impatient_guest_presses_again_while_the_server_is_slow(site: Site) -> None:
    page = site.paired(viewport=WIDE)
    to_questions(page, "guest")
    press(page, "button[value=yes]")
    at = middle(page, "button[value=yes]")
    with page.expect_navigation(), site.hotel.house.database.transaction() as tx:
        tx.execute(text("LOCK TABLE record IN EXCLUSIVE MODE"))
        for _ in range(3):
            page.mouse.click(*at)
            page.wait_for_timeout(700)
    expect(page.locator("#look button")).to_be_visible()
    page.wait_for_timeout(500)
    assert outcomes(site.hotel) == ["consent given"]


def test_a_page_left_half_way_shows_the_next_guest_nothing(site: Site) -> None:
    page = site.paired(viewport=WIDE)
    to_questions(page, "booking-4711")
    page.reload()
    expect(page.locator("form[action$='/start'] button")).to_be_visible()
    to_questions(page, "booking-4711")
    press(page, "button[value=yes]")
    press(page, "button[value=yes]")
    expect(page.locator(".qr")).to_be_visible()
    press(page, "#ways " + OTHER)
    for _ in range(6):
        page.go_back()
        page.wait_for_load_state()
        assert page.url == f"{site.url}{START}"
        assert not re.search(r"booking-4711|cr_[a-z2-7]{12}", page.content())
        assert page.locator(".qr, #look, [name=answer]").count() == 0
    expect(page.locator("form[action$='/start'] button")).to_be_visible()
    assert outcomes(site.hotel) == ["consent given"], "what was said stands, and was said once"


def test_two_tabs_of_one_kiosk(site: Site) -> None:
    one = site.paired(viewport=WIDE)
    two = one.context.new_page()
    two.goto(START)
    to_questions(one, "guest-1")
    to_questions(two, "guest-2")
    press(one, "button[value=yes]")
    press(two, "button[value=no]")
    expect(two.get_by_text("Your no is on record")).to_be_visible()
    press(one, "button[value=yes]")
    expect(one.locator("#look button")).to_be_visible()
    assert outcomes(site.hotel) == ["consent given", "consent refused"]
