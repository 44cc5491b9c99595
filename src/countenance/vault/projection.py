"""The enrolment database in memory: one partition per operator and purpose, searched exactly.

The database is authoritative and this is a disposable copy: what a search finds is looked up again, in the
transaction of the decision, before anybody is named. A partition never mixes models, purposes or operators.
"""

import mmap
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
import simsimd
from numpy.typing import NDArray

from countenance.errors import IntegrityError

_ROWS_AT_FIRST: Final = 256
#: Partitions with room for so many rows are searched by codes first; smaller ones are as fast without.
_ROWS_CODED: Final = 4096
_ROWS_AT_ONCE: Final = 65_536
_CODE_MAX: Final = 127.0
_STEP_MIN: Final = 1e-6
#: Where codes leave more than one row in so many, scoring all at once is faster.
_FEW: Final = 8
#: More than rounding in float32 can make of a score or a distance of about one.
_ROUNDING: Final = 1e-5
#: A partition is written again without its holes when more than this share of it is holes.
_HOLES_MAX: Final = 0.25
#: So many of the most alike rows are looked through for each candidate wanted, as one subject has several references.
_ROWS_A_CANDIDATE: Final = 32


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best reference at or above a threshold, and whose it is."""

    subject_id: UUID
    reference_id: UUID


Numbers = NDArray[np.float32]
Rows = NDArray[np.intp]


def _pages(rows: int, dimension: int) -> Numbers:
    """Return room for so many rows, in pages of their own: when they go, the system has them back, and no residue."""
    pages = mmap.mmap(-1, rows * dimension * np.dtype(np.float32).itemsize)
    return np.frombuffer(pages, np.float32).reshape(rows, dimension)


class _Codes:
    """Rows of 8-bit whole numbers that stand for features, with how far the worst of them is from what it stands for.

    Features are counted from their centre in steps. A search over codes finds every row that a search over the features
    would find, because the distance between two codes differs from that of the features by no more than both errors.
    """

    def __init__(self, features: Numbers, rows: int) -> None:
        """Make codes of the first `rows` features, with room for all."""
        held = features[:rows]
        self.centre = held.mean(0, dtype=np.float64) if rows else np.zeros(features.shape[1])
        farthest = np.maximum(held.max(0) - self.centre, self.centre - held.min(0)).max() if rows else 0.0
        self.step = max(float(farthest), _STEP_MIN) / _CODE_MAX
        self.codes = np.zeros(features.shape, np.int8)
        self.error = 0.0
        for at in range(0, rows, _ROWS_AT_ONCE):
            self.put(slice(at, min(rows, at + _ROWS_AT_ONCE)), held[at : at + _ROWS_AT_ONCE])

    def of(self, features: Numbers) -> tuple[NDArray[np.int8], float]:
        """Return the codes of features, a row for each, and the error of the worst."""
        from_centre = features.astype(np.float64) - self.centre
        codes = np.clip(np.rint(from_centre / self.step), -_CODE_MAX, _CODE_MAX)
        return codes.astype(np.int8), float(np.linalg.norm(from_centre - codes * self.step, axis=1).max(initial=0.0))

    def put(self, where: slice, features: Numbers) -> None:
        """Keep the codes of features in some rows."""
        self.codes[where], error = self.of(features)
        self.error = max(self.error, error)

    def near(self, rows: int, probe: Numbers, reach: float) -> NDArray[np.intp]:
        """Return which of the first `rows` may lie within reach of the probe, and all that do."""
        code, error = self.of(probe[None])
        limit = ((reach + self.error + error) * (1 + _ROUNDING) / self.step) ** 2
        apart, found = np.empty((1, min(rows, _ROWS_AT_ONCE)), np.float32), []
        for at in range(0, rows, _ROWS_AT_ONCE):  # as many as the processor's cache holds the distances of
            some = self.codes[at : min(rows, at + _ROWS_AT_ONCE)]
            simsimd.cdist(code, some, metric="sqeuclidean", out=apart[:, : len(some)])
            found.append(at + np.flatnonzero(apart[0, : len(some)] <= limit))
        return np.concatenate(found)


class _Partition:
    """Rows of features with their squared lengths; a freed row is overwritten and can never be best."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.features = _pages(_ROWS_AT_FIRST, dimension)
        self.squares = np.full(_ROWS_AT_FIRST, np.inf, np.float32)
        self.codes: _Codes | None = None
        self.owners: list[Candidate | None] = []
        self.holes = 0
        self.rows_of: dict[UUID, list[int]] = {}

    def add(self, owners: Sequence[Candidate], numbers: Numbers) -> None:
        """Take a row for each reference; one that is held already stays as it is."""
        fresh = [at for at, owner in enumerate(owners) if not self._holds(owner)]
        first, last = len(self.owners), len(self.owners) + len(fresh)
        while last > len(self.squares):
            self._write_again(slice(first), first, 2 * len(self.squares))
        rows = slice(first, last)
        np.take(numbers, fresh, axis=0, out=self.features[rows], mode="clip")  # any other mode makes a copy on the way
        self.squares[rows] = np.einsum("ij,ij->i", self.features[rows], self.features[rows])
        if self.codes is not None:
            self.codes.put(rows, self.features[rows])
        for row, at in enumerate(fresh, first):
            self.owners.append(owners[at])
            self.rows_of.setdefault(owners[at].subject_id, []).append(row)

    def _holds(self, owner: Candidate) -> bool:
        rows = self.rows_of.get(owner.subject_id)
        return rows is not None and any(self.owners[row] == owner for row in rows)

    def discard(self, owner: Candidate) -> None:
        """Free the row of one reference."""
        for row in self.rows_of.get(owner.subject_id, []):
            if self.owners[row] == owner:
                self.squares[row] = np.inf
                self.features[row] = 0.0
                if self.codes is not None:
                    self.codes.codes[row] = 0
                self.owners[row] = None
                self.holes += 1
        held = [row for row in self.rows_of.pop(owner.subject_id, []) if self.owners[row] is not None]
        if held:
            self.rows_of[owner.subject_id] = held
        if self.holes > max(_ROWS_AT_FIRST, _HOLES_MAX * len(self.owners)):
            self._close_holes()

    def _write_again(self, kept: slice | list[int], count: int, rows: int) -> None:
        """Write `count` rows kept into new arrays with room for `rows`; a search under way keeps the old ones."""
        features = _pages(rows, self.dimension)
        squares = np.full(rows, np.inf, np.float32)
        features[:count], squares[:count] = self.features[kept], self.squares[kept]
        self.features, self.squares = features, squares
        self.codes = _Codes(features, count) if rows >= _ROWS_CODED else None

    def _close_holes(self) -> None:
        """Write the partition again without its holes."""
        kept = [row for row, owner in enumerate(self.owners) if owner is not None]
        self._write_again(kept, len(kept), max(_ROWS_AT_FIRST, 2 * len(kept)))
        self.owners = [self.owners[row] for row in kept]
        self.holes = 0
        self.rows_of = {}
        for row, owner in enumerate(self.owners):
            if owner is not None:
                self.rows_of.setdefault(owner.subject_id, []).append(row)


def _near(features: Numbers, squares: Numbers, codes: _Codes | None, probe: Numbers, score_min: float) -> Rows:
    """Return the rows that may score `score_min`, and all that do: by codes where there are some, else by features."""
    rows = len(squares)
    if codes is not None:
        near = codes.near(rows, probe, max(0.0, -score_min) ** 0.5)
        if len(near) <= rows // _FEW:
            return near
    scores = features @ probe
    scores *= 2.0
    scores -= squares
    slack = _ROUNDING * (1.0 + float(np.dot(probe, probe)))
    # `>=` is false for a score that is not a number, so such a score is never among them.
    return np.flatnonzero(scores >= score_min + np.dot(probe, probe) - slack)


class Room:
    """Rows for somebody who reads very many references to write into; wiped when they are taken over."""

    def __init__(self, rows: int, dimension: int) -> None:
        """Make room for so many rows."""
        self.numbers = np.zeros((rows, dimension), np.float32)

    def row(self, at: int) -> memoryview:
        """Return the bytes of one row, to be written."""
        return memoryview(self.numbers[at]).cast("B")


class Projection:
    """Every partition of one model; safe to search from many threads while rows come and go."""

    def __init__(self, model_id: str, dimension: int) -> None:
        """Hold nothing yet; `dimension` is how many numbers one reference has."""
        self.model_id = model_id
        self._dimension = dimension
        self._partitions: dict[tuple[str, str], _Partition] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return how many references are held."""
        with self._lock:
            return sum(sum(map(len, part.rows_of.values())) for part in self._partitions.values())

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse to be pickled: references may not leave the process."""
        raise TypeError

    def add(self, operator_id: str, purpose: str, owner: Candidate, numbers: Numbers) -> None:
        """Add one reference; raises IntegrityError for numbers of another size, or not finite."""
        self.add_all(operator_id, purpose, [(owner, numbers)])

    def add_all(self, operator_id: str, purpose: str, references: Sequence[tuple[Candidate, Numbers]]) -> None:
        """Add many references of one purpose; raises what `add` raises, and adds none then."""
        rows = np.zeros((len(references), self._dimension), np.float32)
        for row, (_, numbers) in enumerate(references):
            if numbers.shape != (self._dimension,):
                raise _no_template()
            rows[row] = numbers
        self._add_rows(operator_id, purpose, [owner for owner, _ in references], rows)

    def room(self, rows: int) -> Room:
        """Return room for references that `take` takes over."""
        return Room(rows, self._dimension)

    def take(self, operator_id: str, purpose: str, owners: Sequence[Candidate], room: Room) -> None:
        """Add the references that were written into the first rows, one for each owner; raises what `add` raises."""
        self._add_rows(operator_id, purpose, owners, room.numbers[: len(owners)])

    def _add_rows(self, operator_id: str, purpose: str, owners: Sequence[Candidate], rows: Numbers) -> None:
        """Add a row for each owner, or none where one is no reference; the rows are wiped."""
        if not np.isfinite(rows).all() or not rows.any(axis=1).all():
            raise _no_template()
        with self._lock:
            self._partitions.setdefault((operator_id, purpose), _Partition(self._dimension)).add(owners, rows)
        rows.fill(0.0)

    def remove(
        self, operator_id: str, purposes: Sequence[str], subject_id: UUID, reference_ids: Sequence[UUID]
    ) -> None:
        """Forget these references of a subject, wherever among `purposes` they are; a newer one stays."""
        with self._lock:
            for purpose in purposes:
                part = self._partitions.get((operator_id, purpose))
                if part is not None:
                    for reference_id in reference_ids:
                        part.discard(Candidate(subject_id, reference_id))

    def memory(self) -> int:
        """Return how many bytes features and codes take."""
        with self._lock:
            parts = list(self._partitions.values())
            plain = sum(part.features.nbytes + part.squares.nbytes for part in parts)
            return plain + sum(part.codes.codes.nbytes for part in parts if part.codes is not None)

    def held(self, operator_id: str) -> set[tuple[str, Candidate]]:
        """Return purpose and owner of every reference of an operator."""
        with self._lock:
            return {
                (purpose, owner)
                for (operator, purpose), part in self._partitions.items()
                if operator == operator_id
                for owner in part.owners
                if owner is not None
            }

    def count(self, operator_id: str, purpose: str) -> int:
        """Return how many references would be searched."""
        with self._lock:
            part = self._partitions.get((operator_id, purpose))
            return 0 if part is None else sum(map(len, part.rows_of.values()))

    def candidates(self, operator_id: str, purpose: str, probe: Numbers, score_min: float, most: int) -> list[UUID]:
        """Return the subjects whose best reference scores at least `score_min`, the most alike first, `most` of them.

        The score is the negative squared distance to `probe`. The answers are those of an exact search: a first pass
        over 8-bit codes leaves out only what cannot reach the score, and what it leaves is scored in full. Every row is
        touched, whatever is found.
        """
        if not np.isfinite(probe).all():
            return []
        with self._lock:
            part = self._partitions.get((operator_id, purpose))
            if part is None:
                return []
            features, squares = part.features[: len(part.owners)], part.squares[: len(part.owners)]
            owners, codes = part.owners, part.codes  # these only grow, or are replaced as a whole
        if not len(squares):
            return []
        rows = _near(features, squares, codes, probe, score_min)
        scores = -np.square(features[rows].astype(np.float64) - probe).sum(axis=1)
        scores[np.isinf(squares[rows])] = -np.inf
        rows, scores = rows[scores >= score_min], scores[scores >= score_min]
        if len(rows) > most * _ROWS_A_CANDIDATE:  # more than could be needed: no need to sort them all
            best = np.argpartition(-scores, most * _ROWS_A_CANDIDATE)[: most * _ROWS_A_CANDIDATE]
            rows, scores = rows[best], scores[best]
        found: dict[UUID, None] = {}
        for row in rows[np.argsort(-scores, kind="stable")]:
            owner = owners[row]
            if owner is not None:
                found.setdefault(owner.subject_id)
            if len(found) == most:
                break
        return list(found)


def _no_template() -> IntegrityError:
    return IntegrityError(
        "A stored template does not have the form of its model. Stop and restore from backup.",
        "已存模板与其模型格式不符。请停止服务并从备份恢复。",
    )
