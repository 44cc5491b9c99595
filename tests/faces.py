"""Pictures for tests: two photographs in the public domain, which test dependencies carry, and variations of them."""

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


@cache
def astronaut() -> Image.Image:
    """Return scikit-image's portrait of Eileen Collins, 512 × 512, one face (NASA, public domain)."""
    from skimage import data

    return Image.fromarray(data.astronaut())


@cache
def grace_hopper() -> Image.Image:
    """Return matplotlib's portrait of Grace Hopper, 512 × 600, one face (US Navy, public domain)."""
    from matplotlib import cbook

    path = cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    with Image.open(str(path)) as picture:
        return picture.convert("RGB")


def varied(
    picture: Image.Image, *, scale: float = 1.0, light: float = 1.0, turn: float = 0.0, blur: float = 0.0, crop: int = 0
) -> Image.Image:
    """Return the picture scaled, lit, turned by degrees, blurred by a radius and cropped by pixels on each side."""
    changed = picture.crop((crop, crop, picture.width - crop, picture.height - crop))
    changed = changed.rotate(turn, Image.Resampling.BICUBIC, fillcolor=(128, 128, 128))
    size = max(1, round(changed.width * scale)), max(1, round(changed.height * scale))
    changed = ImageEnhance.Brightness(changed.resize(size, Image.Resampling.LANCZOS)).enhance(light)
    return changed.filter(ImageFilter.GaussianBlur(blur)) if blur else changed


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    """Return the picture as a file of a kind."""
    file = io.BytesIO()
    picture.save(file, kind, **({"quality": 92} if kind == "JPEG" else {}) | options)
    return file.getvalue()


def astronaut_jpeg(**changes: float) -> bytes:
    """Return one variation of the astronaut as JPEG."""
    return encoded(varied(astronaut(), **changes))  # type: ignore[arg-type]


def grace_hopper_jpeg(**changes: float) -> bytes:
    """Return one variation of Grace Hopper as JPEG."""
    return encoded(varied(grace_hopper(), **changes))  # type: ignore[arg-type]


def both_jpeg(*, scale: float = 1.0) -> bytes:
    """Return a picture with both persons beside each other, the second scaled."""
    left, right = astronaut(), varied(grace_hopper(), scale=scale)
    canvas = Image.new("RGB", (left.width + right.width, max(left.height, right.height)), (90, 90, 90))
    canvas.paste(left, (0, 0))
    canvas.paste(right, (left.width, 0))
    return encoded(canvas)


def nobody_jpeg() -> bytes:
    """Return a picture without a face: smooth colours."""
    row, column = np.mgrid[0:480, 0:640]
    planes = [np.sin(row / 40) * 60 + 120, np.cos(column / 60) * 60 + 120, np.sin((row + column) / 80) * 60 + 120]
    return encoded(Image.fromarray(np.stack(planes, axis=2).astype(np.uint8)))
