"""Noise."""

from __future__ import annotations

import numpy as np
from PIL import Image
from pydantic import Field

from converters.image.effect import ImageEffect
from safebench.plugins import PluginOptions


class ImageNoise(ImageEffect):
    """Gaussian noise added to every band of every pixel, rounded and cut to the range 0-255.

    Its PSNR is 20 log10(255 / sigma) dB: 20 dB at 25.5. On black and white half of the noise is cut away, which leaves
    3 dB more.
    """

    name = "image-noise"
    summary = "the picture with Gaussian noise"
    version = f"{ImageEffect.version} numpy {np.__version__}"

    class Options(PluginOptions):
        sigma: float = Field(25.0, gt=0.0, le=255.0)  # grey levels of 0-255, standard deviation

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        pixels = np.asarray(picture)
        noisy = random.standard_normal(pixels.shape, dtype=np.float32)  # altered in place: a large picture is large
        noisy *= self.options.sigma
        noisy += pixels
        np.clip(np.rint(noisy, out=noisy), 0, 255, out=noisy)
        return Image.fromarray(noisy.astype(np.uint8))
