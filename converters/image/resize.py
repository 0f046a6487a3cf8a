"""Size."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from PIL import Image
from pydantic import Field, model_validator

from converters.image.effect import ImageEffect, check_size
from safebench.plugins import PluginOptions


class Resize(ImageEffect):
    """The picture in another size, in its proportions; no side gets below 1 px.

    Made smaller, every filter but `nearest` averages over all pixels that fall on one, so fine lines turn grey and
    do not alias.
    """

    name = "resize"
    summary = "the picture smaller or larger"

    class Options(PluginOptions):
        factor: float | None = Field(None, gt=0.0, le=16.0)  # of both sides
        longest_side: int | None = Field(None, ge=1, le=16384)  # px
        filter: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "lanczos"

        @model_validator(mode="after")
        def _one_size(self) -> Self:
            if (self.factor is None) == (self.longest_side is None):
                raise ValueError("give either factor or longest_side")
            return self

    def apply(self, picture: Image.Image, random: np.random.Generator) -> Image.Image:
        factor = self.options.factor or self.options.longest_side / max(picture.size)
        width, height = (max(1, round(side * factor)) for side in picture.size)
        check_size(width, height)
        return picture.resize((width, height), Image.Resampling[self.options.filter.upper()])
