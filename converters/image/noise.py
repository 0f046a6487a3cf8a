"""Noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from converters.image.effect import ImageEffect
from safebench.plugins import PluginOptions

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageNoise(ImageEffect):
    """Gaussian noise added to every band of every pixel, rounded and cut to the range 0-255.

    On black and white, half of the noise is cut away.
    """

    name = "image-noise"
    summary = "the picture with Gaussian noise"

    class Options(PluginOptions):
        sigma: float = Field(25.0, gt=0.0, le=255.0)  # grey levels of 0-255, standard deviation

    def apply(self, picture: Image, random: np.random.Generator) -> Image:
        from PIL import Image

        pixels = np.asarray(picture, dtype=np.float64)
        noisy = pixels + random.normal(scale=self.options.sigma, size=pixels.shape)
        return Image.fromarray(np.clip(np.round(noisy), 0, 255).astype(np.uint8), picture.mode)
