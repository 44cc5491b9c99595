"""A camera for the browser: a photograph as a clip of uncompressed video, which Chromium plays as its fake camera."""

from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT, FRAMES = 640, 480, 6


def clip(pictures: list[Image.Image], path: Path, frames_each: int = FRAMES) -> Path:
    """Write the pictures one after the other, each for some frames, as Y4M (4:2:0), and return the path."""
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F10:1 Ip A1:1 C420jpeg\n".encode())
        for picture in pictures:
            luma, blue, red = (np.asarray(plane) for plane in _fitted(picture).convert("YCbCr").split())
            quarter = [
                plane.reshape(HEIGHT // 2, 2, WIDTH // 2, 2).mean((1, 3)).astype(np.uint8) for plane in (blue, red)
            ]
            frame = b"FRAME\n" + luma.tobytes() + b"".join(plane.tobytes() for plane in quarter)
            file.write(frame * frames_each)
    return path


def _fitted(picture: Image.Image) -> Image.Image:
    """Return the picture in a frame of the camera's size, not stretched."""
    scale = min(WIDTH / picture.width, HEIGHT / picture.height)
    small = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    frame = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    frame.paste(small, ((WIDTH - small.width) // 2, (HEIGHT - small.height) // 2))
    return frame
