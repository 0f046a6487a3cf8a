"""Faster and slower speech."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np
import soxr
from pydantic import Field

from converters.audio.effect import Effect, with_packages
from converters.audio.stretching import at_level_of, window
from converters.recordings import Samples
from safebench.errors import MissingPackage
from safebench.plugins import PluginOptions


class Speed(Effect):
    """The clip lasts 1 / factor as long.

    Its pitch is kept, by librosa's phase vocoder (extra `local`), or with `resampled` goes with the speed as on a
    tape, which needs nothing beyond the base install. The level of the speech stays.
    """

    name = "speed"
    summary = "faster or slower speech, its pitch kept, or altered with `resampled`"
    version = with_packages("1", "librosa", "soxr")
    extra = "local"  # `needs` stays empty: whether librosa is needed depends on an option

    class Options(PluginOptions):
        factor: float = Field(1.25, ge=0.25, le=4.0)  # above 1 is faster
        resampled: bool = False  # speed and pitch together

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)
        if not self.options.resampled and importlib.util.find_spec("librosa") is None:
            raise MissingPackage("converter 'speed' without `resampled = true`", ["librosa"], self.extra)

    def apply(self, samples: Samples, rate: int, random: np.random.Generator) -> Samples:
        return (self._as_tape if self.options.resampled else self._stretched)(samples, rate)

    def _as_tape(self, samples: Samples, rate: int) -> Samples:
        return np.asarray(soxr.resample(samples, rate * self.options.factor, rate, quality="HQ"))

    def _stretched(self, samples: Samples, rate: int) -> Samples:
        from librosa.effects import time_stretch

        stretched = time_stretch(samples, rate=self.options.factor, n_fft=window(len(samples), rate))
        return at_level_of(samples, stretched, rate)
