"""The regulator's checker finds what the server's own log code wrote clean, and every damage, at its first place."""

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from countenance.log.entries import LogEntry, bundled
from countenance.log.notes import Checkpoint, SignatureKind, Signer, signed
from countenance.log.proofs import Proof
from countenance.log.tiles import LogFiles
from tools import verify_log

NAME = "countenance.example/log/harbour-hotel/1"
SIGNER, OTHER = Signer(NAME, bytes(range(32))), Signer(NAME, bytes(32))
VKEY = SIGNER.verifier.as_vkey()
WITNESSES = [Signer(f"witness.example/{n}", bytes([n]) * 32, SignatureKind.COSIGNATURE) for n in (1, 2, 3)]
WANTED = [("checkpoint", {"checkpoint"}), ("tile/0/001", {"tile"}), ("tile/entries/001", {"missing", "entry"})]
START, SECOND, GONE = datetime(2026, 11, 26, 7, 9, 31, 70315, UTC), timedelta(seconds=1), (100, 101, 102)


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def record(index: int, **facts: Any) -> dict[str, Any]:
    at, details = (START + index * SECOND).isoformat(), {"reason": "无同意 – no consent", "n": index}
    said = {"id": f"{index:032x}", "operator": "harbour-hotel", "at": at, "kind": "decision", "outcome": "refused"}
    return said | {"by": "rule", "details": details} | facts


def entry_for(body: dict[str, Any]) -> bytes:
    digest = hashlib.sha256(canonical(body)).digest()
    return LogEntry(datetime.fromisoformat(body["at"]), body["kind"], digest).encoded()


def naive(entries: list[bytes]) -> bytes:  # the root as RFC 6962 writes it down
    if len(entries) < 2:
        return hashlib.sha256(b"\0" + entries[0] if entries else b"").digest()
    left = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + naive(entries[:left]) + naive(entries[left:])).digest()


class Made:  # a log in a directory, written by the server's code
    def __init__(self, directory: Path, records: list[dict[str, Any]], entries: list[bytes] | None = None) -> None:
        self.directory, self.records = directory, records
        self.entries = [entry_for(each) for each in records] if entries is None else entries
        directory.mkdir()
        files = LogFiles(directory)
        self.sign(files.extend(0, self.entries))
        files.settle()
        (directory / "vkey").write_text(f"{VKEY}\n", "utf-8")
        self.bodies(records)

    def sign(self, root: bytes, signer: Signer = SIGNER, size: int | None = None) -> None:
        note = signed(Checkpoint(signer.verifier.name, size or len(self.entries), root), signer)
        self.file("checkpoint").write_bytes(note)

    def sign_text(self, text: str, *others: Signer) -> str:
        note = f"{text}\n{SIGNER.sign(text)}" + "".join(each.sign(text, 1_764_140_971) for each in others)
        self.file("checkpoint").write_text(note, "utf-8")
        return note

    def bodies(self, records: list[dict[str, Any]], without: tuple[int, ...] = (), third: bytes = b"") -> None:
        texts = {at: canonical(each).decode() for at, each in enumerate(records) if at not in without}
        lines = [canonical({"body": text, "index": at}) + b"\n" for at, text in texts.items()]
        lines[3:4] = [third] if third else lines[3:4]
        self.file("bodies.jsonl").write_bytes(b"".join(lines))

    def file(self, name: str) -> Path:
        return self.directory / name

    def kept(self, size: int) -> list[str]:
        path = self.directory.with_name(f"{self.directory.name}-{size}")
        path.write_bytes(signed(Checkpoint(NAME, size, naive(self.entries[:size])), SIGNER))
        return ["--known", str(path)]

    def flipped(self, name: str, at: int, bit: int = 1) -> dict[str, int | None]:
        content = self.file(name).read_bytes()
        self.file(name).write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
        codes = found(self.directory)
        self.file(name).write_bytes(content)
        return codes


def made(directory: Path, size: int, changed: dict[int, dict[str, Any]] | None = None) -> Made:
    return Made(directory, [(changed or {}).get(index) or record(index) for index in range(size)])


def check(*arguments: object) -> dict[str, Any]:
    out = io.TextIOWrapper(io.BytesIO())
    with redirect_stdout(out):
        code = verify_log.main([*map(str, arguments), "--vkey", VKEY, "--json"])
    out.seek(0)
    report = json.load(out)
    assert code == bool(report["findings"])
    return report


def found(*arguments: object) -> dict[str, int | None]:
    return {each["code"]: each["index"] for each in check(*arguments)["findings"]}


@pytest.fixture
def log(tmp_path: Path) -> Made:
    return made(tmp_path / "log", 600)


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 600])
def test_a_whole_log_is_clean(tmp_path: Path, size: int):
    log = made(tmp_path / "log", size)
    shape = {"size": size, "root": naive(log.entries).hex(), "findings": [], "notes": []}
    assert check(log.directory, *log.kept(size // 2)) == shape


def test_a_log_with_three_levels_is_clean_and_its_upper_tiles_are_compared(tmp_path: Path):
    log = made(tmp_path / "log", 66_000)
    log.file("bodies.jsonl").unlink()
    assert found(log.directory, *log.kept(65_536), *log.kept(65_999), *log.kept(66_000)) == {}
    for name, at, index in (("2/000.p/1", 3, 0), ("1/001.p/1", 3, 65_536), ("1/000", 224, 1792), ("0/256", 0, 65_536)):
        assert log.flipped(f"tile/{name}", at) == {"tile": index}
    log = made(tmp_path / "full", 512)  # full tiles may stand for partial ones
    log.sign(naive(log.entries[:300]), size=300)
    log.bodies(log.records[:300])
    log.file("tile/1/000.p/1").write_bytes(naive(log.entries[:256]))
    assert found(log.directory) == {}


@pytest.mark.parametrize(("index", "tile"), [(0, "000"), (255, "000"), (256, "001"), (300, "001"), (599, "002.p/88")])
def test_one_bit_of_an_entry_of_a_tile_and_of_a_body(log: Made, index: int, tile: str):
    entry, entries = log.entries[index], log.file(f"tile/entries/{tile}").read_bytes()
    codes = log.flipped(f"tile/entries/{tile}", entries.index(entry) + len(entry) - 3)
    assert codes == {"tile": index, "body": index}
    assert log.flipped(f"tile/0/{tile}", index % 256 * 32 + 31, 128) == {"tile": index}
    data = log.file("bodies.jsonl").read_bytes()
    assert log.flipped("bodies.jsonl", data.index(b"refused", data.index(f"{index:032x}".encode()))) == {"body": index}


def test_what_was_changed_on_several_levels_is_found_above(log: Made, tmp_path: Path):
    assert log.flipped("tile/1/000.p/2", 32) == {"tile": 256}
    again = made(tmp_path / "again", 600, {300: record(300, outcome="allowed")})
    for name in ("entries/001", "0/001"):
        log.file(f"tile/{name}").write_bytes(again.file(f"tile/{name}").read_bytes())
    assert found(log.directory)["tile"] == 256
    again.file("checkpoint").write_bytes(log.file("checkpoint").read_bytes())
    assert found(again.directory) == {"root": None}
    assert found(again.directory, *log.kept(301)) == {"root": None, "fork": None}


def test_an_entry_removed_put_in_or_swapped(log: Made):
    log.file("bodies.jsonl").unlink()
    part = log.entries[256:512]
    for entries, codes in (
        ([*part[:44], *part[45:]], {"tile": 300, "missing": 511}),
        ([*part[:44], part[3], *part[44:]], {"tile": 300, "entry": 511, "duplicate": 300}),
        ([*part[:44], part[45], part[44], *part[46:]], {"tile": 300}),
    ):
        log.file("tile/entries/001").write_bytes(bundled(entries))
        assert found(log.directory) == codes


def test_the_operator_swaps_changes_or_cuts_off_entries_and_signs_again(tmp_path: Path):
    log = made(tmp_path / "log", 1500)
    records = [*log.records[:300], log.records[1200], *log.records[301:1200], log.records[300], *log.records[1201:]]
    again = Made(tmp_path / "again", records)
    assert found(again.directory) == {"order": 301}
    assert found(again.directory, *log.kept(1000)) == {"order": 301, "fork": None}
    fork = made(tmp_path / "fork", 1500, {255: record(255, outcome="allowed")})
    assert found(fork.directory, *log.kept(255)) == {}
    assert found(fork.directory, *log.kept(255), *log.kept(256)) == {"fork": None}
    assert found(fork.directory, *log.kept(1500)) == {"fork": None}
    short = Made(tmp_path / "short", log.records[:500])
    assert found(short.directory, *log.kept(500)) == {}
    assert found(short.directory, *log.kept(501)) == {"rollback": 500}
    short.file("checkpoint").write_bytes(log.file("checkpoint").read_bytes())
    assert found(short.directory)["missing"] == 256


def lost(low: Any, high: Any, **facts: Any) -> dict[int, dict[str, Any]]:
    details = {"log": {"from": low, "to": high}}
    return {300: record(300, **({"kind": "backup", "outcome": "restored", "details": details} | facts))}


#: How long the log is, which records are not as usual, whose bodies are left out, and what is found.
SIGNED = [
    (1000, {900: record(900, at="2026-11-26T07:14:30.070315+00:00")}, (), {}),
    (1000, {900: record(900, at="2026-11-26T07:14:30.070314+00:00")}, (), {"order": 900}),
    (300, {20: record(7), 270: record(260), 280: record(7)}, (), {"duplicate": 20}),
    (2, {0: record(0, at="2026-11-26T07:09:31+00:00")}, (), {}), (310, {}, GONE, {"lost": 100}),
    (310, lost(100, 103), GONE, {}), (310, lost(100, 103), (*GONE, 305), {"lost": 305}),
    (310, lost(101, 103), GONE, {"lost": 100}), (310, lost(100, 102), GONE, {"lost": 102}),
    (310, lost(101, 102), GONE, {"lost": 100}), (310, lost(103, 100), GONE, {"lost": 100}),
    (310, lost(-5, 2**70), (*GONE, 299), {}), (310, lost(0, 309), (100, 301), {"lost": 301}),
    (310, lost("0", 300), (100,), {"lost": 100}), (310, lost(0, 300), (100, 300), {"lost": 100}),
    (310, lost(0, 300, outcome="made"), (100,), {"lost": 100}), (310, lost(0, 300, details=[]), (100,), {"lost": 100}),
    (310, lost(0, 300, kind="decision"), (100,), {"lost": 100}), (310, lost(0, 9), GONE, {"lost": 100}),
]  # fmt: skip


@pytest.mark.parametrize(("size", "changed", "without", "codes"), SIGNED)
def test_what_the_operator_signed_himself(tmp_path: Path, size: int, changed, without, codes):
    log = made(tmp_path / "log", size, changed)
    log.bodies(log.records, without)
    assert found(log.directory) == codes


def test_another_key_another_log_a_damaged_signature_and_no_checkpoint(log: Made):
    root, elsewhere = naive(log.entries), Signer("elsewhere.example", bytes(range(32)))
    assert log.flipped("checkpoint", -20) == {"checkpoint": None}
    log.sign_text(Checkpoint("elsewhere.example", 600, root).as_text())
    assert found(log.directory) == {"checkpoint": None}
    for signer in (OTHER, elsewhere):
        log.sign(root, signer)
        assert found(log.directory, *log.kept(300)) == {"checkpoint": None}
    theirs = log.file("checkpoint").rename(log.directory.with_name("theirs"))
    report = check(log.directory)
    assert (report["size"], report["root"], report["findings"][0]["code"]) == (600, root.hex(), "checkpoint")
    log.sign(root)
    (finding,) = check(log.directory, "--known", theirs)["findings"]
    assert (finding["code"], "theirs" in finding["en"], "theirs" in finding["zh"]) == ("checkpoint", True, True)


ENTRY, RIGHT = entry_for(record(3)), canonical(record(3))
ENTRIES = [
    (b"2026-11-26", b"2026-02-30"), (b"2026", b"0000"), (b"T07:", b"T24:"), (b":34.", b":60."), (b".070315", b".070"),
    (b":1,", b":2,"), (b",", b", "), (b"decision", b"Decision"), (b"decision", b"d" * 41), (b"sha256", b"sha512"),
    (b"2026", "２026".encode()), (b'n"}', b'n"}\n'), (ENTRY, b""), (ENTRY, b"\xff" * 40), (ENTRY, b"x" * 65535),
]  # fmt: skip
BODIES = [
    (RIGHT, b'{"a":1}'), (RIGHT, b"[1]"), (RIGHT, b"no JSON"), (RIGHT, b"[" * 100_000), (b'"by":', b'"by":"x","by":'),
    (b'"by":', b'"by": '), (b'"n":3', b'"n":NaN'), (b"decision", b"person"), (b'"n":3', b'"n":' + b"3" * 5000),
    (b"09:34", b"09:35"), (b"+00", b"+01"), (b'"n":3', b'"n":' + b"[" * 5000 + b"]" * 5000), (b"rule", b"\\u0072ule"),
]  # fmt: skip
LINES = [
    (b"\xff\xfe noise\n", 3), (b"\n", 3), (b"[" * 200_000 + b"\n", 3), (b'{"body":"\\ud800","index":3}\n', 3),
    (b'{"body":1,"index":3}\n', 3), (b'{"body":"{}","index":-3}\n', 3), (b'{"body":"{}","index":03}\n', 3),
    (b'{"body":"{}","index":1}\n', 1), (b'{"body":"a" "b","index":3}\n', 3), (b'{"body":"{}","index":9999999999}\n', 4),
]  # fmt: skip


def test_entries_bodies_and_lines_that_are_not_written_as_they_should_be(tmp_path: Path):
    log = made(tmp_path / "log", 5)
    for at, (old, new) in enumerate(ENTRIES):
        entries = [*log.entries[:3], ENTRY.replace(old, new), log.entries[4]]
        assert found(Made(tmp_path / f"entry{at}", log.records, entries).directory) == {"entry": 3}, new[:99]
    for at, (old, new) in enumerate(BODIES):
        body = RIGHT.replace(old, new)
        entry = LogEntry(START + 3 * SECOND, "decision", hashlib.sha256(body).digest()).encoded()
        changed = Made(tmp_path / f"body{at}", log.records, [*log.entries[:3], entry, log.entries[4]])
        changed.bodies(log.records, third=canonical({"body": body.decode(), "index": 3}) + b"\n")
        assert found(changed.directory) == {"body": 3}, new[:99]
    for third, index in LINES:
        log.bodies(log.records, third=third)
        assert found(log.directory) == {"body": index} | ({} if index == 3 else {"lost": 3}), third[:99]
    log.bodies([*log.records, record(5)])
    assert found(log.directory) == {"body": 5}
    log.bodies(log.records, (0, 1, 3))  # a part
    assert check(log.directory)["findings"][0]["more"] == 2
    assert found(log.directory, "--from", 2) == {"lost": 3}
    assert found(log.directory, "--from", 2, "--to", 3) == {}


def test_a_quorum_of_witnesses(log: Made):
    note = log.sign_text(Checkpoint(NAME, 600, naive(log.entries)).as_text(), *WITNESSES[:2])
    every = [part for each in WITNESSES for part in ("--witness", each.verifier.as_vkey())]
    assert found(log.directory, *every[:4]) == {}
    assert found(log.directory, *every, "--quorum", 2) == {}
    assert found(log.directory, *every[:2], *every[:2]) == {}
    assert found(log.directory, *every) == {"cosignature": None}
    assert found(log.directory, *every[4:], "--quorum", 1) == {"cosignature": None}
    at = note.rindex(" ") + 10  # the time is signed as well
    log.file("checkpoint").write_text(f"{note[:at]}B{note[at + 1 :]}", "utf-8")
    assert found(log.directory, *every, "--quorum", 2) == {"cosignature": None}


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_byte_anywhere_and_noise_are_noticed(log: Made, data):
    covered = sorted(path for path in log.directory.rglob("*") if path.is_file() and path.name != "vkey")
    path = data.draw(st.sampled_from(covered))
    content = path.read_bytes()
    at, bits = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    changed = content[:at] + bytes([content[at] ^ bits]) + content[at + 1 :]
    path.write_bytes(data.draw(st.one_of(st.just(changed), st.binary(max_size=300))))
    try:
        assert found(log.directory)
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize("size", [1025, 2**62, 10**19 - 1])
def test_a_huge_size_ends_at_the_first_missing_entry(tmp_path: Path, log: Made, size: int):
    log.sign(bytes(32), size=size)
    assert found(log.directory)["missing"] == 512
    (tmp_path / "empty").mkdir()
    log.file("checkpoint").rename(tmp_path / "empty/checkpoint")
    assert found(tmp_path / "empty")["missing"] == 0


def test_checkpoints_that_are_none(log: Made):
    root = base64.b64encode(naive(log.entries)).decode()
    same = root[:42] + chr(ord(root[42]) + 1) + "="  # the bits left over are not zero
    sizes = [f"{size}\n{root}" for size in ("-1", "0600", "+600", "6e2", "600 ", "", "６００", "1" + "0" * 21)]
    roots = [f"600\n{each}" for each in (same, root[:-1], f"{root}\t", f"{root}==", f"{root}\n", "")]
    notes = [log.sign_text(f"{NAME}\n{text}\n") for text in sizes + roots]
    note = log.sign_text(f"{NAME}\n600\n{root}\nextension\n", OTHER, WITNESSES[0])
    assert found(log.directory) == {}
    swaps = ("— ", "- "), ("ext", "ex\rt"), ("\n\n", "\n\n\n"), ("\n\n", "\n"), ("=\n", "=\n\n"), ("6", "\0")
    for bad in notes + [note.replace(*swap) for swap in swaps]:
        log.file("checkpoint").write_text(bad, "utf-8", newline="")
        assert found(log.directory) == {"checkpoint": None}


@pytest.mark.parametrize(("name", "codes"), WANTED)
def test_what_is_no_ordinary_file_or_of_wrong_length(log: Made, name: str, codes: set[str]):
    content, path, aside = log.file(name).read_bytes(), log.file(name), log.directory.with_name("aside")
    for wrong in (b"", content[:-2], content + b"\0", content * 3, b"\xff" * 9000):
        path.write_bytes(wrong)
        assert codes & found(log.directory).keys()
    path.write_bytes(content)
    path.rename(aside)
    for make in (str, os.mkfifo, lambda path: path.symlink_to("../aside"), Path.mkdir):
        make(path)
        assert codes & found(log.directory).keys()
        if make is not Path.mkdir:
            path.unlink(missing_ok=True)


@pytest.mark.parametrize(("size", "index"), [(1, 0), (2, 1), (5, 4), (7, 3), (300, 0), (300, 299), (513, 512)])
def test_a_proof_holds_for_its_entry_its_body_and_its_key_alone(tmp_path: Path, size: int, index: int):
    log = made(tmp_path / "log", size)
    path, checkpoint = tmp_path / "one.tlog-proof", log.file("checkpoint").read_bytes()
    proof = Proof(index, LogFiles(log.directory).tree(size).inclusion(index), checkpoint, log.entries[index]).as_file()
    path.write_bytes(proof)
    log.file("body").write_bytes(canonical(log.records[index]))
    assert check("--proof", path, "--body", log.file("body"))["findings"] == []
    log.file("body").write_bytes(canonical(record(index + 1)))
    assert found("--proof", path, "--body", log.file("body")) == {"body": index}
    path.write_bytes(b"\n".join(line for line in proof.split(b"\n") if not line.startswith(b"extra ")))
    log.file("entry").write_bytes(log.entries[index])
    assert found("--proof", path, "--entry", log.file("entry")) == {}
    log.file("entry").write_bytes(entry_for(record(1000)))
    assert found("--proof", path, "--entry", log.file("entry")) == {"proof": index}
    path.write_bytes(proof.replace(b"\nindex %d\n" % index, b"\nindex %d\n" % size))
    assert found("--proof", path) == {"proof": size}
    log.sign(naive(log.entries), OTHER)
    path.write_bytes(proof.replace(checkpoint, log.file("checkpoint").read_bytes()))
    assert found("--proof", path) == {"checkpoint": None}
    for at, byte in enumerate(proof if size == 7 else b""):
        for wrong in (proof[:at], *(proof[:at] + bytes([byte ^ bits]) + proof[at + 1 :] for bits in (1, 32, 128))):
            path.write_bytes(wrong)
            assert found("--proof", path), at


def test_it_runs_alone_and_says_what_it_found_in_both_languages(log: Made, tmp_path: Path):
    for english, chinese in verify_log.SENTENCES.values():
        assert any("\u4e00" <= each <= "\u9fff" for each in chinese)
        assert english.count("{}") == chinese.count("{}")
    program = tmp_path / "verify_log.py"
    program.write_bytes(Path(verify_log.__file__).read_bytes())
    assert b"countenance" not in program.read_bytes()
    command = [sys.executable, "-I", str(program), str(log.directory)]
    done = subprocess.run(command, capture_output=True, check=False, cwd=tmp_path, env={"LC_ALL": "C"})
    assert (done.returncode, done.stderr) == (0, b"")
    for said in ("The key was taken from the directory", "密钥取自该目录", "Nothing found. / 未发现问题。"):
        assert said in done.stdout.decode()
    for name in ("bodies.jsonl", "tile/0/000"):
        log.file(name).unlink()
    report = check(log.directory)
    assert list(report) == ["size", "root", "findings", "notes"]
    assert [list(each) for each in report["findings"]] == [["code", "index", "more", "en", "zh"]]
    assert [list(each) for each in report["notes"]] == [["en", "zh"]] * 2


USAGE = [
    [], ["nowhere"], ["x" * 5000], ["."], [".", "--vkey", "no key"], [".", "--known", "nowhere", "--vkey", VKEY],
    ["--proof", "nowhere", "--vkey", VKEY], ["--proof", "x"], [".", "--proof", "x", "--vkey", VKEY],
    [".", "--vkey", WITNESSES[0].verifier.as_vkey()], [".", "--vkey", VKEY[:-1]], [".", "--entry", "x"],
    [".", "--vkey", VKEY, "--quorum", "1"], [".", "--from", "soon"], [".", "--vkey", VKEY, "--witness", VKEY],
]  # fmt: skip


@pytest.mark.parametrize("arguments", USAGE)
def test_wrong_usage_ends_with_2_and_a_message(tmp_path: Path, monkeypatch, capsys, arguments: list[str]):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        verify_log.main(arguments)
    assert end.value.code == 2
    assert "error: " in capsys.readouterr().err
