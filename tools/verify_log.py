"""Check an operator's log, or one proof from it, without trusting the operator.

One file for the regulator: the standard library and `cryptography`. It shares no code with the server and was written
from C2SP tlog-tiles, tlog-checkpoint, signed-note, tlog-cosignature, tlog-proof and from RFC 6962.
Exit 0: nothing found; 1: findings; 2: wrong usage or unreadable input.
"""

import argparse
import json
import re
import sys
from base64 import b64decode
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FULL, HASH, BUNDLED = 256, 32, 65537  # a tile's hashes; bytes of a hash; at most, bytes of an entry with its length
NOTE_BYTES_MAX, LINE_BYTES_MAX, END = 1 << 20, 1 << 24, (1 << 64, b"")
BACKDATED, OLDEST = timedelta(seconds=600), datetime.min.replace(tzinfo=UTC)
BASE64 = "(?:[0-9A-Za-z+/]{4})*(?:[0-9A-Za-z+/][AQgw]==|[0-9A-Za-z+/]{2}[AEIMQUYcgkosw048]=)?"  # left over bits: 0
ROOT, NUMBER, LINE = "[0-9A-Za-z+/]{42}[AEIMQUYcgkosw048]=", "(0|[1-9][0-9]{0,18})", r"[^\x00-\x1f\ufffd]+\n"
KEY = re.compile(r"([^\s\x00-\x1f\ufffd+]+)\+([0-9a-f]{8})\+([0-9A-Za-z+/]{44})\n?")
SIGNATURE = re.compile(rf"— ([^\s\x00-\x1f\ufffd+]+) (?=.{{8}})({BASE64})\n")
NOTE = re.compile(rf"(({LINE}){NUMBER}\n({ROOT})\n(?:{LINE})*)\n((?:{SIGNATURE.pattern})+)")
PROOF = re.compile(rf"c2sp\.org/tlog-proof@v1\n(?:extra ({BASE64})\n)?index {NUMBER}\n((?:{ROOT}\n){{0,64}})\n")
ENTRY = re.compile(
    rb'\{"at":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6})Z","body":"sha256:([0-9a-f]{64})"'
    rb',"format":1,"kind":"([a-z_]{1,40})"\}'
)
BODY_LINE = re.compile(rb'\{"body":("[^\n]*"),"index":(0|[1-9][0-9]{0,18})\}\n?')
BODY_FIELDS = {"id", "operator", "at", "kind", "outcome", "by", "details"}
CANONICAL = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True)
SENTENCES = {
    "checkpoint": ("{} is no checkpoint that this key signed for its log.", "{} 不是该密钥为其日志签署的检查点。"),
    "rollback": ("The log is shorter than in {}: its end was cut off.", "日志短于 {}:末尾被截去。"),
    "fork": ("The log's entries are not those of {}: it was changed.", "日志条目与 {} 不符:日志已被更改。"),
    "missing": ("An entry is missing, or its file cannot be read.", "缺少条目,或其文件无法读取。"),
    "entry": ("An entry is not written as the log's format says.", "条目的写法不符合日志格式。"),
    "tile": ("The hash tree does not fit the entries, or a part is missing.", "哈希树与条目不符,或缺少一部分。"),
    "root": ("The checkpoint was signed for other entries than these.", "检查点签署的并非这些条目。"),
    "order": ("An entry is back-dated by more than ten minutes.", "条目的时间倒填十分钟以上。"),
    "duplicate": ("The same record stands in the log twice.", "同一记录在日志中出现两次。"),
    "body": ("A record is unreadable, or not the one its entry was made for.", "记录无法读取,或与其条目不符。"),
    "lost": ("A record is missing, and no restore explains it.", "缺少记录,且无恢复记录说明。"),
    "cosignature": ("{} of the witnesses signed the checkpoint; {} must.", "检查点有 {} 个见证签名,要求 {} 个。"),
    "proof": ("The proof does not show this entry to be in the log.", "该证明未能表明条目在日志之中。"),
}
ITS_KEY = (
    "The key was taken from the directory: give yours with --vkey.",
    "密钥取自该目录:请用 --vkey 给出登记的密钥。",
)
UNKNOWN = "Without --known, a log rewritten as a whole goes unnoticed.", "未给 --known:整体改写的日志无法发现。"
NO_BODIES = "There is no bodies.jsonl: no records were checked.", "没有 bodies.jsonl:未核对记录。"
REST = "Nothing was checked from entry {} on.", "自条目 {} 起未作核对。"
PROVEN = "This is about entry {}: {}", "所涉条目 {}:{}"
RESTORED = "{} records were lost in a restore, as the operator recorded.", "{} 条记录在恢复时丢失,运营者已作记录。"
Key = tuple[str, bytes]
PARSER = argparse.ArgumentParser(allow_abbrev=False, description="Check an operator's log / 核对运营者的日志")
ADD = PARSER.add_argument
ADD("directory", nargs="?", type=Path, help="the log / 日志目录")
ADD("--vkey", help="the log's key, or a file with it / 日志的验证密钥或其文件")
ADD("--known", action="append", default=[], help="a checkpoint kept earlier / 以前留存的检查点")
ADD("--witness", action="append", default=[], help="a witness's key, or a file with it / 见证方的验证密钥或其文件")
ADD("--quorum", type=int, help="how many witnesses must have signed (all) / 须签名的见证方数目(默认全部)")
ADD("--from", type=int, default=0, dest="start", help="first entry of the part exported / 导出部分的首个条目")
ADD("--to", type=int, default=1 << 64, dest="end", help="first entry behind that part / 导出部分之后的首个条目")
ADD("--proof", help="check this proof alone / 仅核对该证明")
ADD("--entry", help="the entry, where the proof does not hold it / 条目文件(证明未含条目时)")
ADD("--body", help="the record that the proof is for / 证明所指的记录")
ADD("--json", action="store_true", help="write JSON / 输出 JSON")


@dataclass
class Report:
    """What was found: of each code the first place, how many more, and what it means."""

    size: int = 0
    root: bytes = b""
    found: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[dict[str, str]] = field(default_factory=list)

    def find(self, code: str, index: int | None = None, *facts: object) -> None:
        """Count a finding; keep it where it is the first of its code."""
        english, chinese = (each.format(*facts) for each in SENTENCES[code])
        first = self.found.setdefault(code, {"code": code, "index": index, "more": -1, "en": english, "zh": chinese})
        first["more"] += 1
        if index is not None and index < first["index"]:
            first |= {"index": index, "en": english, "zh": chinese}

    def note(self, what: tuple[str, str], *facts: object) -> None:
        """Add what is no finding, and must be known to judge the result."""
        self.notes.append({"en": what[0].format(*facts), "zh": what[1].format(*facts)})

    def shown(self, *, as_json: bool) -> str:
        """Write the report, for programs or for people."""
        if as_json:
            root, findings = self.root.hex() or None, [*self.found.values()]
            return json.dumps({"size": self.size, "root": root, "findings": findings, "notes": self.notes})
        lines = [f"size / 条目数: {self.size}", f"root / 根哈希: {self.root.hex() or '-'}"]
        lines += [f"note / 说明: {each['en']}\n    {each['zh']}" for each in self.notes]
        for code, each in self.found.items():
            index = "-" if each["index"] is None else each["index"]
            lines.append(f"FOUND / 发现: {code}; entry / 条目: {index}; more / 另有: {each['more']}")
            lines.append(f"    {each['en']}\n    {each['zh']}")
        return "\n".join(lines if self.found else [*lines, "Nothing found. / 未发现问题。"])


def _given(value: str) -> bytes:  # a key may stand on the command line itself
    return value.encode() if KEY.fullmatch(value) else Path(value).read_bytes()


def key_of(line: bytes, kind: bytes) -> Key:
    """Read a verifier key; without one nothing can be checked."""
    match = KEY.fullmatch(line.decode(errors="replace"))
    raw = b64decode(match[3]) if match else b""
    if not match or raw[:1] != kind or sha256(f"{match[1]}\n".encode() + raw).hexdigest()[:8] != match[2]:
        PARSER.error(f"no verifier key of this kind / 不是此类验证密钥: {line[:200]!r}")
    return match[1], raw


def _signed(text: bytes, signatures: list[tuple[str, bytes]], key: Key) -> bool:
    ident = sha256(key[0].encode() + b"\n" + key[1]).digest()[:4]
    mine = [raw[4:] for name, raw in signatures if name == key[0] and raw[:4] == ident]
    for each in mine:
        stamp = b"cosignature/v1\ntime %d\n" % int.from_bytes(each[:8]) if key[1][:1] == b"\4" else b""
        try:
            Ed25519PublicKey.from_public_bytes(key[1][1:]).verify(each[8 if stamp else 0 :], stamp + text)
        except InvalidSignature:
            return False
    return bool(mine)


def opened(data: bytes, keys: list[Key], report: Report, name: str, quorum: int = 0) -> tuple[int, bytes] | None:
    """Read a checkpoint's size and root; none where the log's key, the first, did not sign it for its own log."""
    match = NOTE.fullmatch(data.decode(errors="replace"))
    signatures = [(name, b64decode(value)) for name, value in SIGNATURE.findall(match[5])] if match else []
    if not match or match[2] != f"{keys[0][0]}\n" or not _signed(match[1].encode(), signatures, keys[0]):
        report.find("checkpoint", None, name)
        return None
    cosigned = sum(_signed(match[1].encode(), signatures, each) for each in keys[1:])
    if cosigned < quorum:
        report.find("cosignature", None, cosigned, quorum)
    return int(match[3]), b64decode(match[4])


def _content(path: Path, most: int = NOTE_BYTES_MAX) -> bytes:
    with suppress(OSError):
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= most:
            return path.read_bytes()
    return b""


def _top(nodes: list[bytes]) -> bytes:
    while len(nodes) > 1:
        pairs = [sha256(b"\1" + nodes[at] + nodes[at + 1]).digest() for at in range(0, len(nodes) - 1, 2)]
        nodes = pairs + nodes[len(pairs) * 2 :]
    return nodes[0] if nodes else sha256().digest()


def climbed(index: int, size: int, hashed: bytes, path: list[bytes]) -> bytes:
    """The root that an inclusion proof leads to; none where the proof is too short or too long."""
    if size == 1 or not path:
        return hashed if size == 1 and not path else b""
    left = 1 << (size - 1).bit_length() - 1
    if index < left:
        return _top([climbed(index, left, hashed, path[:-1]), path[-1]])
    return _top([path[-1], climbed(index - left, size - left, hashed, path[:-1])])


def entry_of(data: bytes) -> tuple[re.Match[bytes], datetime] | None:
    """Read an entry and its time; none where it is not written as it should be."""
    with suppress(ValueError):
        if match := ENTRY.fullmatch(data):
            return match, datetime.fromisoformat(f"{match[1].decode()}+00:00")
    return None


def record_of(data: bytes, entry: re.Match[bytes]) -> Any:
    """Read a body; none where it is not canonical, or not the one that the entry was made for."""
    times = [f"{at}+00:00" for at in (entry[1].decode(), entry[1].decode().removesuffix(".000000"))]
    with suppress(ValueError, RecursionError):
        record = json.loads(data.decode())
        right = sha256(data).hexdigest().encode() == entry[2] and CANONICAL.encode(record).encode() == data
        right = right and isinstance(record, dict) and record.keys() >= BODY_FIELDS
        if right and record["kind"] == entry[3].decode() and record["at"] in times:
            return record
    return None


def bodies_of(path: Path, report: Report) -> Iterator[tuple[int, bytes]]:
    """Read bodies.jsonl: each index and its body, which is empty where the line cannot be read."""
    last = -1
    with path.open("rb") as file:
        while line := file.readline(LINE_BYTES_MAX):
            match, body = BODY_LINE.fullmatch(line), b""
            index = int(match[2]) if match else last + 1
            with suppress(ValueError):
                body = json.loads(match[1].decode()).encode() if match else b""
            if not body or index <= last:
                report.find("body", index)
            if index > last:
                yield (last := index), body


@dataclass
class Log:
    """One pass over a log from its first entry to its last."""

    directory: Path
    report: Report
    bodies: Iterator[tuple[int, bytes]]
    exported: range
    #: Above level 0 each hash as the entries give it, and as the tile below does: a tile must hold one of the two.
    upper: list[list[tuple[bytes, bytes]]] = field(default_factory=lambda: [[] for _ in range(8)])
    seen: set[bytes] = field(default_factory=set)
    newest: datetime = OLDEST
    ahead: tuple[int, bytes] = (-1, b"")
    lost: list[tuple[int, int]] = field(default_factory=list)
    back: int = 0

    def _stored(self, level: str, index: int, width: int, each: int) -> bytes:
        digits = f"{index:0{(len(str(index)) + 2) // 3 * 3}}"
        *groups, last = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        folder = self.directory.joinpath("tile", level, *(f"x{group}" for group in groups))
        partial = _content(folder / f"{last}.p" / str(width), FULL * each) if width < FULL else b""
        return partial or _content(folder / last, FULL * each)

    def bundle(self, start: int, width: int) -> list[bytes]:
        """Read the entries of a bundle as far as they are there."""
        data, entries, at = self._stored("entries", start // FULL, width, BUNDLED), list[bytes](), 0
        while (end := at + 2 + int.from_bytes(data[at : at + 2])) <= len(data):
            entries.append(data[at + 2 : end])
            at = end
        for missing in range(start + len(entries), start + width):
            self.report.find("missing", missing)
        if len(entries) >= width and (at < len(data) or len(entries) not in (width, FULL)):
            self.report.find("entry", start + width - 1)
        return entries[:width]

    def count(self) -> int:
        """Count the entries where no checkpoint says how many they should be."""
        full = next(index for index in range(1 << 64) if not self._stored("entries", index, FULL, BUNDLED))
        widths = (width for width in range(FULL - 1, 0, -1) if self._stored("entries", full, width, BUNDLED))
        return full * FULL + next(widths, 0)

    def check(self, wanted: set[int]) -> dict[int, bytes]:
        """Check as far as there is anything, and give the roots at the wanted sizes."""
        roots, size, reached = {0: _top([])}, self.report.size, 0
        while reached < size:
            start, width = reached, min(FULL, size - reached)
            entries = self.bundle(start, width)
            hashes = [sha256(b"\0" + entry).digest() for entry in entries]
            for at, entry in enumerate(entries, start):
                self.entry(at, entry)
            roots |= {k: self._root(hashes[: k - start]) for k in wanted if 0 < k - start <= len(hashes)}
            self.hold(0, start // FULL, [(each, each) for each in hashes])
            reached += len(hashes)
            if len(hashes) < width:
                self.report.note(REST, reached)
                break
            if start // FULL % 64 == 0 and sys.stderr.isatty():
                print(f"{start} / {size}", end="\r", file=sys.stderr, flush=True)
        for level, pairs in enumerate(self.upper, 1):
            self.hold(level, reached >> 8 * (level + 1), pairs)
        for index, _ in chain([self.ahead], self.bodies):
            if size <= index < END[0]:
                self.report.find("body", index)
        for index in chain.from_iterable(range(*each) for each in self.lost):
            self.report.find("lost", index)
        return roots

    def hold(self, level: int, index: int, pairs: list[tuple[bytes, bytes]]) -> None:
        """Compare a tile, and hand the hash over it up where it is full."""
        width = min(FULL, (self.report.size >> 8 * level) - FULL * index)
        data = self._stored(str(level), index, width, HASH)
        found = [data[at : at + HASH] for at in range(0, len(data), HASH)]
        fits = len(data) in (width * HASH, FULL * HASH)
        for at, pair in enumerate(pairs):
            if not fits or found[at] not in pair:
                self.report.find("tile", FULL * index + at << 8 * level)
        if len(pairs) == FULL:
            self.upper[level].append((root := _top([pair[0] for pair in pairs]), _top(found) if fits else root))
            if len(self.upper[level]) == FULL:
                self.hold(level + 1, index >> 8, self.upper[level])
                self.upper[level] = []

    def _root(self, hashes: list[bytes]) -> bytes:
        for pairs in self.upper:
            hashes = [pair[0] for pair in pairs] + ([_top(hashes)] if hashes else [])
        return _top(hashes)

    def entry(self, index: int, data: bytes) -> None:
        """Check one entry, and its body where it is in the part exported."""
        while self.ahead[0] < index:
            self.ahead = next(self.bodies, END)
        there, body = self.ahead[0] == index, self.ahead[1]
        if not (entry := entry_of(data)):
            self.report.find("entry", index)
            return
        clock = entry[0][3] == b"clock"  # an officer set a clock that stood ahead: what follows is dated rightly
        if not clock and self.newest - entry[1] > BACKDATED:
            self.report.find("order", index)
        self.newest = entry[1] if clock else max(self.newest, entry[1])
        if (digest := bytes.fromhex(entry[0][2].decode())) in self.seen:
            self.report.find("duplicate", index)
        self.seen.add(digest)
        if not there and index in self.exported:
            first = self.lost.pop()[0] if self.lost and self.lost[-1][1] == index else index
            self.lost.append((first, index + 1))
        if there and body:
            match record_of(body, entry[0]):
                case None:
                    self.report.find("body", index)
                case {"kind": "backup", "outcome": "restored", "details": {"log": {"from": int(low), "to": int(high)}}}:
                    self.excuse(low, max(low, high))
                case _:
                    pass

    def excuse(self, low: int, high: int) -> None:
        """Take out of what is lost so far what the operator recorded as lost in a restore."""
        first = bisect_right(self.lost, low, key=lambda each: each[1])
        inside = self.lost[first : bisect_left(self.lost, high, lo=first, key=lambda each: each[0])]
        ends = [(inside[0][0], low), (high, inside[-1][1])] if inside else []
        left = [each for each in ends if each[0] < each[1]]
        self.lost[first : first + len(inside)] = left
        self.back += sum(end - start for start, end in inside) - sum(end - start for start, end in left)


def check_log(options: argparse.Namespace, keys: list[Key], report: Report) -> None:
    """Check the log in a directory."""
    there = (bodies := options.directory / "bodies.jsonl").is_file() and not bodies.is_symlink()
    exported = range(options.start, options.end if there else options.start)
    log = Log(options.directory, report, bodies_of(bodies, report) if there else iter(()), exported)
    checkpoint = opened(_content(options.directory / "checkpoint"), keys, report, "checkpoint", options.quorum)
    kept = [(name, opened(_given(name), keys[:1], report, repr(name))) for name in options.known]
    report.size = checkpoint[0] if checkpoint else log.count()
    roots = log.check({report.size, *(old[0] for _, old in kept if old)})
    report.root = roots.get(report.size, b"")
    if checkpoint and not {"missing", "tile"} & report.found.keys() and report.root != checkpoint[1]:
        report.find("root")
    roots |= {report.size: checkpoint[1]} if checkpoint else {}
    for name, old in kept:
        if old and old[0] > report.size:
            report.find("rollback", report.size, repr(name))
        elif old and roots.get(old[0], old[1]) != old[1]:
            report.find("fork", None, repr(name))
    for what, many in (NO_BODIES, not there), (UNKNOWN, not kept), (ITS_KEY, not options.vkey), (RESTORED, log.back):
        if many:
            report.note(what, many)


def check_proof(options: argparse.Namespace, keys: list[Key], report: Report) -> None:
    """Check one proof, and the body that belongs to its entry where that is given."""
    data = _given(options.proof).decode(errors="replace")
    if not (match := PROOF.match(data)):
        report.find("proof")
        return
    index, path = int(match[2]), [b64decode(each) for each in match[3].split()]
    raw = _given(options.entry) if options.entry else b64decode(match[1] or "")
    if checkpoint := opened(data[match.end() :].encode(), keys, report, "checkpoint", options.quorum):
        report.size, report.root = checkpoint
        if index >= report.size or climbed(index, report.size, sha256(b"\0" + raw).digest(), path) != report.root:
            report.find("proof", index)
    if not (entry := entry_of(raw)):
        report.find("entry", index)
    elif options.body and not record_of(_given(options.body), entry[0]):
        report.find("body", index)
    report.note(PROVEN, index, repr(raw))


def main(arguments: list[str] | None = None) -> int:
    """Check what the command line names, and say what was found."""
    options, report = PARSER.parse_args(arguments), Report()
    try:
        log = options.directory and options.directory.is_dir() and not (options.proof or options.entry or options.body)
        if not (log or (options.proof and options.vkey and not (options.directory or options.known))):
            PARSER.error("DIRECTORY, or --proof with --vkey, --entry, --body / 请指明目录,或 --proof 及其选项")
        keys = [key_of(_given(options.vkey) if options.vkey else _content(options.directory / "vkey"), b"\1")]
        keys += {key_of(_given(each), b"\4"): None for each in options.witness}
        options.quorum = len(keys) - 1 if options.quorum is None else options.quorum
        if not 0 <= options.quorum < len(keys):
            PARSER.error("--quorum is larger than the number of witnesses / --quorum 大于见证方数目")
        (check_proof if options.proof else check_log)(options, keys, report)
    except (OSError, UnicodeError) as error:
        PARSER.error(f"cannot read / 无法读取: {error}")
    sys.stdout.buffer.write(f"{report.shown(as_json=options.json)}\n".encode(errors="replace"))
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main())
