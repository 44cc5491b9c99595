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
    chosen = page.evaluate(
        "(which) => [...document.querySelectorAll(which)].map((each) => each.outerHTML)",
        "[autofocus], :checked, [selected], .choice [aria-pressed=true], .choice :focus",
    )
    assert chosen == [], "something is chosen before the person chose"


def apart_by_keyboard(page: Page, one: Locator, other: Locator, most: int = 60) -> int:
    """Return how many presses of Tab lie between two answers, from the top of the page."""
    page.evaluate("document.activeElement && document.activeElement.blur()")
    handles, reached = [one.element_handle(), other.element_handle()], [0, 0]
    for pressed in range(1, most + 1):
        page.keyboard.press("Tab")
        for number, handle in enumerate(handles):
            if not reached[number] and page.evaluate("(each) => document.activeElement === each", handle):
                reached[number] = pressed
        if all(reached):
            page.evaluate("document.activeElement.blur()")
            return abs(reached[0] - reached[1])
    message = "one of the answers cannot be reached by keyboard"
    raise AssertionError(message)
