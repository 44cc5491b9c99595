"""What an operator and its authority have said to each other, and what is still on its way."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from countenance.answer import Text
from countenance.store.database import Transaction
from countenance.store.exchange_tables import enclosed, exchanged, group_key, paired_authority


@dataclass(frozen=True, slots=True)
class AuthorityRow:
    """With whom an operator is paired: address and pinned key, by which key it signs there, how far it read."""

    url: str
    vkey: str
    signs_by: str
    party: str
    paired_at: datetime
    collected: int = 0
    heard_at: datetime | None = None
    trouble: Text | None = None


@dataclass(frozen=True, slots=True)
class ExchangedRow:
    """One message: the signed note, which way it went, what it is about, and whether it has arrived."""

    number: int
    message_id: bytes
    outgoing: bool
    kind: str
    at: datetime
    note: bytes = field(repr=False)
    about: bytes | None = None
    receipted_at: datetime | None = None
    refused: Text | None = None

    @property
    def waits(self) -> bool:
        """Return whether it goes out and has not arrived."""
        return self.outgoing and self.receipted_at is None and self.refused is None


_AUTHORITY: Final = [paired_authority.c[name] for name in AuthorityRow.__dataclass_fields__]
_EXCHANGED: Final = [exchanged.c[name] for name in ExchangedRow.__dataclass_fields__]


def _exchanged(row: Any) -> ExchangedRow:
    return replace(ExchangedRow(*row), refused=_read(row.refused))


def authority(tx: Transaction, operator_id: str, *, lock: bool = False) -> AuthorityRow | None:
    """Return with whom an operator is paired; with `lock`, nobody else reads on from there until the end."""
    query = select(*_AUTHORITY).where(paired_authority.c.operator_id == operator_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else replace(AuthorityRow(*found), trouble=_read(found.trouble))


def pair(tx: Transaction, operator_id: str, row: AuthorityRow) -> None:
    """Keep with whom an operator is paired; an earlier authority is replaced, and what it said stays."""
    values = {name: getattr(row, name) for name in AuthorityRow.__dataclass_fields__ if name != "trouble"}
    values["trouble"] = None if row.trouble is None else _written(row.trouble)
    fresh = insert(paired_authority).values(operator_id=operator_id, **values)
    tx.execute(fresh.on_conflict_do_update(index_elements=["operator_id"], set_=values))


def change(tx: Transaction, operator_id: str, **values: Any) -> None:
    """Write how far the authority was read, when it was heard last, or what the trouble is."""
    mine = paired_authority.c.operator_id == operator_id
    tx.execute(paired_authority.update().where(mine).values(values))


def add(
    tx: Transaction,
    operator_id: str,
    *,
    message_id: bytes,
    outgoing: bool,
    kind: str,
    at: datetime,
    note: bytes,
    about: bytes | None = None,
    files: Mapping[str, bytes] | None = None,
) -> bool:
    """Keep a message, and what travels beside it; return whether it was new."""
    row = {
        "operator_id": operator_id, "message_id": message_id, "outgoing": outgoing, "kind": kind, "at": at,
        "note": note, "about": about,
    }  # fmt: skip
    fresh = insert(exchanged).values(row).on_conflict_do_nothing().returning(exchanged.c.number)
    if tx.execute(fresh).one_or_none() is None:
        return False
    for digest, content in (files or {}).items():
        said = {"operator_id": operator_id, "message_id": message_id, "sha256": digest, "content": content}
        tx.execute(enclosed.insert().values(said))
    return True


def waiting(tx: Transaction, operator_id: str) -> list[ExchangedRow]:
    """Return what goes out and has not arrived, in its order."""
    query = select(*_EXCHANGED).where(
        exchanged.c.operator_id == operator_id,
        exchanged.c.outgoing,
        exchanged.c.receipted_at.is_(None),
        exchanged.c.refused.is_(None),
    )
    return [_exchanged(row) for row in tx.execute(query.order_by(exchanged.c.number))]


def said(tx: Transaction, operator_id: str, most: int = 200) -> list[ExchangedRow]:
    """Return what was said both ways, the newest first."""
    query = select(*_EXCHANGED).where(exchanged.c.operator_id == operator_id)
    return [_exchanged(row) for row in tx.execute(query.order_by(exchanged.c.number.desc()).limit(most))]


def newest(tx: Transaction, operator_id: str, kind: str) -> datetime | None:
    """Return when the newest message of a kind was prepared, None for none."""
    mine = exchanged.c.operator_id == operator_id, exchanged.c.outgoing, exchanged.c.kind == kind
    found: datetime | None = tx.execute(select(func.max(exchanged.c.at)).where(*mine)).scalar_one()
    return found


def find(tx: Transaction, operator_id: str, message_id: bytes, *, lock: bool = False) -> ExchangedRow | None:
    """Return one message."""
    query = select(*_EXCHANGED).where(exchanged.c.operator_id == operator_id, exchanged.c.message_id == message_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else _exchanged(found)


def content(tx: Transaction, operator_id: str, message_id: bytes, digest: str) -> bytes | None:
    """Return what travels beside a message, None where it has arrived."""
    query = select(enclosed.c.content).where(
        enclosed.c.operator_id == operator_id, enclosed.c.message_id == message_id, enclosed.c.sha256 == digest
    )
    found = tx.execute(query).scalar_one_or_none()
    return None if found is None else bytes(found)


def keep_group_key(tx: Transaction, operator_id: str, group: str, key_id: str, sealed: bytes, at: datetime) -> None:
    """Keep a group's key, sealed; a later one takes its place."""
    values = {"key_id": key_id, "sealed": sealed, "at": at}
    fresh = insert(group_key).values(operator_id=operator_id, group_name=group, **values)
    tx.execute(fresh.on_conflict_do_update(index_elements=["operator_id", "group_name"], set_=values))


def find_group_key(tx: Transaction, operator_id: str, group: str) -> tuple[str, bytes] | None:
    """Return the id of a group's key and the key, sealed; None where none came."""
    query = select(group_key.c.key_id, group_key.c.sealed).where(
        group_key.c.operator_id == operator_id, group_key.c.group_name == group
    )
    found = tx.execute(query).one_or_none()
    return None if found is None else (found.key_id, bytes(found.sealed))


def groups(tx: Transaction, operator_id: str) -> list[str]:
    """Return the groups of which an operator has the key."""
    query = select(group_key.c.group_name).where(group_key.c.operator_id == operator_id)
    return sorted(tx.execute(query).scalars())


def arrived(tx: Transaction, operator_id: str, message_id: bytes, at: datetime) -> None:
    """Note that a message has arrived whole; what travelled beside it need not be kept here any more."""
    _settle(tx, operator_id, message_id, receipted_at=at)


def refuse(tx: Transaction, operator_id: str, message_id: bytes, why: Text) -> None:
    """Note that the authority does not take a message, and will not; it is not sent again."""
    _settle(tx, operator_id, message_id, refused=_written(why))


def trouble(tx: Transaction, operator_id: str, why: Text) -> None:
    """Note why nothing could be exchanged the last time."""
    change(tx, operator_id, trouble=_written(why))


def _written(why: Text) -> str:
    """Return a reason as it is kept: a line in English and a line in Chinese."""
    return "\n".join(" ".join(each.split()) for each in (why.en, why.zh))


def _read(written: str | None) -> Text | None:
    if written is None:
        return None
    en, _, zh = written.partition("\n")
    return Text(en, zh or en)


def _settle(tx: Transaction, operator_id: str, message_id: bytes, **values: Any) -> None:
    mine = exchanged.c.operator_id == operator_id, exchanged.c.message_id == message_id
    tx.execute(exchanged.update().where(*mine).values(values))
    tx.execute(enclosed.delete().where(enclosed.c.operator_id == operator_id, enclosed.c.message_id == message_id))
