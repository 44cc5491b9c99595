"""Staff: put a person on the list of those who can hold an officer's credential, or retire them; whichever door."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from countenance.errors import ConflictError, MalformedError, NotFoundError
from countenance.record import Entry, Recorded, append
from countenance.store import credentials, sites
from countenance.store import staff as store
from countenance.store.database import Transaction

_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
NAME_CHARS_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class RetiredStaff:
    """The receipt of a retirement: how many credentials open nothing from the next request on."""

    credentials: int
    recorded: Recorded


def add_staff(tx: Transaction, operator_id: str, by: str, staff_id: str, name: str, at: datetime) -> Recorded:
    """Put a person on the list and return where that stands on record, which holds the code and not the name.

    Raises MalformedError for a code or name that is none, ConflictError for a code that was ever given to somebody.
    """
    if not _CODE.fullmatch(staff_id) or not name.strip() or not name.isprintable() or len(name) > NAME_CHARS_MAX:
        raise MalformedError(
            "A code is up to 63 lower-case letters, digits and hyphens, a name up to 128 printable characters.",
            "编号应为小写字母、数字和连字符，最多 63 个；姓名最多 128 个可打印字符。",
        )
    row = store.StaffRow(operator_id=operator_id, staff_id=staff_id, name=name, active=True, created_at=at)
    if not store.add(tx, row):
        raise ConflictError(
            "This code was given to somebody before, and means that person for ever. Choose another.",
            "该编号已分配给他人，且永久对应该人员。请选用其他编号。",
        )
    return _record(tx, operator_id, by, "added", {"staff": staff_id}, at)


def retire_staff(tx: Transaction, operator_id: str, by: str, staff_id: str, at: datetime) -> RetiredStaff:
    """Retire a member of staff and revoke every credential they hold. What they approved before stands.

    Raises NotFoundError for somebody who is not on the list or retired already, ConflictError where nobody would be
    left to act as officer.
    """
    sites.lock(tx, operator_id)  # two officers must not retire or revoke each other at the same moment
    if not store.retire(tx, operator_id, staff_id):
        raise NotFoundError(
            "There is no such member of staff, or they are retired already. See GET /v1/staff.",
            "没有该工作人员，或其已停用。请查看 GET /v1/staff。",
        )
    worked = credentials.officers(tx, operator_id, at)
    revoked = credentials.revoke_staff(tx, operator_id, staff_id, at)
    if worked and credentials.officers(tx, operator_id, at) == 0:
        raise ConflictError(
            "This person holds the last credential of an officer. Issue another before retiring them.",
            "该人员持有最后一个保护负责人凭证。请先签发另一个再停用。",
        )
    recorded = _record(tx, operator_id, by, "retired", {"staff": staff_id, "credentials": revoked}, at)
    return RetiredStaff(revoked, recorded)


def _record(
    tx: Transaction, operator_id: str, by: str, outcome: str, details: dict[str, str | int], at: datetime
) -> Recorded:
    return append(tx, Entry(operator_id=operator_id, at=at, kind="staff", outcome=outcome, by=by, details=details))
