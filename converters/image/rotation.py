"""Rotation."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from PIL import Image
from pydantic import Field

from converters.image.effect import ImageEffect, check_size
from converters.text_to_image.drawing.colours import Colour, rgb
from safebench.plugins import PluginOptions


class Rotation(ImageEffect):
    """Turned counter-clockwise on a larger sheet, so that nothing is lost; the new corners have one colour.

    With `expand = false` the sheet keeps its size, and what is turned out of it is cut off.
    """

    name = "rotation"
    summary = "the picture turned"

    class Options(PluginOptions):
        degrees: float = Field(15.0, ge=-360.0, le=360.0)  # counter-clockwise
        expand: bool = True
        fill: Colour = "white"  # of the corners; a grey picture gets bands of colour where this is none

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        expand, fill = self.options.expand, rgb(self.options.fill)
        if expand:
            check_size(*_sheet(*picture.size, radians(self.options.degrees)))
        coloured = picture.mode == "RGB" or len(set(fill)) > 1
        return picture.convert("RGB" if coloured else "L").rotate(
            self.options.degrees, Image.Resampling.BICUBIC, expand, fillcolor=fill if coloured else fill[0]
        )


def _sheet(width: int, height: int, angle: float) -> tuple[int, int]:
    """What a turned picture needs, in px. A long and thin one needs far more pixels than it has."""
    across, along = abs(cos(angle)), abs(sin(angle))
    return round(width * across + height * along), round(width * along + height * across)
