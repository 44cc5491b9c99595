"""A witness (C2SP tlog-witness): cosigns what continues what it cosigned before, and keeps what contradicts it.

What was cosigned is on the disk before the answer leaves, and nobody else looks at it between the check and the disk:
neither another thread nor another process on the same directory.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from countenance.authority.alarms import AlarmKind, Alarms
from countenance.errors import ConflictError, IntegrityError, MalformedError, NotFoundError
from countenance.log.notes import Checkpoint, Note, SignatureKind, Signer, Verifier, decimal, hash_line
from countenance.log.policy import Policy
from countenance.log.tiles import LogFiles
from countenance.log.tree import EMPTY_ROOT, extends
from countenance.log.witnesses import PROOF_LINES_MAX, SIZE_TYPE
from countenance.vault.keys import FIRST, FileKeys

#: No request is longer: a proof, and a checkpoint with some signatures.
BODY_BYTES_MAX: Final = 1 << 16
#: So many cosigned checkpoints of each log are remembered, to tell an old one that is sent again from another history.
SEEN_MAX: Final = 1000
_SWEEP_BEHIND: Final = 100
_COSIGNED: Final = "cosigned"
_VKEY: Final = "vkey"
_HOLDER: Final = "witness"
_PLAIN: Final = "text/plain; charset=utf-8"
_OLD: Final = "old "


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers: the status of the protocol, and a body of this type."""

    status: int
    body: bytes
    media_type: str = _PLAIN


@dataclass(frozen=True, slots=True)
class Submission:
    """What a log asks to have cosigned: a checkpoint, and the proof that it continues the one of size `old`."""

    old: int
    proof: Sequence[bytes]
    note: bytes

    @classmethod
    def parse(cls, body: bytes) -> "Submission":
        """Read the body of a request; raises MalformedError for what is none."""
        head, gap, note = body.partition(b"\n\n")
        try:
            first, *lines = head.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise _no_submission() from error
        old = decimal(first.removeprefix(_OLD)) if first.startswith(_OLD) else None
        if len(body) > BODY_BYTES_MAX or not gap or old is None or len(lines) > PROOF_LINES_MAX:
            raise _no_submission()
        return cls(old, [hash_line(line) for line in lines], note)


@dataclass(frozen=True, slots=True)
class Cosigned:
    """The latest checkpoint of a log that was cosigned, as a note with both signatures, and when that was."""

    checkpoint: Checkpoint
    note: bytes
    at: datetime


def make(directory: Path, name: str) -> Verifier:
    """Make a witness's key and return its public half; raises ConflictError where there is one already."""
    Signer(name, bytes(32), SignatureKind.COSIGNATURE)  # refuses a name that notes cannot carry, before a key is made
    files, keys = LogFiles(directory), FileKeys(directory / "keys")
    if files.read(_VKEY) is not None:
        raise ConflictError(
            "There is a witness in this directory. Name another directory, or use the one that is there.",
            "该目录中已有见证者。请指定其他目录，或使用已有见证者。",
        )
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if FIRST not in keys.generations(_HOLDER):  # made, and cut off before its public half was written
        keys.create(_HOLDER)
    signer = _signer(keys, name)
    files.write(_VKEY, f"{signer.verifier.as_vkey()}\n".encode())
    files.settle()
    return signer.verifier


def key_of(directory: Path) -> Verifier:
    """Return the public key of the witness in a directory; raises NotFoundError where there is none."""
    found = LogFiles(directory).read(_VKEY)
    if found is None:
        raise NotFoundError(
            "There is no witness in this directory. Make one first: countenance witness make",
            "该目录中没有见证者。请先运行：countenance witness make",
        )
    return Verifier.of_vkey(found.decode("utf-8", "replace"))


class Witness:
    """A witness with its own directory, for the logs that a policy names."""

    def __init__(self, directory: Path, policy: Policy, clock: Callable[[], datetime]) -> None:
        """Open the witness in a directory; raises NotFoundError where there is none, UnavailableError without its key.

        Raises IntegrityError where the key is not the one that was made there.
        """
        verifier = key_of(directory)
        self.signer = _signer(FileKeys(directory / "keys"), verifier.name)
        if self.signer.verifier != verifier:
            raise IntegrityError(
                "The witness's key is not the one that belongs to its public key. Put the right one back.",
                "见证者密钥与其公钥不符。请恢复正确的密钥。",
            )
        self.directory = directory
        self.policy = policy
        self.clock = clock
        self.alarms = Alarms(directory / "alarms")

    def add_checkpoint(self, body: bytes) -> Answer:
        """Cosign a checkpoint, or say why not, as the protocol has it; what contradicts what was seen is kept.

        Raises UnavailableError where the disk does not take it, IntegrityError where the witness's own files are
        damaged: nothing is cosigned then.
        """
        try:
            asked = Submission.parse(body)
            checkpoint, note, lines = self.policy.opened(asked.note)
        except MalformedError as error:
            return _said(400, error.en)
        except NotFoundError as error:
            return _said(404, error.en)
        except IntegrityError as error:
            return _said(403, error.en)
        evidence = f"{note.text}\n{''.join(lines.values())}".encode()
        with held(self.directory, checkpoint.origin):
            return self._answer(asked, checkpoint, evidence)

    def _answer(self, asked: Submission, checkpoint: Checkpoint, evidence: bytes) -> Answer:
        """Answer for a checkpoint that its log signed, while nobody else looks at that log."""
        known = latest(self.directory, checkpoint.origin, self.signer.verifier)
        size, root = (known.checkpoint.size, known.checkpoint.root) if known else (0, EMPTY_ROOT)
        if known is not None and checkpoint.size <= size:
            self._look_at(checkpoint, evidence, known)
        if asked.old > checkpoint.size:
            return _said(400, "The old size is larger than the checkpoint's.")
        if asked.old != size:
            return Answer(409, f"{size}\n".encode(), SIZE_TYPE)
        if known is not None and checkpoint.size == size and checkpoint.root != root:
            return _said(409, "Another root was cosigned for this size.")
        if not checkpoint.size and checkpoint.root != EMPTY_ROOT:
            return _said(422, "A log without entries has the root of none.")
        if not extends(size, root, checkpoint.size, checkpoint.root, asked.proof):
            if known is not None and checkpoint.size > size:
                self.alarms.keep(AlarmKind.PROOF, evidence, known.note, self.clock(), proven=False, proof=asked.proof)
            return _said(422, "The proof does not lead from what was cosigned to this checkpoint.")
        return self._cosign(checkpoint, evidence)

    def _cosign(self, checkpoint: Checkpoint, evidence: bytes) -> Answer:
        """Sign, and answer once that is on the disk."""
        files = files_of(self.directory, checkpoint.origin)
        text = Note.parse(evidence).text
        line = self.signer.sign(text, int(self.clock().timestamp())).encode()
        files.write(_COSIGNED, evidence + line)
        files.settle()
        files.write(_seen(checkpoint.size), evidence + line)
        files.settle()
        self._forget_oldest(files)
        for alarm in self.alarms.listed(checkpoint.origin):
            if not alarm.proven and alarm.checkpoint() == checkpoint:
                self.alarms.withdraw(alarm)
        return Answer(200, line)

    def _look_at(self, checkpoint: Checkpoint, evidence: bytes, known: Cosigned) -> None:
        """Keep a checkpoint that is not larger than what was cosigned, unless it is known to be of the same history.

        A log signed smaller checkpoints before, and anybody may send one again; that alone says nothing.
        """
        earlier = known.note if checkpoint.size == known.checkpoint.size else None
        earlier = earlier or files_of(self.directory, checkpoint.origin).read(_seen(checkpoint.size))
        if earlier is not None:
            if Checkpoint.parse(Note.parse(earlier).text).root != checkpoint.root:
                self.alarms.keep(AlarmKind.FORK, evidence, earlier, self.clock(), proven=True)
            return
        mirrored = mirrored_of(self.directory, checkpoint.origin)
        if not mirrored.decides(checkpoint):
            self.alarms.keep(AlarmKind.OLDER, evidence, known.note, self.clock(), proven=False)
        elif (proof := mirrored.against(checkpoint)) is not None:
            self.alarms.keep(AlarmKind.FORK, evidence, mirrored.note, self.clock(), proven=True, proof=proof)

    def _forget_oldest(self, files: LogFiles) -> None:
        folder = files.directory / _seen(0).partition("/")[0]
        sizes = sorted(int(each.name) for each in folder.iterdir() if each.name.isdecimal())
        if len(sizes) > SEEN_MAX + _SWEEP_BEHIND:
            for size in sizes[:-SEEN_MAX]:
                (files.directory / _seen(size)).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class MirroredLog:
    """What was mirrored of a log: its files, and the checkpoint that they were checked against, where there is one."""

    files: LogFiles
    checkpoint: Checkpoint | None
    note: bytes

    def decides(self, other: Checkpoint) -> bool:
        """Return whether enough was mirrored to tell whether a smaller checkpoint is of the same history."""
        return self.checkpoint is not None and other.size <= self.checkpoint.size

    def against(self, other: Checkpoint) -> list[bytes] | None:
        """Return the proof that a smaller checkpoint is of another history, None where it is of the same one."""
        assert self.checkpoint is not None  # noqa: S101 — `decides` said so
        proof = self.files.tree(self.checkpoint.size).consistency(other.size)
        fits = extends(other.size, other.root, self.checkpoint.size, self.checkpoint.root, proof)
        return None if fits else proof


def mirrored_of(directory: Path, origin: str) -> MirroredLog:
    """Return what was mirrored of a log, which may be nothing."""
    files = LogFiles(directory / "mirror" / digest_of(origin))
    note = files.checkpoint()
    if note is None:
        return MirroredLog(files, None, b"")
    return MirroredLog(files, Checkpoint.parse(Note.parse(note).text), note)


def latest(directory: Path, origin: str, verifier: Verifier) -> Cosigned | None:
    """Return what a witness cosigned last of a log, None for nothing; raises IntegrityError for damaged files."""
    files = files_of(directory, origin)
    encoded = files.read(_COSIGNED)
    if encoded is None:
        if (files.directory / _seen(0)).parent.exists():
            raise _damaged()
        return None
    try:
        note = Note.parse(encoded)
        line = note.signed_by([verifier]).get(verifier)
        checkpoint = Checkpoint.parse(note.text)
    except MalformedError as error:
        raise _damaged() from error
    if line is None or checkpoint.origin != origin:
        raise _damaged()
    signature = next(each for _, each, written in note.signatures if written == line)
    return Cosigned(checkpoint, encoded, datetime.fromtimestamp(int.from_bytes(signature[4:12]), UTC))


def cosigned_in(directory: Path) -> list[Cosigned]:
    """Return what a witness cosigned last of each log."""
    verifier, found = key_of(directory), []
    for folder in sorted((directory / "logs").iterdir()) if (directory / "logs").is_dir() else []:
        note = LogFiles(folder).read(_COSIGNED)
        if note is not None:
            cosigned = latest(directory, Checkpoint.parse(Note.parse(note).text).origin, verifier)
            found += [] if cosigned is None else [cosigned]
    return found


@contextmanager
def held(directory: Path, origin: str, lock: str = "lock", *, waits: bool = True) -> Iterator[None]:
    """Let nobody else at a log for the moment; raises ConflictError where somebody is and this one does not wait."""
    with files_of(directory, origin).alone(lock, waits=waits) as alone:
        if not alone:
            raise ConflictError("Somebody else is at this log already.", "已有其他进程正在处理该日志。")
        yield


def files_of(directory: Path, origin: str) -> LogFiles:
    """Return the files that a witness keeps of a log: what it cosigned last, and before."""
    return LogFiles(directory / "logs" / digest_of(origin))


def digest_of(origin: str) -> str:
    """Return the name of a log's folder: its origin may hold anything."""
    return hashlib.sha256(origin.encode()).hexdigest()


def _seen(size: int) -> str:
    return f"seen/{size}"


def _signer(keys: FileKeys, name: str) -> Signer:
    seed = keys.open(_HOLDER)
    signer = Signer(name, seed, SignatureKind.COSIGNATURE)
    seed[:] = bytes(len(seed))
    return signer


def _said(status: int, sentence: str) -> Answer:
    return Answer(status, f"{sentence}\n".encode())


def _no_submission() -> MalformedError:
    return MalformedError(
        "The request is not old SIZE, the lines of a proof, an empty line and a checkpoint.",
        "请求应为 old SIZE、证明各行、空行和检查点。",
    )


def _damaged() -> IntegrityError:
    return IntegrityError(
        "What this witness cosigned of a log is damaged or gone. Put its directory back; nothing is cosigned without.",
        "该见证者对某日志的联署记录已损坏或缺失。请恢复其目录；在此之前不作任何联署。",
    )
