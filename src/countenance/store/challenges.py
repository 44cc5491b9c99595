"""Challenges as they stand on file: made once, used once."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from countenance.store.challenge_tables import challenge
from countenance.store.database import Transaction


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """One challenge: at which device, for which purpose and action, what to do, until when."""

    operator_id: str
    challenge_id: UUID
    device_id: str
    purpose: str
    action: str
    turns: list[str]
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


def add(tx: Transaction, row: ChallengeRow) -> None:
    """Keep a new challenge."""
    tx.execute(challenge.insert().values({name: getattr(row, name) for name in ChallengeRow.__dataclass_fields__}))


def find(tx: Transaction, operator_id: str, challenge_id: UUID) -> ChallengeRow | None:
    """Return a challenge, used or not."""
    columns = [challenge.c[name] for name in ChallengeRow.__dataclass_fields__]
    query = select(*columns).where(challenge.c.operator_id == operator_id, challenge.c.challenge_id == challenge_id)
    found = tx.execute(query).one_or_none()
    return None if found is None else ChallengeRow(*found)


def use(tx: Transaction, row: ChallengeRow, at: datetime) -> bool:
    """Mark a challenge used, and return whether it was not before; of two that try at once, one waits and loses."""
    done = tx.execute(
        challenge.update()
        .where(
            challenge.c.operator_id == row.operator_id,
            challenge.c.challenge_id == row.challenge_id,
            challenge.c.used_at.is_(None),
        )
        .values(used_at=at)
    )
    return done.rowcount == 1


def let_go(tx: Transaction, operator_id: str, at: datetime) -> int:
    """Let go of the challenges whose time is over, and return how many there were."""
    return tx.execute(
        challenge.delete().where(challenge.c.operator_id == operator_id, challenge.c.expires_at <= at)
    ).rowcount
