"""Proofs that something stands in the log, as files of their own (C2SP tlog-proof), checked without asking anybody."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from countenance.errors import IntegrityError, MalformedError
from countenance.log.notes import NOTE_BYTES_MAX, Checkpoint, Verifier, as_line, decimal, hash_line, opened
from countenance.log.tree import included

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
_EXTRA: Final = "extra "
_INDEX: Final = "index "
_HASHES_MAX: Final = 63


@dataclass(frozen=True, slots=True)
class Proof:
    """Where an entry stands, the hashes that lead from it to the root, and the checkpoint that signs the root.

    The entry itself goes with it as extra data, so that nobody has to be asked for it; the hashes tell another one.
    """

    index: int
    hashes: Sequence[bytes]
    checkpoint: bytes
    entry: bytes

    def as_file(self) -> bytes:
        """Return the content of a `.tlog-proof` file."""
        extra = base64.b64encode(self.entry).decode()
        lines = "".join(as_line(each) for each in self.hashes)
        return f"{_FIRST_LINE}\n{_EXTRA}{extra}\n{_INDEX}{self.index}\n{lines}\n".encode() + self.checkpoint

    @classmethod
    def parse(cls, encoded: bytes) -> "Proof":
        """Read a `.tlog-proof` file that brings its entry along; raises MalformedError for what is none."""
        head, gap, checkpoint = encoded.partition(b"\n\n")
        try:
            lines = head.decode("ascii").split("\n") if gap and len(encoded) <= 2 * NOTE_BYTES_MAX else []
            first, extra, index, *hashes = lines
            entry = base64.b64decode(extra.removeprefix(_EXTRA), validate=True)
        except (UnicodeDecodeError, ValueError, binascii.Error) as error:
            raise _no_proof() from error
        place = decimal(index.removeprefix(_INDEX))
        fits = first == _FIRST_LINE and index.startswith(_INDEX)
        fits = fits and extra == f"{_EXTRA}{base64.b64encode(entry).decode()}"
        if not fits or place is None or len(hashes) > _HASHES_MAX:
            raise _no_proof()
        return cls(place, [hash_line(line) for line in hashes], checkpoint, entry)

    def holds(self, checkpoint: Checkpoint) -> bool:
        """Return whether the hashes lead from the entry to this checkpoint's root."""
        return included(self.entry, self.index, checkpoint.size, self.hashes, checkpoint.root)

    def check(self, log: Verifier) -> Checkpoint:
        """Return the checkpoint under which the entry stands in this log; raises IntegrityError where it does not."""
        checkpoint, _ = opened(self.checkpoint, log)
        if not self.holds(checkpoint):
            raise IntegrityError(
                "The proof does not lead from this entry to the log's root.", "该证明无法将此条目与日志根哈希对应。"
            )
        return checkpoint


def _no_proof() -> MalformedError:
    return MalformedError("This is no proof of a log.", "这不是日志证明。")
