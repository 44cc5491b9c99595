"""Key-encryption keys: one per operator and generation, behind a small port.

The first provider keeps each key in a file of mode 0600 under the data directory, apart from the database; the second
takes keys that somebody else mounts, as orchestrators do with secrets. A missing key is never replaced in silence where
something was sealed under it: see `KeyProvider.open`.
"""

import base64
import binascii
import os
import re
import secrets
from pathlib import Path
from typing import Final, Protocol

from countenance.errors import IntegrityError, UnavailableError

KEY_BYTES: Final = 32
#: Generations are counted from here; a value sealed before there were any belongs to it.
FIRST: Final = 1
GENERATION_MAX: Final = 2**31 - 1
#: No key file is longer, however it is written or wrapped.
_FILE_BYTES_MAX: Final = 4096


class KeyProvider(Protocol):
    """Where the operators' key-encryption keys come from: a file, a mounted secret, a hardware module."""

    def generations(self, operator_id: str) -> list[int]:
        """Return the generations that are there, the oldest first; empty where the operator has no key."""

    def open(self, operator_id: str, generation: int = FIRST) -> bytearray:
        """Return a key, to be wiped by the caller; raises UnavailableError when it is not there or not safe to use."""

    def create(self, operator_id: str, generation: int = FIRST) -> None:
        """Make and keep a key; raises IntegrityError when there is one, UnavailableError where none can be made."""

    def destroy(self, operator_id: str, generation: int) -> None:
        """Destroy a key; what was sealed under it stays shut for ever. One that is not there is no error."""


class FileKeys:
    """Keys in files of mode 0600 in one directory of mode 0700."""

    #: How the files of this provider end; the files of another one are not its keys.
    ending = "key"

    def __init__(self, directory: Path) -> None:
        """Keep the directory, made when the first key is."""
        self._directory = directory

    def generations(self, operator_id: str) -> list[int]:
        """Return the generations whose files are there."""
        return _numbered(self._directory, _stem(operator_id), self.ending) if self._directory.exists() else []

    def open(self, operator_id: str, generation: int = FIRST) -> bytearray:
        """Return the operator's key; raises UnavailableError for a missing, loose or damaged file."""
        try:
            descriptor = os.open(self._path(operator_id, generation), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise _missing() from error
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_mode & 0o077:
                raise UnavailableError(
                    "The operator's key file can be read by others. Set its mode to 0600 and start again.",
                    "运营者密钥文件可被他人读取。请将其权限设为 0600 后重新启动。",
                )
            key = self._unwrapped(file.read(_FILE_BYTES_MAX), operator_id, generation)
        if len(key) != KEY_BYTES:
            raise _damaged()
        return key

    def create(self, operator_id: str, generation: int = FIRST) -> None:
        """Make a random key; raises IntegrityError when the operator has that generation already."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(operator_id, generation)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(self._wrapped(secrets.token_bytes(KEY_BYTES), operator_id, generation))
                file.flush()
                os.fsync(descriptor)
            os.link(draft, path)  # whole or not at all, and never over another
        except FileExistsError as error:
            raise IntegrityError("This operator has a key already.", "该运营者已有密钥。") from error
        finally:
            draft.unlink()
        self._settle()

    def destroy(self, operator_id: str, generation: int) -> None:
        """Write over a generation's file and remove it; a disk may keep what was written over, and so may a backup."""
        try:
            descriptor = os.open(self._path(operator_id, generation), os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            return
        with os.fdopen(descriptor, "r+b") as file:
            file.write(bytes(os.fstat(descriptor).st_size))
            file.flush()
            os.fsync(descriptor)
        self._path(operator_id, generation).unlink(missing_ok=True)
        self._settle()

    def _wrapped(self, key: bytes, operator_id: str, generation: int) -> bytes:  # noqa: ARG002 — another provider's part
        """Return what is written down of a key."""
        return key

    def _unwrapped(self, written: bytes, operator_id: str, generation: int) -> bytearray:  # noqa: ARG002
        """Return the key that was written down so."""
        return bytearray(written)

    def _settle(self) -> None:
        """Let the folder's entries reach the disk."""
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, operator_id: str, generation: int) -> Path:
        numbered = "" if generation == FIRST else f".{generation}"
        return self._directory / f"{_stem(operator_id)}{numbered}.{self.ending}"


class MountedKeys:
    """Keys that somebody else puts into a folder, `<operator>.key` and later `<operator>.2.key`; never written here.

    A file holds 32 bytes as they are, in hexadecimal or in base64. Who may read it is settled by whoever mounts it.
    """

    def __init__(self, directory: Path) -> None:
        """Keep the folder."""
        self._directory = directory

    def generations(self, operator_id: str) -> list[int]:
        """Return the generations that are mounted."""
        return _numbered(self._directory, operator_id, "key")

    def open(self, operator_id: str, generation: int = FIRST) -> bytearray:
        """Return a mounted key; raises UnavailableError for one that is not there, writable by all, or no key."""
        try:
            with self._path(operator_id, generation).open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o022:
                    raise UnavailableError(
                        "The mounted key can be written by others. Mount it read-only and start again.",
                        "挂载的密钥可被他人写入。请以只读方式挂载后重新启动。",
                    )
                return _written(file.read(_FILE_BYTES_MAX))
        except OSError as error:
            raise _missing() from error

    def create(self, operator_id: str, generation: int = FIRST) -> None:
        """Raise IntegrityError for a key that is mounted, and UnavailableError for any other: it is made elsewhere."""
        if generation in self.generations(operator_id):
            raise IntegrityError("This operator has a key already.", "该运营者已有密钥。")
        name = self._path(operator_id, generation).name
        raise UnavailableError(
            f"Keys are mounted from outside. Mount 32 random bytes as {name} in the folder of keys, then try again.",
            f"密钥由外部挂载。请将 32 个随机字节以 {name} 挂载至密钥文件夹后重试。",
        )

    def destroy(self, operator_id: str, generation: int) -> None:
        """Raise UnavailableError for a key that is still mounted: whoever mounts it takes it away."""
        if generation in self.generations(operator_id):
            name = self._path(operator_id, generation).name
            raise UnavailableError(
                f"Keys are mounted from outside. Nothing rests on {name} any more: take it away where it is mounted.",
                f"密钥由外部挂载。{name} 已不再使用：请在挂载处移除。",
            )

    def _path(self, operator_id: str, generation: int) -> Path:
        return self._directory / f"{operator_id}{'' if generation == FIRST else f'.{generation}'}.key"


def _written(content: bytes) -> bytearray:
    """Return a key as it was written: as it is, in hexadecimal or in base64."""
    if len(content) == KEY_BYTES:
        return bytearray(content)
    text = content.strip()
    try:
        key = bytes.fromhex(text.decode()) if len(text) == 2 * KEY_BYTES else base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise _damaged() from error
    if len(key) != KEY_BYTES:
        raise _damaged()
    return bytearray(key)


def _numbered(directory: Path, stem: str, ending: str) -> list[int]:
    """Return the generations whose files lie in a folder; the first one's name has no number."""
    pattern = re.compile(rf"{re.escape(stem)}(?:\.([1-9][0-9]{{0,8}}))?\.{ending}")
    try:
        names = [path.name for path in directory.iterdir()]
    except OSError as error:
        raise _missing() from error
    return sorted(int(found[1] or FIRST) for name in names if (found := pattern.fullmatch(name)))


def _stem(operator_id: str) -> str:
    # Operator ids are checked against [a-z0-9-] when they are applied; hex keeps any other from leaving the folder.
    return f"operator-{operator_id.encode().hex()}"


def _missing() -> UnavailableError:
    return UnavailableError(
        "The operator's key is missing. Put the key file back from its backup; no new one is made, because "
        "stored templates could then never be opened.",
        "缺少运营者密钥。请从备份恢复密钥文件；系统不会自动生成新密钥，否则已存模板将无法打开。",
    )


def _damaged() -> UnavailableError:
    return UnavailableError(
        "The operator's key file is damaged. Put it back from its backup.",
        "运营者密钥文件已损坏。请从备份恢复。",
    )
