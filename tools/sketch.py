"""Make the sketch of a list of identifiers for a group's count, on any system, without handing the list over.

One file for other vendors: the standard library and `datasketches`. It shares no code with the server and was written
from docs/concepts/groups.md; the same list under the same key gives the same bytes.
It prints how many persons were counted, and never an identifier. Exit 0: written; 2: wrong usage or unreadable input.

    python sketch.py --key group.key --to ours.sketch persons.txt
"""

import argparse
import hmac
import os
import re
import stat
import sys
import unicodedata
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

from datasketches import HLL_8, hll_sketch  # type: ignore[import-untyped]

LG_K, LENGTH_MAX, LINES_MAX = 16, 256, 100_000_000
LINE_BYTES_MAX = 4 * LENGTH_MAX + 2
PARSER = argparse.ArgumentParser(allow_abbrev=False, description="Make a sketch of a list / 为名单生成草图")
ADD = PARSER.add_argument
ADD("list", nargs="?", default="-", help="identifiers, one on each line; - is standard input / 标识名单,每行一个")
ADD("--key", required=True, type=Path, help="the group's key / 集团密钥文件")
ADD("--to", required=True, type=Path, help="the sketch to write / 要写入的草图文件")


def wrong(english: str, chinese: str) -> NoReturn:
    """End with what to do next; no line of the list is repeated."""
    sys.stderr.write(f"sketch: {english} / {chinese}\n")
    raise SystemExit(2)


def key_of(path: Path) -> bytearray:
    """Return the group's key; its file is for its owner alone."""
    with path.open("rb") as file:
        if os.name == "posix" and stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            wrong("Others can read the key. Set its mode to 0600.", "密钥文件可被他人读取。请将权限设为 0600。")
        found = re.fullmatch(rb"([0-9a-fA-F]{64})\s*", file.read(4096))
    if found is None:
        wrong("The key is not 64 hexadecimal digits. Ask for it again.", "密钥不是 64 位十六进制数。请重新索取。")
    return bytearray.fromhex(found[1].decode())


def identifiers(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the identifiers as everybody writes them: NFKC, upper case, NFKC again, nothing around; no blank lines."""
    for number in range(1, LINES_MAX + 2):
        line = stream.readline(LINE_BYTES_MAX)
        if not line:
            return
        if number > LINES_MAX:
            wrong(f"The list has more than {LINES_MAX:,} lines. Divide it.", f"名单超过 {LINES_MAX:,} 行。请分批。")
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            wrong(f"Line {number} is not UTF-8. Save the list so.", f"第 {number} 行不是 UTF-8。请以 UTF-8 保存。")
        if len(text) > LENGTH_MAX:
            wrong(f"Line {number} is too long. Give one identifier on each.", f"第 {number} 行过长。请每行一个标识。")
        written = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).upper()).strip()
        if written:
            yield written.encode()


def sketched(stream: BinaryIO, key: bytearray) -> tuple[bytes, int, str]:
    """Return the file of a list, how many different persons it names, and the key's name."""
    sketch = hll_sketch(LG_K, HLL_8, True)  # noqa: FBT003 — all registers from the first person on
    heaps = [array("Q") for _ in range(256)]
    for identifier in identifiers(stream):
        token = hmac.digest(key, identifier, "sha256")
        sketch.update(token.hex())
        heaps[token[0]].append(int.from_bytes(token[1:9], "big"))
    persons = sum(len(set(heap)) for heap in heaps)
    name = hmac.digest(key, b"countenance group key", "sha256")[:8].hex()
    header = f"countenance-sketch/1 hll {LG_K} {name} {persons}\n".encode()
    return header + sketch.serialize_compact()[-(1 << LG_K) :], persons, name


def written(path: Path, data: bytes) -> None:
    """Write the sketch for its owner alone, and over no file."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def main() -> int:
    """Run once."""
    asked = PARSER.parse_args()
    try:
        key = key_of(asked.key)
        if asked.list == "-":
            data, persons, name = sketched(sys.stdin.buffer, key)
        else:
            with Path(asked.list).open("rb") as stream:
                data, persons, name = sketched(stream, key)
        key[:] = bytes(len(key))
        written(asked.to, data)
    except FileExistsError:
        wrong("There is a file of this name already. Name another.", "同名文件已存在。请指定其他文件名。")
    except OSError as error:
        wrong(f"A file cannot be used: {error.strerror}.", f"文件无法使用:{error.strerror}。")
    print(f"{persons} persons under group key {name} / 集团密钥 {name} 下共 {persons} 人")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
