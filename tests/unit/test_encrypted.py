"""Comparing under encryption: exact answers, nothing of a template on either side, and what goes is gone."""

import contextlib
import os
import pickle
import socket
import threading
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from countenance.errors import ConflictError, CountenanceError, IntegrityError, MalformedError, UnavailableError
from countenance.vault import lattice
from countenance.vault.encrypted import EncryptedProjection, Kept
from countenance.vault.keyholder import KeyHolder
from countenance.vault.keyholder_socket import AtSocket, Served
from countenance.vault.keys import FileKeys
from countenance.vault.lattice import SLOTS, Arithmetic, SecretArithmetic
from countenance.vault.projection import Candidate
from countenance.vault.shares import MODULUS, STEPS, Share, is_share, noise, open_seed, split, whole
from tests.keyholder import SCORES, served

DIMENSION = 16
DRAW = np.random.default_rng(5)


def faces(count: int, dimension: int = DIMENSION) -> np.ndarray:
    """Return made-up features of a length like the model's."""
    made = DRAW.standard_normal((count, dimension))
    return (made / np.linalg.norm(made, axis=1)[:, None]).astype(np.float32)


def near(numbers: np.ndarray, by: float = 0.05) -> np.ndarray:
    return (numbers + DRAW.standard_normal(numbers.shape) * by / numbers.size**0.5).astype(np.float32)


class Enrolled:
    """A projection with people in it."""

    def __init__(self, holder: object, count: int, dimension: int = DIMENSION) -> None:
        self.projection = EncryptedProjection(holder, dimension)  # type: ignore[arg-type]
        self.faces = faces(count, dimension)
        self.owners = [Candidate(uuid4(), uuid4()) for _ in range(count)]
        self.key = holder.public_key()  # type: ignore[attr-defined]
        for at in range(count):
            self.add(at)

    def add(self, at: int) -> None:
        place = str(self.owners[at].reference_id).encode()
        share = split(self.faces[at], self.key, place)
        self.projection.add("hotel", "p", self.owners[at], Kept(share, place))

    def found(
        self, probe: np.ndarray, target: str = "identify", most: int = 8, among: object = None
    ) -> list[Candidate]:
        return self.projection.candidates("hotel", "p", probe, target, most, among)  # type: ignore[arg-type]

    def remove(self, at: int) -> None:
        gone = self.owners[at]
        self.projection.remove("hotel", ["p"], gone.subject_id, [gone.reference_id])


@pytest.fixture
def held(tmp_path: Path):
    with served(tmp_path) as (asked, holder):
        yield asked, holder


def test_a_search_under_encryption_finds_what_an_open_one_finds(held) -> None:
    people = Enrolled(held[0], 300)
    for at in range(0, 300, 17):
        probe = near(people.faces[at])
        apart = np.square(people.faces.astype(np.float64) - probe).sum(axis=1)
        for target, score in SCORES.items():
            expected = [people.owners[each] for each in np.argsort(apart) if apart[each] <= -score]
            assert people.found(probe, target) == expected[:8]
    assert people.found(faces(1)[0] * 0.1) == []


def test_scores_are_exact_and_within_a_ten_thousandth_of_open_ones() -> None:
    secret, plain = SecretArithmetic(), Arithmetic()
    references, probe = faces(SLOTS, 128), faces(1, 128)[0]
    counted, mine = np.array([whole(each) for each in references]), whole(probe)
    squares = np.square(counted).sum(axis=1)
    columns = [secret.from_bytes(secret.encrypted((values % MODULUS).astype(np.uint64))) for values in counted.T]
    ready = [plain.plus(column, np.zeros(1, np.uint64)) for column in columns]
    last = plain.plus(secret.from_bytes(secret.encrypted(squares.astype(np.uint64))), np.zeros(1, np.uint64))
    total = plain.weighted(last, ready, [plain.factor(-2 * int(each)) for each in mine])
    apart = secret.read(plain.from_bytes(plain.finished(total, int(np.square(mine).sum()))))
    assert np.array_equal(apart.astype(np.int64), np.square(counted - mine).sum(axis=1)), "to the last step"
    openly = np.square(references.astype(np.float64) - probe).sum(axis=1)
    assert np.abs(apart / STEPS**2 - openly).max() < 1e-4


def test_the_longest_features_leave_room_for_the_noise() -> None:
    secret, plain = SecretArithmetic(), Arithmetic()
    long = np.zeros(128, np.float32)
    long[:] = 1.985 / 128**0.5
    counted, count = whole(long), 129
    column = [secret.from_bytes(secret.encrypted(np.full(SLOTS, int(v) % MODULUS, np.uint64))) for v in counted]
    ready = [plain.plus(each, np.zeros(1, np.uint64)) for each in column]
    squares = plain.plus(
        secret.from_bytes(secret.encrypted(np.full(SLOTS, int(np.square(counted).sum()), np.uint64))),
        np.zeros(1, np.uint64),
    )
    assert len(ready) + 1 == count
    total = plain.weighted(squares, ready, [plain.factor(2 * int(each)) for each in counted])
    apart = secret.read(plain.from_bytes(plain.finished(total, int(np.square(counted).sum()))))
    assert (apart == 4 * int(np.square(counted).sum())).all(), "the farthest that two can be apart"


@given(st.integers(0, 2**32), st.integers(1, 600))
def test_noise_is_made_again_from_its_seed_and_stays_below_the_modulus(number: int, count: int) -> None:
    seed = number.to_bytes(32, "big")
    made = noise(seed, count)
    assert made.size == count
    assert made.max() < MODULUS
    assert np.array_equal(made[: count // 2], noise(seed, count)[: count // 2])


def test_neither_half_says_anything_of_the_face() -> None:
    key = X25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    face = faces(1)[0]
    shares = np.array([split(face, public, b"place").values for _ in range(4000)]).astype(np.float64) / MODULUS
    # Of one face each value of the share is spread evenly: mean and spread of a uniform number, within five sigmas.
    assert np.abs(shares.mean(axis=0) - 0.5).max() < 5 * (1 / 12) ** 0.5 / 4000**0.5
    assert np.abs(shares.std(axis=0) - (1 / 12) ** 0.5).max() < 0.01
    share = split(face, public, b"place")
    back = (share.values + MODULUS - noise(open_seed(share.seed, key, b"place"), share.values.size)) % MODULUS
    counted = whole(face)
    assert np.array_equal(back.astype(np.int64), np.append(counted, np.square(counted).sum()) % MODULUS)


def test_a_seed_opens_for_its_place_and_holder_only() -> None:
    key, other = X25519PrivateKey.generate(), X25519PrivateKey.generate()
    share = split(faces(1)[0], key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), b"here")
    assert len(open_seed(share.seed, key, b"here")) == 32
    for wrong, place in ((other, b"here"), (key, b"there")):
        with pytest.raises(IntegrityError):
            open_seed(share.seed, wrong, place)
    with pytest.raises(IntegrityError):
        open_seed(share.seed[:-1], key, b"here")


def test_a_share_is_read_as_it_was_kept_and_anything_else_is_none() -> None:
    public = X25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    share = split(faces(1)[0], public, b"place")
    data = share.to_bytes()
    again = Share.from_bytes(data)
    assert np.array_equal(again.values, share.values)
    assert (again.seed, again.holder) == (share.seed, public)
    assert is_share(data)
    for wrong in (data[:-1], data + b"\0", b"", b"CNTF", data[:8], data[:-8] + b"\xff" * 8, b"X" + data[1:]):
        with pytest.raises(MalformedError):
            Share.from_bytes(wrong)
    for secret in (share, Kept(share, b"place")):
        assert str(int(share.values[0])) not in repr(secret)
        with pytest.raises(TypeError):
            pickle.dumps(secret)


def test_features_too_long_for_the_modulus_or_not_finite_are_refused() -> None:
    for wrong in (faces(1)[0] * 2, np.full(16, np.nan, np.float32), np.full(16, np.inf, np.float32)):
        with pytest.raises(IntegrityError):
            whole(wrong)


def test_who_goes_is_not_found_and_leaves_no_block_behind(held) -> None:
    people = Enrolled(held[0], 40)
    probe = near(people.faces[7])
    assert people.found(probe) == [people.owners[7]]
    people.remove(7)
    (part,) = people.projection._partitions.values()
    assert part.blocks == [], "the block that held it is gone before anybody asks again"
    assert people.found(probe) == []
    assert people.found(near(people.faces[8])) == [people.owners[8]]
    assert len(people.projection) == 39


def test_who_comes_is_found_and_blocks_do_not_pile_up(held) -> None:
    people = Enrolled(held[0], 1)
    for _ in range(12):
        people.faces = np.vstack([people.faces, faces(1)])
        people.owners.append(Candidate(uuid4(), uuid4()))
        people.add(len(people.owners) - 1)
        assert people.found(near(people.faces[-1])) == [people.owners[-1]]
    (part,) = people.projection._partitions.values()
    assert len(part.blocks) == 1


def test_one_claim_reads_that_subjects_slots_and_no_other(held, monkeypatch: pytest.MonkeyPatch) -> None:
    people, asked = Enrolled(held[0], 20), []
    passing = KeyHolder.passing

    def noted(self: KeyHolder, session: bytes, target: str, scores: bytes, slots: list[int], most: int) -> list[int]:
        asked.append(slots)
        return passing(self, session, target, scores, slots, most)

    monkeypatch.setattr(KeyHolder, "passing", noted)
    assert people.found(near(people.faces[3]), "verify", 1, [people.owners[3]]) == [people.owners[3]]
    assert people.found(near(people.faces[3]), "verify", 1, [people.owners[4]]) == []
    assert [len(slots) for slots in asked] == [1, 1]


def test_a_key_holder_that_was_started_anew_is_followed(tmp_path: Path) -> None:
    with served(tmp_path) as (asked, _):
        people = Enrolled(asked, 10)
        assert people.found(near(people.faces[1])) == [people.owners[1]]
    fresh = AtSocket(tmp_path / "keyholder.socket")
    people.projection._holder = fresh
    with pytest.raises(UnavailableError):
        people.found(near(people.faces[1]))
    with served(tmp_path):
        assert people.found(near(people.faces[1])) == [people.owners[1]], "by blocks that were made again"
        fresh.close()


def test_another_key_holder_opens_nothing_and_stops_nothing_else(tmp_path: Path) -> None:
    with served(tmp_path / "one") as (asked, _):
        people = Enrolled(asked, 3)
    with served(tmp_path / "two") as (other, holder):
        people.projection._holder = other
        with pytest.raises(UnavailableError, match="Another key holder"):
            people.found(people.faces[0])
        with pytest.raises(UnavailableError, match="Another key holder"):
            people.projection.public_key()
        (part,) = people.projection._partitions.values()
        kept = next(iter(part.kept.values()))
        with pytest.raises(IntegrityError):
            holder.columns([(kept.share.seed, kept.place)], 17)


def test_an_answer_of_another_version_is_no_callers_mistake(held, monkeypatch: pytest.MonkeyPatch) -> None:
    people = Enrolled(held[0], 2)
    monkeypatch.setattr(KeyHolder, "columns", lambda self, seeds, count: (bytes(16), [b"no ciphertext"] * count))
    with pytest.raises(UnavailableError):
        people.found(people.faces[0])


def test_enrolling_searching_and_leaving_at_once_names_nobody_wrong(held) -> None:
    people, wrong, stop = Enrolled(held[0], 30), list[object](), threading.Event()

    def search(at: int) -> None:
        while not stop.is_set():
            found = people.found(near(people.faces[at]))
            if found != [people.owners[at]]:
                wrong.append((at, found))

    searching = [threading.Thread(target=search, args=(at,)) for at in (0, 1, 2)]
    for each in searching:
        each.start()
    for at in range(20, 30):
        people.remove(at)
        people.add(at)
    stop.set()
    for each in searching:
        each.join(timeout=30)
    assert wrong == []


def test_the_key_holder_says_no_score_and_takes_no_threshold(held) -> None:
    people, (asked, holder) = Enrolled(held[0], 5), held
    people.found(people.faces[0])
    (part,) = people.projection._partitions.values()
    session = part.blocks[0].session
    with pytest.raises(MalformedError):
        asked.passing(session, "0.9", b"", [0], 1)
    with pytest.raises(MalformedError):
        asked.passing(session, "verify", b"no ciphertext", [0], 1)
    with pytest.raises(MalformedError):
        asked.passing(session, "verify", b"x" * (1 << 18), [0], 1)
    with pytest.raises(MalformedError):
        asked.passing(session, "verify", b"", [SLOTS], 1)
    with pytest.raises(ConflictError):
        asked.passing(bytes(16), "verify", b"", [0], 1)
    with pytest.raises(MalformedError):
        asked.columns([], 17)
    with pytest.raises(IntegrityError):
        asked.columns([(bytes(80), b"place")], 17)
    for secret in (holder, people.projection, SecretArithmetic()):
        with pytest.raises(TypeError):
            pickle.dumps(secret)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"\x01",
        b"\xff\xff\xff\xff",
        b"\x02\0\0\0{}",
        b"\x04\0\0\0null",
        b"\x0f\0\0\0" + b'{"sizes":[-1]}x',
        b'\x1a\0\0\0{"sizes":[99999999999999]}',
        b'\x0c\0\0\0{"sizes":[]}',
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_nonsense_at_the_socket_is_no_message_and_harms_nobody(held, tmp_path: Path, sent: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(tmp_path / "keyholder.socket"))
        stranger.settimeout(5)
        with contextlib.suppress(ConnectionError):  # it may hang up on the way
            stranger.sendall(sent)
            stranger.shutdown(socket.SHUT_WR)
            while stranger.recv(4096):
                pass
    assert len(held[0].public_key()) == 32


def test_other_users_are_not_answered(tmp_path: Path) -> None:
    with served(tmp_path) as (asked, holder):
        path = tmp_path / "second.socket"
        strict = Served(holder, path, [os.getuid() + 1])
        threading.Thread(target=strict.run, daemon=True).start()
        with pytest.raises(CountenanceError):
            AtSocket(path).public_key()
        strict.close()
        assert (tmp_path / "keyholder.socket").stat().st_mode & 0o007 == 0
        with pytest.raises(UnavailableError, match="Another key holder"):
            Served(holder, tmp_path / "keyholder.socket", [os.getuid()])
        assert len(asked.public_key()) == 32


def test_a_lost_or_loose_key_stops_the_key_holder_and_makes_no_new_one(tmp_path: Path) -> None:
    keys = FileKeys(tmp_path / "own")
    with pytest.raises(UnavailableError):
        KeyHolder(keys, SCORES)
    keys.create("keyholder")
    (file,) = (tmp_path / "own").iterdir()
    file.chmod(0o644)
    with pytest.raises(UnavailableError):
        KeyHolder(keys, SCORES)
    file.chmod(0o600)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UnavailableError):
        KeyHolder(keys, SCORES)


def test_without_the_extra_nothing_else_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "tenseal", None)
    lattice._seal.cache_clear()
    try:
        with pytest.raises(UnavailableError, match="extra"):
            Arithmetic()
    finally:
        monkeypatch.undo()
        lattice._seal.cache_clear()
