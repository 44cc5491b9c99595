"""A pack from outside, taken out of its archive within limits; nothing is written and nothing of it is run.

The archive is a zip with one folder, named after the pack's id, and a file `signature` beside it: the Ed25519
signature of a publisher, in base64, over three lines `countenance-pack`, the id and the edition.
"""

import base64
import binascii
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from countenance.law.files import FILE_BYTES_MAX, FILES_MAX, PACK_BYTES_MAX, as_text, edition, fitting, refuse

ARCHIVE_BYTES_MAX: Final = 8 * 1024 * 1024
SIGNATURE: Final = "signature"
_SIGNATURE_BYTES_MAX: Final = 1024
_ENTRY: Final = re.compile(r"([a-z0-9][a-z0-9.-]{0,99})/(.+)")
_ENCRYPTED: Final = 0x1
_PLAIN_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A pack out of its archive, not yet in its place: the text of its files, and the signature that came with it."""

    name: str
    edition: str
    signature: bytes
    files: Mapping[str, str]

    @property
    def signed(self) -> bytes:
        """Return the bytes that a publisher signs: what they are, the pack's id and its edition."""
        return f"countenance-pack\n{self.name}\n{self.edition}\n".encode()


def read_archive(archive: Path) -> Incoming:
    """Return the pack of an archive; raise `MalformedError` naming file and line."""
    where = archive.name
    try:
        size = archive.stat().st_size
        if size > ARCHIVE_BYTES_MAX:
            refuse(where, 1, "an archive is at most 8 MiB", "压缩包不得超过 8 MiB")
        with zipfile.ZipFile(archive) as opened:
            name, contents, signature = _contents(where, opened)
    except OSError:
        refuse(
            where, 1, "the archive cannot be read; check its name and permissions", "无法读取压缩包；请检查文件名与权限"
        )
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError):
        refuse(where, 1, "this is no zip archive, or a damaged one", "此文件不是 zip 压缩包，或已损坏")
    files = {path: as_text(data, f"{name}/{path}") for path, data in sorted(contents.items())}
    return Incoming(name, edition(files), _decoded(signature), files)


def _decoded(signature: bytes) -> bytes:
    """Return the signature out of base64; what is none is empty, and signed by nobody."""
    try:
        return base64.b64decode(b"".join(signature.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _contents(where: str, opened: zipfile.ZipFile) -> tuple[str, dict[str, bytes], bytes]:
    """Return the pack's id, its files by path and the signature, each read no further than its limit."""
    entries = [entry for entry in opened.infolist() if not (entry.is_dir() and _plain(entry))]
    if len(entries) > FILES_MAX + 1:
        refuse(where, 1, f"a pack has at most {FILES_MAX} files", f"规则包最多 {FILES_MAX} 个文件")
    names: set[str] = set()
    found: dict[str, bytes] = {}
    signature: bytes | None = None
    total = 0
    for entry in entries:
        within = _ENTRY.fullmatch(entry.filename)
        if entry.filename == SIGNATURE and signature is None and _plain(entry):
            signature = _read(where, opened, entry, _SIGNATURE_BYTES_MAX)
            continue
        if within is None or not fitting(within.group(2)) or within.group(2) in found or not _plain(entry):
            refuse(
                where, 1,
                "an archive holds `signature` and one folder with plain files of a pack, each once",
                "压缩包须仅含 signature 及一个文件夹，其中为规则包的普通文件，各一份",
            )  # fmt: skip
        names.add(within.group(1))
        data = _read(f"{where}/{entry.filename}", opened, entry, FILE_BYTES_MAX)
        total += len(data)
        if total > PACK_BYTES_MAX:
            refuse(where, 1, "a pack is at most 4 MiB in all", "规则包总计不得超过 4 MiB")
        found[within.group(2)] = data
    if len(names) != 1 or signature is None:
        refuse(where, 1, "an archive holds one pack and its signature", "压缩包须恰含一个规则包及其签名")
    return names.pop(), found, signature


def _plain(entry: zipfile.ZipInfo) -> bool:
    """Whether an entry is a plain file or folder, packed in a way that everybody reads, and not encrypted."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    return (
        kind in (0, stat.S_IFREG, stat.S_IFDIR)
        and not entry.flag_bits & _ENCRYPTED
        and entry.compress_type in _PLAIN_METHODS
        and "\\" not in entry.orig_filename
        and "\0" not in entry.orig_filename
    )


def _read(where: str, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int) -> bytes:
    """Return what an entry really holds, whatever its header says, and stop at the limit."""
    with opened.open(entry) as file:
        data = file.read(most + 1)
    if len(data) > most or entry.file_size > most:
        refuse(where, 1, f"this file is larger than {most} bytes", f"此文件大于 {most} 字节")
    return data
