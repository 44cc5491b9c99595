"""How members of staff sign in: a password's hash, the sealed secret of their codes, and how often it went wrong."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    select,
)
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.tables import instant, metadata

sign_in = Table(
    "sign_in",
    metadata,
    Column("operator_id", Text, nullable=False),
    Column("staff_id", Text, nullable=False),
    Column("password", Text),
    Column("chosen_at", instant()),
    Column("code_secret", LargeBinary, nullable=False),
    Column("code_step", BigInteger, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("waits_until", instant()),
    Column("invitation", Text),
    Column("invitation_digest", LargeBinary),
    Column("invited_until", instant()),
    PrimaryKeyConstraint("operator_id", "staff_id"),
    UniqueConstraint("invitation"),
    ForeignKeyConstraint(["operator_id", "staff_id"], ["staff.operator_id", "staff.staff_id"]),
)


@dataclass(frozen=True, slots=True)
class SignInRow:
    """How one member of staff signs in; without a password not at all yet."""

    operator_id: str
    staff_id: str
    password: str | None = field(repr=False)
    code_secret: bytes = field(repr=False)
    code_step: int = field(default=0, repr=False)
    failures: int = 0
    waits_until: datetime | None = None
    invitation: str | None = None
    invitation_digest: bytes | None = field(default=None, repr=False)
    invited_until: datetime | None = None
    chosen_at: datetime | None = None


_COLUMNS = [sign_in.c[name] for name in SignInRow.__dataclass_fields__]


def write(tx: Transaction, row: SignInRow) -> None:
    """Keep how a member of staff signs in, instead of what was kept before."""
    values = {name: getattr(row, name) for name in SignInRow.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if name not in {"operator_id", "staff_id"}}
    tx.execute(
        insert(sign_in).values(values).on_conflict_do_update(index_elements=["operator_id", "staff_id"], set_=changed)
    )


def find(tx: Transaction, operator_id: str, staff_id: str, *, lock: bool = False) -> SignInRow | None:
    """Return how a member of staff signs in; with `lock` held until the transaction ends: guesses come one by one."""
    query = select(*_COLUMNS).where(sign_in.c.operator_id == operator_id, sign_in.c.staff_id == staff_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else SignInRow(*found)


def end_invitations(tx: Transaction, operator_id: str) -> None:
    """End every invitation: after a restore nobody knows which of them were used."""
    nothing = {"invitation": None, "invitation_digest": None, "invited_until": None}
    tx.execute(sign_in.update().where(sign_in.c.operator_id == operator_id).values(nothing))


def invited(tx: Transaction, invitation: str) -> SignInRow | None:
    """Return whom an invitation is for, held until the transaction ends."""
    found = tx.execute(select(*_COLUMNS).where(sign_in.c.invitation == invitation).with_for_update()).one_or_none()
    return None if found is None else SignInRow(*found)
