"""The query for what is on file, one for every decision; where the duty to file counts, `filings` adds what it says."""

from sqlalchemy import BindParameter, and_, bindparam, func, select, true

from countenance.store import authorisations
from countenance.store.permitted_tables import active_purpose, registered_device
from countenance.store.tables import (
    alternative,
    consent_event,
    device,
    notice,
    operator,
    place,
    purpose,
    record,
    statutory_basis,
    subject,
    venue,
)

_OPERATOR: BindParameter[str] = bindparam("operator_id")
_PURPOSE: BindParameter[str] = bindparam("purpose")

_consent = (
    select(
        consent_event.c.kind,
        consent_event.c.form,
        consent_event.c.purpose,
        consent_event.c.scopes,
        consent_event.c.notice_version,
        consent_event.c.guardian_relation,
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
_alternatives = (
    select(
        func.jsonb_agg(
            func.jsonb_build_array(
                alternative.c.working,
                alternative.c.reported_working,
                func.extract("epoch", alternative.c.reported_at),
                alternative.c.heartbeat_minutes,
                alternative.c.hours,
            )
        )
    )
    .where(
        alternative.c.operator_id == _OPERATOR,
        alternative.c.venue_id == venue.c.venue_id,
        alternative.c.purpose == _PURPOSE,
        alternative.c.retired.is_(False),
    )
    .scalar_subquery()
)
# The last one written, not the latest in time: a clock that was wrong and put right is accepted by a record.
_newest_record_at = (
    select(record.c.at)
    .where(record.c.operator_id == _OPERATOR)
    .order_by(record.c.number.desc())
    .limit(1)
    .scalar_subquery()
)
_origin = purpose.alias("origin")
_authorised = authorisations.lateral()
_base = select(_OPERATOR.label("operator_id")).subquery("base")
# What stands where, and what was permitted there: the same for a decision and for a list.
_AT_PLACE = and_(place.c.operator_id == _OPERATOR, place.c.place_id == device.c.place_id, place.c.retired.is_(False))
_IN_VENUE = and_(venue.c.operator_id == _OPERATOR, venue.c.venue_id == place.c.venue_id, venue.c.retired.is_(False))
_IS_ACTIVE = and_(active_purpose.c.operator_id == _OPERATOR, active_purpose.c.purpose == purpose.c.code)
_IS_REGISTERED = and_(registered_device.c.operator_id == _OPERATOR, registered_device.c.device_id == device.c.device_id)
#: Everything on file for one decision, in one row.
ON_FILE = (
    select(
        operator.c.officer,
        operator.c.minor_rules,
        purpose.c.code.label("purpose_code"),
        purpose.c.banned,
        purpose.c.necessity_expires_on,
        purpose.c.alternatives_assessed,
        purpose.c.assessed_on,
        purpose.c.assessment_expires_on,
        purpose.c.configuration,
        purpose.c.assessed_configuration,
        purpose.c.major_interest,
        purpose.c.public_security,
        purpose.c.retention_days,
        purpose.c.comparison,
        purpose.c.steps_to_consent,
        purpose.c.steps_to_withdraw,
        statutory_basis.c.citation,
        statutory_basis.c.lifts,
        statutory_basis.c.expires_on.label("basis_expires_on"),
        device.c.device_id,
        device.c.sign_checked_on,
        device.c.sign_evidence_digest,
        device.c.security_necessity_expires_on,
        device.c.area,
        device.c.assessed_on.label("device_assessed_on"),
        device.c.sole_entry,
        device.c.suspended,
        place.c.kind.label("place_kind"),
        place.c.private,
        place.c.public,
        place.c.internal,
        place.c.declared_by,
        venue.c.kind.label("venue_kind"),
        venue.c.business,
        subject.c.subject_id,
        subject.c.ref,
        subject.c.age_class,
        subject.c.linking_key,
        _consent.c.kind.label("consent_kind"),
        _consent.c.form,
        _consent.c.purpose.label("consent_purpose"),
        _consent.c.scopes,
        _consent.c.notice_version,
        _consent.c.guardian_relation,
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
    .outerjoin(place, _AT_PLACE)
    .outerjoin(venue, _IN_VENUE)
    .outerjoin(
        subject,
        and_(
            subject.c.operator_id == _OPERATOR,
            subject.c.erased_at.is_(None),
            (subject.c.ref == bindparam("subject_ref")) | (subject.c.subject_id == bindparam("subject_id")),
        ),
    )
    .outerjoin(_consent, true())
    .outerjoin(active_purpose, _IS_ACTIVE)
    .outerjoin(_origin, and_(_origin.c.operator_id == _OPERATOR, _origin.c.code == bindparam("origin_purpose")))
    .outerjoin(registered_device, _IS_REGISTERED)
    .outerjoin(_authorised, true())
)

#: The purposes that are active.
ACTIVE = (
    select(purpose.c.code, active_purpose.c.activated_at)
    .select_from(purpose)
    .join(active_purpose, _IS_ACTIVE)
    .where(purpose.c.operator_id == _OPERATOR, purpose.c.retired.is_(False))
)

#: Where and as what each device that was registered stands now, and stood then.
STANDING = (
    select(
        device.c.device_id,
        device.c.suspended,
        place.c.place_id,
        place.c.kind.label("place_kind"),
        place.c.private,
        place.c.public,
        place.c.internal,
        venue.c.kind.label("venue_kind"),
        registered_device.c.standing,
        registered_device.c.registered_at,
    )
    .select_from(device)
    .join(registered_device, _IS_REGISTERED)
    .outerjoin(place, _AT_PLACE)
    .outerjoin(venue, _IN_VENUE)
    .where(device.c.operator_id == _OPERATOR, device.c.retired.is_(False))
)
