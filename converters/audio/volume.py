"""Volume."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from converters.audio.effect import Effect
from converters.audio.levels import decibels_to_gain
from converters.recordings import Samples
from safebench.plugins import PluginOptions


class Volume(Effect):
    """Softer, or louder as far as the peak allows: beyond -1 dBTP a clip is scaled back, never clipped.

    For an overdriven recording use the effect `clipping`.
    """

    name = "volume"
    summary = "speech made softer, or louder up to a peak of -1 dBTP"

    class Options(PluginOptions):
        gain_db: float = Field(-12.0, ge=-60.0, le=60.0)  # dB

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        return samples * decibels_to_gain(self.options.gain_db)
