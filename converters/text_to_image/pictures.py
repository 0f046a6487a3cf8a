"""Pictures that somebody else drew: kept as they come, when they are whole and show something."""

from __future__ import annotations

import io

from safebench.errors import ConversionError
from safebench.types import Media

KEPT = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
LARGEST = 8192 * 8192  # px


def whole_picture(data: bytes, what: str) -> Media:
    """The same bytes as media; `what` says in errors where they come from.

    Raises ConversionError for bytes that are no whole PNG, JPEG or WebP picture, for a blank picture (a filter's way of
    not drawing), and for one of more than LARGEST pixels, before it is unpacked.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data), formats=list(KEPT)) as opened:
            if opened.width * opened.height > LARGEST:
                raise ConversionError(f"{what} has {opened.width}x{opened.height} px, more than can be taken")
            mime, picture = KEPT[str(opened.format)], opened.convert("RGBA")
    except UnidentifiedImageError:
        raise ConversionError(f"{what} is no PNG, JPEG or WebP picture") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ConversionError(f"{what} cannot be decoded: {error}") from error
    seen = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    if all(low == high for low, high in seen.getextrema()):  # type: ignore[misc]  # three bands in mode RGB
        raise ConversionError(f"{what} is blank: all of it has one colour")
    return Media.of("image", mime, data)
