"""Parity: the figures are right, the verdict turns exactly at the margin, a finding comes and goes once."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import MalformedError
from countenance.operations.parity import WINDOW, Verdict, judge, parity, watch
from countenance.operations.parts import Margins, Verified
from countenance.operations.verify import Claim, verify
from countenance.store.choices import Figures, Median, WayFigures
from countenance.vocabulary import Way
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Hotel
from tests.operations.governed import bodies
from tests.operations.measured import ANNEX, FACE, OTHER, SITE, VENUE, both, by_two, declare, row, take, turns


@pytest.fixture
def two(hotel: Hotel) -> Hotel:
    """Return the hotel judged by two measurements of each figure, at noon."""
    return by_two(hotel)


def test_the_figures_are_the_counts_and_the_medians(two: Hotel) -> None:
    take(two, FACE, (41, 2), (10, 3), (30, 7), (20, 3), (None, None))
    take(two, OTHER, (60, 4), (45, None), (50, 5))
    take(two, OTHER, (None, 4), caller=OFFICER)
    take(two, Way.REFUSED, (5, 1), (900, 50))
    take(two, Way.ABANDONED, (1000, 1))

    found = row(two)

    assert found.figures == Figures(
        VENUE,
        PURPOSE,
        face=WayFigures(5, Median(25.0, 4), Median(3.0, 4)),
        alternative=WayFigures(4, Median(50.0, 3), Median(4.0, 3)),
        refused=2,
        abandoned=1,
        finding_since=None,
    )
    assert (found.verdict, found.missing) == (Verdict.FACE_EASIER, ())


def test_where_nothing_was_measured_everything_is_missing(hotel: Hotel) -> None:
    found = row(hotel)

    assert (found.figures.venue_id, found.figures.purpose) == (VENUE, PURPOSE)
    assert found.verdict is Verdict.UNKNOWN
    assert found.missing == ("face.seconds", "face.steps", "alternative.seconds", "alternative.steps")


@pytest.mark.parametrize(
    ("face", "other", "steps", "verdict"),
    [
        ((40, 40), (50, 50), (3, 3), Verdict.EQUAL),  # a quarter more, exactly
        ((40, 40), (50, 51), (3, 3), Verdict.FACE_EASIER),  # 50.5
        ((39, 40), (50, 50), (3, 3), Verdict.FACE_EASIER),  # 39.5
        ((40, 40), (40, 40), (3, 4), Verdict.EQUAL),  # one step more, exactly
        ((40, 40), (40, 40), (3, 5), Verdict.FACE_EASIER),
        ((40, 40), (10, 10), (3, 5), Verdict.FACE_EASIER),  # faster does not make up for steps
        ((90, 90), (10, 10), (9, 1), Verdict.EQUAL),  # the other way may be the easier one
        ((0, 0), (0, 0), (0, 0), Verdict.EQUAL),
        ((0, 0), (0, 1), (0, 0), Verdict.FACE_EASIER),
    ],
)
def test_the_verdict_turns_at_the_margin(
    two: Hotel, face: Sequence[int], other: Sequence[int], steps: tuple[int, int], verdict: Verdict
) -> None:
    both(two, face, other, steps)

    assert row(two).verdict is verdict


def test_half_a_step_beyond_the_margin_is_beyond_it(two: Hotel) -> None:
    take(two, FACE, (40, 3), (40, 3))
    take(two, OTHER, (40, 4), (40, 5))

    assert row(two).verdict is Verdict.FACE_EASIER


def test_one_measurement_too_few_is_unknown_and_named(two: Hotel) -> None:
    take(two, FACE, (40, 3), (40, 3))
    take(two, OTHER, (40, 3), (40, None))
    found = row(two)
    assert (found.verdict, found.missing) == (Verdict.UNKNOWN, ("alternative.steps",))

    take(two, OTHER, (None, 3))
    assert (row(two).verdict, row(two).missing) == (Verdict.EQUAL, ())


def test_what_is_not_known_of_one_figure_does_not_hide_the_other(two: Hotel) -> None:
    take(two, FACE, (40, None), (40, None))
    take(two, OTHER, (80, None), (80, None))

    found = row(two)

    assert (found.verdict, found.missing) == (Verdict.FACE_EASIER, ("face.steps", "alternative.steps"))


MEDIANS = st.builds(
    lambda number, halves: Median(halves / 2 if number else None, number), st.integers(0, 4), st.integers(0, 80)
)
WAYS = st.builds(lambda seconds, steps: WayFigures(9, seconds, steps), MEDIANS, MEDIANS)


@given(face=WAYS, other=WAYS, percent=st.integers(0, 100), lost=st.sampled_from(["face", "alternative"]))
def test_losing_measurements_never_makes_the_ways_equal(
    face: WayFigures, other: WayFigures, percent: int, lost: str
) -> None:
    margins = Margins(percent=percent, steps=1, measurements_min=2)
    figures = Figures("v", "p", face, other, 0, 0, None)
    before, _ = judge(figures, margins)
    way: WayFigures = getattr(figures, lost)

    for name in ("seconds", "steps"):
        without = replace(figures, **{lost: replace(way, **{name: Median(None, 0)})})  # type: ignore[arg-type]
        after, missing = judge(without, margins)
        assert f"{lost}.{name}" in missing
        assert after is not Verdict.EQUAL
        assert after is Verdict.UNKNOWN or before is Verdict.FACE_EASIER


def test_a_choice_counts_for_thirty_days_from_its_hour(two: Hotel) -> None:
    two.clock.now = datetime(2027, 3, 1, 12, 40, tzinfo=UTC)
    both(two, [40, 40], [50, 50])
    hour = datetime(2027, 3, 1, 12, tzinfo=UTC)

    two.clock.now = hour + WINDOW
    assert row(two).verdict is Verdict.EQUAL
    two.clock.forward(microseconds=1)
    assert row(two).figures.face.choices == 0

    assert row(two, since=hour, until=hour + timedelta(microseconds=1)).figures.face.choices == 2
    assert row(two, until=hour).figures.face.choices == 0
    assert row(two, since=hour + timedelta(microseconds=1)).figures.face.choices == 0
    assert row(two, until=hour + WINDOW).figures.face.choices == 2


def test_a_choice_made_on_the_full_hour_counts_at_once(two: Hotel) -> None:
    assert two.clock() == datetime(2027, 3, 1, 12, tzinfo=UTC)
    take(two, FACE, (1, 1))

    assert row(two).figures.face.choices == 1


def test_a_window_that_ends_before_it_begins_is_malformed(hotel: Hotel) -> None:
    now = hotel.clock()
    for since, until in ((now, now), (now, now - timedelta(days=1)), (now + timedelta(days=1), None)):
        with pytest.raises(MalformedError):
            parity(hotel.house, OPERATOR, since=since, until=until)


def test_each_venue_and_operator_has_its_own_figures(two: Hotel) -> None:
    declare(two, SITE.replace("venues:\n", f"venues:\n{ANNEX}"))
    declare(two, SITE.replace(OPERATOR, "second-hotel"))
    take(two, FACE, (10, 1), caller=replace(DEVICE, operator_id="second-hotel"))
    take(two, FACE, (20, 2), (22, 3), caller=replace(DEVICE, device_id="kiosk-2"))
    take(two, OTHER, (30, 3))

    annex, harbour = parity(two.house, OPERATOR).rows

    assert (annex.figures.venue_id, annex.figures.face) == ("annex", WayFigures(2, Median(21.0, 2), Median(2.5, 2)))
    assert (harbour.figures.face.choices, harbour.figures.alternative.choices) == (0, 1)
    (other,) = parity(two.house, "second-hotel").rows
    assert (other.figures.face.choices, other.figures.alternative.choices) == (1, 0)


def test_a_finding_is_raised_once_and_cleared_once(two: Hotel) -> None:
    both(two, [40, 40], [60, 61])
    first = two.clock()
    assert [each.verdict for each in watch(two.house, OPERATOR)] == [Verdict.FACE_EASIER]
    two.clock.forward(hours=1)
    assert watch(two.house, OPERATOR) == []
    assert row(two).figures.finding_since == first

    take(two, OTHER, (40, 3), (40, 3), (40, 3))
    assert row(two).verdict is Verdict.EQUAL
    assert row(two).figures.finding_since == first  # the report shows; the sweep turns
    two.clock.forward(hours=1)
    assert [each.verdict for each in watch(two.house, OPERATOR)] == [Verdict.EQUAL]
    assert watch(two.house, OPERATOR) == []
    assert row(two).figures.finding_since is None

    assert turns(two) == ["equal", "face_easier"]
    assert two.counted.seen.count(("parity", "face_easier")) == two.counted.seen.count(("parity", "equal")) == 1
    cleared, raised = (body["details"] for body in bodies(two))
    assert raised == {
        "venue": VENUE,
        "purpose": PURPOSE,
        "since": (first - WINDOW).isoformat(),
        "face": {
            "choices": 2,
            "seconds": {"median": "40.0", "measurements": 2},
            "steps": {"median": "3.0", "measurements": 2},
        },
        "alternative": {
            "choices": 2,
            "seconds": {"median": "60.5", "measurements": 2},
            "steps": {"median": "3.0", "measurements": 2},
        },
        "refused": 0,
        "abandoned": 0,
        "missing": [],
        "margins": {"percent": 25, "steps": 1, "measurements": 2},
    }
    assert cleared["finding_since"] == first.isoformat()
    assert cleared["alternative"]["seconds"] == {"median": "40.0", "measurements": 5}


def test_equal_ways_turn_nothing_and_neither_do_unknown_ones(two: Hotel) -> None:
    assert watch(two.house, OPERATOR) == []
    both(two, [40, 40], [50, 50])
    assert watch(two.house, OPERATOR) == []
    assert bodies(two) == []


def test_a_finding_stands_while_nothing_is_measured_and_turns_again_later(two: Hotel) -> None:
    both(two, [40, 40], [90, 90])
    first = two.clock()
    watch(two.house, OPERATOR)
    two.clock.forward(days=31)
    assert watch(two.house, OPERATOR) == []
    assert (row(two).verdict, row(two).figures.finding_since) == (Verdict.UNKNOWN, first)

    both(two, [40, 40], [40, 40])
    watch(two.house, OPERATOR)
    two.clock.forward(days=31)
    both(two, [40, 40], [90, 90])
    watch(two.house, OPERATOR)
    assert turns(two) == ["face_easier", "equal", "face_easier"]
    assert row(two).figures.finding_since == two.clock()


def test_sweeps_at_once_raise_one_finding(two: Hotel) -> None:
    both(two, [40, 40], [90, 90])
    start = threading.Barrier(4)

    def sweep() -> None:
        start.wait()
        watch(two.house, OPERATOR)

    threads = [threading.Thread(target=sweep) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert turns(two) == ["face_easier"]


def test_a_clock_behind_the_records_turns_nothing(two: Hotel) -> None:
    both(two, [40, 40], [90, 90])
    two.consent("guest")
    two.clock.forward(minutes=-10)
    assert watch(two.house, OPERATOR) == []
    two.clock.forward(minutes=10)
    assert len(watch(two.house, OPERATOR)) == 1


def test_a_finding_of_a_venue_that_closed_is_not_shown_until_it_opens_again(two: Hotel) -> None:
    both(two, [40, 40], [90, 90])
    watch(two.house, OPERATOR)
    two.clock.forward(days=31)
    declare(two, SITE.replace("  harbour:\n", "  pier:\n").replace("  desk:", "  pier-desk:"))
    assert [each.figures.venue_id for each in parity(two.house, OPERATOR).rows] == ["pier"]

    declare(two, SITE)
    (back,) = parity(two.house, OPERATOR).rows
    assert back.figures.finding_since is not None


def test_the_law_is_not_told_of_a_finding(hotel: Hotel) -> None:
    judged = hotel.with_house(margins=Margins(percent=25, steps=1, measurements_min=2))
    both(judged, [40, 40], [90, 90])
    assert len(watch(judged.house, OPERATOR)) == 1
    judged.consent("guest")
    judged.enrol("guest", pictures.admiral())
    claim = Claim(subject_ref="guest", purpose=PURPOSE, device_id=KIOSK, session=SESSION)

    assert isinstance(verify(judged.house, DEVICE, claim, pictures.admiral_again()), Verified)
    facts = next(body["facts"] for body in bodies(judged) if body["kind"] == "verify")
    assert facts["alternative"] == {"available": True}
