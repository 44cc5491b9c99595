"""A log asks its witnesses, and takes nothing from them but a cosignature that holds, within its time and length."""

import contextlib
import socket
import time
from pathlib import Path

import pytest

from countenance.errors import CountenanceError, IntegrityError, MalformedError, UnavailableError
from countenance.log.notes import Checkpoint, Note, Signer, signed
from countenance.log.witnesses import SIZE_TYPE, Remote, WitnessClient, Witnesses
from tests.operations.witnessing import SECONDS, Log, Misbehaving, answer, cosigner, policy, slowly

W1 = cosigner("witness.example/w1")
FAST = 0.6


@pytest.fixture
def log(tmp_path: Path) -> Log:
    made = Log(tmp_path / "log")
    made.grow(5)
    made.grow(3)
    return made


def line(log: Log, seconds: int = SECONDS, signer: Signer = W1, text: str | None = None) -> bytes:
    return signer.sign(log.checkpoint().as_text() if text is None else text, seconds).encode()


def ask(log: Log, *scripts, client: WitnessClient | None = None) -> tuple[str, list[bytes]]:
    with Misbehaving(*scripts) as server:
        asking = client or WitnessClient(server.url, W1.verifier, seconds_max=FAST)
        try:
            return asking.ask(log.note(), log.proof, SECONDS), server.asked
        finally:
            asking.close()


def refused(log: Log, *scripts) -> CountenanceError:
    started = time.monotonic()
    with pytest.raises(CountenanceError) as raised:
        ask(log, *scripts)
    assert time.monotonic() - started < 10  # of 0.6 seconds, twice at most, however slow this machine is
    assert raised.value.zh
    return raised.value


def sized(written: str, media_type: str = SIZE_TYPE) -> bytes:
    return answer(409, written.encode(), media_type)


def test_a_cosignature_comes_back_verified(log: Log):
    found, asked = ask(log, answer(200, line(log)))
    assert found.encode() == line(log)
    assert asked == [b"old 0\n\n" + log.note()]
    cosigned = Note.parse(log.note() + found.encode())
    assert set(cosigned.signed_by([W1.verifier, log.signer.verifier])) == {W1.verifier, log.signer.verifier}


def test_a_conflict_names_the_size_from_which_is_proven(log: Log):
    found, asked = ask(log, sized("5\n"), answer(200, line(log)))
    assert found.encode() == line(log)
    assert asked[1] == log.asks(5)
    assert asked[1].startswith(b"old 5\n")
    assert asked[1].count(b"\n") > asked[0].count(b"\n")


def test_what_a_witness_has_is_remembered_so_that_one_question_is_enough(log: Log):
    before = line(log)
    with Misbehaving(answer(200, before), lambda held, _: held.sendall(answer(200, line(log)))) as server:
        client = WitnessClient(server.url, W1.verifier, seconds_max=FAST)
        client.ask(log.note(), log.proof, SECONDS)
        log.grow(4)
        client.ask(log.note(), log.proof, SECONDS)
        assert [each.split(b"\n")[0] for each in server.asked] == [b"old 0", b"old 8"]


def test_signatures_by_other_keys_are_ignored_and_the_newest_of_ours_is_taken(log: Log):
    other = cosigner("witness.example/w1", 8)  # the same name, another key
    body = line(log, signer=other) + line(log, SECONDS - 5) + line(log, SECONDS) + line(log, signer=cosigner("w2", 9))
    assert ask(log, answer(200, body))[0].encode() == line(log)


@pytest.mark.parametrize("away", [-600, 600])
def test_ten_minutes_apart_are_let_through(log: Log, away):
    assert ask(log, answer(200, line(log, SECONDS + away)))[0]


@pytest.mark.parametrize("seconds", [SECONDS + 601, SECONDS - 601, 0, 2**63, 2**64 - 1])
def test_another_time_is_refused(log: Log, seconds):
    assert isinstance(refused(log, answer(200, line(log, seconds))), UnavailableError)


@pytest.mark.parametrize("size", ["9\n", "4611686018427387904\n"])
def test_a_witness_that_is_ahead_says_that_the_log_was_put_back(log: Log, size):
    error = refused(log, sized(size))
    assert isinstance(error, IntegrityError)
    assert "put back" in error.en
    assert isinstance(refused(log, sized("5\n"), sized(size)), IntegrityError)


def test_a_witness_that_knows_another_history_says_so(log: Log):
    assert isinstance(refused(log, answer(422)), IntegrityError)
    assert isinstance(refused(log, sized("8\n"), answer(409, b"another root\n")), IntegrityError)
    assert isinstance(refused(log, sized("8\n"), sized("8\n")), IntegrityError)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n",
        "5",
        "-5\n",
        "05\n",
        "+5\n",
        "5\n5\n",
        " 5\n",
        "5 \n",
        "five\n",
        "١\n",
        "9" * 400 + "\n",
        "99999999999999999999\n",
        "0\n",
    ],
)
def test_a_size_that_is_none_is_not_taken(log: Log, body):
    assert isinstance(refused(log, sized(body)), UnavailableError)


def test_a_size_of_another_type_is_not_taken(log: Log):
    assert isinstance(refused(log, sized("5\n", "text/plain")), UnavailableError)


def test_it_is_asked_twice_and_no_more(log: Log):
    with Misbehaving(sized("5\n"), sized("6\n"), answer(200, line(log))) as server:
        with pytest.raises(UnavailableError, match="twice"):
            WitnessClient(server.url, W1.verifier).ask(log.note(), log.proof, SECONDS)
        assert len(server.asked) == 2


def noise(held: socket.socket, _asked: bytes) -> None:
    with contextlib.suppress(OSError):
        held.sendall(answer(200, b"", "text/plain").replace(b"Content-Length: 0", b"Content-Length: 104857600"))
        for _ in range(1600):
            held.sendall(b"x" * 65536)


def endless(held: socket.socket, _asked: bytes) -> None:
    with contextlib.suppress(OSError):
        held.sendall(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3000):
            held.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")


def hanging(held: socket.socket, _: bytes) -> None:
    with contextlib.suppress(OSError):
        held.recv(1)


NONSENSE = {
    "nothing": b"",
    "no HTTP": b"hello\r\n\r\n",
    "half a header": b"HTTP/1.1 200 x\r\nContent-Le",
    "half a body": answer(200, b"x" * 100)[:-50],
    "half a chunk": b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nxx",
    "no chunk": b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nxx",
    "a negative length": b"HTTP/1.1 200 x\r\nContent-Length: -5\r\n\r\nxx",
    "an empty answer": answer(200),
    "a page": answer(200, b"<html>", "text/html"),
    "bytes": answer(200, bytes(range(256))),
    "a line without its end": answer(200, "— witness.example/w1 AAAAAAAA".encode()),
    "another note": answer(200, b"x\n\n" + W1.sign("x\n", SECONDS).encode()),
    "500": answer(500),
    "429": answer(429),
    "404": answer(404),
    "403": answer(403),
    "400": answer(400),
    "204": answer(204),
    "100 MB": noise,
    "chunks without end": endless,
    "slow": slowly,
    "hanging": hanging,
}  # fmt: skip


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_an_error_that_says_what_to_do(log: Log, name):
    assert isinstance(refused(log, NONSENSE[name]), UnavailableError)


def test_only_our_key_over_our_checkpoint_counts(log: Log):
    older = log.checkpoint(5).as_text()
    for body in (
        line(log, text=older),
        line(log, signer=cosigner("witness.example/other")),
        line(log, signer=cosigner("witness.example/w1", 8)),
        line(log).replace(b"A", b"B"),
        line(log) + line(log, text=older),
        Signer("witness.example/w1", bytes([7]) * 32).sign(log.checkpoint().as_text()).encode(),
    ):
        assert isinstance(refused(log, answer(200, body)), UnavailableError), body


def test_an_answer_that_ends_before_it_says_is_not_taken(log: Log):
    length = f"Content-Length: {len(line(log))}".encode()
    cut = answer(200, line(log)).replace(length, b"Content-Length: 1000")
    assert isinstance(refused(log, cut), UnavailableError)


def test_a_redirect_is_not_followed(log: Log):
    with Misbehaving(answer(200, line(log))) as other:
        assert "elsewhere" in refused(log, answer(307, b"", "text/plain", f"Location: {other.url}/add-checkpoint")).en
        assert other.asked == []


def test_nobody_there_is_an_error(log: Log):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UnavailableError, match="cannot be reached"):
        WitnessClient(f"http://127.0.0.1:{port}", W1.verifier).ask(log.note(), log.proof, SECONDS)


@pytest.mark.parametrize(
    "url",
    [
        "", "witness.example", "http://witness.example", "http://127.0.0.1.example", "ftp://127.0.0.1", "https://",
        "https://a@witness.example", "https://witness.example/?x", "https://witness.example/#x", "https://x:99999",
        "https://x:0", "https://wit ness", "https://witness\n.example", "file:///etc/passwd", "https://[::1", "http://10.0.0.1",
        "https://w\udcff.example",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(MalformedError):
        WitnessClient(url, W1.verifier)


@pytest.mark.parametrize(
    "url", ["https://witness.example/a/", "http://[::1]:80", "http://localhost", "https://见证.example"]
)
def test_other_addresses_are_taken(url):
    Remote(url)


def test_a_log_key_is_no_witness(log: Log):
    with pytest.raises(MalformedError):
        WitnessClient("https://witness.example", log.signer.verifier)


def test_a_kept_connection_that_was_closed_meanwhile_is_opened_again(log: Log):
    good = answer(200, line(log)).replace(b"Connection: close\r\n", b"")
    with Misbehaving(good) as server:  # keeps no connection, and says nothing of that
        client = WitnessClient(server.url, W1.verifier)
        with contextlib.closing(client):
            for _ in range(3):
                assert client.ask(log.note(), log.proof, SECONDS)
        assert len(server.asked) == 3


def test_the_quorum_is_not_kept_waiting_by_who_hangs(log: Log):
    w2, w3 = cosigner("w2", 8), cosigner("w3", 9)
    with (
        Misbehaving(answer(200, line(log))) as first,
        Misbehaving(hanging) as second,
        Misbehaving(answer(200, line(log, signer=w3))) as third,
    ):
        known = policy(
            f"witness one {W1.verifier.as_vkey()} {first.url}",
            f"witness two {w2.verifier.as_vkey()} {second.url}",
            f"witness three {w3.verifier.as_vkey()} {third.url}",
            f"witness offline {cosigner('w4', 10).verifier.as_vkey()}",
            "group most 2 one two three",
            quorum="most",
        )
        witnesses = Witnesses(known, seconds_max=20)
        started = time.monotonic()
        found = witnesses.cosign(log.note(), log.proof, SECONDS)
        assert time.monotonic() - started < 20
        assert found.met
        assert set(found.failed) == {"two"}
        assert found.note == log.note() + line(log) + line(log, signer=w3)
        assert "still" in witnesses.cosign(log.note(), log.proof, SECONDS).failed["two"].en
        witnesses.close()  # and so what hangs
    assert time.monotonic() - started < 20


def test_what_one_witness_found_is_told_beside_what_the_others_signed(log: Log):
    with Misbehaving(answer(200, line(log))) as first, Misbehaving(sized("99\n")) as second:
        known = policy(
            f"witness one {W1.verifier.as_vkey()} {first.url}",
            f"witness two {cosigner('w2', 8).verifier.as_vkey()} {second.url}",
            "group both all one two",
            quorum="both",
        )
        witnesses = Witnesses(known)
        found = witnesses.cosign(log.note(), log.proof, SECONDS)
        witnesses.close()
    assert not found.met
    assert isinstance(found.failed["two"], IntegrityError)
    assert found.note == log.note() + line(log)


def test_what_is_no_checkpoint_is_sent_to_nobody(log: Log):
    text = "hello\n"
    for note in (
        b"",
        f"{text}\n{log.signer.sign(text)}".encode(),
        signed(Checkpoint("x y", 1, bytes(32)), log.signer)[:-9],
    ):
        with Misbehaving(answer(200)) as server:
            with pytest.raises(MalformedError):
                WitnessClient(server.url, W1.verifier).ask(note, log.proof, SECONDS)
            assert server.asked == []
