"""The officer's way through filing in a browser: from below the line over the authority's questions to the history."""

from pathlib import Path

from playwright.sync_api import Page, expect

from countenance.filing.documents.answers import read_answer
from countenance.filing.documents.questions import QUESTIONS
from countenance.operations.assess import Asking, answer
from tests.browser.guest import press
from tests.browser.walk import CANARY, WIDE, Walk
from tests.database import OPERATOR, PURPOSE
from tests.doors.authority_front import CLERK, AuthorityFront
from tests.doors.paired import authority_beside, correspondence, grown
from tests.operations.people import figures, known
from tests.operations.signing import PASSWORD, member

AT = "/console/filing"


def filing(walk: Walk, postgres: str, folder: Path) -> None:
    """Walk all pages about filing, with an authority of the hotel's own."""
    hotel, page = walk.site.hotel, _signed_in(walk)
    known(hotel, 9_400)
    grown(hotel, figures(hotel).persons, in_backups=118)
    page.goto(AT)
    page.click("details summary")
    walk.see(page, "filing")
    press(page, "form[action$='/count'] button")
    walk.see(page, "filing-counted")
    page.goto(f"{AT}/authority")
    walk.see(page, "filing-unpaired")
    page.goto(f"{AT}/history")
    walk.see(page, "filing-warned")
    known(hotel, 600, "late")
    grown(hotel, figures(hotel).persons, in_backups=118)
    page.goto(AT)
    walk.see(page, "filing-due-unpaired")
    with authority_beside(hotel, postgres, folder) as authority:
        _pair(walk, page, authority)
        _file(walk, page, authority)
        _ask_back(walk, page, authority)
    press(page, "form[action$='/statement'] button")
    walk.see(page, "filing-waits")
    _documents(walk, page)
    _assessment(walk, page)
    page.goto(f"{AT}/history")
    walk.see(page, "filing-history")


def _signed_in(walk: Walk) -> Page:
    person = member(walk.site.hotel)
    page = walk.site.page(locale=walk.locale, viewport=WIDE)
    page.goto("/console/sign-in")
    page.fill("#staff", person.staff_id)
    page.fill("#password", PASSWORD)
    page.fill("#code", person.code())
    press(page, "main button")
    return page


def _pair(walk: Walk, page: Page, authority: AuthorityFront) -> None:
    page.goto(f"{AT}/authority")
    page.fill("#url", authority.url)
    page.fill("#code", CANARY)
    press(page, "form[action$='/pair'] button")
    walk.see(page, "filing-pair-wrong")
    expect(page.locator("#url")).to_have_value(authority.url)
    page.fill("#code", authority.desk.code(CLERK).code)
    press(page, "form[action$='/pair'] button")
    walk.see(page, "filing-paired")


def _file(walk: Walk, page: Page, authority: AuthorityFront) -> None:
    page.goto(AT)
    walk.see(page, "filing-due")
    press(page, "form[action$='/file'] button")
    walk.see(page, "filing-sent")
    (case,) = authority.desk.cases()
    assert len(authority.desk.case(case.case_id).said[0].attached) > 1


def _ask_back(walk: Walk, page: Page, authority: AuthorityFront) -> None:
    desk = authority.desk
    (case,) = desk.cases()
    desk.ask(case.case_id, CLERK, f"How many of them are guests?\n{CANARY}")
    desk.assign(desk.parties()[0].party_id, "Harbour")
    desk.issue_group_key("Harbour", CLERK)
    press(page, f"form[action='{AT}/authority'] button")
    walk.see(page, "filing-asked")
    page.fill("textarea", CANARY)
    press(page, "form[action$='/answer'] button")
    walk.see(page, "filing-answered")
    press(page, "form[action$='/share'] button")
    press(page, "form[action$='/statement'] button")
    desk.give_back(case.case_id, CLERK, CANARY)
    press(page, f"form[action='{AT}/authority'] button")
    walk.see(page, "filing-returned")
    page.goto(AT)
    walk.see(page, "filing-due-again")
    page.goto(f"{AT}/authority")


def _documents(walk: Walk, page: Page) -> None:
    page.goto(f"{AT}/documents")
    page.locator("details summary").first.click()
    walk.see(page, "filing-documents")
    for link, ending in (("a[href*='form=html']", ".html"), ("a[href*='/package']", ".zip")):
        with page.expect_download() as saved:
            page.locator(link).first.click()
        assert saved.value.suggested_filename.endswith(ending)
        # What is saved passes by those who watch the pages; fetched once more, its headers are looked at as theirs are.
        page.locator(link).first.evaluate("async (each) => (await fetch(each.href)).arrayBuffer()")
    page.select_option("#act", "deregistration")
    press(page, "main form button")
    walk.see(page, "filing-documents-deregistration")


def _assessment(walk: Walk, page: Page) -> None:
    page.goto(f"{AT}/assessment/{PURPOSE}")
    walk.see(page, "filing-assessment")
    page.locator("textarea:visible").first.fill(CANARY)
    page.locator("details[open] form button").click()
    page.wait_for_url("**#q-*")
    walk.see(page, "filing-assessment-answered")
    hotel = walk.site.hotel
    given = {each.id: read_answer({"text": CANARY, "gauge": 1 if each.asks == "step" else None}) for each in QUESTIONS}
    sources = correspondence(hotel, walk.site.settings).sources
    answer(sources, Asking(OPERATOR, PURPOSE, "console", hotel.clock()), given)
    page.goto(f"{AT}/assessment/{PURPOSE}")
    press(page, "form[action$='/sign'] button")
    walk.see(page, "filing-assessment-signed")
