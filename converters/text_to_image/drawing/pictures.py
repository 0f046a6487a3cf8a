"""Pictures that somebody else drew: kept as they come, when they are whole and show something."""

from __future__ import annotations

import io

from PIL import Image, UnidentifiedImageError

from converters.pictures import decode, is_blank
from safebench.errors import ConversionError
from safebench.types import Media

KEPT = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}


def whole_picture(data: bytes, what: str) -> Media:
    """The same bytes as media; `what` says in errors where they come from.

    Raises ConversionError for bytes that are no whole PNG, JPEG or WebP picture, for one that is too large to be read,
    and for a blank one, which is how some filters decline.
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
