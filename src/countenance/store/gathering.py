"""The one query that gathers what is on file for a decision, and the facts made from its one row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from countenance import facts as f
from countenance.store import authorisations, declared, filings
from countenance.store.authorisations import Authorised
from countenance.store.database import Transaction
from countenance.store.filings import HeldFilings
from countenance.store.on_file import ON_FILE
from countenance.vocabulary import (
    Action,
    AgeClass,
    AssessmentState,
    Comparing,
    ConsentForm,
    ConsentState,
    Lift,
    PlaceKind,
    Scope,
    StorageDestination,
    VenueKind,
)

#: Dates on file are days where the packs' law applies.
PLACE: Final = ZoneInfo("Asia/Shanghai")
#: A sign counts as current for this long after somebody checked it (articles.md, section 9).
SIGN_CURRENT: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What an operation is about to do: everything declared, and where to look for the rest."""

    operator_id: str
    action: Action
    at: datetime
    purpose: str
    device_id: str | None = None
    subject_ref: str | None = None
    subject_id: UUID | None = None
    session: f.SessionFacts = field(default_factory=f.SessionFacts)
    origin_purpose: str | None = None
    attribute: str | None = None
    destination: StorageDestination | None = None
    review: f.ReviewFacts | None = None
    #: The challenge that the pictures answer.
    challenge: UUID | None = None


@dataclass(frozen=True, slots=True)
class OnFile:
    """The facts for the law, and what the operation itself needs of the same row."""

    facts: f.Facts
    subject_id: UUID | None
    linking_key: bytes | None
    purpose_known: bool
    device_known: bool
    device_working: bool
    newest_record_at: datetime | None
    area: tuple[tuple[float, float], ...] | None = None
    filings: HeldFilings | None = None
    purpose_active: bool = False
    origin_known: bool = False
    standing: Mapping[str, Any] | None = None
    authorised: Authorised | None = None
    retention_days: int | None = None
    has_account: bool = False
    #: Whether references of the purpose are kept so that they are matched under encryption.
    encrypted: bool = False


#: Without a heartbeat, a report that another way works counts for a day; one from the future does not count at all.
_REPORT_SECONDS: Final = 86_400.0
_AHEAD_SECONDS: Final = -5.0
_PRIVATE: Final = frozenset(
    {
        PlaceKind.HOTEL_ROOM,
        PlaceKind.PUBLIC_BATH,
        PlaceKind.BATHROOM,
        PlaceKind.TOILET,
        PlaceKind.CHANGING_ROOM,
        PlaceKind.FITTING_ROOM,
    }
)
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def gather(tx: Transaction, question: Question) -> OnFile:
    """Return everything on file for one decision, read in one query at one instant; of filing, where it is asked."""
    row: Any = tx.execute(
        ON_FILE,
        {
            "operator_id": question.operator_id,
            "purpose": question.purpose,
            "device_id": question.device_id,
            "subject_ref": question.subject_ref,
            "subject_id": question.subject_id,
            "origin_purpose": question.origin_purpose,
            "at": question.at,
            "under_authorisation": question.action in authorisations.UNDER_AUTHORISATION,
        },
    ).one()
    today = question.at.astimezone(PLACE).date()
    device_known = row.device_id is not None
    registered = declared.registered(row)
    return OnFile(
        facts=f.Facts(
            action=question.action,
            at=question.at,
            operator=f.OperatorFacts(officer_named=row.officer is not None),
            purpose=_purpose(row, question.purpose, today),
            venue=f.VenueFacts(kind=_one(VenueKind, row.venue_kind), business=row.business),
            place=_place(row),
            device=_device(row, today, registered=registered) if device_known else None,
            subject=f.SubjectFacts(age_class=_one(AgeClass, row.age_class)),
            consent=_consent_facts(row, question.at),
            minor_rules=row.minor_rules is not None,
            **_basis(row, today),
            session=_session(question.session, row.refused_at, today),
            alternative=f.AlternativeFacts(available=_available(row, question.at)),
            origin_purpose=declared.origin(row),
            analysis=declared.analysis(question.attribute),
            authorisation=authorisations.facts_of(row, question.action, question.at, question.device_id),
            storage=declared.storage(question.action, question.destination),
            review=question.review,
            retention=f.RetentionFacts(bounded=row.retention_days is not None) if row.purpose_code else None,
        ),
        subject_id=row.subject_id,
        linking_key=row.linking_key,
        purpose_known=row.purpose_code is not None,
        device_known=device_known,
        device_working=registered,
        newest_record_at=row.newest_record_at,
        has_account=row.ref is not None,
        area=tuple((corner[0], corner[1]) for corner in row.area) if row.area else None,
        filings=filings.held(tx, question.operator_id) if question.action is Action.ENROL else None,
        purpose_active=row.activated_at is not None,
        origin_known=row.origin_code is not None,
        standing=declared.standing(row),
        authorised=authorisations.authorised(row),
        retention_days=row.retention_days,
        encrypted=row.comparison == Comparing.ENCRYPTED,
    )


def _one(kind: Any, value: str | None) -> Any:
    return None if value is None else kind(value)


def _purpose(row: Any, code: str, today: date) -> f.PurposeFacts:
    if row.purpose_code is None:
        return f.PurposeFacts(code=code)
    covers = row.assessed_configuration is not None and row.assessed_configuration == row.configuration
    if row.assessed_on is None:
        assessment = AssessmentState.NONE
    elif covers and row.assessed_on <= today <= row.assessment_expires_on:
        assessment = AssessmentState.CURRENT
    else:
        assessment = AssessmentState.STALE
    return f.PurposeFacts(
        code=code,
        banned=row.banned,
        stated=row.notice_newest is not None,
        necessity=row.necessity_expires_on is not None and today <= row.necessity_expires_on,
        alternatives_assessed=row.alternatives_assessed is not None,
        assessment=assessment,
        major_interest=row.major_interest,
        public_security=row.public_security,
    )


def _place(row: Any) -> f.PlaceFacts:
    """Return what a named person declared of the place; what nobody signed is unknown."""
    kind = _one(PlaceKind, row.place_kind)
    if row.declared_by is None:  # that a place is private needs no signature to count
        return f.PlaceFacts(kind=kind if kind in _PRIVATE else None, private=row.private or None)
    return f.PlaceFacts(kind=kind, private=row.private, public=row.public, internal=row.internal)


def _device(row: Any, today: date, *, registered: bool) -> f.DeviceFacts:
    sign, assessed, expires = row.sign_checked_on, row.device_assessed_on, row.security_necessity_expires_on
    return f.DeviceFacts(
        registered=registered,
        sign_current=row.sign_evidence_digest is not None and sign is not None and sign <= today <= sign + SIGN_CURRENT,
        security_necessity=expires is not None and today <= expires,
        area_set=row.area is not None,
        assessed_days=None if assessed is None or assessed > today else (today - assessed).days,
        sole_entry=row.sole_entry,
    )


def _consent_facts(row: Any, at: datetime) -> f.ConsentFacts:
    if row.consent_kind is None:
        return f.ConsentFacts(state=ConsentState.NONE)
    if row.consent_kind != "given":
        return f.ConsentFacts(state=ConsentState(row.consent_kind), purpose=row.consent_purpose)
    expired = row.expires_at is not None and row.expires_at <= at
    steps = None
    if row.steps_to_withdraw is not None and row.steps_to_consent is not None:
        steps = row.steps_to_withdraw <= row.steps_to_consent
    return f.ConsentFacts(
        state=ConsentState.EXPIRED if expired else ConsentState.GIVEN,
        form=_one(ConsentForm, row.form),
        purpose=row.consent_purpose,
        scopes=tuple(Scope(scope) for scope in row.scopes or ()),
        notice_current=row.notice_version is not None and row.notice_version == row.notice_newest,
        guardian=row.guardian_relation is not None,
        withdrawal_as_easy=steps,
    )


def _basis(row: Any, today: date) -> dict[str, Any]:
    if row.citation is None or today > row.basis_expires_on:
        return {}
    return {
        "statutory_basis": row.citation,
        "statutory_basis_lifts": tuple(Lift(lift) for lift in row.lifts),
    }


def _session(session: f.SessionFacts, refused_at: datetime | None, today: date) -> f.SessionFacts:
    days = None if refused_at is None else max(0, (today - refused_at.astimezone(PLACE).date()).days)
    return f.SessionFacts(
        started_by=session.started_by,
        purpose_prompted=session.purpose_prompted,
        alternative_offered=session.alternative_offered,
        last_refusal_days=days,
    )


def _available(row: Any, at: datetime) -> bool | None:
    """Return whether another way works now: one that does outweighs an unknown one, and that one that is down."""
    if row.venue_kind is None:
        return None
    ways = [_works(way, at) for way in row.alternatives or []]
    if True in ways:
        return True
    return None if None in ways else False


def _works(way: list[Any], at: datetime) -> bool | None:
    """Return whether one way works now, as declared, as last reported, within its hours and with its sign of life."""
    declared, reported, reported_at, heartbeat_minutes, hours = way
    age = None if reported_at is None else at.timestamp() - float(reported_at)
    if declared is False or reported is False or (hours is not None and not _open(hours, at.astimezone(PLACE))):
        return False
    if heartbeat_minutes is not None:
        return age is not None and _AHEAD_SECONDS <= age <= 60 * heartbeat_minutes
    fresh = age is not None and _AHEAD_SECONDS <= age <= _REPORT_SECONDS
    return True if reported and fresh else declared


def _open(hours: dict[str, list[str]], local: datetime) -> bool:
    """Return whether a local time lies within the hours of its weekday; a span ends before its last minute begins."""
    spans = hours.get(_WEEKDAYS[local.weekday()], [])
    now = f"{local:%H:%M}"
    return any(span[:5] <= now < span[6:] for span in spans)
