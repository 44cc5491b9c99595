"""Parties and pairing codes: which operators are known, by which key, and who may become one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from countenance.store.database import Transaction
from countenance.store.register.tables import pairing_code, party, refusal


@dataclass(frozen=True, slots=True)
class PartyRow:
    """An operator that is paired."""

    party_id: str
    key_name: str
    vkey: str
    organisation: Mapping[str, Any] = field(repr=False)
    group_name: str | None
    log_vkey: str | None
    log_url: str | None
    paired_at: datetime
    refused: int = 0
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A pairing code, without its secret."""

    code_id: str
    made_at: datetime
    made_by: str
    expires_at: datetime
    for_party: str | None = None
    used_by: str | None = None
    used_vkey: str | None = None
    used_at: datetime | None = None


_LOGS_LOCK = 0x6C6F6773  # "logs"
_PARTY = [party.c[name] for name in PartyRow.__dataclass_fields__]
_CODE = [pairing_code.c[name] for name in CodeRow.__dataclass_fields__]


def every(tx: Transaction) -> list[PartyRow]:
    """Return all parties, in the order in which they were paired."""
    return [PartyRow(*row) for row in tx.execute(select(*_PARTY).order_by(party.c.paired_at, party.c.party_id))]


def find(tx: Transaction, party_id: str, *, lock: bool = False) -> PartyRow | None:
    """Return a party; with `lock` held until the transaction ends, so that its messages are numbered one by one."""
    query = select(*_PARTY).where(party.c.party_id == party_id)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else PartyRow(*found)


def named(tx: Transaction, key_name: str, *, lock: bool = False) -> PartyRow | None:
    """Return the party whose key has a name."""
    query = select(*_PARTY).where(party.c.key_name == key_name)
    found = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if found is None else PartyRow(*found)


def hold_logs(tx: Transaction) -> None:
    """Let one party at a time say which log is its own; whoever else does waits until the transaction ends."""
    tx.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOGS_LOCK})


def write(tx: Transaction, row: PartyRow) -> None:
    """Keep a party, instead of what was kept under its id before; what was refused stays counted."""
    values = {name: getattr(row, name) for name in PartyRow.__dataclass_fields__}
    changed = {name: value for name, value in values.items() if name not in {"party_id", "refused", "refused_at"}}
    tx.execute(insert(party).values(values).on_conflict_do_update(index_elements=["party_id"], set_=changed))


def assign(tx: Transaction, party_id: str, group_name: str | None) -> bool:
    """Count a party to a group, or to none; return whether there is such a party."""
    done = tx.execute(party.update().where(party.c.party_id == party_id).values(group_name=group_name))
    return bool(done.rowcount)


def count_refused(tx: Transaction, key_name: str | None, kind: str, day: date, at: datetime) -> None:
    """Count what was refused, for its day and for the party in whose name something came that it had not signed."""
    one = insert(refusal).values(day=day, kind=kind, many=1)
    tx.execute(one.on_conflict_do_update(index_elements=["day", "kind"], set_={"many": refusal.c.many + 1}))
    if key_name is not None:
        more = {"refused": party.c.refused + 1, "refused_at": at}
        tx.execute(party.update().where(party.c.key_name == key_name).values(more))


def refused(tx: Transaction, kind: str) -> int:
    """Return how often something of a kind was refused, on all days."""
    return int(
        tx.execute(select(func.coalesce(func.sum(refusal.c.many), 0)).where(refusal.c.kind == kind)).scalar_one()
    )


def add_code(tx: Transaction, row: CodeRow) -> None:
    """Keep a pairing code."""
    tx.execute(insert(pairing_code).values({name: getattr(row, name) for name in CodeRow.__dataclass_fields__}))


def codes(tx: Transaction, since: datetime) -> list[CodeRow]:
    """Return the codes that end after an instant, used or not."""
    query = select(*_CODE).where(pairing_code.c.expires_at > since).order_by(pairing_code.c.code_id)
    return [CodeRow(*row) for row in tx.execute(query)]


def hold_code(tx: Transaction, code_id: str) -> CodeRow | None:
    """Return a code as it is now, held until the transaction ends: of two that show it one comes first."""
    found = tx.execute(select(*_CODE).where(pairing_code.c.code_id == code_id).with_for_update()).one_or_none()
    return None if found is None else CodeRow(*found)


def use_code(tx: Transaction, code_id: str, party_id: str, vkey: str, at: datetime) -> None:
    """Write down by whom a code was used."""
    used = {"used_by": party_id, "used_vkey": vkey, "used_at": at}
    tx.execute(pairing_code.update().where(pairing_code.c.code_id == code_id).values(used))
