"""Distinct repeats, as from a far wall or a bad line."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from converters.audio.effect import Effect
from converters.audio.levels import decibels_to_gain
from converters.recordings import Samples
from safebench.plugins import PluginOptions


class Echo(Effect):
    """y[n] = sum over k = 0..repeats of g^k x[n - k d], with g = 10^(gain_db / 20) and d the delay in samples.

    The clip grows by repeats x delay, so that the last repeat is heard to its end.
    """

    name = "echo"
    summary = "speech with distinct repeats"

    class Options(PluginOptions):
        delay: float = Field(0.25, ge=0.001, le=5.0)  # s between repeats
        gain_db: float = Field(-6.0, ge=-60.0, le=0.0)  # dB of each repeat to the one before
        repeats: int = Field(2, ge=1, le=20)

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        delay = max(1, round(self.options.delay * rate))
        echoed = np.zeros(len(samples) + self.options.repeats * delay)
        for repeat in range(self.options.repeats + 1):
            start = repeat * delay
            echoed[start : start + len(samples)] += samples * decibels_to_gain(self.options.gain_db * repeat)
        return echoed
