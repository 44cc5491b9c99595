"""The enrolment database in memory: one partition per operator and purpose, searched exactly.

The database is authoritative and this is a disposable copy: what a search finds is looked up again, in the
transaction of the decision, before anybody is named. A partition never mixes models, purposes or operators.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from countenance.errors import IntegrityError

_ROWS_AT_FIRST: Final = 256
#: A partition is written again without its holes when more than this share of it is holes.
_HOLES_MAX: Final = 0.25
#: So many of the most alike rows are looked through for each candidate wanted, as one subject has several references.
_ROWS_A_CANDIDATE: Final = 32


@dataclass(frozen=True, slots=True)
class Candidate:
    """The best reference at or above a threshold, and whose it is."""

    subject_id: UUID
    reference_id: UUID


Add = Callable[[str, str, Candidate, NDArray[np.float32]], None]


class _Partition:
    """Rows of features with their squared lengths; a freed row is overwritten and can never be best."""

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.features = np.zeros((_ROWS_AT_FIRST, dimension), np.float32)
        self.squares = np.full(_ROWS_AT_FIRST, np.inf, np.float32)
        self.owners: list[Candidate | None] = []
        self.holes = 0
        self.rows_of: dict[UUID, list[int]] = {}

    def add(self, numbers: NDArray[np.float32], owner: Candidate) -> None:
        """Take a row for one reference; one that is held already stays as it is."""
        if any(self.owners[row] == owner for row in self.rows_of.get(owner.subject_id, [])):
            return
        row = len(self.owners)
        if row == len(self.squares):
            self._resize(2 * row)
        self.features[row] = numbers
        self.squares[row] = np.dot(numbers, numbers)
        self.owners.append(owner)
        self.rows_of.setdefault(owner.subject_id, []).append(row)

    def discard(self, owner: Candidate) -> None:
        """Free the row of one reference."""
        for row in self.rows_of.get(owner.subject_id, []):
            if self.owners[row] == owner:
                self.squares[row] = np.inf
                self.features[row] = 0.0
                self.owners[row] = None
                self.holes += 1
        held = [row for row in self.rows_of.pop(owner.subject_id, []) if self.owners[row] is not None]
        if held:
            self.rows_of[owner.subject_id] = held
        if self.holes > max(_ROWS_AT_FIRST, _HOLES_MAX * len(self.owners)):
            self._close_holes()

    def _resize(self, rows: int) -> None:
        features = np.zeros((rows, self.dimension), np.float32)
        squares = np.full(rows, np.inf, np.float32)
        held = len(self.owners)
        features[:held], squares[:held] = self.features[:held], self.squares[:held]
        self.features, self.squares = features, squares

    def _close_holes(self) -> None:
        """Write the partition again; a search under way keeps the arrays it began with."""
        kept = [row for row, owner in enumerate(self.owners) if owner is not None]
        rows = max(_ROWS_AT_FIRST, 2 * len(kept))
        features = np.zeros((rows, self.dimension), np.float32)
        squares = np.full(rows, np.inf, np.float32)
        features[: len(kept)], squares[: len(kept)] = self.features[kept], self.squares[kept]
        self.owners = [self.owners[row] for row in kept]
        self.holes = 0
        self.features, self.squares = features, squares
        self.rows_of = {}
        for row, owner in enumerate(self.owners):
            if owner is not None:
                self.rows_of.setdefault(owner.subject_id, []).append(row)


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

    def add(self, operator_id: str, purpose: str, owner: Candidate, numbers: NDArray[np.float32]) -> None:
        """Add one reference; raises IntegrityError for numbers of another size, or not finite."""
        if numbers.shape != (self._dimension,) or not np.isfinite(numbers).all() or not numbers.any():
            raise IntegrityError(
                "A stored template does not have the form of its model. Stop and restore from backup.",
                "已存模板与其模型格式不符。请停止服务并从备份恢复。",
            )
        with self._lock:
            part = self._partitions.setdefault((operator_id, purpose), _Partition(self._dimension))
            part.add(numbers, owner)

    @contextmanager
    def staged(self) -> Iterator[Add]:
        """Yield what adds references for as long as a transaction may still fail: if it does, they go again.

        Added before the commit, while the subject is held, so that a withdrawal that waits for the subject finds them.
        """
        staged: list[tuple[str, str, Candidate]] = []

        def add(operator_id: str, purpose: str, owner: Candidate, numbers: NDArray[np.float32]) -> None:
            self.add(operator_id, purpose, owner, numbers)
            staged.append((operator_id, purpose, owner))

        try:
            yield add
        except BaseException:
            with self._lock:
                for operator_id, purpose, owner in staged:
                    self._partitions[operator_id, purpose].discard(owner)
            raise

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

    def candidates(
        self, operator_id: str, purpose: str, probe: NDArray[np.float32], score_min: float, most: int
    ) -> list[UUID]:
        """Return the subjects whose best reference scores at least `score_min`, the most alike first, `most` of them.

        The score is the negative squared distance to `probe`. The comparison is exact: one product of the partition
        with the probe, which touches every row whatever is found.
        """
        if not np.isfinite(probe).all():
            return []
        with self._lock:
            part = self._partitions.get((operator_id, purpose))
            if part is None:
                return []
            features, squares = part.features[: len(part.owners)], part.squares[: len(part.owners)]
            owners = part.owners  # only grows, or is replaced as a whole
        if not len(squares):
            return []
        scores = features @ probe
        scores *= 2.0
        scores -= squares
        scores -= np.dot(probe, probe)
        # `>=` is false for a score that is not a number, so such a score is never among them.
        rows = np.flatnonzero(scores >= score_min)
        if len(rows) > most * _ROWS_A_CANDIDATE:  # more than could be needed: no need to sort them all
            rows = rows[np.argpartition(-scores[rows], most * _ROWS_A_CANDIDATE)[: most * _ROWS_A_CANDIDATE]]
        found: dict[UUID, None] = {}
        for row in rows[np.argsort(-scores[rows], kind="stable")]:
            owner = owners[row]
            if owner is not None:
                found.setdefault(owner.subject_id)
            if len(found) == most:
                break
        return list(found)
