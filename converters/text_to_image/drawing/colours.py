"""Colours as options: a name or #rrggbb, checked before any work begins."""

from __future__ import annotations

from typing import Annotated

from PIL import ImageColor
from pydantic import AfterValidator


def rgb(colour: str) -> tuple[int, int, int]:
    """Levels of red, green and blue, 0-255. Raises ValueError for what is no opaque colour."""
    red, green, blue, *alpha = ImageColor.getrgb(colour)
    if alpha:
        raise ValueError(f"colour {colour!r} is not opaque")
    return red, green, blue


def _checked(colour: str) -> str:
    rgb(colour)
    return colour


Colour = Annotated[str, AfterValidator(_checked)]
