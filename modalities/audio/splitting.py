"""A long clip in pieces, cut where it is quietest, so that hardly a word is cut in two."""

from __future__ import annotations

import io
from collections.abc import Iterator

from converters.recordings import Samples
from modalities.audio.decoding import decode
from safebench.types import Media

SEARCHED = 10.0  # s at the end of a piece in which the quietest place is looked for; half of a shorter piece
FRAME = 0.1  # s over which the level is taken; less in a short piece


def split(media: Media, longest: float) -> tuple[Media, ...]:
    """Pieces of at most `longest` s, in order, as 16-bit WAV; the clip itself where it is short enough.

    No sample is lost or repeated: the pieces joined are the clip. Raises ValueError for a clip that cannot be decoded.
    """
    samples, rate = decode(media)
    if samples.size <= longest * rate:
        return (media,)
    return tuple(_wav(media.medium, piece, rate) for piece in pieces(samples, rate, longest))


def pieces(samples: Samples, rate: int, longest: float) -> Iterator[Samples]:
    """The samples in pieces of at most `longest` s at `rate` Hz."""
    most = max(2, int(longest * rate))
    while samples.size > most:
        cut = _quietest(samples[:most], rate)
        yield samples[:cut]
        samples = samples[cut:]
    yield samples


def _quietest(samples: Samples, rate: int) -> int:
    """The middle of the quietest frame near the end, as a place in the samples."""
    searched = min(round(SEARCHED * rate), samples.size // 2)
    frame = max(1, min(round(FRAME * rate), searched // 4))
    frames = samples[-searched:]
    levels = (frames[: frames.size // frame * frame].reshape(-1, frame) ** 2).mean(axis=1)
    return int(samples.size - frames.size + levels.argmin() * frame + frame // 2)


def _wav(medium: str, samples: Samples, rate: int) -> Media:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="PCM_16")
    return Media.of(medium, "audio/wav", file.getvalue())
