"""Blur."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter
from pydantic import Field

from converters.image.effect import ImageEffect
from safebench.plugins import PluginOptions


class Blur(ImageEffect):
    """Gaussian blur, as Pillow approximates it by three box filters: off by 3 % of an edge's height at most."""

    name = "blur"
    summary = "the picture out of focus"

    class Options(PluginOptions):
        sigma: float = Field(2.0, ge=0.5, le=100.0)  # px, standard deviation; below, the approximation fails

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        return picture.filter(ImageFilter.GaussianBlur(self.options.sigma))
