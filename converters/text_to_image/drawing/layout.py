"""What all layouts share: their options, and the way from a text to the bytes of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Self

from PIL import Image, features
from pydantic import Field, model_validator

from converters.naming import naming
from converters.pictures import WRITER, png
from converters.text_to_image.drawing import fitted_text
from converters.text_to_image.drawing.colours import Colour, rgb
from converters.text_to_image.drawing.glyphs import font_path
from converters.text_to_image.drawing.writing import writable
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import TEXT, Media

Side = Annotated[int, Field(ge=32, le=4096)]  # px
FontSize = Annotated[int, Field(ge=4, le=1024)]  # px
Gap = Annotated[int, Field(ge=0, le=4096)]  # px


class LayoutOptions(PluginOptions):
    """The defaults are those of the plain layout."""

    width: Side = 512
    height: Side = 512
    margin: Gap = 16  # on each side, stays free of ink
    font: str = "DejaVuSans"  # the name of a shipped one, or the path of a TrueType or OpenType file
    max_font_size: FontSize = 64
    min_font_size: FontSize = 6
    line_spacing: float = Field(1.0, ge=0.8, le=4.0)  # in the font's own line height
    ink: Colour = "black"
    paper: Colour = "white"
    contrast: float = Field(1.0, ge=0.0, le=1.0)  # of the way from the colour behind the text to `ink`
    rotation: float = Field(0.0, ge=-180.0, le=180.0)  # degrees, counter-clockwise; the picture grows with it
    centred: bool = True  # else in the upper left corner
    keep_lines: bool = False  # the text's own line breaks; else they are white space

    def files(self) -> list[Path]:
        return [Path(self.font)] if Path(self.font).exists() else []

    @property
    def inset(self) -> int:
        """From the picture's edge to where ink may begin, in px."""
        return self.margin

    @property
    def behind(self) -> fitted_text.Colour:
        """What the text stands on."""
        return rgb(self.paper)

    @property
    def drawn_ink(self) -> fitted_text.Colour:
        red, green, blue = (
            round(ground + self.contrast * (ink - ground))
            for ink, ground in zip(rgb(self.ink), self.behind, strict=True)
        )
        return red, green, blue

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min_font_size > self.max_font_size:
            raise ValueError(f"min_font_size {self.min_font_size} is above max_font_size {self.max_font_size}")
        if 2 * self.inset + self.min_font_size > min(self.width, self.height):
            raise ValueError(f"margin {self.inset} leaves no room in {self.width}x{self.height} px")
        if self.drawn_ink == self.behind:
            raise ValueError(f"ink {self.ink!r} at contrast {self.contrast} is invisible: nothing could be read")
        return self


class Layout(Converter):
    """Text to an image. A subclass sets defaults of its own, and may compose the picture its own way."""

    # the engines that place and draw letters can change the bytes as well
    version = " ".join(
        ["3", WRITER]
        + [f"{engine} {features.version(engine)}" for engine in ("freetype2", "raqm", "harfbuzz", "fribidi")]
    )
    takes = TEXT
    gives = "image"
    varies = True

    class Options(LayoutOptions):
        pass

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        chosen: LayoutOptions = self.options
        self.style = fitted_text.Style(
            font=font_path(chosen.font),
            width=chosen.width,
            height=chosen.height,
            margin=chosen.inset,
            max_font_size=chosen.max_font_size,
            min_font_size=chosen.min_font_size,
            line_spacing=chosen.line_spacing,
            ink=chosen.drawn_ink,
            behind=chosen.behind,
            paper=rgb(chosen.paper),
            centred=chosen.centred,
        )

    def convert(self, work: Work) -> Media:
        with naming(work):
            paragraphs = writable(work.text, self.style.font, self.options.keep_lines)
            picture = self.compose(self._set(paragraphs, work.attempt), work)
        return png(self._rotated(picture))

    def _set(self, paragraphs: Sequence[str], attempt: int) -> fitted_text.Block:
        """As large as it fits; a tenth smaller with each attempt, so that lines break elsewhere."""
        block = fitted_text.fit(paragraphs, self.style)
        if not attempt:
            return block
        largest = max(self.style.min_font_size, round(block.face.size * 0.9**attempt))
        return fitted_text.fit(paragraphs, replace(self.style, max_font_size=largest))

    def compose(self, block: fitted_text.Block, work: Work) -> Image.Image:
        """The picture, in mode L or RGB. Raises ConversionError."""
        return fitted_text.draw(block, self.style)

    def _rotated(self, picture: Image.Image) -> Image.Image:
        """Nothing is cut off, and the ink stays at least as far from the edges as it was."""
        if not self.options.rotation:
            return picture
        paper = fitted_text.fill(self.style.paper, picture.mode)
        return picture.rotate(self.options.rotation, Image.Resampling.BICUBIC, expand=True, fillcolor=paper)
