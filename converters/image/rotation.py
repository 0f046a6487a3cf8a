"""Rotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from converters.image.effect import ImageEffect, check_size
from safebench.plugins import PluginOptions

if TYPE_CHECKING:
    import numpy as np
    from PIL.Image import Image


class Rotation(ImageEffect):
    """Turned counter-clockwise on a larger sheet, so that nothing is lost; the new corners have one colour."""

    name = "rotation"
    summary = "the picture turned"

    class Options(PluginOptions):
        degrees: float = Field(15.0, ge=-360.0, le=360.0)  # counter-clockwise
        fill: str = "white"  # a colour name or #rrggbb

    def apply(self, picture: Image, random: np.random.Generator) -> Image:
        from PIL import Image, ImageColor

        check_size(2 * picture.width, picture.height)  # the sheet has at most twice the pixels of a square one
        fill = ImageColor.getcolor(self.options.fill, picture.mode)
        return picture.rotate(self.options.degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=fill)
