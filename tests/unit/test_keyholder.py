"""A key holder that dies, hangs or is none is away, and takes nothing else with it."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from countenance.errors import UnavailableError
from countenance.vault.keyholder_socket import AtSocket


@contextlib.contextmanager
def pretending(path: Path, answer: bytes | None) -> Iterator[list[int]]:
    """Yield how often somebody asked at a socket where the answer is this, or (None) never comes."""
    asked, open_ones, listening = list[int](), list[socket.socket](), socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()

    def act() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                open_ones.append(connection)
                connection.recv(4096)
                asked.append(1)
                if answer is not None:
                    connection.sendall(answer)
                    connection.close()

    answering = threading.Thread(target=act, daemon=True)
    answering.start()
    try:
        yield asked
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        answering.join(timeout=10)
        for each in (*open_ones, listening):
            each.close()


@pytest.mark.parametrize("answer", [b"\x10\0", b"\x10\0\0\0{", b"\xff\xff\xff\xff", b"\x02\0\0\0{}", b""])
def test_a_key_holder_that_dies_while_it_answers_or_talks_nonsense_is_away(tmp_path: Path, answer: bytes) -> None:
    with pretending(tmp_path / "s", answer), pytest.raises(UnavailableError):
        AtSocket(tmp_path / "s").public_key()


def test_one_that_hangs_is_waited_for_once_and_left_alone_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("countenance.vault.keyholder_socket.ANSWER_SECONDS", 0.2)
    with pretending(tmp_path / "s", None) as times:
        asked = AtSocket(tmp_path / "s")
        for _ in range(5):
            with pytest.raises(UnavailableError):
                asked.public_key()
        assert len(times) == 1, "who comes meanwhile is answered at once, so that other purposes have their threads"
