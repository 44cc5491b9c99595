"""The inbox takes each message once and whole, whatever is cut off, sent again, forged, too long or sent at once."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from countenance.authority import inbox
from countenance.authority.desk import Desk
from countenance.authority.inbox import STALE, collect, take
from countenance.authority.pairing import FORGED
from countenance.authority.seen import CaseState
from countenance.errors import (
    ConflictError,
    CountenanceError,
    LimitError,
    MalformedError,
    NotAllowedError,
    NotFoundError,
)
from countenance.filing.exchange import (
    FRESH_SECONDS,
    Attachment,
    Filing,
    Kind,
    Reply,
    Share,
    Statement,
)
from countenance.store.register import parties
from countenance.vocabulary import FilingKind
from tests.operations.exchanging import (
    CLERK,
    DOCX,
    DRAFT,
    Clock,
    Operator,
    collected,
    filed,
    kept,
    make_desk,
    paired,
    persons,
    put,
    register_database,
    sha,
)

FORM, ANNEX = b"form " * 1000, b"annex " * 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(postgres: str, tmp_path: Path, clock: Clock) -> Iterator[Desk]:
    with register_database(postgres) as database:
        yield make_desk(database, tmp_path, clock)


@pytest.fixture
def hotel(desk: Desk, clock: Clock) -> Operator:
    made = Operator(clock=clock)
    paired(desk, made)
    return made


def refused(desk: Desk, kind: str) -> int:
    with desk.office.database.transaction() as tx:
        return parties.refused(tx, kind)


def test_a_filing_comes_whole_and_then_alone_has_its_effect(desk: Desk, clock: Clock, hotel: Operator):
    note = hotel.files(FORM, ANNEX)
    receipt = hotel.receipt(take(desk.office, note))
    assert set(receipt.missing) == {sha(FORM), sha(ANNEX)}
    assert desk.cases() == []
    put(desk, FORM)
    assert hotel.receipt(take(desk.office, note)).missing == (sha(ANNEX),)
    assert desk.cases() == []
    seen = clock.now
    clock.forward(minutes=5)
    put(desk, ANNEX, declared=False)
    whole = take(desk.office, note)
    assert hotel.receipt(whole).missing == ()
    assert hotel.receipt(whole).received_at == seen.isoformat()
    assert hotel.opens(whole).at == clock.now
    (case,) = desk.cases()
    assert (case.state, case.filed_at, case.message_id) == (CaseState.RECEIVED, clock.now, receipt.of)
    said = desk.case(case.case_id).said
    assert [(each.name, each.here) for each in said[0].attached] == [("0.docx", True), ("1.docx", True)]
    assert desk.attachment(case.case_id, sha(FORM)) == ("0.docx", DOCX, FORM)
    assert all(each.stat().st_mode & 0o777 == 0o600 for each in kept(desk))
    assert len(kept(desk)) == 2


def test_a_replay_gets_the_same_receipt_and_changes_nothing(desk: Desk, clock: Clock, hotel: Operator):
    note = hotel.files(FORM)
    case = filed(desk, hotel, FORM)
    receipt = take(desk.office, note)
    clock.forward(days=30)
    assert take(desk.office, note) == receipt
    desk.accept(case.case_id, CLERK)
    assert take(desk.office, note) == receipt
    assert [each.state for each in desk.cases()] == [CaseState.ACCEPTED]
    with pytest.raises(NotFoundError):
        put(desk, FORM)
    assert len(kept(desk)) == 1


def test_a_message_without_files_is_whole_at_once(desk: Desk, hotel: Operator):
    assert hotel.receipt(take(desk.office, hotel.states(persons(9_900)))).missing == ()
    (party,) = desk.parties()
    assert party.stated is not None
    assert party.stated.counted.upper == 9_900


def test_only_the_pinned_key_is_believed(desk: Desk, clock: Clock, hotel: Operator):
    liar = Operator(seed=9, clock=clock, authority=hotel.authority)  # the same name, another key
    stranger = Operator("inn.example", 2, clock=clock, authority=hotel.authority)
    inn = Operator("other.example", 3, clock=clock)
    paired(desk, inn)
    good = hotel.states(persons(9_900))
    bad = [
        liar.states(persons(1)),
        stranger.states(persons(1)),
        inn.note(Kind.STATEMENT, Statement(statement={}), sender="hotel.example"),
        hotel.note(Kind.STATEMENT, Statement(statement={}), recipient="another-authority.example"),
        good.replace(b"9900", b"1100"),
    ]
    said = set()
    for note in bad:
        with pytest.raises(NotAllowedError) as raised:
            take(desk.office, note)
        said.add(raised.value.en)
        with pytest.raises(NotAllowedError):
            collect(desk.office, note)
    assert len(said) == 1
    assert refused(desk, FORGED) == 2 * len(bad)
    assert {each.name: each.refused for each in desk.parties()} == {"The Hotel": 8, "The Other": 0}
    assert all(each.stated is None for each in desk.parties())
    take(desk.office, good)
    assert "forged" in {each.kind for each in desk.signals()}


@pytest.mark.parametrize("note", [b"", b"x", b"countenance-filing/1\n{}\n\n", b"\xff" * 100, b"a\n" * 40_000])
def test_what_is_no_message_is_malformed(desk: Desk, hotel: Operator, note: bytes):
    for act in (take, collect):
        with pytest.raises(MalformedError):
            act(desk.office, note)


def test_each_kind_has_its_door(desk: Desk, hotel: Operator):
    with pytest.raises(MalformedError):
        take(desk.office, hotel.collects())
    with pytest.raises(MalformedError):
        collect(desk.office, hotel.states(persons(1)))
    receipt = hotel.note(Kind.REMINDER, Reply(to=sha(b""), text="I remind you."))
    with pytest.raises(MalformedError):
        take(desk.office, receipt)


@pytest.mark.parametrize(
    "said",
    [{}, {"day": "2025-06-20"}, {"day": "soon", "persons": persons(1).model_dump()},
     {"day": "2025-06-20", "persons": persons(1, 2).model_dump()},
     {"day": "2025-06-20", "persons": {**persons(1).model_dump(), "upper": -1}},
     {"day": "2025-06-20", "persons": persons(1).model_dump(), "signals": [{}] * 65}],
)  # fmt: skip
def test_a_statement_says_what_is_counted_on(desk: Desk, hotel: Operator, said: dict):
    with pytest.raises(MalformedError):
        take(desk.office, hotel.note(Kind.STATEMENT, Statement(statement=said)))
    assert desk.conversation(desk.parties()[0].party_id)[1:] == ()


def test_the_later_statement_of_a_day_stands(desk: Desk, clock: Clock, hotel: Operator):
    first = hotel.states(persons(100))
    clock.forward(hours=1)
    take(desk.office, hotel.states(persons(200)))
    take(desk.office, first)  # it was on its way for longer
    stated = desk.parties()[0].stated
    assert stated is not None
    assert stated.counted.upper == 200


def test_collecting_needs_a_fresh_signature(desk: Desk, clock: Clock, hotel: Operator):
    desk.remind(desk.parties()[0].party_id, CLERK, "Please file.")
    note = hotel.collects()
    for seconds in (FRESH_SECONDS, -FRESH_SECONDS):
        clock.forward(seconds=seconds)
        assert len(collect(desk.office, note)["messages"]) == 1
        clock.forward(seconds=-seconds)
    for late in (FRESH_SECONDS + 1, -FRESH_SECONDS - 1):
        with pytest.raises(NotAllowedError):
            collect(desk.office, hotel.collects(at=clock.now + timedelta(seconds=late)))
    assert refused(desk, STALE) == 2
    assert desk.parties()[0].refused == 0, "late messages are the party's own, not forged under its name"


def test_what_was_sent_is_collected_in_order_and_in_portions(desk: Desk, clock: Clock, hotel: Operator):
    party_id = desk.parties()[0].party_id
    for number in range(inbox.COLLECTED_MAX + 3):
        clock.forward(seconds=1)
        desk.remind(party_id, CLERK, f"reminder {number}")
        take(desk.office, hotel.states(persons(number)))
    first = collect(desk.office, hotel.collects())
    assert first["more"]
    assert len(first["messages"]) == inbox.COLLECTED_MAX
    rest = collect(desk.office, hotel.collects(first["messages"][-1]["number"]))
    assert not rest["more"]
    texts = [hotel.opens(each["note"].encode()).says().text for each in first["messages"] + rest["messages"]]
    assert texts == [f"reminder {number}" for number in range(inbox.COLLECTED_MAX + 3)]


def test_a_party_sees_its_own_messages_alone(desk: Desk, clock: Clock, hotel: Operator):
    inn = Operator("inn.example", 2, clock=clock)
    inn_id = paired(desk, inn)
    desk.remind(inn_id, CLERK, "for the inn")
    assert collected(desk, hotel) == []
    assert [each.says().text for each in collected(desk, inn)] == ["for the inn"]
    question = collected(desk, inn)[0].id
    with pytest.raises(ConflictError):
        take(desk.office, hotel.note(Kind.ANSWER, Reply(to=question, text="Yes.")))
    mine = filed(desk, hotel)
    with pytest.raises(ConflictError):
        take(desk.office, inn.files(amends=mine.message_id))
    assert [each.party_id == inn_id for each in desk.cases()] == [False]


def test_two_at_once_are_one(desk: Desk, hotel: Operator):
    notes = [hotel.files(FORM), hotel.states(persons(5))]
    receipts: list[bytes] = []
    failed: list[str] = []

    def act(note: bytes) -> None:
        try:
            receipts.append(take(desk.office, note))
            if note is notes[0]:
                put(desk, FORM)
        except NotFoundError:
            pass  # the file of the message that another has made whole
        except CountenanceError as error:
            failed.append(type(error).__name__)

    threads = [threading.Thread(target=act, args=(notes[each % 2],)) for each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failed == []
    assert hotel.receipt(take(desk.office, notes[0])).missing == ()
    assert len(desk.cases()) == 1
    numbers = [each.number for each in desk.conversation(desk.parties()[0].party_id)]
    assert numbers == [1, 2, 3]
    assert len(kept(desk)) == 1


def test_an_amended_filing_is_the_same_case(desk: Desk, clock: Clock, hotel: Operator):
    case = filed(desk, hotel, FORM)
    first = clock.now
    desk.give_back(case.case_id, CLERK, "The annex is missing.")
    (returned,) = collected(desk, hotel)
    assert (returned.kind, returned.says().of) == (Kind.RETURNED, case.message_id)
    clock.forward(days=1)
    for wrong in ({"act": FilingKind.CHANGE}, {"pack": "cn-2025"}):
        with pytest.raises(ConflictError):
            take(desk.office, hotel.files(FORM, amends=case.message_id, **wrong))
    again = filed(desk, hotel, FORM, ANNEX, amends=case.message_id)
    assert (again.case_id, again.state, again.filed_at) == (case.case_id, CaseState.RECEIVED, first)
    with pytest.raises(ConflictError):  # it is not the last one any more
        take(desk.office, hotel.files(amends=case.message_id))
    kinds = [each.kind for each in desk.case(case.case_id).said]
    assert kinds == [Kind.FILING, Kind.RETURNED, Kind.FILING]
    desk.accept(case.case_id, CLERK)
    with pytest.raises(ConflictError):
        take(desk.office, hotel.files(amends=again.message_id))


def test_a_filing_accepted_while_its_amendment_is_on_the_way_stays_so(desk: Desk, hotel: Operator):
    case = filed(desk, hotel)
    note = hotel.files(ANNEX, amends=case.message_id)
    take(desk.office, note)
    desk.accept(case.case_id, CLERK)
    put(desk, ANNEX)
    assert hotel.receipt(take(desk.office, note)).missing == ()
    assert [each.state for each in desk.cases()] == [CaseState.RECEIVED, CaseState.ACCEPTED]


def test_days_are_days_and_shares_are_one_sketch_of_ones_own_group(desk: Desk, clock: Clock, hotel: Operator):
    body = Filing(act=FilingKind.FIRST, pack=DRAFT, deadline="14 July", persons=persons(1))
    with pytest.raises(MalformedError):
        take(desk.office, hotel.note(Kind.FILING, body))
    inn = Operator("inn.example", 2, group="Harbour", clock=clock)
    paired(desk, inn)
    with pytest.raises(ConflictError):
        take(desk.office, hotel.note(Kind.SHARE, Share(group="Harbour", key_id="k", persons=1)))
    with pytest.raises(MalformedError):
        take(desk.office, inn.note(Kind.SHARE, Share(group="Harbour", key_id="k", persons=1)))
    big = Attachment(name="s", media_type="a/b", size=2 << 20, sha256=sha(b""))
    with pytest.raises(LimitError):
        take(desk.office, inn.note(Kind.SHARE, Share(group="Harbour", key_id="k", persons=1), big))
