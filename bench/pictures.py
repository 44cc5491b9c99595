"""The development photographs, as files and as a camera would send them."""

import csv
import io
from pathlib import Path

from PIL import Image


def names(faces: Path) -> list[str]:
    """Return the files that the pairs name, sorted."""
    with (faces / "pairs.csv").open(newline="", encoding="utf-8") as file:
        return sorted({row[key] for row in csv.DictReader(file) for key in ("file_a", "file_b")})


def development(faces: Path, count: int) -> list[bytes]:
    """Return the bytes of `count` photographs spread evenly over the set."""
    every = names(faces)
    return [(faces / every[index * len(every) // count]).read_bytes() for index in range(count)]


def as_sent(data: bytes, *, near: bool) -> bytes:
    """Return a photograph as a 640 × 480 JPEG: filling the height where near, else at half of that."""
    with Image.open(io.BytesIO(data)) as picture:
        side = 480 if near else 240
        fitted = picture.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
    canvas = Image.new("RGB", (640, 480), (110, 110, 110))
    canvas.paste(fitted, ((640 - side) // 2, (480 - side) // 2))
    into = io.BytesIO()
    canvas.save(into, "JPEG", quality=90)
    return into.getvalue()
