"""The one query that gathers what is on file for a decision, and the facts made from its one row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BindParameter, and_, bindparam, case, func, literal, select, true

from countenance import facts as f
from countenance.store import authorisations, declared
from countenance.store.authorisations import Authorised
from countenance.store.database import Transaction
from countenance.store.tables import (
    active_purpose,
    alternative,
    consent_event,
    device,
    notice,
    operator,
    place,
    purpose,
    record,
    registered_device,
    statutory_basis,
    subject,
    venue,
)
from countenance.vocabulary import (
    Action,
    AgeClass,
    AssessmentState,
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
    purpose_active: bool = False
    origin_known: bool = False
    standing: Mapping[str, Any] | None = None
    authorised: Authorised | None = None
    retention_days: int | None = None


_OPERATOR: BindParameter[str] = bindparam("operator_id")
_PURPOSE: BindParameter[str] = bindparam("purpose")

_consent = (
    select(
        consent_event.c.kind,
        consent_event.c.form,
        consent_event.c.purpose,
        consent_event.c.scopes,
        consent_event.c.notice_version,
        consent_event.c.guardian,
        consent_event.c.expires_at,
    )
    .where(
        consent_event.c.operator_id == _OPERATOR,
        consent_event.c.subject_id == subject.c.subject_id,
        consent_event.c.purpose == _PURPOSE,
    )
    .order_by(consent_event.c.number.desc())
    .limit(1)
    .lateral("consent")
)
_refused_at = (
    select(func.max(consent_event.c.at))
    .where(
        consent_event.c.operator_id == _OPERATOR,
        consent_event.c.subject_id == subject.c.subject_id,
        consent_event.c.purpose == _PURPOSE,
        consent_event.c.kind == "refused",
    )
    .scalar_subquery()
)
_notice_version = (
    select(func.max(notice.c.version))
    .where(notice.c.operator_id == _OPERATOR, notice.c.purpose == _PURPOSE)
    .scalar_subquery()
)
# What works outweighs what nobody reported, and that outweighs what is broken.
_alternatives = (
    select(
        func.array_agg(case((alternative.c.working.is_(None), literal("?")), (alternative.c.working, "+"), else_="-"))
    )
    .where(
        alternative.c.operator_id == _OPERATOR,
        alternative.c.venue_id == venue.c.venue_id,
        alternative.c.purpose == _PURPOSE,
        alternative.c.retired.is_(False),
    )
    .scalar_subquery()
)
_newest_record_at = (
    select(record.c.at).where(record.c.operator_id == _OPERATOR).order_by(record.c.at.desc()).limit(1).scalar_subquery()
)
_origin = purpose.alias("origin")
_authorised = authorisations.lateral()
_base = select(_OPERATOR.label("operator_id")).subquery("base")
_QUERY = (
    select(
        operator.c.officer,
        operator.c.minor_rules,
        purpose.c.code.label("purpose_code"),
        purpose.c.banned,
        purpose.c.necessity_expires_on,
        purpose.c.alternatives_assessed,
        purpose.c.assessed_on,
        purpose.c.assessment_expires_on,
        purpose.c.major_interest,
        purpose.c.public_security,
        purpose.c.retention_days,
        purpose.c.steps_to_consent,
        purpose.c.steps_to_withdraw,
        statutory_basis.c.citation,
        statutory_basis.c.lifts,
        statutory_basis.c.expires_on.label("basis_expires_on"),
        device.c.device_id,
        device.c.sign_checked_on,
        device.c.security_necessity_expires_on,
        device.c.area_set,
        device.c.assessed_on.label("device_assessed_on"),
        device.c.sole_entry,
        device.c.suspended,
        place.c.kind.label("place_kind"),
        place.c.private,
        place.c.public,
        place.c.internal,
        venue.c.kind.label("venue_kind"),
        venue.c.business,
        subject.c.subject_id,
        subject.c.age_class,
        subject.c.linking_key,
        _consent.c.kind.label("consent_kind"),
        _consent.c.form,
        _consent.c.purpose.label("consent_purpose"),
        _consent.c.scopes,
        _consent.c.notice_version,
        _consent.c.guardian,
        _consent.c.expires_at,
        _refused_at.label("refused_at"),
        _notice_version.label("notice_newest"),
        _alternatives.label("alternatives"),
        _newest_record_at.label("newest_record_at"),
        active_purpose.c.activated_at,
        _origin.c.code.label("origin_code"),
        _origin.c.public_security.label("origin_public_security"),
        place.c.place_id,
        registered_device.c.standing,
        _authorised.c.authorisation_id,
        _authorised.c.ground,
        _authorised.c.requested_by_subject,
        _authorised.c.devices.label("authorised_devices"),
        _authorised.c.subjects.label("authorised_subjects"),
        _authorised.c.subjects_named,
        _authorised.c.starts_at,
        _authorised.c.approvers,
    )
    .select_from(_base)
    .outerjoin(operator, operator.c.operator_id == _base.c.operator_id)
    .outerjoin(
        purpose,
        and_(purpose.c.operator_id == _OPERATOR, purpose.c.code == _PURPOSE, purpose.c.retired.is_(False)),
    )
    .outerjoin(
        statutory_basis,
        and_(statutory_basis.c.operator_id == _OPERATOR, statutory_basis.c.purpose == purpose.c.code),
    )
    .outerjoin(
        device,
        and_(
            device.c.operator_id == _OPERATOR,
            device.c.device_id == bindparam("device_id"),
            device.c.retired.is_(False),
        ),
    )
    .outerjoin(
        place,
        and_(place.c.operator_id == _OPERATOR, place.c.place_id == device.c.place_id, place.c.retired.is_(False)),
    )
    .outerjoin(
        venue,
        and_(venue.c.operator_id == _OPERATOR, venue.c.venue_id == place.c.venue_id, venue.c.retired.is_(False)),
    )
    .outerjoin(
        subject,
        and_(
            subject.c.operator_id == _OPERATOR,
            subject.c.erased_at.is_(None),
            (subject.c.ref == bindparam("subject_ref")) | (subject.c.subject_id == bindparam("subject_id")),
        ),
    )
    .outerjoin(_consent, true())
    .outerjoin(
        active_purpose,
        and_(active_purpose.c.operator_id == _OPERATOR, active_purpose.c.purpose == purpose.c.code),
    )
    .outerjoin(_origin, and_(_origin.c.operator_id == _OPERATOR, _origin.c.code == bindparam("origin_purpose")))
    .outerjoin(
        registered_device,
        and_(registered_device.c.operator_id == _OPERATOR, registered_device.c.device_id == device.c.device_id),
    )
    .outerjoin(_authorised, true())
)


def gather(tx: Transaction, question: Question) -> OnFile:
    """Return everything on file for one decision, read in one query at one instant."""
    row: Any = tx.execute(
        _QUERY,
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
    standing = declared.standing(row)
    registered = device_known and not row.suspended and row.standing == standing
    return OnFile(
        facts=f.Facts(
            action=question.action,
            at=question.at,
            operator=f.OperatorFacts(officer_named=row.officer is not None),
            purpose=_purpose(row, question.purpose, today),
            venue=f.VenueFacts(kind=_one(VenueKind, row.venue_kind), business=row.business),
            place=f.PlaceFacts(
                kind=_one(PlaceKind, row.place_kind), private=row.private, public=row.public, internal=row.internal
            ),
            device=_device(row, today, registered=registered) if device_known else None,
            subject=f.SubjectFacts(age_class=_one(AgeClass, row.age_class)),
            consent=_consent_facts(row, question.at),
            minor_rules=row.minor_rules is not None,
            **_basis(row, today),
            session=_session(question.session, row.refused_at, today),
            alternative=f.AlternativeFacts(available=_available(row)),
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
        purpose_active=row.activated_at is not None,
        origin_known=row.origin_code is not None,
        standing=standing,
        authorised=authorisations.authorised(row),
        retention_days=row.retention_days,
    )


def _one(kind: Any, value: str | None) -> Any:
    return None if value is None else kind(value)


def _purpose(row: Any, code: str, today: date) -> f.PurposeFacts:
    if row.purpose_code is None:
        return f.PurposeFacts(code=code)
    if row.assessed_on is None:
        assessment = AssessmentState.NONE
    elif row.assessed_on <= today <= row.assessment_expires_on:
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


def _device(row: Any, today: date, *, registered: bool) -> f.DeviceFacts:
    sign, assessed, expires = row.sign_checked_on, row.device_assessed_on, row.security_necessity_expires_on
    return f.DeviceFacts(
        registered=registered,
        sign_current=sign is not None and sign <= today <= sign + SIGN_CURRENT,
        security_necessity=expires is not None and today <= expires,
        area_set=row.area_set,
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
        guardian=row.guardian is not None,
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


def _available(row: Any) -> bool | None:
    if row.venue_kind is None:
        return None
    ways = row.alternatives or []
    if "+" in ways:
        return True
    return None if "?" in ways else False
