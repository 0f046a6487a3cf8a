"""Text set as large as a box allows: measured by its ink, wrapped, and never clipped. Layouts share it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from converters.text_to_image.glyphs import Face, face
from safebench.errors import ConversionError

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = tuple[int, int, int]
WHOLE_WORDS_FROM = 14  # px; a word too long for its line is broken rather than everything set smaller than this


@dataclass(frozen=True, slots=True)
class Style:
    """How text is set. Lengths in px; `line_spacing` is a multiple of the font's own line height."""

    font: str
    width: int
    height: int
    margin: int
    max_font_size: int
    min_font_size: int
    line_spacing: float
    ink: Colour
    paper: Colour

    @property
    def grey(self) -> bool:
        return all(len(set(colour)) == 1 for colour in (self.ink, self.paper))


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one size. The ink box is in px from the origin of the first line, y downwards."""

    lines: tuple[str, ...]
    face: Face
    step: int  # px from one baseline to the next
    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        return self.right - self.left

    @property
    def height(self) -> int:
        return self.bottom - self.top


def render(paragraphs: Sequence[str], style: Style) -> Image:
    """An image (mode L for greys, else RGB) with each paragraph on lines of its own, as large as it fits.

    The block of lines is centred, its lines are flush left, and all its ink lies inside the margin.
    Raises ConversionError when the text does not fit at the smallest size.
    """
    return draw(fit(paragraphs, style), style)


# --- fitting


def fit(paragraphs: Sequence[str], style: Style) -> Block:
    """The largest block that fits: with whole words if it can be read so, else with broken ones."""
    words = [paragraph.split() for paragraph in paragraphs]
    whole_from = min(max(style.min_font_size, WHOLE_WORDS_FROM), style.max_font_size)
    block = _largest(words, style, whole_from, breaking=False)
    block = block or _largest(words, style, style.min_font_size, breaking=True)
    if block is None:
        count = sum(map(len, paragraphs))
        raise ConversionError(
            f"{count} characters do not fit into {style.width}x{style.height} px with a margin of {style.margin} px"
            f" at min_font_size {style.min_font_size}: enlarge the image or lower min_font_size"
        )
    return block


def _largest(words: Sequence[Sequence[str]], style: Style, smallest: int, breaking: bool) -> Block | None:
    """Bisection over whole sizes; None when not even the smallest fits."""
    best = _fitted(words, style, smallest, breaking)
    low, high = smallest, style.max_font_size
    while best is not None and low < high:
        middle = (low + high + 1) // 2
        block = _fitted(words, style, middle, breaking)
        if block is None:
            high = middle - 1
        else:
            best, low = block, middle
    return best


def _fitted(words: Sequence[Sequence[str]], style: Style, size: int, breaking: bool) -> Block | None:
    width, height = style.width - 2 * style.margin, style.height - 2 * style.margin
    font = face(style.font, size)
    room = width - font.overhang("".join(word for paragraph in words for word in paragraph))
    step = max(1, round(font.line_height * style.line_spacing))
    lines: list[str] = []
    for paragraph in words:
        lines += wrap(paragraph, font, room, breaking)
        if (len(lines) - 1) * step > height:
            return None
    block = _measure(tuple(lines), font, step)
    return block if block.width <= width and block.height <= height else None


def wrap(words: Sequence[str], font: Face, width: int, breaking: bool) -> Iterator[str]:
    """Fill lines greedily. A word wider than a line stands alone in its own, or is broken where `breaking`."""
    space = font.width(" ")
    line, used = "", 0
    for word in words:
        for piece in _pieces(word, font, width) if breaking else (word,):
            needed = font.width(piece)
            if line and used + space + needed > width:
                yield line
                line, used = "", 0
            line, used = (f"{line} {piece}", used + space + needed) if line else (piece, needed)
    if line:
        yield line


def _pieces(word: str, font: Face, width: int) -> list[str]:
    """The word whole, or cut into parts that are no wider than a line and hold at least one character."""
    if font.width(word) <= width:
        return [word]
    pieces, used = [""], 0
    for character in word:
        advance = font.glyph(character).advance
        if pieces[-1] and used + advance > width:
            pieces.append("")
            used = 0
        pieces[-1] += character
        used += advance
    return pieces


def _measure(lines: tuple[str, ...], font: Face, step: int) -> Block:
    """The ink box over all lines: italics and accents reach beyond a font's nominal box."""
    lefts, tops, rights, bottoms = [], [], [], []
    for baseline, line in zip(range(0, step * len(lines), step), lines, strict=True):
        pen = 0
        for character in line:
            glyph = font.glyph(character)
            if not glyph.blank:
                lefts.append(pen + glyph.left)
                tops.append(baseline + glyph.top)
                rights.append(pen + glyph.right)
                bottoms.append(baseline + glyph.bottom)
            pen += glyph.advance
    if not lefts:
        raise ConversionError("nothing to draw: the font has only blanks for this text")
    return Block(lines, font, step, min(lefts), min(tops), max(rights), max(bottoms))


# --- drawing


def draw(block: Block, style: Style) -> Image:
    from PIL import Image

    grey = style.grey
    canvas = Image.new("L" if grey else "RGB", (style.width, style.height), style.paper[0] if grey else style.paper)
    ink: int | Colour = style.ink[0] if grey else style.ink
    left = (style.width - block.width) // 2 - block.left
    baseline = (style.height - block.height) // 2 - block.top
    for line in block.lines:
        pen = 0
        for character in line:
            glyph = block.face.glyph(character)
            if glyph.mask is not None:
                canvas.paste(ink, (left + pen + glyph.left, baseline + glyph.top), glyph.mask)
            pen += glyph.advance
        baseline += block.step
    return canvas
