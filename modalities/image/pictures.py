"""Decodes the bytes of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safebench import pictures

if TYPE_CHECKING:
    from PIL.Image import Image

    from safebench.types import Media


def decode(media: Media) -> Image:
    """The picture in mode RGB. Raises ValueError for bytes that are no whole picture."""
    return pictures.decode(media.read()).convert("RGB")


def is_blank(picture: Image) -> bool:
    """True when every pixel has the same colour."""
    return all(low == high for low, high in picture.getextrema())  # type: ignore[misc]  # three bands in mode RGB
