"""The facts on file: established from what was declared, signed, checked and reported, and unknown where nobody did."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from countenance.errors import NotFoundError
from countenance.facts import Facts
from countenance.operations.enrol import enrol
from countenance.operations.parts import Enrolled, NotAcquired, Refused
from countenance.operations.report import report
from countenance.sites.apply import apply
from countenance.sites.declaration import read_site
from countenance.store.gathering import Question, gather
from countenance.vocabulary import Action, AssessmentState
from tests import pictures
from tests.database import DEVICE, HOTEL, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel, enrolment

TEXT = HOTEL.read_text(encoding="utf-8")
SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = '        hours: {mon: ["07:00-12:00", "13:00-24:00"], tue: []}\n'


def facts(hotel: Hotel, **changes: object) -> Facts:
    """Gather the facts of an enrolment at the kiosk."""
    asked = Question(
        operator_id=OPERATOR,
        action=Action.ENROL,
        at=hotel.clock(),
        purpose=PURPOSE,
        device_id=KIOSK,
        subject_ref="guest",
        session=SESSION,
    )
    with hotel.house.database.transaction() as tx:
        return gather(tx, replace(asked, **changes)).facts  # type: ignore[arg-type]


def declare(hotel: Hotel, change: Callable[[str], str]) -> None:
    """Apply the hotel's file with a change."""
    with hotel.house.database.transaction() as tx:
        assert apply(tx, read_site(change(TEXT).encode()), hotel.clock()), "the change changed nothing"


def available(hotel: Hotel) -> bool | None:
    """Return the fact about the other way."""
    found = facts(hotel).alternative
    assert found is not None
    return found.available


def test_an_assessment_covers_what_it_was_signed_for_and_nothing_later(hotel: Hotel) -> None:
    def assessment() -> AssessmentState | None:
        found = facts(hotel).purpose
        assert found is not None
        return found.assessment

    assert assessment() is AssessmentState.CURRENT
    longer = (
        TEXT.replace("retention_days: 30", "retention_days: 60").replace("30 days", "60 days").replace("30 天", "60 天")
    )
    declare(hotel, lambda site: longer)
    assert assessment() is AssessmentState.STALE
    signed = longer.replace("signed_on: 2026-10-01", "signed_on: 2026-11-20")
    declare(hotel, lambda site: signed)
    assert assessment() is AssessmentState.CURRENT
    hotel.clock.now = datetime(2027, 10, 1, 0, 1, tzinfo=SHANGHAI)
    assert assessment() is AssessmentState.STALE
    declare(
        hotel, lambda site: signed[: signed.index("    assessment:")] + signed[signed.index("    major_interest") :]
    )
    assert assessment() is AssessmentState.NONE


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: counter", "kind: lobby"),
        ("area: [[0, 0], [1, 0], [1, 1], [0, 1]]", "area: [[0, 0], [1, 0], [1, 1]]"),
        ("Numbers are computed from it", "A number is computed from it"),
        ("      desk:\n        purpose: check-in", "      other-desk:\n        purpose: check-in"),
    ],
)
def test_a_change_of_place_camera_notice_or_alternative_makes_it_stale(hotel: Hotel, before: str, after: str) -> None:
    assert before in TEXT
    declare(hotel, lambda site: site.replace(before, after))

    found = facts(hotel).purpose
    assert found is not None
    assert found.assessment is AssessmentState.STALE


def test_a_new_name_or_a_new_check_of_the_sign_does_not(hotel: Hotel) -> None:
    declare(hotel, lambda site: site.replace("checked_on: 2026-11-01", "checked_on: 2026-11-20"))
    declare(hotel, lambda site: site.replace("The counter in the lobby", "The desk in the lobby"))

    found = facts(hotel).purpose
    assert found is not None
    assert found.assessment is AssessmentState.CURRENT


def test_what_nobody_vouches_for_of_a_place_is_unknown(hotel: Hotel) -> None:
    unsigned = "        declared: {by: The general manager, on: 2026-10-01}\n"
    declare(hotel, lambda site: site.replace(unsigned, ""))
    hotel.consent("guest")

    found = facts(hotel).place
    assert found is not None
    assert (found.kind, found.private, found.public) == (None, None, None)
    answer = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral())
    assert isinstance(answer, Refused)
    assert {fact for finding in answer.findings for fact in finding.facts} >= {"place.kind", "place.private"}


def test_a_sign_is_current_for_ninety_days_after_a_check_with_a_photograph(hotel: Hotel) -> None:
    def current() -> bool | None:
        found = facts(hotel).device
        assert found is not None
        return found.sign_current

    hotel.clock.now = datetime(2027, 1, 30, 23, 0, tzinfo=SHANGHAI)
    assert current() is True
    hotel.clock.now = datetime(2027, 1, 31, 0, 1, tzinfo=SHANGHAI)
    assert current() is False


@pytest.mark.parametrize(
    ("at", "open_then"),
    [
        (datetime(2026, 11, 30, 6, 59, tzinfo=SHANGHAI), False),
        (datetime(2026, 11, 30, 7, 0, tzinfo=SHANGHAI), True),
        (datetime(2026, 11, 30, 12, 0, tzinfo=SHANGHAI), False),
        (datetime(2026, 11, 30, 23, 59, tzinfo=SHANGHAI), True),
        (datetime(2026, 12, 1, 10, 0, tzinfo=SHANGHAI), False),
        (datetime(2026, 12, 2, 10, 0, tzinfo=SHANGHAI), False),
    ],
)
def test_outside_its_hours_the_other_way_is_not_there(hotel: Hotel, at: datetime, open_then: bool) -> None:
    line = "        title: {en: Key card at the desk, zh: 前台办理房卡}\n"
    declare(hotel, lambda site: site.replace(line, line + HOURS))
    hotel.clock.now = at

    assert available(hotel) is open_then


def test_the_face_path_closes_with_the_desk_and_opens_with_it(hotel: Hotel) -> None:
    hotel.consent("guest")
    verified = hotel.enrol("guest", pictures.admiral())
    assert verified

    assert report(hotel.house, OFFICER, "desk", working=False)
    assert available(hotel) is False
    assert not report(hotel.house, DEVICE, "desk", working=False)
    assert report(hotel.house, DEVICE, "desk", working=True)
    assert available(hotel) is True
    with pytest.raises(NotFoundError):
        report(hotel.house, DEVICE, "no-desk", working=True)


def test_without_its_sign_of_life_the_other_way_is_down(hotel: Hotel) -> None:
    line = "        title: {en: Key card at the desk, zh: 前台办理房卡}\n"
    declare(hotel, lambda site: site.replace(line, line + "        heartbeat_minutes: 5\n"))

    assert available(hotel) is False
    report(hotel.house, DEVICE, "desk", working=True)
    assert available(hotel) is True
    hotel.clock.forward(minutes=5, seconds=1)
    assert available(hotel) is False


def test_nobody_outside_the_area_is_detected(hotel: Hotel) -> None:
    whole, right_half = "[[0, 0], [1, 0], [1, 1], [0, 1]]", "[[0.5, 0], [1, 0], [1, 1], [0.5, 1]]"
    declare(hotel, lambda site: site.replace(whole, right_half).replace("signed_on: 2026-10", "signed_on: 2026-11"))
    hotel.consent("guest")

    right = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.two_faces())
    nobody = enrol(hotel.house, DEVICE, enrolment("guest"), pictures.admiral()[:0] + left_half())

    assert isinstance(right, Enrolled), "the face outside was counted"
    assert isinstance(nobody, NotAcquired), "a face outside was found"


def left_half() -> bytes:
    """Return a photograph whose only face lies in its left half."""
    wide = pictures.Image.new("RGB", (1024, 600), (128, 128, 128))
    with pictures.Image.open(pictures.io.BytesIO(pictures.admiral())) as picture:
        wide.paste(picture.resize((500, 586)), (0, 0))
    return pictures.jpeg(wide)
