"""Fonts at a size, with every character measured and drawn once.

Characters are set one after another by their own advance widths (Pillow's basic layout, no shaping engine), so that
what is measured is what is drawn, on every machine, with or without libraqm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor
from pathlib import Path
from typing import TYPE_CHECKING

from safebench.errors import BadInput
from safebench.resources import data_path

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT_FONT = "fonts/DejaVuSans.ttf"
_NONCHARACTER = "\U0010ffff"  # Unicode promises that it never stands for anything
_LOOK = 64  # px; large enough that two different glyphs look different


def font_path(font: str | None) -> str:
    """The path of a font file; the shipped one for None. Raises BadInput when it cannot be used."""
    path = Path(font).expanduser() if font else data_path(DEFAULT_FONT)
    if not path.is_file():
        raise BadInput(f"font {str(path)!r}: no such file")
    face(str(path), _LOOK)
    return str(path)


@lru_cache(maxsize=65536)
def lacks(path: str, character: str) -> bool:
    """True when the font draws a character that is not white space as a blank, or like a code point that no font has.

    Font libraries draw the same box for all they lack, and Pillow does not tell. A glyph that cannot be told from that
    box, or shows nothing, would not be read for what it is either.
    """
    font = face(path, _LOOK)
    return font.glyph(character).blank or font.glyph(character).looks_like(font.glyph(_NONCHARACTER))


@dataclass(frozen=True, slots=True, eq=False)
class Glyph:
    """One character at one size. The box of its ink is in px from its origin on the baseline, y downwards."""

    advance: int  # px to the next character's origin
    left: int
    top: int
    right: int
    bottom: int
    mask: Image | None  # the ink in its box; None for a blank

    @property
    def blank(self) -> bool:
        return self.mask is None

    def looks_like(self, other: Glyph) -> bool:
        if self.mask is None or other.mask is None:
            return self.mask is other.mask
        place, others = ((g.advance, g.left, g.top, g.right, g.bottom) for g in (self, other))
        return place == others and self.mask.tobytes() == other.mask.tobytes()


class Face:
    """One font at one size in px."""

    def __init__(self, path: str, size: int) -> None:
        from PIL import ImageFont

        self.size = size
        self._font = ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)
        self.line_height = sum(self._font.getmetrics())  # px from one baseline to the next
        self._glyphs: dict[str, Glyph] = {}

    def glyph(self, character: str) -> Glyph:
        found = self._glyphs.get(character)
        if found is None:
            found = self._glyphs[character] = self._draw(character)
        return found

    def width(self, text: str) -> int:
        """Sum of the advance widths in px."""
        return sum([self.glyph(character).advance for character in text])

    def overhang(self, text: str) -> int:
        """By how many px at most the ink of a line of these characters is wider than its advance widths."""
        glyphs = [self.glyph(character) for character in set(text)]
        return max([0, *(-g.left for g in glyphs)]) + max([0, *(g.right - g.advance for g in glyphs)])

    def _draw(self, character: str) -> Glyph:
        """Pillow's own box spans the advance width as well as the ink, so the ink is found in what was drawn."""
        from PIL import Image, ImageDraw

        advance = ceil(self._font.getlength(character))
        x, y, right, bottom = (floor(side) for side in self._font.getbbox(character, anchor="ls"))
        canvas = Image.new("L", (right + 1 - x, bottom + 1 - y))
        ImageDraw.Draw(canvas).text((-x, -y), character, 255, self._font, anchor="ls")
        ink = canvas.getbbox()
        if ink is None:
            return Glyph(advance, 0, 0, 0, 0, None)
        return Glyph(advance, x + ink[0], y + ink[1], x + ink[2], y + ink[3], canvas.crop(ink))


@lru_cache(maxsize=256)
def face(path: str, size: int) -> Face:
    """A font at a size in px; kept, because opening a font takes longer than drawing a line."""
    try:
        return Face(path, size)
    except OSError as error:
        raise BadInput(f"font {path!r} is not a font that can be read: {error}") from error
