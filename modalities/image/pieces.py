"""How many pieces of ink a text is drawn in: ink beside those of the text that was read is something else.

That holds for Latin letters, digits and their marks. What is drawn in more pieces than told here is never explained.
"""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

LOW = 0.45  # of the tallest line: no letter is lower, but for small type

_LOW_ONLY = {**dict.fromkeys(".,'’-–—_·•", 1), **dict.fromkeys(":;=", 2), "…": 3}
_LOW_NEVER = '‘`´~*^"“”«»'  # small letters are read as such
_LOW_TOO = {**dict.fromkeys("ij!?", 1), "%": 2}
_HOLES = {**dict.fromkeys("abdeopqADOPQR0469#", 1), **dict.fromkeys("gB8&$@%", 2)}


class Pieces(NamedTuple):
    """Of ink that hangs together, as high as letters or lower, and of ground enclosed by it."""

    high: int
    low: int
    holes: int

    def are_of(self, text: str) -> bool:
        """Whether there is no more than the text needs, and of its letters no less: none touches anything."""
        most = _most(text)
        return self.high == most.high and self.low <= most.low and self.holes <= most.holes


def total(all_pieces: list[Pieces]) -> Pieces:
    return Pieces(*(sum(counts) for counts in zip(*all_pieces, strict=True)))


def pieces_of(ink: NDArray[np.bool_], tallest: int) -> Pieces:
    """`ink`: (height, width) of one line. `tallest`: height of the tallest line beside it, in px."""
    from scipy import ndimage

    pieces, _ = ndimage.label(ink, np.ones((3, 3)))
    heights = np.array([rows.stop - rows.start for rows, _ in ndimage.find_objects(pieces)])
    _, grounds = ndimage.label(np.pad(~ink, 1, constant_values=True))
    low = int((heights < LOW * tallest).sum())
    return Pieces(len(heights) - low, low, grounds - 1)


def _most(text: str) -> Pieces:
    return total([_of_character(one) for one in unicodedata.normalize("NFKD", text) if not one.isspace()] or [NONE])


def _of_character(one: str) -> Pieces:
    if unicodedata.combining(one):
        return Pieces(0, 1 + (one == "\N{COMBINING DIAERESIS}"), 0)
    if one in _LOW_ONLY or one in _LOW_NEVER:
        return Pieces(0, _LOW_ONLY.get(one, 0), 0)
    return Pieces(1, _LOW_TOO.get(one, 0), _HOLES.get(one, 0))


NONE = Pieces(0, 0, 0)
