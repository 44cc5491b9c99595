"""A log is mirrored whole, and what its address serves is kept only where it is what the log signed and continues."""

import gzip
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from countenance.authority.alarms import AlarmKind
from countenance.authority.mirror import Mirrored, mirror, mirror_all
from countenance.authority.witness import MirroredLog, Witness, held, mirrored_of
from countenance.errors import (
    ConflictError,
    CountenanceError,
    IntegrityError,
    LimitError,
    MalformedError,
    NotFoundError,
    UnavailableError,
)
from countenance.log import check as checking
from countenance.log.notes import Checkpoint, Signer, signed
from countenance.log.tiles import tile_path
from countenance.log.tree import extends
from tests.operations.witnessing import (
    ORIGIN,
    Log,
    Misbehaving,
    alarms,
    answer,
    evidence,
    forked,
    served,
    slowly,
    witness,
)


def silent(*_: int) -> None:
    """Show nothing."""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "log")


@pytest.fixture
def address(tmp_path: Path, log: Log) -> Iterator[str]:
    with served(log.files.directory) as url:
        yield url


@pytest.fixture
def asked(tmp_path: Path, log: Log, address: str) -> Witness:
    return witness(tmp_path / "w", f"log {log.vkey} {address}")


def kept(asked: Witness) -> MirroredLog:
    return mirrored_of(asked.directory, ORIGIN)


def whole(asked: Witness, log: Log, size: int) -> bool:
    """Return whether the mirror is a log of this size that our own checker finds no flaw in."""
    report = checking.check(kept(asked).files, log.signer.verifier, silent)
    return (report.size, report.checked, report.found) == (size, size, {})


def refused(asked: Witness, kind: type[CountenanceError]) -> str:
    before = kept(asked).note
    with pytest.raises(kind) as raised:
        mirror(asked, ORIGIN, silent)
    assert kept(asked).note == before
    return raised.value.en


def swapped(log: Log, other: Log) -> None:
    """Let a log's address serve another one's files."""
    shutil.rmtree(log.files.directory)
    shutil.copytree(other.files.directory, log.files.directory)


def test_it_follows_a_log_from_nothing_through_every_edge(asked: Witness, log: Log):
    size = 0
    log.files.publish(log.note(0))
    assert mirror(asked, ORIGIN, silent) == Mirrored(ORIGIN, 0, 0)
    for many in (1, 200, 55, 1, 255, 300, 0, 900):
        log.grow(many)
        assert mirror(asked, ORIGIN, silent) == Mirrored(ORIGIN, size + many, size)
        size += many
        assert whole(asked, log, size)
    assert kept(asked).note == log.files.checkpoint()
    assert alarms(asked) == []
    for path in log.files.directory.rglob("*"):
        relative = path.relative_to(log.files.directory)
        if path.is_file() and ".p" not in str(relative):
            assert kept(asked).files.read(str(relative)) == path.read_bytes()


def test_it_is_there_when_the_operator_deletes_the_log(asked: Witness, log: Log):
    log.grow(600)
    mirror(asked, ORIGIN, silent)
    shutil.rmtree(log.files.directory)
    assert "serve" in refused(asked, UnavailableError)
    assert whole(asked, log, 600)
    assert (kept(asked).files.read("vkey") or b"").decode().strip() == log.vkey


def test_how_far_it_has_come_is_shown(asked: Witness, log: Log):
    log.grow(600)
    shown: list[tuple[int, int]] = []
    mirror(asked, ORIGIN, lambda *far: shown.append(far))
    assert shown == [(0, 600), (256, 600), (512, 600), (600, 600)]


@pytest.mark.parametrize("after", range(1, 10))
def test_cut_off_anywhere_it_goes_on_with_what_is_there(asked: Witness, log: Log, after):
    class Cut(BaseException):
        """As if the process had ended here."""

    log.grow(300)
    mirror(asked, ORIGIN, silent)
    log.grow(600)
    files = type(kept(asked).files)
    write, left = files.write, after

    def cut(self, path: str, content: bytes) -> None:
        nonlocal left
        if not left:
            raise Cut
        left -= 1
        write(self, path, content)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "write", cut)
        with pytest.raises(Cut):
            mirror(asked, ORIGIN, silent)
    assert whole(asked, log, 300)
    log.grow(100)
    assert mirror(asked, ORIGIN, silent).size == 1000
    assert whole(asked, log, 1000)


def test_one_run_fetches_so_much_and_the_next_goes_on(asked: Witness, log: Log):
    log.grow(2000)
    runs = 0
    while True:
        runs += 1
        try:
            mirror(asked, ORIGIN, silent, bytes_max=150_000)
        except LimitError:
            continue
        break
    assert 2 < runs < 10
    assert whole(asked, log, 2000)


def test_what_was_left_of_a_run_is_checked_before_it_is_used(asked: Witness, log: Log):
    log.grow(900)
    files = kept(asked).files
    files.write(tile_path("entries", 1), (log.files.read(tile_path("entries", 0)) or b""))
    files.write(tile_path(0, 1), (log.files.read(tile_path(0, 0)) or b""))
    mirror(asked, ORIGIN, silent)
    assert whole(asked, log, 900)


def damage(path: str) -> Callable[[Log], None]:
    def act(log: Log) -> None:
        place = log.files.directory / path
        content = bytearray(place.read_bytes())
        content[len(content) // 2 + 20] ^= 1  # within an entry: behind its length
        place.write_bytes(bytes(content))

    return act


def short(path: str) -> Callable[[Log], None]:
    def act(log: Log) -> None:
        place = log.files.directory / path
        place.write_bytes(place.read_bytes()[:-9])

    return act


def long(path: str) -> Callable[[Log], None]:
    def act(log: Log) -> None:
        place = log.files.directory / path
        place.write_bytes(place.read_bytes() + bytes(40))

    return act


SERVED_WRONG = {
    "an entry": damage("tile/entries/001"),
    "an entry at the edge": damage("tile/entries/003.p/132"),
    "half a bundle": short("tile/entries/000"),
    "a full tile": damage("tile/0/002"),
    "a tile at the edge": damage("tile/0/003.p/132"),
    "the tile above": damage("tile/1/000.p/3"),
    "half a tile": short("tile/0/000"),
    "more than a tile": long("tile/0/001"),
    "an endless tile": lambda log: (log.files.directory / "tile/0/001").write_bytes(bytes(10**6)),
    "an endless bundle": lambda log: (log.files.directory / "tile/entries/001").write_bytes(bytes(17 * 2**20)),
    "no bundle": lambda log: (log.files.directory / "tile/entries/002").unlink(),
    "no tile": lambda log: (log.files.directory / "tile/0/003.p/132").unlink(),
    "another root": lambda log: log.files.publish(signed(Checkpoint(ORIGIN, 900, bytes(32)), log.signer)),
    "a huge size": lambda log: log.files.publish(signed(Checkpoint(ORIGIN, 2**62, bytes(32)), log.signer)),
    "an unsigned checkpoint": lambda log: log.files.publish(signed(log.checkpoint(), Signer(ORIGIN, bytes([1]) * 32))),
    "another log": lambda log: log.files.publish(signed(Checkpoint("x", 5, bytes(32)), Signer("x", bytes(32)))),
    "no checkpoint": lambda log: log.files.publish(b"<html>"),
    "a huge checkpoint": lambda log: log.files.publish(b"x" * 100_000),
}


@pytest.mark.parametrize("name", SERVED_WRONG)
@pytest.mark.parametrize("before", [0, 100])
def test_what_is_not_what_was_signed_is_not_kept(asked: Witness, log: Log, name, before):
    log.grow(before)
    log.files.publish(log.note())
    mirror(asked, ORIGIN, silent)
    log.grow(900 - before)
    right = {path: path.read_bytes() for path in log.files.directory.rglob("*") if path.is_file()}
    SERVED_WRONG[name](log)
    for _ in range(2):
        with pytest.raises((IntegrityError, UnavailableError, MalformedError, NotFoundError)):
            mirror(asked, ORIGIN, silent)
    assert whole(asked, log, before)
    mine = kept(asked).files.directory
    for path in (mine / "tile").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == right[log.files.directory / path.relative_to(mine)]


def test_an_old_tile_that_is_changed_after_it_was_mirrored_changes_nothing(asked: Witness, log: Log):
    log.grow(600)
    mirror(asked, ORIGIN, silent)
    for path in ("tile/entries/000", "tile/0/000", "tile/entries/001"):
        damage(path)(log)
    log.grow(300)
    mirror(asked, ORIGIN, silent)
    assert whole(asked, log, 900)


@pytest.mark.parametrize("size", [600, 700, 1500])
def test_a_fork_is_proven_and_kept_and_what_was_mirrored_stays(asked: Witness, log: Log, tmp_path: Path, size):
    log.grow(600)
    mirror(asked, ORIGIN, silent)
    other = forked(tmp_path, log, 100, size)
    before = log.checkpoint()
    swapped(log, other)
    assert "two histories" in refused(asked, IntegrityError)
    assert alarms(asked) == [(AlarmKind.FORK, size, True)]
    offending, contradicted, proof = evidence(asked.alarms.listed()[0])
    assert (offending, contradicted) == (other.checkpoint(), before)
    if size > 600:  # the proof that its own tiles give leads to another root than it had signed
        assert extends(600, other.checkpoint(600).root, size, offending.root, proof)
        assert not extends(600, before.root, size, offending.root, proof)


def test_a_smaller_log_of_another_history_is_a_fork_too(asked: Witness, log: Log, tmp_path: Path):
    log.grow(600)
    mirror(asked, ORIGIN, silent)
    swapped(log, forked(tmp_path, log, 100, 500))
    assert "two histories" in refused(asked, IntegrityError)
    assert alarms(asked) == [(AlarmKind.FORK, 500, True)]


def test_a_log_that_was_put_back_is_told_until_it_has_come_back(asked: Witness, log: Log):
    log.grow(600)
    mirror(asked, ORIGIN, silent)
    newest = log.files.checkpoint() or b""
    log.files.publish(log.note(500))
    assert "less" in refused(asked, IntegrityError)
    assert alarms(asked) == [(AlarmKind.ROLLBACK, 500, False)]
    log.files.publish(newest)
    mirror(asked, ORIGIN, silent)
    assert alarms(asked) == []


def test_another_history_than_was_cosigned_is_not_mirrored(asked: Witness, log: Log, tmp_path: Path):
    log.grow(600)
    assert asked.add_checkpoint(log.asks(0)).status == 200
    swapped(log, forked(tmp_path, log, 100, 800))
    assert "two histories" in refused(asked, IntegrityError)
    assert alarms(asked) == [(AlarmKind.FORK, 800, True)]


def test_a_log_that_publishes_later_than_it_is_cosigned_is_in_order(asked: Witness, log: Log):
    log.grow(600)
    assert asked.add_checkpoint(log.asks(0)).status == 200
    log.files.publish(log.note(400))
    log.files.write(tile_path(0, 1, 144), (log.files.read(tile_path(0, 1)) or b"")[: 144 * 32])
    log.files.write(tile_path(1, 0, 1), (log.files.read(tile_path(1, 0, 2)) or b"")[:32])
    assert mirror(asked, ORIGIN, silent).size == 400
    assert alarms(asked) == []


def test_a_run_that_was_cut_off_is_not_shown_another_history(asked: Witness, log: Log, tmp_path: Path):
    log.grow(600)
    mirror(asked, ORIGIN, silent)
    log.grow(300)
    (log.files.directory / "tile/entries/003.p/132").unlink()
    refused(asked, UnavailableError)
    swapped(log, forked(tmp_path, log, 700, 1000))  # continues what was mirrored, and not what was shown
    assert "two histories" in refused(asked, IntegrityError)
    assert alarms(asked) == [(AlarmKind.FORK, 1000, True)]


def test_the_mirror_explains_old_checkpoints_and_proves_false_ones(asked: Witness, log: Log, tmp_path: Path):
    log.grow(600)
    asked.add_checkpoint(log.asks(0))
    asked.add_checkpoint(log.asks(0, log.note(300), []))
    asked.add_checkpoint(forked(tmp_path, log, 100, 400).asks(0))
    assert set(alarms(asked)) == {(AlarmKind.OLDER, 300, False), (AlarmKind.OLDER, 400, False)}
    mirror(asked, ORIGIN, silent)
    assert set(alarms(asked)) == {(AlarmKind.OLDER, 400, False), (AlarmKind.FORK, 400, True)}
    asked.add_checkpoint(log.asks(0, log.note(200), []))
    asked.add_checkpoint(forked(tmp_path, log, 100, 450).asks(0))
    assert set(alarms(asked)) >= {(AlarmKind.FORK, 450, True)}
    assert not any(size == 200 for _, size, _ in alarms(asked))


def test_a_partial_tile_that_is_gone_is_taken_from_the_full_one(asked: Witness, log: Log):
    log.grow(300)
    behind = log.files.checkpoint() or b""
    log.grow(300)
    log.files.sweep(300, 600)
    log.files.publish(behind)  # an older copy of the checkpoint beside newer tiles
    assert mirror(asked, ORIGIN, silent).size == 300
    assert whole(asked, log, 300)


def test_a_log_that_compresses_is_mirrored(tmp_path: Path, log: Log):
    log.grow(300)
    with served(log.files.directory, packed=True) as url:
        asked = witness(tmp_path / "w", f"log {log.vkey} {url}")
        assert mirror(asked, ORIGIN, silent).size == 300
    assert whole(asked, log, 300)


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate"])
def test_what_unpacks_to_more_than_it_may_be_or_not_at_all_is_not_taken(tmp_path: Path, log: Log, encoding):
    for body in (gzip.compress(bytes(10**7)), gzip.compress(b"x" * 500)[:-9], b"x"):
        with Misbehaving(answer(200, body, "text/plain", f"Content-Encoding: {encoding}")) as server:
            refused(witness(tmp_path / "w", f"log {log.vkey} {server.url}"), UnavailableError)


def test_of_a_bundle_only_its_entries_are_kept(asked: Witness, log: Log):
    log.grow(900)
    bundle = log.files.directory / "tile/entries/003.p/132"
    right = bundle.read_bytes()
    bundle.write_bytes(right + b"and somebody's name")
    mirror(asked, ORIGIN, silent)
    assert kept(asked).files.read("tile/entries/003.p/132") == right


@pytest.mark.parametrize("script", [b"", b"hello", answer(500), answer(302, b"", "text/plain", "Location: /x"), slowly])
def test_an_address_that_answers_nonsense_is_unavailable(tmp_path: Path, log: Log, script, monkeypatch):
    monkeypatch.setattr("countenance.authority.mirror._FETCH_SECONDS_MAX", 0.5)
    with Misbehaving(script) as server:
        asked = witness(tmp_path / "w", f"log {log.vkey} {server.url}")
        refused(asked, UnavailableError)


def test_only_one_mirrors_a_log_at_a_time_while_others_are_cosigned(asked: Witness, log: Log):
    log.grow(10)
    with held(asked.directory, ORIGIN, "mirror"):
        refused(asked, ConflictError)
        assert asked.add_checkpoint(log.asks(0)).status == 200
    assert mirror(asked, ORIGIN, silent).size == 10


def test_a_log_without_address_is_not_mirrored_and_one_that_fails_holds_up_no_other(tmp_path: Path, log: Log, address):
    log.grow(10)
    lost = Log(tmp_path / "lost", "lost.example/log", bytes([2]) * 32)
    quiet = Log(tmp_path / "quiet", "quiet.example/log", bytes([3]) * 32)
    lines = (f"log {lost.vkey} {address}/nothing", f"log {quiet.vkey}", f"log {log.vkey} {address}")
    asked = witness(tmp_path / "w", *lines)
    found = mirror_all(asked, silent)
    assert list(found) == ["lost.example/log", ORIGIN]
    assert isinstance(found["lost.example/log"], UnavailableError)
    assert found[ORIGIN] == Mirrored(ORIGIN, 10, 0)
    with pytest.raises(NotFoundError):
        mirror(asked, "quiet.example/log", silent)
