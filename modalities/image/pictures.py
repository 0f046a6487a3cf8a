"""Decodes the bytes of an image."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

    from safebench.types import Media


def decode(media: Media) -> Image:
    """The picture in mode RGB, transparent parts on white. Raises ValueError for bytes that are no whole picture."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(media.read())) as opened:
            picture = opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ValueError(f"the image cannot be decoded: {error}") from error
    return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")


def is_blank(picture: Image) -> bool:
    """True when every pixel has the same colour."""
    return all(low == high for low, high in picture.getextrema())  # type: ignore[misc]  # three bands in mode RGB
