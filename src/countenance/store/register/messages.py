"""Messages with parties, in both directions, and the files that belong to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.register.tables import attached, attachment, message


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message as it was signed; `complete_at` is None while a file of it is missing."""

    party_id: str
    message_id: bytes
    ours: bool
    kind: str
    at: datetime
    received_at: datetime
    complete_at: datetime | None
    note: bytes = field(repr=False)
    by: str | None = None
    case_id: int | None = None
    number: int = 0


@dataclass(frozen=True, slots=True)
class AttachedRow:
    """A file that a message names, and whether it has come from this party."""

    party_id: str
    message_id: bytes
    place: int
    name: str
    media_type: str
    size: int
    sha256: bytes
    here: bool = False


#: The column holds no larger one.
_NUMBER_MAX = 2**31 - 1
_MESSAGE = [message.c[name] for name in MessageRow.__dataclass_fields__]
_ATTACHED = [attached.c[name] for name in AttachedRow.__dataclass_fields__ if name != "here"]
_HERE: list[ColumnElement[Any]] = [*_ATTACHED, attachment.c.sha256.is_not(None)]
_SENT = and_(
    attachment.c.party_id == attached.c.party_id,
    attachment.c.sha256 == attached.c.sha256,
    attachment.c.size == attached.c.size,
)


def add(tx: Transaction, row: MessageRow, files: Sequence[AttachedRow] = ()) -> MessageRow:
    """Keep a message under the next number of its party, which the caller holds, and return it with that."""
    last = select(func.coalesce(func.max(message.c.number), 0) + 1).where(message.c.party_id == row.party_id)
    values = {name: getattr(row, name) for name in MessageRow.__dataclass_fields__}
    values["number"] = last.scalar_subquery()
    added = tx.execute(insert(message).values(values).returning(*_MESSAGE)).one()
    if files:
        listed = [
            {name: getattr(each, name) for name in AttachedRow.__dataclass_fields__ if name != "here"} for each in files
        ]
        tx.execute(insert(attached).values(listed))
    return MessageRow(*added)


def find(tx: Transaction, party_id: str, message_id: bytes) -> MessageRow | None:
    """Return a message of a party."""
    query = select(*_MESSAGE).where(message.c.party_id == party_id, message.c.message_id == message_id)
    found = tx.execute(query).one_or_none()
    return None if found is None else MessageRow(*found)


def after(tx: Transaction, party_id: str, number: int, most: int) -> list[MessageRow]:
    """Return what the authority sent a party after a number, so many messages at most."""
    last = min(number, _NUMBER_MAX)
    query = select(*_MESSAGE).where(message.c.party_id == party_id, message.c.ours, message.c.number > last)
    return [MessageRow(*row) for row in tx.execute(query.order_by(message.c.number).limit(most))]


def of_case(tx: Transaction, case_id: int) -> list[MessageRow]:
    """Return what was said about a case, the oldest first."""
    query = select(*_MESSAGE).where(message.c.case_id == case_id).order_by(message.c.number)
    return [MessageRow(*row) for row in tx.execute(query)]


def of_party(tx: Transaction, party_id: str, most: int) -> list[MessageRow]:
    """Return the newest messages with a party, the oldest of them first."""
    query = select(*_MESSAGE).where(message.c.party_id == party_id).order_by(message.c.number.desc()).limit(most)
    return [MessageRow(*row) for row in tx.execute(query)][::-1]


def complete(tx: Transaction, party_id: str, message_id: bytes, at: datetime) -> None:
    """Write down that every file of a message has come."""
    named = message.c.party_id == party_id, message.c.message_id == message_id
    tx.execute(message.update().where(*named).values(complete_at=at))


def file_under(tx: Transaction, party_id: str, message_id: bytes, case_id: int) -> None:
    """Count a message to a case."""
    named = message.c.party_id == party_id, message.c.message_id == message_id
    tx.execute(message.update().where(*named).values(case_id=case_id))


def incomplete(tx: Transaction, party_id: str) -> int:
    """Return how many messages of a party wait for files."""
    query = select(func.count()).where(message.c.party_id == party_id, message.c.complete_at.is_(None))
    return int(tx.execute(query).scalar_one())


def files_of(tx: Transaction, party_id: str, message_ids: Sequence[bytes]) -> list[AttachedRow]:
    """Return the files that messages name, each with whether it has come."""
    query = (
        select(*_HERE)
        .select_from(attached.outerjoin(attachment, _SENT))
        .where(attached.c.party_id == party_id, attached.c.message_id.in_(message_ids))
        .order_by(attached.c.message_id, attached.c.place)
    )
    return [AttachedRow(*row) for row in tx.execute(query)]


def waiting_for(tx: Transaction, sha256: bytes) -> list[AttachedRow]:
    """Return the places in which a file is named, that came or not, in messages of any party that wait for files."""
    query = (
        select(*_HERE)
        .select_from(
            attached.join(
                message,
                and_(message.c.party_id == attached.c.party_id, message.c.message_id == attached.c.message_id),
            ).outerjoin(attachment, _SENT)
        )
        .where(attached.c.sha256 == sha256, message.c.complete_at.is_(None))
        .order_by(attached.c.party_id, attached.c.message_id, attached.c.place)
    )
    return [AttachedRow(*row) for row in tx.execute(query)]


def keep(tx: Transaction, party_id: str, sha256: bytes, size: int, at: datetime) -> None:
    """Write down that a file has come from a party."""
    row = {"party_id": party_id, "sha256": sha256, "size": size, "at": at}
    tx.execute(insert(attachment).values(row).on_conflict_do_nothing())


def bytes_of(tx: Transaction, party_id: str) -> int:
    """Return how many bytes of files a party has sent or announced."""
    query = select(func.coalesce(func.sum(attached.c.size), 0)).where(attached.c.party_id == party_id)
    return int(tx.execute(query).scalar_one())
