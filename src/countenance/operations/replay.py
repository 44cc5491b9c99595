"""Replay: make recorded decisions again under the packs of today, or others, and count what would come out differently.

From facts alone: no mark of a subject is read, nobody is named, and nothing is written.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final, TypeVar

from countenance.answer import Outcome, Refusal
from countenance.decide import decide
from countenance.errors import MalformedError
from countenance.facts import OPTIONAL_GROUPS, Facts, parse_instant, parse_one
from countenance.law.pack import Packs, article_order
from countenance.record import ArticleId, Decided, decided
from countenance.store import records
from countenance.store.database import Database
from countenance.vocabulary import Action, VenueKind

#: How many questions and answers are remembered; beyond that all are forgotten, which costs time and nothing else.
_REMEMBERED_MAX: Final = 16_384

Progress = Callable[[int, int], None]
_Refusing = Mapping[ArticleId, Outcome]
#: The kind of venue, and all of the facts that an answer can follow from.
_Question = tuple[VenueKind | None, Hashable]
_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Turned:
    """At how many decisions one article came out differently in one direction, by kind of venue.

    `before` and `after` are None where the article adds no finding; pack and article are both None for the finding that
    no pack binds.
    """

    pack: str | None
    article: str | None
    before: Outcome | None
    after: Outcome | None
    venues: Mapping[str, int]

    @property
    def direction(self) -> str:
        """Return the direction as a word."""
        if self.before is None:
            return "newly_refuses"
        return "no_longer_refuses" if self.after is None else f"{self.before}_to_{self.after}"

    @property
    def decisions(self) -> int:
        """Return the number at all kinds of venue."""
        return sum(self.venues.values())


@dataclass(frozen=True, slots=True)
class Balance:
    """How decisions at one kind of venue came out as a whole, the server's own refusals left standing."""

    decisions: int
    changed: int
    permit_to_refusal: int
    refusal_to_permit: int


@dataclass(frozen=True, slots=True)
class RecordedEdition:
    """An edition that decided then, how often it was asked, and whether it could be asked again now."""

    pack: str
    edition: str
    decisions: int
    at_hand: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of a replay: how much was read and could not be, each change, and the editions of then and now.

    `unreadable` counts decisions that are not as records hold them now, `altered` records that no longer agree with
    their digest; neither is replayed. `refused_by_house` counts decisions that the server refused by itself too.
    """

    records: int
    altered: int
    unreadable: int
    refused_by_house: int
    venues: Mapping[str, Balance]
    turned: tuple[Turned, ...]
    recorded: tuple[RecordedEdition, ...]
    packs: Mapping[str, str]

    @property
    def balance(self) -> Balance:
        """Return how decisions came out at all kinds of venue together."""
        rows = self.venues.values()
        return Balance(
            decisions=sum(row.decisions for row in rows),
            changed=sum(row.changed for row in rows),
            permit_to_refusal=sum(row.permit_to_refusal for row in rows),
            refusal_to_permit=sum(row.refusal_to_permit for row in rows),
        )

    def as_json(self) -> dict[str, Any]:
        """Return the same as a JSON object."""
        return {
            "packs": dict(self.packs),
            "records": self.records,
            **_balance(self.balance),
            "unreadable": self.unreadable,
            "altered": self.altered,
            "refused_by_house": self.refused_by_house,
            "venues": [{"kind": kind, **_balance(row)} for kind, row in self.venues.items()],
            "articles": [
                {
                    "pack": each.pack,
                    "article": each.article,
                    "direction": each.direction,
                    "decisions": each.decisions,
                    "venues": dict(each.venues),
                }
                for each in self.turned
            ],
            "recorded_editions": [
                {"pack": each.pack, "edition": each.edition, "decisions": each.decisions, "at_hand": each.at_hand}
                for each in self.recorded
            ],
        }


def replay(
    database: Database,
    operator_id: str,
    packs: Packs,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    at: datetime | None = None,
    at_hand: Collection[str] = (),
    progress: Progress | None = None,
) -> Replayed:
    """Decide again what was decided from `since` on and before `until`, by `packs` alone, each at its own instant.

    With `at` every decision is made as if at that instant, on the facts as they were. `at_hand` are editions that could
    be asked besides those of `packs`. Raises what `Database.transaction` raises.
    """
    judge, tally = _Judge(packs, at), _Tally()
    with database.transaction() as tx:
        total = records.count(tx, operator_id, since=since, until=until)
        with records.written(tx, operator_id, since=since, until=until) as rows:
            for body, digest in rows:
                tally.add(body, digest, judge)
                if progress is not None and tally.records % records.PORTION == 0:
                    progress(tally.records, total)
    if progress is not None:
        progress(total, total)
    return tally.told(packs, at_hand)


class _Judge:
    """Asks the law about facts as records hold them; the same question is asked once.

    Two questions are the same where the action, every fact that any of the packs looks at for that action, the presence
    of the optional groups, and the local day at each pack's place are the same: an answer follows from nothing else.
    """

    def __init__(self, packs: Packs, at: datetime | None) -> None:
        self._packs = packs
        self._at = at
        self._reads = {action: [(pack.name, sorted(pack.reads(action))) for pack in packs] for action in Action}
        self._questions: dict[str, _Question] = {}
        self._answers: dict[tuple[Hashable, tuple[date, ...]], _Refusing] = {}

    def __call__(self, told: Mapping[str, Any]) -> tuple[VenueKind | None, _Refusing]:
        """Return the kind of venue and which articles refuse; raises MalformedError for what are no facts."""
        at = told.get("at")
        if not isinstance(at, str):
            raise MalformedError("at is required.", "at 必须提供。")
        instant = parse_instant(at)
        instant = self._at or instant
        text = json.dumps({name: value for name, value in told.items() if name != "at"})
        venue, question = _remembered(self._questions, text, lambda: self._question(_facts(told)))
        asked = question, tuple(pack.day(instant) for pack in self._packs)
        return venue, _remembered(self._answers, asked, lambda: self._refusing(_facts(told).at_instant(instant)))

    def _question(self, facts: Facts) -> _Question:
        groups = tuple(getattr(facts, group) is None for group in OPTIONAL_GROUPS)
        values = tuple(facts.value(name, pack) for pack, names in self._reads[facts.action] for name in names)
        return None if facts.venue is None else facts.venue.kind, (facts.action, groups, values)

    def _refusing(self, facts: Facts) -> _Refusing:
        answer = decide(facts, self._packs)
        found = answer.findings if isinstance(answer, Refusal) else ()
        return {(finding.pack, finding.article): finding.outcome for finding in found}


def _remembered(memory: dict[_Key, _Value], key: _Key, make: Callable[[], _Value]) -> _Value:
    """Return what is remembered under the key, or make it and remember it."""
    if key not in memory:
        if len(memory) >= _REMEMBERED_MAX:
            memory.clear()
        memory[key] = make()
    return memory[key]


def _facts(told: Mapping[str, Any]) -> Facts:
    """Return facts through the same door as any others; the states of filing may name packs that are gone by now."""
    operator = told.get("operator")
    filing = operator.get("filing") if isinstance(operator, dict) else None
    return parse_one(json.dumps(told), tuple(filing) if isinstance(filing, dict) else ())


@dataclass(slots=True)
class _Tally:
    """Counts while records pass."""

    records: int = 0
    altered: int = 0
    unreadable: int = 0
    by_house: int = 0
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    editions: Counter[tuple[str, str]] = field(default_factory=Counter)
    turned: Counter[tuple[ArticleId, Outcome | None, Outcome | None, str]] = field(default_factory=Counter)

    def add(self, body: bytes, digest: bytes, judge: _Judge) -> None:
        """Count one record."""
        self.records += 1
        if hashlib.sha256(body).digest() != digest:
            self.altered += 1
            return
        for each in decided(body):
            self._decision(each, judge)

    def _decision(self, before: Decided | None, judge: _Judge) -> None:
        if before is None:
            self.unreadable += 1
            return
        try:
            venue, after = judge(before.facts)
        except MalformedError:
            self.unreadable += 1
            return
        kind = "unknown" if venue is None else venue.value
        self.seen[kind, "decisions"] += 1
        self.by_house += before.by_house
        self.editions.update(before.editions.items())
        if before.refusing == after:
            return
        self.seen[kind, "changed"] += 1
        if not before.by_house and bool(before.refusing) != bool(after):
            self.seen[kind, "permit_to_refusal" if after else "refusal_to_permit"] += 1
        for article in before.refusing.keys() | after.keys():
            was, now = before.refusing.get(article), after.get(article)
            if was is not now:
                self.turned[article, was, now, kind] += 1

    def told(self, packs: Packs, at_hand: Collection[str]) -> Replayed:
        """Return what was counted, in order of kind, pack and article."""
        held = {*at_hand, *(pack.edition for pack in packs)}
        return Replayed(
            records=self.records,
            altered=self.altered,
            unreadable=self.unreadable,
            refused_by_house=self.by_house,
            venues={kind: self._balance(kind) for kind in sorted({kind for kind, _ in self.seen})},
            turned=self._turned(),
            recorded=tuple(
                RecordedEdition(pack, edition, number, edition in held)
                for (pack, edition), number in sorted(self.editions.items())
            ),
            packs={pack.name: pack.edition for pack in packs},
        )

    def _balance(self, kind: str) -> Balance:
        return Balance(
            decisions=self.seen[kind, "decisions"],
            changed=self.seen[kind, "changed"],
            permit_to_refusal=self.seen[kind, "permit_to_refusal"],
            refusal_to_permit=self.seen[kind, "refusal_to_permit"],
        )

    def _turned(self) -> tuple[Turned, ...]:
        venues: dict[tuple[ArticleId, Outcome | None, Outcome | None], dict[str, int]] = {}
        for (article, was, now, kind), number in sorted(self.turned.items(), key=lambda item: item[0][3]):
            venues.setdefault((article, was, now), {})[kind] = number
        made = [Turned(*article, was, now, counts) for (article, was, now), counts in venues.items()]
        return tuple(sorted(made, key=_place))


def _place(turned: Turned) -> tuple[str, tuple[int, str], str]:
    """Return the key that sorts changes by pack, article and direction; what concerns a whole pack comes first."""
    return turned.pack or "", (-1, "") if turned.article is None else article_order(turned.article), turned.direction


def _balance(row: Balance) -> dict[str, int]:
    return {
        "decisions": row.decisions,
        "changed": row.changed,
        "permit_to_refusal": row.permit_to_refusal,
        "refusal_to_permit": row.refusal_to_permit,
    }
