"""Requests: a clock in days of the law's place, one answer, words that nobody else reads and that go in time."""

import json
import threading
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from countenance.errors import ConflictError, IntegrityError, LimitError, MalformedError, NotFoundError
from countenance.operations.erase import erase
from countenance.operations.expire import expire
from countenance.operations.parts import Caller
from countenance.operations.requests import answer_request, list_requests, open_request, show_request
from countenance.store import subjects
from countenance.subjects.requests import PROSE_CHARS_MAX, WAITING_MAX, NewRequest, RequestAnswer
from countenance.vocabulary import AgeClass, RequestKind, RequestOutcome, RequestState, Role
from tests import pictures
from tests.database import OFFICER, OPERATOR, PURPOSE, Hotel
from tests.operations.asking import asked, everything, subject
from tests.operations.governed import bodies

SHANGHAI = ZoneInfo("Asia/Shanghai")
REGULATOR = Caller(OPERATOR, "regulatorreg", Role.REGULATOR)
GRANTED = RequestAnswer(outcome=RequestOutcome.GRANTED)
CANARY = "canary-7f3a the kiosk shouted"


@pytest.fixture
def hotel(hotel: Hotel) -> Hotel:
    """Return the hotel with a guest on file."""
    hotel.consent("guest")
    return hotel


def steps(hotel: Hotel) -> list[str]:
    """Return the outcomes of the steps of requests on record, oldest first."""
    return [body["outcome"] for body in reversed(bodies(hotel)) if body["kind"] == "request"]


@pytest.mark.parametrize(
    ("day", "hour", "left", "state"),
    [
        (1, (0, 0), 15, RequestState.OPEN),
        (15, (23, 59), 1, RequestState.OPEN),
        (16, (0, 0), 0, RequestState.OPEN),
        (16, (23, 59), 0, RequestState.OPEN),
        (17, (0, 0), -1, RequestState.OVERDUE),
        (18, (12, 0), -2, RequestState.OVERDUE),
    ],
)
@pytest.mark.parametrize("opened", [(0, 0), (23, 59)])
def test_the_clock_counts_days_of_the_place_and_ends_with_the_last_one(
    hotel: Hotel, opened: tuple[int, int], day: int, hour: tuple[int, int], left: int, state: RequestState
) -> None:
    hotel.clock.now = datetime(2027, 3, 1, *opened, tzinfo=SHANGHAI)
    request = asked(hotel)
    assert (request.due_on, request.days_left, request.state) == (date(2027, 3, 16), 15, RequestState.OPEN)

    hotel.clock.now = datetime(2027, 3, day, *hour, tzinfo=SHANGHAI)
    hotel.clock.now = max(hotel.clock.now, request.opened_at)
    (listed,) = list_requests(hotel.house, OFFICER)

    assert (listed.days_left, listed.state, listed.due_on) == (left, state, date(2027, 3, 16))
    assert [each.request for each in list_requests(hotel.house, OFFICER, state)] == [request.request]
    others = set(RequestState) - {state}
    assert [list_requests(hotel.house, OFFICER, other) for other in others] == [[], [], []]


def test_the_operator_s_setting_is_the_number_of_days(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2027, 12, 25, 1, tzinfo=SHANGHAI)

    assert asked(hotel.with_house(request_days=10)).due_on == date(2028, 1, 4)


def test_what_nobody_answered_in_time_is_recorded_once(hotel: Hotel) -> None:
    hotel.clock.now = datetime(2027, 3, 1, 12, tzinfo=SHANGHAI)
    request, answered = asked(hotel), asked(hotel)
    answer_request(hotel.house, OFFICER, answered.request, GRANTED)
    hotel.clock.now = datetime(2027, 3, 16, 23, 59, tzinfo=SHANGHAI)
    expire(hotel.house, OPERATOR)
    assert "overdue" not in steps(hotel)

    hotel.clock.now = datetime(2027, 3, 17, 0, 0, tzinfo=SHANGHAI)
    sweeps = [threading.Thread(target=expire, args=(hotel.house, OPERATOR)) for _ in range(3)]
    for sweep in sweeps:
        sweep.start()
    for sweep in sweeps:
        sweep.join(timeout=60)
    expire(hotel.house, OPERATOR)

    assert steps(hotel).count("overdue") == 1
    (record,) = [body for body in bodies(hotel) if body["outcome"] == "overdue"]
    assert (record["details"]["request"], record["by"]) == (str(request.request), "server")
    assert record["subject"] == next(body for body in bodies(hotel) if body["outcome"] == "opened")["subject"]
    assert hotel.counted.seen.count(("request", "overdue")) == 1
    answer_request(hotel.house, OFFICER, request.request, GRANTED)
    assert [body["details"]["late"] for body in bodies(hotel) if body["outcome"] == "answered"] == [True, False]


def test_each_step_is_on_record_without_a_word_of_it(hotel: Hotel) -> None:
    about = UUID(bodies(hotel)[0]["id"])
    request = asked(hotel, text=CANARY, purpose=PURPOSE, about_record=about, kind=RequestKind.HUMAN_REVIEW)
    said = RequestAnswer(outcome=RequestOutcome.REFUSED, text="answer-9b1c because")
    answer_request(hotel.house, OFFICER, request.request, said)

    answered, opened = bodies(hotel)[:2]
    same = {"request": str(request.request), "kind": "human_review", "purpose": PURPOSE, "about": str(about)}
    assert opened["details"] == same
    assert answered["details"] == same | {"answer": "refused", "late": False, "age_corrected": False}
    assert (opened["by"], answered["by"]) == ("subject:subjectsubje", "officer:officeroffic")
    assert opened["subject"] == answered["subject"]
    rows = everything(hotel)
    assert len(rows) > 10
    assert [row for row in rows if "canary-7f3a" in row or "answer-9b1c" in row] == [], "the words are sealed"
    assert "canary-7f3a" not in repr(request) + json.dumps(bodies(hotel))


def test_the_person_and_the_officer_read_the_words_and_nobody_else(hotel: Hotel) -> None:
    hotel.consent("other")
    request = asked(hotel, text=CANARY)
    said = RequestAnswer(outcome=RequestOutcome.PARTLY, text="We spoke to the kiosk.")
    answer_request(hotel.house, OFFICER, request.request, said)

    for caller in (OFFICER, subject(hotel)):
        read = show_request(hotel.house, caller, request.request)
        assert (read.text, read.answer, read.subject) == (CANARY, "We spoke to the kiosk.", "guest")
        assert (read.state, read.outcome, read.days_left) == (RequestState.ANSWERED, RequestOutcome.PARTLY, None)
    read = show_request(hotel.house, REGULATOR, request.request)
    assert (read.text, read.answer, read.subject, read.outcome) == (None, None, None, RequestOutcome.PARTLY)
    for caller, name in ((OFFICER, "guest"), (REGULATOR, None)):
        assert [(each.text, each.subject) for each in list_requests(hotel.house, caller)] == [(None, name)]
    for wrong in (request.request, uuid4()):
        with pytest.raises(NotFoundError, match="no such request"):
            show_request(hotel.house, subject(hotel, "other"), wrong)


def test_a_text_moved_to_another_person_does_not_open(hotel: Hotel) -> None:
    hotel.consent("other")
    asked(hotel, text=CANARY)
    moved = "UPDATE request SET subject_id = (SELECT subject_id FROM subject WHERE ref = 'other')"
    with hotel.house.database.transaction() as tx:
        tx.execute(text(moved))
    (request,) = list_requests(hotel.house, OFFICER)

    with pytest.raises(IntegrityError):
        show_request(hotel.house, subject(hotel, "other"), request.request)


def test_question_and_answer_do_not_open_in_each_other_s_place(hotel: Hotel) -> None:
    request = asked(hotel, text=CANARY)
    answer_request(hotel.house, OFFICER, request.request, RequestAnswer(outcome=RequestOutcome.GRANTED, text="Yes."))
    with hotel.house.database.transaction() as tx:
        tx.execute(text("UPDATE request SET sealed_text = sealed_answer"))

    with pytest.raises(IntegrityError):
        show_request(hotel.house, OFFICER, request.request)


def test_erasure_destroys_the_words_and_what_waits_lapses(hotel: Hotel) -> None:
    request = asked(hotel, text=CANARY)
    answered = asked(hotel, text=CANARY)
    answer_request(hotel.house, OFFICER, answered.request, RequestAnswer(outcome=RequestOutcome.GRANTED, text=CANARY))
    with hotel.house.database.transaction() as tx:
        sealed = [
            bytes(value).hex()
            for row in tx.execute(text("SELECT wrapped, sealed_text, sealed_answer FROM request"))
            for value in row
            if value is not None
        ]
    assert len(sealed) == 5
    assert all(any(piece in row for row in everything(hotel)) for piece in sealed)

    erase(hotel.house, OFFICER, "guest")

    rows = everything(hotel)
    assert len(rows) > 10
    assert [piece for piece in sealed if any(piece in row for row in rows)] == []
    states = {each.request: each.state for each in list_requests(hotel.house, OFFICER)}
    assert states == {request.request: RequestState.LAPSED, answered.request: RequestState.ANSWERED}
    assert [each.request for each in list_requests(hotel.house, OFFICER, RequestState.LAPSED)] == [request.request]
    with pytest.raises(ConflictError):
        answer_request(hotel.house, OFFICER, request.request, GRANTED)
    hotel.clock.forward(days=17)
    expire(hotel.house, OPERATOR)
    assert "overdue" not in steps(hotel), "nobody is left to be answered"


def test_an_erasure_that_is_granted_is_done_at_once(hotel: Hotel) -> None:
    hotel.enrol("guest", pictures.admiral())
    request = asked(hotel, kind=RequestKind.ERASE, text=None)

    done = answer_request(hotel.house, OFFICER, request.request, GRANTED)

    assert done.erased is not None
    assert (done.erased.destroyed.keys, done.erased.destroyed.references) == (1, 1)
    assert (done.request.state, done.request.outcome) == (RequestState.ANSWERED, RequestOutcome.GRANTED)
    assert done.request.subject is None
    assert len(hotel.house.projection) == 0
    assert [body["kind"] for body in bodies(hotel)[:2]] == ["erase", "request"]
    with hotel.house.database.transaction() as tx:
        assert subjects.find(tx, OPERATOR, "guest") is None


@pytest.mark.parametrize("outcome", [RequestOutcome.REFUSED, RequestOutcome.PARTLY])
def test_an_erasure_that_is_not_granted_destroys_nothing(hotel: Hotel, outcome: RequestOutcome) -> None:
    hotel.enrol("guest", pictures.admiral())
    request = asked(hotel, kind=RequestKind.ERASE)

    done = answer_request(hotel.house, OFFICER, request.request, RequestAnswer(outcome=outcome, text="A law keeps it."))

    assert done.erased is None
    assert len(hotel.house.projection) == 1


def test_a_correction_that_is_granted_is_on_file_at_once(hotel: Hotel) -> None:
    request = asked(hotel, kind=RequestKind.CORRECT, text="I am sixteen.")
    said = RequestAnswer(outcome=RequestOutcome.GRANTED, age_class=AgeClass.FROM_14_TO_17)

    answer_request(hotel.house, OFFICER, request.request, said)

    with hotel.house.database.transaction() as tx:
        found = subjects.find(tx, OPERATOR, "guest")
    assert found is not None
    assert found.age_class == AgeClass.FROM_14_TO_17
    assert bodies(hotel)[0]["details"]["age_corrected"] is True


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [(RequestKind.COMPLAIN, RequestOutcome.GRANTED), (RequestKind.CORRECT, RequestOutcome.REFUSED)],
)
def test_an_age_comes_with_a_correction_that_is_granted_and_nothing_else(
    hotel: Hotel, kind: RequestKind, outcome: RequestOutcome
) -> None:
    request = asked(hotel, kind=kind)
    said = RequestAnswer(outcome=outcome, text="x", age_class=AgeClass.UNDER_14)

    with pytest.raises(MalformedError):
        answer_request(hotel.house, OFFICER, request.request, said)

    assert show_request(hotel.house, OFFICER, request.request).state is RequestState.OPEN
    with hotel.house.database.transaction() as tx:
        found = subjects.find(tx, OPERATOR, "guest")
    assert found is not None
    assert found.age_class == AgeClass.ADULT


@pytest.mark.parametrize("outcome", [RequestOutcome.REFUSED, RequestOutcome.PARTLY])
def test_a_no_needs_its_reason(hotel: Hotel, outcome: RequestOutcome) -> None:
    request = asked(hotel)

    with pytest.raises(MalformedError, match="reason"):
        answer_request(hotel.house, OFFICER, request.request, RequestAnswer(outcome=outcome))

    assert steps(hotel) == ["opened"]


def test_of_many_answers_at_once_one_stands(hotel: Hotel) -> None:
    request = asked(hotel)
    met: list[str] = []

    def answer(number: int) -> None:
        said = RequestAnswer(outcome=RequestOutcome.GRANTED, text=f"Answer {number}.")
        try:
            answer_request(hotel.house, OFFICER, request.request, said)
        except ConflictError:
            met.append("conflict")
        else:
            met.append(f"Answer {number}.")

    threads = [threading.Thread(target=answer, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    (stands,) = set(met) - {"conflict"}
    assert len(met) == 4
    assert show_request(hotel.house, OFFICER, request.request).answer == stands
    assert steps(hotel) == ["opened", "answered"]


@pytest.mark.parametrize("kind", [RequestKind.CORRECT, RequestKind.COMPLAIN])
def test_what_says_nothing_without_words_needs_some(hotel: Hotel, kind: RequestKind) -> None:
    with pytest.raises(MalformedError, match="needs words"):
        asked(hotel, kind=kind, text=None)

    assert steps(hotel) == []


def test_a_person_contests_records_of_its_own_and_an_officer_any(hotel: Hotel) -> None:
    hotel.consent("other")
    others, own = (UUID(body["id"]) for body in bodies(hotel) if body["kind"] == "consent")

    assert asked(hotel, kind=RequestKind.HUMAN_REVIEW, text=None, about_record=own).about_record == own
    for wrong in (others, uuid4()):
        with pytest.raises(NotFoundError):
            asked(hotel, kind=RequestKind.HUMAN_REVIEW, about_record=wrong)
    named = NewRequest(kind=RequestKind.HUMAN_REVIEW, about_record=others)
    assert open_request(hotel.house, OFFICER, named, "guest")[0].about_record == others
    with pytest.raises(NotFoundError):
        open_request(hotel.house, OFFICER, NewRequest(kind=RequestKind.ACCESS, about_record=uuid4()), "guest")


def test_whoever_asks_is_known_and_speaks_for_itself(hotel: Hotel) -> None:
    hotel.consent("other")
    wanted = NewRequest(kind=RequestKind.ACCESS)

    with pytest.raises(NotFoundError):
        open_request(hotel.house, subject(hotel), wanted, "other")
    with pytest.raises(NotFoundError):
        open_request(hotel.house, OFFICER, wanted, "nobody")
    with pytest.raises(MalformedError):
        open_request(hotel.house, OFFICER, wanted)
    with pytest.raises(NotFoundError):
        asked(hotel, purpose="advertising")
    gone = subject(hotel)
    erase(hotel.house, OFFICER, "guest")
    with pytest.raises(NotFoundError):
        open_request(hotel.house, gone, wanted)


def test_so_many_wait_and_one_more_waits_outside(hotel: Hotel) -> None:
    first = asked(hotel)
    for _ in range(WAITING_MAX - 1):
        asked(hotel)
    with pytest.raises(LimitError):
        asked(hotel)

    answer_request(hotel.house, OFFICER, first.request, GRANTED)

    assert asked(hotel).state is RequestState.OPEN


def test_the_list_begins_with_what_is_due_first_and_ends_with_what_is_closed(hotel: Hotel) -> None:
    first = asked(hotel)
    hotel.clock.forward(days=2)
    second = asked(hotel)
    hotel.clock.forward(days=2)
    third = asked(hotel)
    answer_request(hotel.house, OFFICER, first.request, GRANTED)

    listed = [each.request for each in list_requests(hotel.house, OFFICER)]

    assert listed == [second.request, third.request, first.request]
    assert [each.request for each in list_requests(hotel.house, OFFICER, most=1)] == [second.request]


def test_a_request_goes_so_long_after_it_was_closed(hotel: Hotel) -> None:
    kept, waits = asked(hotel), asked(hotel)
    answer_request(hotel.house, OFFICER, kept.request, GRANTED)
    hotel.clock.forward(days=1095, hours=23)
    expire(hotel.house, OPERATOR)
    assert len(list_requests(hotel.house, OFFICER)) == 2

    hotel.clock.forward(hours=1)
    expire(hotel.house, OPERATOR)

    assert [each.request for each in list_requests(hotel.house, OFFICER)] == [waits.request]
    assert steps(hotel) == ["opened", "opened", "answered", "overdue"], "what was done stays on record"


def test_a_person_without_an_account_who_asks_is_kept_until_the_answer_can_be_read(hotel: Hotel) -> None:
    silent, asking = UUID(hotel.consent(None)), UUID(hotel.consent(None))
    ids = {}
    with hotel.house.database.transaction() as tx:
        for consent in (silent, asking):
            event = subjects.find_event(tx, OPERATOR, consent)
            assert event is not None
            ids[consent] = event.subject_id
    caller = Caller(OPERATOR, "x", Role.SUBJECT, subject_id=ids[asking])
    request, _ = open_request(hotel.house, caller, NewRequest(kind=RequestKind.COMPLAIN, text=CANARY))

    def linked() -> list[bool]:
        expire(hotel.house, OPERATOR)
        with hotel.house.database.transaction() as tx:
            found = [subjects.find_id(tx, OPERATOR, each) for each in ids.values()]
        return [each is not None and each.linking_key is not None for each in found]

    hotel.clock.forward(days=10)
    assert linked() == [False, True]
    answer_request(hotel.house, OFFICER, request.request, RequestAnswer(outcome=RequestOutcome.GRANTED, text="Sorry."))
    hotel.clock.forward(days=29)
    assert linked() == [False, True]
    assert show_request(hotel.house, caller, request.request).answer == "Sorry."
    hotel.clock.now += timedelta(days=2)
    assert linked() == [False, False]
    with pytest.raises(NotFoundError):
        show_request(hotel.house, caller, request.request)
    assert show_request(hotel.house, OFFICER, request.request).text is None


def test_words_of_any_script_come_back_as_they_went(hotel: Hotel) -> None:
    words = "<script>alert(1)</script>\n'; DROP TABLE request; --\n名字 🙂 " + "字" * (PROSE_CHARS_MAX - 100)
    request = asked(hotel, text=words)

    assert show_request(hotel.house, subject(hotel), request.request).text == words
