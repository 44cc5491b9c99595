"""The log's tree, tiles, notes, entries and proofs are those of RFC 6962 and the C2SP specifications."""

import base64
import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from countenance.errors import CountenanceError, IntegrityError, MalformedError
from countenance.log.entries import ENTRY_BYTES_MAX, LogEntry, bundled, unbundled
from countenance.log.notes import Checkpoint, Note, SignatureKind, Signer, Verifier, opened, signed
from countenance.log.proofs import Proof
from countenance.log.tiles import PATH, LogFiles, tile_path
from countenance.log.tree import EMPTY_ROOT, Tree, extends, included, leaf_hash, node_hash, tile_hashes, width

#: The eight entries and the roots of Certificate Transparency's reference implementation.
REFERENCE = [
    bytes.fromhex(each)
    for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
SEED = bytes(range(32))


def naive(entries):
    """The root as RFC 6962 writes it down, entry by entry."""
    if not entries:
        return hashlib.sha256().digest()
    if len(entries) == 1:
        return leaf_hash(entries[0])
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return node_hash(naive(entries[:split]), naive(entries[split:]))


def numbered(many: int, first: int = 0) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(first, first + many)]


def test_roots_are_those_of_certificate_transparency(tmp_path: Path):
    for size, root in ROOTS.items():
        assert LogFiles(tmp_path / str(size)).extend(0, REFERENCE[:size]).hex() == root
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_log_extended_in_any_portions_has_the_same_root_and_files(tmp_path: Path):
    entries = numbered(1100)
    files = LogFiles(tmp_path / "a")
    size = 0
    for portion in (1, 2, 253, 1, 255, 300, 7, 281):
        root = files.extend(size, entries[size : size + portion])
        size += portion
        assert root == naive(entries[:size])
    whole = LogFiles(tmp_path / "b")
    assert whole.extend(0, entries) == root
    for path in (tmp_path / "b").rglob("*"):
        if path.is_file():
            assert files.read(str(path.relative_to(tmp_path / "b"))) == path.read_bytes()
    assert list(files.entries_from(250, 520, 1100)) == entries[250:520]


def test_every_inclusion_and_consistency_proof_holds_and_for_nothing_else(tmp_path: Path):
    entries = numbered(70)
    files = LogFiles(tmp_path)
    roots = [EMPTY_ROOT, *(files.extend(size, entries[size : size + 1]) for size in range(70))]
    for size in range(71):
        tree = files.tree(size)
        for index in range(size):
            proof = tree.inclusion(index)
            assert included(entries[index], index, size, proof, roots[size])
            assert not included(entries[index] + b"!", index, size, proof, roots[size])
            assert size == 1 or not included(entries[index], (index + 1) % size, size, proof, roots[size])
            assert not included(entries[index], index, size, [*proof, roots[1]], roots[size])
        for old in range(size + 1):
            proof = tree.consistency(old)
            assert extends(old, roots[old], size, roots[size], proof)
            assert not old or not extends(old, roots[old], size, roots[size - 1], proof)
            assert not extends(old, roots[old], size, roots[size], [*proof, roots[1]])
            if proof:
                assert not extends(old, roots[old], size, roots[size], proof[:-1])
                assert not extends(old, roots[old - 1], size, roots[size], proof)


def test_proofs_across_tiles_are_those_of_one_tree_of_leaves(tmp_path: Path):
    entries = numbered(66_000)
    files = LogFiles(tmp_path)
    root = files.extend(0, entries)
    leaves = [leaf_hash(entry) for entry in entries]
    tree = files.tree(66_000)
    for index in (0, 255, 256, 65_535, 65_536, 65_999):
        assert included(entries[index], index, 66_000, tree.inclusion(index), root)
    for old in (1, 255, 256, 257, 65_535, 65_536, 65_537, 65_999):
        before = Tree(
            old, lambda level, index, wide: files.tile(level, index, width(66_000, level, index))[: wide * 32]
        )
        assert extends(old, before.root(), 66_000, root, tree.consistency(old))
    assert tile_hashes(files.tile(0, 3, 256)) == leaves[768:1024]
    assert files.tile(2, 0, 1) == Tree(65_536, files.tile).root()


def test_partial_tiles_go_once_the_full_one_stands(tmp_path: Path):
    entries = numbered(600)
    files = LogFiles(tmp_path)
    size = 0
    for portion in (10, 20, 226, 100, 10, 234):
        files.extend(size, entries[size : size + portion])
        files.sweep(size, size + portion)
        size += portion
    before = naive(entries[:30])

    kept = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.p/*"))
    assert kept == ["tile/0/002.p/88", "tile/1/000.p/1", "tile/1/000.p/2", "tile/entries/002.p/88"]
    assert files.tree(30).root() == before
    assert files.entries(0, 30) == entries[:30]


@pytest.mark.parametrize(("index", "path"), [(0, "000"), (999, "999"), (1000, "x001/000"), (1234067, "x001/x234/067")])
def test_tiles_lie_where_the_specification_says(index: int, path: str):
    assert tile_path(0, index) == f"tile/0/{path}"
    assert tile_path("entries", index, 5) == f"tile/entries/{path}.p/5"
    assert PATH.fullmatch(tile_path("entries", index, 5))


@pytest.mark.parametrize(
    "path",
    [
        "tile/64/000", "tile/00/000", "tile/-1/000", "tile/0/0", "tile/0/0000", "tile/0/x00/000", "tile/0/000.p/0",
        "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/../000", "tile/0/000/", "tile/entries/000.p/", "checkpoint",
        "tile/0/" + "x000/" * 9 + "000", "tile/0/٠٠٠",
    ],
)  # fmt: skip
def test_what_is_no_tile_has_no_path(path: str):
    assert not PATH.fullmatch(path)


def test_a_damaged_or_missing_tile_is_said(tmp_path: Path):
    files = LogFiles(tmp_path)
    files.extend(0, numbered(300))
    (tmp_path / "tile/0/000").write_bytes(b"\0" * 31)
    with pytest.raises(IntegrityError):
        files.tree(300).inclusion(3)
    (tmp_path / "tile/0/000").unlink()
    with pytest.raises(IntegrityError):
        files.tree(300).inclusion(3)
    with pytest.raises(IntegrityError):
        files.tree(300).inclusion(300)
    with pytest.raises(IntegrityError):
        files.tree(2**63)


def test_the_specifications_example_of_a_key_is_read():
    """Go's checksum database: its key is known to everybody, as is the identifier that comes of it."""
    vkey = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"
    verifier = Verifier.of_vkey(vkey)

    assert (verifier.name, verifier.kind, verifier.as_vkey()) == ("sum.golang.org", SignatureKind.ED25519, vkey)


def test_the_example_of_the_notes_specification_is_read():
    note = (
        "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
        "— quasimodo.example/salvatore "
        "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
    )
    read = Note.parse(note.encode())

    assert read.text.endswith("\n\ned è subito sera.\n")
    assert [name for name, _, _ in read.signatures] == ["quasimodo.example/salvatore"]


@pytest.mark.parametrize("kind", list(SignatureKind))
def test_a_note_is_signed_and_opened(kind: SignatureKind):
    signer = Signer("example.com/log", SEED, kind)
    text = Checkpoint("example.com/log", 7, b"\7" * 32).as_text()
    note = Note.parse(f"{text}\n{signer.sign(text, 1679315147)}".encode())

    assert list(note.signed_by([signer.verifier])) == [signer.verifier]
    assert note.signed_by([Signer("example.com/other", SEED, kind).verifier]) == {}
    changed = Note(text.replace("7", "8", 1), note.signatures)
    with pytest.raises(IntegrityError):
        changed.signed_by([signer.verifier])


def test_a_checkpoint_of_another_log_or_key_is_none_of_ours():
    ours, other = Signer("example.com/log", SEED), Signer("example.com/log", SEED[::-1])
    note = signed(Checkpoint("example.com/log", 7, b"\7" * 32), ours)

    assert opened(note, ours.verifier)[0].size == 7
    with pytest.raises(IntegrityError):
        opened(note, other.verifier)
    with pytest.raises(IntegrityError):
        opened(signed(Checkpoint("example.com/elsewhere", 7, b"\7" * 32), ours), ours.verifier)


@pytest.mark.parametrize(
    "note",
    [
        b"", b"text\n", b"text\n\n", b"text\n\n\n", "text\n\n— name\n".encode(), "text\n\n— name AA==\n".encode(),
        "text\n\n— name+x AAAAAAAA\n".encode(), b"text\n\n- name AAAAAAAA\n", b"\xff\n\n",
        "text\x07\n\n— name AAAAAAAA\n".encode(), "text\n\n— name AAAAAAAA".encode(),
        "text\n\n— name AAAAAAAB=\n".encode(),
        ("text\n\n" + "— name AAAAAAAA\n" * 101).encode(), b"x" * 70_000,
    ],
)  # fmt: skip
def test_what_is_no_note_is_refused(note: bytes):
    with pytest.raises(MalformedError):
        Note.parse(note)


@pytest.mark.parametrize(
    "text",
    [
        "", "a\n", "a\n1\n", "a\n01\n{root}\n", "a\n-1\n{root}\n", "a\n1\nAAAA\n", "a\n1\n{root}", "\n1\n{root}\n",
        "a\n99999999999999999999\n{root}\n", "a\n9223372036854775807\n{root}\n", "a\n٣\n{root}\n",
        "a\n1\n{root}\n\nb\n",
    ],
)  # fmt: skip
def test_what_is_no_checkpoint_is_refused(text: str):
    with pytest.raises(MalformedError):
        Checkpoint.parse(text.replace("{root}", base64.b64encode(bytes(32)).decode()))


@pytest.mark.parametrize(
    "vkey",
    [
        "", "name", "name+00000000", "name+00000000+AAAA", "+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
        "sum.golang.org+033de0af+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8", "a b+033de0ae+Ac4z",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused(vkey: str):
    with pytest.raises(MalformedError):
        Verifier.of_vkey(vkey)


def test_a_signing_key_shows_itself_nowhere():
    import pickle

    signer = Signer("example.com/log", SEED)
    assert SEED.hex() not in repr(signer)
    with pytest.raises(TypeError):
        pickle.dumps(signer)


def entry() -> LogEntry:
    return LogEntry(datetime(2026, 11, 26, 7, 9, 31, 70315, tzinfo=UTC), "verify", b"\1" * 32)


def test_an_entry_is_canonical_json_without_personal_data():
    encoded = entry().encoded()
    assert encoded == (
        b'{"at":"2026-11-26T07:09:31.070315Z","body":"sha256:' + b"01" * 32 + b'","format":1,"kind":"verify"}'
    )
    assert LogEntry.parse(encoded) == entry()


@pytest.mark.parametrize(
    "change",
    [
        (b'"format":1', b'"format":2'), (b'"format":1', b'"format": 1'), (b'"kind":"verify"', b'"kind":"Verify"'),
        (b"Z", b"+00:00"), (b"01" * 32, b"01" * 31), (b'{"at"', b'{"a":1,"at"'), (b".070315", b""), (b"}", b""),
    ],
)  # fmt: skip
def test_an_entry_written_in_another_way_is_none(change: tuple[bytes, bytes]):
    encoded = entry().encoded()
    assert change[0] in encoded
    with pytest.raises(MalformedError):
        LogEntry.parse(encoded.replace(*change))


@pytest.mark.parametrize("encoded", [b"", b"[]", b"null", b"{}", b'{"at":1}', b"[" * 100_000, b"\xff"])
def test_nonsense_is_no_entry(encoded: bytes):
    with pytest.raises(MalformedError):
        LogEntry.parse(encoded)


def test_bundles_are_read_as_they_were_written_or_not_at_all():
    entries = [b"", b"a", b"b" * ENTRY_BYTES_MAX]
    assert list(unbundled(bundled(entries))) == entries
    with pytest.raises(MalformedError):
        bundled([b"b" * (ENTRY_BYTES_MAX + 1)])
    for cut in (1, 3, 10, ENTRY_BYTES_MAX):
        with pytest.raises(MalformedError):
            list(unbundled(bundled(entries)[:-cut]))


def proof_of(tmp_path: Path, entries: list[bytes], log: Signer) -> Proof:
    files = LogFiles(tmp_path)
    root = files.extend(0, entries)
    checkpoint = signed(Checkpoint(log.verifier.name, len(entries), root), log)
    return Proof(0, files.tree(len(entries)).inclusion(0), checkpoint, entries[0])


def test_a_proof_file_is_checked_by_itself(tmp_path: Path):
    log = Signer("countenance.example/log/harbour-hotel/1", SEED)
    proof = proof_of(tmp_path, [entry().encoded(), *numbered(4000)], log)
    read = Proof.parse(proof.as_file())

    assert read == proof
    assert read.check(log.verifier).size == 4001
    with pytest.raises(IntegrityError):
        replace(read, entry=b"entry 0").check(log.verifier)
    with pytest.raises(IntegrityError):
        read.check(Signer(log.verifier.name, SEED[::-1]).verifier)


def test_a_proof_of_a_million_entries_is_small():
    """Twenty hashes lead to the root of a million entries."""
    log = Signer("faces.harbour-hotel.example/log/harbour-hotel/1", SEED)
    checkpoint = signed(Checkpoint(log.verifier.name, 1_000_000, bytes(32)), log)
    proof = Proof(999_999, [b"\xff" * 32] * 20, checkpoint, LogEntry(entry().at, "keep_original", bytes(32)).encoded())

    assert len(proof.as_file()) <= 1500


@pytest.mark.parametrize(
    "damage",
    [
        (b"@v1", b"@v2"), (b"index 0", b"index -1"), (b"index 0", b"index 00"), (b"index 0", b"index"),
        (b"\n\n", b"\n"), (b"=\n\n", b"\n\n"), (b"index 0\n", b"index 0\n" + b"A" * 43 + b"=\n"),
        (b"extra ", b"extra !"), (b"extra", b"other"), (b"index 0", b"index 1"),
    ],
)  # fmt: skip
def test_a_damaged_proof_file_is_refused(tmp_path: Path, damage: tuple[bytes, bytes]):
    log = Signer("a", SEED)
    whole = proof_of(tmp_path, numbered(9), log).as_file()
    assert damage[0] in whole
    with pytest.raises(CountenanceError):
        Proof.parse(whole.replace(damage[0], damage[1], 1)).check(log.verifier)


def test_a_full_disk_is_said(tmp_path: Path):
    (tmp_path / "log").write_text("a file where the directory should be")
    with pytest.raises(CountenanceError):
        LogFiles(tmp_path / "log").extend(0, [b"a"])
