"""What tests in a browser share: the demo hotel with its pages, a real Chromium, and a camera fed from photographs."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, sync_playwright

from countenance import access
from countenance.app import make_application
from countenance.reception.metrics import Metrics
from countenance.settings import Settings
from countenance.vocabulary import Role
from tests.browser.camera import clip
from tests.browser.watch import Watch
from tests.database import KIOSK, OPERATOR, Clock, Hotel
from tests.doors.conftest import ALL_READY, served

#: Names under which systems install the browser; Playwright's own is not needed.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def browser_path() -> str | None:
    """Return where the browser is, None where there is none."""
    named = os.environ.get("CHROMIUM")
    return next((path for name in ([named] if named else BROWSERS) if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def playwright_driver() -> Iterator[Playwright]:
    """Yield Playwright, which drives a browser that is installed already."""
    if browser_path() is None:
        reason = "no Chromium: install it (apt-get install chromium) or name it in CHROMIUM; `.ci/run` does"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def browser(playwright_driver: Playwright) -> Iterator[Browser]:
    """Yield a browser without a camera."""
    made = playwright_driver.chromium.launch(executable_path=browser_path(), headless=True, args=[*QUIET])
    yield made
    made.close()


@dataclass
class Site:
    """The demo hotel's pages at an address, and what a test needs to walk them."""

    url: str
    hotel: Hotel
    settings: Settings
    contexts: ExitStack = field(repr=False)
    browser: Browser = field(repr=False)
    driver: Playwright = field(repr=False)
    folder: Path = field(repr=False)
    watch: Watch
    opened: list[Page] = field(default_factory=list, repr=False)

    def page(self, browser: Browser | None = None, **options: Any) -> Page:
        """Return a fresh page; what is wrong with what it fetches, logs or throws fails the test at its end."""
        context: BrowserContext = (browser or self.browser).new_context(base_url=self.url, **options)
        self.contexts.callback(context.close)
        self.watch.over(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        self.opened.append(page)
        return page

    @property
    def film(self) -> Path:
        """Return the clip that the camera plays."""
        return self.folder / "film.y4m"

    def camera(self, *pictures: Image.Image, frames_each: int = 1) -> Browser:
        """Return a browser whose camera shows the pictures, one after the other, again and again."""
        film = self.before(*pictures, frames_each=frames_each)
        made = self.driver.chromium.launch(
            executable_path=browser_path(),
            headless=True,
            args=[
                *QUIET,
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        self.contexts.callback(made.close)
        return made

    def before(self, *pictures: Image.Image, frames_each: int = 1) -> Path:
        """Put other pictures before the camera; it shows them when it is opened the next time."""
        return clip(list(pictures), self.film, frames_each)

    def credential(self, role: Role, **more: Any) -> str:
        """Make a credential and return its token."""
        house = self.hotel.house
        with house.database.transaction() as tx:
            device = KIOSK if role is Role.DEVICE else None
            return access.issue(tx, OPERATOR, role, label="test", at=house.clock(), device_id=device, **more).token

    def paired(self, browser: Browser | None = None, **options: Any) -> Page:
        """Return the first page of the kiosk, in a browser that staff have paired."""
        page = self.page(browser, **options)
        page.goto(f"/kiosk/{KIOSK}/pair#{self.credential(Role.DEVICE)}")
        page.wait_for_url(f"**/kiosk/{KIOSK}")
        return page


@pytest.fixture
def make_site(
    hotel: Hotel, browser: Browser, playwright_driver: Playwright, tmp_path: Path
) -> Iterator[Callable[..., Site]]:
    """Return a maker of sites, each with settings of its own."""
    sites: list[Site] = []
    with ExitStack() as stack:

        def make(**changes: Any) -> Site:
            metrics = Metrics()
            counted = hotel.with_house(count=metrics.count)
            settings = Settings(**changes)
            api = make_application(counted.house, settings, lambda: dict(ALL_READY), metrics)
            url = stack.enter_context(served(api))
            folder = tmp_path / "films"
            folder.mkdir(exist_ok=True)
            made = Site(url, counted, settings, stack, browser, playwright_driver, folder, Watch(url))
            sites.append(made)
            return made

        yield make
    assert [wrong for site in sites for wrong in site.watch.wrong] == []


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Return the demo hotel's pages with the default settings."""
    return make_site()


@pytest.fixture
def moving(clock: Clock) -> Clock:
    """Return the hotel's clock, for tests that walk through days."""
    return clock
