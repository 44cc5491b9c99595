"""Measures whether two answers on a page weigh the same: box, type, contrast, and the way to each by keyboard."""

from typing import Any

from playwright.sync_api import Locator, Page

_LOOKS = (
    "fontSize",
    "fontWeight",
    "fontFamily",
    "color",
    "backgroundColor",
    "borderTopColor",
    "borderTopWidth",
    "opacity",
    "boxShadow",
    "textDecorationLine",
    "cursor",
)


def looks(button: Locator) -> dict[str, Any]:
    """Return what a person sees of a button, without its words."""
    found: dict[str, Any] = button.evaluate(
        "(each, names) => { const style = getComputedStyle(each);"
        " return Object.fromEntries(names.map((name) => [name, style[name]])); }",
        list(_LOOKS),
    )
    return found


def alike(page: Page, one: Locator, other: Locator) -> None:
    """Fail unless two answers are of one size and look, in one row or column, both in sight, neither chosen before."""
    first, second = one.bounding_box(), other.bounding_box()
    assert first is not None
    assert second is not None
    assert abs(first["width"] - second["width"]) <= 1
    assert abs(first["height"] - second["height"]) <= 1
    assert abs(first["y"] - second["y"]) <= 1 or abs(first["x"] - second["x"]) <= 1
    assert looks(one) == looks(other)
    assert one.is_enabled()
    assert other.is_enabled()
    focused = page.evaluate("document.activeElement && document.activeElement.tagName")
    assert focused not in {"BUTTON", "A"}, "one of the answers is chosen before the person chose"


def steps_by_keyboard(page: Page, button: Locator, most: int = 40) -> int:
    """Return how often Tab has to be pressed from the top of the page until `button` is reached."""
    page.evaluate("document.activeElement && document.activeElement.blur()")
    page.locator("body").press("Home")
    handle = button.element_handle()
    for pressed in range(1, most + 1):
        page.keyboard.press("Tab")
        if page.evaluate("(each) => document.activeElement === each", handle):
            return pressed
    message = "the button cannot be reached by keyboard"
    raise AssertionError(message)
