"""Photographs for tests: two in the public domain that come with test dependencies, and pictures that are no good."""

import io
from functools import cache

import numpy as np
import skimage.data
from matplotlib.cbook import get_sample_data
from PIL import Image, ImageEnhance, ImageFilter


def jpeg(picture: Image.Image, quality: int = 90) -> bytes:
    """Return a picture as JPEG bytes."""
    into = io.BytesIO()
    picture.convert("RGB").save(into, "JPEG", quality=quality)
    return into.getvalue()


@cache
def _astronaut() -> Image.Image:
    return Image.fromarray(skimage.data.astronaut())


@cache
def _admiral() -> Image.Image:
    with Image.open(str(get_sample_data("grace_hopper.jpg", asfileobj=False))) as picture:
        return picture.convert("RGB")


@cache
def admiral() -> bytes:
    """Return a photograph of one subject."""
    return jpeg(_admiral())


@cache
def admiral_again() -> bytes:
    """Return another view of that subject: turned, cropped, smaller, darker."""
    turned = _admiral().rotate(4, Image.Resampling.BICUBIC).crop((30, 20, 480, 580)).resize((360, 448))
    return jpeg(ImageEnhance.Brightness(turned).enhance(0.8))


@cache
def astronaut() -> bytes:
    """Return a photograph of another subject."""
    return jpeg(_astronaut())


@cache
def astronaut_again() -> bytes:
    """Return another view of the second subject."""
    return jpeg(ImageEnhance.Brightness(_astronaut().crop((60, 0, 420, 360)).resize((480, 480))).enhance(1.2))


@cache
def two_faces() -> bytes:
    """Return both subjects side by side, equally near."""
    left = _astronaut().crop((140, 10, 320, 250)).resize((360, 480))
    right = _admiral().crop((90, 10, 420, 450)).resize((360, 480))
    both = Image.new("RGB", (720, 480))
    both.paste(left, (0, 0))
    both.paste(right, (360, 0))
    return jpeg(both)


@cache
def with_bystander() -> bytes:
    """Return the first subject near, and the second small behind."""
    wide = Image.new("RGB", (1000, 700), (120, 120, 120))
    wide.paste(_admiral().resize((600, 703)), (0, 0))
    wide.paste(_astronaut().crop((150, 0, 330, 240)).resize((150, 200)), (780, 100))
    return jpeg(wide)


@cache
def tiny() -> bytes:
    """Return a face of a few pixels."""
    wide = Image.new("RGB", (640, 480), (90, 90, 90))
    wide.paste(_astronaut().crop((150, 0, 330, 240)).resize((22, 29)), (300, 200))
    return jpeg(wide, 98)


@cache
def blurred() -> bytes:
    """Return a face nobody could know."""
    return jpeg(_astronaut().crop((100, 0, 360, 320)).filter(ImageFilter.GaussianBlur(7)))


@cache
def nobody() -> bytes:
    """Return a picture without a face."""
    noise = np.random.default_rng(7).integers(0, 255, (240, 320, 3), np.uint8)
    return jpeg(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3)))
