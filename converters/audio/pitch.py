"""Higher and lower voices."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from converters.audio.effect import Effect, with_packages
from converters.audio.stretching import at_level_of, window
from converters.recordings import Samples
from safebench.plugins import PluginOptions


class Pitch(Effect):
    """All frequencies times 2^(semitones / 12), the formants too; the clip lasts as long as it did.

    By librosa: the clip is stretched by a phase vocoder and resampled. The level of the speech stays.
    """

    name = "pitch"
    summary = "speech at a higher or lower pitch, as long as it was"
    version = with_packages("1", "librosa", "soxr")
    needs = ("librosa",)
    extra = "local"

    class Options(PluginOptions):
        semitones: float = Field(3.0, ge=-24.0, le=24.0)

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        from librosa.effects import pitch_shift

        shifted = pitch_shift(samples, sr=rate, n_steps=self.options.semitones, n_fft=window(len(samples), rate))
        return at_level_of(samples, shifted, rate)
