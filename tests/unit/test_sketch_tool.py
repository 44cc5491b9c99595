"""The program for other vendors makes the server's bytes, and both make what docs/concepts/groups.md says."""

import hashlib
import hmac
import subprocess
import sys
from pathlib import Path

import pytest

from countenance.filing.sketches import REGISTERS, lines, make, merge, read
from tests.shape.source import ROOT

KEY = bytes(range(32))
WORD = 0xFFFFFFFFFFFFFFFF


class Tool:
    """Runs the program in a folder that holds a key."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.key, self.made = folder, folder / "group.key", folder / "ours.sketch"
        self.key.write_text(KEY.hex() + "\n")
        self.key.chmod(0o600)

    def __call__(self, text: bytes, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Hand it a list, by standard input."""
        return subprocess.run(
            [sys.executable, ROOT / "tools" / "sketch.py", "--key", self.key, "--to", self.made, *words],
            input=text,
            capture_output=True,
            check=False,
            timeout=60,
        )


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


@pytest.mark.parametrize(
    "text, persons",
    [
        (b"", 0),
        (b"a", 1),
        ("\ufeff张三\r\n 11010119900307123x \r\n\r\n１１０１０１１９９００３０７１２３Ｘ\n".encode(), 2),
        ("\ue000\nstraße\nSTRASSE\n\u0390\n".encode(), 3),
        (b"".join(b"person %d\n" % n for n in range(3_000)), 3_000),
        (b"x" * 256 + b"\n" + "\U0001f600".encode() * 256 + b"\r\n", 2),
    ],
)
def test_it_makes_the_bytes_the_server_makes(tool, text, persons):
    listed = tool.folder / "list.txt"
    listed.write_bytes(text)

    ran = tool(b"", str(listed))

    assert (ran.returncode, ran.stderr) == (0, b"")
    with listed.open("rb") as stream:
        ours = make(lines(stream), KEY)
    assert tool.made.read_bytes() == ours.to_bytes()
    assert ours.persons == persons
    assert ran.stdout.decode().split()[0] == str(persons)


def test_the_union_with_a_sketch_of_the_server(tool):
    assert tool(b"".join(b"p%d\n" % n for n in range(600))).returncode == 0
    theirs = make((f"P{n}" for n in range(500, 1_000)), KEY)
    union = merge([read(tool.made.read_bytes()), theirs])
    assert union.lower <= 1_000 <= union.upper
    assert (union.sum, union.largest) == (1_100, 600)


def test_it_prints_nobody_and_writes_for_its_owner(tool):
    ran = tool(b"secret-name\nsecret-other\n")
    assert b"secret" not in ran.stdout + ran.stderr
    assert b"secret" not in tool.made.read_bytes()
    assert tool.made.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tool.folder.iterdir()) == ["group.key", "ours.sketch"]


@pytest.mark.parametrize(
    "text, said",
    [
        (b"secret-name\n\xff\xfe\n", b"Line 2"),
        (b"secret-name\n" + b"secret" * 100, b"Line 2"),
        (b"secret" * 1_000_000, b"Line 1"),
    ],
)
def test_a_list_that_is_none_is_named_by_its_line_alone(tool, text, said):
    ran = tool(text)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert b"secret" not in ran.stderr
    assert not tool.made.exists()


def test_a_key_that_others_read_or_that_is_none_is_refused(tool):
    tool.key.chmod(0o640)
    assert b"0600" in tool(b"a").stderr
    tool.key.chmod(0o600)
    for wrong in ("", "00" * 31, "00" * 32 + "\n0", "zz" * 32):
        tool.key.write_text(wrong)
        assert b"hexadecimal" in tool(b"a").stderr
    tool.key.unlink()
    assert (tool(b"a").returncode, tool.made.exists()) == (2, False)


def test_a_file_that_is_there_is_left_alone(tool):
    tool.made.write_bytes(b"earlier")
    ran = tool(b"a")
    assert (ran.returncode, tool.made.read_bytes()) == (2, b"earlier")
    assert tool(b"a", "no-such-list").returncode == 2


def test_it_shares_no_code_with_the_server():
    assert "countenance." not in (ROOT / "tools" / "sketch.py").read_text("utf-8").split('"""', 2)[2]


def murmur(data: bytes, seed: int = 9001) -> tuple[int, int]:
    """Return MurmurHash3 x64 128, written from its description, for lengths that are whole blocks."""
    assert len(data) % 16 == 0
    first = second = seed
    c1, c2 = 0x87C37B91114253D5, 0x4CF5AD432745937F
    for at in range(0, len(data), 16):
        k1, k2 = (int.from_bytes(data[start : start + 8], "little") for start in (at, at + 8))
        first ^= turned(k1 * c1, 31) * c2 & WORD
        first = (turned(first, 27) + second) * 5 + 0x52DCE729 & WORD
        second ^= turned(k2 * c2, 33) * c1 & WORD
        second = (turned(second, 31) + first) * 5 + 0x38495AB5 & WORD
    first, second = first ^ len(data), second ^ len(data)
    first = first + second & WORD
    second = second + first & WORD
    first, second = finished(first), finished(second)
    first = first + second & WORD
    return first, second + first & WORD


def turned(value: int, by: int) -> int:
    value &= WORD
    return (value << by | value >> 64 - by) & WORD


def finished(value: int) -> int:
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        value = (value ^ value >> 33) * factor & WORD
    return value ^ value >> 33


def test_the_registers_are_what_the_description_says():
    identifiers = [f"PERSON {n}" for n in range(2_000)]
    registers = bytearray(REGISTERS)
    for each in identifiers:
        token = hmac.new(KEY, each.encode(), hashlib.sha256).hexdigest()
        low, high = murmur(token.encode())
        place, zeros = low % REGISTERS, 64 - high.bit_length()
        registers[place] = max(registers[place], min(zeros, 62) + 1)

    name = hmac.new(KEY, b"countenance group key", hashlib.sha256).hexdigest()[:16]
    described = f"countenance-sketch/1 hll 16 {name} 2000\n".encode() + registers
    assert make(identifiers, KEY).to_bytes() == described
