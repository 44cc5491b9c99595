"""The Merkle tree of RFC 6962 over the tiles of C2SP tlog-tiles: its root at a size, and proofs of what is in it."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from countenance.errors import IntegrityError

HASH_BYTES: Final = 32
#: So many hashes are in a full tile, whose own hash stands one level up.
TILE_WIDTH: Final = 256
_TILE_HEIGHT: Final = 8
#: No tree is larger; a proof of 63 hashes is the longest the specifications know.
SIZE_MAX: Final = 2**62

#: Hands over the hashes of one tile: level, index in the level, and how many hashes it has.
ReadTile = Callable[[int, int, int], bytes]


def leaf_hash(entry: bytes) -> bytes:
    """Return the hash of an entry (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT: Final = hashlib.sha256(b"").digest()


def perfect(hashes: Sequence[bytes]) -> bytes:
    """Return the hash over 1, 2, 4, 8 … hashes."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(level[place], level[place + 1]) for place in range(0, len(level), 2)]
    return level[0]


def tile_hashes(tile: bytes) -> list[bytes]:
    """Return the hashes of a tile one by one."""
    return [tile[start : start + HASH_BYTES] for start in range(0, len(tile), HASH_BYTES)]


def width(size: int, level: int, index: int) -> int:
    """Return how many hashes a tile has in a tree of this size; 0 where there is no such tile."""
    return max(0, min(TILE_WIDTH, (size >> (_TILE_HEIGHT * level)) - index * TILE_WIDTH))


class Tree:
    """A tree of one size, read from tiles; a tile is read once."""

    def __init__(self, size: int, read: ReadTile) -> None:
        """Keep the size and where tiles come from; nothing is read yet."""
        if not 0 <= size <= SIZE_MAX:
            raise IntegrityError("A log of this size does not exist.", "日志大小无效。")
        self.size = size
        self._read = read
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def root(self) -> bytes:
        """Return the root hash."""
        return self._over(0, self.size) if self.size else EMPTY_ROOT

    def inclusion(self, index: int) -> list[bytes]:
        """Return the hashes that lead from the entry at `index` to the root (RFC 6962, 2.1.1)."""
        if not 0 <= index < self.size:
            raise IntegrityError("This entry is not in the log yet.", "该条目尚未进入日志。")
        path: list[bytes] = []
        low, high = 0, self.size
        while high - low > 1:
            middle = low + _split(high - low)
            if index < middle:
                path.append(self._over(middle, high))
                high = middle
            else:
                path.append(self._over(low, middle))
                low = middle
        return path[::-1]

    def consistency(self, old: int) -> list[bytes]:
        """Return the hashes that show that the tree of size `old` is the beginning of this one (RFC 6962, 2.1.2)."""
        if not 0 <= old <= self.size:
            raise IntegrityError("The log is smaller than that.", "日志小于该大小。")
        if old in {0, self.size}:
            return []
        proof: list[bytes] = []
        low, high, whole = 0, self.size, True
        while old != high:
            middle = low + _split(high - low)
            if old <= middle:
                proof.append(self._over(middle, high))
                high = middle
            else:
                proof.append(self._over(low, middle))
                low, whole = middle, False
        if not whole:
            proof.append(self._over(low, high))
        return proof[::-1]

    def _over(self, low: int, high: int) -> bytes:
        """Return the hash over the entries from `low` to before `high`, a range as the tree divides itself."""
        many = high - low
        if many & (many - 1) == 0:
            return self._subtree(many.bit_length() - 1, low)
        middle = low + _split(many)
        return node_hash(self._over(low, middle), self._over(middle, high))

    def _subtree(self, height: int, low: int) -> bytes:
        level, within = divmod(height, _TILE_HEIGHT)
        start = low >> (_TILE_HEIGHT * level)
        hashes = self._tile(level, start // TILE_WIDTH)
        first = start % TILE_WIDTH
        return perfect(hashes[first : first + (1 << within)])

    def _tile(self, level: int, index: int) -> list[bytes]:
        known = self._tiles.get((level, index))
        if known is None:
            wide = width(self.size, level, index)
            tile = self._read(level, index, wide)
            if len(tile) != wide * HASH_BYTES:
                raise IntegrityError("A tile of the log is damaged.", "日志的一个数据块已损坏。")
            known = self._tiles[level, index] = tile_hashes(tile)
        return known


def included(entry: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether a proof shows that `entry` stands at `index` in a tree of that size and root (RFC 9162, 2.1.3)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf_hash(entry)
    for each in proof:
        if last == 0 or len(each) != HASH_BYTES:
            return False
        if place % 2 or place == last:
            found = node_hash(each, found)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, each)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def extends(old: int, old_root: bytes, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether a proof shows that the tree of size `old` is the beginning of the other (RFC 9162, 2.1.4)."""
    if not 0 <= old <= size or any(len(each) != HASH_BYTES for each in proof):
        return False
    if old in {0, size}:
        return not proof and old_root == (root if old == size else EMPTY_ROOT)
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not path:
        return False
    place, last = old - 1, size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    before = after = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            before, after = node_hash(each, before), node_hash(each, after)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            after = node_hash(after, each)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old_root and after == root


def _split(many: int) -> int:
    """Return the largest power of two below `many`."""
    return 1 << ((many - 1).bit_length() - 1)
