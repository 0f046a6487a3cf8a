"""A message in a bubble, as on a telephone, without a sender."""

from __future__ import annotations

from typing import Annotated

from PIL import Image, ImageDraw
from pydantic import Field

from converters.text_to_image.drawing import fitted_text
from converters.text_to_image.drawing.colours import Colour, rgb
from converters.text_to_image.drawing.layout import FontSize, Gap, Layout, LayoutOptions
from safebench.plugins import Work

_FINER = 4  # the corners are drawn so many times as large and scaled down, which makes them smooth


class Chat(Layout):
    name = "chat"
    summary = "the query's text as a message bubble"

    class Options(LayoutOptions):
        margin: Gap = 24  # around the bubble
        padding: Gap = 20  # from the bubble's edge to the ink
        radius: Annotated[int, Field(ge=0, le=256)] = 28  # px, of the bubble's corners
        max_font_size: FontSize = 36
        paper: Colour = "#e5e5e5"
        bubble: Colour = "white"
        keep_lines: bool = True

        @property
        def inset(self) -> int:
            return self.margin + self.padding

        @property
        def behind(self) -> fitted_text.Colour:
            return rgb(self.bubble)

    def compose(self, block: fitted_text.Block, work: Work) -> Image.Image:
        """The bubble is as large as its text asks for, at the left, and half-way down."""
        canvas, padding = fitted_text.blank(self.style), self.options.padding
        width, height = block.width + 2 * padding, block.height + 2 * padding
        left, top = self.options.margin, (self.style.height - height) // 2
        canvas.paste(
            fitted_text.fill(self.style.behind, canvas.mode), (left, top), _rounded(width, height, self.options.radius)
        )
        fitted_text.put(block, canvas, (left + padding, top + padding), self.style.ink)
        return canvas


def _rounded(width: int, height: int, radius: int) -> Image.Image:
    """A mask of a rectangle with round corners: quarters of one disc, cut out of it."""
    mask = Image.new("L", (width, height), 255)
    radius = min(radius, width // 2, height // 2)
    if radius:
        disc = Image.new("L", (2 * radius * _FINER,) * 2)
        ImageDraw.Draw(disc).ellipse((0, 0, disc.width - 1, disc.height - 1), 255)
        disc = disc.reduce(_FINER)
        for x in (0, 1):
            for y in (0, 1):
                quarter = disc.crop((x * radius, y * radius, (x + 1) * radius, (y + 1) * radius))
                mask.paste(quarter, (x * (width - radius), y * (height - radius)))
    return mask
