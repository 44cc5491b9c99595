"""Looks at a page as everybody has to: with axe by light and by dark, on a telephone, for what it runs and escapes."""

import io
import json
import os
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import Site

#: What somebody types who means harm: it must come back as the words it is, wherever it comes back.
CANARY = '"><img src=x onerror=canary()><script>canary()</script>'
PHONE = 360
WIDE = {"width": 1000, "height": 700}
COLOURS = 24
#: What no page has: code or style in itself, what only an injected canary makes, a page that goes away by itself.
_INJECTED = (
    "script:not([src]), style, [style]:not([style='']), img[src=x], meta[http-equiv], "
    "[onclick], [onerror], [onload], [onsubmit], iframe, object, embed"
)
_SEEN = """(injected) => ({
    lang: document.documentElement.lang,
    headings: document.querySelectorAll("h1").length,
    injected: [...document.querySelectorAll(injected)].map((each) => each.outerHTML.slice(0, 80)),
    twice: [...document.querySelectorAll("[id]")].map((each) => each.id).filter((id, at, all) => all.indexOf(id) < at),
    raw: (document.body.innerText.match(/undefined|\\[object|None\\b|\\bTrue\\b|Text\\(|Markup\\(/g) || []),
})"""


@cache
def _axe() -> str:
    return str(Axe().axe_script)


@dataclass
class Walk:
    """A walk through pages in one language, with what was seen and what was wrong."""

    site: Site
    language: str
    seen: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def locale(self) -> str:
        """Return the language as a browser asks for it."""
        return {"en": "en-GB", "zh": "zh-CN"}[self.language]

    def see(self, page: Page, name: str) -> None:
        """Look at the page as it stands now; what is wrong is kept, so that one walk finds all of it."""
        self.seen.append(name)
        found: dict[str, Any] = page.evaluate(_SEEN, _INJECTED)
        if not found["lang"].startswith(self.language):
            self._note(name, f"lang {found['lang']}")
        if found["headings"] != 1:
            self._note(name, f"{found['headings']} first headings")
        for wrong in ("injected", "twice", "raw"):
            if found[wrong]:
                self._note(name, f"{wrong}: {found[wrong]}")
        self._accessible(page, name)
        self._keep(page, name)
        page.set_viewport_size({"width": PHONE, "height": 740})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > PHONE:
            self._note(name, f"{wide} pixels wide on a telephone")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    def _accessible(self, page: Page, name: str) -> None:
        page.evaluate(_axe())
        self._axe(page, name, {"resultTypes": ["violations"]})
        page.emulate_media(color_scheme="dark")
        self._axe(page, f"{name}, dark", {"runOnly": ["color-contrast"], "resultTypes": ["violations"]})
        page.emulate_media(color_scheme="light")

    def _axe(self, page: Page, name: str, options: dict[str, Any]) -> None:
        found: list[dict[str, Any]] = page.evaluate(
            "async (options) => (await axe.run(document, options)).violations.map((each) => "
            "({id: each.id, impact: each.impact, where: each.nodes.map((node) => node.html.slice(0, 120))}))",
            options,
        )
        for each in found:
            if each["impact"] in {"serious", "critical"}:
                self._note(name, f"axe {each['id']}: {json.dumps(each['where'][:3], ensure_ascii=False)}")

    def _keep(self, page: Page, name: str) -> None:
        folder = os.environ.get("PICTURES")
        if not folder:
            return
        with Image.open(io.BytesIO(page.screenshot(full_page=True))) as shot:
            small = shot.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        Path(folder).mkdir(parents=True, exist_ok=True)
        small.save(Path(folder) / f"{name}.{self.language}.png", optimize=True)

    def _note(self, name: str, wrong: str) -> None:
        self.wrong.append(f"{name} ({self.language}): {wrong}")
