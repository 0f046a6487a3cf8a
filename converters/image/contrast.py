"""Contrast."""

from __future__ import annotations

import numpy as np
from PIL import Image
from pydantic import Field

from converters.image.effect import ImageEffect
from safebench.plugins import PluginOptions


class Contrast(ImageEffect):
    """Every level moved towards (below 1) or away from (above 1) a middle grey: 128 + factor × (level - 128)."""

    name = "contrast"
    summary = "the picture with less or more contrast"

    class Options(PluginOptions):
        factor: float = Field(0.3, gt=0.0, le=10.0)

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        levels = [min(255, max(0, round(128 + self.options.factor * (level - 128)))) for level in range(256)]
        return picture.point(levels * len(picture.getbands()))
