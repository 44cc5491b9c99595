"""Where the logs lie, under which names, and by which keys they are signed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from countenance.errors import IntegrityError, MalformedError, UnavailableError
from countenance.log.notes import Checkpoint, Note, Signer, Verifier, opened, signed
from countenance.log.policy import NO_QUORUM, Policy
from countenance.log.tiles import CHECKPOINT, PATH, LogFiles
from countenance.store.logged import LogRow
from countenance.vault.keys import KeyProvider

#: The log's public key lies beside its checkpoint, for whoever comes for the first time; it is no secret.
VKEY: Final = "vkey"
#: The newest checkpoint that the quorum cosigned.
COSIGNED: Final = "cosigned"
#: Beside the logs of an operator; whoever writes them holds it.
LOCK: Final = ".lock"
_OPERATOR: Final = re.compile(r"[a-z0-9-]{1,100}")
_GENERATION: Final = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Logs:
    """The logs of every operator: a directory, a name before theirs, and the keys that sign, apart from all others.

    `writes` is false where another machine writes the logs of this database. `policy` says which witnesses cosign.
    """

    directory: Path
    name: str
    keys: KeyProvider = field(repr=False)
    writes: bool = True
    policy: Policy | None = None

    def origin(self, operator_id: str, generation: int) -> str:
        """Return the name of a log."""
        return f"{self.name}/log/{operator_id}/{generation}"

    def files(self, operator_id: str, generation: int) -> LogFiles:
        """Return a log's files."""
        return LogFiles(self.directory / operator_id / str(generation))

    @contextmanager
    def alone(self, operator_id: str) -> Iterator[bool]:
        """Be the only one who writes an operator's log files, until the end; yield False where somebody else is.

        The database's lock ends with its transaction, whoever ends that; this one ends with its process. So a writer
        that stood still and lost the database writes nothing over what another signed since.
        """
        with LogFiles(self.directory / operator_id).alone(LOCK) as alone:
            yield alone

    def unused(self, operator_id: str, known: int = 0) -> int:
        """Return the generation after all that are `known` or that a key was made for, or whose files are there.

        So a database that begins anew, or a key that was lost, never leads to another history under an old name.
        """
        folder = self.directory / operator_id
        named = [int(each.name) for each in folder.iterdir() if each.name.isdecimal()] if folder.is_dir() else []
        return max([known, *self.keys.generations(operator_id), *named]) + 1

    def begun_after(self, row: LogRow) -> list[str]:
        """Return the names of later logs of which something is signed already, though the database has none of them."""
        later = range(row.generation + 1, self.unused(row.operator_id))
        return [
            self.origin(row.operator_id, each)
            for each in later
            if self.files(row.operator_id, each).checkpoint() is not None
        ]

    def signer(self, row: LogRow) -> Signer:
        """Return who signs a log; the key of an empty one is made when it is asked for first.

        Raises UnavailableError where the key of a log with entries is not there.
        """
        generation = row.generation
        if not row.size and generation not in self.keys.generations(row.operator_id):
            with suppress(IntegrityError):  # another process made it at the same moment
                self.keys.create(row.operator_id, generation)
        try:
            seed = self.keys.open(row.operator_id, generation)
        except UnavailableError as error:
            raise UnavailableError(
                "The key that signs the log is missing or can be read by others. Put it back from its backup with mode "
                "0600, or begin a new log: countenance log continue --abandon",
                "日志签名密钥缺失或可被他人读取。请从备份恢复（权限 0600），或另起新日志："
                "countenance log continue --abandon",
            ) from error
        signer = Signer(row.origin, seed)
        seed[:] = bytes(len(seed))
        return signer

    def verifier(self, row: LogRow) -> Verifier:
        """Return a log's public key, from its private one where that is here, else from the file beside the log."""
        if row.generation in self.keys.generations(row.operator_id):
            return self.signer(row).verifier
        found = self.files(row.operator_id, row.generation).read(VKEY)
        if found is None:
            raise UnavailableError("The log's public key is not here.", "此处没有日志公钥。")
        try:
            return Verifier.of_vkey(found.decode("utf-8", "replace"))
        except MalformedError as error:
            raise _damaged() from error

    def publish(self, row: LogRow) -> None:
        """Sign what a log has and put the checkpoint in its place."""
        files = self.files(row.operator_id, row.generation)
        signer = self.signer(row)
        if files.read(VKEY) is None:
            files.write(VKEY, f"{signer.verifier.as_vkey()}\n".encode())
        files.publish(signed(Checkpoint(row.origin, row.size, row.root), signer))

    def published(self, row: LogRow) -> tuple[Checkpoint, bytes] | None:
        """Return a log's checkpoint and the signed note it was read from, None before the first.

        Raises IntegrityError for one that this log did not sign.
        """
        note = self.files(row.operator_id, row.generation).checkpoint()
        return None if note is None else (self._opened(row, note)[0], note)

    def _opened(self, row: LogRow, note: bytes) -> tuple[Checkpoint, Note]:
        """Return a checkpoint that lies in the log's own files: what is none there was damaged, by nobody who calls."""
        try:
            return opened(note, self.verifier(row))
        except MalformedError as error:
            raise _damaged() from error

    def cosigned(self, row: LogRow) -> tuple[Checkpoint, bytes] | None:
        """Return the newest checkpoint that has the quorum's cosignatures, and its note; None where there is none.

        Raises IntegrityError for one that this log did not sign.
        """
        note = self.files(row.operator_id, row.generation).read(COSIGNED)
        if note is None or self.policy is None:
            return None
        checkpoint, opened_note = self._opened(row, note)
        return (checkpoint, note) if self.policy.met_by(opened_note) else None

    def to_prove_by(self, row: LogRow) -> tuple[Checkpoint, bytes] | None:
        """Return the checkpoint that proofs carry: where a quorum is asked for, the newest that it cosigned."""
        quorum = self.policy is not None and self.policy.quorum != NO_QUORUM
        return self.cosigned(row) if quorum else self.published(row)


def public_file(logs: Logs, operator_id: str, generation: str, path: str) -> bytes | None:
    """Return a file of a log that anybody may have, None for what is none; no path leads out of the log."""
    fits = path in {CHECKPOINT, COSIGNED, VKEY} or PATH.fullmatch(path) is not None
    if not fits or not _OPERATOR.fullmatch(operator_id) or not _GENERATION.fullmatch(generation):
        return None
    files = logs.files(operator_id, int(generation))
    return files.read(path)  # a partial tile is gone once the full one is there, which whoever wants it asks for then


def _damaged() -> IntegrityError:
    return IntegrityError(
        "A checkpoint or key in the log's directory is damaged. Put it back from a copy; nothing is signed meanwhile.",
        "日志目录中的检查点或公钥已损坏。请从副本恢复；在此之前不签署任何内容。",
    )
