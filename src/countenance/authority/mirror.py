"""Mirror a log: fetch what it serves (C2SP tlog-tiles), check all of it, and keep it in files of the same layout.

Nothing is kept before it is known to belong to the signed root: first the tiles at the right edge, which make the root,
then down from there every full tile under the hash that stands for it, then the entries under their hashes. The log's
checkpoint takes its place last. Cut off anywhere, the next run goes on with what is there once it has checked it.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from countenance.authority.alarms import AlarmKind
from countenance.authority.witness import MirroredLog, Witness, held, latest, mirrored_of
from countenance.errors import (
    CountenanceError,
    IntegrityError,
    LimitError,
    NotFoundError,
    UnavailableError,
)
from countenance.log.entries import ENTRY_BYTES_MAX, unbundled
from countenance.log.notes import NOTE_BYTES_MAX, Checkpoint, Note
from countenance.log.tiles import CHECKPOINT, ENTRIES, LogFiles, tile_path
from countenance.log.tree import HASH_BYTES, TILE_WIDTH, Tree, extends, leaf_hash, perfect, tile_hashes, width
from countenance.log.witnesses import Remote

#: A run fetches at most so much; the next one goes on.
RUN_BYTES_MAX: Final = 4 << 30
_FETCH_SECONDS_MAX: Final = 30.0
_BUNDLE_BYTES_MAX: Final = TILE_WIDTH * (2 + ENTRY_BYTES_MAX)
_OK: Final = 200
_GZIP: Final = 16 + zlib.MAX_WBITS
_VKEY: Final = "vkey"
#: The checkpoint that a run is on its way to, kept so that the next one cannot be shown another history.
_NEXT: Final = "next"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Mirrored:
    """How much of a log is mirrored now, and how much that was before."""

    origin: str
    size: int
    before: int


def mirror(witness: Witness, origin: str, progress: Progress, *, bytes_max: int = RUN_BYTES_MAX) -> Mirrored:
    """Bring the mirror of a log to what the log serves now.

    Raises NotFoundError for a log without an address in the policy, ConflictError where it is being mirrored already,
    UnavailableError where the log does not answer, LimitError where more is left than one run fetches, and
    IntegrityError, with an alarm kept where there is evidence, for anything that is not what was signed or does not
    continue what was mirrored or cosigned.
    """
    address = next((each.url for each in witness.policy.logs if each.verifier.name == origin and each.url), None)
    if address is None:
        raise NotFoundError(
            "The policy has no address for this log. Write it behind the log's key.",
            "信任策略中没有该日志的地址。请写在日志公钥之后。",
        )
    with held(witness.directory, origin, "mirror", waits=False):
        mirrored = mirrored_of(witness.directory, origin)
        source = _Source(Remote(address, seconds_max=_FETCH_SECONDS_MAX), bytes_max)
        try:
            return _Run(witness, mirrored, source, progress).go(origin)
        finally:
            source.close()


class _Source:
    """What a log serves, each file bounded, and all together."""

    def __init__(self, remote: Remote, bytes_max: int) -> None:
        self._remote = remote
        self._left = bytes_max

    def close(self) -> None:
        self._remote.close()

    def file(self, path: str, bytes_max: int) -> bytes | None:
        """Return a file, None where the log does not serve it."""
        if self._left <= 0:
            raise LimitError(
                "One run does not fetch more. What was fetched is kept; run it again to go on.",
                "单次运行不再获取更多内容。已获取部分已保存；请再次运行以继续。",
            )
        # Hashes do not compress: packed, they are a little longer than they are.
        reply = self._remote.ask("GET", f"/{path}", bytes_max=bytes_max + bytes_max // 1024 + 64)
        self._left -= max(1, len(reply.body))
        if reply.status != _OK:
            return None
        if reply.encoding == "identity" and len(reply.body) <= bytes_max:
            return reply.body
        # The specification lets a log compress without being asked to.
        try:
            unpacking = zlib.decompressobj(_GZIP)
            found = unpacking.decompress(reply.body, bytes_max)
        except zlib.error as error:
            raise _not_served() from error
        if reply.encoding != "gzip" or not unpacking.eof or unpacking.unconsumed_tail:
            raise _not_served()
        return found

    def tile(self, level: int | str, index: int, wide: int, bytes_max: int) -> bytes:
        """Return a tile or bundle; a partial one may be gone, and the full one stands for it."""
        found = self.file(tile_path(level, index, wide), bytes_max)
        if found is None and wide != TILE_WIDTH:
            found = self.file(tile_path(level, index), bytes_max)
        if found is None:
            raise _not_served()
        return found


class _Tiles:
    """The tiles of a log under one signed root; what does not belong to it is not handed out."""

    def __init__(self, checkpoint: Checkpoint, source: _Source, files: LogFiles) -> None:
        self._checkpoint = checkpoint
        self._source = source
        self._files = files
        self._known: dict[tuple[int, int], list[bytes]] = {}
        level = 0
        while size := checkpoint.size >> (8 * level):
            if wide := size % TILE_WIDTH:
                index = size // TILE_WIDTH
                tile = source.tile(level, index, wide, TILE_WIDTH * HASH_BYTES)
                self._known[level, index] = tile_hashes(tile)[:wide]
            level += 1
        # The root is made of the tiles at the right edge, of every hash in them and of nothing else.
        if Tree(checkpoint.size, self.read).root() != checkpoint.root:
            raise _not_what_was_signed()

    def hashes(self, level: int, index: int) -> list[bytes]:
        """Return the hashes of a tile."""
        found = self._known.get((level, index))
        if found is None:
            above = self.hashes(level + 1, index // TILE_WIDTH)[index % TILE_WIDTH]
            own = self._files.read(tile_path(level, index))
            found = [] if own is None else tile_hashes(own)
            if len(found) != TILE_WIDTH or perfect(found) != above:
                found = tile_hashes(self._source.tile(level, index, TILE_WIDTH, TILE_WIDTH * HASH_BYTES))
            if len(found) != TILE_WIDTH or perfect(found) != above:
                raise _not_what_was_signed()
            if level:  # one in 256 is worth remembering; the lowest are each needed once
                self._known[level, index] = found
        return found

    def read(self, level: int, index: int, wide: int) -> bytes:
        """Return a tile as a tree reads it."""
        return b"".join(self.hashes(level, index)[:wide])


class _Run:
    """One run of mirroring one log."""

    def __init__(self, witness: Witness, mirrored: MirroredLog, source: _Source, progress: Progress) -> None:
        self._witness = witness
        self._mirrored = mirrored
        self._files = mirrored.files
        self._source = source
        self._progress = progress

    def go(self, origin: str) -> Mirrored:
        served = self._source.file(CHECKPOINT, NOTE_BYTES_MAX)
        if served is None:
            raise _not_served()
        checkpoint, note, lines = self._witness.policy.opened(served)
        if checkpoint.origin != origin:
            raise IntegrityError("The address serves another log.", "该地址提供的是另一日志。")
        evidence = f"{note.text}\n{''.join(lines.values())}".encode()
        before = self._mirrored.checkpoint
        if before is not None:
            self._not_less(checkpoint, evidence, before)
        if before is None or checkpoint.size > before.size:
            tiles = _Tiles(checkpoint, self._source, self._files)
            self._continues(tiles, checkpoint, evidence)
            self._files.write(_NEXT, evidence)
            self._files.settle()
            self._fetch(tiles, checkpoint, before.size if before else 0)
            self._files.write(_VKEY, f"{next(iter(lines)).as_vkey()}\n".encode())
            self._files.publish(served)
            self._files.sweep(before.size if before else 0, checkpoint.size)
        self._reconsider(origin)
        self._progress(checkpoint.size, checkpoint.size)
        return Mirrored(origin, checkpoint.size, before.size if before else 0)

    def _not_less(self, checkpoint: Checkpoint, evidence: bytes, before: Checkpoint) -> None:
        """Raise IntegrityError where the log serves less than was mirrored of it, or another root for the same."""
        if checkpoint.size > before.size or checkpoint == before:
            return
        alarms, at, mirrored = self._witness.alarms, self._witness.clock(), self._mirrored
        if checkpoint.size == before.size:
            alarms.keep(AlarmKind.FORK, evidence, mirrored.note, at, proven=True)
        elif (proof := mirrored.against(checkpoint)) is not None:
            alarms.keep(AlarmKind.FORK, evidence, mirrored.note, at, proven=True, proof=proof)
        else:
            alarms.keep(AlarmKind.ROLLBACK, evidence, mirrored.note, at, proven=False)
            raise _less()
        raise _forked()

    def _continues(self, tiles: _Tiles, checkpoint: Checkpoint, evidence: bytes) -> None:
        """Raise IntegrityError, with the proof kept, where a log does not continue what was seen of it before."""
        tree = Tree(checkpoint.size, tiles.read)
        cosigned = latest(self._witness.directory, checkpoint.origin, self._witness.signer.verifier)
        before = self._files.read(_NEXT)
        for note in (self._mirrored.note, before, cosigned.note if cosigned else None):
            if not note:
                continue
            seen, at = Checkpoint.parse(Note.parse(note).text), self._witness.clock()
            if seen.size <= checkpoint.size:
                proof = tree.consistency(seen.size)
                if not extends(seen.size, seen.root, checkpoint.size, checkpoint.root, proof):
                    self._witness.alarms.keep(AlarmKind.FORK, evidence, note, at, proven=True, proof=proof)
                    raise _forked()
            elif note is before:
                self._witness.alarms.keep(AlarmKind.ROLLBACK, evidence, note, at, proven=False)
                raise _less()
            # What was cosigned may be ahead: a log publishes a checkpoint once it has been cosigned.

    def _fetch(self, tiles: _Tiles, checkpoint: Checkpoint, before: int) -> None:
        """Keep every bundle and tile that a log has beyond what was mirrored before."""
        for index in range(before // TILE_WIDTH, -(-checkpoint.size // TILE_WIDTH)):
            self._progress(index * TILE_WIDTH, checkpoint.size)
            hashes = tiles.hashes(0, index)
            if not self._has(index, hashes):
                self._keep(index, hashes)
        level = 1
        while size := checkpoint.size >> (8 * level):
            first = (before >> (8 * level)) // TILE_WIDTH
            for index in range(first, -(-size // TILE_WIDTH)):
                wide = width(checkpoint.size, level, index)
                self._files.write(tile_path(level, index, wide), tiles.read(level, index, wide))
            level += 1
        self._files.settle()
        if self._files.tree(checkpoint.size).root() != checkpoint.root:
            raise _not_what_was_signed()

    def _has(self, index: int, hashes: list[bytes]) -> bool:
        """Return whether a bundle and its tile are there as they should be."""
        if self._files.read(tile_path(0, index, len(hashes))) != b"".join(hashes):
            return False
        try:
            return [leaf_hash(each) for each in self._files.entries(index, len(hashes))] == hashes
        except CountenanceError:
            return False

    def _keep(self, index: int, hashes: list[bytes]) -> None:
        wide = len(hashes)
        bundle = self._source.tile(ENTRIES, index, wide, _BUNDLE_BYTES_MAX)
        end, found = 0, []
        try:
            for entry in unbundled(bundle):
                found.append(leaf_hash(entry))
                end += 2 + len(entry)
                if len(found) == wide:  # a full bundle may stand for the partial one
                    break
        except CountenanceError as error:
            raise _not_what_was_signed() from error
        if found != hashes:
            raise _not_what_was_signed()
        self._files.write(tile_path(ENTRIES, index, wide), bundle[:end])
        self._files.write(tile_path(0, index, wide), b"".join(hashes))
        self._files.settle()

    def _reconsider(self, origin: str) -> None:
        """Take back the alarms that turned out to be of the one history, and prove those that did not."""
        mirrored = mirrored_of(self._witness.directory, origin)
        alarms = self._witness.alarms
        for alarm in alarms.listed(origin):
            offending = alarm.checkpoint()
            if alarm.proven or not mirrored.decides(offending):
                continue
            if (proof := mirrored.against(offending)) is not None:
                evidence = (alarm.folder / "offending").read_bytes()
                at = self._witness.clock()
                alarms.keep(AlarmKind.FORK, evidence, mirrored.note, at, proven=True, proof=proof)
            else:
                alarms.withdraw(alarm)


def mirror_all(witness: Witness, progress: Progress) -> dict[str, Mirrored | CountenanceError]:
    """Mirror every log that the policy has an address for, one after the other, and return what came of each."""
    found: dict[str, Mirrored | CountenanceError] = {}
    for origin in dict.fromkeys(each.verifier.name for each in witness.policy.logs if each.url):
        try:
            found[origin] = mirror(witness, origin, progress)
        except CountenanceError as error:
            found[origin] = error
    return found


def _not_served() -> UnavailableError:
    return UnavailableError(
        "The log does not serve a file that it should have. What was mirrored stays; try again later.",
        "日志未提供应有的文件。已镜像的内容保持不变；请稍后重试。",
    )


def _not_what_was_signed() -> IntegrityError:
    return IntegrityError(
        "What the log serves is not what it signed: nothing of that is kept. Ask its operator.",
        "日志提供的内容与其签署内容不符：均未保存。请询问其运营方。",
    )


def _less() -> IntegrityError:
    return IntegrityError(
        "The log serves less than was seen of it: it was put back, or an old copy is served. What was mirrored stays; "
        "ask its operator.",
        "日志提供的内容少于此前所见：日志曾被回退，或提供的是旧副本。镜像保持不变；请询问其运营方。",
    )


def _forked() -> IntegrityError:
    return IntegrityError(
        "The log has two histories: it signed two checkpoints of which only one can be true. Both are kept in alarms.",
        "日志存在两个历史：其签署了两个不能同时成立的检查点。二者均已保存在 alarms 中。",
    )
