"""JPEG compression."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from pydantic import Field

from converters.image.effect import ImageEffect
from safebench.plugins import PluginOptions
from safebench.types import Media

LONGEST_SIDE = 65_500  # px; JPEG_MAX_DIMENSION of libjpeg


class Jpeg(ImageEffect):
    """The picture as a JPEG file, by libjpeg's quality scale, colour at half the resolution below 90.

    The file itself is passed on, so that a target gets what a messenger would send. Another effect after it gives a PNG
    of what the compression has left.
    """

    name = "jpeg"
    summary = "the picture as a JPEG file of a quality"

    class Options(PluginOptions):
        quality: int = Field(30, ge=1, le=95)  # libjpeg's scale; 75 is what most programs write

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        return picture

    def encode(self, picture: Image.Image) -> Media:
        if max(picture.size) > LONGEST_SIDE:
            raise ValueError(f"{picture.width}x{picture.height} px: a JPEG file has {LONGEST_SIDE} at most each way")
        file = io.BytesIO()
        quality = self.options.quality
        picture.save(file, "JPEG", quality=quality, subsampling="4:4:4" if quality >= 90 else "4:2:0")
        return Media.of("image", "image/jpeg", file.getvalue())
