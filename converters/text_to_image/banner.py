"""A picture with the text on a strip below it, as in MM-SafetyBench (Liu et al., ECCV 2024)."""

from __future__ import annotations

from PIL import Image

from converters.pictures import decode
from converters.text_to_image.drawing import fitted_text
from converters.text_to_image.drawing.layout import FontSize, Gap, Layout, LayoutOptions, Side
from safebench.errors import ConversionError
from safebench.plugins import Work
from safebench.types import Media

_TALLEST = 4096  # px


class Banner(Layout):
    name = "banner"
    summary = "a picture with the text on a white strip below it"
    takes = "image"

    class Options(LayoutOptions):
        height: Side = 96  # of the strip; the picture is scaled to `width`
        margin: Gap = 12
        max_font_size: FontSize = 48

    def compose(self, block: fitted_text.Block, work: Work) -> Image.Image:
        if work.media is None:
            raise ConversionError("banner: there is no picture yet; put a step that makes one before this one")
        picture, strip = _scaled(_decoded(work.media), self.style.width), fitted_text.draw(block, self.style)
        whole = Image.new("RGB", (picture.width, picture.height + strip.height))
        whole.paste(picture, (0, 0))
        whole.paste(strip, (0, picture.height))
        return whole


def _decoded(media: Media) -> Image.Image:
    try:
        return decode(media.read()).convert("RGB")
    except ValueError as error:
        raise ConversionError(f"banner: {error}") from error


def _scaled(picture: Image.Image, width: int) -> Image.Image:
    height = max(1, round(picture.height * width / picture.width))
    if height > _TALLEST:
        size = f"{picture.width}x{picture.height}"
        raise ConversionError(f"banner: a picture of {size} px would be {height} px high at {width} px width")
    return picture.resize((width, height), Image.Resampling.LANCZOS)
