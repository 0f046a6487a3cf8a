"""Text set as large as a box allows: measured by its ink, wrapped, and never clipped. Layouts share it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

from converters.text_to_image.drawing.glyphs import Face, face
from converters.text_to_image.drawing.shaping import Direction, direction
from safebench.errors import ConversionError

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
    behind: Colour  # what the text stands on
    paper: Colour  # the rest of the canvas
    centred: bool = True  # in the room inside the margin, or else in its upper corner

    @property
    def grey(self) -> bool:
        return all(len(set(colour)) == 1 for colour in (self.ink, self.behind, self.paper))


@dataclass(frozen=True, slots=True)
class Copy:
    """What is to be set: the words of each paragraph, and the direction where they need shaping."""

    paragraphs: tuple[tuple[str, ...], ...]
    direction: Direction | None

    @classmethod
    def of(cls, paragraphs: Sequence[str]) -> Copy:
        return cls(tuple(tuple(paragraph.split()) for paragraph in paragraphs), direction("".join(paragraphs)))

    @property
    def characters(self) -> str:
        return "".join(word for paragraph in self.paragraphs for word in paragraph)


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


# --- fitting


def fit(paragraphs: Sequence[str], style: Style) -> Block:
    """The largest block that fits, each paragraph on lines of its own: with whole words if it can be read so.

    Raises ConversionError when the text does not fit at the smallest size, words broken.
    """
    copy = Copy.of(paragraphs)
    whole_from = min(max(style.min_font_size, WHOLE_WORDS_FROM), style.max_font_size)
    block = _largest(copy, style, whole_from, breaking=False)
    block = block or _largest(copy, style, style.min_font_size, breaking=True)
    if block is None:
        count = sum(map(len, paragraphs))
        raise ConversionError(
            f"{count} characters do not fit into {style.width}x{style.height} px with a margin of {style.margin} px"
            f" at min_font_size {style.min_font_size}: enlarge the image or lower min_font_size"
        )
    return block


def _largest(copy: Copy, style: Style, smallest: int, breaking: bool) -> Block | None:
    """Bisection over whole sizes; None when not even the smallest fits."""
    best, low, high = None, smallest, style.max_font_size
    while low < high:
        middle = (low + high + 1) // 2
        block = _fitted(copy, style, middle, breaking)
        if block is None:
            high = middle - 1
        else:
            best, low = block, middle
    return best or _fitted(copy, style, smallest, breaking)


def _fitted(copy: Copy, style: Style, size: int, breaking: bool) -> Block | None:
    width, height = style.width - 2 * style.margin, style.height - 2 * style.margin
    font = face(style.font, size, copy.direction)
    room = width - font.overhang(copy.characters)
    step = max(1, round(font.line_height * style.line_spacing))
    lines: list[str] = []
    for words in copy.paragraphs:
        lines += wrap(words, font, room, breaking)
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
    """The word whole, or cut where it may be into parts that are no wider than a line if they can be."""
    if font.width(word) <= width:
        return [word]
    pieces, used = [""], 0
    for part in font.breakable(word):
        advance = font.width(part)
        if pieces[-1] and used + advance > width:
            pieces.append("")
            used = 0
        pieces[-1] += part
        used += advance
    return pieces


def _measure(lines: tuple[str, ...], font: Face, step: int) -> Block:
    """The ink box over all lines: italics and accents reach beyond a font's nominal box."""
    inked = [
        (pen + glyph.left, baseline + glyph.top, pen + glyph.right, baseline + glyph.bottom)
        for baseline, line in zip(range(0, step * len(lines), step), lines, strict=True)
        for pen, glyph in font.placed(line)
        if glyph.mask is not None
    ]
    if not inked:
        raise ConversionError("nothing to draw: the font has only blanks for this text")
    lefts, tops, rights, bottoms = zip(*inked, strict=True)
    return Block(lines, font, step, min(lefts), min(tops), max(rights), max(bottoms))


# --- drawing


def draw(block: Block, style: Style) -> Image.Image:
    """The block on a canvas of its own, of mode L for greys, else RGB.

    All ink lies inside the margin; lines are flush left, or right where they are read from there.
    """
    canvas = blank(style)
    free = (style.width - block.width, style.height - block.height)
    left, top = (space // 2 if style.centred else style.margin for space in free)
    put(block, canvas, (left, top), style.ink)
    return canvas


def blank(style: Style) -> Image.Image:
    mode = "L" if style.grey else "RGB"
    return Image.new(mode, (style.width, style.height), fill(style.paper, mode))


def fill(colour: Colour, mode: str) -> int | Colour:
    """The colour as Pillow wants it for mode L or RGB."""
    return colour[0] if mode == "L" else colour


def put(block: Block, canvas: Image.Image, place: tuple[int, int], ink: Colour) -> None:
    """Draw the block with the upper left corner of its ink box at `place`, in px."""
    drawing, colour = ImageDraw.Draw(canvas), fill(ink, canvas.mode)
    left, baseline = place[0] - block.left, place[1] - block.top
    for line in block.lines:
        for pen, glyph in block.face.placed(line):
            if glyph.mask is not None:
                drawing.bitmap((left + pen + glyph.left, baseline + glyph.top), glyph.mask, colour)
        baseline += block.step
