"""Fonts at a size: what is measured is what is drawn.

Where characters stand one by one they are set by their own advance widths, each drawn once (Pillow's basic layout), so
that the pixels are the same with or without a shaping engine. Text that needs one is shaped line by line by libraqm.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil, floor
from pathlib import Path
from typing import TypeVar

from PIL import Image, ImageDraw, ImageFont

from converters.text_to_image.drawing.shaping import Direction, clusters
from safebench.errors import BadInput
from safebench.resources import data_path

T = TypeVar("T")
_NONCHARACTER = "\U0010ffff"  # Unicode promises that it never stands for anything
_LOOK = 64  # px; large enough that two different glyphs look different


def font_path(font: str) -> str:
    """The path of a shipped font, by its name, or of a font file. Raises BadInput when it cannot be used."""
    shipped = data_path(f"fonts/{font}.ttf")
    path = shipped if shipped.is_file() else Path(font).expanduser()
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in data_path("fonts").glob("*.ttf")))
        raise BadInput(f"font {str(path)!r}: no such file, and no shipped font of this name ({names})")
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
    """A character or a shaped line at one size. The box of its ink is in px from its origin on the baseline, y down."""

    advance: int  # px to the next one's origin
    left: int
    top: int
    right: int
    bottom: int
    mask: Image.Image | None  # the ink in its box; None for a blank

    @property
    def blank(self) -> bool:
        return self.mask is None

    def looks_like(self, other: Glyph) -> bool:
        if self.mask is None or other.mask is None:
            return self.mask is other.mask
        place, others = ((g.advance, g.left, g.top, g.right, g.bottom) for g in (self, other))
        return place == others and self.mask.tobytes() == other.mask.tobytes()


class _Made(dict[str, T]):
    """What is made of a character, once. Looked up without a call: a text is measured at half a dozen sizes."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make

    def __missing__(self, character: str) -> T:
        made = self[character] = self._make(character)
        return made


class Face:
    """One font at one size in px, for characters that stand one by one."""

    def __init__(self, path: str, size: int, direction: Direction | None = None) -> None:
        engine = ImageFont.Layout.RAQM if direction else ImageFont.Layout.BASIC
        self.size = size
        self._direction = direction
        self._font = ImageFont.truetype(path, size, layout_engine=engine)
        self.line_height = sum(self._font.getmetrics())  # px from one baseline to the next
        self._glyphs = _Made(self._draw)
        self._advances = _Made(lambda character: self._glyphs[character].advance)

    def glyph(self, character: str) -> Glyph:
        return self._glyphs[character]

    def placed(self, line: str) -> Iterable[tuple[int, Glyph]]:
        """What a line is made of, with the px from the line's origin to each one's."""
        pens = accumulate(map(self._advances.__getitem__, line), initial=0)  # one more than glyphs, at the line's end
        return zip(pens, map(self._glyphs.__getitem__, line), strict=False)

    def width(self, text: str) -> int:
        """Sum of the advance widths in px."""
        return sum(map(self._advances.__getitem__, text))

    def overhang(self, text: str) -> int:
        """By how many px at most the ink of a line of these characters is wider than its advance widths."""
        glyphs = [self.glyph(character) for character in set(text)]
        return max([0, *(-g.left for g in glyphs)]) + max([0, *(g.right - g.advance for g in glyphs)])

    def breakable(self, word: str) -> Iterable[str]:
        """The parts between which a word may be broken."""
        return word

    def _draw(self, text: str) -> Glyph:
        """Pillow's own box spans the advance width as well as the ink, so the ink is found in what was drawn."""
        advance = ceil(self._font.getlength(text, direction=self._direction))
        box = self._font.getbbox(text, anchor="ls", direction=self._direction)
        x, y, right, bottom = (floor(side) for side in box)
        canvas = Image.new("L", (right + 1 - x, bottom + 1 - y))
        ImageDraw.Draw(canvas).text((-x, -y), text, 255, self._font, anchor="ls", direction=self._direction)
        ink = canvas.getbbox()
        if ink is None:
            return Glyph(advance, 0, 0, 0, 0, None)
        return Glyph(advance, x + ink[0], y + ink[1], x + ink[2], y + ink[3], canvas.crop(ink))


class ShapedFace(Face):
    """One font at one size for text that needs shaping: a line is one drawing, flush right where it runs so."""

    def placed(self, line: str) -> Iterable[tuple[int, Glyph]]:
        drawn = self._draw(line)
        return (((-drawn.advance if self._direction == "rtl" else 0), drawn),)

    def width(self, text: str) -> int:
        return ceil(self._font.getlength(text, direction=self._direction))

    def overhang(self, text: str) -> int:
        """Not known before a line is drawn; whoever fits a block measures its ink."""
        return 0

    def breakable(self, word: str) -> Iterable[str]:
        return clusters(word)


@lru_cache(maxsize=256)
def face(path: str, size: int, direction: Direction | None = None) -> Face:
    """A font at a size in px; kept, because opening a font takes longer than drawing a line.

    With a direction it shapes, which needs libraqm. Raises BadInput for a file that is no font.
    """
    try:
        return ShapedFace(path, size, direction) if direction else Face(path, size)
    except OSError as error:
        raise BadInput(f"font {path!r} is not a font that can be read: {error}") from error
