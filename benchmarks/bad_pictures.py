"""Pictures of text that carry their text no more: none of them may pass the check, whatever reads them back.

    python benchmarks/bad_pictures.py [--data SET] [--limit N] [--layout NAME …]

Each query is drawn by each layout and spoilt in each of the ways below, and checked as the shipped recipes are. The
columns say how many passed, and in how many the quick look at plain lines found the text: both are to be 0. The last
row has the pictures as they were drawn, all of which are to pass. Needs the extra `embedded`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont, ImageOps

from converters.pictures import decode, png
from modalities.image import ImageModality
from modalities.image.ocr import LINES, RapidOcr
from modalities.image.reading import character_error_rate
from safebench import registry
from safebench.datasets.load import load_dataset
from safebench.plugins import Checking, Converter, Work
from safebench.rendering.chain import recognise
from safebench.types import Fidelity, Media, Query

LAYOUTS = ("typographic", "figstep", "chat", "banner")
GATE = {"cer": 0.05}
DARK = 128  # grey; what is darker is ink


@dataclass(frozen=True, slots=True)
class Drawn:
    """A text in a layout, and another text."""

    layout: str
    text: str
    other: str

    def of(self, text: str, **options: object) -> Image.Image:
        behind = Media.of("image", "image/png", png(Image.linear_gradient("L")).read())
        converter = registry.create(Converter, self.layout, "bad pictures", **options)
        media = behind if converter.takes == "image" else None
        return decode(converter.convert(Work(Query("q", text), text, media)).read())

    @property
    def whole(self) -> Image.Image:
        return self.of(self.text)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Of the ink of the text; a banner's lies below its picture."""
        ink = _ink(self.whole)
        ink[: self.whole.height - 96] &= self.layout != "banner"
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def ground(self) -> int | tuple[int, ...]:
        left, top, _, _ = self.box
        level = self.whole.getpixel((left - 2, top - 2))
        assert isinstance(level, int | tuple)
        return level


Spoil = Callable[[Drawn], Image.Image]


def _ink(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L")) < DARK


def _painted(drawn: Drawn, *boxes: tuple[float, float, float, float]) -> Image.Image:
    """With the ground painted over parts of the text: left, top, right and bottom as shares of its box."""
    picture, (left, top, right, bottom) = drawn.whole, drawn.box
    width, height = right - left, bottom - top
    for x, y, to_x, to_y in boxes:
        place = (left + x * width, top + y * height, left + to_x * width, top + to_y * height)
        ImageDraw.Draw(picture).rectangle(place, fill=drawn.ground())
    return picture


def empty(drawn: Drawn) -> Image.Image:
    return _painted(drawn, (0, 0, 1, 1))


def specks(drawn: Drawn) -> Image.Image:
    picture, (left, top, right, bottom) = empty(drawn), drawn.box
    for share in (0.1, 0.4, 0.5, 0.8):
        x, y = left + share * (right - left), top + share * (bottom - top)
        ImageDraw.Draw(picture).ellipse((x, y, x + 9, y + 9), fill="black")
    return picture


def beyond(edge: str) -> Spoil:
    """Moved so far that a third of the text's box lies outside of the picture."""

    def spoil(drawn: Drawn) -> Image.Image:
        picture, (left, top, right, bottom) = drawn.whole, drawn.box
        across, down = (right - left) // 3, (bottom - top) // 3
        moves = {"left": (-left - across, 0), "upper": (0, -top - down)}
        moves |= {"right": (picture.width - right + across, 0), "lower": (0, picture.height - bottom + down)}
        moved = Image.new(picture.mode, picture.size, drawn.ground())
        moved.paste(picture, moves[edge])
        return moved

    return spoil


def lines_upside_down(drawn: Drawn) -> Image.Image:
    """The lines from the last to the first."""
    picture, (left, top, right, bottom) = drawn.whole, drawn.box
    rows = _ink(picture)[top:bottom, left:right].any(axis=1)
    starts = [0, *(np.flatnonzero(np.diff(rows.astype(int)) == -1) + 1).tolist(), len(rows)]
    parts = [picture.crop((left, top + a, right, top + b)) for a, b in pairwise(starts)]
    below = top
    for part in reversed(parts):
        picture.paste(part, (left, below))
        below += part.height
    return picture


def without_a_word(drawn: Drawn) -> Image.Image:
    return drawn.of(drawn.text.replace(_longest(drawn.text), "", 1))


def with_another_word(drawn: Drawn) -> Image.Image:
    word = _longest(drawn.text)
    return drawn.of(drawn.text.replace(word, word[::-1], 1))


def _longest(text: str) -> str:
    return max(text.split(), key=len)


def faint(drawn: Drawn) -> Image.Image:
    return drawn.of(drawn.text, contrast=0.02)


def half_faint(drawn: Drawn) -> Image.Image:
    picture, (_, top, _, bottom) = drawn.whole, drawn.box
    cut = (0, (top + bottom) // 2, picture.width, picture.height)
    picture.paste(faint(drawn).resize(picture.size).crop(cut), cut)
    return picture


def overprinted(share: float) -> Spoil:
    """The other text over it, by so much of the way from its ground to its ink."""
    return lambda drawn: ImageChops.darker(drawn.whole, drawn.of(drawn.other, contrast=share).resize(drawn.whole.size))


def with_more(share: float) -> Spoil:
    """The other text below it, so faint."""

    def spoil(drawn: Drawn) -> Image.Image:
        above, below = drawn.whole, drawn.of(drawn.other, contrast=share)
        both = Image.new(above.mode, (above.width, above.height + below.height))
        both.paste(above, (0, 0))
        both.paste(below, (0, above.height))
        return both

    return spoil


def with_small(size: int, *, beside: bool = False, away: int = 0) -> Spoil:
    """The end of the other text in type of `size` px, so far below the last line, or beside the first one."""

    def spoil(drawn: Drawn) -> Image.Image:
        whole, (left, top, _, bottom) = drawn.whole, drawn.box
        end = " ".join(drawn.other.split()[-4:])
        picture = Image.new(whole.mode, (whole.width + 200 * beside, whole.height + 60), drawn.ground())
        picture.paste(whole, (0, 0))
        return _written(picture, (whole.width, top + 4) if beside else (left, bottom + away), end, size)

    return spoil


def with_small_over_it(drawn: Drawn) -> Image.Image:
    """The other text at the tops of the letters of the first line."""
    left, top, _, _ = drawn.box
    return _written(drawn.whole, (left, top - 12), drawn.other, 16)


def _written(picture: Image.Image, place: tuple[int, int], text: str, size: int) -> Image.Image:
    ImageDraw.Draw(picture).text(place, text, fill="black", font=ImageFont.load_default(size))
    return picture


def in_a_large_picture(drawn: Drawn) -> Image.Image:
    """Type of 14 px at 4,000 px, of which the reading and most targets see a quarter."""
    small = drawn.of(drawn.text, max_font_size=14)
    picture = Image.new(small.mode, (4000, 1000), small.getpixel((0, 0)))
    picture.paste(small, (100, 100))
    return picture


def _unit(drawn: Drawn) -> int:
    """A tenth of the height of the first line, in px."""
    left, top, right, bottom = drawn.box
    rows = _ink(drawn.whole)[top:bottom, left:right].any(axis=1)
    return max(1, int(rows.argmin() or rows.size) // 10)


def ruled(across: int, down: int) -> Spoil:
    """With straight lines over the text that go so far across and down, and a third of their width between them."""

    def spoil(drawn: Drawn) -> Image.Image:
        picture, (left, top, right, bottom), unit = drawn.whole, drawn.box, _unit(drawn)
        over = picture.crop((left, top, right, bottom))
        pen, far = ImageDraw.Draw(over), over.width + over.height
        for start in range(-far, far, 4 * unit * (1 + across * down)):
            x, y = (start, 0) if down else (0, start)
            pen.line((x, y, x + across * far, y + down * far), fill="black", width=3 * unit)
        picture.paste(over, (left, top))
        return picture

    return spoil


def dotted(drawn: Drawn) -> Image.Image:
    picture, (left, top, right, bottom), unit = drawn.whole, drawn.box, _unit(drawn)
    for x in range(left, right, 4 * unit):
        for y in range(top, bottom, 4 * unit):
            ImageDraw.Draw(picture).rectangle((x, y, x + 3 * unit - 1, y + 3 * unit - 1), fill="black")
    return picture


def blurred(drawn: Drawn) -> Image.Image:
    return drawn.whole.filter(ImageFilter.GaussianBlur(4 * _unit(drawn)))


def tiny(drawn: Drawn) -> Image.Image:
    """Type of 2 px."""
    whole = drawn.of(drawn.text, max_font_size=20)
    small = Image.new(whole.mode, whole.size, whole.getpixel((0, whole.height - 1)))
    small.paste(whole.resize((whole.width // 10, whole.height // 10), Image.Resampling.LANCZOS), (20, 20))
    return small


def noisy(drawn: Drawn) -> Image.Image:
    noise = Image.effect_noise(drawn.whole.size, 400).convert(drawn.whole.mode)
    return Image.blend(drawn.whole, noise, 0.95)


FAULTS: Mapping[str, Spoil] = {
    "empty": empty,
    "specks": specks,
    **{f"beyond the {edge} edge": beyond(edge) for edge in ("left", "right", "upper", "lower")},
    "the upper half gone": lambda drawn: _painted(drawn, (0, 0, 1, 0.5)),
    "the lower half gone": lambda drawn: _painted(drawn, (0, 0.5, 1, 1)),
    "a column gone": lambda drawn: _painted(drawn, (0.4, 0, 0.65, 1)),
    "lines from the last to the first": lines_upside_down,
    "a word missing": without_a_word,
    "a word other": with_another_word,
    "another text": lambda drawn: drawn.of(drawn.other),
    "faint": faint,
    "half of it faint": half_faint,
    "overprinted": overprinted(1.0),
    "overprinted in grey": overprinted(0.6),
    "more text below": with_more(1.0),
    "more text below in grey": with_more(0.4),
    "more text below, faint": with_more(0.1),
    "small text far below": with_small(11, away=40),
    "a small caption": with_small(20, away=4),
    "small text beside": with_small(12, beside=True),
    "overprinted with small text": with_small_over_it,
    "small type in a large picture": in_a_large_picture,
    "struck through": ruled(1, 0),
    "crossed out": ruled(0, 1),
    "crossed out on the slant": ruled(1, 1),
    "dotted": dotted,
    "mirrored": lambda drawn: ImageOps.mirror(drawn.whole),
    "upside down": lambda drawn: drawn.whole.rotate(180),
    "type of 2 px": tiny,
    "blurred": blurred,
    "noisy": noisy,
}


def judged(text: str, picture: Image.Image) -> Fidelity:
    return ImageModality().check(Checking(Query("q", text), png(picture), GATE, recognise, RapidOcr.name))


def found_by_lines(text: str, picture: Image.Image) -> bool:
    return character_error_rate(text, recognise(LINES, png(picture))) <= GATE["cer"]


def rows(texts: Sequence[str], layouts: Sequence[str]) -> Iterator[str]:
    yield "| fault | pictures | passed | text found in plain lines |"
    yield "| --- | --- | --- | --- |"
    pairs = [(text, texts[n - 1]) for n, text in enumerate(texts)]
    all_drawn = [Drawn(layout, *pair) for pair in pairs for layout in layouts]
    for name, spoil in {**FAULTS, "as it was drawn": lambda drawn: drawn.whole}.items():
        pictures = [(drawn, spoil(drawn)) for drawn in all_drawn]
        passed = sum(judged(drawn.text, picture).status == "passed" for drawn, picture in pictures)
        found = sum(found_by_lines(drawn.text, picture) for drawn, picture in pictures)
        yield f"| {name} | {len(pictures)} | {passed} | {found} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="starter")
    parser.add_argument("--limit", type=int, default=5)
    parser.add_argument("--layout", nargs="+", default=LAYOUTS)
    options = parser.parse_args()
    queries = load_dataset(options.data).queries
    texts = [query.text for query in queries[:: max(1, len(queries) // options.limit)][: options.limit]]
    for row in rows(texts, options.layout):
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
