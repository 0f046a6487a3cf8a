"""Plain text on a plain ground, as large as it fits."""

from __future__ import annotations

import zlib
from importlib.metadata import version
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from converters.text_to_image import fitted_text, png
from converters.text_to_image.glyphs import font_path
from converters.text_to_image.writing import writable
from safebench.errors import ConversionError
from safebench.plugins import Converter, PluginOptions, Work
from safebench.types import Media


class Typographic(Converter):
    name = "typographic"
    summary = "the query's text as a picture of text"
    # Pillow brings the font rasteriser and Python zlib the compression: either can change the bytes.
    version = f"1 pillow {version('pillow')} zlib {zlib.ZLIB_RUNTIME_VERSION}"
    takes = "text"
    gives = "image"

    class Options(PluginOptions):
        width: int = Field(512, ge=32, le=4096)  # px
        height: int = Field(512, ge=32, le=4096)  # px
        font: str | None = None  # path of a TrueType or OpenType file; DejaVu Sans, which is shipped, when not given
        max_font_size: int = Field(64, ge=4, le=1024)  # px
        min_font_size: int = Field(6, ge=4, le=1024)  # px
        margin: int = Field(16, ge=0)  # px on each side that stay free of ink
        line_spacing: float = Field(1.0, ge=0.8, le=4.0)  # in the font's own line height
        ink: str = "black"  # a colour name or #rrggbb
        paper: str = "white"

        @field_validator("ink", "paper")
        @classmethod
        def _is_colour(cls, value: str) -> str:
            _colour(value)
            return value

        @model_validator(mode="after")
        def _consistent(self) -> Self:
            if self.min_font_size > self.max_font_size:
                raise ValueError(f"min_font_size {self.min_font_size} is above max_font_size {self.max_font_size}")
            if 2 * self.margin + self.min_font_size > min(self.width, self.height):
                raise ValueError(f"margin {self.margin} leaves no room in {self.width}x{self.height} px")
            if _colour(self.ink) == _colour(self.paper):
                raise ValueError(f"ink and paper are both {self.ink!r}: nothing could be read")
            return self

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        self._style = fitted_text.Style(
            font=font_path(self.options.font),
            ink=_colour(self.options.ink),
            paper=_colour(self.options.paper),
            **self.options.model_dump(exclude={"font", "ink", "paper"}),
        )

    def convert(self, work: Work) -> Media:
        try:
            image = fitted_text.render([writable(work.text, self._style.font)], self._style)
        except ConversionError as error:
            raise ConversionError(f"query {work.query.id!r}: {error}") from error
        return Media.of("image", png.MIME, png.encode(image))


def _colour(value: str) -> fitted_text.Colour:
    """Raises ValueError for what is no opaque colour."""
    from PIL import ImageColor

    red, green, blue, *alpha = ImageColor.getrgb(value)
    if alpha:
        raise ValueError(f"colour {value!r} is not opaque")
    return red, green, blue
