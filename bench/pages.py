"""The pages on a server that has worked for years, and the guest before the kiosk's camera, in a real browser.

10,000 subjects with a consent each and 1,000,000 uses on record; each page of the console and of a person is fetched in
turn over one kept connection. At the kiosk a guest whose yes is on file presses start, and the time runs until the
answer is on the screen: opening the camera, both gates and the record included.
"""

import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
from PIL import Image
from playwright.sync_api import sync_playwright
from sqlalchemy import text

from bench.gather import FILL
from bench.hotel import DEVICE, PURPOSE, SESSION, SUBJECT, Running, agree, photograph, standing
from countenance import access
from countenance.client import Client
from countenance.operations.staff import add_staff
from countenance.store import embedded
from countenance.store.database import Database
from countenance.vocabulary import Role
from tests.browser.camera import clip

OPERATOR: Final = "harbour-hotel"
SUBJECTS, CONSENTS, RECORDS, OWN = 10_000, 10_000, 1_000_000, 200
FETCHES, WARM, LOOKS = 21, 3, 9
CONSOLE: Final = (
    "",
    "/desk",
    "/purposes",
    "/devices",
    "/consents",
    "/refusals",
    "/parity",
    "/requests",
    "/authorisations",
    "/filing",
    "/staff",
)
FLAGS: Final = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
)  # fmt: skip
TARGETS: Final = {
    "slowest page of the console, ms": ("≤", 50),
    "a person's own page, ms": ("≤", 50),
    "a person's receipt, ms": ("≤", 50),
    "first page with style, kB": ("≤", 100),
    "kiosk, from start to answer, s": ("≤", 2.0),
}


def measure(faces: Path) -> dict[str, float]:
    """Return milliseconds of each page, kilobytes of the first, and seconds at the kiosk; medians."""
    sample = photograph(faces)
    with tempfile.TemporaryDirectory(prefix="cn-") as folder, standing(Path(folder)) as hotel:
        receipt = _guest(hotel, sample)
        session, person = _fill(Path(folder))
        figures = _pages(hotel.url, session, person, receipt)
        figures["kiosk, from start to answer, s"] = _kiosk(hotel, sample, Path(folder))
    return figures


def _guest(hotel: Running, sample: bytes) -> str:
    """Let a guest consent and be enrolled; return the token of the receipt."""
    with Client(hotel.url, hotel.token) as client:
        given = agree(client)
        client.enrol(sample, subject=SUBJECT, purpose=PURPOSE, session=SESSION)
        client.verify(sample, subject=SUBJECT, purpose=PURPOSE, session=SESSION)
    return str(given["receipt"]["token"])


def _fill(folder: Path) -> tuple[str, str]:
    """Put years of work on record, some of it the guest's own; return a session of staff, and one of the guest."""
    database = Database(embedded.start(folder / "postgres"))
    at = datetime.now(UTC)
    numbers = {"o": OPERATOR, "p": PURPOSE, "at": at, "subjects": SUBJECTS, "consents": CONSENTS, "records": RECORDS}
    try:
        with database.transaction() as tx:
            add_staff(tx, OPERATOR, "bench", "officer", "The officer", at)
            staff = access.issue(
                tx, OPERATOR, Role.OFFICER, label="bench", at=at, staff_id="officer", session=True
            ).token
            guest = tx.execute(text("SELECT subject_id FROM subject WHERE ref = :ref"), {"ref": SUBJECT}).scalar_one()
            own = access.issue(tx, OPERATOR, Role.SUBJECT, label="bench", at=at, subject_id=guest).token
            tx.execute(text("SET LOCAL statement_timeout = 0"))
            for statement in (FILL[0], FILL[3]):
                tx.execute(text(statement.replace(_EVERYBODY, _OTHERS)), numbers)
            tx.execute(text(_RECORDS), numbers)
            tx.execute(text(_OWN), {"own": OWN})
        with database.reading() as tx:
            tx.execute(text("SET statement_timeout = 0"))
            tx.execute(text("VACUUM ANALYZE"))
    finally:
        database.close()
    return staff, own


#: The guest's own yes stays the newest: the others' are made beside it.
_EVERYBODY: Final = "FROM generate_series(1, :consents / :subjects), subject"
_OTHERS: Final = "FROM generate_series(1, :consents / :subjects), subject WHERE ref LIKE 'guest-%'"
#: The guest's verification, over and over, by everybody; a tenth of it was refused.
_RECORDS: Final = """INSERT INTO record (operator_id, record_id, at, kind, outcome, subject_mark, body, digest)
    SELECT operator_id, gen_random_uuid(), at, kind, CASE WHEN n % 10 = 0 THEN 'refused' ELSE outcome END,
    sha256((n % :subjects)::text::bytea), body, digest
    FROM (SELECT * FROM record WHERE kind = 'verify' ORDER BY number DESC LIMIT 1) one, generate_series(2, :records) n
    WHERE :o = operator_id AND :p <> '' AND :at >= at AND :consents > 0"""
_OWN: Final = """UPDATE record SET subject_mark = one.subject_mark
    FROM (SELECT subject_mark FROM record WHERE kind = 'enrol' ORDER BY number DESC LIMIT 1) one
    WHERE number IN (SELECT number FROM record WHERE kind = 'verify' ORDER BY number DESC LIMIT :own)"""


def _pages(url: str, session: str, person: str, receipt: str) -> dict[str, float]:
    """Return the median time of each page, as the browser's connection sees it."""
    figures: dict[str, float] = {}
    with httpx.Client(base_url=url, timeout=60, trust_env=False) as client:
        taken = {path or "/": _median(client, f"/console{path}", "countenance-staff", session) for path in CONSOLE}
        for path, each in taken.items():
            figures[f"console{path}, ms"] = each
        figures["slowest page of the console, ms"] = max(taken.values())
        figures["a person's own page, ms"] = _median(client, "/me/mine", "countenance-subject", person)
        figures["a person's receipt, ms"] = _median(client, "/r/mine", "countenance-receipt", receipt)
        first = client.get("/")
        style = [part.split('"')[0] for part in first.text.split('href="')[1:] if part.startswith("/pages/")]
        figures["first page with style, kB"] = (
            len(first.content) + sum(len(client.get(each).content) for each in style)
        ) / 1000
    return figures


def _median(client: httpx.Client, path: str, cookie: str, token: str) -> float:
    taken = []
    for number in range(WARM + FETCHES):
        start = time.perf_counter()
        answer = client.get(path, headers={"Cookie": f"{cookie}={token}"})
        spent = (time.perf_counter() - start) * 1e3
        if answer.status_code != 200:
            message = f"The bench fetches pages, and {path} answered {answer.status_code}."
            raise RuntimeError(message)
        if number >= WARM:
            taken.append(spent)
    return statistics.median(taken)


def _kiosk(hotel: Running, sample: bytes, folder: Path) -> float:
    """Return the seconds from pressing start until the answer stands there."""
    photo = folder / "sample.jpg"
    photo.write_bytes(sample)
    with Image.open(photo) as picture:
        film = clip([picture.convert("RGB")], folder / "film.y4m")
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    taken = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=path, headless=True, args=[*FLAGS, f"--use-file-for-fake-video-capture={film}"]
        )
        page = browser.new_page(base_url=hotel.url)
        page.goto(f"/kiosk/{DEVICE}/pair#{hotel.token}")
        page.wait_for_url(f"**/kiosk/{DEVICE}")
        for _ in range(LOOKS):
            _begin(page)
            start = time.perf_counter()
            page.get_by_role("button", name="Start the camera").click()
            found = page.wait_for_selector("[data-outcome]")
            taken.append(time.perf_counter() - start)
            if found is None or found.get_attribute("data-outcome") != "match":
                message = "The bench verifies a guest, and the guest was not matched."
                raise RuntimeError(message)
        browser.close()
    return statistics.median(taken)


def _begin(page: Any) -> None:
    page.goto(f"/kiosk/{DEVICE}")
    page.get_by_role("button", name="With my face").click()
    page.get_by_label("Booking number").fill(SUBJECT)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Start the camera").wait_for()
