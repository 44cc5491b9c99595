"""Proofs that something stands in the log, as files of their own (C2SP tlog-proof), checked without asking anybody."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countenance.errors import IntegrityError, MalformedError
from countenance.log.notes import NOTE_BYTES_MAX, Checkpoint, Verifier, as_line, decimal, hash_line, opened
from countenance.log.tree import included

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_HASHES_MAX: Final = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry stands, the hashes that lead from it to the root, and the checkpoint that signs the root."""

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes

    def as_file(self) -> bytes:
        """Return the content of a `.tlog-proof` file."""
        lines = "".join(as_line(each) for each in self.hashes)
        return f"{_FIRST_LINE}\nindex {self.index}\n{lines}\n".encode() + self.checkpoint

    @classmethod
    def parse(cls, encoded: bytes) -> "Proof":
        """Read a `.tlog-proof` file; raises MalformedError for what is none. Data under `extra` is passed over."""
        head, gap, checkpoint = encoded.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n") if gap and len(encoded) <= 2 * NOTE_BYTES_MAX else []
        except UnicodeDecodeError:
            lines = []
        if len(lines) > 1 and lines[1].startswith("extra "):
            del lines[1]
        index = decimal(lines[1][6:]) if len(lines) > 1 and lines[1].startswith("index ") else None
        if not lines or lines[0] != _FIRST_LINE or index is None or len(lines) > 2 + _HASHES_MAX:
            raise MalformedError("This is no proof of a log.", "这不是日志证明。")
        return cls(index, [hash_line(line) for line in lines[2:]], checkpoint)

    def check(self, entry: bytes, log: Verifier) -> Checkpoint:
        """Return the checkpoint under which `entry` stands in this log; raises IntegrityError where it does not."""
        checkpoint, _ = opened(self.checkpoint, log)
        if not included(entry, self.index, checkpoint.size, self.hashes, checkpoint.root):
            raise IntegrityError(
                "The proof does not lead from this entry to the log's root.", "该证明无法将此条目与日志根哈希对应。"
            )
        return checkpoint
