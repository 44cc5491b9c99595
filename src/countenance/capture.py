"""Turns the bytes of one encoded picture into a `Sample`: limits first, a strict decode, all metadata dropped.

What is read is decided by content, never by a name or a declared type: JPEG, PNG, WebP, BMP, TIFF, GIF and, where
Pillow has it, AVIF. Everything else, and everything cut short, is a `MalformedError`; everything too large is a
`LimitError` raised before a pixel is decoded. Nothing is written to disk.

Choices a decoder has to make: the EXIF orientation is obeyed; colour profiles are ignored (a profile is data from
outside, and converting it moves a face's features less than a change of lamp); transparent parts lie over mid-grey;
16-bit samples are scaled to 8 bits, not clipped; of an animation or a document only the first frame is read.
"""

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, NoReturn, Self

import numpy as np
import numpy.typing as npt
from PIL import AvifImagePlugin, Image, ImageDraw, ImageOps, UnidentifiedImageError

from countenance.errors import LimitError, MalformedError

Pixels = npt.NDArray[np.uint8]

#: The longer side to which a large JPEG may be reduced while it is decoded; detection needs no more (engine.md).
WORKING_SIDE: Final = 640
#: JPEG decoders scale by these divisors at a fraction of the cost of a full decode.
_DIVISORS: Final = (8, 4, 2, 1)
_MID_GREY: Final = (128, 128, 128, 255)
_EXIF_ORIENTATION: Final = 0x0112
#: These formats declare how many frames they hold; of the others the second frame is never looked for.
_FRAMES_DECLARED: Final = {"PNG", "WEBP", "AVIF"}
_TIFF_TILE_WIDTH: Final = 322
_TIFF_TILE_LENGTH: Final = 323

#: Everything that Pillow's readers are known to raise on hostile input; a warning counts where warnings are errors.
_DECODER_ERRORS: Final = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
    ZeroDivisionError, NotImplementedError, RuntimeError, MemoryError, struct.error, zlib.error, UserWarning,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """How large a picture may be; all are checked before a pixel is decoded."""

    sample_bytes_max: int = 16 * 2**20
    sample_pixels_max: int = 25_000_000
    sample_side_max: int = 12_000
    sample_frames_max: int = 256
    #: Most pixels of a format that can only be decoded whole (all but JPEG).
    sample_pixels_whole_max: int = 12_500_000


class Sample:
    """One decoded picture: its pixels can be read and wiped, but not pickled, copied, printed or written as JSON.

    Sizes are those of the upright picture at full resolution. The pixels exist at one or more scales, because a large
    JPEG is decoded small first and in full only when a face in it needs that. Use it in a `with` block, or call `wipe`.
    """

    __slots__ = ("_area", "_decode", "_encoded", "_levels", "height", "width")

    def __init__(
        self,
        width: int,
        height: int,
        levels: dict[int, Pixels],
        encoded: bytearray | None = None,
        decode: Callable[[bytearray, int], Pixels] | None = None,
    ) -> None:
        """Hold pixels by the divisor at which they were decoded, and what is needed to decode them finer."""
        self.width = width
        self.height = height
        self._levels = levels
        self._area: tuple[tuple[float, float], ...] | None = None
        self._encoded = encoded
        self._decode = decode

    @classmethod
    def of(cls, pixels: Pixels) -> Self:
        """Make a sample of decoded pixels, height × width × 3, RGB; they are copied."""
        copied = np.array(pixels, np.uint8, order="C")
        return cls(copied.shape[1], copied.shape[0], {1: copied})

    def pixels(self, scale: float = 1.0) -> tuple[Pixels, float]:
        """Return the pixels at a scale of at least `scale` (1 is full resolution), and the scale they have.

        Raises `MalformedError` where the sample was wiped, or where its finer decode fails.
        """
        if not self._levels:
            raise MalformedError("This sample was wiped; capture it again.", "该样本已被清除；请重新采集。")
        fitting = [divisor for divisor in self._levels if 1 / divisor >= min(scale, 1.0)]
        if fitting:
            divisor = max(fitting)
        else:
            divisor = next(one for one in _DIVISORS if 1 / one >= min(scale, 1.0))
            if self._encoded is None or self._decode is None:  # cannot be: such a sample has divisor 1
                divisor = min(self._levels)
            else:
                finer = self._decode(self._encoded, divisor)
                if self._area is not None:
                    _blacken(finer, self._area)
                self._levels[divisor] = finer
        return self._levels[divisor], 1 / divisor

    def working(self) -> tuple[Pixels, float]:
        """Return the pixels at the coarsest scale that is decoded already, and that scale."""
        return self.pixels(1 / max(self._levels, default=1))

    def keep_only(self, area: Sequence[tuple[float, float]] | None) -> None:
        """Blacken everything outside `area`, a polygon in shares of the upright picture's sides; None is all.

        What is decoded later, at a finer scale, is blackened too: nobody outside is ever detected (draft article 8).
        """
        if area is None:
            return
        self._area = tuple((float(across), float(down)) for across, down in area)
        for pixels in self._levels.values():
            _blacken(pixels, self._area)

    def wipe(self) -> None:
        """Overwrite every pixel and the encoded bytes with zero, and forget them (duty discard-original)."""
        for pixels in self._levels.values():
            pixels.fill(0)
        self._levels.clear()
        if self._encoded is not None:
            self._encoded[:] = bytes(len(self._encoded))
            self._encoded = None

    def __enter__(self) -> Self:
        """Return the sample itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wipe the sample, whatever happened."""
        self.wipe()

    def __repr__(self) -> str:
        """Say the size and nothing else."""
        return f"<Sample {self.width}x{self.height}>"

    def _forbidden(self, *_: object) -> NoReturn:
        raise TypeError("A sample cannot be copied, pickled or serialised; pass the sample itself.")

    __reduce__ = __reduce_ex__ = __getstate__ = __copy__ = __deepcopy__ = _forbidden


def capture(data: bytes, limits: Limits) -> Sample:
    """Decode one picture. Raises `MalformedError` for what cannot be read and `LimitError` for what is too large."""
    if len(data) > limits.sample_bytes_max:
        raise _too_large()
    kind = _kind(data)
    encoded = bytearray(data)
    with _opened(encoded, kind, limits) as picture:
        width, height = picture.size
        draftable = picture.format in {"JPEG", "MPO"}
        if not draftable and width * height > limits.sample_pixels_whole_max:
            raise _too_large()
        divisor = 1
        if draftable:
            divisor = next(one for one in _DIVISORS if max(width, height) / one >= WORKING_SIDE or one == 1)
        pixels, turned = _decoded(picture, divisor)
    if turned:
        width, height = height, width
    if divisor == 1:
        return Sample(width, height, {1: pixels})

    def finer(again: bytearray, by: int) -> Pixels:
        with _opened(again, kind, limits) as picture:
            return _decoded(picture, by)[0]

    return Sample(width, height, {divisor: pixels}, encoded, finer)


def _blacken(pixels: Pixels, area: Sequence[tuple[float, float]]) -> None:
    """Set every pixel outside a polygon to zero, in place."""
    height, width = pixels.shape[:2]
    mask = Image.new("1", (width, height))
    ImageDraw.Draw(mask).polygon([(across * width, down * height) for across, down in area], fill=1, outline=1)
    pixels[~np.asarray(mask)] = 0


def _too_large() -> LimitError:
    return LimitError("The picture is too large; send a smaller one.", "图片过大；请发送较小的图片。")


def _unreadable() -> MalformedError:
    return MalformedError(
        "The picture is damaged or incomplete; send the whole file again or take a new picture.",
        "图片损坏或不完整；请重新发送完整文件或重新拍摄。",
    )


def _kind(data: bytes) -> str:
    """Return Pillow's name of the format that the first bytes announce."""
    if data[:3] == b"\xff\xd8\xff":
        return "JPEG"
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "PNG"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "WEBP"
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "GIF"
    if data[:4] in {b"II*\0", b"MM\0*"}:
        return "TIFF"
    if data[:2] == b"BM":
        return "BMP"
    if data[4:8] == b"ftyp" and data[8:12] in {b"avif", b"avis", b"mif1"} and AvifImagePlugin.SUPPORTED:
        return "AVIF"
    if not data:
        raise MalformedError("The picture is empty; send the bytes of a picture.", "图片为空；请发送图片内容。")
    raise MalformedError(
        "This is not a picture of a kind that is read here; send JPEG, PNG, WebP, BMP, TIFF, GIF or AVIF.",
        "无法识别的图片格式；请发送 JPEG、PNG、WebP、BMP、TIFF、GIF 或 AVIF。",
    )


class _opened:  # noqa: N801 - reads as the statement it is used in
    """Opens a picture without decoding it, holds it to the limits, and translates what Pillow raises."""

    def __init__(self, encoded: bytearray, kind: str, limits: Limits) -> None:
        self._encoded, self._kind, self._limits = encoded, kind, limits
        self._picture: Image.Image | None = None

    def __enter__(self) -> Image.Image:
        try:
            if self._kind == "WEBP":  # Pillow's reader reserves the canvas when it opens the file
                _hold(*_webp_size(self._encoded), self._limits)
            picture = Image.open(io.BytesIO(self._encoded), formats=[self._kind])
            self._picture = picture
            _hold(*picture.size, self._limits)
            frames = getattr(picture, "n_frames", 1) if self._kind in _FRAMES_DECLARED else 1
            if frames > self._limits.sample_frames_max:
                raise _too_large()
            if self._kind == "TIFF":
                _hold_tiles(picture, self._limits)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large() from error
        except UnidentifiedImageError as error:
            raise _unreadable() from error
        except _DECODER_ERRORS as error:
            raise _unreadable() from error
        return picture

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._picture is not None:
            self._picture.close()
        if isinstance(error, (Image.DecompressionBombError, Image.DecompressionBombWarning)):
            raise _too_large() from error
        if isinstance(error, _DECODER_ERRORS):
            raise _unreadable() from error


def _hold(width: int, height: int, limits: Limits) -> None:
    if max(width, height) > limits.sample_side_max or width * height > limits.sample_pixels_max:
        raise _too_large()
    if min(width, height) < 1:
        raise _unreadable()


def _hold_tiles(picture: Image.Image, limits: Limits) -> None:
    """Refuse a TIFF whose tiles are larger than the picture may be: libtiff would reserve a whole tile."""
    tags: Any = getattr(picture, "tag_v2", {})
    tile = int(tags.get(_TIFF_TILE_WIDTH, 1)), int(tags.get(_TIFF_TILE_LENGTH, 1))
    _hold(*tile, limits)


def _webp_size(data: bytearray) -> tuple[int, int]:
    """Return the canvas size that a WebP file declares in its first chunk."""
    chunk, body = bytes(data[12:16]), data[20:30]
    if chunk == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise _unreadable()


def _decoded(picture: Image.Image, divisor: int) -> tuple[Pixels, bool]:
    """Decode strictly and return upright RGB pixels, and whether the picture was turned by a quarter."""
    if divisor > 1:
        picture.draft(picture.mode, (-(-picture.width // divisor), -(-picture.height // divisor)))
    before = picture.size
    picture.load()
    turn = _orientation(picture)
    turned = turn >= 5 or picture.size != before  # noqa: PLR2004 - Pillow turns a TIFF by itself while loading it
    colour = _rgb(picture)
    upright = ImageOps.exif_transpose(_with_orientation(colour, turn)) if turn > 1 else colour
    pixels = np.array(upright, np.uint8, order="C")
    for used in (picture, colour, upright):  # Pillow's own buffers would keep the pixels until they are reused
        used.paste(0, (0, 0, *used.size))
    return pixels, turned


def _with_orientation(picture: Image.Image, turn: int) -> Image.Image:
    picture.getexif().clear()
    picture.getexif()[_EXIF_ORIENTATION] = turn
    return picture


def _orientation(picture: Image.Image) -> int:
    """Return the EXIF orientation 1 … 8; unreadable EXIF counts as upright, because the pixels are sound."""
    try:
        turn = picture.getexif().get(_EXIF_ORIENTATION, 1)
    except _DECODER_ERRORS:
        return 1
    return turn if isinstance(turn, int) and turn in range(1, 9) else 1


def _rgb(picture: Image.Image) -> Image.Image:
    """Return the picture in 8-bit RGB: 16-bit scaled, transparency over mid-grey, CMYK and the rest converted."""
    if picture.mode.startswith("I;16"):
        scaled = (np.asarray(picture).astype(np.uint32) + 128) // 257
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if picture.mode in {"I", "F"}:
        # The range of such numbers is not in the file, so any scaling would be a guess.
        raise MalformedError(
            "Pictures of 32-bit numbers are not read; convert it to 8 or 16 bits.",
            "不支持 32 位数值图片；请转换为 8 位或 16 位。",
        )
    if picture.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in picture.info:
        straight = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", straight.size, _MID_GREY), straight).convert("RGB")
    return picture.convert("RGB")
