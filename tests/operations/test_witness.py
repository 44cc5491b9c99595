"""A witness cosigns what continues what it cosigned, whatever is sent, in whatever order; and keeps what does not."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from countenance.authority.witness import (
    BODY_BYTES_MAX,
    SEEN_MAX,
    Answer,
    Witness,
    cosigned_in,
    digest_of,
    files_of,
    make,
)
from countenance.errors import ConflictError, IntegrityError, MalformedError, NotFoundError, UnavailableError
from countenance.log.notes import Checkpoint, Note, Signer, opened, signed
from countenance.log.tiles import LogFiles
from countenance.log.tree import EMPTY_ROOT
from countenance.log.witnesses import SIZE_TYPE
from tests.operations.witnessing import NOW, ORIGIN, SECONDS, Log, alarms, cosigns, policy, witness

#: Cosigns a first checkpoint and, told so, dies in the moment between the disk and the answer.
DYING = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from countenance.authority.witness import Witness
from countenance.log.policy import Policy
from countenance.log.tiles import LogFiles
directory, vkey, body, after = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]).read_bytes(), int(sys.argv[4])
policy = Policy.parse(f"log {vkey}\\nquorum none\\n".encode())
witness = Witness(directory, policy, lambda: datetime(2026, 7, 1, tzinfo=UTC))
done, settle, write = 0, LogFiles.settle, LogFiles.write
def die(act):
    def acted(*given):
        global done
        if done == after:
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1
        return act(*given)
    return acted
LogFiles.settle, LogFiles.write = die(settle), die(write)
witness.add_checkpoint(body)
"""


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log")
    made.grow(5)
    return made


@pytest.fixture
def asked(tmp_path: Path, log: Log) -> Witness:
    return witness(tmp_path / "w", f"log {log.vkey}")


def test_it_cosigns_one_checkpoint_after_another(asked: Witness, log: Log):
    cosigns(asked, asked.add_checkpoint(log.asks(0)), log.note())
    for old, many in ((5, 1), (6, 300), (306, 206)):
        log.grow(many)
        cosigns(asked, asked.add_checkpoint(log.asks(old)), log.note())
    cosigns(asked, asked.add_checkpoint(log.asks(512)), log.note())  # the same again
    found = cosigned_in(asked.directory)
    assert [(each.checkpoint, each.at) for each in found] == [(log.checkpoint(), NOW)]
    assert opened(found[0].note, log.signer.verifier)[0] == log.checkpoint()
    assert alarms(asked) == []


def test_it_goes_on_after_being_opened_again(asked: Witness, log: Log):
    asked.add_checkpoint(log.asks(0))
    again = witness(asked.directory, f"log {log.vkey}")
    assert again.add_checkpoint(log.asks(0)) == Answer(409, b"5\n", SIZE_TYPE)
    log.grow(2)
    cosigns(again, again.add_checkpoint(log.asks(5)), log.note())


def test_an_empty_log_is_cosigned_too(asked: Witness, tmp_path: Path):
    empty = Log(tmp_path / "empty")
    cosigns(asked, asked.add_checkpoint(empty.asks(0)), empty.note())
    empty.grow(3)
    cosigns(asked, asked.add_checkpoint(empty.asks(0)), empty.note())
    wrong = signed(Checkpoint(ORIGIN, 0, bytes(32)), empty.signer)
    assert asked.add_checkpoint(empty.asks(0, wrong, [])).status == 409


def test_a_log_without_entries_has_the_root_of_none(asked: Witness, log: Log):
    assert asked.add_checkpoint(log.asks(0, signed(Checkpoint(ORIGIN, 0, bytes(32)), log.signer), [])).status == 422
    assert cosigned_in(asked.directory) == []
    assert asked.add_checkpoint(log.asks(0, signed(Checkpoint(ORIGIN, 0, EMPTY_ROOT), log.signer), [])).status == 200


def test_an_unknown_log_is_not_found(asked: Witness, tmp_path: Path):
    other = Log(tmp_path / "other", "bank.example/log")
    other.grow(1)
    assert asked.add_checkpoint(other.asks(0)).status == 404
    unknown = signed(Checkpoint("bank.example/log", 1, bytes(32)), Signer(ORIGIN, bytes(32)))
    assert asked.add_checkpoint(other.asks(0, unknown, [])).status == 404


def test_a_checkpoint_that_its_log_did_not_sign_is_forbidden(asked: Witness, log: Log):
    text = log.checkpoint().as_text()
    stranger = Signer(ORIGIN, bytes([1]) * 32)
    wrong = log.note().replace(b"\n5\n", b"\n6\n")
    for note in (
        f"{text}\n{stranger.sign(text)}".encode(),
        wrong,
        log.note() + wrong.split(b"\n\n")[1].replace(b"A", b"B"),
    ):
        assert asked.add_checkpoint(log.asks(0, note)).status == 403, note
    both = log.note() + stranger.sign(text).encode()  # a key that nobody knows is passed over, and not kept
    cosigns(asked, asked.add_checkpoint(log.asks(0, both)), log.note())
    assert stranger.sign(text).encode() not in cosigned_in(asked.directory)[0].note


def test_another_old_size_is_a_conflict_that_names_the_right_one(asked: Witness, log: Log):
    assert asked.add_checkpoint(log.asks(3)) == Answer(409, b"0\n", SIZE_TYPE)
    asked.add_checkpoint(log.asks(0))
    log.grow(2)
    for old in (0, 3, 6, 7):
        assert asked.add_checkpoint(log.asks(old)) == Answer(409, b"5\n", SIZE_TYPE)
    assert asked.add_checkpoint(log.asks(8, proof=[])).status == 400
    assert alarms(asked) == []


def test_a_proof_for_the_first_checkpoint_is_empty(asked: Witness, log: Log):
    assert asked.add_checkpoint(log.asks(0, proof=[bytes(32)])).status == 422
    assert alarms(asked) == []


MALFORMED = {
    "nothing": b"", "a newline": b"\n", "two": b"\n\n", "no old": b"new 0\n\n", "no space": b"old0\n\n",
    "two spaces": b"old  0\n\n", "no size": b"old \n\n", "negative": b"old -1\n\n", "zeros": b"old 00\n\n",
    "plus": b"old +0\n\n", "huge": b"old 99999999999999999999\n\n", "very huge": b"old " + b"9" * 9000 + b"\n\n",
    "beyond": b"old 4611686018427387905\n\n", "a letter": b"old 0x0\n\n", "other digits": "old ١\n\n".encode(),
    "a return": b"old 0\r\n\n", "a short hash": b"old 0\nAAAA\n\n", "no hash": b"old 0\n!\n\n",
    "64 hashes": b"old 0\n" + b"A" * 43 + b"=\n" * 1 + (b"A" * 43 + b"=\n") * 63 + b"\n",
    "bytes": b"\xff\xfe\n\n", "an empty line more": b"old 0\n\n\n",
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_what_cannot_be_read_is_a_bad_request(asked: Witness, log: Log, name):
    assert asked.add_checkpoint(MALFORMED[name] + log.note()).status == 400
    assert cosigned_in(asked.directory) == []


def test_a_checkpoint_that_is_none_is_a_bad_request(asked: Witness, log: Log):
    text = "only\ntwo\n"
    for note in (b"", b"x", log.note()[:-2], f"{text}\n{log.signer.sign(text)}".encode(), log.note() * 400, b"\xff"):
        assert asked.add_checkpoint(b"old 0\n\n" + note).status == 400
    sizes = [log.note().replace(b"\n5\n", b"\n%s\n" % size) for size in (b"-5", b"05", b"9" * 30, b"")]
    assert {asked.add_checkpoint(b"old 0\n\n" + note).status for note in sizes} == {400}
    assert asked.add_checkpoint(b"x" * (BODY_BYTES_MAX + 1)).status == 400


def test_the_examples_of_the_specification_are_read(tmp_path: Path):
    """Its signatures were made by keys that it does not name: the log is known here by another one."""
    body = (
        "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\njrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n"
        "5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\n"
        "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
        "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nT"
        "o+zyWE+xeMcTOAYQ8=\n"
        "— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Ro"
        "vnzv++qbSzm9Q=\n"
    ).encode()
    sofa = Signer("example.com/behind-the-sofa", bytes(32))
    known = witness(tmp_path / "w", f"log {sofa.verifier.as_vkey()}")
    assert known.add_checkpoint(body).status == 403
    assert (
        witness(tmp_path / "w", f"log {Signer(ORIGIN, bytes(32)).verifier.as_vkey()}").add_checkpoint(body).status
        == 404
    )


def test_what_was_cosigned_is_remembered_within_bounds(asked: Witness, log: Log):
    folder = files_of(asked.directory, ORIGIN).directory / "seen"
    asked.add_checkpoint(log.asks(0))
    for size in range(10**9, 10**9 + SEEN_MAX + 101):
        (folder / str(size)).touch()
    log.grow(1)
    asked.add_checkpoint(log.asks(5))
    assert len(list(folder.iterdir())) == SEEN_MAX


def test_of_two_at_once_the_smaller_never_overwrites_the_larger(asked: Witness, log: Log):
    """The race of the specification: N and N+K, both from the same old size, over and over."""
    asked.add_checkpoint(log.asks(0))
    again = witness(asked.directory, f"log {log.vkey}")  # as another process would have it
    with ThreadPoolExecutor(2) as threads:
        for _ in range(40):
            old = log.size
            log.grow(1)
            small = log.asks(old)
            log.grow(2)
            large = log.asks(old)
            start = threading.Barrier(2)

            def ask(who: Witness, body: bytes, start: threading.Barrier = start) -> Answer:
                start.wait()
                return who.add_checkpoint(body)

            answers = [each.result() for each in (threads.submit(ask, asked, small), threads.submit(ask, again, large))]
            assert sorted(each.status for each in answers) == [200, 409]
            latest = cosigned_in(asked.directory)[0].checkpoint.size
            assert next(each.body for each in answers if each.status == 409) == f"{latest}\n".encode()
            assert latest == (old + 1 if answers[0].status == 200 else old + 3)
            if latest != log.size:
                assert asked.add_checkpoint(log.asks(latest)).status == 200


@pytest.mark.parametrize("after", range(4))
def test_killed_anywhere_it_has_cosigned_nothing_twice_and_goes_on(asked: Witness, log: Log, tmp_path: Path, after):
    body = tmp_path / "body"
    for old, many in ((0, 0), (5, 4)):  # the first checkpoint, and a later one
        log.grow(many)
        body.write_bytes(log.asks(old))
        arguments = [str(asked.directory), log.vkey, str(body), str(after)]
        ended = subprocess.run([sys.executable, "-c", DYING, *arguments], check=False, timeout=30)
        assert ended.returncode == -signal.SIGKILL
        again = witness(asked.directory, f"log {log.vkey}")
        answered = again.add_checkpoint(log.asks(old))
        if answered.status != 200:  # it was on the disk: the log never heard, and asks from there
            assert (answered, after > 0) == (Answer(409, f"{log.size}\n".encode(), SIZE_TYPE), True)
            answered = again.add_checkpoint(log.asks(log.size))
        cosigns(again, answered, log.note())
        assert alarms(again) == []


def test_without_a_place_on_the_disk_nothing_is_cosigned(asked: Witness, log: Log, monkeypatch):
    def full(*_: object) -> None:
        raise UnavailableError("full", "满")

    monkeypatch.setattr(LogFiles, "write", full)
    with pytest.raises(UnavailableError):
        asked.add_checkpoint(log.asks(0))
    monkeypatch.undo()
    cosigns(asked, asked.add_checkpoint(log.asks(0)), log.note())


@pytest.mark.parametrize("damage", [b"", b"x", None, "other"])
def test_a_damaged_memory_stops_it(asked: Witness, log: Log, damage):
    asked.add_checkpoint(log.asks(0))
    place = files_of(asked.directory, ORIGIN).directory / "cosigned"
    if damage is None:
        place.unlink()
    else:
        place.write_bytes(log.note(3) if damage == "other" else damage)  # a checkpoint that it never cosigned
    log.grow(1)
    with pytest.raises(IntegrityError):
        asked.add_checkpoint(log.asks(0))


def test_the_key_is_made_once_kept_private_and_belongs_to_its_name(tmp_path: Path, log: Log):
    verifier = make(tmp_path / "w", "witness.example/w1")
    assert verifier.as_vkey() + "\n" == (tmp_path / "w" / "vkey").read_text()
    keys = list((tmp_path / "w" / "keys").iterdir())
    assert [each.stat().st_mode & 0o777 for each in keys] == [0o600]
    with pytest.raises(ConflictError):
        make(tmp_path / "w", "witness.example/w2")
    with pytest.raises(MalformedError):
        make(tmp_path / "x", "a witness")
    assert not (tmp_path / "x").exists()
    with pytest.raises(NotFoundError):
        Witness(tmp_path / "x", policy(), lambda: NOW)
    keys[0].chmod(0o644)
    with pytest.raises(UnavailableError):
        witness(tmp_path / "w", f"log {log.vkey}")
    keys[0].chmod(0o600)
    keys[0].write_bytes(os.urandom(32))
    with pytest.raises(IntegrityError):
        witness(tmp_path / "w", f"log {log.vkey}")


def test_the_time_is_the_clocks_at_each_signature(tmp_path: Path, log: Log):
    at = [NOW]
    asked = witness(tmp_path / "w", f"log {log.vkey}", clock=lambda: at[0])
    asked.add_checkpoint(log.asks(0))
    at[0] += timedelta(hours=1)
    line = asked.add_checkpoint(log.asks(5)).body
    assert Note.parse(log.note() + line).signatures[-1][1][4:12] == (SECONDS + 3600).to_bytes(8)
    assert digest_of(ORIGIN) in str(files_of(asked.directory, ORIGIN).directory)
