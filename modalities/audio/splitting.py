"""A long clip in several pieces, cut where it is quietest, for targets that take only so many seconds at once."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np

from modalities.audio.decoding import Samples, decode
from safebench.types import Media

FRAME = 0.02  # s over which the level is taken
SHORTEST = 0.5  # of the longest piece: the earliest place for a cut


def split(media: Media, longest: float) -> tuple[Media, ...]:
    """Pieces of at most `longest` s, in order, as 16-bit WAV; the clip itself where it is short enough.

    No sample is lost or repeated: the pieces joined are the clip. Raises ValueError for a clip that cannot be decoded.
    """
    samples, rate = decode(media)
    most = int(longest * rate)
    if samples.size <= most:
        return (media,)
    bounds = [0, *_cuts(samples, rate, most), samples.size]
    return tuple(_wav(media.medium, samples[start:end], rate) for start, end in pairwise(bounds))


def _cuts(samples: Samples, rate: int, most: int) -> list[int]:
    """Each in the middle of the quietest frame of the latter half of what the piece may hold."""
    frame = max(1, round(FRAME * rate))
    cuts: list[int] = []
    start = 0
    while samples.size - start > most:
        earliest = start + max(1, int(SHORTEST * most))
        window = samples[earliest : start + most]
        count = max(1, window.size // frame)
        energies = [float(np.square(part).sum()) for part in np.array_split(window, count)]
        quietest = int(np.argmin(energies))
        start = earliest + min(window.size - 1, quietest * (window.size // count) + frame // 2)
        cuts.append(start)
    return cuts


def _wav(medium: str, samples: Samples, rate: int) -> Media:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return Media.of(medium, "audio/wav", file.getvalue())
