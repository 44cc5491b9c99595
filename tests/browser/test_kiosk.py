"""A guest at the kiosk, in a real browser with a real photograph before the camera, from start to withdrawal."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site
from tests.faces import grace_hopper


def agree(page: Page, booking: str = "booking-4711", *, answers: tuple[str, ...] = ("Yes", "Yes")) -> None:
    """Walk from the first page through the questions."""
    page.get_by_role("button", name="With my face").click()
    page.get_by_label("Booking number").fill(booking)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="18 or older").click()
    for answer in answers:
        page.get_by_role("button", name=answer, exact=True).click()


def look(page: Page) -> str:
    """Open the camera and return what came of it."""
    page.get_by_role("button", name="Start the camera").click()
    found = page.wait_for_selector("[data-outcome]")
    assert found is not None
    return found.get_attribute("data-outcome") or ""


def test_from_consent_to_withdrawal(site: Site) -> None:
    page = site.paired(site.camera(grace_hopper()))
    agree(page)
    address = page.get_by_role("link", name="Open it here").get_attribute("href") or ""
    assert look(page) == "enrolled"
    page.get_by_role("button", name="Go on with my face").click()
    assert look(page) == "match"

    receipt = site.page()
    receipt.goto(f"{site.url}/r#{address.partition('#')[2]}")
    expect(receipt.get_by_role("heading", name="Every use of your yes")).to_be_visible()
    expect(receipt.get_by_text("verification: the same person")).to_be_visible()
    expect(receipt.get_by_text("enrolment: done; numbers are kept, sealed")).to_be_visible()
    receipt.get_by_role("button", name="Take my yes back").click()
    expect(receipt.get_by_role("heading", name="Certificate of erasure")).to_be_visible()

    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name="With my face").click()
    page.get_by_label("Booking number").fill("booking-4711")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("Before you decide")).to_be_visible()
