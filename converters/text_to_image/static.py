"""A picture of noise: a control, for the effect that any picture has beside a written query."""

from __future__ import annotations

import numpy as np
from PIL import Image
from pydantic import Field

from converters.chance import generator
from converters.pictures import WRITER, png
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media


class Static(Converter):
    """Every band of every pixel drawn evenly from 0-255; another picture for every query."""

    name = "static"
    summary = "a picture of random pixels, for controls"
    version = f"2 {WRITER} numpy {np.__version__}"
    takes = "text"
    gives = "image"

    class Options(PluginOptions):
        width: int = Field(512, ge=1, le=4096)  # px
        height: int = Field(512, ge=1, le=4096)  # px

    def convert(self, work: Work) -> Media:
        random = generator(work, self.name, self.options.model_dump(mode="json"))
        pixels = random.integers(0, 256, (self.options.height, self.options.width, 3), dtype=np.uint8)
        return png(Image.fromarray(pixels))
