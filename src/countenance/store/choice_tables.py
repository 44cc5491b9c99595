"""The tables of how people chose to be served, and of where the face was found to be the easier way.

Neither has a column for a person, and a choice knows the hour in which it was made, so that it cannot be laid beside a
record of the same second.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)

from countenance.store.tables import instant, metadata

choice = Table(
    "choice",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("choice_id", Uuid, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("device_id", Text),
    Column("at", instant(), nullable=False),
    Column("way", Text, nullable=False),
    Column("seconds", Integer),
    Column("steps", Integer),
    PrimaryKeyConstraint("operator_id", "choice_id"),
    ForeignKeyConstraint(["operator_id", "venue_id"], ["venue.operator_id", "venue.venue_id"]),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
    ForeignKeyConstraint(["operator_id", "device_id"], ["device.operator_id", "device.device_id"]),
    CheckConstraint("way IN ('face', 'alternative', 'refused', 'abandoned')", name="way"),
    CheckConstraint("seconds >= 0", name="seconds"),
    CheckConstraint("steps >= 0", name="steps"),
    Index(None, "operator_id", "at"),
)

#: A row stands for as long as the finding does; the records keep when it came and went.
parity_finding = Table(
    "parity_finding",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("venue_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("since", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "venue_id", "purpose"),
    ForeignKeyConstraint(["operator_id", "venue_id"], ["venue.operator_id", "venue.venue_id"]),
    ForeignKeyConstraint(["operator_id", "purpose"], ["purpose.operator_id", "purpose.code"]),
)
