"""The tables of what the law permitted: active purposes, registered devices, authorisations, originals.

The one column that holds pictures is `original.sealed`: each under a key of its own, kept only by permit.
"""

from sqlalchemy import (
    ARRAY,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from countenance.store.tables import instant, metadata

active_purpose = Table(
    "active_purpose",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("activated_at", instant(), nullable=False),
    Column("activated_by", Text, nullable=False),
    PrimaryKeyConstraint("operator_id", "purpose"),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
)

registered_device = Table(
    "registered_device",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("device_id", Text, nullable=False),
    Column("standing", JSONB, nullable=False),
    Column("registered_at", instant(), nullable=False),
    Column("registered_by", Text, nullable=False),
    PrimaryKeyConstraint("operator_id", "device_id"),
    ForeignKeyConstraint(["operator_id", "device_id"], ["device.operator_id", "device.device_id"]),
)

authorisation = Table(
    "authorisation",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("authorisation_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("requested_by_subject", Boolean, nullable=False),
    Column("issuer", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("devices", ARRAY(Text), nullable=False),
    Column("subjects", ARRAY(Uuid), nullable=False),
    Column("subjects_named", Integer, nullable=False),
    Column("starts_at", instant(), nullable=False),
    Column("ends_at", instant(), nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("asked_at", instant(), nullable=False),
    Column("revoked_at", instant()),
    Column("revoked_by", Text),
    Column("closed_at", instant()),
    Column("asked_by_staff", Text),
    PrimaryKeyConstraint("operator_id", "authorisation_id"),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
    ForeignKeyConstraint(["operator_id", "asked_by_staff"], ["staff.operator_id", "staff.staff_id"]),
    CheckConstraint("ground IN ('national_security', 'public_security', 'emergency')", name="ground"),
    CheckConstraint("ends_at > starts_at", name="window"),
    Index(None, "operator_id", "purpose", "ends_at"),
)

approval = Table(
    "approval",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("authorisation_id", Uuid, nullable=False),
    Column("credential_id", Text, nullable=False),
    Column("at", instant(), nullable=False),
    Column("staff_id", Text),
    PrimaryKeyConstraint("operator_id", "authorisation_id", "credential_id"),
    UniqueConstraint("operator_id", "authorisation_id", "staff_id"),
    ForeignKeyConstraint(["operator_id", "staff_id"], ["staff.operator_id", "staff.staff_id"]),
    ForeignKeyConstraint(
        ["operator_id", "authorisation_id"], ["authorisation.operator_id", "authorisation.authorisation_id"]
    ),
)

authorisation_use = Table(
    "authorisation_use",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("authorisation_id", Uuid, nullable=False),
    Column("record_id", Uuid, nullable=False),
    PrimaryKeyConstraint("operator_id", "authorisation_id", "record_id"),
    ForeignKeyConstraint(
        ["operator_id", "authorisation_id"], ["authorisation.operator_id", "authorisation.authorisation_id"]
    ),
    ForeignKeyConstraint(["operator_id", "record_id"], ["record.operator_id", "record.record_id"]),
)

original = Table(
    "original",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("original_id", Uuid, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("kept_at", instant(), nullable=False),
    Column("expires_at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "original_id"),
    ForeignKeyConstraint(["operator_id", "subject_id"], ["subject.operator_id", "subject.subject_id"]),
    Index(None, "operator_id", "subject_id", "purpose"),
    Index(None, "operator_id", "expires_at"),
)
