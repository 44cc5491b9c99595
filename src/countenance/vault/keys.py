"""Key-encryption keys: one per operator, behind a small port.

The file provider keeps each key in a file of mode 0600 under the data directory, apart from the database. A missing
key is never replaced in silence where something was sealed under the old one: see `KeyProvider.open`.
"""

import os
import secrets
from pathlib import Path
from typing import Protocol

from countenance.errors import IntegrityError, UnavailableError

KEY_BYTES = 32


class KeyProvider(Protocol):
    """Where the operators' key-encryption keys come from; a file, a mounted secret, later a hardware module."""

    def open(self, operator_id: str) -> bytes:
        """Return the operator's key; raises UnavailableError when it is not there or not safe to use."""

    def create(self, operator_id: str) -> bytes:
        """Make and keep a key for a new operator; raises IntegrityError when one exists."""


class FileKeys:
    """Keys in files of mode 0600 in one directory of mode 0700."""

    def __init__(self, directory: Path) -> None:
        """Keep the directory, made when the first key is."""
        self._directory = directory

    def open(self, operator_id: str) -> bytes:
        """Return the operator's key; raises UnavailableError for a missing, loose or damaged file."""
        path = self._path(operator_id)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise UnavailableError(
                "The operator's key is missing. Put the key file back from its backup; no new one is made, because "
                "stored templates could then never be opened.",
                "缺少运营者密钥。请从备份恢复密钥文件；系统不会自动生成新密钥，否则已存模板将无法打开。",
            ) from error
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_mode & 0o077:
                raise UnavailableError(
                    "The operator's key file can be read by others. Set its mode to 0600 and start again.",
                    "运营者密钥文件可被他人读取。请将其权限设为 0600 后重新启动。",
                )
            key = file.read(KEY_BYTES + 1)
        if len(key) != KEY_BYTES:
            raise UnavailableError(
                "The operator's key file is damaged. Put it back from its backup.",
                "运营者密钥文件已损坏。请从备份恢复。",
            )
        return key

    def create(self, operator_id: str) -> bytes:
        """Make a random key; raises IntegrityError when the operator has one already."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = secrets.token_bytes(KEY_BYTES)
        path = self._path(operator_id)
        draft = path.with_name(f".{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(key)
                file.flush()
                os.fsync(descriptor)
            os.link(draft, path)  # whole or not at all, and never over another
        except FileExistsError as error:
            raise IntegrityError("This operator has a key already.", "该运营者已有密钥。") from error
        finally:
            draft.unlink()
        folder = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return key

    def _path(self, operator_id: str) -> Path:
        # Operator ids are checked against [a-z0-9-] when they are applied; hex keeps any other from leaving the folder.
        return self._directory / f"operator-{operator_id.encode().hex()}.key"
