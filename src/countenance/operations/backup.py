"""Back up and restore: everything in the database in one file; what was erased since is erased again.

No operator's key is in a backup, nor the key holder's: they are kept apart, and by themselves.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from countenance.errors import MalformedError, NotAllowedError, UnavailableError
from countenance.forget import forget_purpose, forget_subject
from countenance.operations.journal import Journal
from countenance.operations.logs import Logs
from countenance.operations.sequence import adopt
from countenance.record import Entry, append
from countenance.store import carried, copies, credentials, erasures, links, persons, sign_ins, sites, subjects
from countenance.store.database import Database, Transaction
from countenance.store.erasures import Erasure
from countenance.subjects import consents

Progress = Callable[[int, int], None]
_BY: Final = "console"
#: What was erased so long before a backup is in it, or forgotten by then: the person may have come back since.
SURELY_IN_IT: Final = timedelta(days=1)
#: For so long a backup is kept where nobody says otherwise.
BACKUP_DAYS: Final = 35


@dataclass(frozen=True, slots=True)
class Restored:
    """From when the backup is, and how many erasures of after it were made again."""

    at: datetime
    erasures: int


def backup(database: Database, path: Path, at: datetime, progress: Progress, *, backup_days: int = BACKUP_DAYS) -> int:
    """Write everything in the database to a new file of mode 0600, and return how many rows that are.

    Whoever leaves from now on is counted for as long as the backup may be restored.

    Raises UnavailableError where the file cannot be written, or is there already; what was begun is taken away. That a
    backup was made goes on record first, and is in it.
    """
    with database.transaction() as tx:
        for operator_id in sites.operators(tx):
            append(tx, Entry(operator_id=operator_id, at=at, kind="backup", outcome="made", by=_BY))
            persons.hold(tx, operator_id)
            persons.change(tx, operator_id, backups_until=at + timedelta(days=backup_days))
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file, database.snapshot() as tx:
            manifest = copies.save(tx, file, at, progress)
            file.flush()
            os.fsync(descriptor)
        os.link(draft, path)  # never over another
    except OSError as error:
        raise UnavailableError(
            "The backup cannot be written there. Name a new file in a folder with room.",
            "无法写入备份。请指定有足够空间的文件夹中的新文件。",
        ) from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return sum(int(table["rows"]) for table in manifest["tables"])


def restore(
    database: Database,
    path: Path,
    journal: Journal,
    logs: Logs,
    at: datetime,
    *,
    progress: Progress,
    backup_days: int,
) -> Restored:
    """Replace what is in the database by a backup, and erase again what was taken back, erased and revoked since.

    What the present database knows of erasures goes into the journal first. The logs go on behind everything that was
    ever signed: entries whose records the backup does not have stay, and the record of the restore says which. Raises
    MalformedError for a file that is no backup, NotAllowedError for one older than erasures are remembered,
    ConflictError while a server runs, IntegrityError where a log is not what was signed; nothing has changed then.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise MalformedError("The backup cannot be read. Check the path.", "无法读取备份，请检查路径。") from error
    with file:
        manifest = copies.manifest_of(file)
        if manifest["at"] < at - timedelta(days=backup_days):
            raise NotAllowedError(
                "This backup is older than backups may be: who withdrew since is no longer known, and would be back. "
                "See COUNTENANCE_BACKUP_DAYS.",
                "该备份超过保留期限：此后撤回者已无从得知，恢复会使其数据重现。参见 COUNTENANCE_BACKUP_DAYS。",
            )
        journal.follow(database)
        known = [one for one in journal.read() if one.at > manifest["at"] - SURELY_IN_IT]
        database.engine.dispose()
        with database.transaction() as tx:
            counts = carried.carried(tx) if persons.kept(tx) else {}
            copies.put_back(tx, file, manifest, progress)
            operators = sites.operators(tx)
            carried.carry(tx, counts, operators)
            done = _erase_again(tx, known, at)
            for operator_id in operators:
                carried.recount(tx, operator_id, at)
                credentials.end_every_session(tx, operator_id, at)
                links.end_all(tx, operator_id)
                sign_ins.end_invitations(tx, operator_id)
                said: dict[str, Any] = {"backup": manifest["at"].isoformat(), "erasures": done.get(operator_id, 0)}
                if logs.writes and (beyond := adopt(tx, logs, operator_id)):
                    said["log"] = {"from": beyond[0], "to": beyond[1]}
                entry = Entry(operator_id=operator_id, at=at, kind="backup", outcome="restored", by=_BY, details=said)
                append(tx, entry)
    return Restored(manifest["at"], sum(done.values()))


def _erase_again(tx: Transaction, known: Sequence[Erasure], at: datetime) -> dict[str, int]:
    """Make the erasures that the backup does not know of, and return how many there were by operator."""
    done = dict.fromkeys(sites.operators(tx), 0)
    for one in known:
        if one.operator_id in done and erasures.keep(tx, one):
            done[one.operator_id] += 1
            if one.credential_id is not None:
                credentials.revoke(tx, one.operator_id, one.credential_id, at, one.erasure_id)
            elif one.subject_id is not None and subjects.find_id(tx, one.operator_id, one.subject_id, lock=True):
                if one.purpose is None:
                    forget_subject(tx, one.operator_id, one.subject_id, at, one.erasure_id)
                else:
                    consents.withdraw(tx, one.operator_id, one.subject_id, one.purpose, at)
                    forget_purpose(tx, one.operator_id, one.subject_id, one.purpose, at, one.erasure_id)
    return done
