"""Alarms: signed checkpoints that contradict what was seen of a log, kept as evidence that anybody can check.

An alarm is proven where a log signed both of two checkpoints of which at most one can be true. It is not where somebody
merely sent something that does not fit: whoever holds a log's public checkpoints can send an old one, or a wrong proof.
Such an alarm goes away by itself once it is seen that the checkpoint belongs to the log's one history.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from countenance.errors import CountenanceError, IntegrityError
from countenance.log.notes import Checkpoint, Note, as_line
from countenance.log.tiles import LogFiles

_log = logging.getLogger("countenance.authority")

#: More of one log are logged and not kept; the proven and the others apart, so that these cannot crowd those out.
ALARMS_MAX: Final = 100
OFFENDING: Final = "offending"
CONTRADICTED: Final = "contradicted"
#: Written last: an alarm without it was cut off, and comes again with the next such checkpoint.
_SAID: Final = "alarm.json"


class AlarmKind(StrEnum):
    """What was seen: two histories, less than before at the log's own address, less sent by somebody, a wrong proof."""

    FORK = "fork"
    ROLLBACK = "rollback"
    OLDER = "older"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm, and the folder with both signed checkpoints: the offending one, and the one it contradicts."""

    kind: AlarmKind
    origin: str
    size: int
    at: datetime
    proven: bool
    folder: Path

    def checkpoint(self) -> Checkpoint:
        """Return the offending checkpoint."""
        return Checkpoint.parse(Note.parse((self.folder / OFFENDING).read_bytes()).text)


class Alarms:
    """The alarms of one witness, each in a folder of its own."""

    def __init__(self, directory: Path) -> None:
        """Keep the directory, made with the first alarm."""
        self._directory = directory

    def keep(
        self,
        kind: AlarmKind,
        offending: bytes,
        contradicted: bytes,
        at: datetime,
        *,
        proven: bool,
        proof: Sequence[bytes] = (),
    ) -> None:
        """Keep two signed checkpoints and the proof between them; the same offence is kept and logged once.

        `proof`, where the alarm is proven by one, leads from the larger checkpoint's root to another root for the
        smaller size than was signed.
        """
        checkpoint = Checkpoint.parse(Note.parse(offending).text)
        stem = f"{_digest(checkpoint.origin)}-{'proven' if proven else 'open'}-"
        name = f"{stem}{kind}-{checkpoint.size}-{_digest(checkpoint.as_text())}"
        folder = self._directory / name
        if (folder / _SAID).exists():
            return
        said = {"kind": kind, "origin": checkpoint.origin, "size": checkpoint.size, "proven": proven}
        _log.error("log_alarm", extra={**said, "kept": name})
        if sum(each.name.startswith(stem) for each in self._folders()) >= ALARMS_MAX:
            _log.error("log_alarms_full", extra={"origin": checkpoint.origin})
            return
        dated = {**said, "at": at.astimezone(UTC).isoformat(), "proof": "".join(map(as_line, proof)).split()}
        files = LogFiles(folder)
        files.write(OFFENDING, offending)
        files.write(CONTRADICTED, contradicted)
        files.write(_SAID, json.dumps(dated, ensure_ascii=False, indent=2).encode())
        files.settle()

    def listed(self, origin: str | None = None) -> list[Alarm]:
        """Return the alarms, of one log or of all, the oldest first."""
        found = [alarm for folder in self._folders() if (alarm := _read(folder)) is not None]
        return sorted((each for each in found if origin in {None, each.origin}), key=lambda each: (each.at, each.size))

    def withdraw(self, alarm: Alarm) -> None:
        """Take an unproven alarm back: its checkpoint was seen to belong to the log's one history."""
        if not alarm.proven:
            _log.warning("log_alarm_explained", extra={"origin": alarm.origin, "size": alarm.size})
            with suppress(FileNotFoundError):
                (alarm.folder / _SAID).unlink()
            shutil.rmtree(alarm.folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return list(self._directory.iterdir()) if self._directory.is_dir() else []


def _read(folder: Path) -> Alarm | None:
    """Return an alarm, None where it was cut off while it was kept; raises IntegrityError for a damaged one."""
    try:
        said = json.loads((folder / _SAID).read_bytes())
        at = datetime.fromisoformat(said["at"])
        alarm = Alarm(AlarmKind(said["kind"]), said["origin"], said["size"], at, bool(said["proven"]), folder)
        alarm.checkpoint()
    except (OSError, ValueError, KeyError, TypeError, CountenanceError) as error:
        if not (folder / _SAID).exists():
            return None
        raise IntegrityError(
            "A kept alarm cannot be read. Look into the folder alarms: somebody may have changed it.",
            "无法读取已保存的警报。请检查 alarms 文件夹：可能有人更改过。",
        ) from error
    return alarm


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
