"""The similarity transform from a face's landmarks to a square chip, fitted by least squares, and the warp by it."""

import numpy as np
import numpy.typing as npt
from PIL import Image

Points = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]


def similarity(source: Points, target: Points) -> Points:
    """Return the 2 × 3 matrix (scale, turn, shift; no mirror) that best moves `source` onto `target`, n × 2 each.

    Closed form of the least squares with complex numbers; equal to Umeyama (1991) where the best fit has no mirror.
    """
    a = source[:, 0] + 1j * source[:, 1]
    b = target[:, 0] + 1j * target[:, 1]
    middle_a, middle_b = a.mean(), b.mean()
    a, b = a - middle_a, b - middle_b
    spread = float((a * a.conj()).real.sum())
    factor = complex((b * a.conj()).sum() / spread) if spread > 0 else 1 + 0j
    shift = middle_b - factor * middle_a
    return np.array([[factor.real, -factor.imag, shift.real], [factor.imag, factor.real, shift.imag]])


def scale_of(matrix: Points) -> float:
    """Return how much a similarity matrix enlarges."""
    return float(np.hypot(matrix[0, 0], matrix[1, 0]))


def moved(matrix: Points, points: Points) -> Points:
    """Return the points (n × 2) moved by a 2 × 3 matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def inverse(matrix: Points) -> Points:
    """Return the 2 × 3 matrix of the opposite move."""
    turned = np.linalg.inv(matrix[:, :2])
    return np.hstack([turned, -turned @ matrix[:, 2:]])


def warp(pixels: Pixels, matrix: Points, side: int) -> Pixels:
    """Return the side × side chip whose coordinates are `matrix` applied to those of `pixels` (height × width × 3).

    Where the chip is much smaller than what it shows, the region is first reduced by whole factors, so that nothing
    aliases; then it is sampled bilinearly. Outside the picture is black.
    """
    back = inverse(matrix)
    corners = moved(back, np.array([[0, 0], [side, 0], [0, side], [side, side]], np.float64))
    left, top = np.floor(corners.min(0)).astype(int) - 2
    right, bottom = np.ceil(corners.max(0)).astype(int) + 2
    height, width = pixels.shape[:2]
    left, top, right, bottom = max(left, 0), max(top, 0), min(right, width), min(bottom, height)
    if right <= left or bottom <= top:
        return np.zeros((side, side, 3), np.uint8)
    region = Image.fromarray(pixels[top:bottom, left:right])
    factor = max(1, int(scale_of(back)))
    if factor > 1:
        region = region.reduce(factor)
    a, b, c = back[0]
    d, e, f = back[1]
    numbers = (a / factor, b / factor, (c - left) / factor, d / factor, e / factor, (f - top) / factor)
    chip = region.transform((side, side), Image.Transform.AFFINE, numbers, Image.Resampling.BILINEAR)
    return np.asarray(chip)
