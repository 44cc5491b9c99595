"""100,000 recorded decisions made again, under the draft and under both packs: a year of one site, and some unlike."""

import random
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from countenance import facts as f
from countenance.decide import decide
from countenance.law import Packs, load_packs
from countenance.operations.replay import replay
from countenance.record import Entry, append
from countenance.store import embedded
from countenance.store.database import Database
from countenance.vocabulary import (
    Action,
    AgeClass,
    AssessmentState,
    ConsentForm,
    ConsentState,
    FilingState,
    PlaceKind,
    Scope,
    StartedBy,
    StorageWhere,
    VenueKind,
)

TARGETS: Final = {
    "a year, draft alone, s": ("≤", 60.0),
    "a year, both packs, s": ("≤", 60.0),
    "changes under the same law": ("≤", 0.0),
}
_DECISIONS: Final = 100_000
_UNLIKE: Final = 10_000
_DAYS: Final = 365
_FIRST: Final = datetime(2025, 9, 1, tzinfo=UTC)
_FILING: Final = {"cn-2023-draft": FilingState.DUE, "cn-2025": FilingState.NOT_DUE}
_ACTIONS: Final = (Action.VERIFY,) * 8 + (Action.ENROL, Action.IDENTIFY)


def measure(faces: Path) -> dict[str, float]:
    """Return the seconds of replays under the draft alone and under both packs, and what the same packs change."""
    del faces  # facts are made; what a face looks like is none of them
    both, draft = load_packs(), load_packs(["cn-2023-draft"])
    figures: dict[str, float] = {}
    changes = 0
    with tempfile.TemporaryDirectory(prefix="cn-") as folder:
        database = Database(embedded.start(Path(folder) / "pg"))
        try:
            database.migrate()
            for name, number in (("a year", _DECISIONS), ("10,000 unlike", _UNLIKE)):
                _keep(database, name, both, number)
                for packs, under in ((draft, "draft alone"), (both, "both packs")):
                    start, busy = time.perf_counter(), time.process_time()
                    done = replay(database, name, packs)
                    figures[f"{name}, {under}, s"] = time.perf_counter() - start
                    figures[f"{name}, {under}: processor s"] = time.process_time() - busy
                    figures[f"{name}, {under}: decisions"] = done.balance.decisions
                    figures[f"{name}, {under}: that change"] = done.balance.changed
                    changes += done.unreadable + done.altered + (done.balance.changed if packs is both else 0)
        finally:
            database.close()
            embedded.stop(Path(folder) / "pg")
    figures["changes under the same law"] = float(changes)
    figures["memory, largest, MiB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return figures


def _keep(database: Database, operator_id: str, packs: Packs, number: int) -> None:
    """Put that many decisions on record, a thousand in a transaction."""
    stories = _stories(unlike=number < _DECISIONS)
    for _ in range(number // 1000):
        with database.transaction() as tx:
            for _, facts in zip(range(1000), stories, strict=False):
                entry = Entry(
                    operator_id=operator_id,
                    at=facts.at,
                    kind=facts.action.value,
                    outcome="decided",
                    by="bench",
                    facts=facts,
                    answers=(decide(facts, packs),),
                )
                append(tx, entry)


def _stories(*, unlike: bool) -> Iterator[f.Facts]:
    """Yield facts as a site establishes them over a year; with `unlike` each has a purpose of its own."""
    chance = random.Random(7)  # noqa: S311 — made facts, no secret
    for number in range(_DECISIONS):
        day = number * _DAYS // _DECISIONS
        facts = _facts(chance, _FIRST + timedelta(days=day, seconds=number % 50_000), day)
        if unlike:
            purpose = replace(facts.purpose or f.PurposeFacts(), code=f"check-in-{number}")
            consent = replace(facts.consent or f.ConsentFacts(), purpose=purpose.code)
            facts = replace(facts, purpose=purpose, consent=consent)
        yield facts


def _facts(chance: random.Random, at: datetime, day: int) -> f.Facts:
    action, scopes = chance.choice(_ACTIONS), tuple(Scope)
    state = chance.choices(tuple(ConsentState), weights=(90, 3, 3, 2, 2))[0]
    given = state is ConsentState.GIVEN
    return f.Facts(
        action=action,
        at=at,
        operator=f.OperatorFacts(officer_named=True, filing=dict(_FILING) if action is Action.ENROL else None),
        purpose=f.PurposeFacts(
            code="check-in",
            banned=False,
            stated=True,
            necessity=True,
            alternatives_assessed=True,
            assessment=AssessmentState.CURRENT,
            major_interest=False,
            public_security=False,
        ),
        venue=f.VenueFacts(kind=chance.choice((VenueKind.HOTEL, VenueKind.BANK, VenueKind.OFFICE)), business=True),
        place=f.PlaceFacts(kind=PlaceKind.COUNTER, private=False, public=False, internal=False),
        device=f.DeviceFacts(registered=True, sign_current=True, area_set=True, assessed_days=day, sole_entry=False),
        subject=f.SubjectFacts(age_class=AgeClass.ADULT),
        consent=f.ConsentFacts(
            state=state,
            form=ConsentForm.SEPARATE if given else None,
            purpose="check-in",
            scopes=scopes if given else None,
            notice_current=True if given else None,
            withdrawal_as_easy=True,
        ),
        minor_rules=True,
        session=f.SessionFacts(
            started_by=StartedBy.SUBJECT,
            purpose_prompted=chance.random() < 0.95 or None,
            alternative_offered=True,
            last_refusal_days=chance.choice((None, None, None, day)),
        ),
        alternative=f.AlternativeFacts(available=chance.choice((True,) * 9 + (None,))),
        storage=f.StorageFacts(where=StorageWhere.SERVER) if action is Action.ENROL else None,
        retention=f.RetentionFacts(bounded=True),
        measured=f.MeasuredFacts(faces=1, target_isolated=True, quality_ok=True),
    )
