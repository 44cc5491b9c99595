"""How many persons affiliates hold together, from sketches of their lists: no identifier leaves its affiliate.

An identifier is written in one way, turned into a token by HMAC-SHA256 under the group's key, and the token only raises
one of 65,536 small numbers, the registers of a HyperLogLog sketch. The union of any number of sketches is the larger
number at each place, so the order does not matter, and a person who is in several lists is counted once.

A file is a line of text and the registers, and nothing else (docs/concepts/groups.md). The library's own format is not
read from outside: its reader ends the process on headers that do not fit, so the header is made here, from registers
of which each one was looked at.
"""

import hmac
import math
import re
import secrets
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from datasketches import HLL_8, hll_sketch, hll_union  # type: ignore[import-untyped]

from countenance.errors import ConflictError, LimitError, MalformedError

#: The smallest size whose union is within 1 % at 95 %: 2 · 1.04 / √65,536 = 0.81 %. A larger one would tell more.
LG_K: Final = 16
REGISTERS: Final = 1 << LG_K
KEY_BYTES: Final = 32
IDENTIFIER_CHARACTERS_MAX: Final = 256
#: Eight bytes of memory each while they are counted.
IDENTIFIERS_MAX: Final = 100_000_000
_STANDARD_DEVIATIONS: Final = 2
_HEADER: Final = re.compile(rb"countenance-sketch/1 hll 16 ([0-9a-f]{16}) (0|[1-9][0-9]{0,8})\n")
_HEADER_BYTES_MAX: Final = 64
SKETCH_BYTES_MAX: Final = _HEADER_BYTES_MAX + REGISTERS
#: A register is 0, or one more than the zeros a hash begins with, of which 62 are counted.
_VALUES: Final = bytes(range(64))
#: The header of the library's format: preamble, version, family, size, 8-bit registers in full, compact, in no order.
#: Its sums over the registers are left open.
_IMAGE: Final = bytes((10, 1, 7, LG_K, 0, 8 | 16, 0, 10)) + bytes(32)
#: How far a claimed count may stand from its sketch: six standard deviations, and what a few collisions do.
_CLAIM_SHARE, _CLAIM_PERSONS = 0.025, 10


@dataclass(frozen=True, slots=True, eq=False)
class Sketch:
    """What an affiliate hands over: the key it was made under, by name, the count it claims, and the registers."""

    key_id: str
    persons: int
    native: Any = field(repr=False)

    @property
    def registers(self) -> bytes:
        """Return the registers, one byte each."""
        return bytes(self.native.serialize_compact()[-REGISTERS:])

    def to_bytes(self) -> bytes:
        """Return the file: the same list under the same key gives the same bytes, in whatever order it stood."""
        return f"countenance-sketch/1 hll {LG_K} {self.key_id} {self.persons}\n".encode() + self.registers


@dataclass(frozen=True, slots=True)
class Union:
    """How many persons the lists hold together: an estimate between bounds that hold in 95 of 100 cases.

    No union is smaller than its largest list or larger than their sum, so the bounds are cut to that; `error` is the
    share by which they would stand apart from the estimate without it.
    """

    key_id: str
    sketches: int
    estimate: int
    lower: int
    upper: int
    error: float
    largest: int
    sum: int


def normalised(identifier: str) -> str:
    """Return an identifier as everybody writes it: Unicode's NFKC, upper case, nothing around it."""
    upper = unicodedata.normalize("NFKC", identifier).upper()
    return unicodedata.normalize("NFKC", upper).strip()


def token(identifier: str, key: bytes | bytearray) -> bytes | None:
    """Return the keyed hash of an identifier, None for a blank one; raises MalformedError for what is no text."""
    if len(identifier) > IDENTIFIER_CHARACTERS_MAX:
        raise MalformedError(
            f"An identifier is longer than {IDENTIFIER_CHARACTERS_MAX} characters. Give one identifier on each line.",
            f"某标识超过 {IDENTIFIER_CHARACTERS_MAX} 个字符。请每行只给出一个标识。",
        )
    try:
        written = normalised(identifier).encode()
    except UnicodeEncodeError:
        raise _no_text() from None
    return hmac.digest(key, written, "sha256") if written else None


def tokens(identifiers: Iterable[str], key: bytes | bytearray) -> Iterator[bytes]:
    """Yield the tokens of a list; raises LimitError behind the largest number, MalformedError for what is no key."""
    _check(key)
    for number, identifier in enumerate(identifiers):
        if number >= IDENTIFIERS_MAX:
            raise LimitError(
                f"The list has more than {IDENTIFIERS_MAX:,} lines. Count it in parts and merge their sketches.",
                f"名单超过 {IDENTIFIERS_MAX:,} 行。请分批计数后合并草图。",
            )
        found = token(identifier, key)
        if found is not None:
            yield found


def lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of a list, in UTF-8; raises MalformedError for what is no text or has no line breaks."""
    most = 4 * IDENTIFIER_CHARACTERS_MAX + 2
    for number in range(IDENTIFIERS_MAX + 1):
        line = stream.readline(most)
        if not line:
            return
        try:
            text = line.decode("utf-8-sig" if number == 0 else "utf-8")
        except UnicodeDecodeError:
            raise _no_text() from None
        yield text.rstrip("\r\n")


def new_key() -> str:
    """Return the content of a new file for a group's key: 64 hexadecimal digits."""
    return secrets.token_hex(KEY_BYTES) + "\n"


def read_key(text: bytes) -> bytearray:
    """Return the key in a group's key file, to be written over when it was used; raises MalformedError."""
    found = re.fullmatch(rb"([0-9a-fA-F]{64})\s*", text)
    if found is None:
        raise MalformedError(
            "This is no group key: 64 hexadecimal digits. Make one with countenance filing group-key, or ask for it.",
            "这不是集团密钥（应为 64 位十六进制数）。请用 countenance filing group-key 生成，或向发放者索取。",
        )
    return bytearray.fromhex(found[1].decode())


def key_id(key: bytes | bytearray) -> str:
    """Return the name of a key, which tells nothing of it; raises MalformedError for what is no key."""
    _check(key)
    # Small letters: no identifier is ever written so, and none has this token.
    return hmac.digest(key, b"countenance group key", "sha256")[:8].hex()


def make(identifiers: Iterable[str], key: bytes | bytearray) -> Sketch:
    """Return the sketch of a list, and how many different persons it names; blank lines are nobody.

    Raises what `tokens` raises.
    """
    name = key_id(key)
    sketch = hll_sketch(LG_K, HLL_8, True)  # noqa: FBT003 — the library's own: in full from the first person on
    # Eight bytes of each token in 256 heaps by the ninth: a million take 8 MB, and one heap at a time is told apart.
    heaps = [array("Q") for _ in range(256)]
    for each in tokens(identifiers, key):
        sketch.update(each.hex())
        heaps[each[0]].append(int.from_bytes(each[1:9], "big"))
    return Sketch(name, sum(len(set(heap)) for heap in heaps), _native(sketch.serialize_compact()[-REGISTERS:]))


def read(data: bytes) -> Sketch:
    """Return the sketch in a file.

    Raises MalformedError for a file that is none, or whose registers cannot come from as many persons as it claims.
    """
    found = _HEADER.match(data[:_HEADER_BYTES_MAX])
    if found is None or len(data) != found.end() + REGISTERS:
        raise _no_sketch()
    native, persons = _native(data[found.end() :]), int(found[2])
    if abs(native.get_estimate() - persons) > _CLAIM_SHARE * persons + _CLAIM_PERSONS:
        raise MalformedError(
            "A sketch claims a count that its registers do not show. Ask its affiliate to make it again.",
            "草图声称的人数与其寄存器不符。请关联方重新生成。",
        )
    return Sketch(found[1].decode(), persons, native)


def merge(sketches: Iterable[Sketch]) -> Union:
    """Return how many persons the lists behind these sketches hold together.

    Raises ConflictError where they were made under different keys, MalformedError where there are none.
    """
    merged, names, many, largest, total = hll_union(LG_K), set[str](), 0, 0, 0
    for each in sketches:
        names.add(each.key_id)
        if len(names) > 1:
            raise _another_key()
        merged.update(each.native)
        many, largest, total = many + 1, max(largest, each.persons), total + each.persons
    if not names:
        raise MalformedError("Name at least one sketch.", "请至少指定一个草图。")

    def cut(value: float) -> int:
        return min(max(int(value), largest), total)

    return Union(
        key_id=names.pop(),
        sketches=many,
        estimate=cut(round(merged.get_estimate())),
        lower=cut(math.floor(merged.get_lower_bound(_STANDARD_DEVIATIONS))),
        upper=cut(math.ceil(merged.get_upper_bound(_STANDARD_DEVIATIONS))),
        error=hll_union.get_rel_err(False, True, LG_K, _STANDARD_DEVIATIONS),  # noqa: FBT003 — the library's own
        largest=largest,
        sum=total,
    )


def _native(registers: bytes) -> Any:
    """Return the library's sketch of these registers; raises MalformedError for a value that none can have."""
    if registers.translate(None, _VALUES):
        raise _no_sketch()
    open_sums, whole = hll_sketch.deserialize(_IMAGE + registers), hll_union(LG_K)
    for _ in range(2):  # the first is copied; with the second the library reckons the sums from the registers
        whole.update(open_sums)
    return whole.get_result(HLL_8)


def _check(key: bytes | bytearray) -> None:
    if len(key) != KEY_BYTES:
        raise MalformedError(f"A group's key has {KEY_BYTES} bytes.", f"集团密钥应为 {KEY_BYTES} 字节。")


def _no_text() -> MalformedError:
    return MalformedError(
        "The list is no text in UTF-8. Save it so, one identifier on each line.",
        "名单不是 UTF-8 文本。请以 UTF-8 保存，每行一个标识。",
    )


def _no_sketch() -> MalformedError:
    return MalformedError(
        "This is no sketch that this version reads, or it is damaged. Ask its affiliate to make or send it again.",
        "这不是本版本可读取的草图，或文件已损坏。请关联方重新生成或发送。",
    )


def _another_key() -> ConflictError:
    return ConflictError(
        "The sketches were made under different group keys and cannot be compared. Have them made under one key.",
        "草图使用了不同的集团密钥，无法合并。请使用同一密钥重新生成。",
    )
