"""A house has its log cosigned: proofs carry the quorum, and a log that was put back is not gone on with."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from sqlalchemy import text

from countenance.authority.witness import Witness, make
from countenance.errors import ConflictError, IntegrityError
from countenance.log.notes import Checkpoint, Note, Signer, signed
from countenance.log.policy import Policy
from countenance.log.tiles import LogFiles
from countenance.operations.cosign import Cosigner
from countenance.operations.logs import public_file
from countenance.operations.prove import prove
from countenance.operations.sequence import Sequencer
from countenance.operations.upkeep import cosigning
from countenance.store import logged
from countenance.store.logged import LogRow
from tests.database import OPERATOR, Hotel
from tests.operations.test_sequence import recorded


@contextmanager
def answering(witness: Witness) -> Iterator[str]:
    """Serve a witness on this machine, and yield its address."""

    class Asked(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer = witness.add_checkpoint(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(answer.status)
            self.send_header("content-type", answer.media_type)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(answer.body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


class Scene:
    """A hotel whose log two witnesses know; one that is not `up` has no address that answers."""

    def __init__(self, hotel: Hotel, folder: Path) -> None:
        self.hotel, self.folder = hotel, folder
        self.sequencer = Sequencer(hotel.house.database, hotel.house.logs, hotel.clock)
        recorded(hotel, 5)
        self.sequencer.step_all()
        self.vkeys = [make(folder / name, f"witness.example/{name}").as_vkey() for name in ("one", "two")]

    def row(self) -> LogRow:
        with self.hotel.house.database.reading() as tx:
            row = logged.newest(tx, OPERATOR)
        assert row is not None
        return row

    def witness(self, name: str) -> Witness:
        vkey = self.hotel.house.logs.verifier(self.row()).as_vkey()
        return Witness(self.folder / name, Policy.parse(f"log {vkey}\nquorum none\n".encode()), self.hotel.clock)

    def watched(self, *urls: str, quorum: str = "both") -> Hotel:
        """Return the hotel under a policy of both witnesses."""
        lines = "".join(
            f"witness {name} {vkey} {url}\n" for name, vkey, url in zip(("one", "two"), self.vkeys, urls, strict=True)
        )
        least = {"both": "all", "either": "any"}[quorum]
        policy = Policy.parse(f"{lines}group {quorum} {least} one two\nquorum {quorum}\n".encode())
        return self.hotel.with_house(logs=replace(self.hotel.house.logs, policy=policy))


NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def scene(hotel: Hotel, tmp_path: Path) -> Scene:
    return Scene(hotel, tmp_path)


def test_a_proof_waits_for_the_quorum_and_then_carries_it(scene: Scene) -> None:
    (one,) = recorded(scene.hotel, 1)
    scene.sequencer.step_all()
    with answering(scene.witness("one")) as first, answering(scene.witness("two")) as second:
        hotel = scene.watched(first, second)
        with hotel.house.database.reading() as tx, pytest.raises(ConflictError):
            prove(tx, hotel.house.logs, OPERATOR, one)
        cosigner = Cosigner(hotel.house, hotel.house.logs.policy)  # type: ignore[arg-type]
        cosigner.cosign_all()
        cosigner.cosign_all()
        cosigner.close()

    with hotel.house.database.reading() as tx:
        proof = prove(tx, hotel.house.logs, OPERATOR, one)
    assert hotel.house.logs.policy is not None
    assert hotel.house.logs.policy.met_by(Note.parse(proof.checkpoint))
    assert proof.check(hotel.house.logs.verifier(scene.row())).size == 6
    assert len(Note.parse(proof.checkpoint).signatures) == 3, "asked again, nobody signs twice"
    published = public_file(hotel.house.logs, OPERATOR, "1", "checkpoint")
    assert published == public_file(hotel.house.logs, OPERATOR, "1", "cosigned") == proof.checkpoint
    (later,) = recorded(hotel, 1)
    scene.sequencer.step_all()
    with hotel.house.database.reading() as tx, pytest.raises(ConflictError):
        prove(tx, hotel.house.logs, OPERATOR, later)


def test_while_a_witness_is_away_the_others_may_be_enough_and_nothing_stops(scene: Scene) -> None:
    with answering(scene.witness("one")) as first:
        enough, short = scene.watched(first, NOBODY, quorum="either"), scene.watched(first, NOBODY)
        for hotel, met in ((short, False), (enough, True)):
            cosigner = Cosigner(hotel.house, hotel.house.logs.policy)  # type: ignore[arg-type]
            cosigner.cosign_all()
            cosigner.close()
            assert (hotel.house.logs.cosigned(scene.row()) is not None) is met
    assert ("log", "unwitnessed") in scene.hotel.counted.seen


def test_a_log_that_was_put_back_with_its_database_is_not_gone_on_with(scene: Scene, tmp_path: Path) -> None:
    """Files and database agree, and only the witnesses know better."""
    logs = scene.hotel.house.logs
    before = shutil.copytree(logs.directory, tmp_path / "before")
    root = logs.files(OPERATOR, 1).tree(5).root()
    with answering(scene.witness("one")) as first, answering(scene.witness("two")) as second:
        recorded(scene.hotel, 3)
        scene.sequencer.step_all()
        hotel = scene.watched(first, second)
        with cosigning(hotel.house):
            assert hotel.house.logs.cosigned(scene.row()) is not None
        shutil.rmtree(logs.directory)
        shutil.copytree(before, logs.directory)
        with hotel.house.database.transaction() as tx:
            tx.execute(text("DELETE FROM log_entry WHERE log_index >= 5"))
            tx.execute(text("UPDATE log SET size = 5, root = :root"), {"root": root})
        scene.sequencer.settle(OPERATOR)
        with pytest.raises(IntegrityError), cosigning(hotel.house):
            raise AssertionError
    assert ("log", "contradicted") in hotel.counted.seen


def test_one_witness_alone_does_not_stop_a_house(scene: Scene) -> None:
    """It may lie, as what it says is unsigned; here it was shown more of the log than the hotel has any more."""
    logs, row = scene.hotel.house.logs, scene.row()
    seen = LogFiles(scene.folder / "seen")
    longer = [*logs.files(OPERATOR, 1).entries(0, 5), b"more"]
    checkpoint = Checkpoint(row.origin, 6, seen.extend(0, longer))
    shown = scene.witness("two").add_checkpoint(b"old 0\n\n" + signed(checkpoint, logs.signer(row)))
    assert shown.status == 200
    with answering(scene.witness("one")) as first, answering(scene.witness("two")) as second:
        hotel = scene.watched(first, second, quorum="either")
        with cosigning(hotel.house):
            assert hotel.house.logs.cosigned(row) is not None
        assert ("log", "contradicted") in hotel.counted.seen
        assert not hotel.house.alarm.is_set()
        both = scene.watched(first, second)
        (hotel.house.logs.files(OPERATOR, 1).directory / "cosigned").unlink()
        with pytest.raises(IntegrityError), cosigning(both.house):
            raise AssertionError


def test_two_processes_ask_one_after_the_other(scene: Scene) -> None:
    with answering(scene.witness("one")) as first, answering(scene.witness("two")) as second:
        hotel = scene.watched(first, second)
        cosigner = Cosigner(hotel.house, hotel.house.logs.policy)  # type: ignore[arg-type]
        with hotel.house.database.transaction() as tx:
            assert logged.hold_witnesses(tx, OPERATOR)
            cosigner.cosign_all()
            assert hotel.house.logs.cosigned(scene.row()) is None
        cosigner.cosign_all()
        cosigner.close()
    assert hotel.house.logs.cosigned(scene.row()) is not None


def test_a_cosigned_file_that_this_log_did_not_sign_proves_nothing(scene: Scene) -> None:
    hotel = scene.watched(NOBODY, NOBODY)
    files = hotel.house.logs.files(OPERATOR, 1)
    files.write(
        "cosigned", signed(Checkpoint("another.example/log", 5, bytes(32)), Signer("another.example/log", bytes(32)))
    )
    with pytest.raises(IntegrityError):
        hotel.house.logs.cosigned(scene.row())
