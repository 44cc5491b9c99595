"""The tables. Each key starts with the operator; no column holds a picture, a score or a bare template."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def instant() -> DateTime:
    """Return the type of an instant."""
    return DateTime(timezone=True)


operator = Table(
    "operator",
    metadata,
    Column("operator_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("contact", Text, nullable=False),
    Column("officer", Text),
    Column("officer_contact", Text),
    Column("minor_rules", Text),
    Column("credit_code", Text),
    Column("group_name", Text),
    Column("elsewhere", JSONB),
)

purpose = Table(
    "purpose",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("banned", Boolean, nullable=False),
    Column("necessity", Text),
    Column("necessity_signed_by", Text),
    Column("necessity_expires_on", Date),
    Column("alternatives_assessed", Text),
    Column("assessed_on", Date),
    Column("assessment_expires_on", Date),
    Column("assessment_signed_by", Text),
    Column("configuration", LargeBinary),
    Column("assessed_configuration", LargeBinary),
    Column("major_interest", Boolean),
    Column("public_security", Boolean),
    Column("retention_days", Integer),
    Column("comparison", Text, nullable=False, server_default="plain"),
    Column("steps_to_consent", Integer),
    Column("steps_to_withdraw", Integer),
    Column("retired", Boolean, nullable=False),
    PrimaryKeyConstraint("operator_id", "code"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

statutory_basis = Table(
    "statutory_basis",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("citation", Text, nullable=False),
    Column("lifts", ARRAY(Text), nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("expires_on", Date, nullable=False),
    PrimaryKeyConstraint("operator_id", "purpose"),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
)

venue = Table(
    "venue",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("business", Boolean),
    Column("location", JSONB),
    Column("retired", Boolean, nullable=False),
    PrimaryKeyConstraint("operator_id", "venue_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

place = Table(
    "place",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("place_id", Text, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("private", Boolean),
    Column("public", Boolean),
    Column("internal", Boolean),
    Column("declared_by", Text),
    Column("declared_on", Date),
    Column("retired", Boolean, nullable=False),
    PrimaryKeyConstraint("operator_id", "place_id"),
    ForeignKeyConstraint(["operator_id", "venue_id"], ["venue.operator_id", "venue.venue_id"]),
)

device = Table(
    "device",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("place_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sign_checked_on", Date),
    Column("sign_evidence_digest", Text),
    Column("security_necessity", Text),
    Column("security_necessity_expires_on", Date),
    Column("area", JSONB),
    Column("assessed_on", Date),
    Column("sole_entry", Boolean),
    Column("suspended", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    PrimaryKeyConstraint("operator_id", "device_id"),
    ForeignKeyConstraint(["operator_id", "place_id"], ["place.operator_id", "place.place_id"]),
)

alternative = Table(
    "alternative",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("alternative_id", Text, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("title", JSONB, nullable=False),
    Column("working", Boolean),
    Column("hours", JSONB),
    Column("heartbeat_minutes", Integer),
    Column("reported_working", Boolean),
    Column("reported_at", instant()),
    Column("retired", Boolean, nullable=False),
    PrimaryKeyConstraint("operator_id", "alternative_id"),
    ForeignKeyConstraint(["operator_id", "venue_id"], ["venue.operator_id", "venue.venue_id"]),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
    Index(None, "operator_id", "venue_id", "purpose"),
)

notice = Table(
    "notice",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("text", JSONB, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("published_at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "purpose", "version"),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
)

filing = Table(
    "filing",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("pack", Text, nullable=False),
    Column("number", Text, nullable=False),
    Column("filed_on", Date, nullable=False),
    PrimaryKeyConstraint("operator_id", "pack"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)

subject = Table(
    "subject",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("ref", Text),
    Column("age_class", Text),
    Column("linking_key", LargeBinary),
    Column("return_token", Integer),
    Column("created_at", instant(), nullable=False),
    Column("erased_at", instant()),
    PrimaryKeyConstraint("operator_id", "subject_id"),
    UniqueConstraint("operator_id", "ref"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
    CheckConstraint("erased_at IS NULL OR (ref IS NULL AND linking_key IS NULL)", name="erased_unlinked"),
)

consent_event = Table(
    "consent_event",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("at", instant(), nullable=False),
    Column("kind", Text, nullable=False),
    Column("form", Text),
    Column("scopes", ARRAY(Text)),
    Column("notice_version", Integer),
    Column("served_id", Uuid),
    Column("evidence_digest", LargeBinary),
    Column("guardian", Text),
    Column("guardian_relation", Text),
    Column("guardian_evidence", Text),
    Column("guardian_evidence_digest", LargeBinary),
    Column("guardian_checked_by", Text),
    Column("expires_at", instant()),
    Column("device_id", Text),
    PrimaryKeyConstraint("operator_id", "number"),
    UniqueConstraint("operator_id", "event_id"),
    ForeignKeyConstraint(["operator_id", "subject_id"], ["subject.operator_id", "subject.subject_id"]),
    ForeignKeyConstraint(["operator_id", "served_id"], ["served.operator_id", "served.served_id"]),
    CheckConstraint("kind IN ('given', 'refused', 'withdrawn')", name="kind"),
    CheckConstraint("(guardian_relation IS NULL) = (guardian_evidence IS NULL)", name="guardian_evidenced"),
    Index(None, "operator_id", "subject_id", "purpose", "number"),
    Index(None, "operator_id", "served_id"),
)

subject_key = Table(
    "subject_key",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("created_at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "subject_id", "purpose"),
    ForeignKeyConstraint(["operator_id", "subject_id"], ["subject.operator_id", "subject.subject_id"]),
)

reference = Table(
    "reference",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("reference_id", Uuid, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "reference_id"),
    ForeignKeyConstraint(
        ["operator_id", "subject_id", "purpose"],
        ["subject_key.operator_id", "subject_key.subject_id", "subject_key.purpose"],
        ondelete="CASCADE",
    ),
    Index(None, "operator_id", "subject_id", "purpose"),
)

record = Table(
    "record",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("record_id", Uuid, nullable=False),
    Column("at", instant(), nullable=False),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("subject_mark", LargeBinary),
    Column("body", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    PrimaryKeyConstraint("operator_id", "number"),
    UniqueConstraint("operator_id", "record_id"),
    Index(None, "operator_id", "at"),
    Index(None, "operator_id", "subject_mark", "number"),
)

credential = Table(
    "credential",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("device_id", Text),
    Column("subject_id", Uuid),
    Column("staff_id", Text),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("created_at", instant(), nullable=False),
    Column("expires_at", instant()),
    Column("revoked_at", instant()),
    Column("session", Boolean, nullable=False),
    PrimaryKeyConstraint("operator_id", "credential_id"),
    UniqueConstraint("credential_id"),
    ForeignKeyConstraint(["operator_id", "device_id"], ["device.operator_id", "device.device_id"]),
    ForeignKeyConstraint(["operator_id", "staff_id"], ["staff.operator_id", "staff.staff_id"]),
    CheckConstraint("role IN ('device', 'officer', 'subject', 'regulator')", name="role"),
    CheckConstraint("(role = 'device') = (device_id IS NOT NULL)", name="device_role"),
    CheckConstraint("(role = 'subject') = (subject_id IS NOT NULL)", name="subject_role"),
    CheckConstraint("staff_id IS NULL OR role = 'officer'", name="staff_role"),
)

answered = Table(
    "answered",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("request_mark", LargeBinary, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "credential_id", "idempotency_key"),
    Index(None, "operator_id", "at"),
)
