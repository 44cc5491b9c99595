"""From a detector's output tensors to faces: one function per family of networks.

Every function returns n × 15 float64 rows: left, top, right, bottom, score, then five points (x, y): the eye on the
left of the picture, the eye on the right, nose, mouth corner left, mouth corner right; all in pixels of the canvas.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from countenance.errors import MalformedError

Rows = npt.NDArray[np.float64]
Outputs = Sequence[npt.NDArray[np.float32]]

ROW: Final = 15
#: More peaks than this come from noise; the best are kept, so that no picture makes the suppression slow.
PEAKS_MAX: Final = 512
_STRIDE: Final = 4
_YUNET_STRIDES: Final = (8, 16, 32)
#: The logarithm of a size: beyond it the exponential leaves every canvas.
_LOG_SIZE_MAX: Final = 10.0


def _unfit() -> MalformedError:
    return MalformedError(
        "The detector's outputs are not those of the family its card names; correct the card.",
        "检测网络的输出与模型卡所写类别不符；请更正模型卡。",
    )


def centerface(outputs: Outputs, shape: tuple[int, int], score_min: float) -> Rows:
    """Decode CenterFace (Xu et al. 2019): heat map, log size, offset and landmarks at stride 4."""
    height, width = shape[0] // _STRIDE, shape[1] // _STRIDE
    if [one.shape for one in outputs] != [(1, channels, height, width) for channels in (1, 2, 2, 10)]:
        raise _unfit()
    heat, size, offset, points = (one[0].astype(np.float64) for one in outputs)
    row, column = np.nonzero(heat[0] > score_min)
    score = heat[0, row, column]
    best = np.argsort(-score, kind="stable")[:PEAKS_MAX]
    row, column, score = row[best], column[best], score[best]
    tall = np.exp(np.minimum(size[0, row, column], _LOG_SIZE_MAX)) * _STRIDE
    wide = np.exp(np.minimum(size[1, row, column], _LOG_SIZE_MAX)) * _STRIDE
    left = (column + offset[1, row, column] + 0.5) * _STRIDE - wide / 2
    top = (row + offset[0, row, column] + 0.5) * _STRIDE - tall / 2
    rows = [left, top, left + wide, top + tall, score]
    for point in range(5):
        rows.append(points[2 * point + 1, row, column] * wide + left)
        rows.append(points[2 * point, row, column] * tall + top)
    return np.stack(rows, axis=1)


def yunet(outputs: Outputs, shape: tuple[int, int], score_min: float) -> Rows:
    """Decode YuNet (Wu et al. 2023): class, objectness, box and points at strides 8, 16 and 32."""
    if len(outputs) != 4 * len(_YUNET_STRIDES):
        raise _unfit()
    found = []
    for level, stride in enumerate(_YUNET_STRIDES):
        height, width = shape[0] // stride, shape[1] // stride
        kind, present, box, points = (outputs[level + 3 * part].reshape(height * width, -1).astype(np.float64)
                                      for part in range(4))  # fmt: skip
        if (kind.shape[1], present.shape[1], box.shape[1], points.shape[1]) != (1, 1, 4, 10):
            raise _unfit()
        score = np.sqrt(np.clip(kind[:, 0], 0, 1) * np.clip(present[:, 0], 0, 1))
        at = np.nonzero(score > score_min)[0]
        row, column = at // width, at % width
        size = np.exp(np.minimum(box[at, 2:], _LOG_SIZE_MAX)) * stride
        middle = np.stack([column, row], axis=1) * stride + box[at, :2] * stride
        moved = points[at] * stride + np.tile(np.stack([column, row], axis=1) * stride, 5)
        found.append(np.hstack([middle - size / 2, middle + size / 2, score[at, None], moved]))
    rows: Rows = np.concatenate(found)
    return rows[np.argsort(-rows[:, 4], kind="stable")[:PEAKS_MAX]]


FAMILIES: Final[Mapping[str, Callable[[Outputs, tuple[int, int], float], Rows]]] = {
    "centerface": centerface,
    "yunet": yunet,
}


def without_overlap(rows: Rows, overlap_max: float) -> Rows:
    """Keep the best of rows whose boxes overlap more than `overlap_max` (area of both over area of either)."""
    rows = rows[np.isfinite(rows).all(axis=1)]
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    kept: list[int] = []
    areas = (rows[:, 2] - rows[:, 0]) * (rows[:, 3] - rows[:, 1])
    waiting = np.arange(len(rows))
    while waiting.size:
        best, rest = waiting[0], waiting[1:]
        kept.append(int(best))
        low = np.maximum(rows[best, :2], rows[rest, :2])
        high = np.minimum(rows[best, 2:4], rows[rest, 2:4])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        waiting = rest[shared <= overlap_max * (areas[best] + areas[rest] - shared)]
    return rows[kept]
