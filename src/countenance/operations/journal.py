"""The journal of erasures: a file beside the database, by pseudonym, that outlives it.

Whoever restores a backup made before somebody withdrew would bring that person back. So what was taken back, erased and
revoked is written to a file as well, within a second of its commit, and a restore goes through it.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from countenance.errors import MalformedError, UnavailableError
from countenance.store import erasures
from countenance.store.database import Database
from countenance.store.erasures import Erasure

#: A transaction may commit so long after the instant it noted; once in so many looks everything is gone through.
_LATE: Final = timedelta(minutes=2)
_LOOKS: Final = 240


class Journal:
    """The file of one server; several servers of one database each keep theirs, whole."""

    def __init__(self, path: Path) -> None:
        """Keep the path; the file is made with the first erasure."""
        self._path = path
        self._known: set[UUID] | None = None
        self._newest: datetime | None = None
        self._looks = 0

    def follow(self, database: Database) -> int:
        """Write down what was erased since the last time, and return how many that were.

        Raises UnavailableError where the file cannot be written: a withdrawal would not outlive the database.
        """
        known = self._known
        if known is None:
            known = self._known = {one.erasure_id for one in self.read()}
        since = None if self._newest is None or self._looks % _LOOKS == 0 else self._newest - _LATE
        self._looks += 1
        with database.reading() as tx:
            found = erasures.since(tx, since)
        fresh = [one for one in found if one.erasure_id not in known]
        if fresh:
            self._append(fresh)
            known |= {one.erasure_id for one in fresh}
        if found:
            self._newest = found[-1].at
        return len(fresh)

    def read(self) -> list[Erasure]:
        """Return what stands in the file, the oldest first; raises MalformedError for a line that is none of ours.

        A last line that was cut off is no line: it is written again with the next erasures.
        """
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        except (OSError, UnicodeError) as error:
            raise _unreadable() from error
        once = {one.erasure_id: one for one in _lines(text)}  # several servers may write the same file
        return sorted(once.values(), key=lambda one: one.at)

    def _append(self, fresh: list[Erasure]) -> None:
        lines = "".join(json.dumps(_as_json(one), separators=(",", ":")) + "\n" for one in fresh)
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                size = os.fstat(descriptor).st_size
                whole = not size or os.pread(descriptor, 1, size - 1) == b"\n"
                data = (lines if whole else f"\n{lines}").encode()
                if os.write(descriptor, data) != len(data):
                    raise OSError
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise UnavailableError(
                "The journal of erasures cannot be written. Free the disk, or set COUNTENANCE_JOURNAL_FILE.",
                "无法写入删除日志。请释放磁盘空间或设置 COUNTENANCE_JOURNAL_FILE。",
            ) from error


def _lines(text: str) -> Iterator[Erasure]:
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not line:
            continue
        try:
            said = json.loads(line)
            subject = said["subject"]
            one = Erasure(
                operator_id=str(said["operator"]),
                erasure_id=UUID(said["id"]),
                subject_id=None if subject is None else UUID(subject),
                purpose=said["purpose"],
                credential_id=said["credential"],
                at=datetime.fromisoformat(said["at"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            cut_off = number == len(lines) - 1 or (number < len(lines) - 1 and not line.endswith("}"))
            if cut_off:
                continue
            raise _unreadable() from error
        yield one


def _as_json(one: Erasure) -> dict[str, str | None]:
    return {
        "operator": one.operator_id,
        "id": str(one.erasure_id),
        "subject": None if one.subject_id is None else str(one.subject_id),
        "purpose": one.purpose,
        "credential": one.credential_id,
        "at": one.at.isoformat(),
    }


def _unreadable() -> MalformedError:
    return MalformedError(
        "The journal of erasures cannot be read. Put it back from its copy: without it a restore could bring back "
        "somebody who withdrew.",
        "删除日志无法读取。请从副本恢复：否则恢复备份可能使已撤回者的数据重现。",
    )
