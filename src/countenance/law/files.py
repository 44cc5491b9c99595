"""A pack's own files and nothing else: read within limits, following no link, and digested into its edition."""

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn

from countenance.errors import MalformedError, NotFoundError

FILE_BYTES_MAX: Final = 256 * 1024
PACK_BYTES_MAX: Final = 4 * 1024 * 1024
FILES_MAX: Final = 500
#: Where files of a pack may lie: two names, and two folders of such names.
_FOLDERS: Final = ("articles", "documents")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}")


def refuse(where: str, line: int, en: str, zh: str) -> NoReturn:
    """Stop loading with one line that names the file, the line and what to do."""
    raise MalformedError(f"{where}:{line}: {en}.", f"{where}:{line}: {zh}。")


def read_pack(folder: Path, name: str) -> dict[str, str]:
    """Return the text of every file of the pack `name` by its path inside the pack, sorted.

    Raises `NotFoundError` where there is no such folder, and `MalformedError` for a link, a strange name, a file that
    does not belong, is too large, is not UTF-8 or has carriage returns.
    """
    if not folder.is_dir():
        raise NotFoundError(
            "There is no such pack; `countenance law packs` lists the packs known.",
            "没有该规则包；运行 `countenance law packs` 可列出已知规则包。",
        )
    if folder.is_symlink():
        refuse(name, 1, "a pack may not be a link; give the folder itself", "规则包不得为链接；请给出文件夹本身")
    found: dict[str, str] = {}
    total = 0
    for path in _walk(folder, name):
        if len(found) >= FILES_MAX:
            refuse(name, 1, f"a pack has at most {FILES_MAX} files", f"规则包最多 {FILES_MAX} 个文件")
        inside = path.relative_to(folder).as_posix()
        data = _read(path, f"{name}/{inside}")
        total += len(data)
        if total > PACK_BYTES_MAX:
            refuse(name, 1, "a pack is at most 4 MiB in all", "规则包总计不得超过 4 MiB")
        found[inside] = as_text(data, f"{name}/{inside}")
    return dict(sorted(found.items()))


def _walk(folder: Path, name: str) -> list[Path]:
    """Return the files of a pack; refuse anything that is not a plain file in its place."""
    files = []
    for entry in sorted(folder.iterdir()):
        if entry.name in _FOLDERS and entry.is_dir() and not entry.is_symlink():
            files += sorted(entry.iterdir())
        else:
            files.append(entry)
    for path in files:
        plain = _NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink()
        if not plain:
            refuse(
                name, 1,
                "a pack holds pack.yaml, base.cedar, articles/ and documents/ with plain files in small letters; "
                "remove what else lies there",
                "规则包仅含 pack.yaml、base.cedar、articles/ 与 documents/ 中的小写普通文件；请移除其他内容",
            )  # fmt: skip
    return files


def _read(path: Path, where: str) -> bytes:
    """Return the bytes of one file, opened without following a link and read no further than the limit."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
            data = file.read(FILE_BYTES_MAX + 1) if regular else b""
    except OSError:
        refuse(where, 1, "the file cannot be read; check its permissions", "无法读取该文件；请检查权限")
    if not regular or len(data) > FILE_BYTES_MAX:
        refuse(
            where,
            1,
            "a file of a pack is a plain file of at most 256 KiB",
            "规则包中的文件须为不超过 256 KiB 的普通文件",
        )
    return data


def fitting(inside: str) -> bool:
    """Whether a path inside a pack is one that a file of a pack may have."""
    folder, slash, name = inside.rpartition("/")
    return (not slash or folder in _FOLDERS) and _NAME.fullmatch(name) is not None and inside not in _FOLDERS


def as_text(data: bytes, where: str) -> str:
    """Return the text of a file of a pack: UTF-8 with line feeds."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse(where, line, "the file is not UTF-8; save it as UTF-8", "该文件不是 UTF-8；请以 UTF-8 保存")
    if "\r" in text or "\0" in text:
        refuse(where, 1, "lines end in a line feed alone; save the file so", "行尾只能是换行符；请如此保存")
    return text


def edition(files: Mapping[str, str]) -> str:
    """Return the content hash of a pack.

    It is the SHA-256 of the lines `<sha256 of file>  <path>` in order of path, which is what
    `find articles documents base.cedar pack.yaml -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` prints.
    """
    lines = (f"{hashlib.sha256(text.encode()).hexdigest()}  {path}\n" for path, text in sorted(files.items()))
    return "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
