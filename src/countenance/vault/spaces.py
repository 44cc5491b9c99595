"""A space of its own for each operator's features: a secret motion, so that templates of two operators do not compare.

A rotation and a shift keep every distance within one operator, and put features of the same person at two operators as
far apart as those of two strangers (the *unlinkability* that ISO/IEC 24745 asks of protected templates). The motion is
kept sealed and not made again from a seed: another version of a library would make another one.
"""

import secrets
import threading
from typing import Final, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from countenance.errors import IntegrityError

Numbers = NDArray[np.float32]

#: A stored matrix that is farther from a rotation than rounding explains was not made here.
_OFF_MAX: Final = 1e-4
#: How long the shift is. Features of the usual models are about one long, and the length of what is shifted as far as
#: this says little of the length that it had.
_SHIFT: Final = 4.0


class Space:
    """One operator's motion for the features of one model; it does not print, pickle or turn into JSON."""

    __slots__ = ("_rotation", "_shift", "name")

    def __init__(self, name: str, rotation: Numbers, shift: Numbers) -> None:
        """Hold a square matrix and a shift; raises IntegrityError where the matrix is no rotation."""
        held, exact = np.array(rotation, np.float32), np.array(rotation, np.float64)
        off = np.abs(exact @ exact.T - np.eye(len(exact))).max(initial=0.0) if exact.ndim > 1 else np.inf
        if not off < _OFF_MAX or shift.shape != (len(held),) or not np.isfinite(shift).all():
            raise _no_space()
        self.name = name
        self._rotation = held
        self._shift = np.array(shift, np.float32)

    @classmethod
    def made(cls, name: str, dimension: int) -> Self:
        """Draw a rotation evenly from all there are (Haar measure, by QR of Gaussian numbers; Mezzadri 2007)."""
        drawing = np.random.default_rng(secrets.randbits(256))
        q, r = np.linalg.qr(drawing.standard_normal((dimension, dimension)))
        shift = drawing.standard_normal(dimension)
        shift *= _SHIFT / np.linalg.norm(shift)
        return cls(name, (q * np.sign(np.diag(r))).astype(np.float32), shift.astype(np.float32))

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> Self:
        """Read what `to_bytes` wrote; raises IntegrityError where it is nothing of the kind."""
        side = int(np.sqrt(len(data) // 4))
        if not side or len(data) != 4 * side * (side + 1):
            raise _no_space()
        rows = np.frombuffer(data, "<f4").reshape(side + 1, side).astype(np.float32)
        return cls(name, rows[:side], rows[side])

    def to_bytes(self) -> bytes:
        """Return the motion to be sealed: little-endian float32, the matrix row by row, then the shift."""
        return np.vstack([self._rotation, self._shift]).astype("<f4").tobytes()

    def turned(self, numbers: Numbers) -> Numbers:
        """Return features, one face or a row for each, as they are in this space."""
        return (numbers @ self._rotation + self._shift).astype(np.float32)

    def centred(self, turned: Numbers) -> Numbers:
        """Return features that are in this space without its shift, as long as the model gave them."""
        return (turned.astype(np.float64) - self._shift).astype(np.float32)

    def __repr__(self) -> str:
        """Say how many numbers it moves and nothing else."""
        return f"<Space {len(self._shift)}>"

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: it is a key of a kind."""
        raise TypeError


class Spaces:
    """The spaces that were opened, by operator and model."""

    def __init__(self) -> None:
        """Hold none yet."""
        self._held: dict[tuple[str, str], Space] = {}
        self._lock = threading.Lock()

    def find(self, operator_id: str, model_id: str) -> Space | None:
        """Return the space if it was opened."""
        with self._lock:
            return self._held.get((operator_id, model_id))

    def keep(self, operator_id: str, model_id: str, space: Space) -> Space:
        """Hold a space that was opened, and return the one that is held."""
        with self._lock:
            return self._held.setdefault((operator_id, model_id), space)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled."""
        raise TypeError


def _no_space() -> IntegrityError:
    return IntegrityError(
        "The operator's space is damaged, so its templates cannot be compared. Restore it from backup.",
        "运营者的特征空间已损坏，模板无法比对。请从备份恢复。",
    )
