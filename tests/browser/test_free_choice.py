"""Yes and no, with a face and without, weigh the same; a no is as short as a yes, holds, and is not asked again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.browser.equality import alike, apart_by_keyboard
from tests.browser.guest import START, look, open_by_link, press, say_who, to_questions
from tests.browser.walk import PHONE, WIDE
from tests.faces import astronaut, grace_hopper


def weighed(page: Page) -> None:
    """Fail unless the page has one pair of answers, and both weigh the same on a screen and on a telephone."""
    pair = page.locator(".choice:not(.three):visible :is(button, a.button):visible")
    assert pair.count() == 2
    for size in (WIDE, {"width": PHONE, "height": 740}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        alike(page, pair.nth(0), pair.nth(1))
    page.set_viewport_size(WIDE)  # type: ignore[arg-type]
    assert apart_by_keyboard(page, pair.nth(0), pair.nth(1)) == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_answers_weigh_the_same_on_every_page(site: Site, language: str) -> None:
    page = site.paired(site.camera(grace_hopper()), locale=language, viewport=WIDE)
    weighed(page)
    press(page, "form[action$='/start'] button")
    weighed(page)
    page.fill("#subject", "booking-4711")
    press(page, "button[form=who]")
    press(page, "button[value=adult]")
    for _ in range(2):
        weighed(page)
        press(page, "button[value=yes]")
    weighed(page)
    assert look(page) == "enrolled"
    weighed(page)
    press(page, "form[action$='/camera'] button")
    weighed(page)
    site.before(astronaut())
    assert look(page) == "non_match"
    weighed(page)


def test_ages_weigh_the_same(site: Site) -> None:
    page = site.paired(viewport=WIDE)
    say_who(page, "booking-4711")
    ages = page.locator(".choice.three button")
    assert ages.count() == 3
    for number in (1, 2):
        alike(page, ages.nth(0), ages.nth(number))


def presses(site: Site, answers: list[str], booking: str) -> tuple[Page, int]:
    """Return the page that a guest comes to by these answers, and how often they pressed to come there."""
    page = site.paired(viewport=WIDE)
    pressed = ["form[action$='/start'] button", "button[form=who]", "button[value=adult]"]
    pressed += [f"button[value={answer}]" for answer in answers]
    for selector in pressed:
        if selector == "button[form=who]":
            page.fill("#subject", booking)
        press(page, selector)
    return page, len(pressed)


def test_a_no_takes_no_more_than_a_yes_and_holds(site: Site) -> None:
    no, to_no = presses(site, ["no"], "booking-no")
    expect(no.get_by_role("heading", name="Without your face")).to_be_visible()
    expect(no.get_by_text("not asked again for 30 days")).to_be_visible()
    yes, to_yes = presses(site, ["yes", "yes"], "booking-yes")
    expect(yes.locator("#look button")).to_be_visible()
    late, _ = presses(site, ["yes", "no"], "booking-late")
    expect(late.get_by_role("heading", name="Without your face")).to_be_visible()
    assert to_no <= to_yes

    # Not asked again for thirty days: the guest is led straight to the other way.
    for days in (1, 28):
        site.hotel.clock.forward(days=days)
        no.goto(START)
        say_who(no, "booking-no")
        expect(no.get_by_text("so you are not asked again")).to_be_visible()
        assert no.locator("[name=answer], [name=age]:visible").count() == 0
    site.hotel.clock.forward(days=1)
    no.goto(START)
    to_questions(no, "booking-no")
    expect(no.locator("[name=answer]")).to_have_count(2)

    # Taking it back: what the QR code opens, then one press, where giving took five.
    address = yes.get_by_role("link", name="Open it here").get_attribute("href") or ""
    page = site.page()
    open_by_link(page, f"{site.url}/r#{address.partition('#')[2]}", "/r/mine")
    press(page, "form[action$='/withdraw'] button")
    expect(page.get_by_role("heading", name="Certificate of erasure")).to_be_visible()


def test_nothing_counts_down_and_an_abandoned_page_goes(make_site: Callable[..., Site]) -> None:
    page = make_site().paired(viewport=WIDE)
    page.clock.install()
    page.goto(START)
    for selector in (
        "form[action$='/start'] button", "button[form=who]", "button[value=adult]", "button[value=yes]",
        "button[value=yes]",
    ):  # fmt: skip
        before = page.locator("body").inner_text()
        page.clock.run_for(3_000)
        assert page.locator("body").inner_text() == before
        if selector == "button[form=who]":
            page.fill("#subject", "booking-4711")
        press(page, selector)
    page.clock.run_for(170_000)
    expect(page.locator("#look button")).to_be_visible()
    page.mouse.click(5, 300)  # somebody is there after all
    page.clock.run_for(170_000)
    expect(page.locator("#look button")).to_be_visible()
    page.clock.run_for(20_000)
    expect(page.locator("form[action$='/start'] button")).to_be_visible()
    assert "booking" not in page.content()
