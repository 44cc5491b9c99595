"""Whatever is changed in a log is found, with the first index it is wrong at."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countenance.log.check import Body, Flaw, Report, check
from countenance.log.entries import LogEntry, bundled, unbundled
from countenance.log.notes import Checkpoint, Signer, signed
from countenance.log.tiles import LogFiles

SEED = bytes(range(32))
LOG = Signer("faces.example/log/harbour-hotel/1", SEED)
START = datetime(2026, 11, 26, 7, tzinfo=UTC)


def body(number: int, *, kind: str = "verify", outcome: str = "match", **changes: object) -> Body:
    at = START + timedelta(seconds=number)
    said = {"id": f"{number:032x}", "at": at.isoformat(), "kind": kind, "outcome": outcome, **changes}
    encoded = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return Body(at, kind, sha256(encoded).digest(), encoded)


def entry(of: Body) -> bytes:
    return LogEntry(of.at, of.kind, of.digest).encoded()


class Made:
    """A log in a folder, signed as its operator would, with its bodies."""

    def __init__(self, folder: Path, bodies: Sequence[Body]) -> None:
        self.files = LogFiles(folder)
        self.bodies: list[Body | None] = list(bodies)
        self.write([entry(each) for each in bodies])

    def write(self, entries: Sequence[bytes]) -> None:
        """Write and sign the log anew, as an operator with the key can."""
        root = self.files.extend(0, entries)
        self.checkpoint = Checkpoint(LOG.verifier.name, len(entries), root)
        self.files.publish(signed(self.checkpoint, LOG))

    def check(self, known: Sequence[Checkpoint] = (), *, alone: bool = False) -> Report:
        bodies = None if alone else self.bodies
        return check(self.files, LOG.verifier, lambda done, total: None, known=known, bodies=bodies)


def firsts(report: Report) -> dict[str, int | None]:
    return {flaw.value: first for flaw, (first, _) in report.found.items()}


@pytest.mark.parametrize("size", [0, 1, 2, 255, 256, 257, 600])
def test_a_whole_log_has_no_flaw(tmp_path: Path, size: int):
    made = Made(tmp_path, [body(number) for number in range(size)])
    report = made.check()

    assert (firsts(report), report.size, report.checked, report.root) == ({}, size, size, made.checkpoint.root)


def test_a_log_of_three_levels_has_no_flaw(tmp_path: Path):
    made = Made(tmp_path, [body(number) for number in range(66_000)])
    assert firsts(made.check(alone=True)) == {}


def flip(path: Path, place: int, bit: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= bit
    path.write_bytes(bytes(content))


def in_bundle(made: Made, index: int, change: Callable[[list[bytes]], object]) -> None:
    path = made.files.directory / "tile/entries" / f"{index:03d}"
    path = path if path.exists() else next(path.with_suffix(".p").iterdir())
    entries = list(unbundled(path.read_bytes()))
    change(entries)
    path.write_bytes(bundled(entries))


def test_one_bit_anywhere_is_found_where_it_is(tmp_path: Path):
    made = Made(tmp_path / "a", [body(number) for number in range(600)])
    flip(tmp_path / "a/tile/entries/001", 500)
    assert firsts(made.check())["tile"] == 256 + 500 // (len(entry(body(0))) + 2)

    made = Made(tmp_path / "b", [body(number) for number in range(600)])
    flip(tmp_path / "b/tile/0/002.p/88", 32 * 7 + 3)
    assert firsts(made.check()) == {"tile": 519}

    made = Made(tmp_path / "c", [body(number) for number in range(600)])
    flip(tmp_path / "c/tile/1/000.p/2", 33)
    assert firsts(made.check()) == {"tile": 256}

    made = Made(tmp_path / "d", [body(number) for number in range(600)])
    assert made.bodies[17] is not None
    made.bodies[17] = replace(made.bodies[17], body=made.bodies[17].body.replace(b"match", b"mbtch"))
    assert firsts(made.check()) == {"body": 17}

    flip(tmp_path / "d/checkpoint", -10)
    assert firsts(made.check()) == {"checkpoint": None}


def test_removed_swapped_duplicated_entries_are_found_where_they_are(tmp_path: Path):
    bodies = [body(number) for number in range(600)]
    made = Made(tmp_path / "a", bodies)
    in_bundle(made, 0, lambda entries: entries.pop(3))
    assert firsts(made.check()) == {"tile": 3, "body": 3, "missing": 255}
    made = Made(tmp_path / "end", bodies[:10])
    in_bundle(made, 0, lambda entries: entries.pop(3))
    assert firsts(made.check(alone=True)) == {"tile": 3, "missing": 9}

    made = Made(tmp_path / "b", bodies)
    in_bundle(made, 1, lambda entries: entries.insert(10, entries.pop(11)))
    assert firsts(made.check()) == {"tile": 266, "body": 266}

    made = Made(tmp_path / "c", bodies)
    made.write([entry(each) for each in [*bodies[:300], bodies[7], *bodies[300:]]])
    made.bodies.insert(300, bodies[7])
    assert firsts(made.check()) == {"duplicate": 300}


def test_who_signs_another_order_is_found_by_the_bodies_and_by_what_was_kept(tmp_path: Path):
    bodies = [body(number) for number in range(600)]
    made = Made(tmp_path, bodies)
    kept = made.checkpoint
    made.write([entry(each) for each in [*bodies[:100], bodies[101], bodies[100], *bodies[102:]]])

    assert firsts(made.check([kept])) == {"fork": None, "body": 100}
    assert firsts(made.check()) == {"body": 100}


def test_what_is_dated_back_is_found_unless_an_officer_set_the_clock(tmp_path: Path):
    bodies = [body(number) for number in range(30)]
    back = body(-700)
    assert firsts(Made(tmp_path / "a", [*bodies, back]).check()) == {"order": 30}
    late = body(-500)
    assert firsts(Made(tmp_path / "b", [*bodies, late]).check()) == {}
    clock = body(-800, kind="clock", outcome="accepted")
    assert firsts(Made(tmp_path / "c", [*bodies, clock, back]).check()) == {}


def test_a_shorter_log_and_another_history_are_found_by_what_was_kept(tmp_path: Path):
    bodies = [body(number) for number in range(600)]
    kept = Made(tmp_path / "a", bodies).checkpoint
    shorter = Made(tmp_path / "b", bodies[:500])
    assert firsts(shorter.check([kept])) == {"rollback": 500}
    other = Made(tmp_path / "c", [*bodies[:599], body(9_999), body(10_000)])
    assert firsts(other.check([kept])) == {"fork": None}
    longer = Made(tmp_path / "d", [*bodies, body(600)])
    assert firsts(longer.check([kept, longer.checkpoint])) == {}


def test_a_log_by_another_key_is_none(tmp_path: Path):
    made = Made(tmp_path, [body(0)])
    made.files.publish(signed(made.checkpoint, Signer(LOG.verifier.name, SEED[::-1])))
    assert firsts(made.check()) == {"checkpoint": None}


def test_rewritten_tiles_without_the_key_have_another_root(tmp_path: Path):
    made = Made(tmp_path, [body(number) for number in range(300)])
    forged = [body(number) for number in range(299)] + [body(5_000)]
    made.files.extend(0, [entry(each) for each in forged])
    assert firsts(made.check(alone=True)) == {"root": None}


def test_bodies_that_are_lost_are_found_unless_a_restore_says_so(tmp_path: Path):
    bodies = [body(number) for number in range(20)]
    made = Made(tmp_path / "a", bodies)
    made.bodies[5:9] = [None] * 4
    assert firsts(made.check()) == {"lost": 5}
    assert made.check().found[Flaw.LOST] == (5, 4)

    restored = body(20, kind="backup", outcome="restored", details={"log": {"from": 5, "to": 9}})
    made = Made(tmp_path / "b", [*bodies, restored])
    made.bodies[5:9] = [None] * 4
    report = made.check()
    assert (firsts(report), report.restored) == ({}, 4)
    made.bodies[4] = None
    assert firsts(made.check()) == {"lost": 4}


def test_a_body_that_says_another_kind_or_time_than_its_entry_is_found(tmp_path: Path):
    one = body(3)
    made = Made(tmp_path, [body(0), replace(one, kind="identify")])
    assert firsts(made.check()) == {"body": 1}


def test_what_is_no_entry_is_found_in_a_log_signed_by_its_operator(tmp_path: Path):
    made = Made(tmp_path, [body(number) for number in range(3)])
    made.write([entry(body(0)), b"{}", entry(body(2))])
    assert firsts(made.check()) == {"entry": 1, "body": 1}


@pytest.mark.parametrize("size", [2**62, 10**15])
def test_a_size_that_cannot_be_is_not_gone_through(tmp_path: Path, size: int):
    files = LogFiles(tmp_path)
    files.publish(signed(Checkpoint(LOG.verifier.name, size, bytes(32)), LOG))
    assert firsts(check(files, LOG.verifier, lambda done, total: None)) == {"missing": 0}


def test_an_empty_folder_is_no_log(tmp_path: Path):
    assert firsts(check(LogFiles(tmp_path), LOG.verifier, lambda done, total: None)) == {"checkpoint": None}


@given(data=st.data())
def test_any_byte_changed_in_any_file_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject):
    folder = tmp_path_factory.mktemp("log")
    made = Made(folder, [body(number) for number in range(300)])
    path = data.draw(st.sampled_from(sorted(each for each in folder.rglob("*") if each.is_file())))
    place = data.draw(st.integers(0, path.stat().st_size - 1))
    flip(path, place, data.draw(st.integers(1, 255)))
    assert made.check(alone=True).found
