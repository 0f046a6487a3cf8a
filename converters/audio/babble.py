"""Babble: many voices at once, none of which can be followed.

A converter sees its own query alone, so other queries' clips come from a folder that the user names. Without one, the
clip itself is cut into pieces, shuffled and reversed: this has the spectrum and the rhythm of its speech and carries
no words, but only the timbre of one speaker.
"""

from __future__ import annotations

import numpy as np
import soxr

from converters.audio.levels import active, power
from converters.recordings import Samples

SPEEDS = (0.85, 1.15)  # speed and pitch of each voice together, so that one clip serves for several
PIECE = (0.15, 0.4)  # s; about a syllable or two
FADE = 0.01  # s at both ends of a piece, against clicks


def of_clips(clips: list[Samples], frames: int, voices: int, rate: int, random: np.random.Generator) -> Samples:
    """The sum of `voices` clips, each drawn at random, altered in speed, levelled, and looped from a random place."""
    total = np.zeros(frames)
    for _ in range(voices):
        clip = _levelled(_altered(clips[random.integers(len(clips))], rate, random), rate)
        total += loop(clip, frames, random)
    return total


def of_itself(samples: Samples, voices: int, rate: int, random: np.random.Generator) -> Samples:
    """As long as `samples`: the sum of `voices` copies, each altered in speed, shuffled and reversed in pieces."""
    speech = samples[active(samples, rate)]
    total = np.zeros(len(samples))
    for _ in range(voices):
        total += loop(_shuffled(_altered(speech, rate, random), rate, random), len(samples), random)
    return total


def loop(clip: Samples, frames: int, random: np.random.Generator) -> Samples:
    """`frames` samples of `clip`, from a random place on, again and again."""
    start = int(random.integers(len(clip)))
    return np.asarray(np.resize(np.roll(clip, -start), frames), dtype=np.float64)


def _altered(clip: Samples, rate: int, random: np.random.Generator) -> Samples:
    altered = soxr.resample(clip, rate * random.uniform(*SPEEDS), rate, quality="HQ")
    return np.asarray(altered) if len(altered) else clip


def _levelled(clip: Samples, rate: int) -> Samples:
    """Its speech at a mean square of 1, so that no voice stands out."""
    return clip / float(np.sqrt(power(clip, active(clip, rate)) or 1.0))


def _shuffled(clip: Samples, rate: int, random: np.random.Generator) -> Samples:
    pieces = []
    start = 0
    while start < len(clip):
        end = start + max(1, round(random.uniform(*PIECE) * rate))
        pieces.append(_faded(clip[start:end][::-1], rate))
        start = end
    return np.concatenate([pieces[index] for index in random.permutation(len(pieces))])


def _faded(piece: Samples, rate: int) -> Samples:
    size = min(round(FADE * rate), len(piece) // 2)
    ramp = np.ones(len(piece))
    ramp[:size] = np.linspace(0.0, 1.0, size, endpoint=False)
    return piece * ramp * ramp[::-1]
