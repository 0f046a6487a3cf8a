"""A picture of one colour: a control, for the effect that any picture has beside a written query."""

from __future__ import annotations

from PIL import Image
from pydantic import Field

from converters.pictures import WRITER, png
from converters.text_to_image.drawing.colours import Colour
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media


class Blank(Converter):
    name = "blank"
    summary = "a picture of one colour, for controls"
    version = f"2 {WRITER}"
    takes = "text"
    gives = "image"

    class Options(PluginOptions):
        colour: Colour = "black"
        width: int = Field(512, ge=1, le=4096)  # px
        height: int = Field(512, ge=1, le=4096)  # px

    def convert(self, work: Work) -> Media:
        return png(Image.new("RGB", (self.options.width, self.options.height), self.options.colour))
