"""Watches a browser: what it asks for and of whom, what it is answered with, what its scripts complain of."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Request, Response, WebError

from countenance.pages import pages

#: What the policy of every page says, whatever else it says.
POLICY = ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'", "script-src 'self'")
ALL_PAGES = [
    (page.method, re.compile(re.sub(r"\{[^}]+\}", "[^/]+", page.path) + "$"), f"{page.method} {page.path}")
    for page in pages()
]


@dataclass
class Watch:
    """Everything a browser did at one site: which pages it was shown, and what was wrong with any of it."""

    url: str
    shown: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Begin to watch a context."""
        context.on("console", self._said)
        context.on("weberror", self._threw)
        context.on("request", self._asked)
        context.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # A refusal has a status of its own, which the browser reports as a failure to load.
        if message.type in {"error", "warning"} and not message.text.startswith("Failed to load resource"):
            self.wrong.append(f"console: {message.text}")

    def _threw(self, error: WebError) -> None:
        self.wrong.append(f"thrown: {error.error.message}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self.url, "data:", "blob:")):
            self.wrong.append(f"another host was asked: {request.url}")

    def _answered(self, response: Response) -> None:
        path, headers = urlsplit(response.url).path, response.headers
        if not response.url.startswith(self.url) or path.startswith(("/pages/", "/log/")):
            return  # no pages: scripts, and the log that is anybody's to read
        label = next(
            (name for method, form, name in ALL_PAGES if method == response.request.method and form.match(path)), None
        )
        if label is None:
            self.wrong.append(f"no page: {response.request.method} {path}")
            return
        self.shown.add(label)
        self.wrong += [f"{label} {response.status}: {wrong}" for wrong in unlawful(path, headers)]


def unlawful(path: str, headers: dict[str, str]) -> list[str]:
    """Return what is wrong with the headers of a page: nothing may be kept, framed, run or fetched from elsewhere."""
    policy, wrong = headers.get("content-security-policy", ""), []
    html = headers.get("content-type", "").startswith("text/html")
    if html and any(part not in policy for part in POLICY):
        wrong.append(f"policy {policy!r}")
    if "unsafe" in policy or "*" in policy or "http" in policy:
        wrong.append(f"policy {policy!r}")
    for name, value in (("cache-control", "no-store"), ("x-content-type-options", "nosniff")):
        if headers.get(name) != value:
            wrong.append(f"{name} {headers.get(name)!r}")
    may = headers.get("permissions-policy", "")
    if html and ("microphone=()" not in may or ("camera=()" not in may and not path.startswith("/kiosk/"))):
        wrong.append(f"permissions {may!r}")
    if html and not headers.get("content-language"):
        wrong.append("no language")
    return wrong
