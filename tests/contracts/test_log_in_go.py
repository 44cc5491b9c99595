"""Existing verifiers accept the log as it is: Go's checksum database (golang.org/x/mod/sumdb), and what others signed.

Go's packages come from Debian, unmodified; `log_in_go` hands our files to them and refuses what they refuse.
"""

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from countenance.errors import IntegrityError
from countenance.log.entries import LogEntry, unbundled
from countenance.log.notes import Checkpoint, Note, SignatureKind, Signer, Verifier, as_line, opened, signed
from countenance.log.proofs import Proof
from countenance.log.tiles import LogFiles, tile_path
from countenance.log.tree import HASH_BYTES, leaf_hash

PROGRAM = Path(__file__).parent / "log_in_go"
#: Where Debian puts the sources of Go's packages.
GOPATH = Path("/usr/share/gocode")
SUMDB = GOPATH / "src" / "golang.org" / "x" / "mod" / "sumdb"
NAME = "countenance.example/harbour-hotel"
LOG = Signer(NAME, bytes(range(32)))
OTHER = Signer(NAME, bytes(range(1, 33)))
WITNESS = Signer("witness.example/w1", bytes(range(2, 34)), SignatureKind.COSIGNATURE)
#: Where tiles, and tiles of tiles, begin and end.
EDGES = (0, 1, 2, 3, 127, 128, 254, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the program, built once for all workers."""
    go = shutil.which("go")
    if go is None or not (SUMDB / "tlog").is_dir():
        reason = "no Go: install it (apt-get install golang-go golang-golang-x-mod-dev); `.ci/run` does"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    program = shared / "log_in_go"
    # Debian's sources and nothing else: no module is fetched, and nobody's settings for Go are read.
    settings = {"GO111MODULE": "off", "GOPATH": str(GOPATH), "GOENV": "off", "GOFLAGS": "-buildvcs=false"}
    settings |= {"GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "GOCACHE": str(shared / "go-cache")}
    with (shared / "log_in_go.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            words = [go, "build", "-o", str(program), "."]
            built = subprocess.run(
                words, cwd=PROGRAM, env=os.environ | settings, capture_output=True, text=True, check=False
            )
            assert built.returncode == 0, built.stderr
    return program


def checked(program: Path, folder: Path) -> dict[str, object]:
    """Return what Go says of a log that it accepts."""
    ended = subprocess.run([program, folder], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    return dict(json.loads(ended.stdout))


def refused(program: Path, folder: Path) -> str:
    """Return why Go refuses a log."""
    ended = subprocess.run([program, folder], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr.strip()


def entries(first: int, end: int) -> list[bytes]:
    start = datetime(2026, 11, 26, 7, 9, 31, 70315, tzinfo=UTC)
    digests = (hashlib.sha256(str(number).encode()).digest() for number in range(first, end))
    return [
        LogEntry(start + timedelta(seconds=number), "verify", digest).encoded()
        for number, digest in enumerate(digests, first)
    ]


def written(folder: Path, size: int) -> LogFiles:
    """Write a log that grew in portions, with a checkpoint, a consistency proof and some proofs for each."""
    files = LogFiles(folder / "log")
    sizes = sorted({*(edge for edge in EDGES if 0 < edge < size), size * 2 // 3 or size, size})
    checkpoints: dict[int, bytes] = {}
    before = 0
    for each in sizes:
        checkpoints[each] = signed(Checkpoint(NAME, each, files.extend(before, entries(before, each))), LOG)
        before = each
    files.publish(checkpoints[size])
    (folder / "vkey").write_text(LOG.verifier.as_vkey())
    whole = files.tree(size)
    for each, checkpoint in checkpoints.items():
        (folder / f"{each}.checkpoint").write_bytes(checkpoint)
        (folder / f"{each}.consistency").write_text("".join(map(as_line, whole.consistency(each))))
        tree = files.tree(each)
        for index in {0, each - 1} if each != size else {*(edge for edge in EDGES if edge < size), size // 2, size - 1}:
            proof = Proof(index, tree.inclusion(index), checkpoint, *entries(index, index + 1))
            (folder / f"{index}-in-{each}.tlog-proof").write_bytes(proof.as_file())
    return files


def lying(folder: Path) -> int:
    """Return how many tiles and bundles lie there."""
    return sum(path.is_file() for path in (folder / "log/tile").rglob("*"))


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 600, 66_000])
def test_go_accepts_the_log_and_makes_the_same_proofs(size: int, verifier: Path, tmp_path: Path):
    files = written(tmp_path, size)
    said = checked(verifier, tmp_path)

    assert said == {
        "size": size,
        "root": base64.b64encode(files.tree(size).root()).decode(),
        "proofs": len(list(tmp_path.glob("*.tlog-proof"))),
        "earlier": len(list(tmp_path.glob("*.consistency"))),
        "files": lying(tmp_path),
        "unknown": 0,
    }
    files.sweep(0, size)
    assert checked(verifier, tmp_path) == said | {"files": lying(tmp_path)}
    for each in list(tmp_path.rglob("*.p")):
        if each.with_suffix("").exists():
            shutil.rmtree(each)
    assert checked(verifier, tmp_path) == said | {"files": lying(tmp_path)}


def test_go_accepts_a_checkpoint_that_witnesses_cosigned(verifier: Path, tmp_path: Path):
    files = written(tmp_path, 2)
    checkpoint, note = opened(files.checkpoint() or b"", LOG.verifier)
    own = next(iter(note.signatures))[2]
    files.publish(f"{note.text}\n{own}{WITNESS.sign(note.text, 1_795_676_971)}".encode())

    assert checkpoint.size == 2
    assert checked(verifier, tmp_path)["unknown"] == 1


def flipped(content: bytes, place: int) -> bytes:
    """Return the content with one bit of a byte the other way round."""
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def flip(path: str, place: int) -> Callable[[Path], object]:
    """Return what flips a bit in a file of the folder."""
    return lambda folder: (folder / path).write_bytes(flipped((folder / path).read_bytes(), place))


def other_signature(folder: Path) -> None:
    """Flip a bit of the signature; Base64 could hide one in bits that nobody reads."""
    note = Note.parse((folder / "log/checkpoint").read_bytes())
    [(name, signature, _)] = note.signatures
    line = f"— {name} {base64.b64encode(flipped(signature, 40)).decode()}\n"
    (folder / "log/checkpoint").write_text(f"{note.text}\n{line}")


def other_proof(change: Callable[[Proof], Proof]) -> Callable[[Path], object]:
    """Return what changes a proof."""

    def damage(folder: Path) -> None:
        path = folder / "256-in-600.tlog-proof"
        path.write_bytes(change(Proof.parse(path.read_bytes())).as_file())

    return damage


def other_hash(proof: Proof) -> Proof:
    return replace(proof, hashes=[*proof.hashes[:3], flipped(proof.hashes[3], 5), *proof.hashes[4:]])


def shorter_proof(folder: Path) -> None:
    path = folder / "257.consistency"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))


def without_proofs(folder: Path) -> None:
    for path in [*folder.glob("*.tlog-proof"), *folder.glob("*.checkpoint")]:
        path.unlink()


def another_root(folder: Path) -> None:
    """Sign, with the right key, a root that the log does not have."""
    (folder / "log/checkpoint").write_bytes(signed(Checkpoint(NAME, 600, bytes(32)), LOG))
    without_proofs(folder)


def forged_entry(folder: Path) -> None:
    """Change an entry and its hash in the tile; Go before CVE-2026-56865 was mended does not see this in the tiles."""
    [path, tile] = [folder / "log" / tile_path(level, 1) for level in ("entries", 0)]
    bundle = flipped(path.read_bytes(), 9)
    path.write_bytes(bundle)
    tile.write_bytes(leaf_hash(next(unbundled(bundle))) + tile.read_bytes()[HASH_BYTES:])
    without_proofs(folder)


UNPROVEN = "256-in-600.tlog-proof: invalid transparency proof"
INCONSISTENT = "downloaded inconsistent tile"
#: What is damaged, how, and why Go refuses it: as its package says, or as the comparison with its own tree does.
DAMAGES = {
    "signature": (other_signature, "checkpoint: invalid signature for key"),
    "checkpoint": (flip("log/checkpoint", len(NAME) + 1), "checkpoint: invalid signature for key"),
    "key": (
        lambda folder: (folder / "vkey").write_text(OTHER.verifier.as_vkey()),
        "checkpoint: note has no verifiable signatures",
    ),
    "key's name": (flip("vkey", 0), "key: invalid verifier hash"),
    "entry": (other_proof(lambda proof: replace(proof, entry=flipped(proof.entry, 30))), UNPROVEN),
    "proof's hash": (other_proof(other_hash), UNPROVEN),
    "proof's index": (other_proof(lambda proof: replace(proof, index=proof.index + 1)), UNPROVEN),
    "consistency": (shorter_proof, "257.checkpoint: invalid transparency proof"),
    "root": (another_root, "entries: the root over the entries is"),
    "full tile": (flip("log/tile/0/001", 8191), f"{INCONSISTENT}|tlog-proof: hash 7 is"),
    "partial tile": (flip("log/tile/0/002.p/88", 0), INCONSISTENT),
    "tile of tiles": (flip("log/tile/1/000.p/2", 63), INCONSISTENT),
    "earlier tile": (flip("log/tile/0/000.p/127", 63), f"{INCONSISTENT}|files: tile/0/000.p/127 is not what"),
    "cut tile": (lambda folder: os.truncate(folder / "log/tile/0/000", 8160), "has 8160 bytes, not 8192"),
    "bundle": (flip("log/tile/entries/001", 9), "entries: the root over the entries is"),
    "bundle's length": (flip("log/tile/entries/002.p/88", 0), "entries: tile/entries/002.p/88 "),
    "earlier bundle": (flip("log/tile/entries/000.p/127", 9), "files: tile/entries/000.p/127 is not what"),
    "entry and tile": (forged_entry, "entries: the root over the entries is"),
}


@pytest.mark.parametrize("damaged", list(DAMAGES))
def test_go_refuses_a_damaged_log(damaged: str, verifier: Path, tmp_path: Path):
    damage, reason = DAMAGES[damaged]
    written(tmp_path, 600)
    checked(verifier, tmp_path)
    damage(tmp_path)

    assert re.search(reason, refused(verifier, tmp_path))


# --- what others signed, read by us ----------------------------------------------------------------------------------

#: The example in the documentation of Go's package note, with its private key.
RIDDLE = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
RIDDLE_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
RIDDLE_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
RIDDLE_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)

#: A checkpoint of a public log (Certificate Transparency, for trials) as four witnesses cosigned it in May 2026.
PUBLIC = """\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

— arche2025h1.staging.ct.transparency.dev \
zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9\
MNL5zRNZ55lvGt0=
— arche2025h1.staging.ct.transparency.dev \
ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
— transparency.dev/DEV:witness-little-garden \
2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5\
BQ==
— witness1.smartit.nu/witness1 \
pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsU\
AQ==
— remora.n621.de \
2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWf\
Bw==
— witness.stagemole.eu \
Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9D\
Ag==
"""
PUBLIC_LOG = "arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f"
PUBLIC_WITNESS = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"

#: The example of the specifications of checkpoints, cosignatures and witnesses (C2SP); its keys are nowhere.
SOFA = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa \
Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 \
jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+q\
nA==
"""


def test_we_open_a_note_of_go_and_sign_it_in_the_same_way():
    note = Note.parse(f"{RIDDLE}\n{RIDDLE_SIGNATURE}".encode())
    signer = Signer("PeterNeumann", RIDDLE_SEED)

    assert note.signed_by([Verifier.of_vkey(RIDDLE_KEY)]) == {signer.verifier: RIDDLE_SIGNATURE}
    assert signer.verifier.as_vkey() == RIDDLE_KEY
    assert signer.sign(RIDDLE) == RIDDLE_SIGNATURE


def test_we_open_the_checkpoint_of_a_public_log_and_its_witnesss_cosignature():
    log, witness = Verifier.of_vkey(PUBLIC_LOG), Verifier.of_vkey(PUBLIC_WITNESS)
    checkpoint, note = opened(PUBLIC.encode(), log)

    assert (checkpoint.size, checkpoint.as_text()) == (1_432_088_532, note.text)
    assert note.signed_by([log, witness]).keys() == {log, witness}
    changed = Note.parse(PUBLIC.replace("1432088532", "1432088533").encode())
    for key in (log, witness):
        with pytest.raises(IntegrityError):
            changed.signed_by([key])


def test_the_specifications_example_of_a_checkpoint_is_read():
    note = Note.parse(SOFA.encode())
    checkpoint = Checkpoint.parse(note.text)

    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.as_text() == note.text
    assert [(name, len(signature)) for name, signature, _ in note.signatures] == [
        ("example.com/behind-the-sofa", 4 + 64),
        ("witness.example.com/w1", 4 + 8 + 64),
    ]
    assert int.from_bytes(note.signatures[1][1][4:12]) == 1_679_315_147
