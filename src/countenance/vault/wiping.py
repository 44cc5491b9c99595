"""Arrays that leave nothing behind: what numbers of a face lie in is written over when it goes."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Kind = TypeVar("_Kind", bound=np.generic)


class _Wiping(np.ndarray):
    """An array that writes zeros over its numbers when it goes; what is computed of it does the same."""

    def __del__(self) -> None:
        """Wipe what is this array's own; a view leaves that to whose it is."""
        if self.flags.owndata:
            self.setflags(write=True)
            self.fill(0)


def wiping(numbers: npt.ArrayLike, kind: type[_Kind]) -> npt.NDArray[_Kind]:
    """Return a copy of numbers that is written over when it goes, so that memory given back holds no template."""
    given = np.asarray(numbers)
    held = _Wiping(given.shape, np.dtype(kind))
    held[...] = given
    return held
