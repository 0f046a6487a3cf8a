"""Plain lines of text, found by their ink: what a quick look needs of a picture, and when it must not be taken.

Only ink on a flat ground is looked at, with a flat frame around all of it at most, such as a bubble. Whatever else is
there, however faint, could be text that belongs to the picture as well: such a picture has no plain lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LARGEST = 2**22  # pixels; to look at more takes memory, and the whole reading makes them smaller first
CONTRAST = 128  # levels of grey at least between ink and ground
FLAT = 2  # levels by which neighbours on one ground may differ
BLUR = 2  # px around ink where it fades into the ground
SMALLEST = 12  # px; lower lines are not plain to read
WIDEST, SPECK = 2, 0.25  # of the height of a line: of a letter at most, of a dot or a comma
MARGIN = 3  # px of ground that a line keeps around it
DRAWN, HEIGHT = 24, 48  # px of a line, in a strip of that height
WIDE, GAP = 320, 16  # px of a strip at least, where there is so much, and between two lines in it

Mask = NDArray[np.bool_]
Line = tuple[int, int, int, int]  # left, top, right and bottom of its ink, in px


def strips(picture: Image.Image) -> list[Image.Image] | None:
    """The lines in order, one beside the other in strips of HEIGHT px; None where they are not plain."""
    if picture.width * picture.height > LARGEST:
        return None
    grey = picture.convert("L")
    ink = _ink(np.asarray(grey, np.int16))
    if ink is None or not _all_flat(np.asarray(picture.convert("RGB"), np.int16), ink):
        return None
    lines = _lines(ink)
    tallest = max(bottom - top for _, top, _, bottom in lines)
    if tallest < SMALLEST or not _are_letters(ink, tallest):
        return None
    drawn = [_drawn(grey, line, DRAWN / tallest) for line in lines]
    return [_joined(group) for group in _groups(drawn)]


def _ink(grey: NDArray[np.int16]) -> Mask | None:
    """The fewer of the dark and the light pixels; None where they hardly differ, or reach the edge of the picture."""
    low, high = int(grey.min()), int(grey.max())
    if high - low < CONTRAST:
        return None
    dark = grey < (low + high) / 2
    ink = dark if dark.mean() < 0.5 else ~dark
    at_edge = ink[0].any() or ink[-1].any() or ink[:, 0].any() or ink[:, -1].any()
    return None if at_edge else ink


def _all_flat(pixels: NDArray[np.int16], ink: Mask) -> bool:
    """Whether all that is no ink is flat, but for frames around all ink. `pixels`: (height, width, channels)."""
    from scipy import ndimage

    steps = np.zeros(ink.shape, np.bool_)
    steps[1:] |= (np.abs(np.diff(pixels, axis=0)) > FLAT).any(axis=2)
    steps[:, 1:] |= (np.abs(np.diff(pixels, axis=1)) > FLAT).any(axis=2)
    near = ndimage.maximum_filter(ink, 2 * BLUR + 1)
    (around,) = ndimage.find_objects(near.astype(int))
    others, _ = ndimage.label(steps & ~near, np.ones((3, 3)))
    return all(_encloses(frame, around) for frame in ndimage.find_objects(others))


def _encloses(frame: Sequence[slice], inner: Sequence[slice]) -> bool:
    return all(own.start < its.start and own.stop > its.stop for own, its in zip(frame, inner, strict=True))


def _lines(ink: Mask) -> list[Line]:
    """From the top. What is low and near, such as the dots of an i, belongs to its neighbour."""
    runs = np.flatnonzero(np.diff(ink.any(axis=1), prepend=False, append=False)).reshape(-1, 2)
    tall = np.percentile(runs[:, 1] - runs[:, 0], 75)
    bands: list[tuple[int, int]] = []
    for top, bottom in runs.tolist():
        before = bands[-1] if bands else (0, 0)
        is_part = min(bottom - top, before[1] - before[0]) < 0.5 * tall and top - before[1] < 0.3 * tall
        if bands and is_part:
            bands[-1] = (before[0], bottom)
        else:
            bands.append((top, bottom))
    columns = [np.flatnonzero(ink[top:bottom].any(axis=0)) for top, bottom in bands]
    return [(int(own[0]), top, int(own[-1]) + 1, bottom) for own, (top, bottom) in zip(columns, bands, strict=True)]


def _are_letters(ink: Mask, tallest: int) -> bool:
    """Whether nothing is drawn across them: a piece wider than any letter, or as many specks as letters."""
    from scipy import ndimage

    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    places = ndimage.find_objects(pieces)
    sizes = np.array([[side.stop - side.start for side in place] for place in places])  # height and width
    specks = sizes.max(axis=1) < SPECK * tallest
    return bool(sizes[:, 1].max() <= WIDEST * tallest and specks.mean() < 0.5)


def _drawn(grey: Image.Image, line: Line, scale: float) -> Image.Image:
    """In the middle of a piece of HEIGHT px of its ground."""
    left, top, right, bottom = line
    cut = grey.crop((left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN))
    small = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.BOX)
    piece = Image.new("L", (small.width, HEIGHT), cut.getpixel((0, 0)))
    piece.paste(small, (0, (HEIGHT - small.height) // 2))
    return piece


def _groups(pieces: Sequence[Image.Image]) -> Iterator[list[Image.Image]]:
    """Neighbours, as evenly wide as they come, and hardly below WIDE px together."""
    total = sum(piece.width + GAP for piece in pieces)
    wide = total / max(1, total // WIDE)
    group: list[Image.Image] = []
    reached, filled = 0, 0.0
    for piece in pieces:
        if group and reached + piece.width / 2 > filled + wide:
            yield group
            group, filled = [], filled + wide
        group.append(piece)
        reached += piece.width + GAP
    yield group


def _joined(pieces: Sequence[Image.Image]) -> Image.Image:
    width = sum(piece.width + GAP for piece in pieces) - GAP
    strip = Image.new("L", (width, HEIGHT), pieces[0].getpixel((0, 0)))
    left = 0
    for piece in pieces:
        strip.paste(piece, (left, 0))
        left += piece.width + GAP
    return strip
