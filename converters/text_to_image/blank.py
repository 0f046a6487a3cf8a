"""A picture of one colour: a control, for the effect that any picture has beside a written query."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from converters.text_to_image import png
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media

if TYPE_CHECKING:
    from PIL.Image import Image


class Blank(Converter):
    name = "blank"
    summary = "a picture of one colour, for controls"
    takes = "text"
    gives = "image"

    class Options(PluginOptions):
        colour: str = "black"  # a colour name or #rrggbb
        width: int = Field(512, ge=1, le=4096)  # px
        height: int = Field(512, ge=1, le=4096)  # px

        @field_validator("colour")
        @classmethod
        def _is_colour(cls, value: str) -> str:
            from PIL import ImageColor

            ImageColor.getrgb(value)
            return value

    def convert(self, work: Work) -> Media:
        return Media.of("image", png.MIME, png.encode(self._picture()))

    def _picture(self) -> Image:
        from PIL import Image

        return Image.new("RGB", (self.options.width, self.options.height), self.options.colour)
