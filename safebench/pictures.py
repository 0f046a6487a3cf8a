"""Decodes the bytes of an image, whoever made them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 64_000_000  # a file of some kilobytes can claim far more than memory holds


def decode(data: bytes) -> Image:
    """The first frame in mode L (where the file is grey) or RGB, transparent parts on white.

    Raises ValueError for bytes that are no whole picture, and for more than MOST_PIXELS.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as opened:
            _refuse_bomb(opened)
            return opened.convert("L") if opened.mode in ("1", "L") else _on_white(opened)
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"the image cannot be decoded: {error}") from error


def is_blank(picture: Image) -> bool:
    """True when every pixel has the same colour."""
    return all(low == high for low, high in picture.convert("RGB").getextrema())  # type: ignore[misc]  # three bands


def _refuse_bomb(opened: Image) -> None:
    width, height = opened.size
    if width * height > MOST_PIXELS:
        raise ValueError(
            f"the image has {width}x{height} pixels, and more than {MOST_PIXELS // 10**6} million are not read"
        )


def _on_white(opened: Image) -> Image:
    from PIL import Image

    picture = opened.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
