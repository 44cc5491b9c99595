"""A spot check on a count: a list is committed to by one hash, and whoever is found stored must be shown to be in it.

A count that leaves people out cannot be seen from the count, and hardly from a sketch. But who commits to a list when
the count is stated can later show of anybody that they are in it, and of nobody whom the list left out. An inspector
who finds persons on devices, in tables or through complaints asks about them: where one person in a hundred was left
out, 300 found by chance show it in 95 of 100 cases.

The hash is the root of the log's Merkle tree (RFC 6962) over the sorted tokens; its size is the count that was stated.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from countenance.errors import ConflictError, MalformedError
from countenance.filing.sketches import key_id, token, tokens
from countenance.log.tree import HASH_BYTES, TILE_WIDTH, Tree, included, leaf_hash, perfect

#: So many persons are asked about at once.
ASKED_MAX: Final = 10_000
COMMITMENT_BYTES_MAX: Final = 256
#: A proof in a tree of a thousand million leaves has 30 hashes.
OPENINGS_BYTES_MAX: Final = ASKED_MAX * (10 + 30 * (2 * HASH_BYTES + 1))
_COMMITMENT: Final = re.compile(rb"countenance-commitment/1 ([0-9a-f]{16}) (0|[1-9][0-9]{0,8}) ([0-9a-f]{64})\n")
_OPENINGS: Final = b"countenance-openings/1\n"
_OPENING: Final = re.compile(rb"(0|[1-9][0-9]{0,8})((?: [0-9a-f]{64}){0,30})")
_NONE: Final = b"-"


@dataclass(frozen=True, slots=True)
class Commitment:
    """What is handed over with a statement: under which key, how many persons, and the hash over them."""

    key_id: str
    persons: int
    root: bytes

    def to_bytes(self) -> bytes:
        """Return the file, one line."""
        return f"countenance-commitment/1 {self.key_id} {self.persons} {self.root.hex()}\n".encode()


@dataclass(frozen=True, slots=True)
class Opening:
    """What shows that a person is in a list: where, and the hashes that lead from there to the commitment."""

    index: int
    path: tuple[bytes, ...]


class CommittedList:
    """A list as its operator keeps it: what was committed to, and what shows that somebody is in it."""

    def __init__(self, identifiers: Iterable[str], key: bytes | bytearray) -> None:
        """Turn the list into tokens and sort them; raises what `sketches.tokens` raises."""
        self._key_id = key_id(key)
        self._tokens = sorted(set(tokens(identifiers, key)))
        self._levels = [[leaf_hash(each) for each in self._tokens]]
        while len(self._levels[-1]) >= TILE_WIDTH:
            below = self._levels[-1]
            whole = range(0, len(below) - TILE_WIDTH + 1, TILE_WIDTH)
            self._levels.append([perfect(below[start : start + TILE_WIDTH]) for start in whole])
        self._tree = Tree(len(self._tokens), self._tile)

    def commitment(self) -> Commitment:
        """Return what is handed over."""
        return Commitment(self._key_id, len(self._tokens), self._tree.root())

    def opening(self, identifier: str, key: bytes | bytearray) -> Opening | None:
        """Return what shows that a person is in the list, None where they are not."""
        wanted = token(identifier, key)
        if wanted is None:
            return None
        index = bisect_left(self._tokens, wanted)
        if index == len(self._tokens) or self._tokens[index] != wanted:
            return None
        return Opening(index, tuple(self._tree.inclusion(index)))

    def _tile(self, level: int, index: int, width: int) -> bytes:
        start = index * TILE_WIDTH
        return b"".join(self._levels[level][start : start + width])


def shows(commitment: Commitment, identifier: str, opening: Opening | None, key: bytes | bytearray) -> bool:
    """Return whether an opening shows that a person is in the list; raises ConflictError for another key."""
    if key_id(key) != commitment.key_id:
        raise ConflictError(
            "The list was committed to under another key. Ask its operator for that key.",
            "该承诺使用了另一密钥。请向运营者索取该密钥。",
        )
    wanted = token(identifier, key)
    if opening is None or wanted is None:
        return False
    return included(wanted, opening.index, commitment.persons, opening.path, commitment.root)


def read_commitment(data: bytes) -> Commitment:
    """Return the commitment in a file; raises MalformedError for a file that is none."""
    found = _COMMITMENT.fullmatch(data)
    if found is None:
        raise _no_file()
    return Commitment(found[1].decode(), int(found[2]), bytes.fromhex(found[3].decode()))


def written(openings: Sequence[Opening | None]) -> bytes:
    """Return the file of some openings, a line for each person asked about, in that order."""
    return _OPENINGS + b"".join(_NONE + b"\n" if each is None else _line(each) for each in openings)


def read_openings(data: bytes) -> list[Opening | None]:
    """Return the openings in a file; raises MalformedError for a file that is none, or holds too many."""
    if not data.startswith(_OPENINGS) or not data.endswith(b"\n"):
        raise _no_file()
    lines = data[len(_OPENINGS) :].split(b"\n")[:-1]
    if len(lines) > ASKED_MAX:
        raise _no_file()
    return [None if line == _NONE else _opening(line) for line in lines]


def _line(opening: Opening) -> bytes:
    return " ".join([str(opening.index), *(each.hex() for each in opening.path)]).encode() + b"\n"


def _opening(line: bytes) -> Opening:
    found = _OPENING.fullmatch(line)
    if found is None:
        raise _no_file()
    return Opening(int(found[1]), tuple(bytes.fromhex(each.decode()) for each in found[2].split()))


def _no_file() -> MalformedError:
    return MalformedError(
        "This is not the file of a spot check that is needed here, or it is damaged. Have it sent again.",
        "这不是此步骤所需的抽查文件，或文件已损坏。请对方重新发送。",
    )
