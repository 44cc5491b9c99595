"""Check a log from its first entry to its last: every tile, the order, the signature, and the bodies beside it."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final

from countenance.errors import CountenanceError
from countenance.log.entries import LogEntry
from countenance.log.notes import Checkpoint, Verifier, opened
from countenance.log.tiles import LogFiles
from countenance.log.tree import EMPTY_ROOT, TILE_WIDTH, leaf_hash, node_hash, perfect, tile_hashes, width

#: An entry may be dated so far before the newest one in front of it: its act began earlier and was done later.
LATE: Final = timedelta(minutes=10)
#: An officer found that the clock had stood ahead; what follows is dated by the right time, before what came in front.
_CLOCK_SET: Final = "clock"


class Flaw(StrEnum):
    """What may be wrong with a log."""

    CHECKPOINT = "checkpoint"
    ROLLBACK = "rollback"
    FORK = "fork"
    MISSING = "missing"
    ENTRY = "entry"
    TILE = "tile"
    ROOT = "root"
    ORDER = "order"
    DUPLICATE = "duplicate"
    BODY = "body"
    LOST = "lost"
    STATE = "state"


@dataclass(slots=True)
class Report:
    """What a check found: of each flaw the first index (None where it has none) and how often it was seen.

    `restored` counts entries whose bodies were lost in restores that say so.
    """

    size: int = 0
    root: bytes = EMPTY_ROOT
    checked: int = 0
    restored: int = 0
    found: dict[Flaw, tuple[int | None, int]] = field(default_factory=dict)

    def add(self, flaw: Flaw, index: int | None = None) -> None:
        """Note a flaw; the first index stays."""
        first, often = self.found.get(flaw, (index, 0))
        self.found[flaw] = (first, often + 1)


@dataclass(frozen=True, slots=True)
class Body:
    """A body beside the log, with what is kept of it for looking up."""

    at: datetime
    kind: str
    digest: bytes
    body: bytes


#: Hands over the bodies in the log's order, None for one that is not there.
Bodies = Iterable[Body | None]
Seen = Callable[[int, Body, dict[str, Any]], None]
Within = Callable[[LogEntry], bool]
Progress = Callable[[int, int], None]


def check(
    files: LogFiles,
    log: Verifier,
    progress: Progress,
    *,
    note: bytes | None = None,
    known: Sequence[Checkpoint] = (),
    bodies: Bodies | None = None,
    seen: Seen | None = None,
    within: Within = lambda entry: True,  # noqa: ARG005 — everything
) -> Report:
    """Return what is wrong with a log, as far as it can be read; nothing is raised for a flaw.

    `note` is the checkpoint to check it under, where that is not the one published now. `known` are checkpoints of this
    log that were kept elsewhere. Each body is handed to `seen` with its index. Bodies of entries that are not `within`
    what was asked about are passed over; the tree is checked whole all the same.
    """
    report, checkpoint = Report(), None
    note = files.checkpoint() if note is None else note
    try:
        checkpoint = None if note is None else opened(note, log)[0]
    except CountenanceError:
        checkpoint = None
    if checkpoint is None:
        report.add(Flaw.CHECKPOINT)
        return report
    report.size, report.root = checkpoint.size, checkpoint.root
    kept = {each.size: each.root for each in known}
    for size in sorted(kept):
        if size > checkpoint.size:
            report.add(Flaw.ROLLBACK, checkpoint.size)
    walk = _Walk(report, kept)
    beside = _Beside(report, bodies, seen, within)
    for index in range(-(-checkpoint.size // TILE_WIDTH)):
        progress(index * TILE_WIDTH, checkpoint.size)
        wide = width(checkpoint.size, 0, index)
        entries = _entries(files, index, wide)
        for place, entry in enumerate(entries):
            read = walk.take(entry)
            beside.take(index * TILE_WIDTH + place, read)
        report.checked += len(entries)
        whole = len(entries) == wide
        walk.compare(files, last=not whole or report.checked == checkpoint.size)
        if not whole:
            report.add(Flaw.MISSING, report.checked)
            return report
    walk.end(checkpoint)
    beside.end()
    progress(checkpoint.size, checkpoint.size)
    return report


class _Walk:
    """Goes through the entries, and hashes them as the tree does."""

    def __init__(self, report: Report, kept: dict[int, bytes]) -> None:
        self._report = report
        self._kept = kept
        self._digests: set[bytes] = set()
        self._newest: datetime | None = None
        self._size = 0
        self._levels: list[list[bytes]] = [[]]
        self._full = [0]  # so many tiles of each level are behind
        self._roots: list[tuple[int, bytes]] = []  # of full subtrees: how high, and their hash

    def take(self, entry: bytes) -> LogEntry | None:
        """Take the next entry, and return it read, None where it is none."""
        index, leaf = self._size, leaf_hash(entry)
        self._levels[0].append(leaf)
        _push(self._roots, 0, leaf)
        self._size += 1
        if (root := self._kept.get(self._size)) is not None and root != _fold(self._roots):
            self._report.add(Flaw.FORK)
        try:
            read = LogEntry.parse(entry)
        except CountenanceError:
            self._report.add(Flaw.ENTRY, index)
            return None
        if read.digest in self._digests:
            self._report.add(Flaw.DUPLICATE, index)
        self._digests.add(read.digest)
        if self._newest is not None and read.kind != _CLOCK_SET and read.at < self._newest - LATE:
            self._report.add(Flaw.ORDER, index)
        self._newest = read.at if self._newest is None or read.kind == _CLOCK_SET else max(self._newest, read.at)
        return read

    def compare(self, files: LogFiles, *, last: bool) -> None:
        """Compare the tiles that became full with this bundle, or with the last one are there, with what was hashed."""
        level = 0
        while level < len(self._levels) and (len(self._levels[level]) == TILE_WIDTH or last):
            if hashes := self._levels[level]:
                self._tile(files, level, self._full[level], hashes)
            if len(hashes) == TILE_WIDTH:
                if level + 1 == len(self._levels):
                    self._levels.append([])
                    self._full.append(0)
                self._levels[level + 1].append(perfect(hashes))
                self._levels[level] = []
                self._full[level] += 1
            level += 1

    def _tile(self, files: LogFiles, level: int, place: int, hashes: list[bytes]) -> None:
        first = place * TILE_WIDTH << (8 * level)
        try:
            stored = tile_hashes(files.tile(level, place, width(self._report.size, level, place)))
        except CountenanceError:
            stored = []
        for number, each in enumerate(hashes):
            if number >= len(stored) or stored[number] != each:
                self._report.add(Flaw.TILE, first + (number << (8 * level)))
                return

    def end(self, checkpoint: Checkpoint) -> None:
        """Compare the root, which a changed entry or tile below would only be seen in again."""
        if (
            Flaw.TILE not in self._report.found
            and (_fold(self._roots) if self._size else EMPTY_ROOT) != checkpoint.root
        ):
            self._report.add(Flaw.ROOT)


class _Beside:
    """Compares the bodies beside the log with its entries."""

    def __init__(self, report: Report, bodies: Bodies | None, seen: Seen | None, within: Within) -> None:
        self._report = report
        self._within = within
        self._bodies = None if bodies is None else iter(bodies)
        self._seen = seen
        self._lost: list[int] = []
        self._restored: list[tuple[int, int, int]] = []

    def take(self, index: int, entry: LogEntry | None) -> None:
        if self._bodies is None:
            return
        body = next(self._bodies, None)
        if entry is not None and not self._within(entry):
            return
        if body is None:
            self._lost.append(index)
            return
        fits = entry is not None and (entry.at, entry.kind, entry.digest) == (body.at, body.kind, body.digest)
        said = _read(body) if fits and sha256(body.body).digest() == body.digest else None
        if said is None:
            self._report.add(Flaw.BODY, index)
            return
        if said["kind"] == "backup" and said.get("outcome") == "restored":
            self._explain(index, said)
        if self._seen is not None:
            self._seen(index, body, said)

    def _explain(self, index: int, said: dict[str, Any]) -> None:
        log = said.get("details", {}).get("log")
        if isinstance(log, dict) and type(log.get("from")) is int and type(log.get("to")) is int:
            self._restored.append((log["from"], log["to"], index))

    def end(self) -> None:
        """Tell those that a restore lost, and says so, from those that are lost."""
        for index in self._lost:
            if any(start <= index < before <= told for start, before, told in self._restored):
                self._report.restored += 1
            else:
                self._report.add(Flaw.LOST, index)


def _read(body: Body) -> dict[str, Any] | None:
    """Return what a body says, None where it says another kind or time than is kept of it."""
    try:
        said = json.loads(body.body)
        fits = said["kind"] == body.kind and datetime.fromisoformat(said["at"]) == body.at
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return said if fits and isinstance(said, dict) else None


def _entries(files: LogFiles, index: int, wide: int) -> list[bytes]:
    """Return what can be read of a bundle's entries."""
    found: list[bytes] = []
    try:
        for entry in files.stored_entries(index, wide):
            found.append(entry)  # noqa: PERF402 — what was read before an error stays
    except CountenanceError:
        pass
    return found[:wide]


def _push(roots: list[tuple[int, bytes]], height: int, digest: bytes) -> None:
    """Put a leaf behind full subtrees, and join those that are equally high."""
    while roots and roots[-1][0] == height:
        digest = node_hash(roots.pop()[1], digest)
        height += 1
    roots.append((height, digest))


def _fold(roots: list[tuple[int, bytes]]) -> bytes:
    """Return the root over full subtrees."""
    digest = roots[-1][1]
    for _, left in reversed(roots[:-1]):
        digest = node_hash(left, digest)
    return digest
