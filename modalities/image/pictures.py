"""Decodes the bytes of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converters import pictures

if TYPE_CHECKING:
    from PIL.Image import Image

    from safebench.types import Media


def decode(media: Media) -> Image:
    """The picture in mode RGB. Raises ValueError for bytes that are no whole picture."""
    return pictures.decode(media.read()).convert("RGB")
