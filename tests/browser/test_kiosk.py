"""A guest at the kiosk, in a real browser with a real photograph before the camera, from start to withdrawal."""

from playwright.sync_api import Page, expect
from tests.doors.faces_of import admiral

from tests.browser.conftest import Site


def agree(page: Page, booking: str = "booking-4711", *, answers: tuple[str, ...] = ("Yes", "Yes")) -> None:
    """Walk from the first page through the questions."""
    page.get_by_role("button", name="With my face").click()
    page.get_by_label("Booking number").fill(booking)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="18 or older").click()
    for answer in answers:
        page.get_by_role("button", name=answer, exact=True).click()


def look(page: Page) -> None:
    page.get_by_role("button", name="Start the camera").click()
    page.wait_for_selector("[data-outcome]")


def test_from_consent_to_withdrawal(site: Site) -> None:
    page = site.paired(site.camera(grace_hopper()))
    agree(page)
    look(page)
    expect(page.get_by_text("this kiosk knows you for this purpose")).to_be_visible()
