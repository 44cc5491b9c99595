"""The log's files (C2SP tlog-tiles): tiles of hashes, bundles of entries, the checkpoint, for any web server.

A file is written whole beside its place, reaches the disk, and then takes the place. What a signed checkpoint covers is
never written again with other content; what lies beyond it was never promised, and is.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Final

from countenance.errors import IntegrityError, UnavailableError
from countenance.log.entries import bundled, unbundled
from countenance.log.tree import HASH_BYTES, TILE_WIDTH, Tree, leaf_hash, perfect, tile_hashes, width

CHECKPOINT: Final = "checkpoint"
ENTRIES: Final = "entries"
#: What may be asked for under a log's address.
PATH: Final = re.compile(
    r"tile/(?:entries|[0-9]|[1-5][0-9]|6[0-3])/(?:x[0-9]{3}/){0,5}[0-9]{3}(?:\.p/(?:[1-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]))?"
)


def tile_path(level: int | str, index: int, wide: int = TILE_WIDTH) -> str:
    """Return where a tile lies, relative to the log: `tile/0/x001/234`, or `tile/0/x001/234.p/5` for five hashes."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[start : start + 3] for start in range(0, len(digits), 3)]
    named = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"tile/{level}/{named}" + ("" if wide == TILE_WIDTH else f".p/{wide}")


class LogFiles:
    """The files of one log in one directory."""

    def __init__(self, directory: Path) -> None:
        """Keep the directory, made with the first file."""
        self.directory = directory
        self._unsettled: set[Path] = set()

    def checkpoint(self) -> bytes | None:
        """Return the signed checkpoint, None where there is none yet."""
        return self.read(CHECKPOINT)

    def publish(self, checkpoint: bytes) -> None:
        """Put a signed checkpoint in its place."""
        self.write(CHECKPOINT, checkpoint)
        self.settle()

    def tree(self, size: int) -> Tree:
        """Return the tree of this size."""
        return Tree(size, self.tile)

    def tile(self, level: int, index: int, wide: int) -> bytes:
        """Return a tile's first hashes, `wide` of them; raises IntegrityError where it is not there or is damaged."""
        return self._partial_or_full(level, index, wide)[: wide * HASH_BYTES]

    def entries(self, index: int, wide: int) -> list[bytes]:
        """Return the first entries of a bundle, `wide` of them; raises what `tile` and `unbundled` raise."""
        found = list(self.stored_entries(index, wide))
        if len(found) != wide:
            raise _missing()
        return found

    def stored_entries(self, index: int, wide: int) -> Iterator[bytes]:
        """Yield the first entries of a bundle one by one, at most `wide`; raises what `tile` and `unbundled` raise."""
        yield from islice(unbundled(self._partial_or_full(ENTRIES, index, wide)), wide)

    def entries_from(self, start: int, end: int, size: int) -> Iterator[bytes]:
        """Yield the entries from `start` to before `end` of a log of this size."""
        for index in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = index * TILE_WIDTH
            found = self.entries(index, width(size, 0, index))
            yield from found[max(0, start - first) : end - first]

    def extend(self, size: int, entries: Sequence[bytes]) -> bytes:
        """Write what a log of this size has more with these entries, and return the root; nothing is signed.

        Raises UnavailableError where the disk does not take it.
        """
        if entries:
            self._extend_bundles(size, entries)
            hashes = [leaf_hash(entry) for entry in entries]
            level, place = 0, size
            while hashes:
                hashes = self._extend_level(level, place, hashes)
                level, place = level + 1, place // TILE_WIDTH
            self.settle()
        return self.tree(size + len(entries)).root()

    def read(self, path: str) -> bytes | None:
        """Return a file's content, None where it is not there."""
        try:
            return (self.directory / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise UnavailableError("The log's files cannot be read.", "无法读取日志文件。") from error

    def write(self, path: str, content: bytes) -> None:
        """Put a file in its place, whole; its folder is settled by `settle`."""
        place = self.directory / path
        draft = place.with_name(f".{secrets.token_hex(8)}")
        try:
            self._make(place.parent)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(descriptor)
                draft.replace(place)
            finally:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)
        except OSError as error:
            raise _not_written() from error
        self._unsettled.add(place.parent)

    def settle(self) -> None:
        """Let the entries of the folders that were written to reach the disk."""
        try:
            for folder in self._unsettled:
                descriptor = os.open(folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise _not_written() from error
        self._unsettled.clear()

    @contextmanager
    def alone(self, lock: str, *, waits: bool = False) -> Iterator[bool]:
        """Be the only one who holds a lock in this directory, until the end; yield False where somebody else does.

        The lock belongs to its opening: it keeps threads out as well as processes, and ends with its process.
        """
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.directory / lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _not_written() from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if waits else fcntl.LOCK_NB))
                alone = True
            except BlockingIOError:
                alone = False
            except OSError as error:
                raise _not_written() from error
            yield alone
        finally:
            os.close(descriptor)

    def _make(self, folder: Path) -> None:
        """Make a folder; whoever holds its name is settled too."""
        if folder.is_dir():
            return
        self._make(folder.parent) if folder != self.directory else folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(exist_ok=True)
        self._unsettled.add(folder.parent)

    def _extend_bundles(self, size: int, entries: Sequence[bytes]) -> None:
        index, kept = divmod(size, TILE_WIDTH)
        every = [*(self.entries(index, kept) if kept else ()), *entries]
        for start in range(0, len(every), TILE_WIDTH):
            part = every[start : start + TILE_WIDTH]
            self._write_tile(ENTRIES, index + start // TILE_WIDTH, len(part), bundled(part))

    def _extend_level(self, level: int, place: int, hashes: Sequence[bytes]) -> list[bytes]:
        """Append hashes to a level that has `place`, and return the hashes of the tiles that this made full."""
        index, kept = divmod(place, TILE_WIDTH)
        every = [*(tile_hashes(self.tile(level, index, kept)) if kept else ()), *hashes]
        full: list[bytes] = []
        for start in range(0, len(every), TILE_WIDTH):
            part = every[start : start + TILE_WIDTH]
            self._write_tile(level, index + start // TILE_WIDTH, len(part), b"".join(part))
            if len(part) == TILE_WIDTH:
                full.append(perfect(part))
        return full

    def _write_tile(self, level: int | str, index: int, wide: int, content: bytes) -> None:
        self.write(tile_path(level, index, wide), content)

    def sweep(self, before: int, size: int) -> None:
        """Remove the partial tiles beside those that became full between two sizes; the full ones stand for them."""
        level, first, last = 0, before // TILE_WIDTH, size // TILE_WIDTH
        while last:
            for index in range(first, last):
                for each in (level, ENTRIES) if level == 0 else (level,):
                    self._sweep_beside(tile_path(each, index))
            level, first, last = level + 1, first // TILE_WIDTH, last // TILE_WIDTH

    def _sweep_beside(self, path: str) -> None:
        folder = (self.directory / path).with_suffix(".p")
        with suppress(OSError):
            for each in folder.iterdir():
                each.unlink()
            folder.rmdir()

    def _partial_or_full(self, level: int | str, index: int, wide: int) -> bytes:
        found = self.read(tile_path(level, index, wide))
        if found is None and wide != TILE_WIDTH:
            found = self.read(tile_path(level, index))
        if found is None:
            raise _missing()
        return found


def _missing() -> IntegrityError:
    return IntegrityError("A part of the log is missing or damaged.", "日志的一部分缺失或已损坏。")


def _not_written() -> UnavailableError:
    return UnavailableError(
        "The log cannot be written. Free the disk, or check who may write to its directory.",
        "无法写入日志。请释放磁盘空间，或检查日志目录的写入权限。",
    )
