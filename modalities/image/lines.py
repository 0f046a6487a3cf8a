"""Plain lines of text, found by their ink: what a quick look needs of a picture, and when it must not be taken.

Only ink on a flat ground is looked at, with a flat frame around all of it at most, such as a bubble. Whatever else is
there, however faint, could be text that belongs to the picture as well: such a picture has no plain lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from modalities.image.pieces import LOW, Pieces, pieces_of, total

LARGEST = 2**22  # pixels; to look at more takes memory, and the whole reading makes them smaller first
CONTRAST = 128  # levels of grey at least between ink and ground
FLAT = 2  # levels by which neighbours on one ground may differ
LEVELS = 8  # in all grounds together at most
BLUR = 2  # px on both sides of the edge of ink, where it fades into the ground
THICK = 4  # px of the line of a frame at most, on average
LONGEST = 960  # px; of larger pictures neither the whole reading nor most targets see more
SMALLEST = 12  # px at that size; lower lines are not plain to read
WIDEST = 2  # of the height of a line: of a letter at most
SQUARE, FULL = 1.5, 0.7  # of the sides of a dot, and of its box: filled with ink at least
MARGIN = 3  # px of ground that a line keeps around it
DRAWN, HEIGHT = 24, 48  # px of a line, in a strip of that height
WIDE, GAP = 320, 16  # px of a strip at least, where there is so much, and between two lines in it

Mask = NDArray[np.bool_]
Line = tuple[int, int, int, int]  # left, top, right and bottom of its ink, in px


class Strip(NamedTuple):
    """A picture of HEIGHT px, and what all its ink was drawn in."""

    picture: Image.Image
    pieces: Pieces


def strips(picture: Image.Image) -> list[Strip] | None:
    """The lines in order, one beside the other; None where they are not plain."""
    if picture.width * picture.height > LARGEST:
        return None
    grey = picture.convert("L")
    ink = _ink(np.asarray(grey, np.int16))
    channels = (grey,) if picture.mode == "L" else picture.convert("RGB").split()
    if ink is None or not _all_flat([np.asarray(channel, np.int16) for channel in channels], ink):
        return None
    lines = _lines(ink)
    heights = [bottom - top for _, top, _, bottom in lines]
    seen = min(1, LONGEST / max(picture.size))
    if max(heights) * seen < SMALLEST or min(heights) < LOW * max(heights) or not _are_letters(ink, max(heights)):
        return None
    drawn = [_drawn(grey, ink, line, max(heights)) for line in lines]
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


def _all_flat(channels: Sequence[NDArray[np.int16]], ink: Mask) -> bool:
    """Whether all within and around ink is flat, but for frames around all of it. `channels`: (height, width) each.

    Nothing may fade in so slowly, either, that it hardly shows between neighbours.
    """
    from scipy import ndimage

    steps = np.zeros(ink.shape, np.bool_)
    for channel in channels:
        steps[1:] |= np.abs(np.diff(channel, axis=0)) > FLAT
        steps[:, 1:] |= np.abs(np.diff(channel, axis=1)) > FLAT
    near = ndimage.maximum_filter(ink, 2 * BLUR + 1)
    within = ndimage.minimum_filter(ink, 2 * BLUR + 3)
    others, _ = ndimage.label(steps & (within | ~near), np.ones((3, 3)))
    ground = ~(near | steps)
    few = all(np.count_nonzero(np.bincount(channel[ground])) <= LEVELS for channel in channels)
    around = [_reach(near, axis) for axis in (0, 1)]
    frames = enumerate(ndimage.find_objects(others), start=1)
    return few and all(_encloses(place, around) and _is_bare(others[place] == n) for n, place in frames)


def _reach(mask: Mask, axis: int) -> slice:
    """From the first to the last that is true anywhere across."""
    true = np.flatnonzero(np.any(mask, axis=1 - axis))
    return slice(int(true[0]), int(true[-1]) + 1)


def _encloses(frame: Sequence[slice], inner: Sequence[slice]) -> bool:
    return all(own.start < its.start and own.stop > its.stop for own, its in zip(frame, inner, strict=True))


def _is_bare(frame: Mask) -> bool:
    """Whether it is a thin line that bulges nowhere: each row and each column meets it twice at most."""
    meets = [(np.diff(one, axis=0, prepend=False) & one).sum(axis=0).max() for one in (frame, frame.T)]
    return bool(max(meets) <= 2 and frame.sum() <= THICK * 2 * sum(frame.shape))


def _lines(ink: Mask) -> list[Line]:
    """From the top."""
    runs = np.flatnonzero(np.diff(ink.any(axis=1), prepend=False, append=False)).reshape(-1, 2).tolist()
    rows = _with_their_dots(runs, ink)
    columns = [np.flatnonzero(ink[top:bottom].any(axis=0)) for top, bottom in rows]
    return [(int(own[0]), top, int(own[-1]) + 1, bottom) for own, (top, bottom) in zip(columns, rows, strict=True)]


def _with_their_dots(runs: Sequence[Sequence[int]], ink: Mask) -> list[tuple[int, int]]:
    """Rows of ink, from the top. Dots belong to what they stand on, where that is no higher with them than a line."""
    tallest = max(bottom - top for top, bottom in runs)
    rows: list[tuple[int, int]] = []
    for top, bottom in runs:
        if rows and bottom - rows[-1][0] <= tallest and _are_dots(ink[slice(*rows[-1])]):
            rows[-1] = (rows[-1][0], bottom)
        else:
            rows.append((top, bottom))
    return rows


def _are_dots(ink: Mask) -> bool:
    """Whether all pieces are about as wide as high, and full of ink, which no small letter is."""
    from scipy import ndimage

    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    sizes = ((rows.stop - rows.start, columns.stop - columns.start) for rows, columns in ndimage.find_objects(pieces))
    filled = zip(sizes, np.bincount(pieces.ravel())[1:].tolist(), strict=True)
    return all(max(sides) <= SQUARE * min(sides) and area >= FULL * sides[0] * sides[1] for sides, area in filled)


def _are_letters(ink: Mask, tallest: int) -> bool:
    """Whether nothing is drawn across them: a piece wider than any letter."""
    from scipy import ndimage

    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    return all(across.stop - across.start <= WIDEST * tallest for _, across in ndimage.find_objects(pieces))


def _drawn(grey: Image.Image, ink: Mask, line: Line, tallest: int) -> Strip:
    """In the middle of a piece of HEIGHT px of its ground."""
    left, top, right, bottom = line
    cut = grey.crop((left - MARGIN, top - MARGIN, right + MARGIN, bottom + MARGIN))
    scale = DRAWN / tallest
    small = cut.resize((max(1, round(cut.width * scale)), max(1, round(cut.height * scale))), Image.Resampling.BOX)
    piece = Image.new("L", (small.width, HEIGHT), cut.getpixel((0, 0)))
    piece.paste(small, (0, (HEIGHT - small.height) // 2))
    return Strip(piece, pieces_of(ink[top:bottom, left:right], tallest))


def _groups(drawn: Sequence[Strip]) -> Iterator[list[Strip]]:
    """Neighbours, as evenly wide as they come, and hardly below WIDE px together."""
    total_width = sum(one.picture.width + GAP for one in drawn)
    wide = total_width / max(1, total_width // WIDE)
    group: list[Strip] = []
    reached, filled = 0, 0.0
    for one in drawn:
        if group and reached + one.picture.width / 2 > filled + wide:
            yield group
            group, filled = [], filled + wide
        group.append(one)
        reached += one.picture.width + GAP
    yield group


def _joined(group: Sequence[Strip]) -> Strip:
    width = sum(one.picture.width + GAP for one in group) - GAP
    strip = Image.new("L", (width, HEIGHT), group[0].picture.getpixel((0, 0)))
    left = 0
    for one in group:
        strip.paste(one.picture, (left, 0))
        left += one.picture.width + GAP
    return Strip(strip, total([one.pieces for one in group]))
