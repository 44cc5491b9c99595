"""What a kiosk may offer now, and how a guest stands to it; nothing of a face is touched, so nothing is on record."""

from dataclasses import dataclass, field
from typing import Any, Final

from countenance.errors import NotFoundError
from countenance.operations.parts import Caller, House
from countenance.store import references, sites
from countenance.store.database import Transaction
from countenance.store.gathering import OnFile, Question, gather
from countenance.vocabulary import Action, AgeClass, ConsentState, Scope

#: What a guest is asked for before a kiosk verifies: a reference, on the operator's server, to be compared with.
WANTED = frozenset({Scope.ENROL, Scope.VERIFY, Scope.OFF_DEVICE_STORAGE})
#: The number of the law for how long a no is left alone (article 12; draft article 9).
_NO_NAG_DAYS: Final = "no_nag_days"


@dataclass(frozen=True, slots=True)
class Offer:
    """One purpose at the kiosk's venue, the ways to it that need no face, and whether the way with one is open."""

    purpose: str
    title: dict[str, str]
    ways: list[dict[str, str]]
    ready: bool
    other_way_works: bool

    @property
    def open(self) -> bool:
        """Whether the way with a face is open: the purpose is active, and another way works beside it."""
        return self.ready and self.other_way_works


@dataclass(frozen=True, slots=True)
class Standing:
    """How a guest stands to a purpose: what was decided, and whether a reference is kept; no name in it."""

    consent: ConsentState
    agreed: bool
    refused_days: int | None
    age_class: AgeClass | None
    references: int
    basis: str | None = field(default=None)


def offers(house: House, caller: Caller) -> list[Offer]:
    """Return what the kiosk of `caller` offers, in the order of the purposes' codes.

    Raises NotFoundError for a device that is not in use.
    """
    with house.database.transaction() as tx:
        venue = _venue(tx, caller)
        titles = {row["code"]: row["title"] for row in sites.read(tx, caller.operator_id, "purpose")}
        ways: dict[str, list[dict[str, str]]] = {}
        for row in sites.read(tx, caller.operator_id, "alternative"):
            if row["venue_id"] == venue and not row["retired"]:
                ways.setdefault(row["purpose"], []).append(row["title"])
        made = []
        for purpose, found in sorted(ways.items()):
            on_file = _gathered(tx, house, caller, purpose)
            ready = on_file.purpose_active and on_file.device_working
            works = on_file.facts.alternative is not None and on_file.facts.alternative.available is True
            made.append(Offer(purpose, titles[purpose], found, ready, works))
    return made


def standing(house: House, caller: Caller, purpose: str, subject_ref: str) -> Standing:
    """Return how a guest stands to `purpose`; a word nobody has on file is like a guest who was never asked."""
    with house.database.transaction() as tx:
        on_file = _gathered(tx, house, caller, purpose, subject_ref)
        facts = on_file.facts
        kept = 0
        if on_file.subject_id is not None:
            rows = references.of_subject(tx, caller.operator_id, on_file.subject_id, purpose)
            kept = sum(row.model_id == house.engine.model_id for row in rows)
    consent, session = facts.consent, facts.session
    state = consent.state if consent is not None and consent.state is not None else ConsentState.NONE
    scopes = frozenset(consent.scopes or ()) if consent is not None else frozenset()
    agreed = state is ConsentState.GIVEN and scopes >= WANTED and consent is not None and consent.notice_current is True
    return Standing(
        consent=state,
        agreed=agreed,
        refused_days=session.last_refusal_days if session is not None else None,
        age_class=facts.subject.age_class if facts.subject is not None else None,
        references=kept,
        basis=facts.statutory_basis,
    )


def rest_days(house: House) -> int:
    """Return for how many days a person who said no is not asked again: the most that the packs in force demand."""
    at = house.clock()
    days = ((pack, pack.day(at)) for pack in house.packs)
    return max((pack.parameters(day).get(_NO_NAG_DAYS, 0) for pack, day in days if pack.binds(day)), default=0)


def _venue(tx: Transaction, caller: Caller) -> str:
    """Return the venue where the caller's device stands."""
    places: dict[str, Any] = {row["place_id"]: row for row in sites.read(tx, caller.operator_id, "place")}
    for row in sites.read(tx, caller.operator_id, "device"):
        if row["device_id"] == caller.device_id and not row["retired"] and not row["suspended"]:
            venue: str = places[row["place_id"]]["venue_id"]
            return venue
    raise NotFoundError("This device is not in use. Call the staff.", "此设备未启用。请联系工作人员。")


def _gathered(tx: Transaction, house: House, caller: Caller, purpose: str, subject_ref: str | None = None) -> OnFile:
    return gather(
        tx,
        Question(
            operator_id=caller.operator_id,
            action=Action.VERIFY,
            at=house.clock(),
            purpose=purpose,
            device_id=caller.device_id,
            subject_ref=subject_ref,
        ),
    )
