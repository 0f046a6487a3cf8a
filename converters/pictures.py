"""Pictures as bytes: read from whoever made them, and written as PNG."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from safebench.errors import ConversionError
from safebench.types import Media

# Of a converter that writes pictures: Pillow draws and filters, its zlib compresses, and each can change the bytes.
WRITER = f"pillow {version('pillow')} zlib {features.version('zlib')}"
MOST_PIXELS = 64_000_000  # a file of some kilobytes can claim far more than memory holds
# Pillow knows dozens more, of which some start other programs (EPS: Ghostscript) and most no target takes.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
MIME = {name: f"image/{name.lower()}" for name in FORMATS}
KEPT = {name: MIME[name] for name in ("PNG", "JPEG", "WEBP")}  # what somebody else drew is passed on as


def decode(data: bytes) -> Image.Image:
    """The picture in mode L (where the file is grey) or RGB, as a viewer shows it.

    The first frame, upright by its EXIF orientation, transparent parts on white, 16-bit greys by their upper 8 bits.
    Raises ValueError for bytes that are no whole picture of FORMATS, for more than MOST_PIXELS, and for levels without
    a known range (32-bit integers and floats of TIFF).
    """
    with _opened(data) as opened:
        _refuse_bomb(opened)
        ImageOps.exif_transpose(opened, in_place=True)
        return _on_white(_of_8_bits(opened))


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """Raises ValueError for whatever goes wrong with the picture while it is open."""
    quiet = warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning)  # refused by its size
    try:
        with quiet, Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            yield opened
    except UnidentifiedImageError:  # its own message names an address in memory
        raise ValueError(f"the image cannot be decoded: it is none of {', '.join(FORMATS)}") from None
    except Exception as error:  # damaged bytes raise nearly anything, TypeError and struct.error included
        raise ValueError(f"the image cannot be decoded: {str(error) or type(error).__name__}") from error


def check_whole(data: bytes, mime: str) -> None:
    """Raises ValueError for bytes that are no whole picture of FORMATS, that are none of type `mime`, or that are one
    of more than MOST_PIXELS. Of a PNG the checksums of all parts are compared, and its pixels are decoded as well.
    """
    with _opened(data) as opened:
        _refuse_bomb(opened)
        kind = MIME[str(opened.format)]
        if opened.format == "PNG":
            opened.verify()
    with _opened(data) as again:
        again.load()
    if kind != mime:
        raise ValueError(f"the image is {kind}, and not {mime} as it says")


def png(picture: Image.Image) -> Media:
    """The same picture gives the same bytes, in every process. Level 1 takes about half of the default's time."""
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    return Media.of("image", "image/png", file.getvalue())


def whole_picture(data: bytes, what: str) -> Media:
    """The same bytes as media; `what` says in errors where they come from.

    Raises ConversionError for bytes that are no whole picture of KEPT, for one that is too large to be read, and for a
    blank one, which is how some filters decline.
    """
    try:
        with Image.open(io.BytesIO(data), formats=list(KEPT)) as opened:
            mime = KEPT[str(opened.format)]
        picture = decode(data)
    except UnidentifiedImageError:
        raise ConversionError(f"{what} is no PNG, JPEG or WebP picture") from None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise ConversionError(f"{what} is no picture that can be read: {error}") from error
    if is_blank(picture):
        raise ConversionError(f"{what} is blank: all of it has one colour")
    return Media.of("image", mime, data)


def is_blank(picture: Image.Image) -> bool:
    """True when every pixel has the same colour."""
    bands = (picture if picture.mode in ("L", "RGB") else picture.convert("RGB")).split()
    return all(low == high for low, high in (band.getextrema() for band in bands))


def _refuse_bomb(opened: Image.Image) -> None:
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise ValueError(f"it has {width}x{height} pixels, more than {MOST_PIXELS // 10**6} million")


def _of_8_bits(picture: Image.Image) -> Image.Image:
    """Pillow's own conversion cuts 16 bits off at 255, so that nearly all of the picture is white."""
    if picture.mode in ("I", "F"):
        raise ValueError(f"it has 32-bit levels (mode {picture.mode}), and nothing tells which of them is white")
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))


def _on_white(picture: Image.Image) -> Image.Image:
    mode = "L" if picture.mode in ("1", "L", "LA") else "RGB"
    if not picture.has_transparency_data:
        return picture.convert(mode)
    layer = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert(mode)
