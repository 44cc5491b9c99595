"""Bytes become pixels only within the limits, upright, without metadata; everything else is a clear error."""

import copy
import json
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from countenance.capture import Limits, Sample, capture
from countenance.errors import CountenanceError, LimitError, MalformedError
from tests.faces import astronaut, encoded, varied

LIMITS = Limits()
KINDS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "AVIF"]


def small() -> Image.Image:
    return varied(astronaut(), scale=0.25)


def test_every_kind_of_picture_is_read_the_same():
    truth = np.asarray(small()).astype(int)
    for kind in KINDS:
        sample = capture(encoded(small(), kind), LIMITS)
        pixels, scale = sample.pixels()
        assert (sample.width, sample.height, scale) == (128, 128, 1.0), kind
        assert np.abs(pixels - truth).mean() < 12, kind


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_eight_orientations_give_the_same_pixels(turn):
    way = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}  # what a camera held so would have stored: the inverse transpose
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    upright = small().crop((0, 0, 128, 96))
    stored = upright if turn == 1 else upright.transpose(undo.get(turn, Image.Transpose(way[turn])))
    for kind in ("PNG", "TIFF"):
        exif = Image.Exif()
        exif[0x0112] = turn
        sample = capture(encoded(stored, kind, exif=exif), LIMITS)
        assert (sample.width, sample.height) == (128, 96), kind
        assert np.array_equal(sample.pixels()[0], np.asarray(upright)), kind


def test_a_large_jpeg_is_decoded_small_and_finer_when_asked():
    data = encoded(varied(astronaut(), scale=5))
    sample = capture(data, LIMITS)
    assert (sample.width, sample.height) == (2560, 2560)
    pixels, scale = sample.working()
    assert (scale, pixels.shape) == (0.25, (640, 640, 3))
    pixels, scale = sample.pixels(0.4)
    assert (scale, pixels.shape) == (0.5, (1280, 1280, 3))
    assert sample.pixels()[0].shape == (2560, 2560, 3)


def test_a_large_turned_jpeg_is_upright_at_every_scale():
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = varied(astronaut(), scale=3).crop((0, 0, 1536, 1024)).transpose(Image.Transpose.ROTATE_90)
    sample = capture(encoded(stored, exif=exif), LIMITS)
    assert (sample.width, sample.height) == (1536, 1024)
    assert sample.working()[0].shape == (512, 768, 3)
    assert sample.pixels()[0].shape == (1024, 1536, 3)


def test_sixteen_bit_grey_is_scaled_not_clipped():
    grey = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    for kind in ("PNG", "TIFF"):
        pixels = capture(encoded(Image.fromarray(grey), kind), LIMITS).pixels()[0]
        assert np.abs(pixels[:, :, 0] - grey / 257).max() <= 0.51, kind


def test_sixteen_bit_colour_is_scaled_not_clipped():
    rows = b"".join(b"\0" + struct.pack(">3H", 1000 * row, 30000, 65535) * 4 for row in range(8))
    png = _png(4, 8, rows, depth=16, colour=2)
    pixels = capture(png, LIMITS).pixels()[0]
    assert pixels.shape == (8, 4, 3)
    assert np.abs(pixels[:, 0, 0] - np.arange(8) * 1000 / 257).max() <= 1


def test_transparency_lies_over_mid_grey():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    for kind in ("PNG", "WEBP", "TIFF"):
        pixels = capture(encoded(clear, kind), LIMITS).pixels()[0]
        assert set(pixels.ravel().tolist()) == {128}, kind
    palette = small().quantize(16)
    pixels = capture(encoded(palette, "PNG", transparency=0), LIMITS).pixels()[0]
    assert (pixels[np.asarray(palette) == 0] == 128).all()
    assert (np.asarray(palette) == 0).any()


@pytest.mark.parametrize("mode, kind", [("L", "PNG"), ("1", "PNG"), ("P", "GIF"), ("CMYK", "JPEG"), ("CMYK", "TIFF"),
                                        ("LA", "PNG"), ("YCbCr", "TIFF")])  # fmt: skip
def test_every_colour_model_becomes_rgb(mode, kind):
    pixels = capture(encoded(small().convert(mode), kind), LIMITS).pixels()[0]
    truth = np.asarray(small().convert("L" if mode in {"L", "1", "LA"} else "RGB").convert("RGB")).astype(int)
    assert pixels.shape == (128, 128, 3)
    assert abs(pixels.mean() - truth.mean()) < 8


def test_of_an_animation_the_first_frame_is_read():
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        pixel = capture(data, LIMITS).pixels()[0][8, 8].astype(int)
        assert (pixel[0] > 240, pixel[2] < 20) == (True, True), kind


def test_too_many_frames_are_refused():
    frames = [Image.new("RGB", (16, 16), (shade, 0, 0)) for shade in range(0, 250, 50)]
    for kind in ("WEBP", "PNG"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        with pytest.raises(LimitError):
            capture(data, Limits(sample_frames_max=3))


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_cut_short_is_refused(kind):
    """A truncated picture is never filled up: not with grey, and not with what was decoded before (attack A2)."""
    data = encoded(small(), kind)
    cuts = sorted({len(data) * part // 21 for part in range(1, 21)})
    assert len(cuts) == 20
    for cut in cuts:
        with pytest.raises(MalformedError):
            capture(data[:cut], LIMITS)


NO_PICTURES = [
    b"",
    b"\0" * 64,
    b"%PDF-1.7 nothing",
    b"GIF89a",
    b"\x89PNG\r\n\x1a\n",
    b"BM" + b"\0" * 60,
    b"II*\0" + b"\xff" * 40,
    b"\xff\xd8\xff" + b"x" * 90,
    b"RIFF\x10\0\0\0WEBPVP8X",
    b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    b"P6 1 1 255 abc",
    b"\0\0\0\x20ftypavif" + b"\0" * 40,
]


@pytest.mark.parametrize("data", NO_PICTURES)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(MalformedError) as caught:
        capture(data, LIMITS)
    assert caught.value.en.endswith(".")
    assert caught.value.zh.endswith("。")


def test_damaged_bytes_never_leak_a_foreign_error():
    rng = np.random.default_rng(7)
    outcomes: set[type] = set()
    for kind in KINDS:
        sound = encoded(varied(small(), scale=0.5), kind)
        for _ in range(60):
            data = bytearray(sound)
            for at in rng.integers(0, len(data), 6):
                data[at] = rng.integers(256)
            try:
                outcomes.add(type(capture(bytes(data), LIMITS)))
            except CountenanceError as error:
                outcomes.add(type(error))
    assert outcomes <= {Sample, MalformedError, LimitError}
    assert {Sample, MalformedError} <= outcomes


def test_too_many_bytes_are_refused_unread():
    with pytest.raises(LimitError):
        capture(b"\xff\xd8\xff" + b"\0" * 100, Limits(sample_bytes_max=64))


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, rows: bytes, *, depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = _chunk(b"IHDR", head) + extra + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def _bombs() -> dict[str, bytes]:
    side = 30_000
    gif = bytearray(encoded(Image.new("P", (8, 8)), "GIF"))
    gif[6:10] = struct.pack("<HH", side, side)
    bmp = bytearray(encoded(Image.new("RGB", (8, 8)), "BMP"))
    bmp[18:26] = struct.pack("<ii", side, side)
    jpeg = bytearray(encoded(Image.new("RGB", (8, 8)), "JPEG"))
    at = jpeg.index(b"\xff\xc0")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", side, side)
    webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + (16382).to_bytes(3, "little") * 2
    bomb = b"\0" * 2**26
    return {
        "png": _png(side, side, b"\0" * 2**20),
        "png 30 megapixels": _png(6000, 5000, bomb, depth=8, colour=0),
        "gif": bytes(gif),
        "bmp": bytes(bmp),
        "jpeg": bytes(jpeg),
        "webp": webp + b"\0" * 32,
    }


@pytest.mark.parametrize("name", sorted(_bombs()))
def test_a_decompression_bomb_never_allocates(name):
    tracemalloc.start()
    data = _bombs()[name]
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    with pytest.raises(LimitError):
        capture(data, LIMITS)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 4 * len(data) + 2**20


def test_bombs_do_not_grow_the_process():
    """Pillow allocates outside Python's sight, so a process of its own is watched as a whole (attack A1)."""
    program = """
import resource
from countenance.capture import Limits, capture
from countenance.errors import CountenanceError
from tests.unit.test_capture import _bombs, _text_bombs
bombs = list(_bombs().values()) + _text_bombs()
refused = 0
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for data in bombs:
    try:
        capture(data, Limits())
    except CountenanceError:
        refused += 1
print(refused, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    refused, grown_mib = map(int, done.stdout.split())
    assert refused >= len(_bombs())
    assert grown_mib < 100


def _text_bombs() -> list[bytes]:
    """Return PNGs whose compressed text or colour profile would expand to 64 MiB."""
    packed = zlib.compress(b"\0" * 2**26, 9)
    rows = b"\0" + b"\x80" * 12
    return [
        _png(4, 4, rows * 4, extra=_chunk(b"zTXt", b"key\0\0" + packed)),
        _png(4, 4, rows * 4, extra=_chunk(b"iCCP", b"key\0\0" + packed)),
        _png(4, 4, rows * 4, extra=_chunk(b"iTXt", b"key\0\1\0\0\0" + packed)),
    ]


def test_a_bomb_in_a_text_chunk_is_refused_or_ignored():
    seen = 0
    for data in _text_bombs():
        seen += 1
        try:
            assert capture(data, LIMITS).pixels()[0].shape == (4, 4, 3)
        except CountenanceError:
            continue
    assert seen == 3


def _tiled(side: int) -> bytes:
    """Return a 32 × 32 grey TIFF of LZW tiles that claim a side; Pillow itself writes none."""
    entries = {256: 32, 257: 32, 258: 8, 259: 5, 262: 1, 277: 1, 322: side, 323: side, 324: 200, 325: 8}
    body = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries.items())
    return (b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + body + bytes(4)).ljust(208, b"\0")


def test_a_tile_larger_than_the_picture_may_be_is_refused():
    with pytest.raises(LimitError):
        capture(_tiled(60_000), LIMITS)
    with pytest.raises(MalformedError):  # a fitting tile gets as far as its rubbish
        capture(_tiled(32), LIMITS)


def test_metadata_is_dropped():
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "somebody's name")
    sample = capture(encoded(small(), "PNG", pnginfo=info), LIMITS)
    kept = [getattr(sample, name) for name in Sample.__slots__]
    assert "somebody" not in repr(kept)
    assert sample._encoded is None


def test_a_sample_shows_its_size_and_nothing_else():
    sample = capture(encoded(small()), LIMITS)
    assert repr(sample) == str(sample) == "<Sample 128x128>"


@pytest.mark.parametrize("how", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps])
def test_a_sample_leaves_in_no_form(how):
    with pytest.raises(TypeError):
        how(capture(encoded(small()), LIMITS))


def test_wiping_overwrites_the_pixels():
    with capture(encoded(varied(astronaut(), scale=5)), LIMITS) as sample:
        coarse, fine = sample.working()[0], sample.pixels()[0]
        encoded_bytes = sample._encoded
        assert coarse.any()
        assert fine.any()
        assert encoded_bytes is not None
        assert any(encoded_bytes)
    assert not coarse.any()
    assert not fine.any()
    assert not any(encoded_bytes)
    with pytest.raises(MalformedError):
        sample.pixels()


def test_nothing_is_written_to_disk():
    """An audit hook in a process of its own sees every file that is opened for writing."""
    program = """
import sys
from countenance.capture import Limits, capture
from tests.faces import astronaut, encoded, varied
from tests.unit.test_capture import KINDS
pictures = [encoded(varied(astronaut(), scale=3), kind) for kind in KINDS]
written, opened = [], []
def watch(event, arguments):
    if event == "open":
        opened.append(arguments[0])
        if isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            written.append(arguments[0])
sys.addaudithook(watch)
for data in pictures:
    capture(data, Limits()).pixels()
open(__import__("os").devnull).close()
print(len(pictures), len(opened) > 0, len(written))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["7", "True", "0"]
