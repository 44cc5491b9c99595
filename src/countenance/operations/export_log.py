"""Export a log for an inspector: the files of the log, its public key, and the bodies of a period beside them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from countenance.errors import ConflictError, NotFoundError, UnavailableError
from countenance.log.tiles import CHECKPOINT, LogFiles, tile_path
from countenance.log.tree import TILE_WIDTH, width
from countenance.operations.examine import Scope
from countenance.operations.logs import VKEY, Logs
from countenance.store import logged
from countenance.store.database import Database
from countenance.store.logged import LogRow

BODIES: Final = "bodies.jsonl"
Progress = Callable[[int, int], None]


def export_log(
    database: Database, logs: Logs, row: LogRow, to: Path, progress: Progress, scope: Scope | None = None
) -> tuple[int, range]:
    """Write a log as it is signed now into a new folder of mode 0700; return its size, and of which entries the bodies.

    Bodies name nobody, but say what was done when: they are for whoever may inspect the operator. Raises NotFoundError
    where nothing is signed yet, ConflictError where the folder is there already, UnavailableError where it cannot be
    written.
    """
    published, asked = logs.published(row), scope or Scope()
    if published is None:
        raise NotFoundError("Nothing is signed of this log yet.", "该日志尚无已签署内容。")
    checkpoint, note = published
    try:
        to.mkdir(mode=0o700, parents=True)
    except FileExistsError as error:
        raise ConflictError(
            "The folder is there already. Name a new one.", "该文件夹已存在。请指定新文件夹。"
        ) from error
    except OSError as error:
        raise _not_written() from error
    files, copy = logs.files(row.operator_id, row.generation), LogFiles(to)
    for path in _paths(checkpoint.size):
        for name in (path, path.partition(".p/")[0]):  # meanwhile the full one may stand for a partial one
            if (content := files.read(name)) is not None:
                copy.write(name, content)
                break  # what is missing here is missing there, and the checker says so
    copy.write(VKEY, f"{logs.verifier(row).as_vkey()}\n".encode())
    copy.write(CHECKPOINT, note)
    copy.settle()
    return checkpoint.size, _bodies(database, row, to / BODIES, checkpoint.size, asked, progress)


def _paths(size: int) -> list[str]:
    """Return where the tiles and bundles of a log of this size lie."""
    found: list[str] = []
    level = 0
    while size >> (8 * level):
        many = -(-(size >> (8 * level)) // TILE_WIDTH)
        for index in range(many):
            wide = width(size, level, index)
            found += [tile_path(each, index, wide) for each in ((level, "entries") if level == 0 else (level,))]
        level += 1
    return found


def _bodies(database: Database, row: LogRow, path: Path, size: int, scope: Scope, progress: Progress) -> range:
    """Write the bodies of a period, one a line, with what stands between first and last; return of which entries."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with (
            os.fdopen(descriptor, "w", encoding="utf-8") as file,
            database.snapshot() as tx,
        ):
            first, before = logged.between(tx, row, scope.since, scope.before)
            asked = range(first, min(before, size))
            with logged.written(tx, row, asked.start, asked.stop) as entries:
                for each in entries:
                    progress(each.index + 1 - first, len(asked))
                    if each.body is not None:
                        line = {"body": each.body.decode("utf-8", "replace"), "index": each.index}
                        file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    except OSError as error:
        raise _not_written() from error
    return asked


def _not_written() -> UnavailableError:
    return UnavailableError(
        "The export cannot be written there. Name a new folder where there is room.",
        "无法写入导出内容。请指定有足够空间的新文件夹。",
    )
