"""What a guest does in a browser, whatever the language: presses, walks to the questions, looks at the camera."""

from playwright.sync_api import Page

from tests.database import KIOSK

START = f"/kiosk/{KIOSK}"


def press(page: Page, selector: str) -> None:
    """Press a button that sends a form or a link, and wait for the page that comes."""
    with page.expect_navigation():
        page.locator(selector).first.click()


def say_who(page: Page, booking: str) -> None:
    """Begin with the face and say which booking it is."""
    press(page, "form[action$='/start'] button")
    page.fill("#subject", booking)
    press(page, "button[form=who]")


def to_questions(page: Page, booking: str) -> None:
    """Walk from the kiosk's first page to the first question."""
    say_who(page, booking)
    press(page, "button[value=adult]")


def look(page: Page) -> str:
    """Open the camera and return what came of it."""
    page.click("#look button")
    found = page.wait_for_selector("[data-outcome]")
    assert found is not None
    return found.get_attribute("data-outcome") or ""


def open_by_link(page: Page, address: str, path: str) -> None:
    """Open a page by a link with its secret behind #."""
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_url(f"**{path}")
