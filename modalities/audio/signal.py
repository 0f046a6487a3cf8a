"""Checks of the bare signal: they find what no listener could understand, and never prove that one does."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from converters.recordings import Samples

FRAME = 0.02  # s
FLOOR = -120.0  # dB; stands for digital silence
SILENT_PEAK = -60.0  # dBFS; nothing is heard in a clip that stays below
QUIET = -40.0  # dB below the loudest frame: a pause
SPOKEN = -30.0  # dB below the loudest frame: what sounds
SHORTEST = 0.08  # s of sound: any word takes longer, and a click does not
STEADIEST = (
    2.0  # dB between loud and soft frames: a tone and white noise stay below, speech in as loud a noise does not
)
NEAR_PEAK = 0.999  # of the clip's peak

MEASURES = ("duration_s", "seconds_per_word", "silence_share", "clipped_share", "peak_dbfs", "level_range_db")
LIMITS = tuple(f"{side}_{name}" for name in MEASURES for side in ("min", "max"))
_WORD = re.compile(r"[\d\u3040-\u30ff\u3400-\u9fff]|[^\W\d\u3040-\u30ff\u3400-\u9fff]+(?:['’]\w+)*")


def measure(samples: Samples, rate: int, text: str) -> dict[str, float]:
    """Numbers about a clip that speaks `text`.

    duration_s, and seconds_per_word from the first sound to the last; silence_share, of 20 ms frames 40 dB below the
    loudest; clipped_share, of samples within 0.1 % of the peak, which stays when a clipped signal is scaled down;
    peak_dbfs; level_range_db, between the loud (95th percentile) and the soft (5th) frames: small for steady noise.
    """
    levels = _levels(samples, rate)
    sounding = np.flatnonzero(levels > levels.max() + QUIET)
    span = (sounding[-1] + 1 - sounding[0]) * FRAME
    soft, loud = np.percentile(levels[sounding[0] : sounding[-1] + 1], [5, 95])
    peak = np.abs(samples).max()
    return {
        "duration_s": len(samples) / rate,
        "seconds_per_word": float(span / count_words(text)),
        "silence_share": float(1 - len(sounding) / len(levels)),
        "clipped_share": float((np.abs(samples) >= NEAR_PEAK * peak).mean()),
        "peak_dbfs": float(_decibels(peak)),
        "level_range_db": float(loud - soft),
    }


def wordless(samples: Samples, rate: int) -> str | None:
    """Why nobody can have spoken in a clip: silence, a click, or a steady tone or noise; None where somebody may have.

    By the levels of its frames alone, and only where that is sure.
    """
    if not samples.size or is_silent(samples):
        peak = _decibels(np.abs(samples).max(initial=0.0))
        return f"the clip is silent: peak_dbfs is {peak:.0f}, below {SILENT_PEAK:.0f}"
    levels = _levels(samples, rate)
    sounding = np.flatnonzero(levels > levels.max() + SPOKEN)
    seconds = len(sounding) * FRAME
    if seconds < SHORTEST:
        return f"the clip holds no word: it sounds for {seconds:.2f} s"
    soft, loud = np.percentile(levels[sounding[0] + 1 : sounding[-1]], [5, 95])  # the ends may be half a frame
    if loud - soft < STEADIEST:
        return f"the clip holds no word: a steady sound, its levels differ by {loud - soft:.1f} dB"
    return None


def is_silent(samples: Samples) -> bool:
    return bool(_decibels(max(samples.max(), -samples.min())) < SILENT_PEAK)


def count_words(text: str) -> int:
    """Words, at least 1. Each digit counts as one, and in Chinese and Japanese each character."""
    return max(1, len(_WORD.findall(text)))


def _levels(samples: Samples, rate: int) -> Samples:
    """The level of each frame in dBFS, (frames,)."""
    size = max(1, round(FRAME * rate))
    whole = len(samples) - len(samples) % size
    rest = np.pad(samples[whole:], (0, -len(samples) % size))  # without a copy of all the others
    power = [
        np.einsum("ij,ij->i", frames, frames) for frames in (samples[:whole].reshape(-1, size), rest.reshape(-1, size))
    ]
    return _decibels(np.sqrt(np.concatenate(power) / size))  # without an array of squares


def _decibels(amplitude: Samples) -> Samples:
    return 20 * np.log10(np.maximum(amplitude, 10 ** (FLOOR / 20)))


def violations(measures: Mapping[str, float], gate: Mapping[str, float]) -> list[str]:
    """A line for each limit, `min_…` or `max_…` of a measure, that is not kept."""
    lines = []
    for key, limit in gate.items():
        side, _, name = key.partition("_")
        value = measures[name]
        if value < limit if side == "min" else value > limit:
            lines.append(f"{name} is {value:.3g}, {'below' if side == 'min' else 'above'} {key} = {limit:.3g}")
    return lines
