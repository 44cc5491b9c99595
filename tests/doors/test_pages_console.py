"""The console: authorisations are asked for in it, and it shows how near the lines are at which filing begins."""

import re
from datetime import date, timedelta

import pytest

from countenance.filing.calendar import Deadline
from countenance.filing.duty import FilingReport
from countenance.filing.lines import Line
from countenance.filing.raising import look
from countenance.pages.console import Filing, nearest
from countenance.store import authorisations
from countenance.store.authorisations import AuthorisationRow
from countenance.store.persons import Figures
from countenance.vocabulary import FilingCause, FilingKind, FilingState
from tests.database import KIOSK, OPERATOR, PURPOSE, ROOM_CAMERA, Hotel
from tests.doors.fronts import Front
from tests.operations.governed import bodies
from tests.operations.signing import member
from tests.operations.test_filing import START, strangers

# --- authorisations --------------------------------------------------------------------------------------------------


def asking(hotel: Hotel, **changes: object) -> dict[str, object]:
    """Return what an officer fills in for an emergency of the next hours; times are those of the clock at the venue."""
    local = hotel.clock() + timedelta(hours=8)
    return {
        "purpose": PURPOSE, "ground": "emergency", "requester": "The parents", "requested_by_subject": "yes",
        "issuer": "City police", "reference": "2026-1123-07", "devices": [KIOSK, ROOM_CAMERA],
        "subjects": "guest\r\n  other  \r\n", "ends_at": f"{local + timedelta(hours=3):%Y-%m-%dT%H:%M}",
    } | changes  # fmt: skip


def on_file(hotel: Hotel) -> list[AuthorisationRow]:
    """Return the authorisations on file."""
    with hotel.house.database.transaction() as tx:
        return authorisations.listed(tx, OPERATOR, 10)


def test_an_authorisation_is_asked_for_in_the_console_and_two_others_approve_it(front: Front) -> None:
    hotel = front.hotel
    hotel.consent("guest")
    hotel.consent("other")
    people = [member(hotel) for _ in range(3)]
    asks, first, second = (front.officer(each) for each in people)

    answer = asks.post("/console/authorisations", asking(hotel))

    assert (answer.status_code, answer.headers["location"]) == (303, "/console/authorisations")
    (row,) = on_file(hotel)
    assert (row.asked_by_staff, row.subjects_named, row.devices) == (people[0].staff_id, 2, [KIOSK, ROOM_CAMERA])
    assert (row.requested_by_subject, row.requester) == (True, "The parents")
    assert timedelta(hours=2, minutes=58) < row.ends_at - hotel.clock() <= timedelta(hours=3)
    path = f"/console/authorisations/{row.authorisation_id}"
    assert asks.post(path, {"act": "approve"}).status_code == 403
    for each in (first, second):
        assert "waits for approval" in each.get("/console/authorisations").text
        assert each.post(path, {"act": "approve"}).status_code == 303
    assert re.search(r">runs<", asks.get("/console/authorisations").text)
    assert [body["outcome"] for body in bodies(hotel) if body["kind"] == "authorisation"] == [
        "approved", "approved", "asked",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ends_at": "2020-01-01T10:00"}, "ends after it starts and after now"),
        ({"ends_at": "2099-01-01T10:00"}, "within 24 hours in an emergency"),
        ({"subjects": "guest\nstranger"}, "One of the subjects is not on file"),
        ({"subjects": "\n".join(f"guest-{number}" for number in range(65))}, "names 64 persons at most"),
        ({"devices": ["nowhere"]}, "The purpose or a device is not on file"),
    ],
)
def test_what_cannot_be_asked_for_says_why_and_stands_in_the_form(
    front: Front, changes: dict[str, object], says: str
) -> None:
    front.hotel.consent("guest")
    front.hotel.consent("other")
    answer = front.officer().post("/console/authorisations", asking(front.hotel, **changes))
    assert answer.status_code == 400
    assert says in answer.text
    for value in ("The parents", "City police", "2026-1123-07"):
        assert f'value="{value}"' in answer.text
    assert re.search(r'name="requested_by_subject" value="yes" required checked', answer.text)
    assert on_file(front.hotel) == []


@pytest.mark.parametrize("field", ["ground", "requester", "requested_by_subject", "issuer", "devices", "ends_at"])
def test_what_is_left_out_is_not_made_up(front: Front, field: str) -> None:
    asked = asking(front.hotel)
    del asked[field]
    assert front.officer().post("/console/authorisations", asked).status_code == 400
    assert on_file(front.hotel) == []


# --- the duty to file ------------------------------------------------------------------------------------------------


def test_the_console_shows_how_near_the_lines_are(front: Front) -> None:
    front.hotel.clock.now = START
    strangers(front.hotel, 5_000)
    page = front.officer().get("/console/filing").text
    assert "Persons at most: <strong>5,000</strong> · the line is 10,001 · 49 %" in page
    assert "the line is 100,000 · 5 %" in page
    assert page.count("not due") == 2
    assert re.search(r'<p class="figure">49 %</p>', front.officer().get("/console").text)


def test_a_duty_that_began_has_its_last_day_in_the_console(front: Front) -> None:
    front.hotel.clock.now = START
    strangers(front.hotel, 10_001)
    with front.hotel.house.database.transaction() as tx:
        assert look(tx, front.hotel.house.packs, OPERATOR, front.hotel.clock()) == ["cn-2023-draft"]
    officer = front.officer()
    page = officer.get("/console/filing").text
    assert "2026-12-14" in page
    assert page.count("30 working days left") == 2
    assert "file by 2026-12-14" in officer.get("/console").text
    front.hotel.clock.forward(days=43)
    late = front.officer()
    assert "overdue" in late.get("/console").text


def report(
    state: FilingState | None, percent: int, ends: date | None = None, number: str | None = None
) -> FilingReport:
    """Return a report of one pack."""
    return FilingReport(
        pack="x", state=state, figures=Figures(persons=percent), public_devices=0, line=Line(100, None, 30),
        cause=FilingCause.PERSONS if ends else None, raised_on=None,
        deadline=None if ends is None else Deadline(ends, provisional=False), working_days_left=None, number=number,
        filed_on=None,
        demands=FilingKind.FIRST if state in {FilingState.DUE, FilingState.OVERDUE} else None,
    )  # fmt: skip


def test_the_overview_shows_what_needs_somebody_most() -> None:
    due, late = date(2026, 12, 14), date(2026, 11, 2)
    assert nearest([]) == Filing("not_due", None, None)
    assert nearest([report(FilingState.NOT_DUE, 3), report(None, 2)]) == Filing("unknown", None, 3)
    assert nearest([report(None, 2), report(FilingState.DUE, 120, due)]) == Filing("due", due, 120)
    both = [report(FilingState.DUE, 120, due), report(FilingState.OVERDUE, 140, late)]
    assert nearest(both) == Filing("overdue", late, 140)
    filed = [report(FilingState.FILED, 120, late, "ICP-7"), report(FilingState.NOT_DUE, 12)]
    assert nearest(filed) == Filing("not_due", None, 120)
