"""The files that belong to messages, each under its SHA-256, whole or not there at all."""

import hashlib
import os
import secrets
from pathlib import Path
from typing import Final, Self

from countenance.errors import LimitError, MalformedError, NotFoundError, UnavailableError

_DRAFT: Final = "."


class Files:
    """A folder of files of mode 0600, named by what is in them."""

    def __init__(self, directory: Path) -> None:
        """Keep the folder, made with the first file."""
        self._directory = directory

    def path(self, sha256: bytes) -> Path:
        """Return where a file lies."""
        name = sha256.hex()
        return self._directory / name[:2] / name

    def read(self, sha256: bytes) -> bytes:
        """Return a file; raises UnavailableError where it is gone or is not what it was."""
        try:
            content = self.path(sha256).read_bytes()
        except OSError as error:
            raise _gone() from error
        if hashlib.sha256(content).digest() != sha256:
            raise _gone()
        return content

    def begin(self, sha256: bytes, bytes_max: int) -> "Draft":
        """Begin to write a file that has at most so many bytes."""
        return Draft(self.path(sha256), sha256, bytes_max)

    def sweep(self) -> None:
        """Remove what was cut off while it was written; nobody may be writing."""
        for draft in self._directory.glob(f"*/{_DRAFT}*"):
            draft.unlink(missing_ok=True)


class Draft:
    """A file that is being written; left without `keep` it is gone."""

    def __init__(self, place: Path, sha256: bytes, bytes_max: int) -> None:
        """Open a draft beside the place; raises UnavailableError where the disk does not take it."""
        self._place = place
        self._sha256 = sha256
        self._bytes_max = bytes_max
        self._draft = place.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
        self._hash = hashlib.sha256()
        self.size = 0
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _not_written() from error
        self._file = os.fdopen(descriptor, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._draft.unlink(missing_ok=True)

    def write(self, part: bytes) -> None:
        """Write the next part; raises LimitError for more than was named, UnavailableError where there is no room."""
        self.size += len(part)
        if self.size > self._bytes_max:
            raise too_large()
        self._hash.update(part)
        try:
            self._file.write(part)
        except OSError as error:
            raise _not_written() from error

    def keep(self) -> int:
        """Put the file in its place and return its size; raises MalformedError where it is not the one named."""
        if self._hash.digest() != self._sha256:
            raise MalformedError(
                "What came is not the file that the message names. Send the file again.",
                "收到的内容不是消息所列文件。请重新发送该文件。",
            )
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._draft.replace(self._place)
            folder = os.open(self._place.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _not_written() from error
        return self.size


def too_large() -> LimitError:
    """Return why a file is not read: it is longer than the message that names it says."""
    return LimitError(
        "The file is longer than the message says. Send the file that the message names.",
        "文件长于消息所列大小。请发送消息所列文件。",
    )


def _gone() -> UnavailableError:
    return UnavailableError(
        "A file of the register is missing or damaged. Put it back from the backup of the data directory.",
        "登记文件缺失或损坏。请从数据目录的备份中恢复。",
    )


def _not_written() -> UnavailableError:
    return UnavailableError(
        "The disk does not take the file. Send it again later.", "磁盘无法写入文件。请稍后重新发送。"
    )


def not_named() -> NotFoundError:
    """Return why a file is not taken: no message waits for it."""
    return NotFoundError(
        "No message waits for this file. Send the message again: its receipt says what is missing.",
        "没有消息在等待该文件。请重新发送消息：回执会列明所缺文件。",
    )
