"""The clerks of an authority and their sessions."""

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.register.tables import clerk, clerk_session


@dataclass(frozen=True, slots=True)
class ClerkRow:
    """A clerk: the hash of a password, whether another has to be chosen, and how often it went wrong."""

    name: str
    password: str = field(repr=False)
    must_choose: bool
    failures: int = 0
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session, by the digest of its secret."""

    public_id: str
    digest: bytes = field(repr=False)
    name: str
    ends_at: datetime


_CLERK = [clerk.c[name] for name in ClerkRow.__dataclass_fields__]
_SESSION = [clerk_session.c[name] for name in SessionRow.__dataclass_fields__]


def write(tx: Transaction, row: ClerkRow) -> None:
    """Keep a clerk, instead of what was kept before."""
    values = {name: getattr(row, name) for name in ClerkRow.__dataclass_fields__}
    tx.execute(insert(clerk).values(values).on_conflict_do_update(index_elements=["name"], set_=values))


def find(tx: Transaction, name: str, *, lock: bool = False) -> ClerkRow | None:
    """Return a clerk; with `lock` held until the transaction ends: guesses come one by one."""
    query = select(*_CLERK).where(clerk.c.name == name)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else ClerkRow(*found)


def every(tx: Transaction) -> list[ClerkRow]:
    """Return all clerks, by name."""
    return [ClerkRow(*row) for row in tx.execute(select(*_CLERK).order_by(clerk.c.name))]


def begin(tx: Transaction, row: SessionRow, at: datetime) -> None:
    """Keep a session; those that have ended go."""
    tx.execute(clerk_session.delete().where(clerk_session.c.ends_at <= at))
    tx.execute(insert(clerk_session).values({name: getattr(row, name) for name in SessionRow.__dataclass_fields__}))


def session(tx: Transaction, public_id: str) -> tuple[SessionRow, ClerkRow] | None:
    """Return a session and whose it is."""
    query = select(*_SESSION, *_CLERK).join(clerk, clerk.c.name == clerk_session.c.name)
    found = tx.execute(query.where(clerk_session.c.public_id == public_id)).one_or_none()
    return None if found is None else (SessionRow(*found[: len(_SESSION)]), ClerkRow(*found[len(_SESSION) :]))


def end(tx: Transaction, public_id: str) -> None:
    """End a session."""
    tx.execute(clerk_session.delete().where(clerk_session.c.public_id == public_id))


def end_all(tx: Transaction, name: str) -> None:
    """End every session of a clerk."""
    tx.execute(clerk_session.delete().where(clerk_session.c.name == name))
