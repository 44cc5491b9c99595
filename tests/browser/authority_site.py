"""What tests of an authority's pages in a browser share: its server, browsers that come to it, how a page is seen."""

import hashlib
import json
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, Page, Response

from countenance.filing.exchange import LogAddress
from countenance.log.entries import LogEntry
from countenance.pages.authority import authority_pages
from tests.browser.guest import press
from tests.browser.walk import WIDE, Walk
from tests.browser.watch import Watch, unlawful
from tests.doors.authority_front import CLERK, PASSWORD, AuthorityFront
from tests.operations.witnessing import Log, served

NARROW = 320
PAGES = [
    (
        page.method,
        re.compile(re.sub(r"\{[^}]+\}", "[^/]+", page.path.replace("{name:path}", "{any}")) + "$"),
        page.label,
    )
    for page in authority_pages()
]


def typed(plain: str, harmful: str) -> str:
    """Return what is typed into a page: what means harm, or what a clerk would write where pictures are made of it."""
    return plain if os.environ.get("PICTURES") else harmful


class Seen(Watch):
    """Watches a browser at an authority."""

    def _answered(self, response: Response) -> None:
        path = urlsplit(response.url).path
        if path.startswith("/pages/"):
            return
        asked = (response.request.method, path)
        label = next((name for method, form, name in PAGES if method == asked[0] and form.match(path)), None)
        if label is None and path.startswith("/desk/groups/"):
            label = "GET /desk/groups/{name}"
        if label is None and response.status != httpx.codes.NOT_FOUND:
            self.wrong.append(f"no page: {asked}")
        elif label is not None:
            self.shown.add(label)
        self.wrong += [f"{label} {response.status}: {wrong}" for wrong in unlawful(path, response.headers)]


class Look(Walk):
    """Looks at a page as everybody has to, and once more where it is as narrow as a page gets; axe finds nothing."""

    def see(self, page: Page, name: str) -> None:
        """Look at the page as it stands now."""
        super().see(page, name)
        page.set_viewport_size({"width": NARROW, "height": 640})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > NARROW:
            self._note(name, f"{wide} pixels wide at {NARROW}")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    def _keep(self, page: Page, name: str) -> None:
        super()._keep(page, f"authority-{name}")  # the operator's pages have some of the same names

    def _axe(self, page: Page, name: str, options: dict[str, Any]) -> None:
        found: list[dict[str, Any]] = page.evaluate(
            "async (options) => (await axe.run(document, options)).violations.map((each) => "
            "({id: each.id, where: each.nodes.map((node) => node.html.slice(0, 120))}))",
            options,
        )
        for each in found:
            self._note(name, f"axe {each['id']}: {json.dumps(each['where'][:3], ensure_ascii=False)}")


@dataclass
class Office:
    """An authority's server, and browsers that come to it."""

    front: AuthorityFront
    browser: Browser = field(repr=False)
    contexts: ExitStack = field(repr=False)
    folder: Path = field(repr=False)
    watch: Seen

    def page(self, **options: Any) -> Page:
        """Return a fresh page; what is wrong with what it fetches, logs or throws fails the test at its end."""
        context = self.browser.new_context(base_url=self.front.url, viewport=WIDE, **options)  # type: ignore[arg-type]
        self.contexts.callback(context.close)
        self.watch.over(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        return page

    def sign_in(self, page: Page, password: str = PASSWORD) -> None:
        """Sign a clerk in."""
        page.goto("/desk/sign-in")
        page.fill("#name", CLERK)
        page.fill("#password", password)
        press(page, "main button")

    def log(self) -> tuple[Log, LogAddress]:
        """Return a log that is served, in which the statement of today stands."""
        log = Log(self.folder / "log")
        entry = LogEntry(self.front.clock(), "statement", hashlib.sha256(b"today").digest()).encoded()
        log.files.extend(0, [entry])
        log.size = 1
        log.files.publish(log.note())
        address = self.contexts.enter_context(served(log.files.directory))
        return log, LogAddress(vkey=log.vkey, url=f"{address}/")
