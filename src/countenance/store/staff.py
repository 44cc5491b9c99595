"""Members of staff who can hold an officer's credential: a code, a name, and whether they still belong."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Boolean, Column, ForeignKeyConstraint, PrimaryKeyConstraint, Table, Text, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import instant, metadata

staff = Table(
    "staff",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created_at", instant(), nullable=False),
    PrimaryKeyConstraint("operator_id", "staff_id"),
    ForeignKeyConstraint(["operator_id"], ["operator.operator_id"]),
)


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One member of staff as on file; the code stands for this person for ever, the name stays in this table."""

    operator_id: str
    staff_id: str
    name: str
    active: bool
    created_at: datetime

    def __repr__(self) -> str:
        """Show the code only."""
        return f"StaffRow({self.staff_id})"


_COLUMNS = [staff.c[name] for name in StaffRow.__dataclass_fields__]


def add(tx: Transaction, row: StaffRow) -> bool:
    """Keep a new member of staff and return whether the code was free; one that is retired stays taken."""
    values = {name: getattr(row, name) for name in StaffRow.__dataclass_fields__}
    done = tx.execute(insert(staff).values(values).on_conflict_do_nothing().returning(staff.c.staff_id))
    return done.one_or_none() is not None


def find(tx: Transaction, operator_id: str, staff_id: str, *, share: bool = False) -> StaffRow | None:
    """Return one member of staff, retired or not; with `share`, nobody retires them until the transaction ends."""
    query = select(*_COLUMNS).where(staff.c.operator_id == operator_id, staff.c.staff_id == staff_id)
    found = tx.execute(query.with_for_update(read=True) if share else query).one_or_none()
    return None if found is None else StaffRow(*found)


def listed(tx: Transaction, operator_id: str) -> list[StaffRow]:
    """Return all members of staff, those who were first on file first."""
    query = select(*_COLUMNS).where(staff.c.operator_id == operator_id).order_by(staff.c.created_at, staff.c.staff_id)
    return [StaffRow(*row) for row in tx.execute(query)]


def retire(tx: Transaction, operator_id: str, staff_id: str) -> bool:
    """Mark a member of staff retired and return whether there was one to retire."""
    done = tx.execute(
        staff.update()
        .where(staff.c.operator_id == operator_id, staff.c.staff_id == staff_id, staff.c.active.is_(True))
        .values(active=False)
    )
    return done.rowcount == 1
