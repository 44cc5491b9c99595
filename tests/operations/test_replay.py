"""Recorded decisions made again: the same law changes nothing, other law is counted exactly, and nothing is named."""

import json
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from countenance.decide import decide
from countenance.facts import Facts, SessionFacts, parse_one
from countenance.law import Packs, load_packs
from countenance.operations.enrol import enrol
from countenance.operations.erase import erase
from countenance.operations.identify import Unnamed, identify
from countenance.operations.replay import Replayed, replay
from countenance.operations.verify import Claim, verify
from countenance.operations.withdraw import withdraw
from countenance.store import records
from countenance.store.database import Database
from countenance.vocabulary import Scope
from tests import pictures
from tests.database import DEVICE, KIOSK, OFFICER, OPERATOR, PURPOSE, SESSION, Address, Hotel, enrolment
from tests.law.conftest import write_pack
from tests.law.stories import flat_facts, nested
from tests.recorded import AT, SHELVED, keep, story, without


def several(number: int, seed: int = 5) -> list[Facts]:
    """Return facts of all actions at several hours of several years, some of them the same."""
    chance = random.Random(seed)
    stories = [parse_one(json.dumps(nested(flat_facts(chance))), SHELVED.names) for _ in range(number // 2)]
    hours = [AT + timedelta(hours=hour) for hour in (0, 13, 15, 24)]
    days = [*hours, datetime(2020, 1, 1, tzinfo=UTC), datetime(2025, 5, 31, 15, 59, tzinfo=UTC)]
    return [chance.choice(stories).at_instant(chance.choice(days)) for _ in range(number)]


def one_by_one(stories: Iterable[Facts], then: Packs, now: Packs, at: datetime | None = None) -> Counter[object]:
    """Count the same as a replay, decision by decision and remembering nothing."""
    counted: Counter[object] = Counter()
    for facts in stories:
        kind = facts.venue.kind.value if facts.venue and facts.venue.kind else "unknown"
        was, is_now = decide(facts, then), decide(facts.at_instant(at or facts.at), now)
        before, after = (
            {(one.pack, one.article): one.outcome.value for one in getattr(answer, "findings", ())}
            for answer in (was, is_now)
        )
        for article in {*before, *after}:
            if before.get(article) != after.get(article):
                counted[article, before.get(article), after.get(article), kind] += 1
        counted["decisions", kind] += 1
        counted["changed", kind] += before != after
        counted["permit_to_refusal", kind] += not before and bool(after)
        counted["refusal_to_permit", kind] += bool(before) and not after
    return +counted


def counts(done: Replayed) -> Counter[object]:
    counted: Counter[object] = Counter()
    for each in done.turned:
        for kind, number in each.venues.items():
            counted[(each.pack, each.article), each.before, each.after, kind] += number
    for kind, row in done.venues.items():
        for name in ("decisions", "changed", "permit_to_refusal", "refusal_to_permit"):
            counted[name, kind] += getattr(row, name)
    return +counted


def every_kind_of_outcome(hotel: Hotel) -> int:
    """Use the hotel so that every kind of outcome comes on record; return how many decisions were made."""

    def claim(ref: str, **changes: object) -> Claim:
        made = Claim(subject_ref=ref, purpose=PURPOSE, device_id=KIOSK, session=SESSION)
        return replace(made, **changes)  # type: ignore[arg-type]

    def search(device: str | None = KIOSK) -> Unnamed:
        consent = UUID(hotel.consent(None, Scope.IDENTIFY))
        return Unnamed(consent_id=consent, purpose=PURPOSE, device_id=device, session=SESSION)

    house = hotel.house
    verify(house, DEVICE, claim("guest"), pictures.admiral())  # nobody asked: gate one
    hotel.consent("guest")
    enrol(house, DEVICE, enrolment("guest"), pictures.two_faces())  # gate two
    enrol(house, DEVICE, enrolment("guest"), pictures.nobody())
    hotel.enrol("guest", pictures.admiral())
    verify(house, DEVICE, claim("guest"), pictures.admiral_again())
    verify(house, DEVICE, claim("guest"), pictures.astronaut())
    verify(house, DEVICE, claim("guest", session=SessionFacts()), pictures.admiral())  # missing facts
    verify(house, DEVICE, claim("guest", device_id="room-camera"), pictures.admiral())
    verify(house, DEVICE, claim("guest", device_id=None), pictures.admiral())  # the house and the law
    verify(house, DEVICE, claim("guest", purpose="advertising"), pictures.admiral())
    identify(house, DEVICE, search(), pictures.admiral_again())
    identify(house, DEVICE, search(), pictures.astronaut())
    hotel.consent("other", Scope.ENROL, Scope.OFF_DEVICE_STORAGE)
    hotel.enrol("other", pictures.astronaut())
    identify(house, DEVICE, search(), pictures.astronaut())  # found, and not to be named
    withdraw(house, DEVICE, "guest", PURPOSE)
    verify(house, DEVICE, claim("guest"), pictures.admiral())
    erase(house, OFFICER, "other")
    return 18  # fifteen acts; two asked about a candidate too, and one enrolment about looking for a double


def test_the_same_packs_change_nothing_whatever_the_outcome(hotel: Hotel) -> None:
    made = every_kind_of_outcome(hotel)

    done = replay(hotel.house.database, OPERATOR, hotel.house.packs)

    with hotel.house.database.transaction() as tx:
        bodies = [json.loads(row.body) for row in records.listed(tx, OPERATOR, most=100)]
    assert {"match", "non_match", "enrolled", "refused", "failure_to_acquire", "withdrawn", "erased"} <= {
        body["outcome"] for body in bodies
    }
    law = [answer for body in bodies for answer in body.get("law", [])]
    assert {finding["outcome"] for answer in law for finding in answer["findings"]} == {"forbids", "missing"}
    assert {(answer["gate"], answer["allowed"]) for answer in law} == {(1, False), (2, False), (2, True)}
    assert (done.records, done.balance.decisions) == (len(bodies), made)
    assert (done.balance.changed, done.turned) == (0, ())
    assert (done.unreadable, done.altered, done.refused_by_house) == (0, 0, 3)
    assert {(each.pack, each.at_hand) for each in done.recorded} == {("cn-2023-draft", True), ("cn-2025", True)}


def test_a_replay_names_nobody_and_writes_nothing(hotel: Hotel, tmp_path: Path) -> None:
    every_kind_of_outcome(hotel)
    with hotel.house.database.transaction() as tx:
        before = records.listed(tx, OPERATOR, most=100)
    marks = {row.subject_mark.hex() for row in before if row.subject_mark is not None}
    assert marks

    told = json.dumps(replay(hotel.house.database, OPERATOR, without(tmp_path, "cn-2025", "06")).as_json())

    assert not [word for word in (*marks, "guest", "other", KIOSK, PURPOSE) if f'"{word}"' in told]
    with hotel.house.database.transaction() as tx:
        assert records.listed(tx, OPERATOR, most=100) == before


def test_every_change_is_counted_as_if_each_decision_were_made_by_itself(database: Database, tmp_path: Path) -> None:
    stories = several(400)
    keep(database, stories)
    changed = Counter[str]()
    for number, (names, cut, at) in enumerate(
        [
            (["cn-2023-draft", "cn-2025"], [], None),
            (["cn-2025"], [], None),
            (["cn-2023-draft"], ["06"], None),
            (["cn-2025"], ["06", "10"], None),
            (["cn-2023-draft", "cn-2025"], [], datetime(2024, 6, 1, tzinfo=UTC)),
            (["cn-2025"], [], datetime(2024, 6, 1, tzinfo=UTC)),
        ]
    ):
        now = without(tmp_path / str(number), names[0], *cut) if cut else load_packs(names)

        done = replay(database, OPERATOR, now, at=at)

        assert counts(done) == one_by_one(stories, SHELVED, now, at)
        changed.update({"changed": done.balance.changed, "to refusal": done.balance.permit_to_refusal})
        changed.update({"to permit": done.balance.refusal_to_permit, "no law": any(not t.pack for t in done.turned)})
    assert min(changed[name] for name in ("changed", "to refusal", "to permit", "no law")) > 0


def test_more_questions_than_are_remembered_are_counted_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stories = several(120, seed=8)
    keep(database, stories)
    now = load_packs(["cn-2025"])
    monkeypatch.setattr("countenance.operations.replay._REMEMBERED_MAX", 3)

    assert counts(replay(database, OPERATOR, now)) == one_by_one(stories, SHELVED, now)


@pytest.mark.parametrize(
    ("before", "after", "direction"),
    [
        ("unless { context.alternative.available }", "when { context.purpose.banned }", "missing_to_forbids"),
        ("when { context.purpose.banned }", "unless { context.alternative.available }", "forbids_to_missing"),
        ("when { context.purpose.stated }", "when { context.purpose.banned }", "newly_refuses"),
        ("when { context.purpose.banned }", "when { context.purpose.stated }", "no_longer_refuses"),
    ],
)
def test_an_article_that_changes_is_told_with_its_direction(
    database: Database, tmp_path: Path, before: str, after: str, direction: str
) -> None:
    head = 'forbid (principal, action == Action::"verify", resource)'
    then, now = (
        load_packs([str(write_pack(tmp_path / name / "trial", {"9": f"{head} {cedar};", "10": f"{head};"}))])
        for name, cedar in (("then", before), ("now", after))
    )
    facts = {"purpose": {"banned": True, "stated": False}}
    keep(database, [story(**facts, venue={"kind": "bank"}), story(**facts), story(**facts)], packs=then)

    done = replay(database, OPERATOR, now)

    assert [(each.pack, each.article, each.direction, each.venues) for each in done.turned] == [
        ("trial", "9", direction, {"bank": 1, "unknown": 2})
    ]
    assert (done.balance.changed, done.balance.permit_to_refusal, done.balance.refusal_to_permit) == (3, 0, 0)


def test_what_the_house_refuses_stays_refused(hotel: Hotel) -> None:
    hotel.consent("guest")
    act = Claim(subject_ref="guest", purpose="advertising", device_id=KIOSK, session=SESSION)
    verify(hotel.house, DEVICE, act, pictures.admiral())

    done = replay(hotel.house.database, OPERATOR, load_packs(["cn-2025"]), at=datetime(2020, 1, 1, tzinfo=UTC))

    assert done.refused_by_house == 1
    assert done.balance.changed == 1
    assert (done.balance.permit_to_refusal, done.balance.refusal_to_permit) == (0, 0)
    assert (None, None, "newly_refuses") in [(each.pack, each.article, each.direction) for each in done.turned]


def test_what_cannot_be_read_is_counted_and_hides_nothing(database: Database) -> None:
    keep(database, [story(), story(venue={"kind": "hotel"}), story()])
    spoil = "UPDATE record SET body = :body, digest = sha256(:body) WHERE number = :number"
    with database.transaction() as tx:
        rows = tx.execute(text("SELECT number, body FROM record ORDER BY number")).all()
        palace = rows[1].body.replace(b'"kind":"hotel"', b'"kind":"palace"')
        tx.execute(text(spoil), {"body": palace, "number": rows[1].number})
        tx.execute(text("UPDATE record SET body = body || ' ' WHERE number = :number"), {"number": rows[2].number})

    done = replay(database, OPERATOR, SHELVED)

    assert (done.records, done.balance.decisions, done.unreadable, done.altered) == (3, 1, 1, 1)


def test_an_edition_that_is_gone_is_named(database: Database, tmp_path: Path) -> None:
    old = without(tmp_path, "cn-2025", "10")
    keep(database, [story(), story()], packs=old)

    gone = replay(database, OPERATOR, SHELVED)
    held = replay(database, OPERATOR, SHELVED, at_hand={old[0].edition})

    assert [(each.edition, each.decisions, each.at_hand) for each in gone.recorded] == [(old[0].edition, 2, False)]
    assert [each.at_hand for each in held.recorded] == [True]


def test_states_of_filing_for_a_pack_that_is_gone_are_still_read(database: Database) -> None:
    facts = parse_one(
        json.dumps({"action": "enrol", "at": AT.isoformat(), "operator": {"filing": {"old": "filed"}}}), ("old",)
    )
    keep(database, [facts])

    assert (replay(database, OPERATOR, SHELVED).unreadable, replay(database, OPERATOR, SHELVED).balance.changed) == (
        0,
        0,
    )


def test_the_period_holds_its_first_instant_and_not_its_last(database: Database) -> None:
    keep(database, [story().at_instant(AT + timedelta(hours=hour)) for hour in range(5)])
    keep(database, [story()], operator_id="another")

    def within(since: int | None, until: int | None) -> int:
        first, last = (None if hour is None else AT + timedelta(hours=hour) for hour in (since, until))
        return replay(database, OPERATOR, SHELVED, since=first, until=last).records

    assert (within(None, None), within(1, 3), within(4, None), within(None, 1), within(2, 2)) == (5, 2, 1, 1, 0)


def test_a_replay_that_is_broken_off_leaves_its_connection_usable(address: Address) -> None:
    narrow = Database(address.url, connections=1)
    keep(narrow, [story()] * (records.PORTION + 5))

    def stop(done: int, total: int) -> None:
        message = f"{done} of {total}"
        raise RuntimeError(message)

    with pytest.raises(RuntimeError, match=f"{records.PORTION} of {records.PORTION + 5}"):
        replay(narrow, OPERATOR, SHELVED, progress=stop)

    told: list[tuple[int, int]] = []
    assert replay(narrow, OPERATOR, SHELVED, progress=lambda *said: told.append(said)).records == records.PORTION + 5
    assert told == [(records.PORTION, records.PORTION + 5), (records.PORTION + 5, records.PORTION + 5)]
    narrow.close()
