"""Crop."""

from __future__ import annotations

import numpy as np
from PIL import Image
from pydantic import Field

from converters.image.effect import ImageEffect
from safebench.plugins import PluginOptions


class Crop(ImageEffect):
    """A part of the picture, in its proportions; what lies outside is gone.

    `x` and `y` say where the part lies in the room that is left: 0 at the left and the top, 0.5 in the middle, 1 at the
    right and the bottom. Cut text is gone as well: this effect tests the fidelity gate as much as the target.
    """

    name = "crop"
    summary = "a part of the picture"

    class Options(PluginOptions):
        keep: float = Field(0.9, gt=0.0, le=1.0)  # share of width and height
        x: float = Field(0.5, ge=0.0, le=1.0)
        y: float = Field(0.5, ge=0.0, le=1.0)

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        width, height = (round(side * self.options.keep) for side in picture.size)
        left = round((picture.width - width) * self.options.x)
        top = round((picture.height - height) * self.options.y)
        return picture.crop((left, top, left + width, top + height))
